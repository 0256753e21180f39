#!/bin/bash
# The report of an audit: its .csv files agree with each other, and in a real browser every figure is
# drawn, no script fails, filters filter, every number of its tables is in a .csv file, and nothing
# is asked of the network.
# shellcheck source=tests/page.sh
. "$(dirname "$(realpath "$0")")/page.sh"
command -v python3 >/dev/null || { echo "skipped: no python3 on PATH"; exit 77; }
# shellcheck disable=SC2034 # of page.sh
page=audit.html
cutlab=$(realpath "${CUTLAB_BINARY:?}")

# Three methods with three trainings each on 600 pictures of 5 classes; the last class loses.
mkdir "$work/in"
cd "$work/in"
python3 - <<'PY'
import random, struct
r = random.Random(1)
count, classes = 600, 5
def save(path, kind, shape, values):
    form = {"f": "<f4", "d": "<f8", "q": "<i8", "B": "|u1"}[kind]
    head = repr({"descr": form, "fortran_order": False, "shape": shape})
    head += " " * (63 - (10 + len(head)) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode())
        file.write(struct.pack("<%d%s" % (len(values), kind), *values))
labels = [r.randrange(classes) for _ in range(count)]
ease = [r.betavariate(2, 1) for _ in range(count)]
save("labels.npy", "q", (count,), labels)
save("scores.npy", "d", (count,), ease)
own = [r.gauss(0, 1) for _ in range(count)]
for name, gain in (("ERM", 0), ("Cutout", .3), ("CutMix", 1.2)):
    for seed in range(3):
        values = []
        for i in range(count):
            row = [r.gauss(0, 1) for _ in range(classes)]
            change = -4 * gain if labels[i] == classes - 1 else gain
            row[labels[i]] += 5 * ease[i] + own[i] + change
            values += row
        save("%s-%d.npy" % (name, seed), "f", (count, classes), values)
pixels = [r.randrange(256) for _ in range(count * 8 * 8 * 3)]
for part, n in (("train", 10), ("test", count)):
    save(part + "_images.npy", "B", (n, 8, 8, 3), pixels[:n * 192])
    save(part + "_labels.npy", "q", (n,), labels[:n])
with open("names.txt", "w") as file:
    file.write('ship\ncat, "tame"\n</script><b>\ndog\ncar\n')
PY
files=()
for method in ERM Cutout CutMix; do
  for seed in 0 1 2; do files+=(--predictions "$method=$method-$seed.npy"); done
done
"$cutlab" audit --quiet --draws 200 --labels labels.npy --scores scores.npy --class-names names.txt \
  --out "$work/report" "${files[@]}" dataset=npy path=. >"$work/table.txt"

# Files
python3 - "$work/report" <<'PY'
import csv, json, sys
folder = sys.argv[1]
def read(name):
    with open(f"{folder}/{name}.csv", newline="") as file:
        return list(csv.DictReader(file))
examples, comparisons = read("examples"), read("comparisons")
assert len(examples) == 600
assert {e["class"] for e in examples} == {"ship", 'cat, "tame"', "</script><b>", "dog", "car"}
methods = {m["method"]: m for m in read("methods")}
assert list(methods) == ["ERM", "Cutout", "CutMix"]
for name, method in methods.items():
    right = sum(float(e[f"right {name}"]) for e in examples)
    assert abs(right / 600 - float(method["accuracy"])) < 1e-12, name
    for e in examples:
        assert float(e[f"right {name}"]) < 1 or e[f"predicted {name}"] == e["label"]
for name in ("Cutout", "CutMix"):
    groups = [c for c in comparisons if c["method"] == name]
    assert [c["kind"] for c in groups] == ["all"] + ["class"] * 5 + ["difficulty"] * 10
    for c in groups:
        members = [e for e in examples if c["kind"] == "all"
                   or c["kind"] == "class" and e["class"] == c["group"]
                   or c["group"] == f"difficulty {e['difficulty_group']} of 10"]
        assert len(members) == int(c["count"]), c
        for fate in ("rescued", "hurt", "unsteady"):
            assert sum(e[f"fate {name}"] == fate for e in members) == int(c[f"examples_{fate}"]), c
        gain = sum(float(e[f"gain {name}"]) for e in members) / len(members)
        assert abs(gain - float(c["gain"])) < 1e-12, c
        assert abs(float(c["accuracy"]) - float(c["baseline_accuracy"]) - gain) < 1e-12, c
table = read("cscore-table")
assert [(t["table"], t["method"]) for t in table] == [
    (kind, m) for kind in ("plain", "matched") for m in methods]
matched = {t["errors_used"] for t in read("cscore-trainings") if t["table"] == "matched"}
assert matched == {str(min(int(t["errors"]) for t in read("trainings")))}
for t in table:
    each = [x for x in read("cscore-trainings") if (x["table"], x["method"]) == (t["table"], t["method"])]
    assert abs(sum(float(x["mean"]) for x in each) / 3 - float(t["mean"])) < 1e-12
    assert float(t["mean_low"]) < float(t["mean"]) < float(t["mean_high"])
assert len(read("cscore-differences")) == 2 * 3 * 4
for name in methods:
    curve = [c for c in read("cscore-curves") if c["method"] == name]
    assert len(curve) == 20 and abs(sum(float(c["share_of_errors"]) for c in curve) - 1) < 1e-9
    scores = [float(q["score"]) for q in read("cscore-quantiles") if q["method"] == name]
    assert len(scores) == 101 and scores == sorted(scores)
assert json.load(open(f"{folder}/audit.json"))["examples"] == 600
PY
for tool in node rsvg-convert; do command -v $tool >/dev/null || tools_missing=yes; done
[ -n "${tools_missing:-}" ] || [ "$(ls "$work"/report/figures/*.pdf | wc -l)" = 7 ]

# The page
cat >"$work/reader.js" <<'JS'
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const see = (good, text) => seen.push(good ? text : `NOT ${text}`);
    see(all('.plot').every(plot => plot.querySelector('svg').getBoundingClientRect().width <= plot.clientWidth + 1
      && Number(plot.querySelector('svg').getAttribute('width')) <= plot.clientWidth + 1), 'figures fit');
    see(root.scrollWidth <= root.clientWidth, 'no scrolling sideways');
    see(all('img').every(image => image.alt && image.complete) && all('table').every(t => t.caption && t.querySelector('th[scope]')), 'described');
    const numbers = all('main td').filter(cell => !cell.closest('#examples') && /\d/.test(cell.textContent));
    see(numbers.every(cell => cell.querySelector('data') || /^(seed|.*npy)/.test(cell.textContent)), 'numbers marked');
    const keep = (id, text) => {
      const element = document.createElement('pre');
      element.id = id;
      element.textContent = text;
      document.body.append(element);
    };
    keep('values', all('main data').filter(d => !/ of /.test(d.textContent)).map(d => d.value).filter(v => v).join(' '));
    keep('texts', all('.notes li').map(li => li.textContent).join(' '));

    const control = name => document.querySelector(`.filters [name="${name}"]`);
    const count = () => Number(document.getElementById('shown').dataset.count);
    const shown = () => all('#examples [data-example]').length;
    const set = (name, value) => {
      control(name).value = value;
      control(name).dispatchEvent(new Event('input', {bubbles: true}));
    };
    const asked = new URLSearchParams(location.hash.slice(1));
    see(control('fate').value === (asked.get('fate') || '') && shown() === count() && count() > 0, 'address read');
    set('fate', '');
    const both = count();
    set('fate', 'hurt');
    const hurt = count();
    set('fate', 'rescued');
    see(hurt + count() === both && hurt > 0 && hurt < both, 'fate');
    set('fate', '');
    let classes = 0;
    for (const option of all('option', control('class')).slice(1)) {
      set('class', option.value);
      classes += count();
    }
    see(classes === both && count() < both, 'class');
    see(new URLSearchParams(location.hash.slice(1)).get('class') === control('class').value, 'address written');
    set('class', '');
    let groups = 0;
    for (const option of all('option', control('difficulty')).slice(1)) {
      set('difficulty', option.value);
      groups += count();
    }
    set('difficulty', '');
    const first = document.querySelector('#examples [data-example]').dataset.example;
    set('index', first);
    see(groups === both && count() >= 1 && all('#examples [data-example]').every(e => e.dataset.example.includes(first)), 'difficulty and index');
    control('index').form.querySelector('[type="reset"]').click();
    await until('reset', () => count() === both);
    if (control('method').options.length > 1) {
      const before = document.getElementById('examples').textContent;
      set('method', '1');
      see(document.getElementById('examples').textContent !== before, 'method');
    }
    see(getComputedStyle(document.body.parentElement).colorScheme === root.dataset.theme
      && root.dataset.theme === (asked.has('dark') ? 'dark' : 'light'), 'theme');
    see(!performance.getEntriesByType('resource').some(e => !/^(data|blob|file):/.test(e.name)), 'offline');
JS
drive_page
expected="figures fit, no scrolling sideways, described, numbers marked, address read, fate, class, address written, difficulty and index, method, theme, offline"
open_page 1400 "$expected" "#light"
grep -q '<b>' <(grep -o '<h3>[^<]*<b>' "$work/dom.html") && { echo "a name became HTML"; exit 1; }

# Every number of the tables is in a .csv file; the sentences are those of the numbers.
python3 - "$work" <<'PY'
import csv, glob, html, re, sys
known = set()
for path in glob.glob(sys.argv[1] + "/report/*.csv"):
    with open(path, newline="") as file:
        for row in csv.reader(file):
            for field in row:
                try:
                    known.add(float(field))
                except ValueError:
                    pass
with open(sys.argv[1] + "/dom.html") as file:
    dom = file.read()
def kept(name):
    return html.unescape(re.search(f'<pre id="{name}">([^<]*)</pre>', dom).group(1))
values = [float(v) for v in kept("values").split()]
missing = [v for v in values if v not in known]
assert len(values) > 500 and not missing, (len(values), missing[:5])
texts = kept("texts")
with open(sys.argv[1] + "/report/comparisons.csv", newline="") as file:
    losing = [c for c in csv.DictReader(file) if c["method"] == "CutMix" and c["kind"] == "class"
              and c["adjusted_p"] and float(c["adjusted_p"]) < .05 and float(c["gain"]) < 0]
assert [c["group"] for c in losing] == ["car"], losing
gain = "−%.2f" % (-100 * float(losing[0]["gain"]))
assert f"1 of 5 classes loses significantly, corrected for their number: car {gain} points." in texts, texts
assert "The order ERM > Cutout > CutMix" in texts
PY
open_page 380 "$expected" "#dark&fate=hurt"

# One method with too few trainings, names of methods in any case, many nines
few=(--predictions erm=ERM-0.npy)
for seed in 0 1 2; do few+=(--predictions "cutout=Cutout-$seed.npy" --predictions "cutmix=CutMix-$seed.npy"); done
"$cutlab" audit --quiet --draws 200 --confidence .9995 --labels labels.npy --scores scores.npy --out "$work/report" \
  "${few[@]}" >"$work/table.txt"
drive_page
open_page 900 "$expected"
grep -q 'The order ERM &gt; Cutout &gt; CutMix.*about these networks' "$work/dom.html"
grep -q '99.95% intervals over examples and trainings.*has fewer than 3 trainings.*over examples only' "$work/dom.html"
grep -q '99.95% intervals over examples only: .*There are methods with fewer' "$work/dom.html"
grep -q 'bold below 0.0005' "$work/dom.html"
grep -q 'and, from 3 trainings on, over trainings' "$work/report/figures/cscore-table.vl.json"
grep -q 'over examples alone' "$work/report/figures/gain-by-class.vl.json"

# Two files alone: no scores, no pictures; nothing of the audit before stays
: >"$work/report/own.csv"
"$cutlab" audit --quiet --labels labels.npy --out "$work/report" ERM-0.npy CutMix-0.npy >"$work/table.txt"
ls "$work"/report/cscore-* "$work"/report/figures/{cscore,error-rate}-* 2>/dev/null && { echo "stale files"; exit 1; }
[ -e "$work/report/own.csv" ]
grep -q '^ERM-0,1,600,' "$work/report/methods.csv"
drive_page
open_page 900 "${expected/ method,/}"
grep -q 'fewer than 3 trainings' "$work/dom.html"
grep -q '600 examples, of 5 classes' "$work/dom.html"

# Folders named in Latin-1, two of which look alike: each class keeps a name
python3 - <<'PY'
import os, random, struct, zlib
r = random.Random(2)
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
def picture(path):
    rows = b"".join(b"\0" + bytes(r.randrange(256) for _ in range(12)) for _ in range(4))
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0))
                   + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
for part in (b"train", b"test"):
    for name in (b"a\xe8", b"a\xe9", b"b"):
        os.makedirs(b"folder/%s/%s" % (part, name))
        for i in range(8):
            picture(b"folder/%s/%s/%d.png" % (part, name, i))
def save(path, kind, form, shape, values):
    head = repr({"descr": form, "fortran_order": False, "shape": shape})
    head += " " * (63 - (10 + len(head)) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode())
        file.write(struct.pack("<%d%s" % (len(values), kind), *values))
save("few-labels.npy", "q", "<i8", (24,), [i // 8 for i in range(24)])
for name in ("one", "two"):
    save(name + ".npy", "f", "<f4", (24, 3), [r.gauss(0, 1) for _ in range(72)])
PY
"$cutlab" audit --quiet --labels few-labels.npy --out "$work/report" one.npy two.npy dataset=folder path=folder \
  >"$work/table.txt"
grep -q '"classes":\["a?","a?","b"\]' "$work/report/audit.html"
python3 - "$work/report" <<'PY'
import json, sys
classes = json.load(open(sys.argv[1] + "/audit.json"))["comparisons"][0]["classes"]
assert [c["name"] for c in classes] == ["a?", "a?", "b"], classes
with open(sys.argv[1] + "/figures/gain-by-class.vl.json") as file:
    spec = json.load(file)
assert sorted(spec["encoding"]["y"]["sort"]) == ["a? (0)", "a? (1)", "b"], spec["encoding"]["y"]
PY
