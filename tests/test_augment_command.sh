#!/bin/bash
# cutlab augment: what it writes, checked against its ledger pixel by pixel; every kind of input;
# replays; one line for every bad input; nothing half-written. Needs CUTLAB_BINARY, CUTLAB_SOURCE.
# shellcheck source=tests/command.sh
. "$(dirname "$(realpath "$0")")/command.sh"
source=$(realpath "${CUTLAB_SOURCE:?}")
subcommand=(augment)

tool() { python3 tool.py "$@"; }
same() { diff -r "$1" "$2" >differences || { sed 's/^/# /' differences; return 1; }; }
files() { (cd "$1" && echo *); }

cat >tool.py <<'PY'
import ast, html.parser, json, math, os, random, struct, sys, zlib

SIZE = {'|u1': ('B', 1), '|i1': ('b', 1), '<i4': ('i', 4), '<i8': ('q', 8),
        '<f2': ('e', 2), '<f4': ('f', 4), '<f8': ('d', 8)}

def write(path, kind, shape, values):
    head = repr({'descr': kind, 'fortran_order': False, 'shape': tuple(shape)})
    head += ' ' * (63 - (10 + len(head)) % 64) + '\n'
    with open(path, 'wb') as file:
        file.write(b'\x93NUMPY\1\0' + struct.pack('<H', len(head)) + head.encode())
        file.write(struct.pack('<%d%s' % (len(values), SIZE[kind][0]), *values))

def read(path):
    data = open(path, 'rb').read()
    at = 10 + struct.unpack('<H', data[8:10])[0]
    head = ast.literal_eval(data[10:at].decode())
    code, size = SIZE[head['descr']]
    count = math.prod(head['shape'])
    assert len(data) == at + count * size
    return head['descr'], head['shape'], struct.unpack('<%d%s' % (count, code), data[at:])

def png(path, height, width, pixels):
    def chunk(name, data):
        return struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))
    rows = b''.join(b'\0' + bytes(pixels[y * width * 3:(y + 1) * width * 3]) for y in range(height))
    with open(path, 'wb') as file:
        file.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0))
                   + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))

def make():
    draw = random.Random(5)
    n, h, w, c = 11, 8, 6, 3
    pixels = [draw.randrange(256) for _ in range(n * h * w * c)]
    labels = [draw.randrange(4) for _ in range(n)]
    write('images.npy', '|u1', (n, h, w, c), pixels)
    write('float.npy', '<f4', (n, h, w, c), [p / 255 for p in pixels])
    write('half.npy', '<f2', (n, h, w, c), [p / 255 for p in pixels])
    write('grey.npy', '|u1', (n, h, w), pixels[:n * h * w])
    write('planes.npy', '|u1', (n, c, h, w), [pixels[((i * h + y) * w + x) * c + k] for i in range(n)
          for k in range(c) for y in range(h) for x in range(w)])
    write('series.npy', '<f4', (n, 20, 2), [draw.gauss(0, 1) for _ in range(n * 40)])
    write('flat.npy', '<f4', (n, 20), [draw.gauss(0, 1) for _ in range(n * 20)])
    for kind, name in (('<i8', 'labels'), ('<i4', 'labels32'), ('|u1', 'labels8'), ('|i1', 'signed8')):
        write(name + '.npy', kind, (n,), labels)
    soft = [draw.randrange(5) / 4 for _ in range(n * 3)]
    for kind, name in (('<f8', 'soft'), ('<f4', 'soft32'), ('<f2', 'soft16')):
        write(name + '.npy', kind, (n, 3), soft)
    write('one_short.npy', '<i8', (n - 1,), labels[1:])
    write('outside.npy', '<i8', (n,), labels[:7] + [4] + labels[8:])
    write('negative.npy', '<i8', (n,), labels[:2] + [-1] + labels[3:])
    write('nan.npy', '<f4', (n, 3), soft[:10] + [math.nan] + soft[11:])
    write('column.npy', '<i8', (n, 1, 1), labels)
    os.makedirs('photos/cat/deep', exist_ok=True)
    os.makedirs('photos/dog', exist_ok=True)
    os.makedirs('flat', exist_ok=True)
    size = h * w * c
    for i, name in enumerate(('cat/b.png', 'cat/deep/c.jpg', 'dog/a.png', 'dog/e.x.png')):
        png('photos/' + name, h, w, pixels[i * size:(i + 1) * size])
    for i, name in enumerate(('x.png', 'x.jpg', 'y.png')):
        png('flat/' + name, h, w, pixels[i * size:(i + 1) * size])
    png('other.png', 5, w, pixels)
    draw_bytes = lambda k: bytes(draw.randrange(256) for _ in range(k))
    for name, count in (('a.bin', 3), ('b.bin', 2)):
        with open(name, 'wb') as file:
            for i in range(count):
                file.write(bytes([i]) + draw_bytes(3072))
    with open('hundred.bin', 'wb') as file:
        file.write(bytes([3, 42]) + draw_bytes(3072))
    with open('t-images-idx3-ubyte', 'wb') as file:
        file.write(struct.pack('>IIII', 0x803, 4, 5, 7) + draw_bytes(4 * 35))
    with open('t-labels-idx1-ubyte', 'wb') as file:
        file.write(struct.pack('>II', 0x801, 4) + bytes([0, 3, 1, 2]))

def ledger(path):
    return [json.loads(line) for line in open(path)]

# Every pixel and label of a cutmix output is where the ledger says it comes from.
def cutmix(images, labels, classes, out):
    kind, shape, before = read(images)
    kind_after, shape_after, after = read(out + '/images.npy')
    assert (kind, shape) == (kind_after, shape_after)
    n, h, w, c = shape
    ids = read(labels)[2]
    rows = read(out + '/labels.npy')
    assert rows[:2] == ('<f4', (n, classes))
    moved = 0
    lines = ledger(out + '/ledger.jsonl')
    assert len(lines) == n
    for i, line in enumerate(lines):
        box, partner, weight = (0, 0, 0, 0), i, 1
        if line['steps']:
            step, = line['steps']
            box, partner, weight = step['box'], step['partner'], step['weight']
        top, left, bottom, right = box
        assert abs(weight - (1 - (bottom - top) * (right - left) / (h * w))) < 1e-12
        for y in range(h):
            for x in range(w):
                of = partner if top <= y < bottom and left <= x < right else i
                moved += of != i
                at, src = ((i * h + y) * w + x) * c, ((of * h + y) * w + x) * c
                assert after[at:at + c] == before[src:src + c], (i, y, x)
        expected = [0.0] * classes
        expected[ids[i]] += weight
        expected[ids[partner]] += 1 - weight
        assert all(abs(a - b) < 1e-6 for a, b in zip(rows[2][i * classes:], expected)), i
    assert moved > 20

def show(path):
    kind, shape, values = read(path)
    print(kind, *shape)

def values(path, first, count):
    print(*('%.6g' % v for v in read(path)[2][int(first):int(first) + int(count)]))

# Changes a ledger's first step that has a partner.
def edit(path, name, value):
    lines = ledger(path)
    step = next(s for line in lines for s in line['steps'] if 'partner' in s)
    step[name] = json.loads(str(value))
    with open(path, 'w') as file:
        for line in lines:
            file.write(json.dumps(line) + '\n')

# A page is well-formed, asks for nothing from elsewhere and has no script; saves its images.
class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.count, self.images = [], {}, []
    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.count[tag] = self.count.get(tag, 0) + 1
        assert tag != 'script'
        for name in ('src', 'href'):
            assert attributes.get(name, 'data:').startswith('data:')
        if tag == 'img':
            self.images.append(attributes)
        if tag not in ('meta', 'img', 'link'):
            self.open.append(tag)
    def handle_endtag(self, tag):
        assert self.open.pop() == tag
    def handle_startendtag(self, tag, attributes):
        self.count[tag] = self.count.get(tag, 0) + 1

def sheet(path, cards):
    import base64
    page = Page()
    text = open(path, encoding='utf-8').read()
    assert 'http' not in text and '@import' not in text
    page.feed(text)
    assert not page.open and page.count['article'] == int(cards), page.count
    for i, image in enumerate(page.images):
        with open('sheet-%03d-%s.png' % (i, image['alt'].split()[0]), 'wb') as file:
            file.write(base64.b64decode(image['src'].split(',')[1]))

# Masks of the first outputs, one after the other, hold the boxes of the ledger.
def masks(path, of, count):
    pixels, at = read(path)[2], 0
    for line in ledger(of)[:count]:
        for step in line['steps']:
            top, left, bottom, right = step['box']
            assert pixels[at:at + 48] == tuple(255 * (top <= y < bottom and left <= x < right)
                                               for y in range(8) for x in range(6))
            at += 48
    assert at == len(pixels) > 0

def describe(path):
    d = json.load(open(path))
    assert set(d) >= {'mean_area', 'label_error_mean', 'label_error_max', 'empty', 'applied',
                      'mean_area_error', 'draws', 'policy'}
    flat = [v for row in d['coverage'] for v in row]
    assert len(d['coverage']) == 8 and len(flat) == 128
    assert abs(sum(flat) / 128 - d['mean_area']) < 1e-9
    print('%.2f %.4f %.4f %d' % (d['mean_area'], d['label_error_mean'], d['applied'], d['draws']))

arguments = [a if not a.isdigit() else int(a) for a in sys.argv[2:]]
globals()[sys.argv[1]](*arguments)
PY
tool make

# Help, lists
run 0 --help && check "help" contains output "Usage: cutlab augment"
check "help lists options" contains output "--sheet-size N"
check "help: types of labels" eval 'tr -s "\n " " " <output | grep -qF "rows [N][K] of numbers of any type"'
check "man page" grep -q 'cutlab augment' <("$cutlab" --man)
run 0 --list && check "list: methods" contains output "random_erasing"
check "list: defaults" contains output "default: 0.5"
check "list: samplers" contains output "torchvision"
run 0 --list --json && check "list: JSON" [ "$(field output '["methods"][0]["parameters"][0]["name"]')" = p ]
check "list: sources" [ -n "$(field output '["samplers"][0]["source"]')" ]

# The scripting interface: types, shapes, and every pixel and label by the ledger
basic=(--policy 'cutmix(alpha=1, p=.8)' --seed 4)
run 0 "${basic[@]}" images.npy --labels labels.npy --classes 4 --out uint8
check "uint8: pixels and labels follow the ledger" tool cutmix images.npy labels.npy 4 uint8
check "files" [ "$(files uint8)" = "augment.json images.npy labels.npy ledger.jsonl ledger.npy sheet.html" ]
check "text output" contains output "contact sheet: uint8/sheet.html"
check "no progress where there is no terminal" [ ! -s errors ]
run 0 "${basic[@]}" float.npy --labels labels.npy --classes 4 --out float
check "float32: pixels and labels follow the ledger" tool cutmix float.npy labels.npy 4 float
run 0 "${basic[@]}" half.npy --labels labels.npy --classes 4 --out half
check "float16: pixels and labels follow the ledger" tool cutmix half.npy labels.npy 4 half
check "the ledger does not depend on the type" cmp -s uint8/ledger.jsonl float/ledger.jsonl
run 0 "${basic[@]}" images.npy --labels labels.npy --classes 4 --batch 3 --out batches
check "batches: pixels and labels follow the ledger" tool cutmix images.npy labels.npy 4 batches
check "batches: partners within" python3 -c "
import json
for line in open('batches/ledger.jsonl'):
    line = json.loads(line)
    for step in line['steps']:
        assert step['partner'] // 3 == line['sample'] // 3 == line['batch']"
run 0 --policy 'cutmix | normalise' --seed 4 images.npy --out normalised
check "normalised uint8 is float32" [ "$(tool show normalised/images.npy)" = "<f4 11 8 6 3" ]
check "no labels, no labels.npy" [ ! -e normalised/labels.npy ]
run 0 "${basic[@]}" images.npy --dtype float16 --out as-half
check "asked for float16" [ "$(tool show as-half/images.npy)" = "<f2 11 8 6 3" ]
check "another epoch draws otherwise" execute 0 "${basic[@]}" images.npy --epoch 1 --out epoch
check "another epoch: another ledger" eval '! cmp -s epoch/ledger.jsonl uint8/ledger.jsonl'
run 0 "${basic[@]}" images.npy --labels labels.npy --classes 4 --out as-json --json
check "JSON output" [ "$(field output '["images"]') $(field output '["classes"]')" = "11 4" ]
record=uint8/augment.json
check "augment.json: policy" [ "$(field $record '["policy"]')" = "cutmix(alpha=1, sampler=paper, p=0.8)" ]
check "augment.json: settings" [ "$(field $record '["seed"]') $(field $record '["epoch"]') $(field $record '["batch"]')" = "4 0 256" ]
check "augment.json: input" [ "$(field $record '["inputs"]') $(field $record '["shape"]') $(field $record '["axes"]') $(field $record '["dtype"]')" = "['images.npy'] [11, 8, 6, 3] nhwc uint8" ]

# Axes
run 0 "${basic[@]}" planes.npy --axes nchw --out planes
check "nchw: the same ledger as nhwc" cmp -s planes/ledger.jsonl uint8/ledger.jsonl
run 0 "${basic[@]}" grey.npy --out grey && check "nhw" [ "$(tool show grey/images.npy)" = "|u1 11 8 6" ]
run 0 "${basic[@]}" series.npy --axes nlc --out nlc && check "nlc" [ "$(tool show nlc/images.npy)" = "<f4 11 20 2" ]
check "nlc: boxes along the series" python3 -c "
import json
boxes = [s['box'] for line in open('nlc/ledger.jsonl') for s in json.loads(line)['steps']]
assert boxes and all(b[0] == 0 and b[2] <= 1 for b in boxes) and any(b[3] > 6 for b in boxes)"
run 0 "${basic[@]}" flat.npy --out nl && check "nl" [ "$(tool show nl/images.npy)" = "<f4 11 20" ]
run 0 "${basic[@]}" planes.npy --out warned
check "planes taken for rows: a warning" contains errors "warning: planes.npy is read as images of 3 x 8 with 6 channels; --axes nchw"

# Labels
for kind in labels32 labels8 signed8; do
  run 0 "${basic[@]}" images.npy --labels $kind.npy --classes 4 --out $kind
  check "$kind: the same labels" cmp -s $kind/labels.npy uint8/labels.npy
done
for kind in soft soft32 soft16; do
  run 0 "${basic[@]}" images.npy --labels $kind.npy --out $kind
  check "$kind: rows" [ "$(tool show $kind/labels.npy)" = "<f4 11 3" ]
  check "$kind: the same labels" cmp -s $kind/labels.npy soft/labels.npy
done
none=(--policy 'flip(p=0)' --seed 1)
run 0 "${none[@]}" images.npy --labels soft.npy --out unmixed
check "unmixed labels are as they were" [ "$(tool values unmixed/labels.npy 0 33)" = "$(tool values soft.npy 0 33)" ]
run 0 "${none[@]}" images.npy --labels labels.npy --classes 4 --smoothing .2 --out smooth
check "smoothing" [ "$(tool values smooth/labels.npy 0 4 | tr ' ' '\n' | sort -n | tr '\n' ' ')" = "0.05 0.05 0.05 0.85 " ]
run 0 --policy 'mixup' --seed 1 images.npy --labels labels.npy --classes 4 --mix union --out union
check "union" [ "$(tool values union/labels.npy 0 44 | tr ' ' '\n' | sort -u | tr '\n' ' ')" = "0 1 " ]

# Files of images: PNG, folders with classes, names and their collisions
run 0 "${basic[@]}" photos --out photos-out
check "folder: names" [ "$(files photos-out)" = "a.png augment.json b.png c.png e.x.png labels.npy ledger.jsonl ledger.npy sheet.html" ]
check "folder: classes" [ "$(tool show photos-out/labels.npy)" = "<f4 4 2" ]
run 0 "${basic[@]}" photos --format npy --out photos-npy
run 0 "${none[@]}" photos-out/b.png photos-out/c.png photos-out/a.png photos-out/e.x.png --format npy --out back
check "PNG files hold what images.npy does" cmp -s photos-npy/images.npy back/images.npy
run 0 "${none[@]}" photos/cat/b.png --out one && check "one file" [ -s one/b.png ]
run 0 "${none[@]}" flat --out collide
check "equal names: positions in front" [ "$(cd collide && echo *.png)" = "000000-x.png 000001-x.png 000002-y.png" ]
cp -r photos others && touch others/cat/a.webp others/Thumbs.db others/.hidden
run 0 "${none[@]}" others --out others-out
check "other files: one warning" [ "$(cat errors)" = "cutlab: warning: others: 2 files passed over, neither PNG nor JPEG: others/Thumbs.db is the first" ]
run 0 "${none[@]}" others --quiet --out others-out && check "other files: quiet" [ ! -s errors ]
: >others/dog/z.PNG
refused "an empty image in a folder" 1 "others/dog/z.PNG: an empty file; accepted" "${none[@]}" others --out no
echo garbage >others/dog/z.PNG
refused "garbage named as an image" 1 "others/dog/z.PNG: neither PNG nor JPEG; accepted" "${none[@]}" others --out no
run 0 "${none[@]}" planes.npy --axes nchw --format png --out turned
run 0 "${none[@]}" turned/0000*.png --format npy --out turned-back
check "planes as PNG files" [ "$(tool values turned-back/images.npy 0 1584)" = "$(tool values images.npy 0 1584)" ]

# CIFAR and IDX
run 0 "${none[@]}" a.bin b.bin --out cifar
check "CIFAR: concatenated" [ "$(tool show cifar/images.npy)" = "|u1 5 32 32 3" ]
check "CIFAR: 10 classes" [ "$(tool show cifar/labels.npy)" = "<f4 5 10" ]
check "CIFAR: labels in order" [ "$(tool values cifar/labels.npy 30 5) $(tool values cifar/labels.npy 41 1)" = "1 0 0 0 0 1" ]
run 0 "${none[@]}" hundred.bin --out hundred && check "CIFAR-100: 100 classes" [ "$(tool show hundred/labels.npy)" = "<f4 1 100" ]
run 0 "${none[@]}" t-images-idx3-ubyte --classes 4 --out idx
check "IDX: images" [ "$(tool show idx/images.npy)" = "|u1 4 5 7 1" ]
check "IDX: labels" [ "$(tool values idx/labels.npy 0 8)" = "1 0 0 0 0 0 0 1" ]
run 0 "${none[@]}" t-images-idx3-ubyte --labels t-labels-idx1-ubyte --classes 4 --out idx-labels
check "IDX: labels by name" cmp -s idx/labels.npy idx-labels/labels.npy

# Labels that come with the input are left out
for input in t-images-idx3-ubyte a.bin photos; do
  run 0 "${basic[@]}" $input --no-labels --format npy --out bare-$input
  check "no labels of $input" [ "$(files bare-$input)" = "augment.json images.npy ledger.jsonl ledger.npy sheet.html" ]
  run 0 --replay bare-$input --out bare-again && check "replay without labels: $input" same bare-$input bare-again
done
check "no labels, no class names" [ "$(field bare-photos/augment.json '["class_names"]')" = None ]
run 0 --replay bare-t-images-idx3-ubyte --labels t-labels-idx1-ubyte --classes 4 --out relabelled
check "labels for a replay that had none" [ -s relabelled/labels.npy ]

# The same bytes: threads, replays
mixed=(--policy 'flip | crop(pad=2) | one_of(cutmix, mixup, fmix, cutout(size=3), p=.9)' --seed 7 --batch 4)
run 0 "${mixed[@]}" images.npy --labels labels.npy --classes 4 --threads 1 --out threads1
run 0 "${mixed[@]}" images.npy --labels labels.npy --classes 4 --threads 2 --out threads2
check "threads: the same bytes" same threads1 threads2
run 0 --replay threads1 --out replay1 && check "replay of a folder: the same bytes" same threads1 replay1
run 0 --replay threads1/ledger.npy --out replay2 && check "replay of ledger.npy: the same bytes" same threads1 replay2
run 0 --replay threads1/ledger.jsonl images.npy --labels labels.npy --out replay3
check "replay with inputs: the same bytes" same threads1 replay3
(cd threads1 && "$cutlab" augment --replay ledger.jsonl ../images.npy --labels ../labels.npy --out ../replay4 >/dev/null)
check "replay from within" cmp -s threads1/images.npy replay4/images.npy
for input in photos-out normalised nlc soft union a-half; do
  [ $input = a-half ] && input=as-half
  run 0 --replay $input --out again-$input && check "replay: $input" same $input again-$input
done
run 0 --replay threads1 --no-sheet --out bare && check "no sheet" [ ! -e bare/sheet.html ]
run 0 --policy "cutmix(alpha=1)" --seed 2 images.npy --out edited
cp -r edited wrong
tool edit wrong/ledger.jsonl partner_row 11
refused "output inside the input" 2 "no/deeper lies in the folder photos" --policy flip --seed 1 photos --out photos/no/deeper
refused "partner outside the batch" 1 "wrong/ledger.jsonl" --replay wrong --out no
cp edited/ledger.jsonl wrong/
tool edit wrong/ledger.jsonl box '[0, 0, 9, 6]'
refused "box outside the image" 1 "wrong/ledger.jsonl" --replay wrong --out no
refused "ledger of other images" 1 "a ledger of 11 images, but 1 are in the input" --replay edited photos/cat/b.png --out no
refused "ledger of other sizes" 1 "edited/ledger.jsonl: images of 5 x 6, but the ledger is for 8 x 6 (height x width)" \
  --replay edited other.png --out no
refused "ledger of planes" 1 "planes/ledger.npy: images of 3 x 8, but the ledger is for 8 x 6 (height x width)" \
  --replay planes/ledger.npy --axes nhwc --out no
refused "ledger of series" 1 "nl/ledger.jsonl: images of 8 x 6, but the ledger is for 1 x 20" --replay nl --axes nhwc images.npy --out no
head -c 300 edited/ledger.jsonl >wrong/ledger.jsonl
refused "truncated ledger" 1 "wrong/ledger.jsonl" --replay wrong --out no
rm wrong/ledger.jsonl
refused "no ledger" 1 "wrong/ledger.jsonl" --replay wrong --out no
echo '{"format": "other"}' >wrong/augment.json
refused "foreign augment.json" 1 "wrong/augment.json" --replay wrong --out no
rm wrong/augment.json
refused "no augment.json" 1 "wrong/augment.json" --replay wrong --out no
refused "replay of nothing" 1 "--replay absent: No such file or directory; accepted: the folder" --replay absent --out no
refused "replay of no ledger" 1 "--replay wrong/absent.npy: No such file" --replay wrong/absent.npy --out no
refused "replay and policy" 2 "--policy cannot be given with --replay" --replay edited --policy flip --out no
refused "replay and seed" 2 "--seed cannot be given with --replay" --replay edited --seed 3 --out no

# Contact sheets
check "sheet: page" tool sheet threads1/sheet.html 11
check "sheet: methods" contains threads1/sheet.html "<span>crop</span>"
check "sheet: labels" contains threads1/sheet.html "class "
check "sheet: what is drawn where" contains threads1/sheet.html "a mask lies in the coordinates of its step"
run 0 --policy 'cutmix(p=1)' --seed 2 photos --out named
check "sheet: names of classes" grep -qE '<b>label</b> (cat|dog): <b>' named/sheet.html
check "sheet: names of files" contains named/sheet.html "of sample 0: b.png<"
check "sheet: the own class first" python3 -c "
import re
exec(open('tool.py').read().split('arguments = ')[0])
own = read('labels.npy')[2]
first = re.findall(r'<b>label</b> class (\d+): <b>([^<]*)', open('uint8/sheet.html').read())
assert [int(c) for c, _ in first] == list(own) and any(float(w) < .5 for _, w in first)"
run 0 "${basic[@]}" images.npy --sheet-size 5 --batch 2 --out five
rm -f sheet-*.png
check "sheet: five outputs of three batches" tool sheet five/sheet.html 5
run 0 "${none[@]}" sheet-*-output.png --format npy --out shown
check "sheet: outputs are the outputs" [ "$(tool values shown/images.npy 0 720)" = "$(tool values five/images.npy 0 720)" ]
run 0 "${none[@]}" sheet-*-own.png --format npy --out shown
check "sheet: own images are the inputs" [ "$(tool values shown/images.npy 0 720)" = "$(tool values images.npy 0 720)" ]
run 0 "${none[@]}" sheet-*-mask.png --format npy --out shown
check "sheet: masks are the boxes" tool masks shown/images.npy five/ledger.jsonl 5
check "sheet: series" tool sheet nlc/sheet.html 11
check "sheet: series are drawn as lines" contains nlc/sheet.html '<polyline class="c1"'
check "sheet: what was replaced is shaded" contains nlc/sheet.html '<rect class="shade"'
check "sheet: floats say their range" contains normalised/sheet.html "values from -1 to 1 are drawn from black to white"
tool make # what 'flat' and 'photos' hold may have changed
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -n "$browser" ]; then
  "$browser" --no-sandbox --headless=new --disable-gpu --user-data-dir="$folder/profile" --dump-dom \
    --enable-logging=stderr "file://$folder/threads1/sheet.html" >dom.html 2>browser.log
  check "sheet: a browser reads it" [ "$(grep -c '<article>' dom.html)" = 11 ]
  check "sheet: a browser says nothing" eval '! grep CONSOLE browser.log'
fi

# Descriptions
run 0 --describe 'cutmix(alpha=1)' --height 32 --width 32 --draws 20000 --seed 1 --json
check "describe: paper" [ "$(tool describe output)" = "0.50 0.0000 1.0000 20000" ]
run 0 --describe 'cutmix(alpha=1, sampler=torchvision, p=.5)' --draws 40000 --json
check "describe: torchvision, half of the time" eval '[[ $(field output "[\"mean_area\"]") == 0.1[45]* ]]'
run 0 --describe 'cutout(size=16)' --draws 1000 && check "describe: text" contains output "area replaced, mean"
check "describe: map" [ "$(grep -cE '^ ( +[0-9]+){16}$' output)" = 8 ]
run 0 --describe flip --height 1 --width 3 --draws 10 && check "describe: small map" [ "$(grep -cE '^ ( +[0-9]+){3}$' output)" = 1 ]
run 0 --describe 'cutmix(alpha=1)' --draws 5000 --json --threads 1 && cp output one.json
run 0 --describe 'cutmix(alpha=1)' --draws 5000 --json --threads 2 && check "describe: threads" cmp -s output one.json
printf 'cutmix(alpha=1,\n  p=.5)\n' >policy.txt
run 0 --describe @policy.txt --draws 100 && check "describe: a file" contains output "p=0.5"
refused "describe: size" 2 "--height" --describe flip --height 0
refused "describe: too large" 2 "2^28" --describe flip --height 100000 --width 100000
refused "describe: draws" 2 "--draws" --describe flip --draws 0
refused "describe: bad policy" 2 "nearest" --describe cutmx
refused "describe: operand" 2 "takes none" --describe flip images.npy
refused "describe and axes" 2 "--axes cannot be given with --describe" --describe flip --axes nl
refused "list and input" 2 "takes none" --list images.npy
refused "describe and out" 2 "--out cannot be given with --describe" --describe flip --out no

# Misuse
refused "no mode" 2 "--policy is missing" images.npy --out no
refused "no seed" 2 "--seed is missing" --policy flip images.npy --out no
refused "no out" 2 "--out is missing" --policy flip --seed 1 images.npy
refused "no input" 2 "no INPUT" --policy flip --seed 1 --out no
refused "unknown option" 2 "nearest: --labels" --policy flip --seed 1 images.npy --label x --out no
refused "unknown method" 2 "nearest" --policy cutmx --seed 1 images.npy --out no
check "unknown method: the nearest" contains errors "cutmix"
refused "alpha 0" 2 "alpha" --policy 'cutmix(alpha=0)' --seed 1 images.npy --out no
refused "negative alpha" 2 "alpha" --policy 'mixup(alpha=-1)' --seed 1 images.npy --out no
refused "p above 1" 2 "1.5" --policy 'flip(p=1.5)' --seed 1 images.npy --out no
refused "unknown axes" 2 "nhwc | nchw | nhw | nlc | ncl | nl" "${basic[@]}" images.npy --axes nwhc --out no
refused "axes of another rank" 2 "nhwc | nchw" "${basic[@]}" images.npy --axes nl --out no
refused "axes of PNG files" 2 "accepted: nhwc" "${basic[@]}" photos --axes nchw --out no
refused "unknown dtype" 2 "uint8 | float16 | float32" "${basic[@]}" images.npy --dtype int8 --out no
refused "uint8 of floats" 2 "floating point" "${basic[@]}" float.npy --dtype uint8 --out no
refused "uint8 of normalised" 2 "normalises" --policy normalise --seed 1 images.npy --dtype uint8 --out no
refused "PNG of floats" 2 "accepted: npy" "${basic[@]}" float.npy --format png --out no
refused "unknown format" 2 "npy | png" "${basic[@]}" images.npy --format gif --out no
refused "batch 0" 2 "--batch" "${basic[@]}" images.npy --batch 0 --out no
refused "negative seed" 2 "--seed" --policy flip --seed -1 images.npy --out no
refused "smoothing" 2 "--smoothing is '2'" "${basic[@]}" images.npy --labels labels.npy --classes 4 --smoothing 2 --out no
refused "smoothing nan" 2 "--smoothing is 'nan'" "${basic[@]}" images.npy --labels labels.npy --classes 4 --smoothing nan --out no
refused "smoothing of rows" 2 "rows of numbers" "${basic[@]}" images.npy --labels soft.npy --smoothing .1 --out no
refused "classes missing" 2 "--classes is missing" "${basic[@]}" images.npy --labels labels.npy --out no
refused "classes missing for IDX" 2 "beside the images, in ./t-labels-idx1-ubyte: --classes is missing; accepted: --classes K, or --no-labels" \
  "${basic[@]}" ./t-images-idx3-ubyte --out no
gzip -c t-images-idx3-ubyte >c-images-idx3-ubyte.gz && gzip -c t-labels-idx1-ubyte >c-labels-idx1-ubyte.gz
refused "classes missing for IDX, compressed" 2 "beside the images, in ./c-labels-idx1-ubyte.gz: --classes is missing" \
  "${basic[@]}" ./c-images-idx3-ubyte.gz --out no
refused "label outside, of IDX" 1 "c-labels-idx1-ubyte.gz: label 1 is 3; accepted: 0 to 2" \
  "${basic[@]}" c-images-idx3-ubyte.gz --classes 3 --out no
refused "classes without labels" 2 "no labels" "${basic[@]}" images.npy --classes 4 --out no
refused "smoothing without labels" 2 "--smoothing is given, but there are no labels" "${basic[@]}" images.npy --smoothing .1 --out no
refused "mix without labels" 2 "--mix union is given, but there are no labels" "${basic[@]}" images.npy --mix union --out no
refused "smoothing and no labels" 2 "--smoothing and --no-labels" "${basic[@]}" photos --no-labels --smoothing .1 --out no
refused "labels and no labels" 2 "--labels and --no-labels" "${basic[@]}" images.npy --labels labels.npy --no-labels --out no
refused "classes of rows" 2 "rows of 3" "${basic[@]}" images.npy --labels soft.npy --classes 4 --out no
refused "no policy file" 1 "absent.txt" --policy @absent.txt --seed 1 images.npy --out no
printf 'flip |\n cutmx' >bad.txt
refused "bad policy file" 2 "bad.txt: " --policy @bad.txt --seed 1 images.npy --out no
printf 'flip\0' >zero.txt
refused "zero byte in a policy file" 1 "zero byte" --policy @zero.txt --seed 1 images.npy --out no

# Bad files
refused "label counts" 1 "one_short.npy: 10 labels, but 11 images" "${basic[@]}" images.npy --labels one_short.npy --classes 4 --out no
refused "label outside" 1 "outside.npy: label 7 is 4; accepted: 0 to 3" "${basic[@]}" images.npy --labels outside.npy --classes 4 --out no
refused "negative label" 1 "negative.npy: label 2 is -1" "${basic[@]}" images.npy --labels negative.npy --classes 4 --out no
refused "NaN label" 1 "nan.npy: label 3, class 1 is nan" "${basic[@]}" images.npy --labels nan.npy --out no
refused "labels of three axes" 1 "column.npy: int64 with 3 axes" "${basic[@]}" images.npy --labels column.npy --classes 4 --out no
refused "labels too large" 1 "at most" "${basic[@]}" images.npy --labels labels.npy --classes 2147483647 --out no
refused "no labels file" 1 "absent.npy" "${basic[@]}" images.npy --labels absent.npy --classes 4 --out no
refused "images of float64" 1 "soft.npy: an array of float64" "${basic[@]}" soft.npy --out no
refused "no input file" 1 "absent.npy" "${basic[@]}" absent.npy --out no
head -c 900 images.npy >short.npy
refused "truncated .npy" 1 "short.npy: truncated" "${basic[@]}" short.npy --out no
head -c 120 photos/dog/a.png >short.png
refused "truncated PNG" 1 "short.png" "${basic[@]}" short.png --out no
head -c 4000 a.bin >short.bin
refused "truncated CIFAR" 1 "short.bin" "${basic[@]}" short.bin --out no
refused "PNG files of two sizes" 1 "photos/cat/b.png is 8 x 6 x 3 (height x width x channels), but other.png is 5 x 6 x 3" \
  "${basic[@]}" photos/cat/b.png other.png --out no
refused "files of two kinds" 1 "cannot be read together" "${basic[@]}" photos/cat/b.png images.npy --out no
refused "two CIFARs" 1 "cannot be read together" "${basic[@]}" a.bin hundred.bin --out no
refused "two arrays" 1 "cannot be read together" "${basic[@]}" images.npy images.npy --out no
refused "list of three for four channels" 2 "channels" --policy 'normalise(mean=(.1,.2))' --seed 1 images.npy --out no

# Folders: replaced whole, or left as they are
run 0 "${basic[@]}" photos --out place && run 0 "${basic[@]}" images.npy --out place
check "an earlier output is replaced whole" [ "$(files place)" = "augment.json images.npy ledger.jsonl ledger.npy sheet.html" ]
run 0 "${basic[@]}" images.npy --out deep/er/place/ && check "parents are made" [ -s deep/er/place/images.npy ]
mkdir empty && run 0 "${basic[@]}" images.npy --out empty && check "an empty folder is used" [ -s empty/images.npy ]
ln -s place link && run 0 "${basic[@]}" float.npy --out link
check "a link keeps leading to its folder" [ -L link ] && check "and that is replaced" [ "$(tool show place/images.npy)" = "<f4 11 8 6 3" ]
cp -r place kept && touch kept/mine && cp -r kept kept-before
refused "a folder with other files" 2 "holds mine" "${basic[@]}" images.npy --out kept
check "which stays as it was" same kept kept-before
mkdir foreign && touch foreign/thing
refused "a foreign folder" 2 "holds thing" "${basic[@]}" images.npy --out foreign
refused "a file" 2 "is a file" "${basic[@]}" images.npy --out images.npy
refused "the current folder" 2 "current folder" "${basic[@]}" images.npy --out .
cp -r place before
refused "input in the output folder" 2 "lies in the output folder" "${basic[@]}" place/images.npy --out place
refused "labels in the output folder" 2 "lies in the output folder" "${basic[@]}" images.npy --labels uint8/labels.npy --out uint8
refused "a failure on an earlier output" 1 "nan" "${basic[@]}" images.npy --labels nan.npy --out place
check "leaves it as it was" same place before
refused "no place for the folder" 1 "labels.npy" "${basic[@]}" images.npy --out labels.npy/x
check "nothing is left beside outputs" eval '! compgen -G "*.part-*" >/dev/null'

# Stopping
python3 -c "
import sys
sys.argv = ['', 'make']
exec(open('tool.py').read())
write('many.npy', '|u1', (30000, 32, 32), [0] * (30000 * 1024))"
for signal in INT TERM HUP; do
  hold "compgen -G 'stopped.part-*' >/dev/null" --policy fmix --seed 1 many.npy --batch 64 --threads 1 --out stopped
  check "stopped by $signal" obeys $signal
  check "stopped by $signal: nothing is left" eval '! compgen -G "stopped*" >/dev/null'
done

# The second signal comes while the first is obeyed: outputs of one batch, so that it takes a while
for pause in 0 0.02; do
  hold "compgen -G 'stopped.part-*' >/dev/null" --policy fmix --seed 1 many.npy --batch 8192 --threads 1 --out stopped
  (sleep $pause; kill -s INT "$process") 2>/dev/null &
  check "stopped twice" obeys INT
  wait
  check "stopped twice: nothing is left" eval '! compgen -G "stopped*" >/dev/null'
done

# What the documentation says to type
mkdir documented && cd documented || exit 1
cp ../images.npy ../labels.npy ../series.npy ../policy.txt . && cp -r ../photos photos
lines=0
while IFS= read -r line; do
  lines=$((lines + 1))
  PATH="$(dirname "$cutlab"):$PATH" bash -c "$line" >../output 2>../errors </dev/null || {
    not_ok "documented: $line"
    sed 's/^/# /' ../errors
  }
done < <(sed -n 's/^    \(cutlab .*\)/\1/p' "$source/docs/augment-command.md")
check "documented lines were found" [ $lines -ge 6 ]
cd ..

echo "# $failures failed"
[ "$failures" = 0 ]
