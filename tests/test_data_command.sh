#!/bin/bash
# cutlab data: what verify and show print, and exit codes. Needs CUTLAB_BINARY.
set -u
command -v python3 >/dev/null || exit 77 # makes the files, reads the JSON
cutlab=$(realpath "${CUTLAB_BINARY:?}")
data=${CUTLAB_DATA:-${CUTLAB_SOURCE:-..}/../shared/data}
[ -d "$data" ] && data=$(realpath "$data")
folder=$(mktemp -d /tmp/cutlab-data-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failures=0

ok() { echo "ok $1"; }
not_ok() {
  echo "not ok $1"
  sed 's/^/# /' output errors
  failures=$((failures + 1))
}
# run NAME CODE ARGUMENTS...: exits with CODE
run() {
  local name=$1 expected=$2 code=0
  shift 2
  "$cutlab" data "$@" >output 2>errors </dev/null || code=$?
  if [ "$code" = "$expected" ]; then ok "$name"; else not_ok "$name: exit code $code, not $expected"; fi
}
contains() { if grep -qF -- "$3" "$2"; then ok "$1"; else not_ok "$1: no '$3'"; fi; }
# refused NAME CODE TEXT ARGUMENTS...: one line on standard error, nothing else
refused() {
  local name=$1 text=$3
  run "$1" "$2" "${@:4}"
  contains "$name: says so" errors "$text"
  if [ ! -s output ] && [ "$(wc -l <errors)" = 1 ]; then ok "$name: one line"; else not_ok "$name: one line"; fi
}
field() { python3 -c "import json; print(json.load(open('output'))$1)"; }
is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1: '$2', not '$3'"; fi; }

python3 - <<'PY'
import gzip, lzma, os, struct, zlib
os.mkdir('mnist')
def put(name, data, pack):
    with pack.open('mnist/' + name, 'wb') as file:
        file.write(data)
for part, n in (('train', 60000), ('t10k', 10000)):
    put(part + '-images-idx3-ubyte.gz', struct.pack('>4I', 0x803, n, 28, 28) + bytes(784 * n), gzip)
    put(part + '-labels-idx1-ubyte.xz', struct.pack('>2I', 0x801, n) + bytes(i % 10 for i in range(n)), lzma)
def npy(name, kind, shape, data):
    head = "{'descr': '%s', 'fortran_order': False, 'shape': %s}" % (kind, shape)
    head += ' ' * (63 - (10 + len(head)) % 64) + '\n'
    with open('own/' + name, 'wb') as file:
        file.write(b'\x93NUMPY\1\0' + struct.pack('<H', len(head)) + head.encode() + data)
os.mkdir('own')
npy('x_train.npy', '|u1', (3, 2, 2), bytes([0, 255] * 6))
npy('y_train.npy', '|u1', (3,), bytes([0, 1, 1]))
os.mkdir('planes')
npy('../planes/x_train.npy', '|u1', (3, 3, 6, 5), bytes(270))
npy('../planes/y_train.npy', '|u1', (3,), bytes([0, 1, 1]))
def png(path):
    def chunk(name, data):
        return struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as file:
        file.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 2, 2, 8, 0, 0, 0, 0))
                   + chunk(b'IDAT', zlib.compress(bytes(6))) + chunk(b'IEND', b''))
for name in ('cat/1', 'cat/2', 'dog/1'):
    png('photos/train/%s.png' % name)
PY

run "other files under the names of MNIST" 1 verify dataset=mnist path=mnist
is "one line for each file and one for the whole" "$(wc -l <output)" 5
contains "what is wrong" output "published: ba891046e6505d7a..."
contains "the whole" output "mnist: 4 of 4 files wrong"
run "verify as JSON" 1 verify dataset=mnist path=mnist --json
is "JSON: ok" "$(field '["ok"]')" False
is "JSON: lines" "$(field '["lines"].__len__()')" 5
rm mnist/t10k-labels-idx1-ubyte.xz
run "a missing file" 1 verify dataset=mnist path=mnist
contains "which names were looked for" output "t10k-labels-idx1-ubyte is missing, and so are t10k-labels-idx1-ubyte.xz and"
refused "a missing file, opened" 1 "t10k-labels-idx1-ubyte is missing" show dataset=mnist path=mnist

run "own arrays" 0 verify dataset=npy path=own
contains "own arrays: the whole" output "npy: 3 train, 0 test, 2 classes: ok"
contains "own arrays: classes" output "train: 3 examples; per class 1 2"
run "show" 0 show dataset=npy path=own --json
is "show: mean" "$(field '["mean"]')" "[0.5]"
is "show: deviation" "$(field '["deviation"]')" "[0.5]"
is "show: classes" "$(field '["train_per_class"]')" "[1, 2]"
is "nothing to warn of" "$(cat errors)" ""
run "arrays of planes" 0 show dataset=npy path=planes
contains "arrays of planes: a warning" errors "cutlab: warning: planes/x_train.npy: read as images of 3 x 6 with 5 channels, [N][H][W][C]; if it is [N][C][H][W], move its axes, in NumPy by transpose(0, 2, 3, 1)"

run "a folder of images" 0 verify dataset=folder path=photos
is "a folder of images: nothing to warn of" "$(cat errors)" ""
echo RIFF >photos/train/cat/3.webp
run "a file of another kind" 0 verify dataset=folder path=photos
is "a file of another kind: one warning" "$(cat errors)" "cutlab: warning: photos/train: 1 file passed over, neither PNG nor JPEG: photos/train/cat/3.webp"
: >photos/train/cat/0.png
run "an empty image" 1 verify dataset=folder path=photos
contains "an empty image: its name" output "photos/train/cat/0.png: an empty file; accepted under this name: a PNG or JPEG file"
refused "an empty image, packed" 1 "photos/train/cat/0.png: an empty file" pack dataset=folder path=photos --out no.npz
echo text >photos/train/cat/0.png
run "no image by an image's name" 1 verify dataset=folder path=photos
contains "no image: its name" output "photos/train/cat/0.png: neither PNG nor JPEG"

run "show the world" 0 show dataset=feature-noise test_examples=50
contains "world: sizes" output "1000 for training and 50 for testing, float32, of 1 x 16 x 16"
contains "world: probes" output "24 probes of 3 features"
for threads in 1 3; do
  run "world, threads $threads" 0 show dataset=feature-noise seed=5 --json --threads $threads
  cp output world-$threads
done
is "the same for any number of threads" "$(cmp world-1 world-3 && echo same)" same

run "pack" 0 pack dataset=npy path=own --out own.npz --json
is "pack: examples" "$(field '["train"]')" 3
packed=$(field '["fingerprint"]')
run "packed, shown" 0 show dataset=npy path=own --json
is "pack: the same data" "$(field '["fingerprint"]')" "$packed"
run "packed again" 0 pack dataset=npy path=own.npz --out again.npz
is "pack: the same bytes" "$(cmp own.npz again.npz && echo same)" same
refused "packed as another data set" 1 "dataset is mnist, but own.npz holds npy; accepted: dataset=npy" \
  show dataset=mnist path=own.npz
refused "pack: no file" 2 "accepted: --out FILE, which ends in .npz" pack dataset=npy path=own
refused "pack: another ending" 2 "--out is 'own.zip'" pack dataset=npy path=own --out own.zip
refused "pack: no such folder" 1 "no/own.npz" pack dataset=npy path=own --out no/own.npz
refused "pack: the world" 2 "feature-noise is drawn" pack dataset=feature-noise --out w.npz
refused "pack onto what is read" 2 "own.npz is what is read" pack dataset=npy path=own.npz --out own.npz
mkdir mnist.npz && cp own/* mnist.npz
refused "a folder is no packed data set" 1 "is missing" show dataset=mnist path=mnist.npz
rm -r mnist.npz
refused "show with --out" 2 "--out is for pack alone" show dataset=npy path=own --out own.npz

run "help" 0 --help
contains "help: usage" output "Usage: cutlab data"
refused "no verb" 2 "accepted: verify, show or pack"
refused "another verb" 2 "'check'; accepted: verify, show or pack" check
refused "unknown key" 2 "unknown key 'dateset'; nearest: dataset" show dateset=mnist
refused "no key" 2 "unexpected operand 'mnist'" show mnist
refused "no number" 2 "seed is 'x'" show dataset=feature-noise seed=x
refused "unknown data set" 2 "dataset is 'svhn'; accepted: mnist" verify dataset=svhn path=.
refused "no path" 2 "cifar10 without a path" verify dataset=cifar10
refused "no folder" 1 "cannot open nowhere" verify dataset=cifar10 path=nowhere

if [ -d "$data/mnist" ]; then
  run "MNIST" 0 verify dataset=mnist path="$data/mnist"
  contains "MNIST: the whole" output "mnist: 60,000 train, 10,000 test, 10 classes: ok"
  run "MNIST, packed" 0 pack dataset=mnist path="$data/mnist" --out mnist.npz
  run "MNIST, packed: verified" 0 verify dataset=mnist path=mnist.npz
  is "MNIST, packed: by its fingerprint" "$(wc -l <output)" 3
  run "a part of MNIST, packed" 0 pack dataset=mnist path=mnist.npz --out part.npz test_examples=10
  run "a part of MNIST, packed: verified" 0 verify dataset=mnist path=part.npz
  contains "a part has no checksum" output "part.npz: structure alone (a part has no checksum)"
  python3 - "$cutlab" "$data/mnist" <<'PY' || not_ok "packing is cancelled"
import os, signal, subprocess, sys, time
child = subprocess.Popen([sys.argv[1], "data", "pack", "dataset=mnist", f"path={sys.argv[2]}", "--out", "stopped.npz"],
                         stderr=subprocess.PIPE, text=True)
time.sleep(.3)
child.send_signal(signal.SIGTERM)
errors = child.communicate()[1]
assert child.returncode == 143 and errors.startswith("cutlab: cancelled: "), (child.returncode, errors)
assert not os.path.exists("stopped.npz")
PY
  python3 - <<'PY' || not_ok "one pixel of MNIST changed"
import zipfile
with zipfile.ZipFile("mnist.npz") as old, zipfile.ZipFile("other.npz", "w") as new:
    for member in old.namelist():
        data = bytearray(old.read(member))
        data[-1] ^= member == "train_images.npy"
        new.writestr(member, data)
PY
  run "other data by the name of MNIST" 1 verify dataset=mnist path=other.npz
  contains "other data: what is wrong" output "; that of mnist as published: e358dd7c5444c1a3"
else
  echo "skipped: no MNIST in CUTLAB_DATA or ../shared/data"
fi
exit $((failures > 0))
