#!/bin/bash
# cutlab data: what verify and show print, and exit codes. Needs CUTLAB_BINARY.
# shellcheck source=tests/command.sh
. "$(dirname "$(realpath "$0")")/command.sh"
data=${CUTLAB_DATA:-${CUTLAB_SOURCE:-..}/../shared/data}
[ -d "$data" ] && data=$(realpath "$data")
subcommand=(data)

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

check "other files under the names of MNIST" execute 1 verify dataset=mnist path=mnist
check "one line for each file and one for the whole" [ "$(wc -l <output)" = 5 ]
check "what is wrong" contains output "published: ba891046e6505d7a..."
check "the whole" contains output "mnist: 4 of 4 files wrong"
check "verify as JSON" execute 1 verify dataset=mnist path=mnist --json
check "JSON: ok" [ "$(field output '["ok"]')" = False ]
check "JSON: lines" [ "$(field output '["lines"].__len__()')" = 5 ]
rm mnist/t10k-labels-idx1-ubyte.xz
check "a missing file" execute 1 verify dataset=mnist path=mnist
check "which names were looked for" contains output "t10k-labels-idx1-ubyte is missing, and so are t10k-labels-idx1-ubyte.xz and"
refused "a missing file, opened" 1 "t10k-labels-idx1-ubyte is missing" show dataset=mnist path=mnist

check "own arrays" execute 0 verify dataset=npy path=own
check "own arrays: the whole" contains output "npy: 3 train, 0 test, 2 classes: ok"
check "own arrays: classes" contains output "train: 3 examples; per class 1 2"
check "show" execute 0 show dataset=npy path=own --json
check "show: mean" [ "$(field output '["mean"]')" = "[0.5]" ]
check "show: deviation" [ "$(field output '["deviation"]')" = "[0.5]" ]
check "show: classes" [ "$(field output '["train_per_class"]')" = "[1, 2]" ]
check "nothing to warn of" [ "$(cat errors)" = "" ]
check "arrays of planes" execute 0 show dataset=npy path=planes
check "arrays of planes: a warning" contains errors "cutlab: warning: planes/x_train.npy: read as images of 3 x 6 with 5 channels, [N][H][W][C]; if it is [N][C][H][W], move its axes, in NumPy by transpose(0, 2, 3, 1)"

check "a folder of images" execute 0 verify dataset=folder path=photos
check "a folder of images: nothing to warn of" [ "$(cat errors)" = "" ]
echo RIFF >photos/train/cat/3.webp
check "a file of another kind" execute 0 verify dataset=folder path=photos
check "a file of another kind: one warning" [ "$(cat errors)" = "cutlab: warning: photos/train: 1 file passed over, neither PNG nor JPEG: photos/train/cat/3.webp" ]
: >photos/train/cat/0.png
check "an empty image" execute 1 verify dataset=folder path=photos
check "an empty image: its name" contains output "photos/train/cat/0.png: an empty file; accepted under this name: a PNG or JPEG file"
refused "an empty image, packed" 1 "photos/train/cat/0.png: an empty file" pack dataset=folder path=photos --out no.npz
echo text >photos/train/cat/0.png
check "no image by an image's name" execute 1 verify dataset=folder path=photos
check "no image: its name" contains output "photos/train/cat/0.png: neither PNG nor JPEG"

check "show the world" execute 0 show dataset=feature-noise test_examples=50
check "world: sizes" contains output "1000 for training and 50 for testing, float32, of 1 x 16 x 16"
check "world: probes" contains output "24 probes of 3 features"
for threads in 1 3; do
  check "world, threads $threads" execute 0 show dataset=feature-noise seed=5 --json --threads $threads
  cp output world-$threads
done
check "the same for any number of threads" [ "$(cmp world-1 world-3 && echo same)" = same ]

check "pack" execute 0 pack dataset=npy path=own --out own.npz --json
check "pack: examples" [ "$(field output '["train"]')" = 3 ]
packed=$(field output '["fingerprint"]')
check "packed, shown" execute 0 show dataset=npy path=own --json
check "pack: the same data" [ "$(field output '["fingerprint"]')" = "$packed" ]
check "packed again" execute 0 pack dataset=npy path=own.npz --out again.npz
check "pack: the same bytes" [ "$(cmp own.npz again.npz && echo same)" = same ]
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

check "help" execute 0 --help
check "help: usage" contains output "Usage: cutlab data"
refused "no verb" 2 "accepted: verify, show or pack"
refused "another verb" 2 "'check'; accepted: verify, show or pack" check
refused "unknown key" 2 "unknown key 'dateset'; nearest: dataset" show dateset=mnist
refused "no key" 2 "unexpected operand 'mnist'" show mnist
refused "no number" 2 "seed is 'x'" show dataset=feature-noise seed=x
refused "unknown data set" 2 "dataset is 'svhn'; accepted: mnist" verify dataset=svhn path=.
refused "no path" 2 "cifar10 without a path" verify dataset=cifar10
refused "no folder" 1 "cannot open nowhere" verify dataset=cifar10 path=nowhere

if [ -d "$data/mnist" ]; then
  check "MNIST" execute 0 verify dataset=mnist path="$data/mnist"
  check "MNIST: the whole" contains output "mnist: 60,000 train, 10,000 test, 10 classes: ok"
  check "MNIST, packed" execute 0 pack dataset=mnist path="$data/mnist" --out mnist.npz
  check "MNIST, packed: verified" execute 0 verify dataset=mnist path=mnist.npz
  check "MNIST, packed: by its fingerprint" [ "$(wc -l <output)" = 3 ]
  check "a part of MNIST, packed" execute 0 pack dataset=mnist path=mnist.npz --out part.npz test_examples=10
  check "a part of MNIST, packed: verified" execute 0 verify dataset=mnist path=part.npz
  check "a part has no checksum" contains output "part.npz: structure alone (a part has no checksum)"
  hold "catches TERM" pack dataset=mnist path="$data/mnist" --out stopped.npz
  check "packing is cancelled" obeys TERM
  check "packing is cancelled: says so" contains errors "cutlab: cancelled: "
  check "packing is cancelled: leaves nothing" [ ! -e stopped.npz ]
  python3 - <<'PY' || not_ok "one pixel of MNIST changed"
import zipfile
with zipfile.ZipFile("mnist.npz") as old, zipfile.ZipFile("other.npz", "w") as new:
    for member in old.namelist():
        data = bytearray(old.read(member))
        data[-1] ^= member == "train_images.npy"
        new.writestr(member, data)
PY
  check "other data by the name of MNIST" execute 1 verify dataset=mnist path=other.npz
  check "other data: what is wrong" contains output "; that of mnist as published: e358dd7c5444c1a3"
else
  echo "skipped: no MNIST in CUTLAB_DATA or ../shared/data"
fi
exit $((failures > 0))
