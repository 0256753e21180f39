"""The benign-overfitting sweep in NumPy and PyTorch, on a random sample of its cells.

    python bench/peers/benign_peers.py --cells 24

Kou, Chen, Chen and Gu, "Benign Overfitting in Two-Layer ReLU Convolutional Neural Networks", ICML 2023: two patches
[y mu e_1, xi], xi ~ N(0, I_d), labels flipped with probability .1 in training and test; 10 ReLU filters a class with
biases; a class's logit is the sum of its filters' outputs over both patches; softmax cross-entropy, full-batch
gradient descent. 100 x 100 cells (mu, d), 10 trainings each. Prints a JSON line for each program.
"""
import argparse
import json
import multiprocessing
import os
import sys
import time
from types import SimpleNamespace

EXAMPLES, FILTERS, STEPS, RATE, FLIPS, TEST_POINTS = 20, 10, 100, 0.1, 0.1, 1000
SIGNALS = [k / 10 for k in range(100)]
DIMENSIONS = [100 + 10 * k for k in range(100)]
TOLERANCES = {"float64": 1e-10, "float32": 2e-3}


def draw_labels(rng, shape):
    """True and flipped labels, +1 or -1."""
    import numpy as np

    true = rng.choice(np.array([1.0, -1.0]), shape)
    return true, np.where(rng.random(shape) < FLIPS, -true, true)


class NumpyTrainings:
    """`batch` trainings of a cell at once. The signal patch is y mu e_1, so that it meets the first column of the
    filters alone; the sum over patches does not see their order."""

    def __init__(self, dtype, batch):
        import numpy as np

        self.np, self.dtype, self.batch = np, np.dtype(dtype), batch
        self.signs = np.repeat([1, -1], FILTERS).astype(dtype)  # which class a filter votes for

    def draw(self, rng, signal, dimension, trainings):
        np, dtype, filters = self.np, self.dtype, 2 * FILTERS
        bound = dimension**-0.5
        true, labels = draw_labels(rng, (trainings, EXAMPLES))
        uniform = rng.random((trainings, filters, dimension + 1), dtype=dtype)
        uniform *= 2 * bound
        uniform -= bound
        return SimpleNamespace(
            noise=rng.standard_normal((trainings, EXAMPLES, dimension), dtype=dtype),
            signal=(true * signal).astype(dtype), labels=labels.astype(dtype),
            weights=np.ascontiguousarray(uniform[..., :-1]), biases=uniform[..., -1].copy())

    def train(self, t):
        """In place, as all updates are."""
        np, step = self.np, self.dtype.type(RATE / EXAMPLES)
        across, gradient = t.noise.swapaxes(1, 2), np.empty_like(t.weights)
        inner = np.empty((len(t.noise), 2 * FILTERS, EXAMPLES), self.dtype)
        for _ in range(STEPS):
            on, alone = self.inner(t, across, inner)
            margins = self.outputs(on, alone) * t.labels
            pull = t.labels / (1 + np.exp(margins)) * step  # - dLoss/dF times the rate
            voted = self.signs[:, None] * pull[:, None, :]
            seen, shown = voted * (on > 0), voted * (alone > 0)
            np.matmul(seen, t.noise, out=gradient)
            t.weights += gradient
            t.weights[..., 0] += (shown * t.signal[:, None, :]).sum(2)
            t.biases += seen.sum(2) + shown.sum(2)

    def inner(self, t, across, out=None):
        """Pre-activations of the noise and the signal patches: [trainings][filters][points] each."""
        np = self.np
        inner = np.matmul(t.weights, across, out=out)
        inner += t.biases[..., None]
        return inner, t.weights[..., :1] * t.signal[:, None, :] + t.biases[..., None]

    def outputs(self, on, alone):
        np = self.np
        return np.matmul(self.signs, np.maximum(on, 0) + np.maximum(alone, 0))

    def losses(self, t):
        margins = self.outputs(*self.inner(t, t.noise.swapaxes(1, 2))) * t.labels
        return self.np.logaddexp(0, -margins).mean(1)

    def errors(self, rng, t, signal):
        """Test points in R^d, drawn one training at a time: the block stays in the cache."""
        errors = []
        for k in range(len(t.weights)):
            true, labels = draw_labels(rng, (1, TEST_POINTS))
            fresh = rng.standard_normal((TEST_POINTS, t.weights.shape[2]), dtype=self.dtype)
            one = SimpleNamespace(weights=t.weights[k:k + 1], biases=t.biases[k:k + 1],
                                  signal=(true * signal).astype(self.dtype))
            errors.append(float((self.outputs(*self.inner(one, fresh.T[None])) * labels <= 0).mean()))
        return errors

    def run(self, cells, trainings, seed):
        """(signal, dimension, mean test error, mean training loss) of each cell."""
        found = []
        for signal, dimension in cells:
            rng = self.np.random.Generator(self.np.random.SFC64([seed, round(10 * signal), dimension]))
            errors, losses = [], []
            for first in range(0, trainings, self.batch):
                t = self.draw(rng, signal, dimension, min(self.batch, trainings - first))
                self.train(t)
                losses += self.losses(t).tolist()
                errors += self.errors(rng, t, signal)
            found.append((signal, dimension, sum(errors) / trainings, sum(losses) / trainings))
        return found

    def given(self, t):
        """Losses after training on given draws, to verify with."""
        own = SimpleNamespace(**{k: v.astype(self.dtype) for k, v in vars(t).items()})
        self.train(own)
        return self.losses(own).astype("float64")


class TorchTrainings:
    """All trainings of a few cells at once, float32. Cells of one batch may differ in dimension: the smaller ones are
    padded with zeros, which stay zeros."""

    def __init__(self, kind, compiled, threads):
        import torch

        torch.set_num_threads(threads)
        self.torch = torch
        self.signs = torch.tensor([1.0] * FILTERS + [-1.0] * FILTERS)
        self.step = {"bmm": self.manual_step, "autograd": self.autograd_step,
                     "func": self.functional_step}[kind]
        if compiled:
            self.step = torch.compile(self.step, dynamic=True)

    def outputs(self, weights, biases, noise, signal):
        torch = self.torch
        on = torch.baddbmm(biases[:, :, None], weights, noise.transpose(1, 2))
        alone = weights[:, :, :1] * signal[:, None, :] + biases[:, :, None]
        return self.signs @ (torch.relu(on) + torch.relu(alone)), on, alone

    def manual_step(self, weights, biases, noise, signal, labels):
        torch = self.torch
        outputs, on, alone = self.outputs(weights, biases, noise, signal)
        pull = labels * torch.sigmoid(-outputs * labels) * (RATE / EXAMPLES)
        voted = self.signs[:, None] * pull[:, None, :]
        seen, shown = voted * (on > 0), voted * (alone > 0)
        weights.baddbmm_(seen, noise)
        weights[:, :, 0] += (shown * signal[:, None, :]).sum(2)
        biases += (seen + shown).sum(2)

    def loss(self, weights, biases, noise, signal, labels):
        outputs = self.outputs(weights, biases, noise, signal)[0]
        return self.torch.nn.functional.softplus(-outputs * labels).mean(1).sum()

    def autograd_step(self, weights, biases, *data):
        torch = self.torch
        with torch.enable_grad():
            parameters = weights.detach().requires_grad_(), biases.detach().requires_grad_()
            gradients = torch.autograd.grad(self.loss(*parameters, *data), parameters)
        weights.sub_(gradients[0], alpha=RATE)
        biases.sub_(gradients[1], alpha=RATE)

    def functional_step(self, weights, biases, *data):
        gradients = self.torch.func.grad(self.loss, argnums=(0, 1))(weights, biases, *data)
        weights.sub_(gradients[0], alpha=RATE)
        biases.sub_(gradients[1], alpha=RATE)

    def train(self, *tensors):
        with self.torch.no_grad():
            for _ in range(STEPS):
                self.step(*tensors)

    def draw_labels(self, generator, *shape):
        torch = self.torch
        true = 1 - 2 * torch.randint(2, shape, generator=generator).float()
        return true, torch.where(torch.rand(shape, generator=generator) < FLIPS, -true, true)

    def draw(self, generator, cells, trainings):
        torch, widest, count = self.torch, max(d for _, d in cells), len(cells) * trainings
        weights, noise = torch.zeros(count, 2 * FILTERS, widest), torch.zeros(count, EXAMPLES, widest)
        biases, signals = torch.empty(count, 2 * FILTERS), torch.empty(count, 1)
        for k, (signal, d) in enumerate(cells):
            rows = slice(k * trainings, (k + 1) * trainings)
            weights[rows, :, :d].uniform_(-d**-.5, d**-.5, generator=generator)
            biases[rows] = torch.empty(trainings, 2 * FILTERS).uniform_(-d**-.5, d**-.5, generator=generator)
            noise[rows, :, :d] = torch.randn(trainings, EXAMPLES, d, generator=generator)
            signals[rows] = signal
        true, labels = self.draw_labels(generator, count, EXAMPLES)
        return weights, biases, noise, true * signals, labels

    def errors(self, generator, weights, biases, signal):
        true, labels = self.draw_labels(generator, len(weights), TEST_POINTS)
        errors = []
        for k in range(len(weights)):
            fresh = self.torch.randn(1, TEST_POINTS, weights.shape[2], generator=generator)
            outputs = self.outputs(weights[k:k + 1], biases[k:k + 1], fresh, true[k:k + 1] * signal)[0]
            errors.append(float((outputs[0] * labels[k] <= 0).float().mean()))
        return errors

    def run(self, cells, trainings, seed):
        generator = self.torch.Generator().manual_seed(hash((seed, *cells)) % 2**63)
        tensors = self.draw(generator, cells, trainings)
        self.train(*tensors)
        with self.torch.no_grad():
            outputs = self.outputs(*tensors[:4])[0]
            losses = self.torch.nn.functional.softplus(-outputs * tensors[4]).mean(1)
            found = []
            for k, (signal, d) in enumerate(cells):
                rows = slice(k * trainings, (k + 1) * trainings)
                errors = self.errors(generator, tensors[0][rows, :, :d], tensors[1][rows], signal)
                found.append((signal, d, sum(errors) / trainings, float(losses[rows].mean())))
        return found

    def given(self, t):
        names = ("weights", "biases", "noise", "signal", "labels")
        tensors = [self.torch.tensor(getattr(t, name), dtype=self.torch.float32) for name in names]
        self.train(*tensors)
        with self.torch.no_grad():
            outputs = self.outputs(*tensors[:4])[0]
            return self.torch.nn.functional.softplus(-outputs * tensors[4]).mean(1).double().numpy()


def list_programs(options):
    """(name, library, precision, make, worker processes, threads of each, cells of a batch)"""
    every = options.threads
    layouts = [("a process a core", every, 1)] + ([("one process", 1, every)] if every > 1 else [])
    for precision in ("float64", "float32"):
        for batch, text in ((1, "one by one"), (options.seeds, "seeds batched")):
            for layout, workers, threads in layouts:
                yield (f"numpy, {precision}, {text}, {layout}", "numpy", precision, (NumpyTrainings, precision, batch),
                       workers, threads, 1)
    for kind, compiled in (("bmm", False), ("autograd", False), ("func", False), ("bmm", True), ("func", True)):
        if compiled and options.no_compile:
            continue
        for cells in (1, 4):
            for layout, workers, threads in layouts:
                yield (f"torch, float32, {kind}, {'compile' if compiled else 'eager'}, {cells} cells batched, {layout}",
                       "torch", "float32", (TorchTrainings, kind, compiled, threads), workers, threads, cells)


WORKER = {}


def start_worker(make, warm_up, barrier):
    """A worker that fails says so to the first that asks: a pool would only start it again."""
    kind, *arguments = make
    try:
        WORKER["program"] = program = kind(*arguments)
        WORKER["losses"] = program.given(reference_draws())
        for cells in warm_up:  # compilation, thread pools
            program.run(cells, 2, 0)
    except Exception as error:
        WORKER["losses"] = f"{type(error).__name__}: {error}"
    barrier.wait()


def reference_draws():
    import numpy as np

    rng = np.random.default_rng(7)
    return NumpyTrainings("float64", 3).draw(rng, 3.0, 150, 3)


def check_losses(_):
    return WORKER["losses"]


def run_task(task):
    return WORKER["program"].run(*task)


def verify(name, losses, expected, tolerance):
    if isinstance(losses, str):
        sys.exit(f"{name}: {losses}")
    difference = float(abs(losses / expected - 1).max())
    if not difference <= tolerance:
        sys.exit(f"{name}: losses on the same draws differ by {difference:.1e} (allowed: {tolerance:.0e})")


def time_program(program, cells, options, expected):
    name, library, precision, make, workers, threads, group = program
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(threads)  # read once, when a worker loads its libraries
    ordered = sorted(cells, key=lambda cell: -cell[1])  # alike in a batch; the longest first
    tasks = [(ordered[k:k + group], options.seeds, options.seed) for k in range(0, len(ordered), group)]
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(workers + 1)
    warm_up = [[(1.0, 200)] * group, [(2.0, 310)] * group]
    with context.Pool(workers, start_worker, (make, warm_up, barrier)) as pool:
        barrier.wait(600)
        verify(name, pool.apply(check_losses, (0,)), expected, TOLERANCES[precision])
        start = time.perf_counter()
        found = [row for rows in pool.imap_unordered(run_task, tasks) for row in rows]
        seconds = time.perf_counter() - start
        pool.close()
        pool.join()
    trainings = len(found) * options.seeds
    version = __import__("importlib.metadata").metadata.version(library)
    return {"program": name, "version": f"{library} {version}", "threads": options.threads, "cells": len(found),
            "trainings": trainings, "seconds": round(seconds, 4),
            "ms_per_training": round(1e3 * seconds / trainings, 4),
            "mean_test_error": round(sum(row[2] for row in found) / len(found), 6),
            "mean_train_loss": round(sum(row[3] for row in found) / len(found), 8)}


def choose_cells(options):
    import numpy as np

    rng = np.random.default_rng(options.seed)
    picked = rng.choice(len(SIGNALS) * len(DIMENSIONS), size=options.cells, replace=False)
    return [(SIGNALS[k % 100], DIMENSIONS[k // 100]) for k in picked.tolist()]


def published_error(path, cells):
    """Mean of the published surface (100 lines of 100 numbers: d down, mu across) over the same cells."""
    import numpy as np

    surface = np.loadtxt(path)
    return float(np.mean([surface[DIMENSIONS.index(d), SIGNALS.index(signal)] for signal, d in cells]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=24, help="how many of the 10,000 cells, drawn at random")
    parser.add_argument("--seeds", type=int, default=10, help="trainings of a cell")
    parser.add_argument("--seed", type=int, default=1, help="of the sample and of the draws")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="", help="programs whose name holds this text")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out (no C++ compiler)")
    parser.add_argument("--published", help="test_error.csv of the authors' surface: its mean over the same cells")
    options = parser.parse_args()
    cells = choose_cells(options)
    if options.published:
        print(json.dumps({"program": "published", "cells": len(cells),
                          "mean_test_error": round(published_error(options.published, cells), 6)}), flush=True)
    expected = NumpyTrainings("float64", 3).given(reference_draws())
    for program in list_programs(options):
        if options.only in program[0]:
            print(json.dumps(time_program(program, cells, options, expected)), flush=True)


if __name__ == "__main__":
    main()
