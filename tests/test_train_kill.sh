#!/bin/bash
# Training is killed twenty times, mostly while it writes a checkpoint, and goes on every time: no
# complete checkpoint is lost, and in the end all is as in a run that nobody killed.
# Needs CUTLAB_BINARY.
command -v python3 >/dev/null || exit 77
cutlab=$(realpath "${CUTLAB_BINARY:?}") || exit 1
folder=$(mktemp -d /tmp/cutlab-kill-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
CUTLAB_BINARY=$cutlab OMP_WAIT_POLICY=passive python3 - <<'PY'
import json, os, random, signal, subprocess, time, zipfile

kills, epochs = 20, 64
cutlab = os.environ["CUTLAB_BINARY"]
settings = ["dataset=feature-noise", "train_examples=32", "test_examples=16", "batch=16",
            "model=linear(256) | relu | dropout(.1) | linear", "method=cutmix", "backend=reference",
            f"epochs={epochs}", "checkpoint_every=1", "keep=2", "log_steps=yes",
            "learning_rate=.01", "momentum=.9", "workers=1"]
draw = random.Random(1)


def command(run):
    begun = os.path.exists(f"{run}/run.json")
    return [cutlab, "train", "--quiet", *(["--resume", run] if begun else [*settings, "--out", run])]


def names(run):
    try:
        return os.listdir(f"{run}/checkpoints")
    except FileNotFoundError:
        return []


def temporaries(run):
    return {name for name in names(run) if name.endswith(".tmp")}


def complete(run):
    return [int(name[:-4]) for name in names(run) if name.endswith(".npz")]


def newest_whole(run):
    """The last step of the checkpoints, every one of which must be whole."""
    for step in complete(run):
        with zipfile.ZipFile(f"{run}/checkpoints/{step:08}.npz") as archive:
            assert archive.testzip() is None, step
            assert json.loads(archive.read("state.npy")[128:])["epoch"] == step // 2, step
            assert len(archive.namelist()) == 9, archive.namelist()
    return max(complete(run), default=0)


def await_writing(process, run, skipped):
    """Returns when the checkpoint after `skipped` others is being written."""
    old, seen, end = temporaries(run), set(), time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end and len(seen) <= skipped:
        seen |= temporaries(run) - old


def kill_one(run, number):
    """Whether it left a file half written; None if the run was at its end first."""
    before, old = newest_whole(run), temporaries(run)
    process = subprocess.Popen(command(run), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if number % 5 == 4:  # at any time: perhaps before there is a run at all
        time.sleep(draw.uniform(0, 0.05))
    else:
        await_writing(process, run, draw.randrange(3))
        time.sleep(draw.choice([0, 0, 0.0005, 0.005]))
    reached = max(complete(run), default=0)
    process.kill()
    errors = process.communicate()[1].decode()
    if process.returncode == 0:
        return None
    assert process.returncode == -signal.SIGKILL, (process.returncode, errors)
    assert newest_whole(run) >= max(before, reached), (before, reached, names(run))
    return bool(temporaries(run) - old)


def lines(run, file):
    timed = ("seconds", "images_per_second")
    with open(f"{run}/{file}", encoding="utf-8") as text:
        return [{k: v for k, v in json.loads(line).items() if k not in timed} for line in text]


def content(run, file):
    with open(f"{run}/{file}", "rb") as data:
        return data.read()


def compare(run):
    for file in ("metrics.jsonl", "steps.jsonl"):
        assert lines(run, file) == lines("whole", file), file
    assert content(run, "logits.npz") == content("whole", "logits.npz")
    stray = [name for _, _, files in os.walk(run) for name in files if name.endswith(".tmp")]
    assert not stray, stray
    assert newest_whole(run) == 2 * epochs
    assert sorted(complete(run)) == [2 * epochs - 2, 2 * epochs], complete(run)


subprocess.run(command("whole"), check=True, stdout=subprocess.DEVNULL)
torn, runs = [], 1
while len(torn) < kills:
    left = kill_one(f"killed{runs}", len(torn))
    if left is None:  # a busy machine may let a run come to its end: on with another
        compare(f"killed{runs}")
        runs += 1
    else:
        torn.append(left)
print(f"killed {kills} times in {runs} runs, {sum(torn)} times in a write")
assert any(torn), "no kill hit a write"
subprocess.run(command(f"killed{runs}"), check=True, stdout=subprocess.DEVNULL)
compare(f"killed{runs}")
PY
