#!/usr/bin/env bash
# Rules on the sources: rooms call downwards only, the command is a client of the public
# headers, and the library neither prints to standard output nor ends the process.
set -uo pipefail
cd "${CUTLAB_SOURCE:-$(dirname "$0")/..}" || exit 1
failures=0

# complain FINDINGS RULE: findings are lines "FILE:LINE:TEXT"; none is good.
complain() {
  [[ -z $1 ]] && return
  printf '%s\n%s\n' "$2" "$1"
  failures=$((failures + 1))
}

# The C sources of a folder without comments and texts, as lines "FILE:LINE:CODE".
code() {
  find "$1" -name '*.[ch]' -print0 | xargs -0 awk '
    FNR == 1 { inside = 0 }
    {
      line = $0; out = ""
      while (line != "") {
        if (inside) {
          at = index(line, "*/")
          if (!at) break
          line = substr(line, at + 2); inside = 0
        } else if (match(line, /^"([^"\\]|\\.)*"/)) {
          if (out ~ /#include *$/) out = out substr(line, 1, RLENGTH)
          line = substr(line, RLENGTH + 1)
        } else if (substr(line, 1, 2) == "/*") {
          inside = 1; line = substr(line, 3)
        } else if (substr(line, 1, 2) == "//") {
          break
        } else {
          out = out substr(line, 1, 1); line = substr(line, 2)
        }
      }
      if (out ~ /[^ ]/) print FILENAME ":" FNR ":" out
    }'
}

# A room's own headers, those of the rooms below, and the public ones.
below=
for room in base data augment theory nn run train audit sweep report; do
  below+="${below:+|}$room"
  complain "$(code "src/$room" | grep '#include *"' | grep -vE "#include \"($below)/[^\"]*\"")" \
    "src/$room includes more than $below:"
done
complain "$(code src/mpi | grep '#include *"' | grep -vE '#include "base/(clock|ranks).h"')" \
  "src/mpi, a module of its own, includes more than base/clock.h and base/ranks.h:"
for folder in src/*/; do
  room=$(basename "$folder")
  [[ " base data augment theory nn run train audit sweep report cli mpi " == *" $room "* ]] ||
    complain "$folder" "a room without a place in the order:"
done
complain "$(code src/cli | grep '#include *"' | grep -E '#include "[^"]*/')" \
  "src/cli includes more than its own headers and <cutlab/...>:"
complain "$(code include | grep -E '#include *("|<(Random123|jansson|yaml|zip|omp))')" \
  "a public header includes more than <cutlab/...> and the standard library:"

ends='(exit|_exit|_Exit|quick_exit|abort|assert)[[:space:]]*\('
prints='(printf|vprintf|puts|putchar|perror|stdout|stderr)([^A-Za-z0-9_]|$)'
for room in base data augment theory nn run train audit sweep report; do
  complain "$(code "src/$room" | grep -E "^[^:]*:[0-9]*:(.*[^A-Za-z0-9_.>])?$ends")" \
    "the library must not end the process:"
  complain "$(code "src/$room" | grep -E "^[^:]*:[0-9]*:(.*[^A-Za-z0-9_])?$prints")" \
    "the library must not print:"
done
((failures == 0)) && echo "the rules hold"
exit $((failures > 0))
