#!/usr/bin/env python3
"""Draws augment.svg: what cutmix, cutout, mixup and fmix do to two synthetic pictures.

Needs the Python package of CutLab: python3 docs/pictures/make_augment.py
"""

import base64
import struct
import zlib
from pathlib import Path

import cutlab
import numpy as np

SIDE, GAP, LEFT, TOP = 144, 14, 76, 34
FONT = 'font-family="Inter, Helvetica, Arial, DejaVu Sans, sans-serif"'
NAMES, COLOURS = ("sun", "moon"), ("#e08214", "#2166ac")
# Title, policy, seed: seeds whose lambda shows well.
COLUMNS = [
    ("cutmix", "cutmix", 36),
    ("cutout", "cutout(size=64, fill=(.5))", 22),
    ("mixup", "mixup", 31),
    ("fmix", "fmix", 17),
]


def mix(low, high, share):
    """Colours between two, by shares [H][W]."""
    return np.asarray(low) + (np.asarray(high, float) - low) * share[..., None]


def paint(image, colour, cover):
    image[:] = mix(image, colour, np.clip(cover, 0, 1))


def scene(sky, disc, ground, centre, wave):
    """A disc above a horizon; edges are a pixel wide."""
    y, x = (np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE
    image = mix(*sky, y)
    distance = np.hypot(y - centre[0], x - centre[1])
    paint(image, disc, np.exp(-(((distance - 0.15) / 0.12) ** 2)) * 0.35)
    paint(image, disc, (0.17 - distance) * SIDE)
    for i, colour in enumerate(ground):
        edge = 0.62 + 0.13 * i + wave * np.sin(9 * x + 2.2 * i + 1) * np.cos(3 * x + i)
        paint(image, colour, (y - edge) * SIDE)
    return np.rint(image).astype(np.uint8)


SUN = scene(
    ((250, 150, 80), (255, 226, 150)),
    (255, 246, 214),
    ((190, 98, 60), (140, 62, 56), (84, 38, 50)),
    (0.36, 0.62),
    0.07,
)
MOON = scene(
    ((18, 26, 66), (66, 116, 168)),
    (232, 238, 250),
    ((38, 96, 140), (28, 72, 116), (16, 46, 88)),
    (0.3, 0.32),
    0.015,
)


def png(pixels):
    """A PNG, each line coded as differences from the one above."""
    height, width = pixels.shape[:2]
    grey = pixels.ndim == 2
    lines = pixels.reshape(height, -1)
    above = np.vstack([np.zeros_like(lines[:1]), lines[:-1]])
    data = np.hstack([np.full((height, 1), 2, np.uint8), lines - above]).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, 0 if grey else 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(data, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )


def image(pixels, attributes):
    link = base64.b64encode(png(pixels)).decode()
    return (
        f'<image {attributes} width="{SIDE}" height="{SIDE}" href="data:image/png;base64,{link}"/>'
    )


def framed(content, x, y):
    return (
        f'{content}<rect x="{x + 0.5}" y="{y + 0.5}" width="{SIDE - 1}" height="{SIDE - 1}" '
        'fill="none" stroke="#9aa3ad"/>'
    )


def picture(pixels, x, y):
    return framed(image(pixels, f'x="{x}" y="{y}"'), x, y)


def reference(name, x, y):
    """One of the two inputs, which the file holds once."""
    return framed(f'<use href="#{name}" x="{x}" y="{y}"/>', x, y)


def text(x, y, content, size=14, anchor="middle", fill="#1b2027", weight="normal"):
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}" fill="{fill}" '
        f'font-weight="{weight}">{content}</text>'
    )


def label_bar(x, y, share):
    """The label as a bar: the own class, then the partner's."""
    own = round(SIDE * share, 2)
    bar = f'<rect x="{x}" y="{y}" width="{own}" height="10" fill="{COLOURS[0]}"/>'
    if share < 1:
        bar += f'<rect x="{x + own}" y="{y}" width="{SIDE - own}" height="10" fill="{COLOURS[1]}"/>'
        bar += text(x + SIDE, y + 26, f"{NAMES[1]} {1 - share:.2f}", 13, "end", COLOURS[1])
    return bar + text(x, y + 26, f"{NAMES[0]} {share:.2f}", 13, "start", COLOURS[0])


def column(x, title, policy, seed):
    """Own, partner, mask, output of the first of two samples, and what its label is."""
    images = np.stack([SUN, MOON])
    outputs, labels, plan = cutlab.augment(images, np.arange(2), policy, classes=2, seed=seed)
    entry = plan.entries[0]
    mixes = entry["partner"] >= 0
    assert not mixes or entry["partner"] == 1, f"{title}: seed {seed} pairs the sun with itself"
    mask = 255 * plan.mask(0).astype(np.uint8)
    if not entry["pixels"]:
        mask[:] = round(255 * (1 - entry["weight"]))
    rows = [TOP + i * (SIDE + GAP) for i in range(4)]
    parts = [text(x + SIDE / 2, TOP - 12, title, 16, weight="bold")]
    parts += [
        reference("sun", x, rows[0]),
        picture(mask, x, rows[2]),
        picture(outputs[0], x, rows[3]),
    ]
    if mixes:
        parts.append(reference("moon", x, rows[1]))
        note = f"λ = {entry['lambda']:.3f}"
    else:
        parts.append(text(x + SIDE / 2, rows[1] + SIDE / 2, "no partner", 13, fill="#5b6470"))
        note = "label unchanged"
    below = rows[3] + SIDE + 22
    return [*parts, text(x + SIDE / 2, below, note), label_bar(x, below + 12, labels[0][0])]


def main():
    width, height = LEFT + 4 * (SIDE + GAP) + 2, TOP + 4 * (SIDE + GAP) + 58
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" {FONT}>',
        "<defs>" + image(SUN, 'id="sun"') + image(MOON, 'id="moon"') + "</defs>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for i, name in enumerate(("own", "partner", "mask", "output")):
        y = TOP + i * (SIDE + GAP) + SIDE / 2 + 5
        parts.append(text(LEFT - 14, y, name, anchor="end", fill="#5b6470"))
    for i, (title, policy, seed) in enumerate(COLUMNS):
        parts += column(LEFT + i * (SIDE + GAP), title, policy, seed)
    path = Path(__file__).with_name("augment.svg")
    path.write_text("\n".join([*parts, "</svg>"]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
