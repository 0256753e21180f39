"""Plans as data."""

import gc
import pickle
import threading

import numpy as np
import pytest
from common import COUNT, MIXED, SIZE, pictures, policies, same_bits

import cutlab


def test_a_plan_says_what_it_was_drawn_from():
    policy = cutlab.Policy(MIXED)
    plan = policy.plan([5, 3, 8], 4, 6, seed=2**64 - 1, epoch=7)
    assert (len(plan), plan.height, plan.width) == (3, 4, 6)
    assert (plan.seed, plan.epoch) == (2**64 - 1, 7)
    assert plan.policy is policy
    assert plan.samples.tolist() == [5, 3, 8]
    assert repr(plan).startswith("Plan(3 samples of 4 x 6, ")
    assert policy.plan(3, 4, 6).samples.tolist() == [0, 1, 2]
    assert len(policy.plan([], 4, 6)) == len(policy.plan(0, 4, 6)) == 0


def test_entries_are_ordered_and_belong_to_their_rows():
    plan = cutlab.Policy(MIXED).plan(np.arange(40, dtype=np.uint8)[::-1], *SIZE)
    entries = plan.entries
    order = np.lexsort((entries["row"], entries["step"]))
    assert (order == np.arange(len(entries))).all()
    assert (entries["sample"] == plan.samples[entries["row"]]).all()
    mixing = entries[entries["partner_row"] >= 0]
    assert len(mixing)
    assert (mixing["partner"] == plan.samples[mixing["partner_row"]]).all()


def test_views_are_read_only_and_outlive_the_plan():
    plan = cutlab.Policy("fmix").plan(COUNT, *SIZE)
    entries, runs, samples = plan.entries, plan.runs, plan.samples
    before = entries.tobytes(), runs.tobytes(), samples.tobytes()
    for view in (entries, runs, samples):
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 0
    del plan
    gc.collect()
    for seed in range(50):  # would reuse the memory
        cutlab.Policy("fmix").plan(COUNT, *SIZE, seed=seed)
    assert before == (entries.tobytes(), runs.tobytes(), samples.tobytes())


@pytest.mark.parametrize("text", ["cutmix", "fmix", "cutout(size=4)", "random_erasing"])
def test_masks_are_boxes_or_runs_and_are_counted(text):
    plan = cutlab.Policy(text).plan(30, *SIZE, seed=4)
    for number, entry in enumerate(plan.entries):
        mask = plan.mask(number)
        assert mask.shape == SIZE
        assert mask.dtype == bool
        assert mask.sum() == entry["pixels"]
        by_hand = np.zeros(SIZE, bool)
        for begin, end in plan.runs[entry["run"] :][: entry["run_count"]]:
            by_hand.ravel()[begin:end] = True
        if not entry["run_count"]:
            by_hand[entry["top"] : entry["bottom"], entry["left"] : entry["right"]] = True
        assert (mask == by_hand).all()
    with pytest.raises(cutlab.Error, match="entry is"):
        plan.mask(len(plan.entries))


def test_partners_and_weights_are_the_sources():
    plan = cutlab.Policy("cutmix(p=.7)").plan(30, *SIZE, seed=1)
    assert (plan.partners != np.arange(30)).any()
    for row in range(30):
        terms = dict(plan.sources(row))
        assert sum(terms.values()) == pytest.approx(1)
        assert terms[row] == plan.weights[row]
        assert set(terms) == {row, plan.partners[row]}
    with pytest.raises(cutlab.Error, match="row is 30"):
        plan.sources(30)


def test_more_than_two_sources_are_no_pairs():
    plan = cutlab.Policy("mixup | mixup").plan(30, *SIZE)
    assert max(len(plan.sources(row)) for row in range(30)) > 2
    with pytest.raises(cutlab.Error, match="sources"):
        _ = plan.partners


@pytest.mark.parametrize("text", policies())
def test_plans_from_entries_and_pickles(text):
    policy = cutlab.Policy(text)
    plan = policy.plan(COUNT, *SIZE, seed=3, epoch=2)
    shuffled = np.random.default_rng(0).permutation(plan.entries)
    made = cutlab.Plan.from_entries(policy, shuffled, plan.runs, COUNT, *SIZE, seed=3, epoch=2)
    for other in (made, pickle.loads(pickle.dumps(plan))):
        assert other.entries.tobytes() == plan.entries.tobytes()
        assert other.runs.tobytes() == plan.runs.tobytes()
        assert (other.seed, other.epoch) == (3, 2)


def test_entries_from_elsewhere_are_checked():
    policy = cutlab.Policy("cutmix")
    plan = policy.plan(COUNT, *SIZE)
    entries = plan.entries.copy()
    entries["weight"][2] = 1.5
    with pytest.raises(cutlab.Error, match=r"entry 2: weight is 1\.5"):
        cutlab.Plan.from_entries(policy, entries, plan.runs, COUNT, *SIZE)
    with pytest.raises(cutlab.Error, match="dtype"):
        cutlab.Plan.from_entries(policy, np.zeros(3), plan.runs, COUNT, *SIZE)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"samples": [1, -2]}, "sample id 1 is -2"),
        ({"samples": [0.5]}, "accepted: .N. integers"),
        ({"samples": -1}, "samples is -1"),
        ({"height": 0}, "height is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**64}, "seed is 18446744073709551616"),
        ({"epoch": 1.5}, "epoch is 1.5; accepted: an integer"),
    ],
)
def test_bad_draws_are_refused(arguments, message):
    given = {"samples": 3, "height": 4, "width": 4, **arguments}
    with pytest.raises(cutlab.Error, match=message):
        cutlab.Policy("cutmix").plan(**given)


def test_the_order_of_the_batch_does_not_matter():
    policy = cutlab.Policy(MIXED + " | fmix(p=.3) | normalise")
    images, labels = pictures(), np.arange(COUNT) % 4
    order = np.random.default_rng(5).permutation(COUNT)
    one, one_labels, _ = cutlab.augment(images, labels, policy, 4, samples=np.arange(COUNT) + 50)
    two, two_labels, _ = cutlab.augment(images[order], labels[order], policy, 4, samples=order + 50)
    assert same_bits(one[order], two)
    assert same_bits(one_labels[order], two_labels)


def test_seed_and_epoch_matter():
    policy = cutlab.Policy("cutmix")
    keys = [
        policy.plan(4, *SIZE, seed=s, epoch=e).entries["key"].tolist()
        for s, e in ((0, 0), (1, 0), (0, 1), (0, 0))
    ]
    assert keys[0] == keys[3]
    assert len({tuple(key) for key in keys}) == 3


@pytest.mark.parametrize("name", ["ledger.npy", "ledger.jsonl"])
@pytest.mark.parametrize("text", ["cutmix(p=.5)", "fmix", MIXED + " | normalise"])
def test_ledgers(tmp_path, name, text):
    policy = cutlab.Policy(text)
    plans = [policy.plan(np.arange(8) + 8 * i, *SIZE, seed=1, epoch=i) for i in range(3)]
    path = tmp_path / name
    cutlab.write_ledger(path, plans)
    again = cutlab.read_ledger(path, policy, *SIZE)
    assert len(again) == 3
    for one, two in zip(plans, again):
        assert (one.seed, one.epoch) == (two.seed, two.epoch)
        assert repr(one) == repr(two)
        images = pictures(8)
        assert same_bits(one.apply(images), two.apply(images))
        labels = np.arange(8) % 3
        assert same_bits(one.labels(labels, 3), two.labels(labels, 3))
    plans[0].save(path)
    (by_text,) = cutlab.read_ledger(path, text, *SIZE)
    assert by_text.policy == policy
    assert by_text.entries.tobytes() == again[0].entries.tobytes()


def test_a_ledger_without_seed_and_epoch(tmp_path):
    path = tmp_path / "ledger.jsonl"
    path.write_text('{"batch": 0, "row": 0, "sample": 3, "steps": []}\n')
    (plan,) = cutlab.read_ledger(path, "cutmix", *SIZE)
    for one in (plan, pickle.loads(pickle.dumps(plan))):
        assert (one.seed, one.epoch) == (None, None)
        assert repr(one).endswith("0 entries)")
    with pytest.raises(cutlab.Error, match="epoch is None"):
        cutlab.Plan.from_entries(plan.policy, plan.entries, [], [3], *SIZE, seed=1, epoch=None)


def test_a_foreign_file_is_no_ledger(tmp_path):
    path = tmp_path / "ledger.jsonl"
    path.write_text("nonsense\n")
    with pytest.raises(cutlab.Error, match=r"ledger\.jsonl") as caught:
        cutlab.read_ledger(path, cutlab.Policy("cutmix"), *SIZE)
    assert caught.value.status == "malformed or foreign file"


def test_threads_have_contexts_of_their_own():
    images, labels = pictures(64), np.arange(64) % 5
    expected = cutlab.augment(images, labels, MIXED, 5, seed=3)
    shared = cutlab.Policy(MIXED).plan(64, *SIZE, seed=3)
    failures = []

    def work(number):
        with pytest.raises(cutlab.Error, match=f"nonsense_{number}'"):
            cutlab.Policy(f"nonsense_{number}")
        for _ in range(20):
            got = shared.apply(images), shared.labels(labels, 5)
            if not all(same_bits(a, b) for a, b in zip(got, expected)):
                failures.append(number)
        cutlab.set_threads(2)
        if cutlab.threads() != 2:
            failures.append(number)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failures
    assert cutlab.threads() == 1
