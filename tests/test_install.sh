#!/usr/bin/env bash
# The installed library, as clients see it: C programs by pkg-config (shared and static) and
# by CMake, a C++ program, the exported names, the man page and the installed command.
set -uo pipefail

if grep -q '^CUTLAB_SANITIZE:.*=.' "$CUTLAB_BUILD/CMakeCache.txt"; then
  echo "skipped: clients of a sanitized library would need its sanitizers"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix="$work/the prefix"
failures=0

# expect WHAT COMMAND...: what the command said is shown if it fails.
expect() {
  local what=$1
  shift
  if ! "$@" >"$work/log" 2>&1; then
    echo "failed: $what"
    cat "$work/log"
    failures=$((failures + 1))
    return 1
  fi
}

expect "install" cmake --install "$CUTLAB_BUILD" --prefix "$prefix" || exit 1
library=$(dirname "$(find "$prefix" -name libcutlab.so -print -quit)")
version=$(sed -n 's/^#define CUTLAB_VERSION_[A-Z]* //p' "$CUTLAB_SOURCE/include/cutlab/version.h" |
  paste -sd.)

# The client prints the version, and 1.395400, the optimum for three patches and even classes.
cat >"$work/client.c" <<'END'
#include <cutlab/cutlab.h>
#include <stdio.h>
int main(void) {
  cutlab_context *context;
  cutlab_optimum_point optimum;
  if (cutlab_context_create(&context) != CUTLAB_OK) return 1;
  if (cutlab_optimum(context, &optimum, 3, 1, 2) != CUTLAB_OK) return 1;
  printf("%s %.6f\n", cutlab_version(), optimum.positive);
  cutlab_context_free(context);
  return 0;
}
END
cp "$work/client.c" "$work/client.cpp"

# runs PROGRAM: the client works.
runs() {
  local said
  said=$(LD_LIBRARY_PATH=$library "$1") && echo "$said" && [[ $said == "$version 1.395400" ]]
}

# Flags are split at spaces, so that they must come from a path without any.
ln -s "$prefix" "$work/link"
pkg() {
  PKG_CONFIG_PATH=$work/link/${library#"$prefix"/}/pkgconfig pkg-config "$@" cutlab
}
read -ra cflags < <(pkg --cflags)
read -ra shared < <(pkg --libs)
read -ra static < <(pkg --static --libs)

strict=(-Wall -Wextra -Werror -pedantic)
expect "C client" cc -std=c11 "${strict[@]}" "$work/client.c" -o "$work/shared" \
  "${cflags[@]}" "${shared[@]}" && expect "C client runs" runs "$work/shared"
expect "static C client" cc "$work/client.c" -o "$work/static" "${cflags[@]}" \
  "${static[@]/#-lcutlab/-l:libcutlab.a}" && expect "static C client runs" runs "$work/static"
expect "static client is static" bash -c '! ldd "$1" | grep -q libcutlab' - "$work/static"
if command -v c++ >/dev/null; then
  expect "C++ client" c++ -std=c++11 "${strict[@]}" "$work/client.cpp" -o "$work/cpp" \
    "${cflags[@]}" "${shared[@]}" && expect "C++ client runs" runs "$work/cpp"
fi

mkdir "$work/project"
cp "$work/client.c" "$work/project"
cat >"$work/project/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.22)
project(client C)
find_package(cutlab 0.1 REQUIRED)
foreach(kind shared static)
  add_executable(${kind} client.c)
  target_link_libraries(${kind} PRIVATE cutlab::${kind})
endforeach()
END
mkdir "$work/part"
cp "$work/client.c" "$work/part"
cat >"$work/part/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.22)
project(whole C)
add_subdirectory("$CUTLAB_SOURCE" cutlab)
add_executable(client client.c)
target_link_libraries(client PRIVATE cutlab::shared)
if(TARGET test_array OR TARGET bench_step)
  message(FATAL_ERROR "tests or benchmarks came along")
endif()
END
expect "CMake client: configure" cmake -G Ninja -S "$work/project" -B "$work/project/build" \
  -DCMAKE_PREFIX_PATH="$prefix" &&
  expect "CMake client: build" cmake --build "$work/project/build" &&
  expect "CMake client runs" runs "$work/project/build/shared" &&
  expect "static CMake client runs" runs "$work/project/build/static"
expect "static CMake client is static" bash -c '! ldd "$1" | grep -q libcutlab' - \
  "$work/project/build/static"
expect "as a part of another project" cmake -G Ninja -S "$work/part" -B "$work/part/build"

foreign() {
  nm -D --defined-only "$library/libcutlab.so" | awk '$3 !~ /^cutlab_/ { print; bad = 1 }
    END { exit bad }'
}
expect "only cutlab_ names are exported" foreign
expect "SONAME" bash -c 'readelf -d "$1" | grep -q "SONAME.*\[libcutlab.so.$2\]"' - \
  "$library/libcutlab.so" "${version%%.*}"
for file in share/man/man1/cutlab.1 share/cutlab/presets/{paper,theory,quick}.yaml \
  "${library#"$prefix"/}/libcutlab.a" share/doc/cutlab/{LICENSE,CITATION.cff}; do
  expect "$file is installed" test -s "$prefix/$file"
done
if command -v man >/dev/null; then
  warnings() { ! LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l "$1" 2>&1 >/dev/null | grep .; }
  expect "man page without warnings" warnings "$prefix/share/man/man1/cutlab.1"
fi
says_version() {
  [[ $(env -u LD_LIBRARY_PATH "$prefix/bin/cutlab" --version) == "cutlab $version" ]]
}
expect "the installed command" says_version
((failures == 0)) && echo "the installation works"
exit $((failures > 0))
