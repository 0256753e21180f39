"""Times the CutMix and Cutout objectives, loss and gradient w.r.t. the patch outputs, in NumPy and PyTorch.

    python bench/peers/objective_peers.py [--method cutmix|cutout] [--examples N,N,...] [--patches P,P,...]
        [--cut-size C] [--threads T] [--seconds S] [--only TEXT] [--no-compile]

One JSON object a line for every program, n and P; the same work as `cutlab bench objective`, at outputs
a_ip = y_i z (1 + .35 g). All pairs and all subsets are summed, O(n^2 2^P) or O(n C(P, |C|)), in float64 and in pieces
that stay in the cache: half of the subsets, one division and one logarithm a pair (see common.PairSums). Each program
is first compared with the definition, augmented example by augmented example. A point whose time is likely to exceed
--seconds, by the growth from the last one, is left out and says so.
"""
import argparse
import json
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations, repeat
from math import comb

import numpy as np

PIECE = 1 << 17  # pairs at a time: their buffer stays in a core's cache


def parse_arguments():
    def integers(text):
        return [int(part) for part in text.split(",")]

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", choices=("cutmix", "cutout"), default="cutmix")
    parser.add_argument("--examples", type=integers, default=[300, 1000, 3000])
    parser.add_argument("--patches", type=integers, default=[3])
    parser.add_argument("--cut-size", type=int, default=1)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seconds", type=float, default=20.0, help="the most that one evaluation may take")
    parser.add_argument("--only", default="", help="programs whose name holds this")
    parser.add_argument("--no-compile", action="store_true")
    return parser.parse_args()


def optimum(patches):
    """z of the CutMix optimum of balanced classes: bisection on the derivative of a convex function."""
    sizes = np.arange(patches + 1)
    f = 2.0 * sizes - patches

    def slope(z):
        sigmoid = 1 / (1 + np.exp(-f * z))
        mixed = np.sum(f * (sigmoid - sizes / patches)) / (2 * (patches + 1))
        return mixed - patches / 2 / (1 + np.exp(patches * z))

    low, high = 0.0, 10.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return low


def draw(examples, patches, seed=1):
    labels = np.where(np.arange(examples) % 2 == 0, 1, -1)
    noise = np.random.default_rng(seed).standard_normal((examples, patches))
    return labels[:, None] * optimum(patches) * (1 + 0.35 * noise), labels


def by_definition(outputs, labels, method, cut_size):
    """Loss and gradient, augmented example by augmented example: for few examples and patches."""
    n, patches = outputs.shape
    loss, gradient, everyone = 0.0, np.zeros_like(outputs), set(range(patches))

    def add(weight, label, parts):
        margin = label * sum(outputs[i, p] for i, p in parts)
        for i, p in parts:
            gradient[i, p] -= weight * label / (1 + np.exp(margin))
        return weight * np.log1p(np.exp(-margin))

    if method == "cutout":
        for i in range(n):
            for kept in combinations(range(patches), patches - cut_size):
                loss += add(1 / (n * comb(patches, cut_size)), labels[i], [(i, p) for p in kept])
        return loss, gradient
    for i in range(n):
        for j in range(n):
            for size in range(patches + 1):
                weight = 1 / (n * n * (patches + 1) * comb(patches, size))
                for subset in combinations(range(patches), size):
                    parts = [(i, p) for p in subset] + [(j, p) for p in everyone - set(subset)]
                    loss += add(weight * size / patches, labels[i], parts)
                    loss += add(weight * (1 - size / patches), labels[j], parts)
    return loss, gradient


class Cutmix:
    """softplus(A + B) = log(e^A + e^-B) + B and its derivative e^A / (e^A + e^-B), for |A|, |B| < 700. `pairs` gives a
    block's row sums, column sums and sum of logarithms of 1/(p_i + q_j), p_i/(p_i + q_j) and log(p_i + q_j)."""

    def __init__(self, labels, patches, pairs, pool):
        self.n, self.patches, self.pairs, self.pool = len(labels), patches, pairs, pool
        self.positive = (labels > 0).astype(float)
        rest = [(0, *r) for size in range(patches - 1) for r in combinations(range(1, patches), size)]
        self.inside = np.zeros((len(rest), patches))
        for row, subset in zip(self.inside, rest):
            row[list(subset)] = 1.0
        rows = max(1, PIECE // self.n)
        self.blocks = [slice(k, min(k + rows, self.n)) for k in range(0, self.n, rows)]

    def __call__(self, outputs):
        n, patches, y, plus = self.n, self.patches, self.positive, self.positive.sum()
        whole = outputs.sum(axis=1)
        weight = 2 / (n * (patches + 1))
        slope = 1 / (1 + np.exp(-whole)) - y
        loss = weight * np.sum(np.logaddexp(0, whole) - y * whole)
        gradient = np.repeat(weight * slope[:, None], patches, axis=1)
        for inside in self.inside:
            size = inside.sum()
            share = size / patches
            a, b = outputs @ inside, outputs @ (1 - inside)
            own, other = share * n * y + (1 - share) * plus, (1 - share) * n * y + share * plus
            p, q = np.exp(a), np.exp(-b)
            rows, columns, total = np.empty(n), np.zeros(n), n * b.sum()
            parts = self.pool(self.pairs, (p[block] for block in self.blocks), repeat(q))
            for block, (row_sums, column_sums, logarithms) in zip(self.blocks, parts):
                rows[block] = row_sums * p[block]
                columns += column_sums
                total += logarithms
            weight = 2 / (n * n * (patches + 1) * comb(patches, int(size)))
            loss += weight * (total - a @ own - b @ other)
            gradient += weight * np.outer(rows - own, inside)
            gradient += weight * np.outer(columns - other, 1 - inside)
        return loss, gradient


class Cutout:
    """`kept` gives sums of sigmoids and softplus of a block of examples over all kept sets."""

    def __init__(self, labels, patches, cut_size, sums, pool):
        self.positive, self.sums, self.pool = (labels > 0).astype(float), sums, pool
        self.kept = np.ones((comb(patches, cut_size), patches))
        for row, cut in zip(self.kept, combinations(range(patches), cut_size)):
            row[list(cut)] = 0.0
        rows = max(1, PIECE // len(self.kept))
        self.blocks = [slice(k, min(k + rows, len(labels))) for k in range(0, len(labels), rows)]

    def __call__(self, outputs):
        weight = 1 / (len(self.positive) * len(self.kept))
        loss, gradient = 0.0, np.empty_like(outputs)
        parts = self.pool(self.sums, (outputs[block] for block in self.blocks), repeat(self.kept))
        for block, (slopes, softplus) in zip(self.blocks, parts):
            target = self.positive[block, None] * self.kept.sum(axis=0)
            loss += weight * (softplus - np.sum(target * outputs[block]))
            gradient[block] = weight * (slopes - target)
        return loss, gradient


def numpy_pairs(p, q):
    both = p[:, None] + q
    logarithms = np.log(both).sum()
    np.reciprocal(both, out=both)
    return both.sum(axis=1), p @ both, logarithms


def numpy_kept(outputs, kept):
    f = outputs @ kept.T
    power = np.exp(-f)
    softplus = np.sum(np.log1p(power) + f)
    power += 1
    np.reciprocal(power, out=power)
    return power @ kept, softplus


def torch_programs(compiles):
    import torch

    def pairs(p, q):
        both = p[:, None] + q
        inverse = both.reciprocal()
        return inverse.sum(1), (p[:, None] * inverse).sum(0), both.log().sum()

    def kept_sums(outputs, kept):
        f = outputs @ kept.T
        return torch.sigmoid(f) @ kept, torch.nn.functional.softplus(f, threshold=700).sum()

    def from_numpy(function):
        def run(*arrays):
            with torch.no_grad():
                return tuple(t.numpy() for t in function(*(torch.from_numpy(np.ascontiguousarray(a)) for a in arrays)))
        return run

    yield "torch, eager", from_numpy(pairs), from_numpy(kept_sums)
    if compiles:
        yield "torch, compiled", *(from_numpy(torch.compile(f, dynamic=True)) for f in (pairs, kept_sums))


def programs(options):
    """(name, version, maker of an evaluation from labels and P)."""
    executor = ThreadPoolExecutor(options.threads)

    def maker(pairs, kept, pool):
        if options.method == "cutmix":
            return lambda labels, patches: Cutmix(labels, patches, pairs, pool)
        return lambda labels, patches: Cutout(labels, patches, options.cut_size, kept, pool)

    if options.only in "numpy":
        yield "numpy", np.__version__, maker(numpy_pairs, numpy_kept, executor.map)
    try:
        import torch
    except ImportError:
        return
    torch.set_num_threads(options.threads)
    for name, pairs, kept in torch_programs(not options.no_compile):
        if options.only in name:
            yield name, torch.__version__, maker(pairs, kept, map)


def check(make, options):
    patches = 5
    outputs, labels = draw(6, patches)
    wanted = by_definition(outputs, labels, options.method, options.cut_size)
    loss, gradient = make(labels, patches)(outputs)
    scale = np.abs(wanted[1]).max()
    if abs(loss - wanted[0]) > 1e-12 * wanted[0] or np.abs(gradient - wanted[1]).max() > 1e-12 * scale:
        raise SystemExit(f"loss {loss} instead of {wanted[0]}, or another gradient")


def work(options, examples, patches):
    if options.method == "cutmix":
        return examples**2 * 2.0**patches
    return examples * float(comb(patches, options.cut_size))


def measure(evaluation, outputs, seconds):
    """After one to warm up, the median of up to five evaluations."""
    times, loss = [], evaluation(outputs)[0]
    start = time.perf_counter()
    while len(times) < 5 and time.perf_counter() - start < seconds:
        before = time.perf_counter()
        loss = evaluation(outputs)[0]
        times.append(time.perf_counter() - before)
    return statistics.median(times), loss


def main():
    options = parse_arguments()
    for name, version, make in programs(options):
        check(make, options)
        for patches in options.patches:
            rate = None
            for examples in options.examples:
                entry = {"program": name, "version": version, "method": options.method, "examples": examples,
                         "patches": patches, "threads": options.threads}
                amount = work(options, examples, patches)
                if amount > 2e11 or (rate and amount / rate > options.seconds):
                    print(json.dumps(entry | {"left_out": f"{amount:.3g} terms"}), flush=True)
                    continue
                outputs, labels = draw(examples, patches)
                seconds, loss = measure(make(labels, patches), outputs, options.seconds)
                rate = amount / seconds
                print(json.dumps(entry | {"seconds": seconds, "loss": float(loss)}), flush=True)


if __name__ == "__main__":
    main()
