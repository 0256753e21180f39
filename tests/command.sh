# What the tests of the command share; they source it. Needs CUTLAB_BINARY; skips without Python,
# which makes and reads files. Leaves the shell in an empty folder that goes when it ends.
# shellcheck shell=bash
set -u
command -v python3 >/dev/null || exit 77
cutlab=$(realpath "${CUTLAB_BINARY:?}")
folder=$(mktemp -d /tmp/cutlab-command-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
failures=0
subcommand=() # put before the arguments of every run

ok() { echo "ok $1"; }
not_ok() {
  echo "not ok $1"
  failures=$((failures + 1))
}
# check NAME COMMAND...: the command succeeds
check() {
  local name=$1
  shift
  if "$@"; then ok "$name"; else not_ok "$name"; fi
}
# execute CODE ARGUMENTS...: runs cutlab; its output lands in `output` and `errors`
execute() {
  local expected=$1 code=0
  shift
  "$cutlab" "${subcommand[@]}" "$@" >output 2>errors </dev/null || code=$?
  [ "$code" = "$expected" ] && return 0
  echo "# exit code $code instead of $expected: cutlab ${subcommand[*]} $*"
  sed 's/^/# /' errors
  return 1
}
# run CODE ARGUMENTS...: the same, and another exit code is a failure
run() { execute "$@" || { not_ok "exit code of cutlab ${subcommand[*]} ${*:2}"; return 1; }; }
# refused NAME CODE TEXT ARGUMENTS...: exits with CODE, prints nothing but one line
# "cutlab: ...TEXT...", and leaves no folder or file `no` and nothing half-written behind
refused() {
  local name=$1 code=$2 text=$3
  shift 3
  if execute "$code" "$@" && [ ! -s output ] && [ "$(wc -l <errors)" = 1 ] &&
    [[ $(cat errors) == "cutlab: "*"$text"* ]] && [ ! -e no ] && ! compgen -G '*.part-*' >/dev/null; then
    ok "$name"
  else
    not_ok "$name"
    sed 's/^/# /' errors
    rm -rf no ./*.part-*
  fi
}
# catches SIGNAL: $process handles it, so that it can be asked to stop (bits: proc(5), SigCgt)
catches() {
  local bits
  bits=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$process/status" 2>/dev/null)
  [ "/proc/$process/exe" -ef "$cutlab" ] && ((16#${bits:-0} >> ($(kill -l "$1") - 1) & 1))
}
# hold CONDITION ARGUMENTS...: starts cutlab and holds it (SIGSTOP) once CONDITION, a command, is
# true: $process. One that was at its end first is started anew; `stopped` is the place for --out.
hold() {
  local condition=$1
  shift
  for _ in {1..20}; do
    rm -rf stopped
    # background jobs of a script ignore SIGINT unless told otherwise
    env --default-signal=INT "$cutlab" "${subcommand[@]}" "$@" >held-output 2>held-errors </dev/null &
    process=$!
    until eval "$condition" || ! kill -0 $process 2>/dev/null; do sleep 0.01; done
    kill -STOP $process 2>/dev/null && grep -q '^State:.[^ZX]' /proc/$process/status 2>/dev/null && return
    wait $process
  done
  not_ok "cutlab ${subcommand[*]} $* ends before: $condition"
  return 1
}
# obeys SIGNAL: what is held goes on with that signal, and ends as it is to: by the exit code, with
# one line, progress apart
obeys() {
  local code=0
  kill -s "$1" "$process" && kill -CONT "$process"
  wait "$process" || code=$?
  mv held-output output
  mv held-errors errors
  [ $code = $((128 + $(kill -l "$1"))) ] && [ "$(grep -c "^cutlab: " errors)" = 1 ] && return
  echo "# exit code $code after $1"
  sed 's/^/# /' errors
  return 1
}
contains() { grep -qF -- "$2" "$1" || { echo "# $1 lacks '$2'"; return 1; }; }
field() { python3 -c "import json, sys; print(json.load(open(sys.argv[1]))$2)" "$1"; }
