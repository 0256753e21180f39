"""The theory lab."""

import dataclasses
import json
import os
import signal

import numpy as np
import pytest

import cutlab
from cutlab import _native


def run_folder(folder, *settings):
    """A run by the library itself: its result and trajectory."""
    ffi, lib = _native.ffi, _native.lib
    made, result = ffi.new("cutlab_experiment **"), ffi.new("char **")
    _native.call("cutlab_experiment_create", made)
    experiment = ffi.gc(made[0], lib.cutlab_experiment_free)
    _native.call("cutlab_experiment_set_preset", experiment, b"quick")
    for setting in settings:
        _native.call("cutlab_experiment_set", experiment, *(x.encode() for x in setting.split("=")))
    _native.call("cutlab_run_execute", result, experiment, ffi.NULL, os.fsencode(folder))
    return json.loads(_native.take_text(result[0])), np.load(folder / "trajectory.npz")


@pytest.mark.parametrize(
    "settings",
    [
        {"method": "cutmix", "seed": 3},
        {"method": "erm", "log_spacing": "linear", "log_points": 7},
        {"method": "cutout", "iterations": 40, "log_points": 0},
        {"method": "cutmix", "iterations": 60, "log_points": 2},
        {"method": "cutmix", "stop_gradient_norm": 0.05},
    ],
)
def test_measurements_are_those_of_a_run_folder(tmp_path, settings):
    result, run = run_folder(tmp_path / "run", *(f"{k}={v}" for k, v in settings.items()))
    simulation = cutlab.simulate("quick", **settings)
    names = {"iteration": "iterations"}
    for name in ("iteration", "loss", "gradient_norm", "evenness", "population_accuracy",
                 "feature_outputs", "population_accuracy_by_feature"):  # fmt: skip
        last = len(run["iteration"])  # a run that converges logs its end in result.json alone
        got = getattr(simulation, names.get(name, name))[:last]
        np.testing.assert_array_equal(got, run[name], err_msg=name)
    assert simulation.iterations[-1] == result["iterations"]
    assert simulation.loss[-1] == result["loss"]
    assert simulation.converged == (result["stopped"] == "gradient norm")
    features = [f for f in result["features"] if f["label"] == 1]
    assert simulation.rarities == tuple(f["rarity"] for f in features)
    assert simulation.frequencies.tolist() == [f["frequency"] for f in features]
    assert simulation.optimum.positive == result["optimum"]["positive"]


def test_every_measurement_is_shown():
    members = dict(_native.ffi.typeof("cutlab_measurement").fields).keys()
    shown = {field.name for field in dataclasses.fields(cutlab.Simulation)}
    assert members - {"iteration", "feature_count"} <= shown


@pytest.mark.parametrize(
    "settings",
    [
        {"method": "erm", "label_flips": 0.2},
        {"method": "cutmix", "filters": 2, "subsets": "contiguous"},
        {"method": "mixup", "mixup": "midpoint", "activation": "relu", "bias": "yes"},
    ],
)
def test_fresh_points_are_those_of_a_run_folder(tmp_path, settings):
    settings = {"iterations": 20, "monte_carlo": 400, **settings}
    result, _ = run_folder(tmp_path / "run", *(f"{k}={v}" for k, v in settings.items()))
    simulation = cutlab.simulate("quick", **settings)
    fresh = result["monte_carlo"]
    assert 0 < simulation.test_error[-1] == fresh["test_error"]
    assert simulation.test_error.shape == simulation.iterations.shape
    assert simulation.monte_carlo_accuracy[-1] == fresh["overall"]
    assert simulation.monte_carlo_standard_error[-1] == fresh["standard_error"]


def test_without_fresh_points_there_is_no_test_error():
    assert np.isnan(cutlab.simulate("quick", iterations=3).test_error).all()


def test_shapes_and_parameters():
    simulation = cutlab.simulate("quick", iterations=9, frequencies=[0.9, 0.1], r=np.float32(1))
    count = len(simulation)
    assert simulation.feature_outputs.shape == (count, 2, 2)
    assert simulation.feature_coefficients.shape == (count, 2, 2, 2)
    assert simulation.dominant.shape == (count, 3)
    assert simulation.parameters["frequencies"] == [0.9, 0.1]
    assert simulation.rarities == ("common", "rare")
    assert repr(simulation).startswith("Simulation(cutmix, seed 1, 9 iterations, ")


def test_own_data():
    rng = np.random.default_rng(0)
    labels = rng.choice([-1, 1], 30)
    patches = rng.normal(size=(30, 4, 20)) * 0.3
    patches[:, 0, 0] += labels
    simulation = cutlab.simulate("quick", data=(patches, labels), iterations=200)
    assert simulation.loss[-1] < simulation.loss[0]
    assert simulation.feature_outputs.shape[1:] == (2, 0)
    assert simulation.frequencies.size == 0
    assert simulation.rarities == ()
    assert simulation.parameters["examples"] == 30
    with pytest.raises(cutlab.Error, match="labels"):
        cutlab.simulate("quick", data=(patches, labels * 2))
    with pytest.raises(cutlab.Error, match="shapes"):
        cutlab.simulate("quick", data=(patches, labels[:-1]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"preset": "papr"}, "papr"),
        ({"method": "fmix"}, "method"),
        ({"itertions": 3}, "itertions"),
        ({"iterations": -1}, "iterations"),
        ({"frequencies": [0.5, 0.4]}, "frequencies"),
    ],
)
def test_bad_experiments_are_refused(arguments, message):
    with pytest.raises(cutlab.Error, match=message):
        cutlab.simulate(**{"preset": "quick", **arguments})


def test_warnings_are_passed_on():
    with pytest.warns(UserWarning, match="cut_size"):
        cutlab.simulate("quick", method="cutout", cut_size=2, iterations=1)


def test_progress_and_interruption():
    seen = []
    cutlab.simulate("quick", progress=lambda done, total: seen.append((done, total)))
    assert seen

    def interrupt(done, _total):
        if done > 5:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        cutlab.simulate("quick", iterations=10**9, progress=interrupt)

    def fail(_done, _total):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        cutlab.simulate("quick", progress=fail)
    assert len(cutlab.simulate("quick", iterations=1))


def test_signals_are_heard_without_a_callback():
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            cutlab.simulate("quick", iterations=10**9)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def test_optimum():
    best = cutlab.optimum(3, 1, 2)
    assert best.exists
    assert best.positive == pytest.approx(1.3954, abs=1e-4)
    assert best.positive == pytest.approx(best.negative)
    none = cutlab.optimum(2, 1, 2)
    assert not none.exists
    assert np.isnan(none.positive)
    with pytest.raises(cutlab.Error, match="positives"):
        cutlab.optimum(3, 5, 2)
