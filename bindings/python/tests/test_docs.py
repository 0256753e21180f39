"""The Python of the documentation runs, block after block."""

import re
from pathlib import Path

import pytest

import cutlab

ROOT = Path(cutlab.__file__).resolve().parents[3]
PAGES = ["bindings/python/README.md", "docs/in-pytorch.md"]


@pytest.mark.parametrize("page", PAGES)
def test_page(page, tmp_path, monkeypatch):
    path = ROOT / page
    if not path.exists():
        pytest.skip(f"{page} is not beside the package")
    blocks = re.findall(r"^```python\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    if any("torch" in block for block in blocks):
        pytest.importorskip("torch", reason="PyTorch is not installed")
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "page"}
    for block in blocks:
        exec(compile(block, str(path), "exec"), names)
