"""Augmentation in a PyTorch DataLoader.

data = Indexed(dataset)
collate = Collate("flip | cutmix(p=.5) | normalise", classes=10, seed=1)
sampler = Sampler(data, seed=1)
loader = DataLoader(data, 128, sampler=sampler, collate_fn=collate, num_workers=4)
for epoch in range(200):
    sampler.set_epoch(epoch)
    collate.set_epoch(epoch)
    for images, labels in loader: ...

Batches are a function of (seed, epoch): not of the number of workers, how they are started, or
where an epoch was resumed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized
from typing import Any

import numpy as np

try:
    import torch
    from torch.utils.data import Dataset, default_collate
    from torch.utils.data import Sampler as TorchSampler
except ImportError as reason:
    raise ImportError("cutlab.torch needs PyTorch: pip install torch") from reason

from cutlab._arrays import LAYOUTS, Images, dtype_name
from cutlab._native import INDEX_MOST, SEED_MOST, Error, ffi, lib, whole
from cutlab._policy import Policy, as_policy

SHUFFLE_STREAM = 1000  # of the library's random numbers, for nothing else


class Indexed(Dataset[Any]):
    """A data set of (image, label) as one of (image, label, index); indices are sample ids."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> tuple[Any, Any, int]:
        image, label = self.dataset[index]
        return image, label, index

    def __repr__(self) -> str:
        return f"Indexed({self.dataset!r})"


class Collate:
    """A collate_fn that turns items (image, label, index) into augmented (images, labels).

    Images that are tensors are [C][H][W] each; arrays and PIL images [H][W][C]. `layout` of the
    batch as in `Plan.apply` says otherwise. The images returned are [N][C][H][W] or [N][C][L], in
    the memory format of the items (channels_last for arrays), labels float32 as from `Plan.labels`.
    dtype: of the images returned; uint8 is divided by 255 on its way to floating point.
    """

    def __init__(
        self,
        policy: Policy | str,
        classes: int | None = None,
        seed: int = 0,
        layout: str | None = None,
        dtype: Any = "float32",
        smoothing: float = 0,
        mix: str = "linear",
    ) -> None:
        if layout is not None and layout not in LAYOUTS:
            raise Error(f"layout is {layout!r}; accepted: {', '.join(LAYOUTS)}")
        self.policy = as_policy(policy)
        self.classes = classes
        self.seed = whole("seed", seed, 0, SEED_MOST)
        self.layout = layout
        self.dtype = dtype_name(dtype)
        self.smoothing = smoothing
        self.mix = mix
        self._epoch = torch.zeros(1, dtype=torch.int64)
        self._epoch.share_memory_()  # type: ignore[no-untyped-call]

    @property
    def epoch(self) -> int:
        return int(self._epoch.item())

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch, in workers too; before the loader's iteration begins."""
        self._epoch[0] = whole("epoch", epoch, 0, INDEX_MOST)

    def __call__(self, items: Sequence[tuple[Any, Any, int]]) -> tuple[torch.Tensor, torch.Tensor]:
        try:
            pictures, labels, indices = zip(*items)
        except ValueError:
            raise Error("items are not (image, label, index); accepted: those of Indexed") from None
        stack, layout = self._stack(pictures)
        images = Images(stack, layout)
        images.warn_if_doubtful()
        _count, height, width, _channels = images.view.shape
        plan = self.policy.plan(indices, height, width, self.seed, self.epoch)
        in_place = images.view.dtype.name == self.dtype
        out = plan._apply(images, stack if in_place else None, layout, self.dtype)
        mixed = plan.labels(default_collate(list(labels)), self.classes, self.smoothing, self.mix)
        return _channels_first(out, images.layout), mixed

    def _stack(self, pictures: Sequence[Any]) -> tuple[Any, str | None]:
        if torch.is_tensor(pictures[0]):
            return torch.stack(list(pictures)), self.layout
        stack = np.stack([np.asarray(picture) for picture in pictures])
        pil_grey = stack.ndim == 3 and not isinstance(pictures[0], np.ndarray)
        return stack, self.layout or ("NHW" if pil_grey else None)

    def __repr__(self) -> str:
        return (
            f"Collate({self.policy.text!r}, classes={self.classes}, seed={self.seed}, "
            f"epoch={self.epoch})"
        )


def _channels_first(images: Any, layout: str) -> torch.Tensor:
    tensor = images if torch.is_tensor(images) else torch.from_numpy(images)
    if layout in ("NHW", "NL"):
        return tensor.unsqueeze(1)
    return tensor.movedim(-1, 1) if layout in ("NHWC", "NLC") else tensor


class Sampler(TorchSampler[int]):
    """Shuffles: indices of a data set in an order that is a function of (seed, epoch).

    data: a data set, or its size. start: how many samples of the epoch were used already, to
    resume in its middle (a multiple of the batch size gives the batches that were left).
    """

    def __init__(self, data: Sized | int, seed: int = 0, start: int = 0) -> None:
        size = data if isinstance(data, int) else len(data)
        self.size = whole("size", size, 0, INDEX_MOST)
        self.seed = whole("seed", seed, 0, SEED_MOST)
        self.set_epoch(0, start)

    def set_epoch(self, epoch: int, start: int = 0) -> None:
        """Sets the epoch, and where in it to start; before the loader's iteration begins."""
        self.epoch = whole("epoch", epoch, 0, INDEX_MOST)
        self.start = whole("start", start, 0, self.size)

    def __iter__(self) -> Iterator[int]:
        order = np.empty(self.size, np.int64)
        random = ffi.new("cutlab_random *")
        random[0] = lib.cutlab_random_make(self.seed, SHUFFLE_STREAM, self.epoch, 0, 0)
        lib.cutlab_random_permutation(random, ffi.from_buffer("int64_t[]", order), self.size)
        return iter(order[self.start :].tolist())

    def __len__(self) -> int:
        return self.size - self.start

    def __repr__(self) -> str:
        return f"Sampler({self.size}, seed={self.seed}, epoch={self.epoch}, start={self.start})"
