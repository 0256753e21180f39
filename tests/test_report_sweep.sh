#!/bin/bash
# The report of a sweep in a real browser: every figure is drawn, no script fails, another measure and
# another slice can be chosen, every number of its tables is in a .csv file or in sweep.json, failed
# runs are marked, and nothing is asked of the network.
# shellcheck source=tests/page.sh
. "$(dirname "$(realpath "$0")")/page.sh"
command -v python3 >/dev/null || { echo "skipped: no python3 on PATH"; exit 77; }
cutlab=$(realpath "${CUTLAB_BINARY:?}")
cd "$work"

# Some of the runs diverge: the step is too long.
cat >spec.yaml <<'YAML'
name: '</script><b> "tame" & µ'
preset: theory
parameters:
  examples: 20
  iterations: 12
  sampling: stratified
  frequencies: "[1 - rho, rho]"
  sigma_d: "sqrt(speed * examples / dimension)"
axes:
  learning_rate: [1, 1.0e+300]
  method: [erm, cutout, cutmix]
  rho: {from: 0.05, to: 0.4, count: 4, spacing: log}
  speed: {from: 0.01, to: 10, count: 5, spacing: log}
seeds: 2
measure: [train_loss, accuracy_2, time_2]
map: {x: rho, y: speed, panels: method, value: [accuracy_2, time_2]}
boundaries: {erm: "rho / 2", everywhere: rho}
YAML
"$cutlab" sweep spec.yaml --quiet --out report >table.txt
for tool in node rsvg-convert; do command -v $tool >/dev/null || tools_missing=yes; done
[ -n "${tools_missing:-}" ] || [ "$(find report/figures -name '*.pdf' | wc -l)" = 2 ]

cat >reader.js <<'JS'
    const all = (selector, from = document) => [...from.querySelectorAll(selector)];
    const see = (good, text) => seen.push(good ? text : `NOT ${text}`);
    const cells = id => all(`#${id} .plot path`).length;
    see(document.querySelector('h1').textContent === 'Sweep: <\/script><b> "tame" & µ' && !document.querySelector('h1 b'), 'name');
    see(all('.plot').every(plot => plot.querySelector('svg').getBoundingClientRect().width <= plot.clientWidth + 1
      && Number(plot.querySelector('svg').getAttribute('width')) <= plot.clientWidth + 1), 'figures fit');
    see(root.scrollWidth <= root.clientWidth, 'no scrolling sideways');
    see(all('.plot svg').every(svg => svg.getAttribute('role') === 'img' && svg.getAttribute('aria-label'))
      && all('table').every(t => t.caption && t.querySelector('th[scope]')) && all('select').every(s => s.labels.length), 'described');
    const text = id => all(`#${id} .plot text`).map(t => t.textContent).join('|');
    see(/ERM\|.*Cutout\|.*CutMix/.test(text('map-accuracy_2')) && /– – speed = rho \/ 2/.test(text('map-accuracy_2')), 'panels and laws');
    const crosses = () => all('#map-accuracy_2 .plot path').filter(p => p.getAttribute('stroke') === '#d01c1f').length;
    see(crosses() === 0, 'none failed');
    const slice = document.querySelector('#slice select');
    const set = (select, value) => {
      select.value = value;
      select.dispatchEvent(new Event('input', {bubbles: true}));
    };
    set(slice, '1');
    await until('another slice', () => crosses() > 0);
    see(crosses() === 3 * 4 * 5, 'all failed');
    set(slice, '0');
    await until('the first slice', () => crosses() === 0);
    const other = document.querySelector('#other select');
    set(other, 'train_loss');
    await until('another measure', () => document.querySelector('#map-train_loss .plot svg'));
    see(cells('map-train_loss') >= 60, 'another measure');
    set(other, '');
    see(!document.getElementById('map-train_loss'), 'and back');
    const target = all('#map-accuracy_2 .mark-rect path')[7];
    const box = target.getBoundingClientRect();
    const at = {clientX: box.left + box.width / 2, clientY: box.top + box.height / 2, bubbles: true, cancelable: true, view: window};
    for (const type of ['pointerover', 'pointermove', 'mousemove'])
      target.dispatchEvent(new (type.startsWith('pointer') ? PointerEvent : MouseEvent)(type, at));
    await sleep(150);
    const tip = document.getElementById('vg-tooltip-element');
    see(tip && /rho.*speed.*accuracy on feature 2.*standard deviation.*runs2/s.test(tip.textContent), 'tooltip');
    const values = document.createElement('pre');
    values.id = 'values';
    values.textContent = all('main data').map(d => d.value).filter(v => v).join(' ');
    document.body.append(values);
    const theme = new URLSearchParams(location.hash.slice(1)).has('dark') ? 'dark' : 'light';
    see(root.dataset.theme === theme && getComputedStyle(root).colorScheme === theme, 'theme');
    see(!performance.getEntriesByType('resource').some(e => !/^(data|blob|file):/.test(e.name)), 'offline');
JS
drive_page
expected="name, figures fit, no scrolling sideways, described, panels and laws, none failed, all failed, another measure, and back, tooltip, theme, offline"
open_page 1400 "$expected" "#light"
grep -q '<h1[^>]*>[^<]*<b>' dom.html && { echo "the name became HTML"; exit 1; }
grep -q '120 of 240 runs failed, in 60 cells' dom.html

python3 - <<'PY'
import csv, html, json, re
known = set()
def gather(value):
    if isinstance(value, dict): value = list(value.values())
    if isinstance(value, list):
        for one in value: gather(one)
    elif isinstance(value, (int, float)):
        known.add(float("%.6g" % value)) # as pages have numbers
gather(json.load(open("report/sweep.json")))
with open("report/boundaries.csv", newline="") as file:
    points = list(csv.DictReader(file))
for method in ("erm", "cutout", "cutmix"): # how many times a boundary is what a heuristic says
    for rate in {p["learning_rate"] for p in points}:
        for say in (lambda x: x / 2, lambda x: x):
            found = sorted(float(p["speed"]) / say(float(p["rho"])) for p in points
                           if p["crossing"] == "found" and (p["method"], p["learning_rate"]) == (method, rate))
            if found: known.add(float("%.6g" % ((found[(len(found) - 1) // 2] + found[len(found) // 2]) / 2)))
dom = open("dom.html").read()
values = [float(v) for v in html.unescape(re.search('<pre id="values">([^<]*)</pre>', dom).group(1)).split()]
missing = [v for v in values if v not in known]
assert len(values) > 20 and not missing, (len(values), missing)
PY
open_page 380 "$expected" "#dark"

# 100 x 100 cells beside a reference, one axis, and none: made of the sweep's own format.
python3 - <<'PY'
import json, os, struct, zipfile
def npy(shape, values):
    head = repr({"descr": "<f8", "fortran_order": False, "shape": shape})
    head += " " * (63 - (10 + len(head)) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + struct.pack("<%dd" % len(values), *values)
def make(folder, axes, map, values):
    os.mkdir(folder)
    shape = tuple(len(a[1]) for a in axes)
    count = 1
    for size in shape: count *= size
    with zipfile.ZipFile(folder + "/results.npz", "w") as z:
        z.writestr("test_error.npy", npy(shape + (1,), values))
        z.writestr("failed.npy", npy(shape + (1,), [0.] * count))
    json.dump({"format": "cutlab-sweep", "format_version": 1, "name": folder, "dimensions": shape, "seeds": [1],
               "axes": [{"name": n, "dimension": i, "spacing": s, "values": v} for i, (n, v, s) in enumerate(axes)],
               "cells": count, "runs": count, "failed": 0, "measures": ["test_error"], "learnt_at": .75, "map": map,
               "boundaries": [], "measured": []}, open(folder + "/sweep.json", "w"))
xs, ys = [i / 10 for i in range(100)], [100. + 10 * j for j in range(100)]
error = [[.5 / (1 + x * x * 100 / y) for y in ys] for x in xs]
make("large", [("signal", xs, "linear"), ("dimension", ys, "linear")],
     {"x": "signal", "y": "dimension", "panels": None, "value": ["test_error"]}, [v for row in error for v in row])
with open("reference.txt", "w") as file:
    for j in range(100): file.write(" ".join("%.18e" % (error[i][j] + .01) for i in range(100)) + "\n")
make("line", [("method", ["erm", "cutmix"], "list"), ("signal", xs[1:20], "linear")],
     {"x": "signal", "y": None, "panels": "method", "value": ["test_error"]}, [v[3] for v in error[:38]])
make("words", [("method", ["erm", "cutmix"], "list")],
     {"x": None, "y": None, "panels": "method", "value": ["test_error"]}, [.25, .125])
PY
cat >reader.js <<'JS'
    seen.push([...document.querySelectorAll('.plot canvas, .plot svg')].map(e => e.tagName.toLowerCase()).join(' '));
    const rows = document.querySelectorAll('#results-table tbody tr').length;
    if (rows) seen.push(`${rows} rows`);
    const first = document.querySelector('#reference-table tbody td');
    if (first) seen.push(first.textContent);
    seen.push(root.scrollWidth <= root.clientWidth ? 'fits' : 'TOO WIDE');
JS
for folder in "large --reference test_error=reference.txt" line words; do
  rm -rf report
  # shellcheck disable=SC2086 # an option and its value
  PATH=/nonexistent "$cutlab" report --quiet $folder --out report >table.txt
  drive_page
  case $folder in
  large*) open_page 1000 "canvas canvas, −0.0100, fits" "#light" ;;
  line) open_page 1000 "svg, fits" "#light" ;;
  words) open_page 1000 ", 2 rows, fits" "#light" ;;
  esac
done
