"""The theory lab: simulated trainings with measurements, and the optimum of CutMix."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cutlab._native import (
    INDEX_MOST,
    NULL,
    Error,
    Progress,
    call,
    check,
    ffi,
    lib,
    long_call,
    take_text,
    whole,
)
from cutlab._policy import Parameter, parameter_of

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Optimum:
    """The minimiser of the exact CutMix loss: outputs of every patch, by label.

    Without a finite minimiser (`exists` False) the outputs are NaN and `loss` is the infimum.
    """

    exists: bool
    positive: float
    negative: float
    loss: float


def _optimum_of(point: Any) -> Optimum:
    return Optimum(bool(point.exists), point.positive, point.negative, point.loss)


def optimum(patches: int, positives: int, examples: int) -> Optimum:
    """The optimum of CutMix for `examples` examples of `patches` patches, `positives` of them of
    label +1. patches >= 2, 0 <= positives <= examples."""
    point = ffi.new("cutlab_optimum_point *")
    sizes = {"patches": patches, "positives": positives, "examples": examples}
    call(
        "cutlab_optimum",
        point,
        *(whole(name, n, -(2**63), INDEX_MOST) for name, n in sizes.items()),
    )
    return _optimum_of(point)


@dataclass(frozen=True, repr=False)
class Simulation:
    """A training, measured at T iterations. NaN marks what is not defined. K features a label;
    axis [2] of labels and filters: +1 first. With several filters of a sign outputs are sums over
    them, coefficients means."""

    parameters: dict[str, Any]  # every parameter of the experiment
    optimum: Optimum  # of CutMix, for the data's class split
    frequencies: Floats  # [K]
    rarities: tuple[str, ...]  # [K] "common", "rare" or "extremely rare"
    converged: bool  # stopped by stop_gradient_norm
    iterations: npt.NDArray[np.int64]  # [T]
    loss: Floats  # [T], the exact objective
    gradient_norm: Floats  # [T]
    train_accuracy: Floats  # [T]
    evenness: Floats  # [T], root mean square of y a / z_y - 1 over training patches
    evenness_feature: Floats  # [T]
    evenness_dominant: Floats  # [T]
    evenness_background: Floats  # [T]
    dominant: Floats  # [T][3], mean, min, max of y a over these noise patches
    background: Floats  # [T][3]
    dominant_coefficient: Floats  # [T][3]
    background_coefficient: Floats  # [T][3]
    population_accuracy: Floats  # [T], exact to 1e-8; NaN where no closed form is known
    monte_carlo_accuracy: Floats  # [T], on `monte_carlo` fresh points, NaN without these
    monte_carlo_standard_error: Floats  # [T]
    test_error: Floats  # [T], of these points, with labels flipped as in training
    feature_outputs: Floats  # [T][2 labels][K]
    feature_coefficients: Floats  # [T][2 filters][2 labels][K]
    population_accuracy_by_feature: Floats  # [T][2 labels][K]; else of the fresh points, if any

    def __len__(self) -> int:
        """The number of measurements."""
        return len(self.iterations)

    def __repr__(self) -> str:
        return (
            f"Simulation({self.parameters['method']}, seed {self.parameters['seed']}, "
            f"{self.iterations[-1]} iterations, {len(self)} measurements, "
            f"loss {self.loss[-1]:.4g}, population accuracy {self.population_accuracy[-1]:.4f})"
        )


def parameters() -> tuple[Parameter, ...]:
    """What `simulate` takes as keyword arguments."""
    found: list[Parameter] = []
    while row := lib.cutlab_experiment_parameter(len(found)):
        found.append(parameter_of(row, None))
    return tuple(found)


def _text_of(value: Any) -> str:
    """A value as the library's parameter table reads it."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return "[" + ", ".join(_text_of(item) for item in value) + "]"
    if isinstance(value, (float, np.floating)):
        return repr(float(value))
    return str(value)


def _experiment(preset: str, settings: dict[str, Any]) -> Any:
    made = ffi.new("cutlab_experiment **")
    call("cutlab_experiment_create", made)
    experiment = ffi.gc(made[0], lib.cutlab_experiment_free)
    call("cutlab_experiment_set_preset", experiment, str(preset).encode())
    for name, value in settings.items():
        call("cutlab_experiment_set", experiment, name.encode(), _text_of(value).encode())
    return experiment


def _dataset(data: tuple[Any, Any]) -> Any:
    patches = np.ascontiguousarray(data[0], np.float64)
    labels = np.asarray(data[1])
    if patches.ndim != 3 or labels.shape != patches.shape[:1]:
        raise Error(
            f"data have shapes {patches.shape} and {labels.shape}; accepted: patches [n][P][d] and "
            "labels [n]"
        )
    if not np.isin(labels, (-1, 1)).all():
        raise Error("data have labels other than +1 and -1; accepted: these")
    signs = np.ascontiguousarray(labels, np.int8)
    made = ffi.new("cutlab_dataset **")
    call(
        "cutlab_dataset_from_patches",
        made,
        ffi.from_buffer("double[]", patches),
        ffi.from_buffer("int8_t[]", signs),
        *patches.shape,
    )
    return ffi.gc(made[0], lib.cutlab_dataset_free)


def _schedule(settings: dict[str, Any]) -> Iterator[int]:
    """The iterations to measure at: those of a run folder's metrics.jsonl."""
    total, points = settings["iterations"], settings["log_points"]
    if points == 0:
        yield from range(total + 1)
        return
    for k in range(points):
        if settings["log_spacing"] == "linear":
            yield math.floor(k * total / (points - 1) + 0.5)
        elif k == 0 or total == 0:
            yield 0
        else:
            exponent = (k - 1) / (points - 2) if points >= 3 else 1
            yield math.floor(math.pow(total, exponent) + 0.5)


NUMBERS = (
    "loss",
    "gradient_norm",
    "train_accuracy",
    "evenness",
    "evenness_feature",
    "evenness_dominant",
    "evenness_background",
    "population_accuracy",
    "monte_carlo_accuracy",
    "monte_carlo_standard_error",
    "test_error",
)
SPREADS = ("dominant", "background", "dominant_coefficient", "background_coefficient")
BY_FEATURE = {
    "feature_outputs": (2,),
    "feature_coefficients": (2, 2),
    "population_accuracy_by_feature": (2,),
}


def _measure(simulation: Any) -> dict[str, Any]:
    m = ffi.new("cutlab_measurement *")
    check(lib.cutlab_simulation_measure(simulation, m))
    try:
        values: dict[str, Any] = {"iterations": m.iteration}
        for name, shape in BY_FEATURE.items():
            count = math.prod(shape) * m.feature_count
            numbers = ffi.unpack(getattr(m, name), count) if count else []
            values[name] = np.array(numbers, np.float64).reshape(*shape, m.feature_count)
        for name in SPREADS:
            spread = getattr(m, name)
            values[name] = (spread.mean, spread.min, spread.max)
        values.update({name: getattr(m, name) for name in NUMBERS})
        return values
    finally:
        lib.cutlab_measurement_clear(m)


def _train(simulation: Any, settings: dict[str, Any]) -> tuple[list[dict[str, Any]], bool]:
    """Trains to the end; the measurements, and whether the gradient became small."""
    limit: float = settings["stop_gradient_norm"]
    measured: list[dict[str, Any]] = []
    for target in sorted(set(_schedule(settings))):
        while (at := lib.cutlab_simulation_iteration(simulation)) < target:
            check(lib.cutlab_simulation_step(simulation, 1 if limit > 0 else target - at))
            if limit > 0 and lib.cutlab_simulation_gradient_norm(simulation) <= limit:
                return [*measured, _measure(simulation)], True
        measured.append(_measure(simulation))
    return measured, False


def _names(settings: dict[str, Any], count: int) -> tuple[str, ...]:
    """As given, or the first common, the last of more than two extremely rare, the others rare."""
    if settings["rarities"]:
        return tuple(settings["rarities"])
    names = ["common"] + ["rare"] * (count - 1)
    if count > 2:
        names[-1] = "extremely rare"
    return tuple(names[:count])


def simulate(
    preset: str = "paper",
    seed: int | None = None,
    method: str = "cutmix",
    iterations: int | None = None,
    data: tuple[Any, Any] | None = None,
    progress: Progress | None = None,
    **parameters: Any,
) -> Simulation:
    """Trains the network of Oh and Yun (2024), or a relative, on a feature-noise world, and
    measures it.

    preset: "paper", "theory", "quick", or another world that `cutlab simulate --help` lists;
    method: "erm", "cutout", "cutmix" or "mixup"; seed and iterations None: as the preset says.
    Other parameters by name (`cutlab.parameters()`), of the data (frequencies=[.8, .15, .05],
    sampling="stratified", label_flips=.1), the network (filters=8, bias="yes", activation="relu"),
    the method (subsets="contiguous", mixup="midpoint", mixup_alpha=.2) and what is measured
    (log_points=100, monte_carlo=10000 fresh points for test_error).
    data: patches [n][P][d] and labels [n] (+1, -1) instead of drawn ones.
    progress(done, total) is called now and then. Ctrl-C stops between two steps.
    """
    given = {"method": method, "seed": seed, "iterations": iterations, **parameters}
    experiment = _experiment(preset, {k: v for k, v in given.items() if v is not None})
    dataset = NULL if data is None else _dataset(data)
    shown = ffi.new("char **")
    call("cutlab_experiment_to_json", shown, experiment)
    settings = json.loads(take_text(shown[0]))
    with long_call(progress):
        made = ffi.new("cutlab_simulation **")
        call("cutlab_simulation_create", made, experiment, dataset)
        simulation = ffi.gc(made[0], lib.cutlab_simulation_free)
        measured, converged = _train(simulation, settings)
        best = _optimum_of(lib.cutlab_simulation_optimum(simulation))
        ffi.release(simulation)  # before its context and data set
    count = measured[0]["feature_outputs"].shape[-1]
    if data is not None:
        settings["examples"], settings["patches"], settings["dimension"] = np.shape(data[0])
    return Simulation(
        parameters=settings,
        optimum=best,
        frequencies=np.array(settings["frequencies"][:count], np.float64),
        rarities=_names(settings, count),
        converged=converged,
        **{name: np.array([values[name] for values in measured]) for name in measured[0]},
    )
