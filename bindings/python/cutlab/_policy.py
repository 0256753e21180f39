"""Policies, and the registry of methods and samplers that they are made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cutlab._native import (
    INDEX_MOST,
    NULL,
    SEED_MOST,
    Error,
    call,
    ffi,
    lib,
    long_call,
    text,
    whole,
)
from cutlab._plan import Plan, Samples


@dataclass(frozen=True)
class PolicySummary:
    """What a policy does on average, estimated from `draws` outputs."""

    draws: int
    applied: float  # share of outputs that some region or mixing step acted on
    mean_area: float  # mean share of an output replaced
    mean_area_error: float  # its standard error
    label_error_mean: float  # mean |weight of the partner's label - its share of the output|
    label_error_max: float
    empty: float  # share of outputs where a region step replaced nothing
    # [height][width] float64, the probability that a position is replaced; None unless asked for
    coverage: npt.NDArray[np.float64] | None = field(default=None, repr=False, compare=False)


class Policy:
    """What may happen to a batch, in the policy language or the same in YAML. Immutable.

    >>> Policy("flip | one_of(cutmix(alpha=1), mixup(alpha=.2), p=.5) | normalise")
    """

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise Error(f"the policy is a {type(text).__name__}; accepted: text")
        if "\0" in text:
            raise Error(f"policy, character {text.index(chr(0)) + 1}: a zero byte; accepted: text")
        made = ffi.new("cutlab_policy **")
        call("cutlab_policy_create", made, text.encode())
        self._handle = ffi.gc(made[0], lib.cutlab_policy_free)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Policy:
        """The policy that a file of at most 64 KiB holds."""
        return cls(Path(path).read_text(encoding="utf-8"))

    @property
    def text(self) -> str:
        """The policy with every parameter written out; makes the same policy."""
        return text(lib.cutlab_policy_text(self._handle))

    @property
    def steps(self) -> tuple[str, ...]:
        """The methods, in the order in which they are written."""
        count = lib.cutlab_policy_steps(self._handle)
        return tuple(text(lib.cutlab_policy_step_name(self._handle, i)) for i in range(count))

    @property
    def mixes(self) -> bool:
        """Whether some step mixes samples, so that labels must be mixed too."""
        return bool(lib.cutlab_policy_mixes(self._handle))

    @property
    def normalises(self) -> bool:
        """Whether uint8 images become float32."""
        return bool(lib.cutlab_policy_normalises(self._handle))

    def plan(
        self, samples: Samples, height: int, width: int, seed: int = 0, epoch: int = 0
    ) -> Plan:
        """Draws what happens to one batch of images of that size (a series has height 1).

        samples: ids in the data set, [N] integers >= 0, or the number N for the ids 0..N-1.
        The plan is a function of the arguments alone.
        """
        return Plan.draw(self, samples, height, width, seed, epoch)

    def describe(
        self, height: int, width: int, draws: int = 0, coverage: bool = False, seed: int = 0
    ) -> PolicySummary:
        """Estimates what the policy does on average to images of that size.

        draws 0 chooses: 10^6, fewer for costly masks.
        """
        height = whole("height", height, 1, 2**31 - 1)
        width = whole("width", width, 1, 2**31 - 1)
        summary = ffi.new("cutlab_policy_summary *")
        shares = np.zeros((height, width)) if coverage else None
        target = NULL if shares is None else ffi.from_buffer("double[]", shares)
        draws = whole("draws", draws, 0, INDEX_MOST)
        seed = whole("seed", seed, 0, SEED_MOST)
        with long_call():
            call(
                "cutlab_policy_describe", summary, target, self._handle, height, width, draws, seed
            )
        numbers = {name: getattr(summary, name) for name, _ in ffi.typeof(summary[0]).fields}
        return PolicySummary(**numbers, coverage=shares)

    def __repr__(self) -> str:
        return f"Policy({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Policy) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __reduce__(self) -> tuple[Any, ...]:
        return Policy, (self.text,)


def as_policy(policy: Policy | str) -> Policy:
    return policy if isinstance(policy, Policy) else Policy(policy)


# ---- The registry ----


@dataclass(frozen=True)
class Parameter:
    """A parameter: what kind of value it takes, which are accepted, its default (None: see
    `text`)."""

    name: str
    kind: str
    accepted: str
    text: str
    default: str | None


@dataclass(frozen=True)
class Method:
    """A method that policies know, and the paper or library that defines it."""

    name: str
    summary: str
    source: str
    parameters: tuple[Parameter, ...] = field(repr=False)


@dataclass(frozen=True)
class BoxSampler:
    """A way to draw the box of `cutmix(sampler=...)`, and whose code it follows."""

    name: str
    summary: str
    source: str


def parameter_of(row: Any, default: str | None) -> Parameter:
    return Parameter(text(row.name), text(row.kind), text(row.accepted), text(row.text), default)


def _parameters_of(method: int) -> Iterator[Parameter]:
    row, default = ffi.new("cutlab_parameter *"), ffi.new("const char **")
    index = 0
    while lib.cutlab_augmentation_parameter_at(method, index, row, default):
        yield parameter_of(row, text(default[0]) if default[0] else None)
        index += 1


def methods() -> tuple[Method, ...]:
    """The methods that policies know, with their parameters."""
    found: list[Method] = []
    row = ffi.new("cutlab_augmentation *")
    while lib.cutlab_augmentation_at(len(found), row):
        parameters = tuple(_parameters_of(len(found)))
        found.append(Method(text(row.name), text(row.summary), text(row.source), parameters))
    return tuple(found)


def samplers() -> tuple[BoxSampler, ...]:
    """The ways to draw a box that `cutmix(sampler=...)` knows."""
    found: list[BoxSampler] = []
    row = ffi.new("cutlab_sampler_info *")
    while lib.cutlab_sampler_at(len(found), row):
        found.append(BoxSampler(text(row.name), text(row.summary), text(row.source)))
    return tuple(found)
