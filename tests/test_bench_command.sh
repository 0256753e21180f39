#!/bin/bash
# cutlab bench objective: what it prints, its bound, and one line for every bad input.
# Needs CUTLAB_BINARY.
# shellcheck source=tests/command.sh
. "$(dirname "$(realpath "$0")")/command.sh"
subcommand=(bench objective)

# number FIELD: of the JSON object in `output`
number() { field output "['$1']"; }
# holds EXPRESSION: Python, with the JSON object in `output` as r
holds() { python3 -c 'import json, sys; r = json.load(open("output")); sys.exit(not eval(sys.argv[1]))' "$1"; }

# One evaluation
run 0 --examples 200 --patches 3 --json
check "what it says" holds '{"seconds", "terms", "error_bound", "loss", "gradient_norm", "path"} <= set(r)'
check "bound" holds '0 < r["error_bound"] <= r["tolerance"] == 1e-10'
check "path" holds 'r["path"] == "chebyshev" and 8 < r["nodes"] < 100 and r["terms"] > 1000'
loss=$(number loss)
run 0 --examples 200 --patches 3 --path direct --json
check "direct sums agree within the bound" holds "abs(r['loss'] / $loss - 1) <= 1e-10"
run 0 --examples 200 --patches 3 --seed 2 --json
check "another seed" holds "r['loss'] != $loss"
run 0 --examples 200 --patches 3 --tolerance 1e-4 --repeat 3 --json
check "tolerance" holds "r['tolerance'] == 1e-4 and r['nodes'] < 20 and r['repeat'] == 3"
run 0 --examples 200 --patches 3 && check "text" contains output "error at most"

# Many patches, all methods
for method in "cutmix" "cutout --cut-size 16" "erm"; do
  # shellcheck disable=SC2086
  run 0 --method $method --examples 24 --patches 64 --monte-carlo 20000 --threads 1 --json
  check "$method: bound" holds 'r["error_bound"] <= 1e-10'
  check "$method: random samples agree" holds \
    'all(abs(r["monte_carlo"][k] - r[k]) < 4.5 * r["monte_carlo"][k + "_error"] for k in ("loss", "slope"))'
done
run 0 --examples 24 --patches 64 --subsets contiguous --monte-carlo 20000 --json
check "runs: path" holds 'r["path"] == "chebyshev"'
check "runs: random samples agree" holds \
  'abs(r["monte_carlo"]["loss"] - r["loss"]) < 4.5 * r["monte_carlo"]["loss_error"]'

# Help
run 0 --help && check "help" contains output "--monte-carlo SAMPLES"
subcommand=()
run 0 --man && check "man page" contains output "bench objective"
subcommand=(bench)
run 0 --help && check "help of the subject" contains output "bench objective"
subcommand=()
refused "no subject" 2 "nearest: bench objective" bench
subcommand=(bench objective)

# Misuse
refused "no examples" 2 "--examples is missing" --patches 3
refused "no patches" 2 "--patches is missing" --examples 3
refused "two patches" 2 "with two patches there is none; accepted: 3 to 64" --examples 9 --patches 2
refused "too many patches" 2 "2 to 64" --examples 9 --patches 65
refused "unknown method" 2 "erm | cutout | cutmix" --examples 9 --patches 3 --method mixup
refused "unknown path" 2 "fourier" --examples 9 --patches 3 --path fast
refused "unknown subsets" 2 "arbitrary | contiguous" --examples 9 --patches 3 --subsets all
refused "cut size of another method" 2 "cutout" --examples 9 --patches 3 --cut-size 1
refused "whole cut" 2 "1 to 2" --examples 9 --patches 3 --method cutout --cut-size 3
refused "tolerance" 2 "1e-14 to 1e-2" --examples 9 --patches 3 --tolerance 0
refused "tolerance with a unit" 2 "'1e-9x'" --examples 9 --patches 3 --tolerance 1e-9x
refused "operand" 2 "takes none" --examples 9 --patches 3 cutmix
refused "too many subsets" 2 "up to 2^20" --examples 9 --patches 21 --path direct
refused "waves for runs" 2 "subsets=arbitrary" --examples 9 --patches 5 --path fourier --subsets contiguous
refused "bound that cannot be kept" 1 "a --tolerance of at least" --examples 900 --patches 3 --tolerance 1e-14
refused "what does not fit" 1 "examples of 3 patches needs" --examples 1000000000 --patches 3

# Ctrl-C, in the first evaluation
for what in "-n 20000 -p 64" "-n 1000 -p 16 --path brute" "-n 1000000 -p 16" \
  "-n 1000000 -p 40 -m cutout --cut-size 9"; do
  # shellcheck disable=SC2086
  hold "catches TERM" $what && kill -CONT "$process" && sleep 0.3
  check "stopped: $what" obeys TERM
  check "stopped: $what: one word" grep -qx "cutlab: cancelled" errors
done
exit "$((failures > 0))"
