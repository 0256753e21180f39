"""Plans: what happens to every sample of one batch, as data."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from os import PathLike, fsencode
from typing import TYPE_CHECKING, Any, TypeVar, Union

import numpy as np
import numpy.typing as npt

from cutlab._arrays import Images, as_array, dtype_name, is_tensor
from cutlab._native import INDEX_MOST, SEED_MOST, Error, call, ffi, lib, whole

if TYPE_CHECKING:
    from cutlab._policy import Policy

Samples = Union[int, Sequence[int], npt.NDArray[np.integer[Any]]]
T = TypeVar("T")

SIDE_MOST = 2**31 - 1


def _entry_dtype() -> np.dtype[Any]:
    """The structured dtype of a cutlab_entry, from its declaration."""
    names, formats, offsets = [], [], []
    for name, member in ffi.typeof("cutlab_entry").fields:
        array = member.type.kind == "array"
        item = member.type.item if array else member.type
        shape = (member.type.length,) if array else ()
        letter = {"double": "f", "uint64_t": "u"}.get(item.cname, "i")
        names.append(name)
        formats.append((f"{letter}{ffi.sizeof(item)}", shape))
        offsets.append(member.offset)
    size = ffi.sizeof("cutlab_entry")
    layout: Any = {"names": names, "formats": formats, "offsets": offsets, "itemsize": size}
    dtype: np.dtype[Any] = np.dtype(layout)
    return dtype


ENTRY = _entry_dtype()


class _Memory:
    """Memory of the library as NumPy takes it; keeps its owner alive."""

    def __init__(self, pointer: Any, count: int, size: int, owner: Any) -> None:
        address = int(ffi.cast("uintptr_t", pointer))
        self.owner = owner
        self.__array_interface__ = {
            "version": 3,
            "shape": (count * size,),
            "typestr": "|u1",
            "data": (address, True),
        }


def _view(pointer: Any, count: int, dtype: Any, owner: Any) -> npt.NDArray[Any]:
    """A read-only array [count] of the library's memory."""
    kind = np.dtype(dtype)
    if not count:
        return np.empty(0, kind)
    return np.asarray(_Memory(pointer, count, kind.itemsize, owner)).view(kind)


def ids(samples: Any, name: str = "samples") -> npt.NDArray[np.int64]:
    """[N] int64 from integers of any type."""
    array = np.asarray(samples)
    if array.size == 0:
        array = array.astype(np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise Error(
            f"{name} have shape {array.shape} and dtype {array.dtype}; accepted: [N] integers"
        )
    if array.dtype.kind == "u" and array.size and int(array.max()) > INDEX_MOST:
        raise Error(f"{name} has {int(array.max())}; accepted: at most {INDEX_MOST}")
    return np.ascontiguousarray(array, np.int64)


def _draw_of(
    samples: Samples, height: int, width: int, seed: int | None, epoch: int | None
) -> tuple[Any, npt.NDArray[np.int64]]:
    """A cutlab_draw, and the ids that must outlive it."""
    if isinstance(samples, (int, np.integer)):
        samples = np.arange(whole("samples", samples, 0, 2**31 - 1))
    own = ids(samples)
    draw = ffi.new(
        "cutlab_draw *",
        {
            "seed": whole("seed", seed, 0, SEED_MOST),
            "epoch": whole("epoch", epoch, 0, INDEX_MOST),
            "samples": ffi.from_buffer("int64_t[]", own),
            "count": len(own),
            "height": whole("height", height, 1, SIDE_MOST),
            "width": whole("width", width, 1, SIDE_MOST),
        },
    )
    return draw, own


def _rows(labels: npt.NDArray[Any], classes: int | None) -> npt.NDArray[np.float32]:
    """Rows or regression targets as float32, checked; classes: as said by the caller."""
    if labels.ndim == 1 and classes is not None:
        raise Error(
            f"labels have dtype {labels.dtype}, but classes is {classes}; accepted: integers as "
            "class ids, or regression targets without classes"
        )
    if classes is not None and labels.shape[1] != whole("classes", classes, 1, 2**31 - 1):
        raise Error(
            f"labels have {labels.shape[1]} columns, but classes is {classes}; accepted: as many "
            "columns as classes, or class ids [N]"
        )
    with np.errstate(over="ignore"):
        rows = np.array(labels, np.float32, order="C", ndmin=1)
    bad = np.argwhere(~np.isfinite(rows))
    if len(bad):
        where = ", ".join(f"{axis} {i}" for axis, i in zip(("row", "column"), bad[0]))
        raise Error(f"labels, {where}: {labels[tuple(bad[0])]}; accepted: finite float32 numbers")
    return rows


class Plan:
    """What happens to every sample of one batch: data, drawn by `Policy.plan`. Immutable.

    Its arrays `entries` and `runs` are read-only views of the library's memory.
    """

    def __init__(self, policy: Policy, handle: Any) -> None:
        self._policy = policy
        self._handle = handle
        self._lock = threading.Lock()  # reading sources uses the plan's scratch memory

    @classmethod
    def _new(cls, policy: Policy) -> Plan:
        made = ffi.new("cutlab_plan **")
        call("cutlab_plan_create", made)
        return cls(policy, ffi.gc(made[0], lib.cutlab_plan_free))

    @classmethod
    def draw(
        cls,
        policy: Policy,
        samples: Samples,
        height: int,
        width: int,
        seed: int = 0,
        epoch: int = 0,
    ) -> Plan:
        """As `Policy.plan`."""
        plan = cls._new(policy)
        draw, _ids = _draw_of(samples, height, width, seed, epoch)
        call("cutlab_plan_draw", plan._handle, policy._handle, draw)
        return plan

    @classmethod
    def from_entries(
        cls,
        policy: Policy,
        entries: npt.NDArray[Any],
        runs: npt.ArrayLike,
        samples: Samples,
        height: int,
        width: int,
        seed: int | None = 0,
        epoch: int | None = 0,
    ) -> Plan:
        """A plan made elsewhere, checked in every respect.

        entries: dtype as `Plan.entries`, any order; runs: [R][2] int64. seed and epoch are only
        kept; None for both: they are not known.
        """
        if not isinstance(entries, np.ndarray) or entries.dtype != ENTRY or entries.ndim != 1:
            raise Error(
                "entries are of another kind; accepted: a 1-D array with Plan.entries.dtype"
            )
        entries = np.ascontiguousarray(entries)
        ranges = np.ascontiguousarray(runs, np.int64).reshape(-1, 2)
        plan = cls._new(policy)
        if seed is None and epoch is None:
            draw, _ids = _draw_of(samples, height, width, 0, 0)
            draw.epoch = -1
        else:
            draw, _ids = _draw_of(samples, height, width, seed, epoch)
        call(
            "cutlab_plan_set",
            plan._handle,
            policy._handle,
            draw,
            ffi.cast("cutlab_entry *", entries.__array_interface__["data"][0]),
            len(entries),
            ffi.cast("cutlab_run_range *", ranges.__array_interface__["data"][0]),
            len(ranges),
        )
        return plan

    # ---- Reading ----

    @property
    def _drawn(self) -> Any:
        return lib.cutlab_plan_drawn(self._handle)

    @property
    def policy(self) -> Policy:
        return self._policy

    @property
    def seed(self) -> int | None:
        """None where the plan was read from a ledger that does not say it; so for epoch."""
        return None if self.epoch is None else int(self._drawn.seed)

    @property
    def epoch(self) -> int | None:
        epoch = int(self._drawn.epoch)
        return None if epoch < 0 else epoch

    @property
    def height(self) -> int:
        return int(self._drawn.height)

    @property
    def width(self) -> int:
        return int(self._drawn.width)

    @property
    def samples(self) -> npt.NDArray[np.int64]:
        """[N] ids of the samples, read-only."""
        drawn = self._drawn
        return _view(drawn.samples, drawn.count, np.int64, self._handle)

    def __len__(self) -> int:
        """The number of samples."""
        return int(self._drawn.count)

    @property
    def entries(self) -> npt.NDArray[Any]:
        """[E] structured, read-only: what steps do to outputs, ordered by step, then row.

        The fields are those of cutlab_entry: sample, partner, key, lambda, weight, values,
        pixels, run, run_count, row, partner_row, step, top, left, bottom, right.
        """
        count = ffi.new("int64_t *")
        pointer = lib.cutlab_plan_entries(self._handle, count)
        return _view(pointer, count[0], ENTRY, self._handle)

    @property
    def runs(self) -> npt.NDArray[np.int64]:
        """[R][2] int64, read-only: positions [begin, end) of y * width + x, for masks that are no
        boxes."""
        count = ffi.new("int64_t *")
        pointer = lib.cutlab_plan_runs(self._handle, count)
        return _view(pointer, 2 * count[0], np.int64, self._handle).reshape(-1, 2)

    def mask(self, entry: int) -> npt.NDArray[np.bool_]:
        """[height][width] bool: True where the entry of that index replaces pixels."""
        count = ffi.new("int64_t *")
        pointer = lib.cutlab_plan_entries(self._handle, count)
        entry = whole("entry", entry, 0, count[0] - 1)
        mask = np.empty((self.height, self.width), np.uint8)
        lib.cutlab_plan_mask(self._handle, pointer + entry, ffi.from_buffer("uint8_t[]", mask))
        return mask.view(np.bool_)

    def sources(self, row: int) -> list[tuple[int, float]]:
        """What the label of an output is made of: (row, weight), the own row first; the weights
        add to 1."""
        terms, count = ffi.new("const cutlab_source **"), ffi.new("int64_t *")
        row = whole("row", row, -(2**63), INDEX_MOST)
        with self._lock:
            call("cutlab_plan_sources", self._handle, row, terms, count)
            return [(terms[0][i].row, terms[0][i].weight) for i in range(count[0])]

    def _pairs(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        partners, weights = np.arange(len(self)), np.ones(len(self), np.float32)
        for row in range(len(self)):
            terms = self.sources(row)
            if len(terms) > 2:
                raise Error(
                    f"row {row} has {len(terms)} sources; accepted: at most 2 (use sources)"
                )
            weights[row] = terms[0][1]
            partners[row] = terms[-1][0]
        return partners, weights

    @property
    def partners(self) -> npt.NDArray[np.int64]:
        """[N] int64: the row mixed into each output, its own where there is none."""
        return self._pairs()[0]

    @property
    def weights(self) -> npt.NDArray[np.float32]:
        """[N] float32: the weight of the own label; that of the partner's is 1 minus it."""
        return self._pairs()[1]

    # ---- Applying ----

    def apply(
        self, images: T, out: T | None = None, layout: str | None = None, dtype: Any = None
    ) -> T:
        """Applies the plan to images in memory, and returns the output.

        images: NumPy array or PyTorch CPU tensor of uint8, float16 or float32, not copied.
          Samples must be contiguous; their strides are free.
        out: like images, where the output goes; `images` itself: in place; None: a new one.
        layout: NHWC (default of arrays), NCHW (default of tensors), or of fewer axes: NHW (grey
          images), NLC, NCL, NL (series: height 1). Says what the axes mean; the memory may have
          channels first or last, as in PyTorch's channels_last.
        dtype: of the output; default: that of images, float32 where uint8 is normalised. uint8
          becomes floating point by division by 255.
        """
        source = Images(images, layout)
        source.warn_if_doubtful()
        made: T = self._apply(source, out, layout, dtype)
        return made

    def _apply(self, source: Images, out: Any, layout: str | None, dtype: Any) -> Any:
        """As `apply`, which makes `source` of its images."""
        if out is None:
            out = source.new(self._output_dtype(source, dtype))
        elif dtype is not None and dtype_name(dtype) != as_array(out, "out").dtype.name:
            raise Error(f"dtype is {dtype_name(dtype)}, but out has another; accepted: the same")
        target = Images(out, layout, "out")
        if not target.view.flags.writeable:
            raise Error("out is read-only; accepted: an array that can be written")
        self._check_sizes(source)
        self._check_sizes(target)
        common = [memory for memory in source.fits if memory in target.fits]
        if not common:
            raise Error(
                "images and out have their channels at different places in memory; accepted: both "
                "first or both last"
            )
        call("cutlab_plan_apply", self._handle, target.batch(common[0]), source.batch(common[0]))
        return out

    def _output_dtype(self, images: Images, dtype: Any) -> str:
        if dtype is not None:
            return dtype_name(dtype)
        own = images.view.dtype.name
        return "float32" if own == "uint8" and self._policy.normalises else own

    def _check_sizes(self, images: Images) -> None:
        count, height, width, _channels = images.view.shape
        if (count, height, width) != (len(self), self.height, self.width):
            raise Error(
                f"{images.name} are {count} of {height} x {width} as {images.layout}; the plan is "
                f"for {len(self)} of {self.height} x {self.width}"
            )

    # ---- Labels ----

    def labels(
        self, labels: Any, classes: int | None = None, smoothing: float = 0, mix: str = "linear"
    ) -> Any:
        """Mixes labels as the images are mixed; float32, an array or tensor as `labels` is.

        labels: [N] integers or bool, class ids 0..classes-1 -> [N][classes];
          [N][K] finite numbers, soft or multi-hot rows or targets -> [N][K];
          [N] finite floating point, regression targets -> [N].
        classes: needed for class ids; K or None for rows; None for regression targets.
        smoothing: share of a class id's weight that goes to all classes alike, 0..1.
        mix: "linear", the weighted sum, or "union", the largest (multi-label presence).
        """
        tensor = is_tensor(labels)
        array = np.asarray(as_array(labels, "labels") if tensor else labels)
        if (
            len(array.shape) not in (1, 2)
            or len(array) != len(self)
            or array.dtype.kind not in "iufb"
        ):
            raise Error(
                f"labels have shape {array.shape} and dtype {array.dtype}; accepted: [{len(self)}] "
                f"or [{len(self)}][K] numbers"
            )
        if array.ndim == 1 and (
            array.dtype.kind in "iub" or (array.size == 0 and classes is not None)
        ):
            rows = self._one_hot(array, classes, smoothing)
        elif smoothing:
            raise Error(f"smoothing is {smoothing}, but labels are no class ids; accepted: 0")
        else:
            rows = _rows(array, classes)
        mixed = self._mix(rows, mix)
        if tensor:
            import torch

            return torch.from_numpy(mixed)
        return mixed

    def _one_hot(
        self, array: npt.NDArray[Any], classes: int | None, smoothing: float
    ) -> npt.NDArray[np.float32]:
        if classes is None:
            raise Error("labels are class ids, but classes is None; accepted: their number")
        classes = whole("classes", classes, 1, 2**31 - 1)
        numbers = ids(array.astype(np.uint8) if array.dtype.kind == "b" else array, "labels")
        rows = np.empty((len(numbers), classes), np.float32)
        call(
            "cutlab_labels_one_hot",
            ffi.from_buffer("float[]", rows),
            ffi.from_buffer("int64_t[]", numbers),
            len(numbers),
            classes,
            float(smoothing),
        )
        return rows

    def _mix(self, rows: npt.NDArray[np.float32], mix: str) -> npt.NDArray[np.float32]:
        rules = {"linear": lib.CUTLAB_LABEL_LINEAR, "union": lib.CUTLAB_LABEL_UNION}
        if mix not in rules:
            raise Error(f"mix is {mix!r}; accepted: linear, union")
        mixed = np.empty_like(rows)
        output, values = ffi.from_buffer("float[]", mixed), ffi.from_buffer("float[]", rows)
        width = rows.shape[1] if rows.ndim == 2 else 1
        with self._lock:
            call("cutlab_labels_mix", output, self._handle, values, width, rules[mix])
        return mixed

    # ---- Keeping ----

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the plan as a ledger of one plan; see `write_ledger`."""
        write_ledger(path, [self])

    def __reduce__(self) -> tuple[Any, ...]:
        return Plan.from_entries, (
            self._policy,
            self.entries.copy(),
            self.runs.copy(),
            self.samples.copy(),
            self.height,
            self.width,
            self.seed,
            self.epoch,
        )

    def __repr__(self) -> str:
        origin = "" if self.epoch is None else f", seed {self.seed}, epoch {self.epoch}"
        return (
            f"Plan({len(self)} samples of {self.height} x {self.width}, "
            f"{len(self.entries)} entries{origin})"
        )


def write_ledger(path: str | PathLike[str], plans: Iterable[Plan]) -> None:
    """Writes plans to a file: .npy gives one structured array of entries, any other name JSON
    lines, one for every output."""
    kept = list(plans)
    handles = ffi.new("const cutlab_plan *[]", [plan._handle for plan in kept])
    call("cutlab_ledger_write", fsencode(path), handles, len(kept))


def read_ledger(
    path: str | PathLike[str], policy: Policy | str, height: int, width: int
) -> list[Plan]:
    """The plans that `write_ledger` wrote, for images of this size under this policy."""
    from cutlab._policy import as_policy  # which imports this module

    policy = as_policy(policy)
    made, count = ffi.new("cutlab_plan ***"), ffi.new("int64_t *")
    height, width = whole("height", height, 1, SIDE_MOST), whole("width", width, 1, SIDE_MOST)
    call("cutlab_ledger_read", made, count, fsencode(path), policy._handle, height, width)
    try:
        return [Plan(policy, ffi.gc(made[0][i], lib.cutlab_plan_free)) for i in range(count[0])]
    finally:
        lib.cutlab_free(made[0])
