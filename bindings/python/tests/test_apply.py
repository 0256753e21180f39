"""Applying plans to arrays: dtypes, layouts, strides, in place; against the plain twin."""

import itertools
import multiprocessing
import warnings

import numpy as np
import pytest
from common import COUNT, MIXED, SIZE, pictures, policies, reference, same_bits

import cutlab

DTYPES = ["uint8", "float16", "float32"]


def conversions():
    """(policy, dtype of the images, dtype of the output) that the library takes."""
    for text in policies():
        normalises = cutlab.Policy(text).normalises
        for dtype, out_dtype in itertools.product(DTYPES, DTYPES):
            if out_dtype != "uint8" or (dtype == "uint8" and not normalises):
                yield text, dtype, out_dtype


def arranged(images, layout, out_dtype):
    """The images, as a layout, and a place for the output."""
    if layout == "NCHW":
        images = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    return images, np.empty(images.shape, out_dtype)


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
@pytest.mark.parametrize(("text", "dtype", "out_dtype"), list(conversions()))
def test_outputs_are_those_of_the_reference(text, dtype, out_dtype, layout):
    policy = cutlab.Policy(text)
    images, out = arranged(pictures(dtype=dtype), layout, out_dtype)
    plan = policy.plan(COUNT, *SIZE, seed=11)
    before = images.copy()
    made = plan.apply(images, layout=layout, dtype=out_dtype)
    assert same_bits(made, reference(plan, images, out, layout))
    assert same_bits(images, before)
    given = np.full_like(made, 7)
    assert plan.apply(images, out=given, layout=layout) is given
    assert same_bits(given, made)
    if dtype == out_dtype:
        assert plan.apply(images, out=images, layout=layout) is images
        assert same_bits(images, made)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_layouts_are_the_same_pixels(channels):
    policy = cutlab.Policy("flip | crop(pad=2) | rotate | cutmix")
    images = pictures(channels=channels)
    plan = policy.plan(COUNT, *SIZE)
    last = plan.apply(images)
    first = plan.apply(np.ascontiguousarray(images.transpose(0, 3, 1, 2)), layout="NCHW")
    assert same_bits(last, np.ascontiguousarray(first.transpose(0, 2, 3, 1)))
    assert first.flags.c_contiguous


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_channels_that_seem_to_come_first_are_warned_of(channels):
    images = np.zeros((2, channels, 32, 32), np.uint8)
    plan = cutlab.Policy("flip").plan(2, channels, 32)
    taken = rf"images of shape \(N, {channels}, 32, 32\) are taken as NHWC"
    for function, arguments in ((plan.apply, (images,)), (cutlab.augment, (images, None, "flip"))):
        with pytest.warns(UserWarning, match=taken) as heard:
            function(*arguments)
        assert [warning.filename for warning in heard] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for layout in ("NHWC", "NCHW"):
            cutlab.augment(images, None, "flip", layout=layout)
        for shape in ((2, channels, 32, 4), (2, 2, 32, 32), (2, 32, 32, channels)):
            cutlab.augment(np.zeros(shape, np.uint8), None, "flip")


def test_axes_may_stand_otherwise_than_in_memory():
    images = pictures()
    plan = cutlab.Policy(MIXED).plan(COUNT, *SIZE)
    view = images.transpose(0, 3, 1, 2)  # as PyTorch's channels_last
    made = plan.apply(view, layout="NCHW")
    assert made.strides == view.strides
    assert same_bits(made.transpose(0, 2, 3, 1), plan.apply(images))


def test_in_place_touches_only_the_mask():
    plan = cutlab.Policy("cutout(size=4)").plan(COUNT, *SIZE)
    images = pictures()
    out = images.copy()
    plan.apply(out, out=out)
    for number, entry in enumerate(plan.entries):
        mask = plan.mask(number)
        assert (out[entry["row"]][~mask] == images[entry["row"]][~mask]).all()
        assert (out[entry["row"]][mask] == 0).all()


def test_cutmix_is_what_it_says():
    plan = cutlab.Policy("cutmix").plan(COUNT, *SIZE, seed=9)
    images = pictures()
    expected = images.copy()
    for number, entry in enumerate(plan.entries):
        mask = plan.mask(number)
        expected[entry["row"]][mask] = images[entry["partner_row"]][mask]
    assert same_bits(plan.apply(images), expected)


def test_default_dtypes():
    images = pictures()
    assert cutlab.augment(images, None, "flip")[0].dtype == np.uint8
    assert cutlab.augment(images, None, "normalise")[0].dtype == np.float32
    half = images.astype(np.float16)
    assert cutlab.augment(half, None, "normalise")[0].dtype == np.float16


def test_grey_images_and_series():
    grey = pictures(channels=1)
    plan = cutlab.Policy("flip | cutmix").plan(COUNT, *SIZE)
    assert same_bits(plan.apply(grey[..., 0], layout="NHW"), plan.apply(grey)[..., 0])
    series = pictures(size=(1, 50), channels=2)
    plan = cutlab.Policy("cutmix | mixup").plan(COUNT, 1, 50)
    whole = plan.apply(series)
    assert same_bits(plan.apply(series[:, 0], layout="NLC"), whole[:, 0])
    channels_first = np.ascontiguousarray(series[:, 0].transpose(0, 2, 1))
    assert same_bits(
        plan.apply(channels_first, layout="NCL").transpose(0, 2, 1).copy(), whole[:, 0]
    )
    mono = np.ascontiguousarray(series[:, 0, :, 0])
    assert same_bits(plan.apply(mono, layout="NL"), whole[:, 0, :, 0].copy())


def test_samples_may_stand_apart():
    plan = cutlab.Policy(MIXED).plan(COUNT, *SIZE)
    big = pictures(2 * COUNT)
    every_second = big[::2]
    expected = plan.apply(np.ascontiguousarray(every_second))
    assert same_bits(plan.apply(every_second), expected)
    others = big[1::2].copy()
    plan.apply(every_second, out=every_second)
    assert same_bits(np.ascontiguousarray(big[::2]), expected)
    assert same_bits(big[1::2].copy(), others)


@pytest.mark.parametrize(
    "images",
    [
        pictures()[:, ::2],
        pictures()[:, :, ::-1],
        pictures()[::-1],
        pictures()[..., :2],
        np.broadcast_to(pictures(1), (COUNT, *SIZE, 3)),
    ],
)
def test_other_strides_are_refused(images):
    plan = cutlab.Policy("cutmix").plan(len(images), *images.shape[1:3])
    with pytest.raises(cutlab.Error, match="strides"):
        plan.apply(images)


@pytest.mark.parametrize(
    ("images", "arguments", "message"),
    [
        (pictures()[0], {}, "images have 3 axes"),
        (pictures(), {"layout": "CHWN"}, "layout is 'CHWN'; accepted: NHWC"),
        (pictures(), {"layout": "NLC"}, "there are 4 axes"),
        (pictures(), {"layout": "NCHW"}, "images are 9 of 10 x 3 as NCHW"),
        (pictures(5), {}, "the plan is for 9 of 12 x 10"),
        (pictures(dtype="float64"), {}, "images has dtype float64"),
        (pictures(dtype="float32").astype(">f4"), {}, "images has dtype >f4"),
        (pictures(), {"dtype": "int8"}, "dtype is int8; accepted: uint8"),
        (pictures(), {"out": pictures(channels=1)}, "channels"),
        (pictures(), {"out": pictures(), "dtype": "float32"}, "out has another"),
        (pictures(dtype="float32"), {"dtype": "uint8"}, "uint8"),
        (pictures().tolist(), {}, "images is a list"),
    ],
)
def test_bad_arrays_are_refused(images, arguments, message):
    plan = cutlab.Policy("cutmix").plan(COUNT, *SIZE)
    with pytest.raises(cutlab.Error, match=message):
        plan.apply(images, **arguments)


def test_an_output_that_overlaps_or_cannot_be_written_is_refused():
    plan = cutlab.Policy("cutmix").plan(COUNT, *SIZE)
    big = pictures(COUNT + 1)
    with pytest.raises(cutlab.Error, match="overlap"):
        plan.apply(big[:-1], out=big[1:])
    frozen = pictures()
    frozen.flags.writeable = False
    plan.apply(frozen)
    with pytest.raises(cutlab.Error, match="read-only"):
        plan.apply(frozen, out=frozen)


def test_empty_batches():
    images, labels, plan = cutlab.augment(pictures(0), np.zeros(0, int), "cutmix", 3)
    assert images.shape == (0, *SIZE, 3)
    assert labels.shape == (0, 3)
    assert len(plan) == 0
    assert plan.entries.shape == (0,)


@pytest.fixture
def four_threads():
    cutlab.set_threads(4)
    yield
    cutlab.set_threads(1)


@pytest.mark.parametrize("text", policies())
def test_threads_do_not_matter(text):
    images = pictures()
    one = cutlab.augment(images, None, text)[0]
    cutlab.set_threads(4)
    try:
        assert same_bits(cutlab.augment(images, None, text)[0], one)
    finally:
        cutlab.set_threads(1)


def in_a_fork(queue):
    try:
        cutlab.set_threads(4)
    except cutlab.Error as error:
        queue.put(str(error))
    queue.put(cutlab.threads())
    queue.put(cutlab.augment(pictures(), None, MIXED)[0])


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_computes_with_one_thread(four_threads):
    expected = cutlab.augment(pictures(), None, MIXED)[0]  # starts OpenMP's threads
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=in_a_fork, args=(queue,))
    process.start()
    assert "fork" in queue.get(timeout=30)
    assert queue.get(timeout=30) == 1
    assert same_bits(queue.get(timeout=30), expected)
    process.join(30)
    assert process.exitcode == 0
