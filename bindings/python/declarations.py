"""Makes cutlab/_declarations.h, what cffi reads, from the library's public headers.

python declarations.py           writes it
python declarations.py --check   exits 1 if it differs
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
HEADERS = HERE.parent.parent / "include" / "cutlab"
TARGET = HERE / "cutlab" / "_declarations.h"
TITLE = "/* Made from include/cutlab by declarations.py. */\n"


def in_order(folder: Path) -> list[Path]:
    """The headers, each after those that it includes."""
    found: list[Path] = []

    def visit(path: Path) -> None:
        if path in found:
            return
        for name in re.findall(r"#include <cutlab/(\w+\.h)>", path.read_text()):
            visit(folder / name)
        found.append(path)

    for path in sorted(folder.glob("*.h")):
        visit(path)
    return found


def clean(text: str) -> str:
    """A header's declarations, one a line, and its integer constants."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"#ifdef __cplusplus.*?#endif", "", text, flags=re.DOTALL)
    text = text.replace("\\\n", " ").replace("CUTLAB_API", "")
    for name, items in re.findall(r"#define (\w+)\(X\)(.*)", text):  # lists of X(NAME, "text")
        names = ", ".join(re.findall(r"X\((\w+),", items))
        text = re.sub(rf"^\s*{name}\(\w+\)$", names, text, flags=re.MULTILINE)
    constants = re.findall(r"^#define \w+ \d+$", text, flags=re.MULTILINE)
    code = " ".join(re.sub(r"^#.*$", "", text, flags=re.MULTILINE).split())
    return "\n".join([*constants, *re.sub(r"; (?![^{}]*\})", ";\n", code).splitlines()])


def declarations(folder: Path = HEADERS) -> str:
    texts = [clean(path.read_text()) for path in in_order(folder)]
    return TITLE + "\n".join(text for text in texts if text) + "\n"


def main(arguments: list[str]) -> int:
    wanted = declarations()
    if arguments == ["--check"]:
        same = TARGET.exists() and TARGET.read_text() == wanted
        if not same:
            print(f"{TARGET} differs from the headers; run {Path(__file__).name}", file=sys.stderr)
        return 0 if same else 1
    TARGET.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
