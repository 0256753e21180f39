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
contains() { grep -qF -- "$2" "$1" || { echo "# $1 lacks '$2'"; return 1; }; }
field() { python3 -c "import json, sys; print(json.load(open(sys.argv[1]))$2)" "$1"; }
