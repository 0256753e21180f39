"""Audits against a computation of their own in NumPy.

draw_audit (environment: CUTLAB_DRAW_AUDIT) audits files of logits; every number of its JSON is
computed here again, from the definitions: lists in which an example stands as often as it was
drawn, numpy.quantile, and Student's t by quadrature of its density. Exits with 77 without NumPy.
"""

import itertools
import json
import math
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

STATISTICS = ("mean", "q1", "q2", "q3")
BOOTSTRAP = 18  # the random stream, src/base/streams.h
NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)
checks = 0


def same(what, found, expected, tolerance=1e-9):
    global checks
    checks += 1
    found = math.nan if found is None else found
    expected = math.nan if expected is None else expected
    if math.isnan(found) and math.isnan(expected):
        return
    limit = tolerance * max(1, abs(expected))
    assert abs(found - expected) <= limit, f"{what}: {found!r} is not {expected!r}"


# ---- laws ----


def student_p(t, nu):
    """P(|T| >= |t|): t = sqrt(nu) tan(angle) makes the density a power of the cosine."""
    if nu > 1e7:
        return math.erfc(abs(t) / math.sqrt(2))
    first = math.atan(abs(t) / math.sqrt(nu))
    last = min(math.pi / 2, first + 40 / math.sqrt(nu))
    angles = first + (last - first) * (NODES + 1) / 2
    area = (WEIGHTS * np.cos(angles) ** (nu - 1)).sum() * (last - first) / 2
    scale = math.exp(math.lgamma((nu + 1) / 2) - math.lgamma(nu / 2)) / math.sqrt(math.pi)
    return 2 * scale * area


def student_quantile(confidence, nu):
    low, high = 0.0, 1e4
    for _ in range(70):
        middle = (low + high) / 2
        low, high = (middle, high) if student_p(middle, nu) > 1 - confidence else (low, middle)
    return low


def sign_test(a, b):
    total = sum(math.comb(a + b, i) for i in range(min(a, b) + 1))
    return min(1, 2 * total / 2 ** (a + b))


def holm(p):
    p = np.array(p, float)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    for rank, i in enumerate(order):
        p[i] = min(1, p[i] * (len(order) - rank))
        if rank:
            p[i] = max(p[i], p[order[rank - 1]])
    return p


def spread(first, second, paired):
    """V_t and its degrees of freedom, of the mean of `second` minus that of `first`."""
    sets = [second - first] if paired else [s for s in (first, second) if s is not None]
    if min(len(s) for s in sets) < 3:
        return math.nan, math.nan
    parts = [np.var(s, ddof=1) / len(s) for s in sets]
    below = sum(v * v / (len(s) - 1) for v, s in zip(parts, sets))
    return sum(parts), sum(parts) ** 2 / below if below else math.inf


def covariances(a, b, around_zero):
    """[trainings of a][trainings of b] over the second axis."""
    if around_zero:
        return a @ b.T / a.shape[1]
    a, b = (x - x.mean(1, keepdims=True) for x in (a, b))
    return a @ b.T / (a.shape[1] - 1)


def over_examples(first, second, paired, around_zero=False):
    """V_e of a mean over trainings, and V_c from pairs of different trainings."""
    sets = [second - first] if paired else [s for s in (first, second) if s is not None]
    cross = 2 * covariances(first, second, around_zero).mean() if len(sets) == 2 else 0
    squares = [covariances(s, s, around_zero) for s in sets]
    if min(len(s) for s in sets) < 2:
        return sum(c.mean() for c in squares) - cross, math.nan
    different = [c[~np.eye(len(c), dtype=bool)].mean() for c in squares]
    return sum(c.mean() for c in squares) - cross, sum(different) - cross


def student(value, of_examples, over_trainings, confidence):
    """Interval and p with V_c + V_t, which is at least V_e."""
    variance, nu = over_trainings
    if math.isnan(variance) or math.isnan(of_examples[0]):
        return None, math.nan
    total = max(of_examples[1] + variance, *of_examples, variance)
    nu = total**2 / (variance**2 / nu) if variance else math.inf
    half = student_quantile(confidence, nu) * math.sqrt(total)
    p = student_p(value / math.sqrt(total), nu) if total else float(value == 0)
    return (value - half, value + half), p


# ---- the world and its trainings ----


class Training:
    def __init__(self, logits, labels):
        rows = np.arange(len(labels))
        self.logits = logits
        others = logits.copy()
        others[rows, labels] = -np.inf
        self.margin = logits[rows, labels] - others.max(1)
        self.wrong = logits.argmax(1) != labels


def make_trainings(random, labels, scores, skill, count, classes):
    trainings = []
    for _ in range(count):
        logits = random.normal(size=(len(labels), classes))
        logits[np.arange(len(labels)), labels] += 3 * scores + skill
        trainings.append(Training(logits.astype(np.float32).astype(float), labels))
    return trainings


def list_statistics(scores):
    if not len(scores):
        return np.full(4, np.nan)
    return np.array([scores.mean(), *np.quantile(scores, [0.25, 0.5, 0.75])])


def all_statistics(trainings, scores, drawn, matched):
    """[trainings][4] of the examples `drawn`, with repetition, and how many each has.

    matched: None for all errors, 0 for the fewest, or a number.
    """
    errors = [drawn[t.wrong[drawn]] for t in trainings]
    if matched is not None:
        most = matched or min(len(e) for e in errors)
        lists = errors if not matched else [drawn] * len(trainings)
        errors = [e[np.lexsort((e, t.margin[e]))][:most] for e, t in zip(lists, trainings)]
    return np.array([list_statistics(scores[e]) for e in errors]), len(errors[0])


def draw(seed, number, count):
    words = np.random.Philox(key=[seed, BOOTSTRAP], counter=[0, number, 0, 0]).random_raw(count)
    high, low = words >> np.uint64(32), words & np.uint64(0xFFFFFFFF)
    n = np.uint64(count)
    return ((high * n + ((low * n) >> np.uint64(32))) >> np.uint64(32)).astype(int)


# ---- tables ----


def check_interval(what, found, expected):
    if expected is None or math.isnan(expected[0]):
        assert found is None, f"{what}: {found}"
        return
    for side in range(2):
        same(f"{what}[{side}]", found[side], expected[side], 1e-7)


def check_estimate(what, found, value, first, second, paired, over_trainings, confidence):
    """first, second: [draws][trainings]; first: None for one method."""
    known = ~np.isnan(second).any(1)
    if first is not None:
        known &= ~np.isnan(first).any(1)
        first = first[known].T
    second = second[known].T
    draws = second.mean(0) - (0 if first is None else first.mean(0))
    tail = (1 - confidence) / 2
    same(what, found["value"], value)
    check_interval(
        f"{what} over examples", found["over_examples"], np.quantile(draws, [tail, 1 - tail])
    )
    of_examples = over_examples(first, second, paired)
    same(f"{what} V_e", of_examples[0], draws.var(ddof=1))
    interval, p = student(value, of_examples, over_trainings, confidence)
    check_interval(f"{what} over trainings", found["over_trainings"], interval)
    if first is None:
        return math.nan
    smaller = min((draws <= 0).sum(), (draws >= 0).sum())
    examples_p = min(1, 2 * (smaller + 1) / (len(draws) + 1))
    same(f"{what} examples p", found["examples_p"], examples_p)
    same(f"{what} p", found["p"], p, 1e-7)
    return examples_p if math.isnan(p) else p


def check_table(found, methods, scores, matched, options):
    names = list(methods)
    flat = [t for name in names for t in methods[name]]
    ends = np.cumsum([0] + [len(methods[name]) for name in names])
    count = len(scores)
    observed, errors = all_statistics(flat, scores, np.arange(count), matched)
    each = {n: observed[ends[i] : ends[i + 1]] for i, n in enumerate(names)}
    draws = np.array(
        [
            all_statistics(flat, scores, draw(options["seed"], d, count), matched)[0]
            for d in range(options["draws"])
        ]
    )
    drawn = {n: draws[:, ends[i] : ends[i + 1]] for i, n in enumerate(names)}
    confidence = options["confidence"]
    if matched is not None:
        same("matched errors", found["errors"], errors)
    for name in names:
        row = found["methods"][name]
        for q, statistic in enumerate(STATISTICS):
            what = f"{name} {statistic}, matched {matched}"
            values = each[name][:, q]
            same(what, row[statistic], values.mean())
            for one, value in zip(row["each"], values):
                same(f"{what} of a training", one[statistic], value)
            check_estimate(
                what,
                row["intervals"][statistic],
                values.mean(),
                None,
                drawn[name][:, :, q],
                False,
                spread(values, None, False),
                confidence,
            )
    check_pairs(found["differences"], each, drawn, confidence)


def check_pairs(found, each, drawn, confidence):
    expected = {s: [] for s in STATISTICS}
    assert len(found) == len(each) * (len(each) - 1) // 2
    for pair in found:
        first, second = pair["first"], pair["second"]
        assert pair["paired"] == (len(each[first]) == len(each[second]))
        for q, statistic in enumerate(STATISTICS):
            a, b = each[first][:, q], each[second][:, q]
            p = check_estimate(
                f"{second} - {first}, {statistic}",
                pair[statistic],
                b.mean() - a.mean(),
                drawn[first][:, :, q],
                drawn[second][:, :, q],
                pair["paired"],
                spread(a, b, pair["paired"]),
                confidence,
            )
            expected[statistic].append(p)
    for statistic in STATISTICS:
        for pair, p in zip(found, holm(expected[statistic])):
            same(f"adjusted p of {statistic}", pair[statistic]["adjusted_p"], p, 1e-7)


# ---- comparisons ----


def count_fates(before, after):
    ends = (before == after) & ((before == 0) | (before == 1))
    return {
        "always right": (ends & (before == 1)).sum(),
        "rescued": (after > before).sum(),
        "hurt": (after < before).sum(),
        "always wrong": (ends & (before == 0)).sum(),
        "unsteady": ((after == before) & ~ends).sum(),
    }


def changes(befores, afters):
    """Mean numbers that go from wrong to right and from right to wrong."""
    pairs = list(zip(befores, afters))
    rescued = [(b & ~a).sum() for b, a in pairs]
    hurt = [(~b & a).sum() for b, a in pairs]
    return (np.mean(rescued), np.mean(hurt)) if pairs else (math.nan, math.nan)


def check_group(found, baseline, method, members, paired, confidence):
    """baseline, method: [trainings][N] wrong."""
    what = found["name"]
    b, m = baseline[:, members], method[:, members]
    same(f"{what} count", found["count"], len(members))
    gains = b.mean(0) - m.mean(0)
    fates = count_fates(1 - b.mean(0), 1 - m.mean(0))
    for fate, number in found["fates"].items():
        same(f"{what} {fate}", number, fates[fate.replace("_", " ")])
    every = list(itertools.product(b, m))
    if paired and len(b) > 1:  # pairs of one seed are left out
        every = [(b[i], m[j]) for i, j in itertools.permutations(range(len(b)), 2)]
    again = list(itertools.permutations(b, 2))
    expected = [*changes(*zip(*every)), *(changes(*zip(*again)) if again else (math.nan,) * 2)]
    for name, value in zip(("rescued", "hurt", "rescued_again", "hurt_again"), expected):
        same(f"{what} {name}", found[name], value)
    same(f"{what} accuracy", found["accuracy"], 1 - m.mean())
    same(f"{what} baseline", found["baseline_accuracy"], 1 - b.mean())
    value, n = gains.mean(), len(members)
    same(f"{what} gain", found["gain"]["value"], value)
    variance = gains.var(ddof=1) / n
    half = student_quantile(confidence, math.inf) * math.sqrt(variance)
    check_interval(what, found["gain"]["over_examples"], (value - half, value + half))
    if_none = (gains**2).sum() / n**2
    if len(b) == 1 and len(m) == 1:
        examples_p = sign_test(int(fates["rescued"]), int(fates["hurt"]))
    else:
        z = value / math.sqrt(if_none) if if_none else (math.inf if value else 0)
        examples_p = student_p(z, math.inf)
    same(f"{what} examples p", found["gain"]["examples_p"], examples_p, 1e-8)
    between = spread(1 - b.mean(1), 1 - m.mean(1), paired)
    right = (~b).astype(float), (~m).astype(float)
    each = [x / n for x in over_examples(*right, paired)]
    same(f"{what} V_e", each[0], variance)
    interval, _ = student(value, each, between, confidence)
    check_interval(f"{what} over trainings", found["gain"]["over_trainings"], interval)
    each = [x / n for x in over_examples(*right, paired, around_zero=True)]
    p = student(value, each, between, confidence)[1]
    same(f"{what} p", found["gain"]["p"], p, 1e-7)
    return examples_p if math.isnan(p) else p


def check_comparisons(found, methods, labels, scores, options):
    names = list(methods)
    wrong = {n: np.array([t.wrong for t in methods[n]]) for n in names}
    order = np.argsort(scores, kind="stable")
    families = {
        "classes": [np.flatnonzero(labels == k) for k in range(labels.max() + 1)],
        "difficulty": np.array_split(order, options["quantiles"]),
    }
    assert [c["method"] for c in found] == names[1:]
    overall = []
    for c in found:
        sides = wrong[c["baseline"]], wrong[c["method"]]
        rules = c["paired"], options["confidence"]
        assert c["baseline"] == names[0]
        assert c["paired"] == (len(sides[0]) == len(sides[1]))
        overall.append(check_group(c["all"], *sides, np.arange(len(labels)), *rules))
        for family, groups in families.items():
            assert len(c[family]) == len(groups)
            p = [check_group(f, *sides, g, *rules) for f, g in zip(c[family], groups)]
            for f, adjusted in zip(c[family], holm(p)):
                same(f"{f['name']} adjusted", f["gain"]["adjusted_p"], adjusted, 1e-7)
        for f, g in zip(c["difficulty"], families["difficulty"]):
            same("low", f["low"], scores[g].min())
            same("high", f["high"], scores[g].max())
    for c, adjusted in zip(found, holm(overall)):
        same("all, adjusted", c["all"]["gain"]["adjusted_p"], adjusted, 1e-7)


# ---- cases ----


def audit(folder, methods, labels, scores, options):
    np.save(f"{folder}/labels.npy", labels)
    np.savez(f"{folder}/scores.npz", scores=scores, labels=labels)
    operands = []
    for name, trainings in methods.items():
        for i, training in enumerate(trainings):
            path = f"{folder}/{name}{i}.npz"
            np.savez(path, logits=training.logits.astype(np.float32))
            operands.append(f"{name}={path}")
    numbers = [options[k] for k in ("draws", "confidence", "seed", "matched", "quantiles")]
    command = [os.environ["CUTLAB_DRAW_AUDIT"], f"{folder}/scores.npz", f"{folder}/labels.npy"]
    output = subprocess.run(
        command + [str(n) for n in numbers] + operands, check=True, stdout=subprocess.PIPE
    )
    return json.loads(output.stdout)


CASES = [
    # methods with their skill and trainings, examples, classes, options
    ({"a": (0.5, 3), "b": (1, 3), "c": (0.8, 1)}, 600, 5, {}),
    ({"a": (0, 1), "b": (0.5, 1)}, 403, 3, {"quantiles": 7, "seed": 12345678901}),
    ({"a": (0, 3), "b": (0.5, 4), "c": (0, 2)}, 300, 4, {"matched": 70, "confidence": 0.9}),
    ({"a": (-1, 2), "b": (-0.5, 2)}, 60, 2, {"quantiles": 3}),
    # few errors: draws without any are left out
    ({"a": (0.8, 3), "b": (0.9, 3), "c": (0.7, 5)}, 40, 2, {"quantiles": 3}),
]


def main():
    for number, (law, count, classes, chosen) in enumerate(CASES):
        options = {"draws": 150, "confidence": 0.95, "seed": 3, "matched": 0, "quantiles": 10}
        options.update(chosen)
        random = np.random.default_rng(number)
        labels = np.arange(count) % classes
        scores = np.round(1 - random.uniform(size=count) ** 2, 2)
        methods = {
            name: make_trainings(random, labels, scores, skill, trainings, classes)
            for name, (skill, trainings) in law.items()
        }
        with tempfile.TemporaryDirectory() as folder:
            found = audit(folder, methods, labels, scores, options)
        check_table(found, methods, scores, None, options)
        check_table(found["matched"], methods, scores, options["matched"], options)
        check_comparisons(found["comparisons"], methods, labels, scores, options)
    print(f"{checks} numbers agree")


if __name__ == "__main__":
    main()
