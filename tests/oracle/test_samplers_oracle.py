"""Samplers against the packages they follow.

Draws of draw_samplers (environment: CUTLAB_DRAW_SAMPLERS) are compared with what torchvision, timm
and kornia really do to images: image i of a batch is filled with i, so that the pasted box, the
partner and the label weight are read off the result. Exits with 77 where a package is missing.
"""

import os
import subprocess
import sys
import warnings

try:
    import kornia
    import numpy as np
    import timm
    import torch
    import torchvision
    from kornia.augmentation import RandomCutMixV2
    from timm.data.mixup import Mixup
    from torchvision.transforms import v2
except ImportError as missing:
    print(f"skipped: {missing}; needs torchvision, timm and kornia")
    sys.exit(77)

DRAWS = 20000
OURS = 200000
# Two-sided p = 1e-6 of one comparison; about 300 are made.
NORMAL_LIMIT = 4.9
KS_LIMIT = np.sqrt(-np.log(1e-6 / 2) / 2)
FIELDS = ("top", "left", "bottom", "right")


def read_boxes(images, partners):
    """Rows (top, left, bottom, right) of the pixels that are the partner's; zeros where none.

    images: [batches * len(partners)][height][width].
    """
    own = np.arange(len(images)) % len(partners)
    partners = np.resize(partners, len(images))
    pasted = images != own[:, None, None]
    rows, columns = pasted.any(2), pasted.any(1)
    height, width = images.shape[1:]
    boxes = np.stack(
        [
            rows.argmax(1),
            columns.argmax(1),
            height - rows[:, ::-1].argmax(1),
            width - columns[:, ::-1].argmax(1),
        ],
        1,
    )
    boxes[~rows.any(1)] = 0
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    assert (area == pasted.sum((1, 2))).all(), "the pasted region is no box"
    assert (images[pasted] == np.broadcast_to(partners[:, None, None], images.shape)[pasted]).all()
    return boxes


def coded(count, height, width):
    return torch.arange(count, dtype=torch.float32)[:, None, None, None].expand(
        count, 1, height, width
    )


def draw_batches(mix, alpha, height, width, partners, independent, what):
    """Boxes and weights of the first `independent` samples of as many batches as it takes.

    mix(images, labels) returns mixed images and soft labels; sample i and its mirror image or
    neighbours, whatever shares a draw, must have the same box.
    """
    count = len(partners)
    images, labels = coded(count, height, width), torch.arange(count)
    boxes, weights = [], []
    per_read = max(1, 1000 // count)
    for _ in range(-(-DRAWS // independent // per_read)):
        results = [mix(images.clone(), labels) for _ in range(per_read)]
        mixed = torch.cat([image[:, 0] for image, _ in results]).numpy()
        found = read_boxes(mixed, partners).reshape(per_read, count, 4)
        shared = np.arange(count) if independent == count else partners
        assert (found == found[:, shared]).all(), f"{what}: one box for what shares a draw"
        if independent == 1:
            assert (found == found[:, :1]).all(), f"{what}: one box for the batch"
        soft = torch.stack([label for _, label in results]).numpy()
        boxes.append(found[:, :independent].reshape(-1, 4))
        weights.append(soft.diagonal(0, 1, 2)[:, :independent].ravel())
    return np.concatenate(boxes), np.concatenate(weights)


def draw_torchvision(alpha, height, width):
    count = 3
    cutmix = v2.CutMix(alpha=alpha, num_classes=count)
    partners = (np.arange(count) - 1) % count
    return draw_batches(cutmix, alpha, height, width, partners, 1, "torchvision")


def draw_timm(mode):
    def draw(alpha, height, width):
        count = 4 if mode == "batch" else 500
        mixup = Mixup(
            mixup_alpha=0, cutmix_alpha=alpha, mode=mode, label_smoothing=0, num_classes=count
        )
        independent = {"batch": 1, "pair": count // 2, "elem": count}[mode]
        partners = np.arange(count)[::-1]
        return draw_batches(mixup, alpha, height, width, partners, independent, f"timm({mode})")

    return draw


def draw_kornia(alpha, height, width):
    """Samples that are their own partner show no box and are left out."""
    count = 500
    cutmix = RandomCutMixV2(
        beta=alpha, p=1.0, data_keys=["input", "class"], use_correct_lambda=True
    )
    boxes, weights = [], []
    for _ in range(DRAWS // count + 1):
        mixed, labels = cutmix(coded(count, height, width), torch.arange(count))
        partners, own_weights = labels[0, :, 1].numpy(), labels[0, :, 2].numpy()
        assert len(set(partners)) == count, "kornia: partners are a permutation"
        found = read_boxes(mixed[:, 0].numpy(), partners)
        other = partners != np.arange(count)
        boxes.append(found[other])
        weights.append(own_weights[other])
    return np.concatenate(boxes), np.concatenate(weights)


def draw_ours(sampler, alpha, height, width):
    program = os.environ["CUTLAB_DRAW_SAMPLERS"]
    arguments = [sampler, alpha, height, width, OURS, 7]
    text = subprocess.run(
        [program, *map(str, arguments)], check=True, capture_output=True, text=True
    ).stdout
    table = np.loadtxt(text.splitlines()[1:], delimiter=",")
    return table[:, 2:].astype(int), table[:, 1]


def differ_in_mean(a, b):
    error = np.sqrt(a.var() / len(a) + b.var() / len(b))
    return abs(a.mean() - b.mean()) > NORMAL_LIMIT * error + 1e-9


def differ_in_law(a, b):
    """Two-sample Kolmogorov-Smirnov of whole numbers."""
    a, b = np.sort(a), np.sort(b)
    values = np.unique(np.concatenate([a, b]))
    below = [np.searchsorted(x, values, "right") / len(x) for x in (a, b)]
    gap = below[0] - below[1]
    return np.abs(gap).max() > KS_LIMIT * np.sqrt(1 / len(a) + 1 / len(b))


def differences(theirs, ours, height, width):
    """Names of the statistics in which two sets of (boxes, weights) differ."""
    found = []
    (a, a_weights), (b, b_weights) = theirs, ours
    a_area, b_area = ((x[:, 2] - x[:, 0]) * (x[:, 3] - x[:, 1]) / height / width for x in (a, b))
    if not np.allclose(a_weights, 1 - a_area, atol=1e-5):
        found.append("their label weight is not the counted one")
    if differ_in_mean(a_area, b_area):
        found.append(f"mean area {a_area.mean():.4f}, ours {b_area.mean():.4f}")
    for name, x, y in (("area", a_area, b_area), ("weight", 1 - a_weights, 1 - b_weights)):
        if differ_in_law(np.rint(x * height * width), np.rint(y * height * width)):
            found.append(f"law of {name}")
    # An empty box has no place.
    a, b = a[a_area > 0], b[b_area > 0]
    if len(a) > 100 and len(b) > 100:
        found += [f"law of {f}" for k, f in enumerate(FIELDS) if differ_in_law(a[:, k], b[:, k])]
    return found


CASES = ((1.0, 32, 32), (1.0, 7, 13), (0.2, 24, 5), (1.0, 1, 40), (4.0, 9, 6))
PEERS = {
    "torchvision": (draw_torchvision, torchvision),
    "timm(batch)": (draw_timm("batch"), timm),
    "timm(pair)": (draw_timm("pair"), timm),
    "timm(elem)": (draw_timm("elem"), timm),
    "kornia": (draw_kornia, kornia),
}
# Samplers that must be told apart at 7 x 13, lest the comparison passes anything.
UNLIKE = {
    "torchvision": ("timm", "fastai", "kornia", "paper"),
    "timm(batch)": ("reference", "fastai", "mindspore"),
    "timm(pair)": ("reference",),
    "timm(elem)": ("reference",),
    "kornia": ("paper", "keras", "reference"),
}


def check(sampler):
    draw, package = PEERS[sampler]
    failures = 0
    for alpha, height, width in CASES:
        np.random.seed(5)
        torch.manual_seed(5)
        theirs = draw(alpha, height, width)
        found = differences(theirs, draw_ours(sampler, alpha, height, width), height, width)
        case = f"{sampler}, alpha {alpha}, {height} x {width}"
        print(
            f"{'FAILED' if found else 'ok'}: {case}, {len(theirs[0])} draws of {package.__name__}"
            f" {package.__version__}{': ' if found else ''}{'; '.join(found)}"
        )
        failures += bool(found)
        if (height, width) == (7, 13):
            for other in UNLIKE[sampler]:
                if not differences(theirs, draw_ours(other, alpha, height, width), height, width):
                    print(f"FAILED: {case} is not told apart from {other}")
                    failures += 1
    return failures


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    failures = sum(check(sampler) for sampler in PEERS)
    print(f"{failures} failures")
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())
