"""Mixing labels."""

import re
import threading

import numpy as np
import pytest
from common import COUNT, MIXED, SIZE, pictures

import cutlab

IDS = np.arange(COUNT) % 4


@pytest.mark.parametrize("text", ["cutmix", "fmix"])
@pytest.mark.parametrize("seed", range(5))
def test_labels_are_the_counted_pixels(text, seed):
    plan = cutlab.Policy(text).plan(COUNT, *SIZE, seed=seed)
    rows = plan.labels(IDS, 4)
    expected = np.eye(4)[IDS]
    for number, entry in enumerate(plan.entries):
        share = plan.mask(number).mean()
        own, partner = np.eye(4)[IDS[entry["row"]]], np.eye(4)[IDS[entry["partner_row"]]]
        expected[entry["row"]] = (1 - share) * own + share * partner
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, expected, atol=1e-6)


def test_rows_follow_the_sources():
    plan = cutlab.Policy("cutmix | mixup").plan(COUNT, *SIZE)
    rows = np.random.default_rng(0).normal(size=(COUNT, 5)).astype(np.float32)
    expected = [sum(w * rows[r].astype(float) for r, w in plan.sources(i)) for i in range(COUNT)]
    np.testing.assert_allclose(plan.labels(rows), expected, atol=1e-6)
    np.testing.assert_allclose(plan.labels(rows[:, 0]), np.array(expected)[:, 0], atol=1e-6)
    assert plan.labels(rows[:, 0]).shape == (COUNT,)
    assert plan.labels(rows.astype(np.float64)).tobytes() == plan.labels(rows).tobytes()


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int64", "uint64"])
def test_any_integers_are_class_ids(dtype):
    plan = cutlab.Policy(MIXED).plan(COUNT, *SIZE)
    expected = plan.labels(IDS, 4)
    assert plan.labels(IDS.astype(dtype), 4).tobytes() == expected.tobytes()
    assert plan.labels(IDS.tolist(), 4).tobytes() == expected.tobytes()
    one_hot = np.eye(4, dtype=np.int64)[IDS]
    assert plan.labels(one_hot).tobytes() == expected.tobytes()


def test_bools_are_class_ids():
    plan = cutlab.Policy(MIXED).plan(COUNT, *SIZE)
    expected = plan.labels(IDS // 2, 2)
    assert plan.labels(IDS // 2 == 1, 2).tobytes() == expected.tobytes()
    assert plan.labels((IDS // 2 == 1).tolist(), 2).tobytes() == expected.tobytes()


def test_rows_may_come_with_their_number_of_classes():
    plan = cutlab.Policy("cutmix").plan(COUNT, *SIZE)
    rows = np.eye(4)[IDS]
    assert plan.labels(rows, 4).tobytes() == plan.labels(rows).tobytes()


def test_no_labels_are_class_ids_or_targets():
    plan = cutlab.Policy("cutmix").plan(0, *SIZE)
    assert plan.labels([], 4).shape == (0, 4)
    assert plan.labels([]).shape == (0,)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_labels_that_are_not_finite_are_refused(value):
    plan = cutlab.Policy("cutmix").plan(COUNT, *SIZE)
    targets, rows = np.zeros(COUNT), np.zeros((COUNT, 3))
    targets[5] = rows[4, 2] = rows[7, 0] = value
    with pytest.raises(cutlab.Error, match=rf"labels, row 5: {re.escape(str(value))}; accepted"):
        plan.labels(targets)
    where = rf"labels, row 4, column 2: {re.escape(str(value))}; accepted: finite"
    with pytest.raises(cutlab.Error, match=where):
        plan.labels(rows)
    with pytest.raises(cutlab.Error, match=where):
        cutlab.augment(pictures(), rows, "cutmix")


def test_smoothing_and_union():
    plan = cutlab.Policy("mixup").plan(COUNT, *SIZE)
    plain, smooth = plan.labels(IDS, 4), plan.labels(IDS, 4, smoothing=0.2)
    np.testing.assert_allclose(smooth, 0.8 * plain + 0.05, atol=1e-6)
    united = plan.labels(IDS, 4, mix="union")
    assert set(np.unique(united)) == {0, 1}
    assert ((plain > 0) <= (united == 1)).all()


def test_labels_given_stay_as_they_are():
    plan = cutlab.Policy("cutmix").plan(COUNT, *SIZE)
    rows = np.eye(4, dtype=np.float32)[IDS]
    before = rows.copy()
    mixed = plan.labels(rows)
    assert (rows == before).all()
    assert (mixed != before).any()


def test_threads_may_share_a_plan():
    plan = cutlab.Policy("mixup").plan(20000, 1, 1)
    numbers = np.arange(20000.0)
    expected = plan.labels(numbers).tobytes()
    found = []

    def work():
        found.extend(plan.labels(numbers).tobytes() == expected for _ in range(20))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == [True] * 80


@pytest.mark.parametrize(
    ("labels", "arguments", "message"),
    [
        (IDS, {}, "classes is None"),
        (IDS == 1, {}, "classes is None"),
        (IDS == 1, {"classes": 1}, "label 1 is 1; accepted: 0 to 0"),
        (IDS.astype(float), {"classes": 4}, "dtype float64, but classes is 4; accepted: integers"),
        (np.eye(4)[IDS], {"classes": 10}, "4 columns, but classes is 10"),
        (IDS[:, None], {"classes": 4}, "1 columns, but classes is 4"),
        (np.eye(4)[IDS], {"classes": 4.0}, "classes is 4.0; accepted: an integer"),
        (IDS, {"classes": 3}, "label 3 is 3; accepted: 0 to 2"),
        (IDS - 1, {"classes": 4}, "label 0 is -1"),
        (IDS, {"classes": 0}, "classes is 0"),
        (IDS[:-1], {"classes": 4}, r"shape \(8,\)"),
        (np.zeros((COUNT, 2, 2)), {}, "shape"),
        (np.zeros(COUNT), {"smoothing": 0.1}, "smoothing"),
        (IDS, {"classes": 4, "smoothing": 2}, "smoothing is 2"),
        (IDS, {"classes": 4, "mix": "max"}, "mix is 'max'; accepted: linear, union"),
        (np.array(["cat"] * COUNT), {"classes": 4}, "numbers"),
    ],
)
def test_bad_labels_are_refused(labels, arguments, message):
    plan = cutlab.Policy("cutmix").plan(COUNT, *SIZE)
    with pytest.raises(cutlab.Error, match=message):
        plan.labels(labels, **arguments)
