"""Times the augmentations of other packages and prints one JSON object a line.

    python bench/peers/augment_peers.py [--seconds S] [--threads T] [--only TEXT] [--ring MIB] [--batch N]

The items are those of bench_augment: the same shapes, batches out of a ring of MIB MiB so that they are not in a
cache, labels mixed where the method mixes. Torch packages get whole batches, contiguous (NCHW) and channels-last
(NHWC), without gradients, with one thread and with T; Albumentations gets image after image, in one process and in a process a thread.
`less` says what a peer leaves out of the item (such as one box for the whole batch).
"""
import argparse
import itertools
import json
import multiprocessing
import random
import statistics
import time
import warnings
from functools import partial
from importlib.metadata import version

import numpy as np

warnings.filterwarnings("ignore")
SIDES, LAYOUTS, CHANNELS = (32, 224), ("NHWC", "NCHW"), 3
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
ONE_BOX = "one box for the batch"
NO_SOFT_LABELS = "labels as (own, partner, lambda), not mixed"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="", help='items whose key holds this, e.g. "cutmix uint8 32"')
    parser.add_argument("--ring", type=float, default=1024.0)
    parser.add_argument("--batch", type=int, default=256)
    return parser.parse_args()


def time_rounds(run, ring, batch, seconds):
    """Images a second: the median of rounds of at least a twentieth of the time each, after one to warm up."""
    rates, spent, at = [], 0.0, 0
    while len(rates) < 4 or spent < seconds:
        images, start = 0, time.perf_counter()
        while (taken := time.perf_counter() - start) < seconds / 20 or not images:
            run(at % ring)
            at += 1
            images += batch
        taken = time.perf_counter() - start
        rates.append(images / taken)
        spent += taken if len(rates) > 1 else 0
    return statistics.median(rates[1:])


def fill_ring(size, dtype):
    """Values that need no care, as flat memory."""
    piece = np.random.default_rng(1).integers(0, 256, 1 << 24, dtype=np.uint8)
    ring = np.empty(size, dtype)
    for start in range(0, size, len(piece)):
        part = piece[: size - start]
        ring[start : start + len(part)] = part if dtype == np.uint8 else part.astype(np.float32) / 255
    return ring


def ring_shape(options, side, dtype):
    each = options.batch * side * side * CHANNELS * np.dtype(dtype).itemsize
    return int(options.ring * 2**20) // each + 1, each


def classes_of(side):
    return 10 if side == 32 else 1000


def call_on(run, ring, ids, at):
    run(ring[at], ids)


# ---- Torch packages: name -> (method, dtypes, what it leaves out, maker of a function of images and ids)


def torch_variants(side):
    import kornia.augmentation as K
    import timm.data.mixup
    import timm.data.random_erasing
    import torch
    from torchvision.transforms import v2

    classes = classes_of(side)
    share = 0.25  # of the square that Cutout erases, unless it is clipped
    both, floats, bytes_only = ("uint8", "float32"), ("float32",), ("uint8",)

    def timm_mix(kind, mode):
        mix = timm.data.mixup.Mixup(mixup_alpha=float(kind == "mixup"), cutmix_alpha=float(kind == "cutmix"), mode=mode,
                                    label_smoothing=0.0, num_classes=classes)
        return lambda x, ids: mix(x, ids)

    def timm_erase(**settings):
        erase = timm.data.random_erasing.RandomErasing(1.0, mode="const", device="cpu", **settings)
        return lambda x, ids: erase(x)

    def mixed_labels(ids, partner, weight):
        labels = torch.nn.functional.one_hot(ids, classes).float()
        return torch.lerp(labels[partner], labels, weight[:, None])

    def hand_cutmix(x, ids):
        """A box a sample, whole batches at a time."""
        count, (height, width) = len(x), x.shape[2:]
        partner, ratio = torch.randperm(count), (1 - torch.rand(count)).sqrt()
        h, w = (height * ratio).long(), (width * ratio).long()
        top, left = (torch.rand(count) * (height - h + 1)).long(), (torch.rand(count) * (width - w + 1)).long()
        y, x_ = torch.arange(height), torch.arange(width)
        rows = (y >= top[:, None]) & (y < (top + h)[:, None])
        columns = (x_ >= left[:, None]) & (x_ < (left + w)[:, None])
        mask = (rows[:, :, None] & columns[:, None, :])[:, None]
        return torch.where(mask, x[partner], x), mixed_labels(ids, partner, 1 - (h * w) / (height * width))

    def hand_cutmix_loop(x, ids):
        """A box a sample, boxes copied one by one."""
        count, (height, width) = len(x), x.shape[2:]
        partner, ratio = torch.randperm(count), (1 - torch.rand(count)).sqrt()
        h, w = (height * ratio).long(), (width * ratio).long()
        top, left = (torch.rand(count) * (height - h + 1)).long(), (torch.rand(count) * (width - w + 1)).long()
        source = x.clone()
        boxes = torch.stack((partner, top, top + h, left, left + w), 1).tolist()
        for own, (j, t, b, l, r) in zip(x, boxes):
            own[:, t:b, l:r] = source[j, :, t:b, l:r]
        return x, mixed_labels(ids, partner, 1 - (h * w) / (height * width))

    def hand_mixup(x, ids):
        count = len(x)
        partner, share_own = torch.randperm(count), torch.rand(count)
        own = share_own[:, None, None, None]
        if x.dtype == torch.uint8:
            mixed = torch.lerp(x[partner].float(), x.float(), own).round_().to(torch.uint8)
        else:
            mixed = torch.lerp(x[partner], x, own)
        return mixed, mixed_labels(ids, partner, share_own)

    def hand_mixup_batch(x, ids):
        own = torch.rand(()).item()
        mixed = torch.lerp(x.roll(1, 0).float(), x.float(), own).round_().to(torch.uint8)
        labels = torch.nn.functional.one_hot(ids, classes).float()
        return mixed, torch.lerp(labels.roll(1, 0), labels, own)

    def hand_flip(x, ids):
        chosen = (torch.rand(len(x)) < 0.5).nonzero()[:, 0]
        x[chosen] = x[chosen].flip(-1)
        return x

    def hand_flip_apart(x, ids):
        chosen = (torch.rand(len(x)) < 0.5)[:, None, None, None]
        return torch.where(chosen, x.flip(-1), x)

    def alone(transform):
        return lambda x, ids: transform(x)

    def with_labels(transform):
        return lambda x, ids: transform(x, ids)

    def kornia_pipeline():
        steps = torch.nn.Sequential(K.RandomHorizontalFlip(0.5), K.RandomCrop((side, side), padding=4),
                                    K.Normalize(MEAN, STD))
        mix = K.RandomCutMixV2(p=1.0, data_keys=["input", "class"], use_correct_lambda=True)
        return lambda x, ids: mix(steps(x), ids)

    def vision_pipeline():
        steps = v2.Compose([v2.RandomHorizontalFlip(0.5), v2.RandomCrop(side, padding=4),
                            v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD, inplace=True)])
        mix = v2.CutMix(num_classes=classes)
        return lambda x, ids: mix(steps(x), ids)

    def vision_timm_pipeline():
        steps = v2.Compose([v2.RandomHorizontalFlip(0.5), v2.RandomCrop(side, padding=4),
                            v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD, inplace=True)])
        mix = timm_mix("cutmix", "batch")
        return lambda x, ids: mix(steps(x), ids)

    erasing = {"scale": (0.02, 0.4), "ratio": (0.3, 1 / 0.3)}
    square = {"scale": (share, share), "ratio": (1.0, 1.0)}
    cut = "fixed area, kept inside the image"
    truncated = "label weights truncated to 0 for uint8"
    mix_keys = {"data_keys": ["input", "class"], "p": 1.0}

    yield "torchvision CutMix", "cutmix", both, ONE_BOX, with_labels(v2.CutMix(num_classes=classes))
    yield "timm Mixup batch", "cutmix", both, ONE_BOX, timm_mix("cutmix", "batch")
    for mode, less in ("pair", "one box for a pair"), ("elem", ""):
        yield f"timm Mixup {mode}", "cutmix", floats, less, timm_mix("cutmix", mode)
        yield f"timm Mixup {mode}", "cutmix", bytes_only, f"{less}; {truncated}".lstrip("; "), timm_mix("cutmix", mode)
    yield ("kornia RandomCutMixV2", "cutmix", floats, NO_SOFT_LABELS,
           with_labels(K.RandomCutMixV2(use_correct_lambda=True, **mix_keys)))
    yield "torch by hand, mask", "cutmix", both, "", hand_cutmix
    yield "torch by hand, loop", "cutmix", both, "", hand_cutmix_loop

    yield "torchvision MixUp", "mixup", floats, "one lambda for the batch", with_labels(v2.MixUp(num_classes=classes))
    yield "timm Mixup batch", "mixup", floats, "one lambda for the batch", timm_mix("mixup", "batch")
    yield "timm Mixup pair", "mixup", floats, "one lambda for a pair", timm_mix("mixup", "pair")
    yield "timm Mixup elem", "mixup", floats, "", timm_mix("mixup", "elem")
    yield "kornia RandomMixUpV2", "mixup", floats, NO_SOFT_LABELS, with_labels(K.RandomMixUpV2(**mix_keys))
    yield "torch by hand", "mixup", both, "", hand_mixup
    yield "torch by hand, batch", "mixup", bytes_only, "one lambda for the batch", hand_mixup_batch

    for method, settings in ("cutout", square), ("random_erasing", erasing):
        less = cut if method == "cutout" else ""
        low, high = settings["scale"]
        yield ("torchvision RandomErasing", method, both, f"{ONE_BOX}; {less}".rstrip("; "),
               alone(v2.RandomErasing(p=1.0, value=0, inplace=True, **settings)))
        yield ("timm RandomErasing", method, both, less,
               timm_erase(min_area=low, max_area=high, min_aspect=settings["ratio"][0]))
        yield ("kornia RandomErasing", method, floats, less, alone(K.RandomErasing(p=1.0, value=0.0, **settings)))

    yield ("torchvision RandomHorizontalFlip", "flip", both, "all or none of the batch",
           alone(v2.RandomHorizontalFlip(0.5)))
    yield "kornia RandomHorizontalFlip", "flip", floats, "", alone(K.RandomHorizontalFlip(0.5))
    yield "torch by hand, indices", "flip", both, "", hand_flip
    yield "torch by hand, where", "flip", both, "", hand_flip_apart

    one = "one flip, one window and one box for the batch"
    yield "torchvision v2", "fused", both, one, vision_pipeline()
    yield "torchvision v2, timm Mixup batch", "fused", both, one, vision_timm_pipeline()
    yield "kornia", "fused", floats, NO_SOFT_LABELS, kornia_pipeline()


def time_torch(options):
    """Every variant with one thread and with all: the fewer may be the faster."""
    import torch

    torch.manual_seed(1)
    for dtype in "uint8", "float32":
        for side in SIDES:
            count, each = ring_shape(options, side, dtype)
            variants = [v for v in torch_variants(side) if dtype in v[2]]
            if not any(options.only in f"{v[1]} {dtype} {side} {layout} {v[0]}" for v in variants for layout in LAYOUTS):
                continue
            flat = torch.from_numpy(fill_ring(count * each // np.dtype(dtype).itemsize, np.dtype(dtype)))
            rings = {"NHWC": flat.view(count, options.batch, side, side, CHANNELS).permute(0, 1, 4, 2, 3),
                     "NCHW": flat.view(count, options.batch, CHANNELS, side, side)}
            ids = torch.arange(options.batch) * 7 % classes_of(side)
            for (peer, method, _, less, run), layout in itertools.product(variants, LAYOUTS):
                if options.only not in f"{method} {dtype} {side} {layout} {peer}":
                    continue
                for threads in sorted({1, options.threads}):
                    torch.set_num_threads(threads)
                    call = partial(call_on, run, rings[layout], ids)
                    with torch.inference_mode():
                        rate = time_rounds(call, count, options.batch, options.seconds)
                    report(peer, method, dtype, side, layout, threads, rate, less)


# ---- Albumentations


def albumentations_variants(side):
    import albumentations as A

    hole = (side // 2, side // 2)
    yield ("albumentations CoarseDropout", "cutout", ("uint8", "float32"), "fixed area, kept inside the image",
           A.Compose([A.CoarseDropout(num_holes_range=(1, 1), hole_height_range=hole, hole_width_range=hole, fill=0,
                                      p=1.0)]))
    yield ("albumentations Erasing", "random_erasing", ("uint8", "float32"), "",
           A.Compose([A.Erasing(scale=(0.02, 0.4), ratio=(0.3, 1 / 0.3), fill=0, p=1.0)]))
    yield "albumentations HorizontalFlip", "flip", ("uint8", "float32"), "", A.Compose([A.HorizontalFlip(p=0.5)])
    yield ("albumentations, timm Mixup batch", "fused", ("uint8",), ONE_BOX,
           A.Compose([A.HorizontalFlip(p=0.5), A.Pad(4, p=1.0), A.RandomCrop(side, side, p=1.0),
                      A.Normalize(MEAN, STD, p=1.0)]))


def albumentations_worker(barrier, rates, options, dtype, side, peer):
    """One process: its own share of the ring, no threads inside."""
    import cv2
    import torch
    from timm.data.mixup import Mixup

    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    random.seed(1)
    method, transform = next((m, t) for name, m, _, _, t in albumentations_variants(side) if name == peer)
    count, _ = ring_shape(options, side, dtype)
    ring = fill_ring(count * options.batch * side * side * CHANNELS, np.dtype(dtype))
    ring = ring.reshape(count, options.batch, side, side, CHANNELS)
    classes = classes_of(side)
    ids = torch.arange(options.batch) * 7 % classes
    mix = Mixup(0.0, 1.0, mode="batch", label_smoothing=0.0, num_classes=classes)
    output = np.empty((options.batch, side, side, CHANNELS), np.float32 if method == "fused" else dtype)
    batch = torch.from_numpy(output).permute(0, 3, 1, 2)

    def run(at):
        for image, made in zip(ring[at], output):
            made[...] = transform(image=image)["image"]
        if method == "fused":
            mix(batch, ids)

    run(0)
    barrier.wait()
    rates.put(time_rounds(run, count, options.batch, options.seconds))


def time_albumentations(options):
    spawn = multiprocessing.get_context("spawn")
    for dtype in "uint8", "float32":
        for side in SIDES:
            for peer, method, dtypes, less, _ in albumentations_variants(side):
                if dtype not in dtypes or options.only not in f"{method} {dtype} {side} NHWC {peer}":
                    continue
                for processes in sorted({1, options.threads}):
                    part = argparse.Namespace(**{**vars(options), "ring": options.ring / processes})
                    barrier, rates = spawn.Barrier(processes), spawn.Queue()
                    workers = [spawn.Process(target=albumentations_worker,
                                             args=(barrier, rates, part, dtype, side, peer)) for _ in range(processes)]
                    for worker in workers:
                        worker.start()
                    rate = sum(rates.get(timeout=600) for _ in workers)
                    for worker in workers:
                        worker.join()
                    name = peer + (f", {processes} processes" if processes > 1 else "")
                    report(name, method, dtype, side, "NHWC", processes, rate, less)


def report(peer, method, dtype, side, layout, threads, rate, less):
    print(json.dumps({"peer": peer, "method": method, "dtype": dtype, "side": side, "layout": layout,
                      "threads": threads, "images_s": round(rate, 1), "less": less}), flush=True)


def main():
    options = parse_arguments()
    names = ("torch", "torchvision", "timm", "kornia", "albumentations", "numpy")
    print(json.dumps({"versions": {name: version(name) for name in names}}), flush=True)
    time_torch(options)
    time_albumentations(options)


if __name__ == "__main__":
    main()
