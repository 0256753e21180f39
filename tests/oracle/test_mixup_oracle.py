"""Mixup's exact loss and derivatives against NumPy, written from the definition alone.

draw_mixup (environment: CUTLAB_DRAW_MIXUP) draws pre-activations and prints what CutLab makes of
them; here every ordered pair is integrated over both halves of [0, 1], for alpha < 1 in a power
that takes the pole away, by 40-point Gauss rules between breakpoints. Exits with 77 without NumPy.
"""

import math
import os
import subprocess
import sys

try:
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}; needs NumPy")
    sys.exit(77)

TOLERANCE = 1e-13
NODES, WEIGHTS = np.polynomial.legendre.leggauss(40)
ERFC = np.vectorize(math.erfc)


def activations(beta, r):
    """(name, phi, phi', breakpoints), in the order of CutLab's numbers."""

    def smoothed(z):
        bend = np.clip(z, 0, r)
        return beta * z + (1 - beta) * (bend**2 / (2 * r) + np.maximum(z - r, 0))

    def normal(z):
        return ERFC(-z / math.sqrt(2)) / 2

    def logistic(z):
        return 1 / (1 + np.exp(-z))

    return [
        ("smoothed", smoothed, lambda z: beta + (1 - beta) * np.clip(z, 0, r) / r, [0, r]),
        ("relu", lambda z: np.maximum(z, 0), lambda z: 1.0 * (z > 0), [0]),
        (
            "leaky",
            lambda z: np.where(z > 0, z, beta * z),
            lambda z: np.where(z > 0, 1, beta),
            [0],
        ),
        (
            "relu^3",
            lambda z: np.maximum(z, 0) ** 3,
            lambda z: 3 * np.maximum(z, 0) ** 2,
            [0],
        ),
        (
            "gelu",
            lambda z: z * normal(z),
            lambda z: normal(z) + z * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi),
            [],
        ),
        ("cube", lambda z: z**3, lambda z: 3 * z**2, []),
        ("sigmoid", logistic, lambda z: logistic(z) * logistic(-z), []),
    ]


def rule(own, other, breaks, alpha):
    """lambda and weights; those near 1 are kept as 1 - lambda too: they lose digits otherwise."""
    if alpha == 0:
        return np.array([0.5]), np.array([0.5]), np.ones(1)
    bend = 1 / alpha if alpha < 1 else 1.0
    beta = math.gamma(alpha) ** 2 / math.gamma(2 * alpha)
    shares, rests, weights = [], [], []
    for start, end, flipped in ((other, own, False), (own, other, True)):
        cuts = [0, 0.5]
        with np.errstate(divide="ignore", invalid="ignore"):
            for kink in breaks:
                x = ((kink - start) / (end - start)).ravel()
                cuts += x[(x > 0) & (x < 0.5)].tolist()
        # eight panels a piece: the sigmoid's poles may be near
        edges = np.sort(np.array(cuts) ** (1 / bend))
        edges = np.concatenate([np.linspace(a, b, 9)[:-1] for a, b in zip(edges, edges[1:])])
        edges = np.append(edges, 0.5 ** (1 / bend))
        middle, half = (edges[1:] + edges[:-1]) / 2, (edges[1:] - edges[:-1]) / 2
        u = (middle[:, None] + half[:, None] * NODES).ravel()
        x = u**bend
        density = bend * u ** (bend * alpha - 1) * (1 - x) ** (alpha - 1) / beta
        weights.append((half[:, None] * WEIGHTS).ravel() * density)
        shares.append(1 - x if flipped else x)
        rests.append(x if flipped else 1 - x)
    return np.concatenate(shares), np.concatenate(rests), np.concatenate(weights)


def define(inner, labels, activation, alpha):
    """inner: [filters][examples][patches]."""
    _, phi, slope, breaks = activation
    filters, examples, _ = inner.shape
    signs = np.repeat([1.0, -1.0], filters // 2)[:, None, None]
    loss, pulls = 0.0, np.zeros_like(inner)
    for i in range(examples):
        for j in range(examples):
            if i == j:
                share, rest, weights = np.ones(1), np.zeros(1), np.ones(1)
            else:
                share, rest, weights = rule(inner[:, i], inner[:, j], breaks, alpha)
            z = share * inner[:, i, :, None] + rest * inner[:, j, :, None]
            f = (signs * phi(z)).sum((0, 1))
            own, other = labels[i], labels[j]
            terms = share * np.logaddexp(0, -own * f) + rest * np.logaddexp(0, -other * f)
            loss += weights @ terms
            outer = -share * own / (1 + np.exp(own * f)) - rest * other / (1 + np.exp(other * f))
            each = signs * slope(z) * (weights * outer)
            pulls[:, i] += each @ share
            pulls[:, j] += each @ rest
    return loss / examples**2, pulls / examples**2


def run_case(kind, alpha):
    program = os.environ["CUTLAB_DRAW_MIXUP"]
    answer = subprocess.run(
        [program, str(kind), repr(alpha)], check=True, stdout=subprocess.PIPE, text=True
    )
    lines = [[float(x) for x in line.split()] for line in answer.stdout.splitlines()]
    *shape, beta, r = lines[0]
    inner = np.array(lines[2]).reshape([int(x) for x in shape])
    activation = activations(beta, r)[kind]
    loss, pulls = define(inner, lines[1], activation, alpha)
    off = max(abs(loss - lines[3][0]), abs(pulls.ravel() - lines[4]).max())
    print(f"{activation[0]:9s} alpha {alpha:<4g} loss {loss:.12f} largest difference {off:.1e}")
    return off <= TOLERANCE


def main():
    results = [run_case(kind, alpha) for kind in range(7) for alpha in (0, 0.2, 0.5, 1.0, 2.0)]
    if not all(results):
        sys.exit(f"{results.count(False)} of {len(results)} cases differ by more than {TOLERANCE}")


if __name__ == "__main__":
    main()
