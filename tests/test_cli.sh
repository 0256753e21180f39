#!/bin/bash
# The command: what it prints, its exit codes, and one line for every bad input.
# Needs CUTLAB_BINARY.
# shellcheck source=tests/command.sh
. "$(dirname "$(realpath "$0")")/command.sh"
tiny=(--preset quick iterations=20 examples=12 dimension=60 log_points=5)

is_json() { python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$1"; }

# Help, version, man page
run 2 && check "no command: help on standard error" contains errors "Usage: cutlab COMMAND"
check "no command: nothing on standard output" [ ! -s output ]
run 0 --help && check "help" contains output "reproduce"
for command in simulate optimum reproduce report augment; do
  run 0 $command --help && check "help of $command" contains output "Usage: cutlab $command"
done
run 0 simulate --help && check "help lists parameters" contains output "stop_gradient_norm"
run 0 simulate --help && check "help lists defaults" contains output "default: [0.8, 0.15, 0.05]"
run 0 --version && check "version" grep -qE '^cutlab [0-9]+\.[0-9]+\.[0-9]+$' output
run 0 optimum --version && check "version of a subcommand" grep -q '^cutlab [0-9]' output
if command -v groff >/dev/null; then
  run 0 --man && cp output cutlab.1
  check "man page without warnings" [ -z "$(groff -man -Tutf8 -ww cutlab.1 2>&1 >rendered)" ]
  check "man page has the parameters" contains rendered "Step size"
fi

# Misuse
refused "unknown command" 2 "nearest: simulate" simulat
refused "unknown option of the command" 2 "nearest: --help" --hlp
refused "unknown option" 2 "nearest: --iterations" simulate --iteration 3
refused "abbreviated option" 2 "nearest: --seeds" reproduce --seed 3
refused "unknown short option" 2 "'-z'" simulate -z
refused "option without value" 2 "--seed needs a value" simulate --seed
refused "flag with value" 2 "--json takes no value" simulate --json=3
refused "operand" 2 "key=value" simulate foo
refused "operand without key" 2 "key=value" simulate =3
refused "operand of reproduce" 2 "key=value" reproduce foo
refused "operand of optimum" 2 "takes none" optimum foo
refused "threads" 2 "0 to 1024" simulate --threads -1
refused "empty output folder" 2 "--out" simulate --out ""

# Parameters
refused "negative sigma_d" 2 "sigma_d is '-1'" simulate sigma_d=-1
refused "NaN sigma_b" 2 "sigma_b is 'nan'" simulate sigma_b=nan
refused "infinite sigma_0" 2 "sigma_0 is 'inf'" simulate sigma_0=inf
refused "learning rate 0" 2 "learning_rate is '0'" simulate learning_rate=0
refused "alpha 1" 2 "alpha is '1'" simulate alpha=1
refused "frequencies not summing to 1" 2 "sum to 0.9" simulate 'frequencies=[0.8, 0.1]'
refused "frequencies ascending" 2 "item 2" simulate 'frequencies=[0.2, 0.8]'
refused "examples beyond memory" 1 "holding the patches in R^d needs" simulate examples=100000000 --out no
refused "|C| = P" 2 "|C| must be below P" simulate method=cutout cut_size=3
refused "no examples" 2 "examples is '0'" simulate examples=0
refused "one patch" 2 "patches is '1'" simulate patches=1
refused "dimension below 2K" 2 "2K = 6" simulate dimension=5
refused "seed overflow" 2 "9223372036854775807" simulate --seed 9223372036854775808
refused "fraction of an iteration" 2 "integer" simulate --iterations 1.5
refused "unknown method" 2 "erm | cutout | cutmix | mixup" simulate --method fmix
refused "unknown parameter" 2 "unknown parameter 'sigma_D'; nearest: sigma_d" simulate sigma_D=1
refused "unknown preset" 2 "nearest: theory" simulate --preset theroy
refused "preset as a parameter" 2 "--preset" simulate preset=quick
refused "newline in a value" 2 "seed is '1 2'" simulate $'seed=1\n2'
run 0 simulate "${tiny[@]}" method=cutout cut_size=2
check "|C| >= P/2 is one warning" [ "$(grep -c '^cutlab: warning: .*|C| < P/2' errors)" = 1 ]
run 0 simulate "${tiny[@]}" method=cutout cut_size=2 --quiet
check "quiet: no warning" [ ! -s errors ]

# Files of parameters
printf 'patches: 4\nfrequencies: [0.5\n' >broken.yaml
refused "malformed YAML" 1 "broken.yaml:3:1: not valid YAML" simulate --config broken.yaml
printf 'patches: 4\nsigma_D: 1\n' >unknown.yaml
refused "unknown key in YAML" 2 "unknown.yaml:2:1: unknown parameter" simulate --config unknown.yaml
printf 'patches: 4\nbeta:  7\n' >range.yaml
refused "value out of range in YAML" 2 "range.yaml:2:8: beta is '7'" simulate --config range.yaml
refused "no such YAML file" 1 "absent.yaml" simulate --config absent.yaml
refused "a folder as YAML file" 1 "$folder" simulate --config "$folder"
printf 'alpha: 0.3\npreset: theory\nseed: 4\n' >good.yaml
run 0 simulate --seed 9 --preset quick --config good.yaml alpha=0.4 beta=0.5 beta=0.6 --print-config
check "preset of the file" contains output "dimension: 1000000"
check "options after the file" contains output "seed: 9"
check "operands after the file" contains output "alpha: 0.4"
check "the last one wins" contains output "beta: 0.6"
cp output printed.yaml
run 0 simulate --config printed.yaml --print-config
check "printed YAML reads back" cmp -s output printed.yaml
run 0 simulate --print-config --json && check "printed JSON" [ "$(field output '["seed"]')" = 1 ]

# Optimum: values of the closed form, computed independently
run 0 optimum --patches 3 --positives 154 --examples 300 --json
check "optimum: positive" [ "$(field output '["positive"].__round__(5)')" = 1.39819 ]
check "optimum: negative" [ "$(field output '["negative"].__round__(5)')" = 1.39296 ]
check "optimum: loss" [ "$(field output '["loss"].__round__(6)')" = 0.182812 ]
run 0 optimum --patches 2 --positives 1 --examples 2
check "optimum: P = 2 in words" contains output "P = 2: no finite optimum; the loss approaches 0.1155245"
run 0 optimum --patches 2 --positives 1 --examples 2 --json
check "optimum: P = 2 in JSON" [ "$(field output '["positive"]')" = None ]
run 0 optimum --patches 3 --positives 2 --examples 2
check "optimum: one class" contains output "one class only: no finite optimum"
refused "optimum: missing option" 2 "--examples is missing" optimum --patches 3 --positives 1
refused "optimum: one patch" 2 "--patches" optimum --patches 1 --positives 1 --examples 2
refused "optimum: too many positives" 2 "3" optimum --patches 3 --positives 3 --examples 2
refused "optimum: negative" 2 "--positives" optimum --patches 3 --positives -1 --examples 2

# Simulation
run 0 simulate "${tiny[@]}" && check "summary" contains output "population accuracy"
check "summary: features" [ "$(grep -c 'extremely rare' output)" = 2 ]
check "no progress where there is no terminal" [ ! -s errors ]
run 0 simulate "${tiny[@]}" --json && check "one JSON object" is_json output
check "JSON: iterations" [ "$(field output '["iterations"]')" = 20 ]
run 0 simulate "${tiny[@]}" --out kept --json && check "run folder" [ -s kept/result.json ]
refused "existing run folder" 2 "kept" simulate "${tiny[@]}" --out kept
check "existing run is left alone" is_json kept/result.json
run 0 simulate --resume kept --json && check "resume of a finished run" is_json output
refused "resume takes no parameters" 2 "seed=3" simulate --resume kept seed=3
refused "resume takes no options" 2 "--method" simulate --resume kept --method erm
run 0 simulate "${tiny[@]}" --export-dataset data.npz --json && cp output drawn.json
run 0 simulate "${tiny[@]}" --dataset data.npz --json
check "an exported data set trains alike" [ "$(field output '["loss"]')" = "$(field drawn.json '["loss"]')" ]
refused "no such data set" 1 "absent.npz" simulate "${tiny[@]}" --dataset absent.npz
head -c 500 data.npz >short.npz
refused "truncated data set" 1 "short.npz" simulate "${tiny[@]}" --dataset short.npz
refused "data set in and out" 2 "--export-dataset" simulate --dataset data.npz --export-dataset x.npz

# A data set brings its world, whatever the preset: the same results, and run.json says so
cat <<'END' >same.py
import json, sys
timing = ("seconds", "iterations_per_second")
results = [json.load(open(f"{run}/result.json")) for run in sys.argv[1:]]
runs = [json.load(open(f"{run}/run.json")) for run in sys.argv[1:]]
for result in results:
    for key in timing: del result[key]
for run in runs: del run["dataset"], run["machine"]
read = lambda run: open(f"{run}/metrics.jsonl").read()
sys.exit(results[0] != results[1] or runs[0] != runs[1] or read(sys.argv[1]) != read(sys.argv[2]))
END
network=(filters=2 activation=relu sigma_0=.02 learning_rate=.5 iterations=40 log_points=5 method=erm
  monte_carlo=2000)
changed=(sigma_d=.6 sigma_b=.2 alpha=.3 "frequencies=[.4,.3,.2,.1]" balance=.3 label_flips=.1
  position_bias=.7 sampling=stratified signal=1.5 features=opposite noise=full examples=30)
named=("rarities=[common, common, rare, rare]")
for form in held wishart; do
  run 0 simulate --preset quick "${changed[@]}" "${named[@]}" "${network[@]}" form=$form --out drawn-$form \
    --export-dataset world-$form.npz
  run 0 simulate --preset wide "${network[@]}" form=$form --dataset world-$form.npz --out read-$form
  check "a data set brings its world ($form)" python3 same.py drawn-$form read-$form
  check "and no warning ($form)" [ ! -s errors ]
done
run 0 simulate --preset quick sigma_d=.6 "frequencies=[.5,.3,.2]" --export-dataset plain-world.npz --out plain-drawn
run 0 simulate --preset quick --dataset plain-world.npz --out plain-read
check "and what it has of the theory" python3 same.py plain-drawn plain-read
run 0 simulate --preset quick -m erm --dataset plain-world.npz --json
check "the theory's accuracy is for the world of the data" [ "$(field output '["theory_accuracy"]')" = 0.75 ]
for setting in "${changed[@]}" patches=4 dimension=400; do
  case $setting in sigma_d=*) setting=sigma_d=.61 ;; freq*) setting="frequencies=[.5,.25,.25]" ;; esac
  refused "a data set and another ${setting%%=*}" 2 "plain-world.npz: ${setting%%=*} is '" \
    simulate --preset quick --dataset plain-world.npz "$setting"
done
echo 'sigma_b: 0.2' >other.yaml
refused "a data set and another value in a file" 2 "sigma_b is '0.2'; accepted: 0.15, with which" \
  simulate --preset quick --config other.yaml --dataset plain-world.npz
run 0 simulate --preset theory --dataset plain-world.npz --print-config && cp output config.yaml
check "parameters of a data set" contains config.yaml "frequencies: [0.5, 0.3, 0.2]"
run 0 simulate --config config.yaml iterations=1 --dataset plain-world.npz && check "they agree with it" true
python3 - <<'END'
import shutil, zipfile
with zipfile.ZipFile("plain-world.npz") as new, zipfile.ZipFile("old.npz", "w") as old:
    for name in new.namelist():
        if name not in ("frequencies.npy", "rarities.npy", "law.npy"): old.writestr(name, new.read(name))
END
run 0 simulate --preset quick "frequencies=[.5,.3,.2]" --dataset old.npz --out old-read
check "a data set without its law: a warning" contains errors \
  "frequencies, rarities, balance, label_flips, position_bias and sampling are those of the experiment"
check "a data set without its law: the experiment's" python3 same.py plain-drawn old-read
refused "a data set without its law: what it has" 2 "sigma_d is '0.3'; accepted: 0.6" \
  simulate --quiet --preset quick --dataset old.npz sigma_d=.3
going=(--preset wide filters=1 method=erm iterations=300000 log_points=3 --dataset plain-world.npz)
run 0 simulate "${going[@]}" --out gone
run 75 simulate "${going[@]}" --out going --minutes 0.002
run 0 simulate --resume going
check "a resumed run on a data set ends alike" python3 same.py gone going

# Unwritable places
touch plain
refused "unwritable output folder" 1 "plain/run" simulate "${tiny[@]}" --out plain/run
refused "unwritable data set" 1 "plain/x.npz" simulate "${tiny[@]}" --export-dataset plain/x.npz
for arguments in --help --man "optimum --patches 3 --positives 1 --examples 2" "simulate --print-config"; do
  code=0
  # shellcheck disable=SC2086
  "$cutlab" $arguments >/dev/full 2>errors || code=$?
  check "full disk: $arguments" [ "$code" = 1 ]
  check "full disk: message of $arguments" contains errors "cutlab: cannot write standard output"
done
code=0
"$cutlab" optimum --patches 3 --positives 1 --examples 2 >&- 2>errors || code=$?
check "closed standard output" [ "$code" = 1 ]

# Foreign and truncated run folders
mkdir empty foreign
echo '{"format": "other"}' >foreign/run.json
refused "resume of nothing" 1 "absent" simulate --resume absent
refused "resume of an empty folder" 1 "empty" simulate --resume empty
refused "resume of a foreign folder" 1 "foreign" simulate --resume foreign
refused "report of nothing" 1 "absent" report absent
refused "report of an empty folder" 1 "empty" report empty
refused "report of a foreign folder" 1 "foreign" report foreign
refused "report without runs" 2 "no run folder" report
cp -r kept truncated
head -c 100 kept/run.json >truncated/run.json
refused "report of a truncated run" 1 "truncated" report truncated
rm truncated/result.json
refused "resume of a truncated run" 1 "truncated" simulate --resume truncated

# Stopping and resuming: the same result to the last bit
long=(--preset quick examples=12 dimension=60 iterations=300000 log_points=3 method=erm)
run 0 simulate "${long[@]}" --json && cp output straight.json
for signal in INT TERM; do
  hold "[ -s stopped/metrics.jsonl ]" simulate "${long[@]}" --out stopped
  check "stopped by $signal" obeys $signal
  check "stopped by $signal: how to go on" contains errors "cutlab simulate --resume stopped"
  run 0 simulate --resume stopped --json && cp output resumed.json
  check "stopped by $signal: resumed run ends alike" \
    [ "$(field resumed.json '["loss"]')" = "$(field straight.json '["loss"]')" ]
done

refused "two presets" 2 "--preset quick after --preset wide; accepted: one" simulate --preset wide --preset quick
run 0 simulate --preset wide iterations=1 examples=12 dimension=60
check "no accuracy: says why" contains errors "counted on fresh points; set monte_carlo, how many"
run 0 simulate --preset wide iterations=1 examples=12 dimension=60 monte_carlo=100
check "with fresh points: no word" [ ! -s errors ]

# In pieces: the time is over, and the exit code says so
run 75 simulate "${long[@]}" --out piece --minutes 0.002
check "the time is over: one line" [ "$(wc -l <errors)" = 1 ]
check "the time is over: how to go on" contains errors "cutlab simulate --resume piece"
run 75 simulate --resume piece --minutes 0.002
run 0 simulate --resume piece --minutes 60 --json && cp output pieces.json
check "pieces end alike" [ "$(field pieces.json '["loss"]')" = "$(field straight.json '["loss"]')" ]
run 75 reproduce --out pieces --seeds 1 --minutes 0.002
check "reproduce: the time is over" contains errors "the same command goes on"
for minutes in 0 -1 nan 1e7 soon " 1"; do
  refused "--minutes '$minutes'" 2 "--minutes is '$minutes'; accepted: number, > 0, to 1e+06" \
    simulate --minutes "$minutes"
done

# Report and reproduction
run 0 report kept --out page
check "report: page" [ -s page/report.html ]
check "report: path" contains output "page/report.html"
run 0 report kept --out page --json && check "report: JSON" [ "$(field output '["folder"]')" = page ]
small=(iterations=5 examples=12 dimension=60 log_points=2 sigma_d=0.25 sigma_b=0.15)
run 0 reproduce --out again --seeds 1 "${small[@]}"
check "reproduce: page" [ -s again/report.html ]
check "reproduce: path" contains output "again/report.html"
check "reproduce: runs" [ "$(find again -name result.json | wc -l)" = 12 ]
refused "reproduce: bad parameter" 2 "nearest: sigma_d" reproduce --out bad sigma_D=1
refused "reproduce: no seeds" 2 "--seeds" reproduce --seeds 0

echo "# $failures failed"
[ "$failures" = 0 ]
