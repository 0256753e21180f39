"""What several tests use."""

import numpy as np

import cutlab
from cutlab import _native
from cutlab._arrays import Images

SIZE = (12, 10)
COUNT = 9
MIXED = "flip | crop(pad=2) | one_of(cutmix, mixup(alpha=.4), cutout(size=4), p=.8)"


def policies():
    """One policy for every method, and one with several."""
    return [method.name for method in cutlab.methods()] + [MIXED, MIXED + " | normalise"]


def pictures(count=COUNT, size=SIZE, channels=3, dtype="uint8", seed=0):
    """[count][height][width][channels], noise."""
    values = np.random.default_rng(seed).integers(0, 256, (count, *size, channels))
    return values.astype(dtype) if dtype == "uint8" else (values / 255).astype(dtype)


def reference(plan, images, out, layout=None):
    """`Plan.apply` by the library's plain twin."""
    source, target = Images(images, layout), Images(out, layout)
    memory = next(memory for memory in source.fits if memory in target.fits)
    _native.call(
        "cutlab_plan_apply_reference", plan._handle, target.batch(memory), source.batch(memory)
    )
    return out


def same_bits(left, right):
    assert left.dtype == right.dtype
    assert left.shape == right.shape
    return left.tobytes() == right.tobytes()
