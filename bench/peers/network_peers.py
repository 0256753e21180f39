"""Times training steps of a network in PyTorch: the counterpart of bench_network.

    python bench/peers/network_peers.py --variant eager|channels-last|compile|compile-channels-last
        [--model resnet20|resnet18] [--batch N] [--side PIXELS] [--threads T] [--seconds S]

One JSON line for starting (the first step, and with it compilation, included), then one for each
line of standard input: a round of at least S seconds. A step is what bench_network's is: gradient
of one batch with soft labels, and SGD with Nesterov momentum and weight decay (fused: one kernel
for all tensors). The networks are those that CutLab's gradients are tested against.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Callable

BEGIN = time.perf_counter()

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402, N812

IMPORT_S = time.perf_counter() - BEGIN
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "oracle"))

import networks  # noqa: E402

CLASSES, CHANNELS, LEAST_STEPS = 10, 3, 3
MODELS: dict[str, Callable[[], torch.nn.Module]] = {
    "resnet20": lambda: networks.resnet(20, CHANNELS, CLASSES),
    "resnet18": lambda: networks.resnet18(CHANNELS, CLASSES),
}
VARIANTS = ("eager", "channels-last", "compile", "compile-channels-last")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--variant", choices=VARIANTS, required=True)
    parser.add_argument("--model", choices=MODELS, default="resnet20")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=2.0)
    return parser.parse_args()


def make_step(options: argparse.Namespace) -> Callable[[], None]:
    torch.manual_seed(1)
    last = options.variant.endswith("channels-last")
    layout = torch.channels_last if last else torch.contiguous_format
    module = MODELS[options.model]().train().to(memory_format=layout)
    batch = torch.randn(options.batch, CHANNELS, options.side, options.side)
    batch = batch.to(memory_format=layout)
    labels = torch.rand(options.batch, CLASSES).softmax(1)
    optimiser = torch.optim.SGD(
        module.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4, fused=True
    )

    def loss_of(images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(module(images), targets)

    if options.variant.startswith("compile"):
        loss_of = torch.compile(loss_of)

    def step() -> None:
        loss_of(batch, labels).backward()
        optimiser.step()
        optimiser.zero_grad()

    return step


def rss_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run_round(step: Callable[[], None], options: argparse.Namespace) -> dict[str, float]:
    taken: list[float] = []
    begin, cpu_begin = time.perf_counter(), time.process_time()
    while len(taken) < LEAST_STEPS or time.perf_counter() - begin < options.seconds:
        at = time.perf_counter()
        step()
        taken.append(time.perf_counter() - at)
    step_s = statistics.median(taken)
    return {
        "step_s": step_s,
        "images_s": options.batch / step_s,
        "cpu_s": (time.process_time() - cpu_begin) / len(taken),
        "steps": len(taken),
        "rss_mb": rss_mb(),
    }


def main() -> None:
    options = parse_arguments()
    torch.set_num_threads(options.threads)
    import_mb = rss_mb()
    begin = time.perf_counter()
    step = make_step(options)
    step()
    started = {
        "torch": torch.__version__,
        "import_s": IMPORT_S,
        "import_mb": import_mb,
        "first_s": time.perf_counter() - begin,
        "rss_mb": rss_mb(),
    }
    print(json.dumps(started), flush=True)
    for _ in sys.stdin:
        print(json.dumps(run_round(step, options)), flush=True)


if __name__ == "__main__":
    main()
