"""The package agrees with the headers and the library."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import cutlab
from cutlab import _native
from cutlab._plan import ENTRY

PACKAGE = Path(cutlab.__file__).parent


@pytest.fixture(scope="module")
def script():
    path = PACKAGE.parent / "declarations.py"
    if not path.exists() or not (path.parent.parent.parent / "include").is_dir():
        pytest.skip("the headers are not beside the package")
    spec = importlib.util.spec_from_file_location("declarations", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_declarations_are_those_of_the_headers(script):
    assert (PACKAGE / "_declarations.h").read_text() == script.declarations()


def test_drift_is_noticed(script, tmp_path):
    header = tmp_path / "plan.h"
    header.write_text(
        "/* text */\n#include <x.h>\nCUTLAB_API int\ncutlab_f(int a, /* b */ int b);\n"
    )
    assert script.declarations(tmp_path) == script.TITLE + "int cutlab_f(int a, int b);\n"


def test_every_declared_function_is_in_the_library():
    missing = [name for name in dir(_native.lib) if not hasattr(_native.lib, name)]
    assert not missing


def test_versions_agree():
    numbers = [getattr(_native.lib, f"CUTLAB_VERSION_{x}") for x in ("MAJOR", "MINOR", "PATCH")]
    assert cutlab.__version__ == ".".join(map(str, numbers))
    assert cutlab.__version__ == _native.text(_native.lib.cutlab_version())


def test_entries_have_the_layout_of_c():
    assert ENTRY.itemsize == _native.ffi.sizeof("cutlab_entry")
    assert ENTRY["values"].shape == (_native.lib.CUTLAB_ENTRY_VALUES,)
    assert ENTRY["lambda"] == "f8"
    assert ENTRY["key"] == "u8"
    assert ENTRY["left"] == "i4"


def importing(folder, **environment):
    code = "import cutlab; print(cutlab.__version__)"
    path = os.pathsep.join([str(PACKAGE.parent), *filter(None, sys.path)])
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_missing_library_says_how_to_get_it(tmp_path):
    done = importing(tmp_path, CUTLAB_LIBRARY="/nowhere/libcutlab.so")
    assert done.returncode == 1
    message = done.stderr.splitlines()[-1]
    assert message.startswith("ImportError: cutlab cannot load the library /nowhere/libcutlab.so")
    assert "CUTLAB_LIBRARY" in message
    assert "cmake --build" in message


def test_a_library_of_another_version_is_refused(tmp_path):
    copy = tmp_path / "cutlab"
    copy.mkdir()
    for path in PACKAGE.glob("*"):
        if path.is_file():
            (copy / path.name).write_text(path.read_text())
    (copy / "_version.py").write_text('__version__ = "7.0.0"\n')
    done = importing(tmp_path, PYTHONPATH=os.pathsep.join([str(tmp_path), *filter(None, sys.path)]))
    assert done.returncode == 1
    assert "this package is cutlab 7.0.0" in done.stderr
