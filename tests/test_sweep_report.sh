#!/usr/bin/env bash
# What cutlab report makes of a sweep: measured boundaries against Python's, comparisons with a
# reference, figures for one axis and for four, what is refused. Needs CUTLAB_BINARY.
# shellcheck source=tests/command.sh
. "$(dirname "$0")/command.sh"
export OMP_WAIT_POLICY=passive
printf '#!/bin/bash\nPATH=/nonexistent exec "%s" "$@"\n' "$cutlab" >bare # no node: specifications alone
chmod +x bare
cutlab=$folder/bare
mkdir empty

printf '%s\n' 'preset: theory' 'name: four' 'parameters:' '  examples: 40' '  sampling: stratified' \
  '  iterations: 100' '  frequencies: "[1 - rho, rho]"' \
  '  sigma_d: "sqrt(noise_speed * examples / dimension)"' '  sigma_b: "0.6 * sigma_d"' 'axes:' '  method: [erm, cutmix]' '  alpha: [0.1, 0.3]' \
  '  rho: {from: 0.03, to: 0.3, count: 7, spacing: log}' \
  '  noise_speed: {from: 0.02, to: 1.28, count: 5, spacing: log}' 'seeds: 1' \
  'measure: [train_loss, accuracy_1, accuracy_2, time_2]' \
  'map: {x: rho, y: noise_speed, panels: method, value: [accuracy_2, time_2]}' \
  'boundaries: {erm: "rho / 2", all: "rho"}' >four.yaml
run 0 sweep four.yaml --out four --quiet --threads 1 &&
  check "a sweep ends with the path of its report" contains output four/report.html
for file in boundaries.csv report.html figures/map-accuracy_2.vl.json figures/map-time_2.vl.json; do
  check "$file is there" [ -s "four/$file" ]
done
check "only the map's values are figures" [ ! -e four/figures/map-train_loss.vl.json ]
check "what is learnt where" contains output "Feature 2 counts as learnt where at least 0.75"

check "boundaries and notes are Python's" python3 - <<'PY'
import csv, json, math
def number(text): return float(text) if text else math.nan
rows = list(csv.DictReader(open("four/results.csv")))
about = json.load(open("four/sweep.json"))
value = {(r["method"], r["alpha"], float(r["rho"]), float(r["noise_speed"])): r for r in rows}
xs, ys = (next(a["values"] for a in about["axes"] if a["name"] == n) for n in ("rho", "noise_speed"))
points = list(csv.DictReader(open("four/boundaries.csv")))
assert len(points) == 2 * 2 * 2 * len(xs) and len(about["measured"]) == 8
seen = set()
for k, m in enumerate(about["measured"]):
    own = points[k * len(xs):(k + 1) * len(xs)]
    us, vs = [], []
    for i, x in enumerate(xs):
        p = own[i]
        assert (p["method"], float(p["alpha"])) == (m["at"]["method"], m["at"]["alpha"]) and float(p["rho"]) == x
        column = [number(value[p["method"], p["alpha"], x, y][m["measure"]]) for y in ys]
        fall = next((j for j, v in enumerate(column) if v < .75), None)
        expected = "everywhere" if fall is None else "found" if fall else "nowhere"
        assert not m["rising"] and p["crossing"] == m["crossings"][i] == expected, (p, column)
        seen.add(expected)
        if expected != "found":
            assert m["y"][i] is None and p["noise_speed"] == ""
            continue
        way = (column[fall - 1] - .75) / (column[fall - 1] - column[fall])
        y = math.exp(math.log(ys[fall - 1]) + way * math.log(ys[fall] / ys[fall - 1]))
        assert abs(y / m["y"][i] - 1) < 1e-12 and float(p["noise_speed"]) == m["y"][i]
        us.append(math.log(x)), vs.append(math.log(y))
    fit = m["fit"]
    assert fit["points"] == len(us) and fit["points"] + fit["everywhere"] + fit["nowhere"] == len(xs)
    if len(us) < 3:
        assert fit["b"] is None and own[0]["fitted"] == ""
        continue
    seen.add("fit")
    mu, mv = sum(us) / len(us), sum(vs) / len(vs)
    b = sum((u - mu) * (v - mv) for u, v in zip(us, vs)) / sum((u - mu) ** 2 for u in us)
    assert abs(fit["b"] - b) < 1e-9 and abs(math.log(fit["a"]) - (mv - b * mu)) < 1e-9, (m, b)
    assert abs(float(own[0]["fitted"]) / (fit["a"] * xs[0] ** fit["b"]) - 1) < 1e-12
assert seen == {"everywhere", "found", "nowhere", "fit"}, seen
for r in rows:
    assert (r["time_2"] == "") == (number(r["accuracy_2"]) < .75), r
shares = []
for method in ("erm", "cutmix"):
    cells = [r for r in rows if r["method"] == method]
    shares.append(sum(number(r["accuracy_2"]) >= .75 for r in cells) / len(cells))
notes = open("output").read()
assert "where it is learnt: ERM %.2f and CutMix %.2f." % tuple(shares) in notes, (shares, notes)
figure = json.load(open("four/figures/map-accuracy_2.vl.json"))
assert [p["title"]["text"] for p in figure["concat"]] == ["ERM", "CutMix"]
assert len(figure["datasets"]["cells"]) == 2 * 7 * 5 # of the first slice
assert figure["concat"][0]["title"]["subtitle"][:2] == ["– – noise_speed = rho / 2", "– – all: noise_speed = rho"]
assert figure["concat"][1]["title"]["subtitle"][0] == "– – all: noise_speed = rho"
assert "alpha = 0.1" in figure["title"]["subtitle"]
never = json.load(open("four/figures/map-time_2.vl.json"))["datasets"]["cells"]
assert any(c["value"] is None and c["failed"] == 0 and c["runs"] == 0 for c in never)
PY
cp -r four other
run 0 report other && check "a report alone says the same" contains output "Feature 2 counts as learnt"

# One axis; runs that fail
printf '%s\n' 'preset: theory' 'name: one' 'parameters:' '  dimension: 200' '  examples: 20' \
  '  iterations: 5' 'axes:' '  method: [erm, cutmix]' '  frequencies: ["[0.6, 0.4]"]' \
  '  sigma_d: [0.1, 0.2, 0.4]' 'seeds: 2' 'measure: [train_loss, accuracy_2]' \
  'map: {value: [accuracy_2]}' >one.yaml
run 0 sweep one.yaml --out one --quiet --threads 1
check "no boundaries on one axis" [ ! -e one/boundaries.csv ]
check "lines with bars" python3 - <<'PY'
import json
figure = json.load(open("one/figures/map-accuracy_2.vl.json"))
cells = figure["datasets"]["cells"]
assert {c["name"] for c in cells} == {"ERM", "CutMix"} and len(cells) == 6, cells
for c in cells:
    assert abs(c["high"] - c["value"] - c["sd"]) < 1e-5 and abs(c["value"] - c["low"] - c["sd"]) < 1e-5
assert figure["datasets"]["threshold"] == [{"value": .75}]
PY

# A reference
printf '%s\n' 'preset: theory' 'name: map' 'parameters:' '  dimension: 200' '  examples: 20' \
  '  iterations: 5' '  frequencies: "[1 - rho, rho]"' 'axes:' '  rho: [0.1, 0.2, 0.4]' \
  '  sigma_d: [0.1, 0.3]' 'seeds: 1' 'measure: [train_loss, accuracy_2]' \
  'map: {x: rho, y: sigma_d, value: [train_loss]}' >map.yaml
printf '0.1, 0.2,\t.3 \r\n\n1e-1 2e-1 0.25\n' >good.csv
run 0 sweep map.yaml --out map --quiet --threads 1 --reference train_loss=good.csv &&
  check "the sweep itself takes a reference" contains output "Against the reference, training loss"
for file in comparison.csv comparison.json figures/comparison-train_loss.vl.json; do
  check "$file is there" [ -s "map/$file" ]
done
check "how far they differ" python3 - <<'PY'
import csv, json
rows = list(csv.DictReader(open("map/comparison.csv")))
ours = {(float(r["rho"]), float(r["sigma_d"])): float(r["train_loss"]) for r in csv.DictReader(open("map/results.csv"))}
theirs = [.1, .2, .3, .1, .2, .25]
assert [(float(r["sigma_d"]), float(r["rho"])) for r in rows] == [(y, x) for y in (.1, .3) for x in (.1, .2, .4)]
for r, t in zip(rows, theirs):
    v = ours[float(r["rho"]), float(r["sigma_d"])]
    assert abs(float(r["value"]) - v) < 1e-15 and float(r["reference"]) == t
    assert abs(float(r["difference"]) - (v - t)) < 1e-15
a = [float(r["value"]) for r in rows]
d = [x - t for x, t in zip(a, theirs)]
one, = json.load(open("map/comparison.json"))
mean = lambda v: sum(v) / len(v)
close = lambda x, y: abs(x - y) < 1e-12
assert one["cells"] == 6 and one["reference"] == "good.csv" and close(one["mean_difference"], mean(d))
assert close(one["mean_absolute_difference"], mean([abs(x) for x in d]))
worst = max(range(6), key=lambda i: abs(d[i]))
assert close(one["largest_difference"], d[worst])
assert one["largest_at"] == {"rho": float(rows[worst]["rho"]), "sigma_d": float(rows[worst]["sigma_d"])}
ratios = sorted(x / t for x, t in zip(a, theirs))
assert close(one["median_ratio"], (ratios[2] + ratios[3]) / 2)
ma, mt = mean(a), mean(theirs)
covariance = sum((x - ma) * (t - mt) for x, t in zip(a, theirs))
assert close(one["correlation"], covariance / (sum((x - ma) ** 2 for x in a) * sum((t - mt) ** 2 for t in theirs)) ** .5)
PY
run 0 report map --quiet && check "without the reference its files go" \
  [ ! -e map/comparison.csv ] && check "and its figure" [ ! -e map/figures/comparison-train_loss.vl.json ]

printf '1 2 3\n1 2\n' >short.csv
printf '1 2 3\n1 2 3 4\n' >wide.csv
printf '1 2 3\n' >low.csv
printf '1 2 3\n4 5 6\n7 8 9\n' >high.csv
printf '1 2 3\n4 x5 6\n' >text.csv
printf '1 2 3\n4 nan 6\n' >nan.csv
printf '1 2 3\n4 5\0 6\n' >zero.csv
subcommand=(report --quiet)
refused "a short row" 1 "short.csv: row 2 has 2 columns; the map has 3, one for each value of rho" map --reference train_loss=short.csv
refused "a long row" 1 "wide.csv: row 2 has more than 3 columns" map --reference train_loss=wide.csv
refused "too few rows" 1 "low.csv has 1 rows; the map has 2, one for each value of sigma_d" map --reference train_loss=low.csv
refused "too many rows" 1 "high.csv has more than 2 rows" map --reference train_loss=high.csv
refused "a text" 1 'text.csv: row 2, column 2: "x5" is not a number' map --reference train_loss=text.csv
refused "a nan" 1 'nan.csv: row 2, column 2: "nan" is not a number' map --reference train_loss=nan.csv
refused "a zero byte" 1 "zero.csv is not text" map --reference train_loss=zero.csv
refused "no file" 1 "absent.csv" map --reference train_loss=absent.csv
refused "no such measure" 2 "has no measure of that name; it has train_loss, accuracy_2" map --reference loss=good.csv
refused "no measure" 2 "expected MEASURE=FILE" map --reference good.csv
refused "twice the same" 2 "there is another one of this measure" map --reference train_loss=good.csv --reference train_loss=good.csv
refused "several maps" 2 "and four has 4" four --reference train_loss=good.csv
refused "a line" 2 "no grid over two axes of numbers" one --reference train_loss=good.csv
refused "a run with a reference" 2 "--reference is for a sweep" empty --reference train_loss=good.csv
refused "a sweep and something else" 2 "accepted: one sweep, and nothing else" map four

# A sweep refuses the same before its first run
subcommand=(sweep map.yaml --out no --quiet --threads 1)
refused "a sweep, a short row" 1 "short.csv: row 2 has 2 columns" --reference train_loss=short.csv
refused "a sweep, too many rows" 1 "high.csv has 3 rows; the map has 2" --reference train_loss=high.csv
refused "a sweep, a nan" 1 'nan.csv: row 2, column 2: "nan" is not a number' --reference train_loss=nan.csv
refused "a sweep, a zero byte" 1 "zero.csv is not text" --reference train_loss=zero.csv
refused "a sweep, no file" 1 "absent.csv" --reference train_loss=absent.csv
refused "a sweep, no such measure" 2 "has no measure of that name; it has train_loss, accuracy_2" --reference loss=good.csv
refused "a sweep, no measure" 2 "expected MEASURE=FILE" --reference good.csv
refused "a sweep, twice the same" 2 "there is another one of this measure" --reference train_loss=good.csv --reference accuracy_2=good.csv --reference train_loss=good.csv
subcommand=(sweep four.yaml --out no --quiet --threads 1)
refused "a sweep, several maps" 2 "and the sweep has 4" --reference train_loss=good.csv
subcommand=(sweep one.yaml --out no --quiet --threads 1)
refused "a sweep, a line" 2 "no grid over two axes of numbers" --reference train_loss=good.csv
subcommand=(report --quiet)

# Damage
cp -r map broken
printf '{' >broken/sweep.json
refused "half a file" 1 "broken/sweep.json:1:" broken
printf '{"format": "cutlab-sweep", "format_version": 2}' >broken/sweep.json
refused "another version" 1 "format_version" broken
sed 's/0.10000000000000001,/0.10000000000000001, 0.15,/' map/sweep.json >broken/sweep.json
refused "an axis that does not fit" 1 "does not fit" broken
sed 's/"train_loss"/"test_error"/' map/sweep.json >broken/sweep.json
refused "a measure that is not there" 1 'results.npz: "test_error" is not there' broken
cp map/sweep.json broken
cp four/results.npz broken
refused "results of another sweep" 1 'results.npz: "failed" is of another shape' broken
rm broken/results.npz
refused "no results" 1 "results.npz" broken
echo "$failures failures"
exit $((failures > 0))
