#!/usr/bin/env bash
# Several processes as one, under mpirun: the transport, what is refused, and one training divided
# by examples.
# shellcheck source=tests/command.sh
. "$(dirname "$(realpath "$0")")/command.sh"
if ! command -v mpirun >/dev/null || [ ! -e "$CUTLAB_BUILD/libcutlab_mpi.so" ]; then
  echo "skipped: no mpirun, or CutLab was built without MPI"
  exit 77
fi
# mpirun's own: as root, and more ranks than cores (Open MPI 4, and 5). It leaks, by its own account
# to the end.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
export OMP_WAIT_POLICY=passive ASAN_OPTIONS=detect_leaks=0

# Open MPI 4 passes on what ranks say once the job is to end; 5 ends them at once, and names the dead
# itself.
[[ $(mpirun --version) == *"(Open MPI) 4."* ]] && last_words=1 || last_words=0
# final NAME COMMAND...: check, where a job's last words are heard
final() { ((last_words == 0)) || check "$@"; }

# ranks COUNT CODE ARGUMENTS...: cutlab as COUNT processes; `said` is what CutLab said of errors
ranks() {
  local count=$1 expected=$2 code=0
  shift 2
  timeout 300 mpirun -np "$count" "$cutlab" "$@" >output 2>errors </dev/null || code=$?
  grep '^cutlab: ' errors >said
  [ "$code" = "$expected" ] && return 0
  echo "# exit code $code instead of $expected: mpirun -np $count cutlab $*"
  sed 's/^/# /' errors
  return 1
}
# refused_together NAME CODE TEXT ARGUMENTS...: two processes say it in one line, once
refused_together() {
  local name=$1 code=$2 text=$3
  shift 3
  if ranks 2 "$code" "$@" && [ ! -s output ] && [ "$(wc -l <said)" = 1 ] &&
    contains said "$text" && [ ! -e no ]; then
    ok "$name"
  else
    not_ok "$name"
    sed 's/^/# /' said
    rm -rf no
  fi
}

quietly() {
  "$@" >log 2>&1 && return 0
  sed 's/^/# /' log
  return 1
}

for count in 2 3; do
  CUTLAB_MPI_MODULE=$CUTLAB_BUILD/libcutlab_mpi.so check "transport between $count" \
    quietly timeout 300 mpirun -np $count "$CUTLAB_BUILD/tests/test_transport"
done

refused_together "a command of one process" 2 "set CUTLAB_ALONE=1" optimum --patches 3
refused_together "a misuse" 2 "nearest: quick" simulate --preset quik
refused_together "an export" 2 "--export-dataset" simulate --preset quick --export-dataset no
CUTLAB_MPI_MODULE=/nowhere/m.so refused_together "no module" 1 "this job has 2 processes" \
  simulate --preset quick --out no
CUTLAB_ALONE=1 check "each on its own" ranks 2 0 optimum --patches 3 --positives 1 --examples 2
check "each says what it found" [ "$(grep -c 1.3954 output)" -ge 2 ]

# The installed command, and a program with the library in it, find the module as well.
cmake --install "$CUTLAB_BUILD" --prefix "$folder/installed" >log 2>&1 || not_ok "install"
cutlab=$folder/installed/bin/cutlab check "installed" ranks 2 0 simulate --preset quick iterations=3

# One training divided by examples. 41 of them: the parts are not equal.
world=(--preset quick examples=41 form=held iterations=60 log_points=4)
# alike FOLDER FOLDER: the same numbers to rounding, in all files
alike() {
  python3 - "$1" "$2" <<'PYTHON'
import json, math, sys
ignored = {"seconds", "iterations_per_second"}
def compare(a, b, where):
    if isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key in a.keys() - ignored: compare(a[key], b[key], f"{where}.{key}")
    elif isinstance(a, list):
        assert len(a) == len(b), where
        for i, (x, y) in enumerate(zip(a, b)): compare(x, y, f"{where}[{i}]")
    elif isinstance(a, float) or isinstance(b, float):
        assert math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12), f"{where}: {a} {b}"
    else:
        assert a == b, f"{where}: {a} {b}"
one, other = sys.argv[1:]
for name in "result.json", "metrics.jsonl":
    with open(f"{one}/{name}") as f, open(f"{other}/{name}") as g:
        text, again = f.read(), g.read()
    if name.endswith("l"):
        text, again = ("[" + ",".join(t.splitlines()) + "]" for t in (text, again))
    compare(json.loads(text), json.loads(again), name)
PYTHON
}
for method in erm cutout cutmix; do
  run 0 simulate "${world[@]}" method=$method --out one-$method
  for count in 2 3; do
    check "$method in $count processes" ranks $count 0 simulate "${world[@]}" method=$method \
      --out many-$method-$count
    check "$method in $count processes: the same numbers" alike one-$method many-$method-$count
  done
done
other=(filters=3 bias=yes initialisation=uniform noise=full label_flips=0.1 monte_carlo=200
       method=cutmix learning_rate=0.1)
run 0 simulate "${world[@]}" "${other[@]}" --out one-other
check "many filters in 3 processes" ranks 3 0 simulate "${world[@]}" "${other[@]}" --out many-other
check "many filters in 3 processes: the same numbers" alike one-other many-other
check "rank 0 alone prints the result" [ "$(grep -c 'train accuracy' output)" = 1 ]

refused_together "Gram form" 2 "form=held" simulate --preset quick form=gram
refused_together "Mixup" 2 "erm, cutout and cutmix" simulate --preset quick method=mixup
refused_together "sampled" 2 "objective=exact" simulate --preset quick objective=sampled
refused_together "direct sums" 2 "path=chebyshev" simulate --preset quick path=direct
refused_together "a data set" 2 "by one process" simulate --dataset given.npz
refused_together "a taken folder" 2 "already holds a run" simulate "${world[@]}" --out one-erm
refused_together "fewer examples than processes" 2 "at least one for each" \
  simulate --preset quick examples=1

# wait_for FILE: at most a minute
wait_for() {
  for _ in {1..600}; do
    [ -s "$1" ] && return
    sleep 0.1
  done
  return 1
}

# Stopped in two processes, a training goes on in three, and once more in one.
long=("${world[@]}" method=cutmix iterations=4000)
run 0 simulate "${long[@]}" --out whole
mpirun -np 2 "$cutlab" simulate "${long[@]}" --out parts >output 2>errors </dev/null &
job=$!
check "a training in two processes begins" wait_for parts/metrics.jsonl
sleep 0.2
kill -TERM $job
wait $job
[ -e parts/result.json ] || final "it says how to go on" contains errors "go on with: cutlab simulate"
check "it goes on in three processes" ranks 3 0 simulate --resume parts
check "stopped or not: the same numbers" alike whole parts
rm -f parts/result.json
check "it goes on alone" run 0 simulate --resume parts
check "alone or not: the same numbers" alike whole parts

# A sweep, dealt out
sweep=(sweep --preset quick seeds=12)
files=(results.csv runs.csv results.npz sweep.json sweep.yaml)
run 0 "${sweep[@]}" --out sweep-one
same_files() {
  local file
  for file in "${files[@]}"; do cmp "sweep-one/$file" "$1/$file" || return; done
}
for count in 2 3; do
  check "a sweep in $count processes" ranks $count 0 "${sweep[@]}" --out sweep-$count
  check "a sweep in $count processes: the same bytes" same_files sweep-$count
done
check "a finished sweep" ranks 2 0 sweep --out sweep-2
for shard in 1 2; do
  check "shard $shard in two processes" ranks 2 0 "${sweep[@]}" --shard $shard/2 --out sweep-shards
done
run 0 sweep --merge --out sweep-shards
check "shards of two processes each: the same bytes" same_files sweep-shards
refused_together "a merge" 2 "--merge is the work of one process" sweep --merge --out sweep-shards
refused_together "a bad spec" 2 "seeds" "${sweep[@]}" seeds=none --out no
if mpirun -np 1 true : -np 1 true >/dev/null 2>&1; then # some builds of Open MPI 5 crash here
  mpirun -np 1 "$cutlab" "${sweep[@]}" --shard 1/2 --out no : \
    -np 1 "$cutlab" "${sweep[@]}" --shard 2/2 --out no >output 2>errors </dev/null
  check "different shards in one job" contains errors "ranks 0 and 1 were given different shards"
fi
check "different shards: nothing is written" [ ! -e no ]

# kill_rank RANK FOLDER: kills one of three processes of a sweep with SIGKILL. A sweep that was at
# its end first is begun anew.
kill_rank() {
  local job ranks
  for _ in {1..10}; do
    mpirun -np 3 "$cutlab" "${sweep[@]}" --threads 1 --out "$2" >output 2>errors </dev/null &
    job=$!
    wait_for "$2/journal.sqlite" || return
    sleep 0.7
    ranks=()
    read -ra ranks <"/proc/$job/task/$job/children"
    [ ${#ranks[@]} = 3 ] && kill -9 "${ranks[$1]}"
    wait "$job" || return 0
    rm -rf "$2"
  done
  return 1
}
check "a dead rank ends the job" kill_rank 2 sweep-dead
check "a dead rank is named" contains errors "rank 2 "
final "a dead rank is named by the others" contains errors "rank 2 does not answer"
final "what is done is said" grep -q "cutlab: .* of 720 runs are done; .*goes on" errors
check "a dead rank 0 ends the job" kill_rank 0 sweep-dead
check "the same command goes on" ranks 2 0 "${sweep[@]}" --out sweep-dead
check "after dead ranks: the same bytes" same_files sweep-dead
exit $((failures > 0))
