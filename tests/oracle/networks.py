"""Networks in PyTorch, as CutLab's models say them (docs/models.md), written on their own.

Layers are made in the order of a model's text, a residual layer's body before its shortcut, so that
the n-th convolution, batch norm or linear layer to be made holds conv<n>, bn<n> or linear<n>.
"""

from __future__ import annotations

from typing import Callable

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

Activation = Callable[[Tensor], Tensor]


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, bias=False)


def conv1d(inputs: int, outputs: int, kernel: int) -> nn.Conv1d:
    return nn.Conv1d(inputs, outputs, kernel, padding=(kernel - 1) // 2, bias=False)


def smooth(z: Tensor, beta: float = 0.1, r: float = 1.0) -> Tensor:
    middle = beta * z + (1 - beta) * z * z / (2 * r)
    return torch.where(z <= 0, beta * z, torch.where(z <= r, middle, z - (1 - beta) * r / 2))


class Mlp(nn.Module):
    def __init__(self, inputs: int, classes: int, depth: int, width: int, activation: Activation):
        super().__init__()
        sizes = [inputs] + [width] * depth
        self.hidden = nn.ModuleList(map(nn.Linear, sizes, sizes[1:]))
        self.head = nn.Linear(width, classes)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        for layer in self.hidden:
            x = self.activation(layer(x))
        return self.head(x)


class Patch(nn.Module):
    """The score of a class: the sum over its filters and all patches."""

    def __init__(self, channels: int, classes: int, size: int, filters: int):
        super().__init__()
        self.conv = nn.Conv2d(channels, classes * filters, size, size, bias=False)
        self.classes = classes

    def forward(self, x: Tensor) -> Tensor:
        return smooth(self.conv(x)).sum((2, 3)).unflatten(1, (self.classes, -1)).sum(2)


class Cnn(nn.Module):
    """`cells`: positions left after three poolings."""

    def __init__(self, channels: int, classes: int, width: int, cells: int):
        super().__init__()
        sizes = [channels, width, 2 * width, 4 * width]
        self.convs = nn.ModuleList(map(conv, sizes, sizes[1:]))
        self.norms = nn.ModuleList(map(nn.BatchNorm2d, sizes[1:]))
        self.head = nn.Linear(4 * width * cells, classes)

    def forward(self, x: Tensor) -> Tensor:
        for i in range(3):
            x = F.max_pool2d(F.relu(self.norms[i](self.convs[i](x))), 2)
        return self.head(x.flatten(1))


class Cnn1d(nn.Module):
    def __init__(self, channels: int, classes: int, width: int):
        super().__init__()
        sizes = [channels, width, 2 * width, 4 * width]
        self.convs = nn.ModuleList(map(conv1d, sizes, sizes[1:], (7, 5, 3)))
        self.norms = nn.ModuleList(map(nn.BatchNorm1d, sizes[1:]))
        self.head = nn.Linear(4 * width, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = x.squeeze(2)
        for i in range(3):
            x = F.relu(self.norms[i](self.convs[i](x)))
            x = F.max_pool1d(x, 2) if i < 2 else x.mean(2)
        return self.head(x)


class Basic(nn.Module):
    """He et al. 2016: two 3 x 3 convolutions, the shortcut projected where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int, activation: Activation):
        super().__init__()
        self.activation = activation
        self.conv1, self.norm1 = conv(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs)
        self.conv2, self.norm2 = conv(outputs, outputs), nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut.append(conv(inputs, outputs, 1, stride))
            self.shortcut.append(nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        body = self.activation(self.norm1(self.conv1(x)))
        return self.activation(self.norm2(self.conv2(body)) + self.shortcut(x))


class ResNet(nn.Module):
    """`stages` of `blocks` each, twice as wide and half as high as the one before."""

    def __init__(
        self,
        channels: int,
        classes: int,
        stages: int,
        blocks: int,
        width: int,
        activation: Activation,
    ):
        super().__init__()
        self.activation = activation
        self.conv, self.norm = conv(channels, width), nn.BatchNorm2d(width)
        self.blocks = nn.Sequential()
        inputs = width
        for stage in range(stages):
            for block in range(blocks):
                stride = 2 if stage and not block else 1
                self.blocks.append(Basic(inputs, width << stage, stride, activation))
                inputs = width << stage
        self.head = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(self.activation(self.norm(self.conv(x))))
        return self.head(x.mean((2, 3)))


def resnet(depth: int, channels: int, classes: int, activation: Activation = F.relu) -> ResNet:
    return ResNet(channels, classes, 3, (depth - 2) // 6, 16, activation)


def resnet18(channels: int, classes: int, activation: Activation = F.relu) -> ResNet:
    return ResNet(channels, classes, 4, 2, 64, activation)


def resnet_text(stages: int, blocks: int, width: int, activation: str) -> str:
    """The same in CutLab's language, for activations that its list does not have."""
    text = f"conv({width}, bias=no) | bn | {activation} | "
    for stage in range(stages):
        for block in range(blocks):
            stride, wide = 2 if stage and not block else 1, width << stage
            body = f"conv({wide}, stride={stride}, bias=no) | bn | {activation} | "
            text += f"residual({body}conv({wide}, bias=no) | bn) | {activation} | "
    return text + "pool(mean, global) | linear"


class Wide(nn.Module):
    """Zagoruyko and Komodakis 2016: norm and ReLU first; a projection reads what they give."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(inputs), conv(inputs, outputs, 3, stride)
        self.norm2, self.conv2 = nn.BatchNorm2d(outputs), conv(outputs, outputs)
        changes = stride != 1 or inputs != outputs
        self.shortcut = conv(inputs, outputs, 1, stride) if changes else None

    def forward(self, x: Tensor) -> Tensor:
        active = F.relu(self.norm1(x))
        body = self.conv2(F.relu(self.norm2(self.conv1(active))))
        return body + (x if self.shortcut is None else self.shortcut(active))


class WideResNet(nn.Module):
    def __init__(self, channels: int, classes: int, depth: int, widen: int):
        super().__init__()
        self.conv = conv(channels, 16)
        self.blocks = nn.Sequential()
        inputs = 16
        for stage in range(3):
            for block in range((depth - 4) // 6):
                stride = 2 if stage and not block else 1
                self.blocks.append(Wide(inputs, (16 * widen) << stage, stride))
                inputs = (16 * widen) << stage
        self.norm, self.head = nn.BatchNorm2d(inputs), nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.relu(self.norm(self.blocks(self.conv(x)))).mean((2, 3)))


def named_tensors(module: nn.Module) -> dict[str, Tensor]:
    """CutLab's names and the tensors that hold the same."""
    kinds: list[tuple[str, tuple[type[nn.Module], ...], dict[str, str]]] = [
        ("conv", (nn.Conv1d, nn.Conv2d), {"weight": "weight", "bias": "bias"}),
        ("linear", (nn.Linear,), {"weight": "weight", "bias": "bias"}),
        (
            "bn",
            (nn.BatchNorm1d, nn.BatchNorm2d),
            {"scale": "weight", "shift": "bias", "mean": "running_mean", "variance": "running_var"},
        ),
    ]
    named: dict[str, Tensor] = {}
    for name, types, roles in kinds:
        layers = [m for m in module.modules() if isinstance(m, types)]
        for number, layer in enumerate(layers, 1):
            tensors = {role: getattr(layer, own) for role, own in roles.items()}
            named.update({f"{name}{number}.{r}": t for r, t in tensors.items() if t is not None})
    return named
