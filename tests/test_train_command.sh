#!/bin/bash
# cutlab train and cutlab predict: settings, help, one line for every bad input; runs from start to
# end, stopped and resumed.
# Needs CUTLAB_BINARY, CUTLAB_SOURCE.
# shellcheck source=tests/command.sh
. "$(dirname "$(realpath "$0")")/command.sh"
source=$(realpath "${CUTLAB_SOURCE:?}")

# setting KEY ARGUMENTS...: its value in the configuration that the arguments make
setting() {
  "$cutlab" train --print-config --json "${@:2}" 2>errors |
    python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"
}
# has VALUE KEY ARGUMENTS...: the setting has that value
has() {
  local value
  value=$(setting "${@:2}")
  [ "$value" = "$1" ] || { echo "# $2 is '$value' instead of '$1' with ${*:3}"; return 1; }
}

# ---- Help ----
for command in train predict; do
  run 0 $command --help && check "help of $command" contains output "Usage: cutlab $command"
done
run 0 train --help && check "help lists settings" contains output "label_smoothing"
check "help lists recipes" contains output "augment: flip | crop(pad=4)"
run 0 train --list && check "list of models" contains output "resnet18"
check "list of settings" contains output "mix_probability"
run 0 train --list --json
check "list as JSON" python3 - <<'PY'
import json
lists = json.load(open("output"))
assert {"cnn", "resnet18"} <= {m["name"] for m in lists["models"]}
assert [s["default"] for s in lists["settings"] if s["name"] == "epochs"] == ["10"]
assert "model: cnn" in lists["recipes"]["mnist"]
PY
run 0 --man && check "man page has the settings" contains output "clean_accuracy"
if command -v groff >/dev/null; then
  check "man page without warnings" [ -z "$(groff -man -Tutf8 -ww output 2>&1 >rendered)" ]
fi

# ---- Settings ----
check "recipe of the default data set" has resnet20 model
check "recipe" has cnn model dataset=mnist
check "by name before the recipe" has 7 epochs epochs=7 dataset=mnist
check "by name after the recipe" has 7 epochs dataset=mnist epochs=7
check "mixup mixes every image" has 1 mix_probability method=mixup
check "adamw has a rate of its own" has 0.001 learning_rate optimiser=adamw
printf 'dataset: mnist\nepochs: 9\naugment: |\n  - flip\n  - crop: {pad: 1}\n' >a.yaml
printf 'batch: 5\nepochs: 11\n' >b.yaml
check "files" has cnn model --config a.yaml
check "later files win" has 11 epochs --config a.yaml --config b.yaml
check "KEY=VALUE wins" has 12 epochs epochs=12 --config a.yaml
check "a file's settings stay" has 9 epochs --config a.yaml dataset=cifar10
run 0 train --print-config --config a.yaml path="a b" && cp output c.yaml
run 0 train --print-config --config c.yaml
check "what is printed reads back" cmp output c.yaml
for recipe in "$source"/presets/recipes/*.yaml; do
  name=$(basename "$recipe" .yaml)
  run 0 train --print-config "dataset=$name" && cp output expected
  run 0 train --print-config "dataset=$name" --config "$recipe"
  check "recipe $name is its file" cmp output expected
done

# ---- Bad input ----
refused "path" 2 "path is empty" train --out no
refused "where to" 2 "--out DIR" train path=data
refused "operand" 2 "key=value" train path=data no
refused "unknown setting" 2 "unknown setting 'epoch'; nearest: epochs" train epoch=3
refused "unknown option" 2 "nearest: --resume" train --resum x
refused "unknown data set" 2 "cifar100" train dataset=cifar
refused "no epochs" 2 "epochs is '0'" train epochs=0
refused "NaN" 2 "learning_rate is 'nan'" train learning_rate=nan
refused "momentum of 1" 2 ">= 0 and < 1" train momentum=1
refused "unknown method" 2 "erm | cutout | cutmix | mixup" train method=fmix
refused "text that is not UTF-8" 2 "UTF-8" train $'path=\xff'
refused "schedule without steps" 2 "step_epochs is empty" train path=data schedule=step --out no
refused "step after the end" 2 "step_epochs has 40" train path=data schedule=step step_epochs=40 --out no
refused "warm-up beyond the end" 2 "warmup is 31" train path=data warmup=31 --out no
refused "bad augmentation" 2 "augment: " train path=data augment=flop --out no
refused "a method beside a policy" 2 "method is set beside policy" train path=data policy=cutmix method=mixup --out no
printf 'policy: cutmix\n' >policy.yaml
refused "augment beside a file's policy" 2 "augment is set beside policy" train path=data augment=flip --config policy.yaml --out no
refused "bad policy" 2 "policy: " train path=data 'policy=cutmix | crop' --out no
refused "missing model file" 1 "missing.model" train path=data model=missing.model --out no
refused "missing file of settings" 1 "missing.yaml" train --config missing.yaml
printf 'epochs: 3\nbatch: [1\n' >broken.yaml
refused "broken YAML" 1 "broken.yaml:3:1" train --config broken.yaml
printf 'epochs: 3\nbach: 1\n' >broken.yaml
refused "unknown key" 2 "broken.yaml:2:1: unknown setting 'bach'; nearest: batch" train --config broken.yaml
refused "resume with settings" 2 "leave out 'epochs=3'" train --resume run epochs=3
refused "resume says what it takes" 2 "accepted: path= alone, where the data have moved" train --resume run seed=2 path=data
refused "resume with a file" 2 "leave out '--config'" train --resume run --config a.yaml
refused "list with settings" 2 "leave out 'epochs=3'" train --list epochs=3
refused "describe as JSON" 2 "leave out --json" train path=data --describe --json
refused "predict without a run" 2 "folder of a run" predict --out no
refused "unknown model" 2 "nearest: resnet20" train dataset=feature-noise model=resnet21 --out no
refused "batch of nothing" 2 "batch is '0'" train batch=0
refused "missing data" 1 "nowhere" train path=nowhere --out no
refused "resume of nothing" 1 "nowhere" train --resume nowhere
refused "predict from nothing" 1 "nowhere" predict nowhere --out no
refused "predict from nothing, and more is wrong" 1 "nowhere: no run in it" predict nowhere epochs=3 path=data

# ---- Bad data ----
python3 - <<'PY'
import os, struct
def npy(name, kind, shape, data):
    head = "{'descr': '%s', 'fortran_order': False, 'shape': %s}" % (kind, shape)
    head += ' ' * (63 - (10 + len(head)) % 64) + '\n'
    with open(name, 'wb') as file:
        file.write(b'\x93NUMPY\1\0' + struct.pack('<H', len(head)) + head.encode() + data)
for folder, size, labels in (('label', 12, [0, -1, 1]), ('pixels', 5, [0, 1, 1]), ('count', 12, [0, 1])):
    os.mkdir(folder)
    npy(folder + '/x_train.npy', '|u1', (3, 2, 2), bytes(size))
    npy(folder + '/y_train.npy', '<i8', (len(labels),), struct.pack(f'<{len(labels)}q', *labels))
os.mkdir('cifar')
for i in range(1, 6):
    with open(f'cifar/data_batch_{i}.bin', 'wb') as file:
        file.write(bytes(30730))
PY
refused "label outside the classes" 1 "label -1 of example 1" train dataset=npy path=label model=linear --out no
refused "arrays that are cut off" 1 "x_train.npy: truncated" train dataset=npy path=pixels model=linear --out no
refused "too few labels" 1 "2 labels, but 3 images" train dataset=npy path=count model=linear --out no
refused "files that are too short" 1 "too short: 30730 bytes" train dataset=cifar10 path=cifar model=linear --out no
refused "a file for a folder of data" 1 "data_batch_1.bin is missing" train dataset=cifar10 path=a.yaml model=linear --out no
refused "a file for the run's folder" 1 "a.yaml" train dataset=npy path=count model=linear --out a.yaml

# ---- Runs ----
world=(dataset=feature-noise train_examples=64 test_examples=32 batch=16 "model=linear(8) | relu | linear"
  backend=reference checkpoint_every=20 log_steps=yes)
run 0 train "${world[@]}" epochs=100 --out whole --json && cp output kept
check "result" [ "$(cat output)" = "$(cat whole/result.json)" ]
check "result has every epoch" [ "$(field whole/result.json '["epochs"]')" = 100 ]
check "a line for every epoch" [ "$(wc -l <whole/metrics.jsonl)" = 100 ]
check "events" compgen -G 'whole/events.out.tfevents.*' >/dev/null
check "settings are kept" contains whole/run.json '"linear(8) | relu | linear"'
refused "a run is there" 2 "whole" train "${world[@]}" --out whole
run 0 train --resume whole && check "a finished run has its result" contains output "test_accuracy"
run 0 train --resume whole --json && check "the same result" cmp output kept

refused "more memory than there is" 1 "lower batch (50000)" train dataset=cifar10 path=cifar model=resnet18 \
  batch=1000000 --out no
printf '#!/bin/bash\nulimit -v 300000\nexec "%s" "$@"\n' "$cutlab" >limited && chmod +x limited
if ./limited --version >/dev/null 2>&1; then # a sanitiser's address space is larger than any limit
  cutlab=./limited refused "less memory than is needed" 1 "MiB are available: lower batch (64)" \
    train "${world[@]}" batch=64 "model=conv(1024) | relu | conv(1024) | pool(mean, global) | linear" --out no
fi

hold "[ -s stopped/metrics.jsonl ]" train "${world[@]}" epochs=100 --out stopped
refused "training where another process does" 2 "already holds a run" train "${world[@]}" --out stopped
refused "resuming where another process trains" 1 "stopped: another process is training there" train --resume stopped
check "a stopped run" obeys TERM
check "how to go on" contains errors "go on with: cutlab train --resume stopped"
check "a stopped run has no result" [ ! -e stopped/result.json ]
run 0 train --resume stopped --threads 1
check "resumed: the same logits" cmp whole/logits.npz stopped/logits.npz
check "resumed: the same losses" [ "$(field whole/result.json '["train_loss"]')" = "$(field stopped/result.json '["train_loss"]')" ]

check "resumed: the same steps" cmp whole/steps.jsonl stopped/steps.jsonl

diverging=(train "${world[@]}" learning_rate=1e6 checkpoint_every=1)
refused "divergence says where" 1 "the loss is nan in epoch 2, step 1 of 4" "${diverging[@]}" --out diverged
check "divergence says what to do" contains errors "remove diverged or begin in another folder"
refused "divergence again after resuming" 1 "the loss is nan in epoch 2, step 1 of 4" train --resume diverged
run 0 predict diverged --out diverged.npz && check "the checkpoint before divergence" [ -s diverged.npz ]
run 0 train "${world[@]}" epochs=1 "model=linear(9) | relu | linear" --out wider
refused "a checkpoint of another model" 2 "tensor linear1.weight is float32 (8, 256) in the file and float32 (9, 256)" \
  predict wider --checkpoint whole/checkpoints/00000400.npz --out no.npz
cp stopped/checkpoints/00000400.npz diverged/checkpoints/
refused "a checkpoint of another run" 2 "is a checkpoint of another run" train --resume diverged

run 0 predict whole --out own.npz --json
check "predict: the logits of the run" cmp own.npz whole/logits.npz
check "predict: their accuracy" [ "$(field output '["accuracy"]')" = "$(field whole/result.json '["test_accuracy"]')" ]
run 0 predict whole --json
check "predict without a file" [ "$(field output '["accuracy"]')" = "$(field whole/result.json '["test_accuracy"]')" ]
refused "predict with a setting of training" 2 "does not choose data" predict whole epochs=3 --out no
refused "predict on data of no kind" 2 "dataset=NAME" predict whole path=data seed=3 --out no
run 0 predict whole --out other.npz --json dataset=feature-noise seed=7 test_examples=9
check "predict on other data" [ "$(field output '["examples"]')" = 9 ]
refused "predict on images of another size" 2 "16" predict whole --out no.npz dataset=feature-noise shape=series
refused "predict with a missing checkpoint" 1 "missing" predict whole --out no.npz --checkpoint missing.npz
refused "predict into another kind of file" 2 "--out is 'no.npy'; accepted: a file that ends in .npz" predict whole --out no.npy
check "and nothing is written" [ ! -e no.npy ]

# ---- Data that have moved ----
mkdir here
python3 - <<'PY'
import random, struct
def npy(name, shape, data):
    head = "{'descr': '|u1', 'fortran_order': False, 'shape': %s}" % (shape,)
    head += ' ' * (63 - (10 + len(head)) % 64) + '\n'
    with open('here/' + name, 'wb') as file:
        file.write(b'\x93NUMPY\1\0' + struct.pack('<H', len(head)) + head.encode() + data)
draw = random.Random(1)
for part, n in (('train', 64), ('test', 16)):
    npy(f'x_{part}.npy', (n, 4, 4), bytes(draw.randrange(256) for _ in range(16 * n)))
    npy(f'y_{part}.npy', (n,), bytes(i % 2 for i in range(n)))
PY
arrays=(dataset=npy path=here batch=16 "model=linear(8) | relu | linear" backend=reference epochs=500
  checkpoint_every=50)
run 0 train "${arrays[@]}" --out unmoved -q
hold "[ -s stopped/metrics.jsonl ]" train "${arrays[@]}" --out stopped
check "stopped before the data move" obeys TERM
mv here there && cp -r there changed
printf x | dd of=changed/x_train.npy bs=1 seek=200 conv=notrunc status=none
cp stopped/run.json record.json
refused "data that have gone" 1 "here" train --resume stopped
refused "other data" 1 "changed are not those that the run began with (fingerprint " train --resume stopped path=changed
refused "no data" 1 "cannot open" train --resume stopped path=nowhere
check "what is refused changes nothing" cmp stopped/run.json record.json
refused "predict: data that have gone" 1 "here" predict unmoved --out no.npz
refused "predict: other data" 1 "changed are not those that" predict unmoved path=changed --out no.npz
run 0 predict unmoved path=there --out moved.npz
check "predict: data that have moved" cmp moved.npz unmoved/logits.npz
run 0 train --resume stopped path=there -q
check "resumed: data that have moved" cmp stopped/logits.npz unmoved/logits.npz
check "where they are is kept" [ "$(field stopped/run.json '["settings"]["path"]')" = "$(realpath there)" ]
run 0 predict stopped --out moved.npz && check "and found" cmp moved.npz unmoved/logits.npz
run 0 train --resume unmoved path=there -q && run 0 predict unmoved
check "also of a finished run" contains output "accuracy"

for method in erm cutout cutmix mixup; do
  run 0 train "${world[@]}" epochs=2 method=$method --out $method-run --quiet
  [ $method = erm ] || check "$method is in the policy" contains $method-run/run.json "$method("
done
check "methods differ" [ "$(for m in erm cutout cutmix mixup; do field $m-run/result.json '["train_loss"]'; done | sort -u | wc -l)" = 4 ]
printf '# two layers\nlinear(4) | relu\n| linear\n' >own.model
run 0 train "${world[@]}" model=own.model epochs=1 --out filed && rm own.model
run 0 predict filed --out filed.npz && check "a model's file may go" [ -s filed.npz ]
run 0 train "${world[@]}" epochs=1 --describe && check "describe" contains output "parameters"

data=${CUTLAB_DATA:-$source/../shared/data}
if [ -d "$data/mnist" ]; then
  run 0 train dataset=mnist "path=$data/mnist" train_examples=512 test_examples=100 epochs=2 model=linear \
    learning_rate=.02 backend=reference --out mnist --json
  check "MNIST is learnt" python3 -c 'import json; assert json.load(open("output"))["test_accuracy"] > .5'
else
  echo "MNIST is not there: not trained on"
fi
if [ -d "$data/cifar-10" ]; then
  for _ in {1..5}; do # on a slow machine a try may come too late
    hold "catches INT" train dataset=cifar10 "path=$data/cifar-10" model=linear --out stopped
    obeys INT || not_ok "stopped while data are read"
    [ -e stopped ] || break
  done
  check "before all are" grep -qE \
    '^cutlab: cancelled: (planning at [0-9]+|reading the data set at [0-5]); nothing was begun' errors
  check "nothing is left" [ ! -e stopped ]
else
  echo "CIFAR-10 is not there: not stopped reading it"
fi

exit $((failures > 0))
