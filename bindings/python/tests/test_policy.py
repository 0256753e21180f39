"""Policies, the registry and descriptions."""

import pickle

import pytest

import cutlab


def test_a_policy_says_what_it_is():
    policy = cutlab.Policy("flip | one_of(cutmix(alpha=1), mixup(alpha=.2), p=.5)")
    assert policy.steps == ("flip", "cutmix", "mixup")
    assert policy.mixes
    assert not policy.normalises
    assert cutlab.Policy("normalise").normalises
    assert "alpha=0.2" in policy.text
    assert cutlab.Policy(policy.text) == policy
    assert policy != cutlab.Policy("flip")
    assert len({policy, cutlab.Policy(policy.text)}) == 1
    assert repr(policy) == f"Policy({policy.text!r})"


def test_yaml_files_and_pickles(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text("- flip\n- cutmix:\n    alpha: 2\n")
    policy = cutlab.Policy.load(path)
    assert policy == cutlab.Policy("flip | cutmix(alpha=2)")
    assert pickle.loads(pickle.dumps(policy)) == policy


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("flip | cutmx", "policy, character 8: unknown method 'cutmx'; nearest: cutmix"),
        ("cutmix(alpha=-1)", "alpha"),
        ("flip\0", "character 5"),
        ("", "accepted"),
        (3, "the policy is a int; accepted: text"),
    ],
)
def test_bad_policies_are_refused(text, message):
    with pytest.raises(cutlab.Error, match=message) as caught:
        cutlab.Policy(text)
    assert isinstance(caught.value, ValueError)
    assert caught.value.status == "invalid argument"
    assert "\n" not in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_registries():
    methods = {method.name: method for method in cutlab.methods()}
    assert {"cutmix", "mixup", "cutout", "flip", "normalise"} <= set(methods)
    alpha = {p.name: p for p in methods["cutmix"].parameters}["alpha"]
    assert alpha.default == "1"
    assert alpha.accepted
    assert all(m.summary and m.source and m.parameters[0].name == "p" for m in methods.values())
    names = [sampler.name for sampler in cutlab.samplers()]
    assert "paper" in names
    assert "torchvision" in names
    for name in names:
        assert cutlab.Policy(f"cutmix(sampler={name})").mixes
    assert {"dimension", "iterations"} <= {p.name for p in cutlab.parameters()}


def test_descriptions():
    policy = cutlab.Policy("cutmix(p=.5)")
    summary = policy.describe(16, 16, draws=40000, coverage=True)
    assert summary.draws >= 40000
    assert summary.mean_area == pytest.approx(0.25, abs=5 * summary.mean_area_error)
    assert summary.applied == pytest.approx(0.5, abs=0.02)
    assert summary.label_error_max == 0
    assert summary.coverage.shape == (16, 16)
    assert summary.coverage.mean() == pytest.approx(summary.mean_area)
    again = policy.describe(16, 16, draws=40000)
    assert again == summary
    assert again.coverage is None
    with pytest.raises(cutlab.Error, match="draws"):
        policy.describe(16, 16, draws=-1)
    with pytest.raises(cutlab.Error, match="height is 0"):
        policy.describe(0, 16)
    with pytest.raises(cutlab.Error, match="width is 0"):
        policy.describe(16, 0)


def test_coverage_of_an_image_is_not_transposed():
    policy = cutlab.Policy("cutout(size=4)")
    coverage = policy.describe(8, 80, draws=200000, coverage=True).coverage
    middle = coverage[3:5, 10:70]
    assert middle.std() < 0.05 * middle.mean()
    assert coverage[3:5, 0].max() < 0.8 * middle.mean()
