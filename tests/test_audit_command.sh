#!/bin/bash
# cutlab audit, audit cscore, audit train, audit export: what they print and write, and what they
# refuse. Needs CUTLAB_BINARY.
# shellcheck source=tests/command.sh
. "$(dirname "$(realpath "$0")")/command.sh"

python3 - <<'PY'
import random, struct, zipfile
random.seed(5)
def npy(kind, shape, data):
    head = "{'descr': '%s', 'fortran_order': False, 'shape': (%s,), }" % (kind, ', '.join(map(str, shape)))
    head += ' ' * (63 - (10 + len(head)) % 64) + '\n'
    return b'\x93NUMPY\1\0' + struct.pack('<H', len(head)) + head.encode() + data
def floats(rows):
    flat = [x for row in rows for x in row]
    return npy('<f4', (len(rows), len(rows[0])), struct.pack('<%df' % len(flat), *flat))
def doubles(values):
    return npy('<f8', (len(values),), struct.pack('<%dd' % len(values), *values))
def integers(values):
    return npy('<i8', (len(values),), struct.pack('<%dq' % len(values), *values))
def npz(name, **members):
    with zipfile.ZipFile(name, 'w') as archive:
        for member, data in members.items():
            archive.writestr(member + '.npy', data)
# A data set of 120 images in 3 classes: a bright row, in noise.
n = 120
labels = [i % 3 for i in range(n)]
pixels = [[[[min(255, random.randrange(120) + (100 if r == 2 * labels[i] else 0)) for c in range(6)] for r in range(6)]] for i in range(n)]
flat = bytes(p for image in pixels for channel in image for row in channel for p in row)
npz('data.npz', x_train=npy('|u1', (n, 6, 6, 1), flat), y_train=integers(labels))
scores = [random.random() for _ in range(n)]
npz('scores.npz', scores=doubles(scores), labels=integers(labels))
npz('other.npz', scores=doubles(scores), labels=integers(labels[1:] + labels[:1]))
npz('short.npz', scores=doubles(scores[:50]), labels=integers(labels[:50]))
# Predictions from elsewhere.
def logits(skill):
    return [[random.gauss(0, 1) + (skill * s if k == y else 0) for k in range(3)] for y, s in zip(labels, scores)]
open('labels.npy', 'wb').write(integers(labels))
open('wrong-labels.npy', 'wb').write(integers([(y + (i < 7)) % 3 for i, y in enumerate(labels)]))
open('one-class.npy', 'wb').write(integers([1] * n))
for name, skill in (('a', 2), ('b', 4)):
    npz(name + '.npz', logits=floats(logits(skill)))
bad = logits(2)
bad[17][1] = float('nan')
npz('nan.npz', logits=floats(bad))
npz('shorter.npz', logits=floats(bad[:17]))
open('names.txt', 'w').write('top\nmiddle\nbottom\n')
PY

data=(dataset=npy path=data.npz 'model=mlp(depth=1, width=8)' epochs=2 batch=20 backend=reference)

# Trainings
run 0 audit train "${data[@]}" --methods erm,cutmix --folds 2 --seeds 3 --out study -q --json
check "every method, fold and seed" [ "$(field output "['finished']")" = 12 ]
check "folders by name" [ -f study/cutmix-fold2of2-seed3/heldout.npz ]
before=$(stat -c %Y%i study/*/result.json)
run 0 audit train "${data[@]}" --methods erm,cutmix --folds 2 --seeds 3 --out study -q
check "finished ones are left" [ "$before" = "$(stat -c %Y%i study/*/result.json)" ]
rm -r study/erm-fold1of2-seed2/result.json study/erm-fold1of2-seed2/heldout.npz
rm -r study/cutmix-fold1of2-seed1
run 0 audit train "${data[@]}" --methods erm,cutmix --folds 2 --seeds 3 --out study -q
check "the others go on" [ -f study/erm-fold1of2-seed2/heldout.npz -a -f study/cutmix-fold1of2-seed1/heldout.npz ]
refused "other settings" 2 "was trained with epochs=2, not 3" audit train "${data[@]}" epochs=3 \
  --methods erm --folds 2 --seeds 1 --out study
refused "another number of folds" 2 "folds, not 3; choose another folder" audit train "${data[@]}" \
  --methods erm --folds 3 --seeds 1 --out study
check "before training" [ -z "$(compgen -G 'study/*of3*')" ]
refused "no such method" 2 "erm | cutout | cutmix | mixup" audit train "${data[@]}" --methods erm,cutmox --out no
refused "a method twice" 2 "twice" audit train "${data[@]}" --methods erm,erm --out no
refused "no such fold" 2 "accepted: each of 1 to 2 once" audit train "${data[@]}" --folds 2 --fold 1,3 --out no
refused "a fold that is no number" 2 "--fold has 'x'" audit train "${data[@]}" --folds 2 --fold x --out no
refused "a setting of the plan" 2 "accepted: --methods" audit train "${data[@]}" method=erm --out no
run 0 audit train "${data[@]}" learning_rate=5 schedule=constant --methods erm --folds 2 --seeds 1 --out astray
for fold in 1 2; do
  check "fold $fold is worse than guessing" contains errors "astray/erm-fold${fold}of2-seed1: the loss of the last epoch, "
done
check "and nothing else is told" [ "$(wc -l <errors)" = 2 ]
refused "a policy" 2 "policy is set, and stands instead of every method" audit train "${data[@]}" policy=cutmix --out no
printf 'policy: cutmix\n' >policy.yaml
refused "a policy in a file" 2 "accepted: augment, which methods keep" audit train "${data[@]}" --methods erm --config policy.yaml --out no
refused "no folder" 2 "accepted: --out DIR" audit train "${data[@]}"
refused "seeds" 2 "--seeds is '0'" audit train "${data[@]}" --seeds 0 --out no
refused "not a fold" 2 "fold is '3/2'; accepted: I/K" train "${data[@]}" fold=3/2 --out no
mkdir -p study/erm-fold1of2-seed5
(flock -n 9 && "$cutlab" audit train "${data[@]}" --methods erm --folds 2 --first-seed 5 --seeds 1 --out study -q --json \
  >output 2>errors) 9>study/erm-fold1of2-seed5/lock
check "one that another process is at is passed over" [ "$(field output "['elsewhere']")" = 1 ]
check "and the next is taken" [ -f study/erm-fold2of2-seed5/result.json ]
rm -rf study/erm-*-seed5
processes=()
for i in 1 2 3 4 5 6; do
  "$cutlab" audit train "${data[@]}" --methods erm,cutmix --folds 2 --seeds 3 --out shared -q --threads 1 \
    >output$i 2>errors$i </dev/null &
  processes+=($!)
done
codes=
for process in "${processes[@]}"; do
  wait "$process"
  codes=$codes$?
done
check "six processes at once share the work" [ "$codes" = 000000 ] || cat errors[1-6]
check "every training is finished" [ "$(find shared -name heldout.npz | wc -l) $(find shared -name result.json | wc -l)" = "12 12" ]
check "and was begun once" [ "$(find shared -name 'events.out.*' | wc -l)" = 12 ]
check "as one process does" cmp shared/erm-fold2of2-seed2/heldout.npz study/erm-fold2of2-seed2/heldout.npz
mkdir -p blocked/erm-fold1of2-seed1/lock
refused "a lock that cannot be" 1 "lock: Is a directory" audit train "${data[@]}" --methods erm --folds 2 --seeds 1 --out blocked
check "is no other process" [ ! -e blocked/erm-fold2of2-seed1 ]
refused "draws of several seeds" 2 "dataset=feature-noise draws other data" audit train dataset=feature-noise --out no
refused "folds" 2 "--folds is '1000001'" audit train "${data[@]}" --folds 1000001 --out no
refused "more trainings than can be" 2 "up to 1000000 trainings" audit train "${data[@]}" --folds 1000 --seeds 1000 --out no
refused "seeds beyond the last" 2 "first seed is 9223372036854775807" audit train "${data[@]}" \
  --first-seed 9223372036854775807 --seeds 2 --out no
refused "a long list of folds" 2 "--fold has more than 1000" audit train "${data[@]}" --folds 2000 --fold "$(seq -s, 1001)" --out no
refused "a long list of methods" 2 "--methods has more than 1000" audit train "${data[@]}" --methods "$(seq -s, 1001)" --out no

# The table
run 0 audit cscore --scores scores.npz study --json
check "names of the numbers" python3 - <<'PY'
import json
audit = json.load(open('output'))
for name in ('ERM', 'CutMix'):
    row = audit['methods'][name]
    assert row['trainings'] == 3 and len(row['each']) == 3
    assert all(key in row for key in ('misclassified', 'mean', 'q1', 'q2', 'q3', 'accuracy'))
    assert abs(row['misclassified'] - 120 * (1 - row['accuracy'])) < 1e-9
    assert row['intervals']['mean']['over_examples'] and row['intervals']['mean']['over_trainings']
assert audit['examples'] == 120 and audit['held_out'] and audit['folds'] == 2
matched = audit['matched']
assert len({row['misclassified'] for row in matched['methods'].values()}) == 1
assert audit['differences'][0]['paired'] and audit['comparisons'][0]['baseline'] == 'ERM'
PY
run 0 audit cscore --scores scores.npz study/erm* study/cutmix* --json --threads 1
cp output one
run 0 audit cscore --scores scores.npz study --json --threads 3
check "the same bits on other threads" cmp -s one output
run 0 audit cscore --scores scores.npz study
check "a table to read" contains output "Scores of the examples that are misclassified"
run 0 audit cscore --scores scores.npz study/*fold1* --partial
refused "which scores" 2 "accepted: --scores" audit cscore study
refused "folds are missing" 2 "--partial" audit cscore --scores scores.npz study/*fold1*
refused "a fold of one training" 2 "fold 2/2" audit cscore --scores scores.npz study/erm* study/cutmix*fold1* study/cutmix-fold2of2-seed[12]
refused "a run twice" 2 "twice" audit cscore --scores scores.npz study study/erm-fold1of2-seed1
refused "another order" 2 "120 labels differ" audit cscore --scores other.npz study
refused "another length" 2 "50" audit cscore --scores short.npz study
refused "no such scores" 1 "no.npz" audit cscore --scores no.npz study
refused "no such run" 1 "no such folder" audit cscore --scores scores.npz nowhere
mkdir empty
refused "no run in it" 1 "no run in it" audit cscore --scores scores.npz empty
refused "nothing to audit" 2 "nothing to audit" audit cscore --scores scores.npz
cp -r study/erm-fold1of2-seed1 unfinished
rm unfinished/result.json
refused "not finished" 2 "has not finished" audit cscore --scores scores.npz unfinished
mkdir under-way
cp -r study/*fold1of2* under-way
rm under-way/cutmix-fold1of2-seed2/result.json
run 0 audit cscore --scores scores.npz under-way --partial --json
check "one under way is left out" [ "$(field output "['methods']['CutMix']['trainings']")" = 2 ]
check "with a warning" contains errors "cutmix-fold1of2-seed2 has not finished and is left out"
cp -r study/erm-fold1of2-seed1 study/cutmix-fold1of2-seed1 under-way
cp -r study/erm-fold1of2-seed1 no-record
: >no-record/run.json
cp -r study/erm-fold1of2-seed1 nothing-held
rm nothing-held/heldout.npz
cp -r study/erm-fold1of2-seed1 empty-held
: >empty-held/heldout.npz
run 0 simulate --preset quick iterations=1 --out simulated -q
cp -r no-record nothing-held empty-held simulated under-way
run 0 audit cscore --scores scores.npz under-way --partial --json
check "damaged ones are left out" [ "$(field output "['methods']['ERM']['trainings']")" = 3 ]
for text in "left out: under-way/no-record/run.json" "left out: under-way/nothing-held has finished, but has no heldout.npz" \
  "left out: under-way/empty-held/heldout.npz"; do
  check "with a warning: $text" contains errors "$text"
done
check "simulations are passed over" bash -c '! grep -q simulated errors'
run 0 train "${data[@]}" fold=1/3 --out under-way/thirds -q
run 0 audit cscore --scores scores.npz under-way --partial --json
check "one that does not fit is left out" [ "$(field output "['methods']['ERM']['trainings']")" = 3 ]
check "with a warning that counts" contains errors "left out 1 of 6 runs in under-way: under-way/thirds is of fold 1/3, "
refused "one that was named is not" 2 "thirds is of fold 1/3" audit cscore --scores scores.npz \
  study/*fold1* under-way/thirds --partial
refused "a damaged run.json" 1 "no-record/run.json" audit no-record --out no
for run in nothing-held empty-held; do
  refused "finished, but $run" 1 "remove the folder $run and run cutlab audit train again" audit $run --out no
done
refused "a simulation" 1 "the format is cutlab-run; accepted: cutlab-training" audit simulated --out no

mkdir among
cp -r study/erm-fold1of2-seed1 among/of-a-fold
run 0 train "${data[@]}" --out among/untested -q
refused "without predictions" 2 "untested: no logits.npz" audit cscore --scores scores.npz among/untested
run 0 audit cscore --scores scores.npz among --partial --json
check "one without test data is left out" [ "$(field output "['methods']['ERM']['trainings']")" = 1 ]
check "with a warning too" contains errors "among/untested has no test data and is left out"
rm -r among/of-a-fold
mkdir among/other
mv among/untested among/other
execute 2 audit among --out no && check "nothing is left" contains errors "nothing to audit"
refused "confidence" 2 "--confidence is '2'" audit cscore --scores scores.npz study --confidence 2
refused "draws" 2 "--draws is '5'" audit cscore --scores scores.npz study --draws 5

# Files from elsewhere
run 0 audit --predictions a.npz b.npz --labels labels.npy --class-names names.txt --out report
check "a page" [ -f report/audit.html ]
check "its path last" [ "$(tail -n 1 output)" = report/audit.html ]
check "every example" [ "$(wc -l <report/examples.csv)" = 121 ]
check "a summary" [ "$(field report/audit.json "['comparisons'][0]['method']")" = b ]
check "names of classes" contains report/comparisons.csv middle
run 0 audit old=a.npz new=b.npz new=a.npz --labels labels.npy --scores scores.npz --out report2 --json
check "names of methods" [ "$(field output "['methods']['new']['trainings']")" = 2 ]
run 0 audit b.npz a.npz --labels labels.npy --baseline a --out report3 --json
check "another baseline" [ "$(field output "['baseline']")" = a ]
refused "no labels" 2 "labels" audit a.npz b.npz --out no
refused "NaN" 2 "example 17, class 1" audit a.npz nan.npz --labels labels.npy --out no
refused "other examples" 2 "17" audit a.npz shorter.npz --labels labels.npy --out no
refused "one class" 2 "class 1" audit a.npz b.npz --labels one-class.npy --out no
touch file
refused "a file for a folder" 2 "is a file" audit a.npz b.npz --labels labels.npy --out file
refused "more errors than examples" 2 "accepted: up to 60" audit cscore --scores scores.npz study --matched 121
for option in matched draws seed; do
  refused "$option without scores" 2 "--$option is for the table of scores; accepted: --scores FILE too" \
    audit a.npz b.npz --labels labels.npy --$option 100 --out no
done
run 0 audit a.npz b.npz --labels labels.npy --quantiles 3 --out thirds --json
check "quantiles need no scores" [ "$(field output "['comparisons'][0]['difficulty'].__len__()")" = 3 ]
refused "no such baseline" 2 "accepted: a, b" audit a.npz b.npz --labels labels.npy --baseline c --out no
refused "no such file" 1 "c.npz" audit a.npz c.npz --labels labels.npy --out no
refused "data without their kind" 2 "dataset=NAME" audit a.npz b.npz --labels labels.npy path=data.npz --out no
refused "labels of other predictions" 2 "labels differ from those of wrong-labels.npy" audit study --labels wrong-labels.npy --out no
run 0 audit study --out report4
check "pictures of the run's data" contains report4/audit.html data:image/png

# Exports
run 0 audit export --format cleanlab --method ERM study --out probs.npz
run 0 audit export --format cscores a.npz --labels labels.npy --out made.npz
run 0 audit cscore --scores made.npz study
check "scores made here are scores" contains output "mean score"
check "of other trainings" bash -c '! grep -q "made of" errors'
run 0 audit cscore --scores made.npz a.npz b.npz --labels labels.npy
check "scores of the same trainings" contains errors "made.npz was made of 1 of the predictions that are audited (a.npz)"
refused "which method" 2 "CutMix" audit export --format cleanlab study --out no.npz
for format in cleanlab cscores; do
  refused "$format is an archive" 2 "--out is 'no.npy'; accepted: a file that ends in .npz" \
    audit export --format $format --method ERM study --out no.npy
  check "and nothing is written" [ ! -e no.npy ]
done
refused "which format" 2 "accepted: cleanlab, cscores, cartography" audit export --format csv study --out no
refused "nothing logged" 1 "log_examples" audit export --format cartography study/erm-fold1of2-seed1 --out no
exit $((failures > 0))
