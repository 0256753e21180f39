#!/usr/bin/env bash
# run.sh TEST.py PYTHON: runs an oracle test with the environment's CUTLAB_PEER_PYTHON, else PYTHON.
python=${CUTLAB_PEER_PYTHON:-$2}
if [[ -z $python ]]; then
  echo "skipped: set CUTLAB_PEER_PYTHON (environment or cmake) to a Python with the packages"
  exit 77
fi
exec "$python" "$1"
