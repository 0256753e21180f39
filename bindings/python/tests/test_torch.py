"""Tensors and the DataLoader."""

import pickle
import warnings

import numpy as np
import pytest
from common import COUNT, MIXED, SIZE, pictures

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from torch.utils.data import DataLoader  # noqa: E402

import cutlab  # noqa: E402
from cutlab.torch import Collate, Indexed, Sampler  # noqa: E402

POLICY = MIXED + " | normalise"


def as_tensor(images):
    """[N][C][H][W], contiguous."""
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32"])
@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_tensors_are_arrays(dtype, memory):
    images = pictures(dtype=dtype)
    plan = cutlab.Policy(MIXED).plan(COUNT, *SIZE)
    expected = as_tensor(plan.apply(images))
    tensor = as_tensor(images).contiguous(memory_format=memory)
    made = plan.apply(tensor)
    assert made.dtype == tensor.dtype
    assert made.is_contiguous(memory_format=memory)
    assert torch.equal(made, expected)
    assert plan.apply(tensor, out=tensor) is tensor
    assert torch.equal(tensor, expected)


def test_labels_that_are_tensors_stay_so():
    plan = cutlab.Policy("cutmix").plan(COUNT, *SIZE)
    ids = np.arange(COUNT) % 3
    made = plan.labels(torch.from_numpy(ids), 3)
    assert made.dtype == torch.float32
    assert made.numpy().tobytes() == plan.labels(ids, 3).tobytes()


def test_dtypes_by_their_torch_names():
    images = as_tensor(pictures())
    made, _, _ = cutlab.augment(images, None, "normalise", dtype=torch.float16)
    assert made.dtype == torch.float16


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (torch.zeros(COUNT, 3, *SIZE, dtype=torch.bfloat16), "bfloat16"),
        (torch.zeros(COUNT, 3, *SIZE, requires_grad=True), "requires gradients"),
        (torch.zeros(COUNT, 3, *SIZE, device="meta"), "device meta"),
        (torch.zeros(COUNT, 3, *SIZE).to_sparse(), "layout torch.sparse_coo; accepted: .*strided"),
        (torch.zeros(COUNT, 3, *SIZE)[:, :2], None),
        (torch.zeros(COUNT, 3, SIZE[0] * 2, SIZE[1])[:, :, ::2], "strides"),
    ],
)
def test_other_tensors_are_refused(tensor, message):
    plan = cutlab.Policy("cutmix").plan(COUNT, *SIZE)
    if message is None:
        plan.apply(tensor)
        return
    with pytest.raises(cutlab.Error, match=message):
        plan.apply(tensor)


def test_memory_formats_of_images_and_out_must_agree():
    plan = cutlab.Policy("cutmix").plan(COUNT, *SIZE)
    tensor = as_tensor(pictures())
    with pytest.raises(cutlab.Error, match="channels at different places"):
        plan.apply(tensor, out=tensor.contiguous(memory_format=torch.channels_last).clone())


# ---- DataLoader ----


class Squares:
    """Synthetic (image, label) pairs; arrays or tensors."""

    def __init__(self, tensors):
        self.images = pictures(50)
        self.tensors = tensors

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = self.images[index]
        return (as_tensor(image[None])[0] if self.tensors else image), index % 7


def batches(epochs=(0, 1), start=0, tensors=True, **options):
    """Every batch of some epochs, as the loader gives them."""
    data = Indexed(Squares(tensors))
    sampler, collate = Sampler(data, seed=5), Collate(POLICY, classes=7, seed=5)
    loader = DataLoader(data, 8, sampler=sampler, collate_fn=collate, **options)
    found = []
    for epoch in epochs:
        sampler.set_epoch(epoch, start)
        collate.set_epoch(epoch)
        found += [(images.clone(), labels.clone()) for images, labels in loader]
    return found


def assert_same(left, right):
    assert len(left) == len(right)
    for one, two in zip(left, right):
        assert all(torch.equal(a, b) for a, b in zip(one, two))


@pytest.fixture(scope="module")
def expected():
    return batches()


def test_batches_are_what_the_plan_says(expected):
    data, sampler = Squares(True), Sampler(50, seed=5)
    assert sorted(sampler) == list(range(50))
    indices = list(sampler)[:8]
    images = torch.stack([data[i][0] for i in indices])
    plan = cutlab.Policy(POLICY).plan(indices, *SIZE, seed=5)
    assert torch.equal(expected[0][0], plan.apply(images))
    assert torch.equal(expected[0][1], plan.labels(torch.tensor([i % 7 for i in indices]), 7))
    assert len(expected) == 14
    assert not torch.equal(expected[0][0], expected[7][0])


@pytest.mark.parametrize("persistent", [False, True])
def test_workers_do_not_matter(expected, persistent):
    assert_same(batches(num_workers=2, persistent_workers=persistent), expected)


def test_spawned_workers_do_not_matter(expected):
    options = {"num_workers": 2, "persistent_workers": True, "multiprocessing_context": "spawn"}
    assert_same(batches(**options), expected)


def test_an_epoch_resumes_in_its_middle(expected):
    assert_same(batches(epochs=(1,), start=24), expected[7 + 3 :])
    assert_same(batches(epochs=(1,), start=24, num_workers=2), expected[7 + 3 :])
    assert len(Sampler(50, start=24)) == 26


def test_arrays_come_as_channels_last(expected):
    found = batches(tensors=False)
    assert_same(found, expected)
    assert found[0][0].is_contiguous(memory_format=torch.channels_last)


def test_collating_other_items():
    grey = np.zeros((28, 20), np.uint8)
    images, labels = Collate("cutmix", 3, layout="NHW")([(grey, 1, 4), (grey, 2, 7)])
    assert images.shape == (2, 1, 28, 20)
    assert images.dtype == torch.float32
    series = torch.ones(3, 40)
    images, labels = Collate("cutmix", layout="NCL")([(series, 0.5, 4), (series, 1.5, 7)])
    assert images.shape == (2, 3, 40)
    assert labels.shape == (2,)
    images, _ = Collate("cutmix", 3, dtype=torch.uint8)([(pictures(1)[0], 1, 0)])
    assert images.dtype == torch.uint8
    with pytest.raises(cutlab.Error, match="Indexed"):
        Collate("cutmix", 3)([(grey, 1), (grey, 2)])
    with pytest.raises(cutlab.Error, match="axes"):
        Collate("cutmix", 3)([(grey, 1, 0)])


def test_collating_arrays_with_channels_first():
    items = [(np.zeros((3, 32, 32), np.uint8), 1, i) for i in range(2)]
    with pytest.warns(UserWarning, match="taken as NHWC") as heard:
        Collate("flip", 3)(items)
    assert len(heard) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Collate("flip", 3, layout="NCHW")(items)[0].shape == (2, 3, 32, 32)
        Collate("flip", 3)([(torch.zeros(3, 32, 32), 1, 0)])


def test_labels_of_a_data_set_that_are_floats_take_no_classes():
    items = [(pictures(1)[0], 0.5, 0)]
    with pytest.raises(cutlab.Error, match="classes is 3"):
        Collate("cutmix", 3)(items)
    rows = [(pictures(1)[0], torch.tensor([0.5, np.nan]), 0)]
    with pytest.raises(cutlab.Error, match="row 0, column 1: nan"):
        Collate("cutmix", 2)(rows)


def test_pil_images():
    image = pytest.importorskip("PIL.Image")
    grey = [(image.fromarray(pictures(1, channels=1)[0, ..., 0]), 1, i) for i in range(3)]
    assert Collate("flip", 3)(grey)[0].shape == (3, 1, *SIZE)
    colour = [(image.fromarray(pictures(1)[0]), 1, i) for i in range(3)]
    assert Collate("flip", 3)(colour)[0].shape == (3, 3, *SIZE)


def test_collate_pickles_and_says_what_it_is():
    collate = Collate(POLICY, 7, seed=5)
    collate.set_epoch(3)
    other = pickle.loads(pickle.dumps(collate))
    assert (other.epoch, other.policy, other.seed) == (3, collate.policy, 5)
    assert "epoch=3" in repr(other)
    assert repr(Sampler(5, seed=2)) == "Sampler(5, seed=2, epoch=0, start=0)"
    with pytest.raises(cutlab.Error, match="start is 6"):
        Sampler(5).set_epoch(0, 6)
    with pytest.raises(cutlab.Error, match="epoch is -1"):
        collate.set_epoch(-1)


def test_sampler_orders_differ_by_seed_and_epoch():
    orders = []
    for seed, epoch in ((0, 0), (0, 1), (1, 0)):
        sampler = Sampler(100, seed)
        sampler.set_epoch(epoch)
        orders.append(tuple(sampler))
    assert len(set(orders)) == 3
    assert all(sorted(order) == list(range(100)) for order in orders)
