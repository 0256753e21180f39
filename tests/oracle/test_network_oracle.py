"""Networks against PyTorch.

draw_network (environment: CUTLAB_DRAW_NETWORK) trains a model on a batch and writes values,
gradients, logits and losses. Here the same networks, written in PyTorch on their own (networks.py),
start from the same values. All deviations are ||a - b|| / ||b|| of a whole tensor; the worst of a
model are printed, beside those of PyTorch's float32 from its own float64. Exits with 77 where
PyTorch is missing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Callable

# Threads that wait do not spin: tests share their cores.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

try:
    import numpy as np
    import torch
    import torch.nn.functional as F  # noqa: N812
except ImportError as missing:
    print(f"skipped: {missing}; needs PyTorch")
    sys.exit(77)

import networks
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

LIMIT = 1e-4
# A ReLU or max pool that rounds to the other side changes gradients by more. They have this limit
# where float64 comes nearer to that than MARGIN of the tensor's size in the first step, and so has
# what comes of later steps wherever there are such operations.
KINKED_LIMIT = 3e-2
MARGIN = 1e-5
Arrays = dict[str, "np.ndarray"]


@dataclass(frozen=True)
class Case:
    name: str
    shape: tuple[int, int, int]
    classes: int
    count: int
    make: Callable[[], nn.Module]
    model: str = ""  # its text where that is not the name
    seed: int = 7  # no kink is near in the small cases
    steps: int = 10
    exact_steps: int = 10  # of those, with float64 in PyTorch
    backends: tuple[str, ...] = ("onednn", "reference")


ACTIVATIONS: dict[str, networks.Activation] = {
    "relu": F.relu,
    "gelu": F.gelu,
    "silu": F.silu,
    "leaky": F.leaky_relu,
    "smooth": networks.smooth,
}
IMAGE, SMALL = (3, 32, 32), (3, 8, 8)
CASES = (
    *(
        Case(
            f"mlp(depth=2, width=64, activation={name})",
            (1, 8, 8),
            10,
            32,
            partial(networks.Mlp, 64, 10, 2, 64, activation),
            seed=9,
        )
        for name, activation in ACTIVATIONS.items()
    ),
    Case("patch(size=4, filters=3)", (3, 14, 13), 5, 32, partial(networks.Patch, 3, 5, 4, 3)),
    Case("cnn(width=8)", (3, 16, 16), 10, 6, partial(networks.Cnn, 3, 10, 8, 4)),
    Case("cnn(width=5)", (1, 13, 11), 7, 5, partial(networks.Cnn, 1, 7, 5, 1)),
    Case("cnn1d(width=8)", (2, 1, 50), 5, 8, partial(networks.Cnn1d, 2, 5, 8)),
    Case("resnet20", SMALL, 10, 4, partial(networks.resnet, 20, 3, 10)),
    Case("wrn-10-2", SMALL, 10, 4, partial(networks.WideResNet, 3, 10, 10, 2)),
    Case("wrn-16-1", SMALL, 10, 4, partial(networks.WideResNet, 3, 10, 16, 1)),
    Case("wrn-10-2", IMAGE, 10, 8, partial(networks.WideResNet, 3, 10, 10, 2), steps=3),
    Case(
        "resnet20 with silu",
        IMAGE,
        10,
        8,
        partial(networks.resnet, 20, 3, 10, F.silu),
        networks.resnet_text(3, 3, 16, "silu"),
        steps=5,
    ),
    Case(
        "resnet18",
        IMAGE,
        10,
        32,
        partial(networks.resnet18, 3, 10),
        exact_steps=1,
        backends=("onednn",),
    ),
    Case(
        "resnet18 with silu",
        IMAGE,
        10,
        8,
        partial(networks.resnet18, 3, 10, F.silu),
        networks.resnet_text(4, 2, 64, "silu"),
        steps=2,
        exact_steps=1,
        backends=("onednn",),
    ),
)


class Kinks(TorchFunctionMode):
    """Watches how near ReLUs and max pools come to the other side: `margin` is the least distance
    over the root mean square of what they get."""

    def __init__(self) -> None:
        super().__init__()
        self.margin = float("inf")

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (F.relu, F.leaky_relu):
            self.see(args[0].detach(), args[0].detach().abs())
        elif func in (F.max_pool1d, F.max_pool2d):
            x = args[0].detach()
            for dimension in range(2, x.dim()):
                x = x.unfold(dimension, 2, 2)
            top = x.flatten(2 - x.dim() // 2).topk(2).values  # one window each
            self.see(args[0].detach(), (top[..., 0] - top[..., 1])[top[..., 0] > 0])
        return func(*args, **(kwargs or {}))

    def see(self, values: Tensor, distances: Tensor) -> None:
        size = values.square().mean().sqrt().item()
        self.margin = min(self.margin, distances.min().item() / size)


def draw(case: Case, backend: str, folder: str) -> Arrays | None:
    """What draw_network writes; None where the backend was not built."""
    path = Path(folder) / "drawn.npz"
    numbers = map(str, (*case.shape, case.classes, case.count, case.steps, case.seed))
    model = case.model or case.name
    command = [os.environ["CUTLAB_DRAW_NETWORK"], model, *numbers, backend, str(path)]
    code = subprocess.run(command).returncode
    if code == 77:
        return None
    assert code == 0, f"{case.name}, {backend}: draw_network failed"
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def load_values(module: nn.Module, ours: Arrays) -> None:
    names = {name.removeprefix("initial.") for name in ours if name.startswith("initial.")}
    tensors = networks.named_tensors(module)
    assert names == set(tensors), f"names differ: {sorted(names ^ set(tensors))}"
    with torch.no_grad():
        for name, tensor in tensors.items():
            values = torch.from_numpy(ours["initial." + name])
            if tensor.dim() == 3:  # a series' windows have height 1
                values = values.squeeze(2)
            assert values.shape == tensor.shape, f"{name}: {values.shape}, {tensor.shape}"
            tensor.copy_(values)


def copy_into(theirs: Arrays, prefix: str, tensors: dict[str, Tensor]) -> None:
    theirs.update(
        {prefix + name: t.detach().double().numpy().copy() for name, t in tensors.items()}
    )


def train(case: Case, ours: Arrays, dtype: torch.dtype, steps: int) -> Arrays:
    """The same in PyTorch, under the same names."""
    module = case.make()
    load_values(module, ours)
    module = module.to(dtype).train()
    tensors = networks.named_tensors(module)
    optimiser = torch.optim.SGD(
        module.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    batch, labels = (torch.from_numpy(ours[name]).to(dtype) for name in ("input", "labels"))
    theirs: Arrays = {}
    losses = []
    for step in range(steps):
        optimiser.zero_grad()
        logits = module(batch)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            copy_into(theirs, "", {"logits": logits})
            gradients = {n: t.grad for n, t in tensors.items() if t.grad is not None}
            copy_into(theirs, "gradient.", gradients)
        optimiser.step()
        if step == 0:
            copy_into(theirs, "first.", tensors)
    theirs["losses"] = np.array(losses)
    if steps == case.steps:
        copy_into(theirs, "final.", tensors)
        with torch.no_grad():
            copy_into(theirs, "", {"evaluated": module.eval()(batch)})
    return theirs


def deviation(a: np.ndarray, b: np.ndarray) -> float:
    """Of losses, the steps that both have."""
    a, b = a[: len(b)].astype(float).ravel(), b[: len(a)].astype(float).ravel()
    assert np.isfinite(a).all(), "not finite"
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


GROUPS = {
    "logits": lambda name: name == "logits",
    "gradients": lambda name: name.startswith("gradient."),
    "statistics": lambda name: name.startswith("first.") and name.endswith((".mean", ".variance")),
    "values": lambda name: name.startswith("first."),
    "losses": lambda name: name == "losses",
    "evaluated": lambda name: name == "evaluated",
    "final": lambda name: name.startswith("final."),
}


def worst(a: Arrays, b: Arrays) -> dict[str, tuple[float, str]]:
    """Of each group, the largest deviation and the tensor that has it."""
    common = sorted(set(a) & set(b))
    missing = {name for name in set(a) ^ set(b) if name.startswith("gradient.")}
    assert not missing, f"only one has {sorted(missing)}"
    found = {}
    for group, belongs in GROUPS.items():
        rows = [(deviation(a[name], b[name]), name) for name in common if belongs(name)]
        if rows:
            found[group] = max(rows)
    return found


def nearest_kink(case: Case, ours: Arrays) -> float:
    """In the first step; infinity where there is none."""
    module = case.make()
    load_values(module, ours)
    with Kinks() as kinks, torch.no_grad():
        module.double().train()(torch.from_numpy(ours["input"]).double())
    return kinks.margin


def print_row(what: str, found: dict[str, tuple[float, str]]) -> None:
    cells = (f"{found[g][0]:10.1e}" if g in found else " " * 10 for g in GROUPS)
    print(f"  {what:28}" + " ".join(cells), flush=True)


def beyond(found: dict[str, tuple[float, str]], margin: float, what: str) -> list[str]:
    """What is off by more than its limit."""
    failures = []
    for group, (value, name) in found.items():
        later = group in ("evaluated", "final") and margin < float("inf")
        kinked = later or (group in ("gradients", "values") and margin < MARGIN)
        limit = KINKED_LIMIT if kinked else LIMIT
        if not value <= limit:
            failures.append(f"{what}: {name} is off by {value:.2e}, allowed {limit:g}")
    return failures


def check(case: Case, folder: str) -> list[str]:
    """Compares all backends of a case; returns what is beyond the limits."""
    failures: list[str] = []
    theirs: dict[str, Arrays] = {}
    margin = float("inf")
    print(f"{case.name}, {case.count} x {' x '.join(map(str, case.shape))}")
    for backend in case.backends:
        ours = draw(case, backend, folder)
        if ours is None:
            print(f"  no {backend} in this build")
            continue
        if not theirs:
            margin = nearest_kink(case, ours)
            print(f"  nearest kink {margin:.1e}")
            exact_steps = min(case.exact_steps, case.steps)
            theirs["float64"] = train(case, ours, torch.float64, exact_steps)
            theirs["float32"] = train(case, ours, torch.float32, case.steps)
            print_row("PyTorch float32 - float64", worst(theirs["float32"], theirs["float64"]))
        for dtype, arrays in theirs.items():
            found = worst(ours, arrays)
            print_row(f"{backend} - PyTorch {dtype}", found)
            failures += beyond(found, margin, f"{case.name}, {backend}, PyTorch {dtype}")
    return failures


def main() -> int:
    torch.set_num_threads(2)
    print(f"{'relative deviations':30}" + " ".join(f"{group:>10}" for group in GROUPS))
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        for case in CASES:
            start = time.monotonic()
            failures += check(case, folder)
            print(f"{case.name}: {time.monotonic() - start:.1f} s", file=sys.stderr)
    print("\n".join(failures) or "all within their limits")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
