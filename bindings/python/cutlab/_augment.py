"""Everything in one call."""

from __future__ import annotations

from typing import Any, TypeVar

from cutlab._arrays import Images
from cutlab._plan import Plan, Samples
from cutlab._policy import Policy, as_policy

T = TypeVar("T")


def augment(
    images: T,
    labels: Any,
    policy: Policy | str,
    classes: int | None = None,
    seed: int = 0,
    epoch: int = 0,
    samples: Samples | None = None,
    out: T | None = None,
    layout: str | None = None,
    dtype: Any = None,
    smoothing: float = 0,
    mix: str = "linear",
) -> tuple[T, Any, Plan]:
    """Draws a plan for a batch and applies it: (images, labels, plan).

    samples: ids of the images in the data set; None: 0..N-1. labels None stays None. The other
    arguments are those of `Policy.plan`, `Plan.apply` and `Plan.labels`.
    """
    source = Images(images, layout)
    source.warn_if_doubtful()
    count, height, width, _channels = source.view.shape
    plan = as_policy(policy).plan(count if samples is None else samples, height, width, seed, epoch)
    mixed = None if labels is None else plan.labels(labels, classes, smoothing, mix)
    return plan._apply(source, out, layout, dtype), mixed, plan
