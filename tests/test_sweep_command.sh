#!/usr/bin/env bash
# cutlab sweep: options, files, overrides, shards, what is refused. Needs CUTLAB_BINARY.
# shellcheck source=tests/command.sh
. "$(dirname "$0")/command.sh"
subcommand=(sweep)
export OMP_WAIT_POLICY=passive

cat >spec.yaml <<'YAML'
name: small
preset: quick
parameters:
  examples: 8
  iterations: 3
  dimension: 60
  frequencies: "[1 - rho, rho]"
axes:
  method: [erm, cutmix]
  rho: [0.1, 0.25]
seeds: 2
measure: [train_loss, accuracy_2]
YAML

run 0 --list && check "presets are listed" contains output phase-diagram
run 0 spec.yaml --dry-run && check "a dry run says how many runs" \
  contains output "sweep small: 4 cells, 8 runs, about"
check "a dry run leaves nothing" [ ! -e no ]
run 0 spec.yaml --dry-run --json seeds=5 && check "and does so in JSON" [ "$(field output '["runs"]')" = 20 ]

run 0 spec.yaml --out one --threads 1 && check "a sweep prints a table" contains output "train_loss"
check "and where its results are" contains output one/results.csv
for file in journal.sqlite sweep.yaml results.csv runs.csv results.npz sweep.json; do
  check "$file is there" [ -s "one/$file" ]
done
check "results have a column for each axis and measure" \
  grep -qx "method,rho,train_loss,accuracy_2,train_loss_sd,accuracy_2_sd,seeds,failed" one/results.csv
check "and a row a cell" [ "$(wc -l <one/results.csv)" = 5 ]
check "runs have a row a run" [ "$(wc -l <one/runs.csv)" = 9 ]
check "the archive has the runs as arrays" python3 - <<'PY'
import csv, json, zipfile
try:
    import numpy as np
except ImportError:
    raise SystemExit(0)
z = np.load("one/results.npz")
about = json.load(open("one/sweep.json"))
assert about["format"] == "cutlab-sweep" and about["dimensions"] == [2, 2] and about["runs"] == 8
assert z["train_loss"].shape == (2, 2, 2) and list(z["seeds"]) == [1, 2] and list(z["rho"]) == [.1, .25]
rows = list(csv.DictReader(open("one/results.csv")))
assert float(rows[1]["train_loss"]) == z["train_loss"][0, 1].mean(), rows[1]
assert abs(float(rows[3]["train_loss_sd"]) - z["train_loss"][1, 1].std(ddof=1)) < 1e-15
PY

run 0 --out one && check "a folder's own spec goes on" contains output "8 of 8 runs done"
run 0 spec.yaml --out two --threads 2 --json && check "a summary in JSON" [ "$(field output '["done"]')" = 8 ]
check "the number of threads changes nothing" diff -r --exclude=journal.sqlite --exclude='*.pdf' one two

run 0 spec.yaml --out one "rho=[0.1, 0.25, 0.4]" --dry-run &&
  check "a new value adds its cells alone" contains output "12 runs, 8 of them done"
run 0 spec.yaml --out one rho=0.25 --seeds 3 examples=9 --dry-run &&
  check "parameters and axes are set by their names" contains output "2 cells, 6 runs, about"

run 0 spec.yaml --out parts --shard 2/2 && check "a shard says what comes next" \
  contains output "cutlab sweep --merge --out parts"
refused "what shards lack is said" 2 "4 of 8 runs are missing, the first method=erm rho=0.1 seed=1; shards with missing runs: 1/2" \
  --merge --out parts
run 0 spec.yaml --out parts --shard 1/2
run 0 --merge --out parts && check "shards make the whole" diff -r --exclude='journal*' --exclude='*.pdf' one parts
rm -rf parts

# More features: what is known of fewer stays
printf '%s\n' 'preset: quick' 'parameters: {examples: 8, iterations: 3, dimension: 60}' \
  'axes: {frequencies: ["[.9, .1]", "[.8, .2]"]}' 'seeds: 2' 'measure: [train_loss, accuracy_2]' >few.yaml
sed 's/"\[.8, .2\]"/&, "[.7, .2, .1]"/; s/accuracy_2/&, accuracy_3/' few.yaml >more.yaml
rows() { python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("SELECT count(*) FROM runs").fetchone()[0])' "$1"; }
run 0 few.yaml --out features && check "features: four runs" [ "$(rows features/journal.sqlite)" = 4 ]
run 0 more.yaml --out features && check "more features: two runs more" [ "$(rows features/journal.sqlite)" = 6 ]
run 0 more.yaml --out anew && check "more features: as done at once" cmp features/results.csv anew/results.csv
run 0 few.yaml --out features && check "fewer again: no more runs" [ "$(rows features/journal.sqlite)" = 6 ]

# Axes of any name in a folder of any name
mkdir "a=b" && cp spec.yaml "a=b/c.yaml"
run 0 ./a=b/c.yaml --dry-run && check "a path may hold =" contains output "8 runs"

# What the page shows
awk '/^```yaml$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "${CUTLAB_SOURCE:?}/docs/sweeps.md" >mine.yaml
run 0 mine.yaml --dry-run && check "the page's sweep is one" contains output "60 cells, 180 runs"
run 0 mine.yaml --dry-run rho=0.1 examples=200 seeds=5 &&
  check "and can be changed as it says" contains output "6 cells, 30 runs"
run 0 mine.yaml --dry-run "rho={from: 0.1, to: 0.4, count: 4}" "measure=[accuracy_2]" &&
  check "in both ways" contains output "24 cells, 72 runs"

refused "no sweep" 2 "which one? accepted: SPEC.yaml, --preset NAME" --out no
refused "no folder" 2 "accepted: --out DIR" spec.yaml
refused "two specs" 2 "one spec, then KEY=VALUE" spec.yaml other.yaml --out no
refused "a preset and a spec" 2 "accepted: one of them" spec.yaml --preset quick --out no
refused "no such preset" 2 "unknown sweep 'qiuck'; nearest: quick" --preset qiuck --out no
refused "no such file" 1 "cannot open there.yaml" there.yaml --out no
refused "no such parameter" 2 "unknown parameter 'exampels'; nearest: examples" spec.yaml exampels=3 --out no
refused "a misspelt key" 2 "unknown parameter 'seedz'; nearest: seeds" spec.yaml seedz=3 --out no
refused "a bad value" 2 "examples is '-3'; accepted: integer" spec.yaml examples=-3 --out no
refused "a bad value of a list" 2 "rho" spec.yaml "rho=[0.1, 0.7]" --out no
refused "half a list" 1 "rho:2:1: not valid YAML" spec.yaml "rho=[0.1" --out no
refused "a bad shard" 2 "--shard is '3/2'; accepted: I/N" spec.yaml --shard 3/2 --out no
refused "a shard to merge" 2 "leave out --shard" spec.yaml --shard 1/2 --merge --out no
refused "too many runs" 2 "runs, about" spec.yaml "alpha={from: 0, to: 0.5, count: 100000}" seeds=1000 --out no
check "with how many and how long" grep -qE '400000 cells, 400000000 runs, about [0-9.]+ (h|days) with [0-9]+ threads?; --yes' errors
refused "too long" 2 "--yes starts it all the same" spec.yaml examples=3000 patches=8 iterations=1000000000 --out no
mkdir empty
refused "nothing to merge" 2 "empty has no journals" spec.yaml --merge --out empty
printf 'axes: {sigma_d: [1]\nseeds: 3\n' >broken.yaml
refused "a file that is not YAML" 1 "broken.yaml:2:" broken.yaml --out no
printf 'axes:\n  sigma_e: [1, 2]\n' >unknown.yaml
refused "an axis of no parameter" 2 \
  "unknown.yaml:2:3: axis 'sigma_e' is no parameter, nor does a parameter's expression use it; nearest parameter: sigma_" \
  unknown.yaml --out no
touch file
refused "a file as folder" 1 "file: Not a directory" spec.yaml --out file

mkdir foreign && echo mine >foreign/results.csv
refused "results that are not a sweep's" 2 "foreign holds results.csv, and neither a journal nor a sweep.yaml" \
  spec.yaml --out foreign
check "which stay as they are" [ "$(cat foreign/results.csv)" = mine ]
refused "no folder of shards" 1 "nothere does not exist" spec.yaml --merge --out nothere
echo "1 2 3" >wide.csv
refused "a reference before training" 2 "the sweep has no measure of that name; it has train_loss, accuracy_2" \
  spec.yaml method=erm "sigma_d=[0.1, 0.2]" --out no --reference loss=wide.csv
refused "its shape too" 1 "wide.csv: row 1 has 3 columns; the map has 2, one for each value of" \
  spec.yaml method=erm "sigma_d=[0.1, 0.2]" --out no --reference train_loss=wide.csv
check "which leaves nothing" [ ! -e no ]
printf 'axes:\n  methd: [erm]\n' >misspelt.yaml
refused "texts of no parameter" 2 "misspelt.yaml:2:11: axis 'methd' is no parameter; nearest: method" misspelt.yaml --out no
refused "an axis downwards" 2 "goes from 0.5 down to 0; accepted:" spec.yaml "rho={from: 0.5, to: 0, count: 3}" --out no
refused "a root of a negative number" 2 "the expression of sigma_d is not a number at method=erm rho=0.1" \
  spec.yaml "sigma_d=sqrt(-rho)" --out no
refused "one axis twice" 2 "map: x and y are both rho" spec.yaml "map={x: rho, y: rho}" --out no

run 0 spec.yaml --out few --quiet "filters=[1, 2]" seeds=1
check "a mean over some cells says so" contains output "4 of 8 cells"
rm -rf few

# A sweep that another process is at
run 0 spec.yaml --out busy --seeds 1
check "a journal in use is said" python3 - "$cutlab" <<'PY'
import sqlite3, subprocess, sys
held = sqlite3.connect("busy/journal.sqlite", isolation_level=None)
held.execute("BEGIN EXCLUSIVE")
done = subprocess.run([sys.argv[1], "sweep", "--out", "busy"], capture_output=True, text=True)
assert done.returncode == 1, done
assert done.stderr == "cutlab: busy/journal.sqlite is in use by another process; wait for it, or stop it\n", done
PY

# A disk that is full: no more than 100 KiB a file
fills_up() {
  (trap '' XFSZ; ulimit -f 100; "$cutlab" sweep spec.yaml --out full -q --seeds 2000 >output 2>errors)
}
fills_up
code=$?
check "a full disk ends with 1" [ "$code" = 1 ]
check "and one line" [ "$(wc -l <errors)" = 1 ]
check "that says so" grep -qx "cutlab: cannot write full/journal.sqlite: .*; finished runs are kept" errors
execute 0 spec.yaml --out full --seeds 2000 --dry-run --json
check "what was finished is kept" [ "$(field output '["done"]')" -gt 5 ]
if [ "$(id -u)" != 0 ]; then
  mkdir no-writing && chmod a-w no-writing
  refused "a folder that cannot be written" 1 "no-writing" spec.yaml --out no-writing
fi

# Ctrl-C, after the first runs
hold "[ -s stopped/journal.sqlite ]" spec.yaml --out stopped -q seeds=10 iterations=20000
check "a stopped sweep" obeys INT
check "it says how to go on" grep -q "finished runs are kept: the same command goes on$" errors

echo "$failures failures"
exit $((failures > 0))
