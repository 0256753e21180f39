#!/usr/bin/env bash
# The Python package: its tests under pytest, with CUTLAB_PEER_PYTHON (which may have PyTorch), else
# the system's Python.
set -uo pipefail

python=${CUTLAB_PEER_PYTHON:-/usr/bin/python3}
if grep -q '^CUTLAB_SANITIZE:.*=.' "$CUTLAB_BUILD/CMakeCache.txt"; then
  echo "skipped: Python cannot load a sanitized library"
  exit 77
fi
if ! missing=$("$python" -c 'import numpy, cffi, pytest' 2>&1); then
  echo "skipped: $python lacks NumPy, cffi or pytest (${missing##*$'\n'}); scripts/setup --developer"
  exit 77
fi
export CUTLAB_LIBRARY=$CUTLAB_BUILD/libcutlab.so PYTHONPATH=$CUTLAB_SOURCE/bindings/python
export PYTHONDONTWRITEBYTECODE=1
cd "$CUTLAB_SOURCE/bindings/python" && exec "$python" -m pytest -q -rs
