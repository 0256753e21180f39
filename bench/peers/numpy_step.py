"""One exact CutMix gradient-descent step in NumPy: a few ways to sum sigmoid(A_i + B_j) over all pairs.

Every variant works in place on buffers made once; the products with the data are one BLAS gemv per filter,
which is faster here than one product with a two-column matrix.
"""
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.special import expit

from common import PairSums


def expit_rows(a, b, out, rows, columns):
    """scipy's sigmoid, one call a pair."""
    np.add(a[:, None], b, out=out)
    expit(out, out=out)
    out.sum(axis=1, out=rows)
    out.sum(axis=0, out=columns)


def exp_rows(a, b, out, rows, columns):
    """1 / (1 + exp(-x)): NumPy's vectorised exp, one call a pair."""
    np.subtract(-a[:, None], b, out=out)
    np.exp(out, out=out)
    out += 1.0
    np.reciprocal(out, out=out)
    out.sum(axis=1, out=rows)
    out.sum(axis=0, out=columns)


def factored_rows(a, b, out, rows, columns):
    """sigmoid(A_i + B_j) = p_i / (p_i + q_j), p = exp(A), q = exp(-B): one reciprocal a pair (|A|, |B| < 700)."""
    p = np.exp(a)
    np.add(p[:, None], np.exp(-b), out=out)
    np.reciprocal(out, out=out)
    np.dot(out, np.ones(len(b)), out=rows)
    rows *= p
    np.dot(p, out, out=columns)


class NumpyStep:
    def __init__(self, world, pair_rows, workers=1):
        self.world, self.settings, self.pair_rows = world, world.settings, pair_rows
        self.sums = PairSums(world.labels, world.patches.shape[1])
        n, patches, dimension = world.patches.shape
        subsets = len(self.sums.weight)
        self.data = np.ascontiguousarray(world.patches.reshape(n * patches, dimension))
        self.blocks = [slice(n * k // workers, n * (k + 1) // workers) for k in range(workers)]
        self.buffers = [np.empty((block.stop - block.start, n)) for block in self.blocks]
        self.rows = np.empty((subsets, n))
        self.columns = np.empty((workers, subsets, n))
        self.outputs = np.empty((2, n * patches))
        self.gradient = np.empty((2, dimension))
        self.pool = ThreadPoolExecutor(workers) if workers > 1 else None
        self.reset()

    def reset(self):
        self.filters = self.world.filters.copy()

    def _sum_block(self, k):
        block = self.blocks[k]
        for h in range(len(self.rows)):
            self.pair_rows(self.inner[h, block], self.outer[h], self.buffers[k], self.rows[h, block],
                           self.columns[k, h])

    def _output_gradient(self, a):
        sums = self.sums
        self.inner, self.outer = sums.inside @ a.T, sums.outside @ a.T  # [H, n]
        if self.pool:
            list(self.pool.map(self._sum_block, range(len(self.blocks))))
        else:
            self._sum_block(0)
        columns = self.columns.sum(axis=0)
        gradient = (self.rows * sums.weight[:, None]).T @ sums.inside
        gradient += (columns * sums.weight[:, None]).T @ sums.outside
        gradient += sums.whole_weight * expit(a.sum(axis=1))[:, None]
        gradient -= sums.target
        return gradient  # [n, P]

    def step(self):
        s, n, patches = self.settings, *self.world.patches.shape[:2]
        z = self.outputs
        for w, row in zip(self.filters, z):
            np.dot(self.data, w, out=row)
        ramp = np.clip(z / s.r, 0.0, 1.0)
        phi = s.beta * z + (1 - s.beta) * ramp * (z - (s.r / 2) * ramp)
        slope = s.beta + (1 - s.beta) * ramp
        slope *= self._output_gradient((phi[0] - phi[1]).reshape(n, patches)).ravel()
        np.negative(slope[1], out=slope[1])
        for coefficients, row in zip(slope, self.gradient):
            np.dot(coefficients, self.data, out=row)
        self.filters -= s.eta * self.gradient


def variants(world, threads):
    """(name, maker) of every NumPy program; BLAS's own threads are set by the environment."""
    yield "numpy, expit", lambda: NumpyStep(world, expit_rows)
    yield "numpy, 1/(1+exp)", lambda: NumpyStep(world, exp_rows)
    yield "numpy, factored exp", lambda: NumpyStep(world, factored_rows)
    if threads > 1:
        yield "numpy, 1/(1+exp), thread pool", lambda: NumpyStep(world, exp_rows, threads)
        yield "numpy, factored exp, thread pool", lambda: NumpyStep(world, factored_rows, threads)
