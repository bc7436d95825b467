#!/usr/bin/env bash
# Builds the project and runs every test; the last line says how many passed and failed.
#
#   tools/test.sh            all there is: style, tests, tests under sanitizers, the demo
#   tools/test.sh --quick    for the inner loop: an incremental build, unit and compiler tests
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mode=full
case "${1-}" in
  "") ;;
  --quick) mode=quick ;;
  -h | --help) sed -n '2,5s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
  *) echo "usage: tools/test.sh [--quick]" >&2; exit 2 ;;
esac

jobs=$(nproc)
readonly jobs
# What one checkout compiled need not be compiled again in another: only speed depends on it.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=true
num_passed=0
num_failed=0
current_stage=

# However the run ends, its last line is the count.
finish() {
  local status=$?
  if [[ $status -ne 0 ]]; then
    echo "FAILED in stage '$current_stage' after $SECONDS s"
    [[ $num_failed -gt 0 ]] || num_failed=1
  else
    echo "all stages passed in $SECONDS s"
  fi
  echo "$num_passed passed, $num_failed failed"
}
trap finish EXIT

# stage NAME COMMAND...: runs one part; a failure ends the run.
stage() {
  current_stage=$1
  shift
  local begin=$SECONDS
  echo "== $current_stage =="
  "$@"
  echo "-- $current_stage: $((SECONDS - begin)) s"
}

build() {
  cmake --preset "$1" --log-level=WARNING
  cmake --build --preset "$1" -- -j "$jobs"
}

# Runs the tests of a preset and adds what CTest counted.
run_tests() {
  local log=build/ctest-$1.log status=0
  ctest --preset "$1" -j "$jobs" 2>&1 | tee "$log" || status=$?
  local failed total
  read -r failed total < <(sed -nE \
    's/^[0-9]+% tests passed, ([0-9]+) tests? failed out of ([0-9]+)$/\1 \2/p' "$log") || true
  num_failed=$((num_failed + ${failed:-0}))
  num_passed=$((num_passed + ${total:-0} - ${failed:-0}))
  return "$status"
}

check_format() {
  find compiler runtime tools tests \( -name "*.h" -o -name "*.cpp" -o -name "*.cu" -o -name "*.cuh" \) -print0 |
    xargs -0 -P "$jobs" -n 32 clang-format-19 --dry-run -Werror
}

check_scripts() {
  local script
  for script in tools/*.sh .ci/run; do bash -n "$script"; done
  python3 tools/check_includes.py
  python3 tools/check_files.py
}

# Every file of the build that is not for nvcc, whose CUDA is newer than clang's; headers are looked
# at through the files that include them.
check_tidy() {
  run-clang-tidy-19 -quiet -p build/release -j "$jobs" "^$PWD/(compiler|runtime|tools|tests)/.*\.cpp$" \
    2>&1 | { grep -vE '^(\[|clang-tidy-19 |Enabled checks|[0-9]+ warnings|$)' || true; }
}

# The same inputs in every run. What fuzzing for hours finds, docs/testing.md says how to look for.
fuzz_smoke() {
  cmake --preset fuzz --log-level=WARNING
  cmake --build --preset fuzz -- -j "$jobs"
  tools/fuzz.sh --no-build --runs 10000
}

if [[ $mode == quick ]]; then
  stage "release build" build release
  stage "unit and compiler tests" run_tests quick
  exit
fi

stage "packages" tools/setup.sh
stage "format" check_format
stage "scripts and includes" check_scripts
stage "release build" build release
stage "release tests" run_tests release
stage "clang-tidy" check_tidy
stage "AddressSanitizer and UBSan build" build asan
stage "AddressSanitizer and UBSan tests" run_tests asan
stage "ThreadSanitizer build" build tsan
stage "ThreadSanitizer tests" run_tests tsan
stage "fuzz smoke" fuzz_smoke
stage "demo" tools/demo.sh --preset release
