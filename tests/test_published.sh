#!/usr/bin/env bash
# The benign-overfitting sweep, one training a cell, against the surface that Kou et al. published.
# Skips where it is not there. Needs CUTLAB_BINARY and CUTLAB_SOURCE.
# shellcheck source=tests/command.sh
. "$(dirname "$0")/command.sh"
export OMP_WAIT_POLICY=passive
data=$(realpath -m "${CUTLAB_DATA:-${CUTLAB_SOURCE:-..}/../shared/data}/benign-overfitting")
if [ ! -e "$data/test_error.csv" ] || [ ! -e "$data/train_loss.csv" ]; then
  echo "skipped: no benign-overfitting in CUTLAB_DATA or ../shared/data"
  exit 77
fi
printf '#!/bin/bash\nPATH=/nonexistent exec "%s" "$@"\n' "$cutlab" >bare # no node: specifications alone
chmod +x bare
cutlab=$folder/bare
run 0 sweep --preset benign-overfitting --seeds 1 --quiet --out kou \
  --reference "test_error=$data/test_error.csv" --reference "train_loss=$data/train_loss.csv"
# A training's test error scatters by some .06 (labels, filters, 1,000 points), the mean of 10,000 by
# .0006; that of the reference, of 100,000, by .0002.
check "agrees with the published surface" python3 - <<'PY'
import json
error, loss = json.load(open("kou/comparison.json"))
assert (error["measure"], loss["measure"]) == ("test_error", "train_loss")
assert error["cells"] == loss["cells"] == 10000
assert abs(error["mean_difference"]) < .003, error
assert error["mean_absolute_difference"] < .05 and error["correlation"] > .9, error
assert .75 < loss["median_ratio"] < 1.25, loss
PY
exit $((failures > 0))
