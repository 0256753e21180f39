#!/bin/bash
# A sweep is killed twenty times at random moments and goes on every time: what is in the journal
# stays there, and in the end all is as in a sweep that nobody killed. Needs CUTLAB_BINARY.
command -v python3 >/dev/null || exit 77
cutlab=$(realpath "${CUTLAB_BINARY:?}") || exit 1
folder=$(mktemp -d /tmp/cutlab-sweep-kill-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
cat >spec.yaml <<'YAML'
preset: quick
parameters: {examples: 20, iterations: 60}
axes:
  method: [erm, cutout, cutmix]
  sigma_d: {from: 0.1, to: 0.5, count: 50}
seeds: 4
measure: [train_loss, population_accuracy, feature_1]
YAML
CUTLAB_BINARY=$cutlab OMP_WAIT_POLICY=passive python3 - <<'PY'
import os, random, shutil, signal, sqlite3, subprocess, time

kills = 20
no_tools = {**os.environ, "PATH": "/nonexistent"}  # figures are drawn by others
draw = random.Random(1)


def command(folder):
    return [os.environ["CUTLAB_BINARY"], "sweep", "spec.yaml", "--out", folder, "--quiet"]


def finished(folder):
    """Rows of the journal, as whoever comes next finds them; the files stay as they are."""
    shutil.rmtree("copy", ignore_errors=True)
    os.mkdir("copy")
    for end in ("", "-wal"):
        try:
            shutil.copy(f"{folder}/journal.sqlite{end}", "copy")
        except FileNotFoundError:
            pass
    try:
        with sqlite3.connect("copy/journal.sqlite") as journal:
            return {key for key, in journal.execute("SELECT key FROM runs")}
    except sqlite3.DatabaseError:
        return set()  # not made yet, or copied while it was written


def kill_one(folder, number):
    """What was finished at the kill; None if the sweep was at its end first."""
    before = finished(folder)
    process = subprocess.Popen(command(folder), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               env=no_tools)
    if number % 4 == 3:  # at any time: perhaps before there is a journal
        time.sleep(draw.uniform(0, 0.3))
    else:
        end = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < end and finished(folder) <= before:
            time.sleep(0.005)
        time.sleep(draw.uniform(0, 0.2))
    seen = before | finished(folder)
    process.kill()
    errors = process.communicate()[1].decode()
    if process.returncode == 0:
        return None
    assert process.returncode == -signal.SIGKILL, (process.returncode, errors)
    kept = finished(folder)
    assert kept >= seen, f"{len(seen - kept)} finished runs are lost"
    return kept


def compare(folder):
    for file in ("results.csv", "runs.csv", "results.npz", "sweep.json", "sweep.yaml"):
        with open(f"whole/{file}", "rb") as one, open(f"{folder}/{file}", "rb") as other:
            assert one.read() == other.read(), file
    stray = [name for name in os.listdir(folder) if name.endswith(".tmp")]
    assert not stray, stray
    keys = finished(folder)
    with sqlite3.connect("copy/journal.sqlite") as journal:
        count, = journal.execute("SELECT count(*) FROM runs").fetchone()
    assert count == len(keys) == 600, (count, len(keys))  # no run was done twice


subprocess.run(command("whole"), check=True, stdout=subprocess.DEVNULL, env=no_tools)
killed, sweeps, amounts = 0, 1, []
while killed < kills:
    kept = kill_one(f"killed{sweeps}", killed)
    if kept is None:
        compare(f"killed{sweeps}")
        sweeps += 1
    else:
        killed += 1
        amounts.append(len(kept))
print(f"killed {kills} times in {sweeps} sweeps, with {amounts} of 600 runs finished")
assert max(amounts) > 0
subprocess.run(command(f"killed{sweeps}"), check=True, stdout=subprocess.DEVNULL, env=no_tools)
compare(f"killed{sweeps}")
PY
