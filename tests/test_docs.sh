#!/usr/bin/env bash
# The documentation: its links lead somewhere, what it quotes from files stands there, its policies
# are accepted or refused as it says, its trainings are accepted, and the page on series runs.
# A fenced block marked "```LANGUAGE PATH" is a quotation of PATH.
set -uo pipefail
cd "$CUTLAB_SOURCE" || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

not_ok() {
  echo "not ok: $1"
  failures=$((failures + 1))
}

# blocks PAGE INFO: the fenced blocks of that mark, as files $work/block-1 and so on; how many.
blocks() {
  rm -f "$work"/block-*
  awk -v mark="\`\`\`$2" -v to="$work/block-" '
    inside && /^```$/ { inside = 0; next }
    inside { print > (to count) }
    $0 == mark { inside = 1; ++count }
    END { print count + 0 }' "$1"
}

pages=(*.md docs/*.md bindings/python/*.md)

# Links
for page in "${pages[@]}"; do
  while IFS= read -r target; do
    [[ $target == *:* || -e $(dirname "$page")/${target%%#*} ]] || not_ok "$page: link to $target"
  done < <(grep -o '](\([^)#][^)]*\))' "$page" | sed 's/^](//; s/)$//')
done

# Quotations
quotations=0
for page in "${pages[@]}"; do
  while read -r mark path; do
    if [[ ! -e $path ]]; then
      not_ok "$page: quotes $path, which is not there"
      continue
    fi
    count=$(blocks "$page" "$mark $path")
    for ((i = 1; i <= count; ++i)); do
      quotations=$((quotations + 1))
      [[ $(<"$path") == *"$(<"$work/block-$i")"* ]] ||
        not_ok "$page: block $i of $path does not stand there"
    done
  done < <(sed -n 's/^```\([a-z]* [^ ]*\)$/\1/p' "$page" | sort -u)
done
((quotations > 8)) || not_ok "only $quotations quotations"

# Policies: ```policy and ```refused, one a line; ```yaml; code in the text that has brackets or bars.
describe() {
  "$CUTLAB_BINARY" augment --describe "$1" --draws 100 >"$work/said" 2>"$work/errors"
}
accepted=0
accept() {
  accepted=$((accepted + 1))
  describe "$2" || not_ok "$1: '$2' is refused: $(cat "$work/errors")"
}
for page in docs/policies.md docs/augmentation.md docs/time-series.md docs/in-c.md; do
  count=$(blocks "$page" policy)
  for ((i = 1; i <= count; ++i)); do
    while IFS= read -r line; do accept "$page" "$line"; done <"$work/block-$i"
  done
  while IFS= read -r line; do accept "$page" "$line"; done < <(
    awk -F'`' '/^```/ { fenced = !fenced; next }
      !fenced { for (i = 2; i < NF; i += 2) if ($i ~ /[(|]/) print $i }' "$page")
done
page=docs/policies.md
count=$(blocks $page yaml)
for ((i = 1; i <= count; ++i)); do
  accept "$page" "@$work/block-$i"
  head -n 1 "$work/said" >"$work/yaml"
done
accept "$page" "$(awk '/^is the same as/ { seen = 1 } seen && /^flip/ { print; exit }' $page)"
head -n 1 "$work/said" | diff "$work/yaml" - || not_ok "$page: YAML and text are not the same"
count=$(blocks $page refused)
for ((i = 1; i <= count; ++i)); do
  while IFS= read -r line; do
    describe "$line" && not_ok "$page: '$line' is accepted"
    grep -q '^cutlab: policy' "$work/errors" || not_ok "$page: '$line': $(cat "$work/errors")"
  done <"$work/block-$i"
done
((accepted > 15)) || not_ok "only $accepted policies"

# Trainings: every `cutlab train` of the pages is accepted, on data that need no files
cutlab() {
  local arguments=() own=(dataset=feature-noise path= train_examples=64 test_examples=8 --describe)
  [[ $1 == train && " $* " != *" --resume "* ]] || return 0
  while shift && (($#)); do
    case $1 in
      --out) shift ;;
      --print-config) own=("$1") ;;
      *) arguments+=("$1") ;;
    esac
  done
  "$CUTLAB_BINARY" train "${arguments[@]}" "${own[@]}"
}
trainings=0
for page in README.md docs/training.md docs/data.md; do
  while IFS= read -r line; do
    trainings=$((trainings + 1))
    (cd "$work" && export method=cutmix seed=2 && eval "$line") \
      >"$work/said" 2>"$work/errors" </dev/null ||
      not_ok "$page: '$line' is refused: $(cat "$work/errors")"
  done < <(awk '/^    / { sub(/^ */, ""); line = line $0; if (sub(/\\$/, "", line)) next
      if (line ~ /^cutlab train/) print line }
    { line = "" }' "$page")
done
((trainings > 12)) || not_ok "only $trainings trainings"

# The ledger of the example
"$CUTLAB_BUILD/examples/example_04_augment" "$work/ledger.jsonl" >/dev/null
[[ $(wc -l <"$work/ledger.jsonl") == 4 ]] || not_ok "the example's ledger"

# The page on series: its Python and shell, block after block
run_page() {
  awk '/^```(python|sh)$/ { inside = substr($0, 4); next }
    /^```$/ { inside = "" }
    inside == "python" { print }
    inside == "sh" { print "import subprocess; subprocess.run(" quote $0 quote ", shell=True, check=True, stdout=-3)" }
    ' quote='"""' "$1" >"$work/page.py"
  (cd "$work" && PATH=$(dirname "$CUTLAB_BINARY"):$PATH CUTLAB_LIBRARY=$CUTLAB_BUILD/libcutlab.so \
    PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$CUTLAB_SOURCE/bindings/python "$python" page.py)
}
python=${CUTLAB_PEER_PYTHON:-/usr/bin/python3}
if grep -q '^CUTLAB_SANITIZE:.*=.' "$CUTLAB_BUILD/CMakeCache.txt" ||
  ! "$python" -c 'import numpy, cffi' 2>"$work/errors"; then
  echo "docs/time-series.md is not run: a sanitized library, or no NumPy and cffi"
else
  run_page docs/time-series.md >"$work/series" || not_ok "docs/time-series.md"
  diff examples/05_series.expected "$work/series" || not_ok "Python and C give other series"
fi

((failures == 0)) && echo "the documentation holds: $quotations quotations, $accepted policies, $trainings trainings"
exit $((failures > 0))
