"""What the peers share: the feature-noise world, the half sum over subsets, and a brute force to check against.

Oh & Yun, "Provable Benefit of Cutout and CutMix for Feature Learning", NeurIPS 2024 (arXiv 2410.23672).
Needs NumPy only.
"""
from dataclasses import dataclass
from itertools import combinations, product
from math import comb

import numpy as np


@dataclass(frozen=True)
class Settings:
    """The default experiment. Features are the first unit vectors: v_{+1,k} = e_k, v_{-1,k} = e_{K+k}, k from 0."""

    frequencies: tuple = (0.8, 0.15, 0.05)  # rho_k
    dominant_noise: float = 0.25  # sigma_d
    background_noise: float = 0.15  # sigma_b
    feature_noise: float = 0.005  # alpha
    initial_scale: float = 0.01  # sigma_0
    beta: float = 0.1
    r: float = 1.0
    eta: float = 1.0


@dataclass(frozen=True)
class World:
    patches: np.ndarray  # [n, P, d] float64
    labels: np.ndarray  # [n] +1 or -1
    filters: np.ndarray  # [2, d] float64: w_+, w_- before the first step
    settings: Settings


def stream(seed, name):
    """A generator that depends on (seed, name) alone, whatever else was drawn before."""
    return np.random.Generator(np.random.Philox(key=[seed, int.from_bytes(name.encode()[:8], "little")]))


def draw_world(examples, patches, dimension, seed=1, settings=Settings()):
    classes, features = 2, len(settings.frequencies)
    if patches < 2 or dimension <= classes * features:
        raise ValueError(f"need patches >= 2 and dimension > {classes * features}, got {patches} and {dimension}")
    labels = stream(seed, "labels").choice([1, -1], size=examples)
    rank = stream(seed, "features").choice(features, size=examples, p=settings.frequencies)
    places = stream(seed, "places").permuted(np.tile(np.arange(patches), (examples, 1)), axis=1)
    noise_side = stream(seed, "u").integers(classes, size=examples)
    everyone = np.arange(examples)

    data = stream(seed, "noise").standard_normal((examples, patches, dimension))
    data *= settings.background_noise
    data[everyone, places[:, 1]] *= settings.dominant_noise / settings.background_noise
    data[:, :, : classes * features] = 0.0  # noise is orthogonal to every feature
    data[everyone, places[:, 1], noise_side * features] = settings.feature_noise
    data[everyone, places[:, 0]] = 0.0
    data[everyone, places[:, 0], np.where(labels > 0, 0, features) + rank] = 1.0
    filters = settings.initial_scale * stream(seed, "filters").standard_normal((2, dimension))
    return World(data, labels, filters, settings)


def read_world(path, settings=Settings()):
    """A .npz with patches [n,P,d], labels [n] (+1/-1 or 1/0) and W0 [2,d]."""
    with np.load(path) as file:
        patches = np.ascontiguousarray(file["patches"], dtype=np.float64)
        labels = np.where(np.asarray(file["labels"]) > 0, 1, -1)
        filters = np.ascontiguousarray(file["W0"], dtype=np.float64)
    if patches.ndim != 3 or labels.shape != patches.shape[:1] or filters.shape != (2, patches.shape[2]):
        raise ValueError(f"{path}: patches {patches.shape}, labels {labels.shape}, W0 {filters.shape}; "
                         "want [n,P,d], [n], [2,d]")
    return World(patches, labels, filters, settings)


class PairSums:
    """The constants of the CutMix gradient w.r.t. the patch outputs a [n,P], in sums over pairs.

    With F_ijS = sum_{p in S} a_ip + sum_{p not in S} a_jp, t = |S|/P and Y in {0,1},
    dl/dF = sigmoid(F) - t Y_i - (1-t) Y_j. (i,j,S) and (j,i,S^c) are the same term, so the proper
    subsets that hold patch 0 are enough, counted twice; S = {} and S = all need no pairs.
    The label part does not depend on the filters: it is `target`, summed once.
    """

    def __init__(self, labels, patches):
        n, positive = len(labels), (np.asarray(labels) > 0).astype(np.float64)
        subsets = [(0, *rest) for size in range(patches - 1) for rest in combinations(range(1, patches), size)]
        self.inside = np.zeros((len(subsets), patches))  # [H, P]: p in S
        for row, subset in zip(self.inside, subsets):
            row[list(subset)] = 1.0
        self.outside = 1.0 - self.inside
        self.weight = np.array([2.0 / (n * n * (patches + 1) * comb(patches, len(s))) for s in subsets])  # [H]
        self.whole_weight = 2.0 / (n * (patches + 1))  # S = {} and S = all together
        t = self.inside.mean(axis=1)
        own, other = n * positive[:, None], positive.sum()
        self.target = (self.whole_weight * positive[:, None]
                       + (self.weight * (t * own + (1 - t) * other)) @ self.inside
                       + (self.weight * (t * other + (1 - t) * own)) @ self.outside)  # [n, P]


def brute_force_gradient(world):
    """The definition, mixed input by mixed input: [2,d]. O(n^2 2^P P d): for small n only."""
    x, y, w, s = world.patches, world.labels, world.filters, world.settings
    n, patches, _ = x.shape

    def phi(z):
        middle = s.beta * z + (1 - s.beta) * z * z / (2 * s.r)
        return np.where(z <= 0, s.beta * z, np.where(z <= s.r, middle, z - (1 - s.beta) * s.r / 2))

    def slope(z):
        return np.where(z <= 0, s.beta, np.where(z <= s.r, s.beta + (1 - s.beta) * z / s.r, 1.0))

    gradient = np.zeros_like(w)
    for i, j, keep in product(range(n), range(n), product([True, False], repeat=patches)):
        mixed = np.where(np.array(keep)[:, None], x[i], x[j])
        z = mixed @ w.T  # [P, 2]
        f = np.sum(phi(z) @ [1.0, -1.0])
        size = sum(keep)
        t = size / patches
        dloss = -t * y[i] / (1 + np.exp(y[i] * f)) - (1 - t) * y[j] / (1 + np.exp(y[j] * f))
        weight = 1.0 / (n * n * (patches + 1) * comb(patches, size))
        gradient += weight * dloss * np.array([[1.0], [-1.0]]) * (slope(z).T @ mixed)
    return gradient
