"""NumPy arrays and PyTorch tensors as the library's batches, without copies."""

from __future__ import annotations

import sys
import warnings
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

from cutlab._native import Error, ffi, lib

Array = npt.NDArray[Any]

LAYOUTS = ("NHWC", "NCHW", "NHW", "NLC", "NCL", "NL")
DTYPES = {
    "uint8": lib.CUTLAB_UINT8,
    "float16": lib.CUTLAB_FLOAT16,
    "float32": lib.CUTLAB_FLOAT32,
}
# Order of the axes in memory, as positions in [N, H, W, C].
MEMORY = {lib.CUTLAB_NHWC: (0, 1, 2, 3), lib.CUTLAB_NCHW: (0, 3, 1, 2)}


def is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def as_array(value: Any, name: str) -> Array:
    """The same memory as a NumPy array."""
    if isinstance(value, np.ndarray):
        return value
    if not is_tensor(value):
        raise Error(f"{name} is a {type(value).__name__}; accepted: NumPy array, PyTorch tensor")
    if str(value.layout) != "torch.strided":
        raise Error(f"{name} has layout {value.layout}; accepted: torch.strided (to_dense())")
    if value.device.type != "cpu":
        raise Error(f"{name} is on device {value.device}; accepted: cpu")
    if value.requires_grad:
        raise Error(f"{name} requires gradients; accepted: a tensor without (detach it)")
    try:
        return value.numpy()  # type: ignore[no-any-return]
    except (TypeError, RuntimeError):
        raise Error(f"{name} has dtype {value.dtype}; accepted: {', '.join(DTYPES)}") from None


def dtype_name(dtype: Any) -> str:
    """The name in NumPy of a dtype of NumPy or PyTorch, of those accepted."""
    name = str(dtype).replace("torch.", "")
    if name not in DTYPES:
        with suppress(TypeError):
            name = np.dtype(dtype).name
    if name not in DTYPES:
        raise Error(f"dtype is {name}; accepted: {', '.join(DTYPES)}")
    return name


def choose_layout(layout: str | None, rank: int, tensor: bool) -> str:
    if layout is None:
        if rank == 4:
            return "NCHW" if tensor else "NHWC"
        raise Error(
            f"images have {rank} axes; accepted: 4, or fewer with a layout that says what they "
            "are: NHW (grey images), NLC, NCL or NL (series)"
        )
    if layout not in LAYOUTS:
        raise Error(f"layout is {layout!r}; accepted: {', '.join(LAYOUTS)}")
    if len(layout) != rank:
        raise Error(f"layout is {layout}, but there are {rank} axes; accepted: {len(layout)} axes")
    return layout


class Images:
    """A batch in the caller's memory.

    value: what the caller gave; view: [N][H][W][C] of the same memory; fits: the memory layouts
    that describe it, the one its name says first.
    """

    def __init__(self, value: Any, layout: str | None, name: str = "images") -> None:
        array = as_array(value, name)
        self.value = value
        self.tensor = is_tensor(value)
        self.layout = choose_layout(layout, array.ndim, self.tensor)
        self.assumed = layout is None
        self.name = name
        if array.dtype.name not in DTYPES or not array.dtype.isnative:
            raise Error(f"{name} has dtype {array.dtype}; accepted: {', '.join(DTYPES)}")
        self.view = self._logical(array)
        self.fits = [memory for memory in self._by_name() if self._packed(memory)]
        if not self.fits:
            raise Error(
                f"{name} of shape {array.shape} has strides {array.strides}; accepted: samples "
                "that are contiguous, channels first or last, at rising addresses"
            )

    def warn_if_doubtful(self) -> None:
        """Warns, for the function that calls this one, if the layout is assumed and unlikely."""
        _count, height, width, channels = self.view.shape
        if self.assumed and self.layout == "NHWC" and height in (1, 3, 4) and channels > 4:
            warnings.warn(
                f"{self.name} of shape (N, {height}, {width}, {channels}) are taken as NHWC, "
                f"{height} x {width} with {channels} channels; give layout='NCHW' if channels come "
                "first, layout='NHWC' if not",
                stacklevel=3,
            )

    def _logical(self, array: Array) -> Array:
        letters = self.layout.replace("L", "W")
        view = array.transpose([letters.index(axis) for axis in "NHWC" if axis in letters])
        for position, axis in enumerate("NHWC"):
            if axis not in letters:
                view = np.expand_dims(view, position)
        return view

    def _by_name(self) -> list[int]:
        first = self.layout in ("NCHW", "NCL")
        return [lib.CUTLAB_NCHW, lib.CUTLAB_NHWC] if first else [lib.CUTLAB_NHWC, lib.CUTLAB_NCHW]

    def _packed(self, memory: int) -> bool:
        expected = self.view.itemsize
        if self.view.size == 0:
            return True
        for axis in reversed(MEMORY[memory][1:]):
            if self.view.shape[axis] > 1 and self.view.strides[axis] != expected:
                return False
            expected *= self.view.shape[axis]
        return len(self.view) <= 1 or self.view.strides[0] >= expected

    def batch(self, memory: int) -> Any:
        count, height, width, channels = self.view.shape
        return ffi.new(
            "cutlab_batch *",
            {
                "data": ffi.cast("void *", self.view.__array_interface__["data"][0]),
                "dtype": DTYPES[self.view.dtype.name],
                "layout": memory,
                "count": count,
                "height": height,
                "width": width,
                "channels": channels,
                "stride": self.view.strides[0] if count > 1 else 0,
            },
        )

    def new(self, dtype: str) -> Any:
        """An array or tensor like this one, packed, of another dtype, not filled."""
        order = MEMORY[self.fits[0]]
        made = np.empty([self.view.shape[axis] for axis in order], dtype)
        view = made.transpose(np.argsort(order))
        letters = self.layout.replace("L", "W")
        for position, axis in reversed(list(enumerate("NHWC"))):
            if axis not in letters:
                view = view.squeeze(position)
        kept = [axis for axis in "NHWC" if axis in letters]
        array = view.transpose([kept.index(axis) for axis in letters])
        return sys.modules["torch"].from_numpy(array) if self.tensor else array

    def __repr__(self) -> str:
        return f"Images({self.layout}, {self.view.shape}, {self.view.dtype})"
