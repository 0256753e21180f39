"""What `cutlab audit export` writes for cleanlab, read by cleanlab itself.

Probabilities and labels arrive as they were, and cleanlab finds labels that were flipped on purpose.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import numpy as np
    from cleanlab.filter import find_label_issues
except ImportError as missing:
    print(f"skipped: {missing}; needs numpy and cleanlab")
    sys.exit(77)

EXAMPLES, CLASSES, FLIPPED = 3000, 5, 90


def export(folder: Path, labels: np.ndarray, trainings: list[np.ndarray]) -> dict[str, np.ndarray]:
    np.save(folder / "labels.npy", labels)
    files = []
    for i, logits in enumerate(trainings):
        np.savez(folder / f"{i}.npz", logits=logits)
        files.append(f"method={folder / f'{i}.npz'}")
    out = folder / "probs.npz"
    command = [os.environ["CUTLAB_COMMAND"], "audit", "export", "--format", "cleanlab", *files]
    subprocess.run([*command, "--labels", folder / "labels.npy", "--out", out], check=True)
    return dict(np.load(out))


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def main() -> int:
    random = np.random.default_rng(7)
    truth = random.integers(0, CLASSES, EXAMPLES)
    flipped = random.choice(EXAMPLES, FLIPPED, replace=False)
    labels = truth.copy()
    labels[flipped] = (truth[flipped] + random.integers(1, CLASSES, FLIPPED)) % CLASSES
    trainings = [random.normal(size=(EXAMPLES, CLASSES)).astype(np.float32) for _ in range(3)]
    for logits in trainings:
        logits[np.arange(EXAMPLES), truth] += 5
    with tempfile.TemporaryDirectory() as folder:
        found = export(Path(folder), labels, trainings)
    assert np.array_equal(found["labels"], labels)
    assert np.array_equal(found["indices"], np.arange(EXAMPLES))
    expected = np.mean([softmax(logits.astype(float)) for logits in trainings], axis=0)
    assert np.abs(found["pred_probs"] - expected).max() < 1e-6
    assert np.abs(found["pred_probs"].sum(1) - 1).max() < 1e-12
    issues = find_label_issues(labels=found["labels"], pred_probs=found["pred_probs"])
    caught = issues[flipped].mean()
    print(f"{caught:.0%} of {FLIPPED} flipped labels found, {issues.sum()} named in all")
    assert caught > 0.9
    assert issues.sum() < 2 * FLIPPED
    return 0


if __name__ == "__main__":
    sys.exit(main())
