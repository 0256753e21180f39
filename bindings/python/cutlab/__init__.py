"""Augmentations that mix and cut, exactly labelled, and what networks learn from them.

policy = cutlab.Policy("flip | cutmix(p=.5) | normalise")
plan = policy.plan(samples, height, width, seed, epoch)
images, labels = plan.apply(images), plan.labels(labels, classes)

`cutlab.torch` has what a PyTorch DataLoader needs.
"""

from cutlab._augment import augment
from cutlab._native import Error, set_threads, threads
from cutlab._plan import Plan, read_ledger, write_ledger
from cutlab._policy import BoxSampler, Method, Parameter, Policy, PolicySummary, methods, samplers
from cutlab._simulation import Optimum, Simulation, optimum, parameters, simulate
from cutlab._version import __version__

__all__ = [
    "BoxSampler",
    "Error",
    "Method",
    "Optimum",
    "Parameter",
    "Plan",
    "Policy",
    "PolicySummary",
    "Simulation",
    "__version__",
    "augment",
    "methods",
    "optimum",
    "parameters",
    "read_ledger",
    "samplers",
    "set_threads",
    "simulate",
    "threads",
    "write_ledger",
]
