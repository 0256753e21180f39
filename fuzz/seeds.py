"""Writes the fuzzers' first inputs and dictionaries: seeds.py FOLDER makes FOLDER/NAME/* and
FOLDER/NAME.dict for every harness fuzz_NAME. All are small and made up here."""

import base64
import gzip
import io
import lzma
import re
import struct
import sys
import zipfile
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# A ramp of 16 x 9 pixels.
JPEGS = {
    "colour": (
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtq"
        "eJmBanGQc1tdhbWGkJ6jq62rZ4C8ybqmx5moq6T/2wBDARweHigjKE4rK06kbl1upKSkpKSkpKSkpKSk"
        "pKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKT/wAARCAAJABADASIAAhEBAxEB/8QA"
        "FgABAQEAAAAAAAAAAAAAAAAAAwQF/8QAFxAAAwEAAAAAAAAAAAAAAAAAAAIEYf/EABUBAQEAAAAAAAAA"
        "AAAAAAAAAAED/8QAFxEAAwEAAAAAAAAAAAAAAAAAAAIDAf/aAAwDAQACEQMRAD8Az0kwdJMKUHQm1NGN"
        "mP/Z"
    ),
    "grey": (
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtq"
        "eJmBanGQc1tdhbWGkJ6jq62rZ4C8ybqmx5moq6T/wAALCAAJABABASIA/8QAFgABAQEAAAAAAAAAAAAA"
        "AAAAAwQF/8QAFxAAAwEAAAAAAAAAAAAAAAAAAAIEYf/aAAgBAQAAPwDPSTB0kwpQdD//2Q=="
    ),
    "progressive": (
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtq"
        "eJmBanGQc1tdhbWGkJ6jq62rZ4C8ybqmx5moq6T/2wBDARweHigjKE4rK06kbl1upKSkpKSkpKSkpKSk"
        "pKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKT/wgARCAAJABADASIAAhEBAxEB/8QA"
        "FgABAQEAAAAAAAAAAAAAAAAAAgME/8QAFQEBAQAAAAAAAAAAAAAAAAAAAAL/2gAMAwEAAhADEAAAAc7q"
        "5f/EABYQAQEBAAAAAAAAAAAAAAAAABIAEP/aAAgBAQABBQIx3//EABYRAQEBAAAAAAAAAAAAAAAAAAIA"
        "Af/aAAgBAwEBPwEPb//EABYRAAMAAAAAAAAAAAAAAAAAAAABAv/aAAgBAgEBPwF0f//EABQQAQAAAAAA"
        "AAAAAAAAAAAAACD/2gAIAQEABj8CH//EABUQAQEAAAAAAAAAAAAAAAAAAAAB/9oACAEBAAE/IYxiP//a"
        "AAwDAQACAAMAAAAQV//EABQRAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQMBAT8QD//EABURAQEAAAAAAAAA"
        "AAAAAAAAAAAB/9oACAECAQE/EKP/xAAWEAEBAQAAAAAAAAAAAAAAAABhABD/2gAIAQEAAT8QOPf/2Q=="
    ),
    "grey-progressive": (
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtq"
        "eJmBanGQc1tdhbWGkJ6jq62rZ4C8ybqmx5moq6T/wgALCAAJABABAREA/8QAFgABAQEAAAAAAAAAAAAA"
        "AAAAAgME/9oACAEBAAAAAc7q/wD/xAAWEAEBAQAAAAAAAAAAAAAAAAASABD/2gAIAQEAAQUCMd//xAAU"
        "EAEAAAAAAAAAAAAAAAAAAAAg/9oACAEBAAY/Ah//xAAVEAEBAAAAAAAAAAAAAAAAAAAAAf/aAAgBAQAB"
        "PyGMYj//2gAIAQEAAAAQX//EABYQAQEBAAAAAAAAAAAAAAAAAGEAEP/aAAgBAQABPxA49//Z"
    ),
}


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(kind, depth, interlaced=0, extra=b""):
    """A PNG of 6 x 5 pixels; interlaced ones have as many bytes as the passes need."""
    bits = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind] * depth
    passes = [(6, 5)]
    if interlaced:
        steps = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)]
        steps += [(0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
        passes = [(-((x - 6) // dx), -((y - 5) // dy)) for x, y, dx, dy in steps]
    rows = b"".join(
        bytes([row % 5]) + bytes((7 * row + i) % 4 for i in range((width * bits + 7) // 8))
        for width, height in passes
        if width > 0
        for row in range(max(height, 0))
    )
    header = struct.pack(">IIBBBBB", 6, 5, depth, kind, 0, 0, interlaced)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def images():
    palette = chunk(b"PLTE", bytes(range(12)))
    text = chunk(b"zTXt", b"k\0\0" + zlib.compress(b"text")) + chunk(b"gAMA", b"\0\0\xb1\x8f")
    yield "grey-1", png(0, 1)
    yield "grey-8", png(0, 8, extra=chunk(b"tRNS", b"\0\1"))
    yield "grey-16", png(0, 16, interlaced=1)
    yield "colour-8", png(2, 8, extra=text)
    yield "colour-16", png(2, 16, extra=chunk(b"tRNS", bytes(6)))
    yield "palette-2", png(3, 2, extra=palette)
    yield "palette-4", png(3, 4, interlaced=1, extra=palette + chunk(b"tRNS", b"\0\x80"))
    yield "grey-alpha", png(4, 8)
    yield "colour-alpha", png(6, 16)
    for name, text in JPEGS.items():
        yield name, base64.b64decode(text)


def idx():
    yield "labels", struct.pack(">II", 0x801, 5) + bytes(range(5))
    yield "series", struct.pack(">III", 0x802, 2, 3) + bytes(range(6))
    yield "images", struct.pack(">IIII", 0x803, 2, 2, 3) + bytes(range(12))
    yield "four", struct.pack(">IIIII", 0x804, 1, 1, 1, 1) + bytes(1)


def compressed():
    for name, data in idx():
        yield f"{name}.gz", gzip.compress(data, mtime=0)
        yield f"{name}.xz", lzma.compress(data)
    yield "two.gz", gzip.compress(bytes(100), mtime=0) + gzip.compress(b"a", mtime=0)
    yield "ten.xz", lzma.compress(b"\x03" + bytes(3072))


def cifar():
    """The first byte is the harness's own."""
    yield "ten", b"\x41" + b"\3" + bytes(20)
    yield "hundred", b"\x40" + b"\3\x2a" + bytes(20)
    yield "two", b"\x41" + bytes(3073) + b"\x09"
    yield "wrong", b"\x41" + b"\x0a"
    yield "cut", b"\0" + bytes(100)


def npy(descr, shape, data):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + data


def arrays():
    kinds = {"|u1": 1, "|i1": 1, "<f2": 2, "<f4": 4, "<i4": 4, "<f8": 8, "<i8": 8, ">i2": 2, ">f4": 4, ">f8": 8}
    for descr, size in kinds.items():
        yield descr.strip("<|"), npy(descr, (1, 2, 3), bytes(range(6 * size)))
    yield "scalar", npy("<f8", (), bytes(8))
    yield "empty", npy("<f4", (0, 3), b"")
    second = npy("|u1", (4,), b"abcd").replace(b"NUMPY\1", b"NUMPY\2", 1)
    yield "version-2", second[:10] + b"\0\0" + second[10:]
    for method in zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w", method) as file:
            file.writestr("x.npy", npy("<f4", (2,), bytes(8)))
            file.writestr("y.npy", npy("|u1", (3, 2), bytes(6)))
        yield f"archive-{method}", archive.getvalue()


POLICIES = [
    "flip",
    "flip | crop(pad=4) | one_of(cutmix(alpha=1), mixup(alpha=.2), p=.5) | normalise",
    "cutmix(alpha=1, sampler=torchvision) | cutout(size=16, p=1)",
    "normalise(mean=[.5, .5, .5], std=[.2, .2, .2])",
    "rotate(degrees=1e1)",
    "",
]

POLICY_YAML = [
    "- flip\n- crop: {pad: 4}\n",
    "- one_of:\n    p: 0.5\n    of:\n      - cutmix: {alpha: 1}\n      - mixup: {alpha: 0.2}\n",
    "policy:\n  - flip\n  - normalise:\n      mean: [0.5, 0.5, 0.5]\n",
    "- cutout: &a {size: 16}\n- cutout: *a\n",
    "- one_of: {of: [cutmix, [flip, mixup: {alpha: .2}]], p: .5}\n",
]


MODELS = [
    "resnet20",
    "wrn-16-4(dropout=.3)",
    "patch(size=4, filters=2, activation=leaky, beta=.2)",
    "mlp(depth=3, width=8) # comment",
    "conv(8) | bn | relu | pool(max) | residual(conv(9, stride=2) | bn) | relu | pool(mean, global) | linear",
    "repeat(3, residual(linear(10), shortcut=linear)) | group_sum(1) | linear(width=classes, bias=no)",
    "conv(4, kernel=5, stride=2, pad=same) | smooth(.1, r=2) | gelu | silu | dropout(.5) | linear",
]


def models():
    for i, text in enumerate(MODELS):
        yield str(i), text.encode()


def words_of_models():
    """The words in the texts above."""
    words = {word for text in MODELS for word in re.findall(r"[a-z_]+=?", text)}
    return sorted(word.encode() for word in words | {"cnn1d", "global=yes", "1048576", " | ", "#"})


def policies():
    for i, text in enumerate(POLICIES):
        yield str(i), text.encode()


def yamls():
    for i, text in enumerate(POLICY_YAML):
        yield f"policy-{i}", text.encode()
    for path in sorted((ROOT / "presets").glob("*.yaml")):
        yield path.stem, path.read_bytes()


def words_of_methods():
    """Names of methods are those of their files; parameters are in their texts."""
    names = {path.stem for path in (ROOT / "src/augment/methods").glob("*.c")}
    return sorted(names | {"one_of", "alpha=", "p=", "size=", "sampler=", "pad=", " | ", "(", ")"})


def dictionary(words):
    """libFuzzer's form: one quoted word a line, other bytes as \\xAB."""
    plain = set(range(0x20, 0x7F)) - set(b'"\\')
    quoted = ("".join(chr(b) if b in plain else f"\\x{b:02x}" for b in word) for word in words)
    return "".join(f'"{text}"\n' for text in quoted)


WORDS = {
    "image": [
        b"IHDR",
        b"PLTE",
        b"IDAT",
        b"IEND",
        b"tRNS",
        b"gAMA",
        b"cHRM",
        b"sBIT",
        b"iCCP",
        b"zTXt",
        b"iTXt",
        b"bKGD",
        b"hIST",
        b"sPLT",
        b"eXIf",
        b"\xff\xd8",
        b"\xff\xd9",
        b"\xff\xc0",
        b"\xff\xc2",
        b"\xff\xc4",
        b"\xff\xda",
        b"\xff\xdb",
        b"\xff\xdd",
        b"\xff\xc9",
        b"\xff\xee",
        b"Adobe",
    ],
    "idx": [b"\0\0\x08\1", b"\0\0\x08\2", b"\0\0\x08\3", b"\xff\xff\xff\xff"],
    "compressed": [b"\x1f\x8b\x08", b"\xfd7zXZ\0", b"YZ"],
    "cifar": [b"\x09", b"\x0a", b"\x13", b"\x63"],
    "npy": [
        b"\x93NUMPY",
        b"descr",
        b"fortran_order",
        b"shape",
        b"<f2",
        b"<f4",
        b"<f8",
        b"|u1",
        b"|i1",
        b"<i4",
        b"<i8",
        b">f8",
        b">i2",
        b"True",
        b"False",
        b"PK\3\4",
        b"PK\1\2",
        b"PK\5\6",
    ],
    "policy": [word.encode() for word in words_of_methods()],
    "model": words_of_models(),
    "yaml": [word.rstrip("=").encode() for word in words_of_methods()]
    + [b": ", b"- ", b"{", b"}", b"[", b"]", b"&a ", b"*a", b"|\n", b"\n  "],
}

SEEDS = {
    "image": images,
    "idx": idx,
    "cifar": cifar,
    "compressed": compressed,
    "npy": arrays,
    "policy": policies,
    "model": models,
    "yaml": yamls,
}


def main(folder):
    for name, make in SEEDS.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for seed, data in make():
            (folder / name / seed).write_bytes(data)
        (folder / f"{name}.dict").write_text(dictionary(WORDS[name]))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: fuzz/seeds.py FOLDER")
    main(Path(sys.argv[1]))
