#!/usr/bin/env bash
# Builds the project and runs its tests. The last lines say how long each stage took, how many seconds
# of all processors together, and how many tests passed and failed.
#
#   tools/test.sh            one build, every test of it, format and includes
#   tools/test.sh --quick    for the inner loop: an incremental build, unit and compiler tests
#   tools/test.sh --all      all there is: also clang-tidy, sanitizers, fuzzers, the demo
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mode=default
case "${1-}" in
  "") ;;
  --quick) mode=quick ;;
  --all) mode=all ;;
  -h | --help) sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
  *) echo "usage: tools/test.sh [--quick | --all]" >&2; exit 2 ;;
esac

jobs=$(nproc)
readonly jobs
# What one checkout compiled need not be compiled again in another: only speed depends on it.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=true
num_passed=0
num_failed=0
current_stage=
stage_lines=()

# However the run ends, its last line is the count.
finish() {
  local status=$?
  if [[ $status -ne 0 ]]; then
    echo "FAILED in stage '$current_stage' after $SECONDS s"
    [[ $num_failed -gt 0 ]] || num_failed=1
  fi
  printf '%7s %7s  stage\n' seconds CPU
  printf '%s\n' "${stage_lines[@]}"
  printf '%7d %7d  in all\n' "$SECONDS" "$(cpu_seconds)"
  echo "$num_passed passed, $num_failed failed"
}
trap finish EXIT

# What all processes that have ended took so far.
cpu_seconds() {
  local fields
  read -ra fields <"/proc/$$/stat"
  echo $(((fields[15] + fields[16]) / $(getconf CLK_TCK)))
}

# stage NAME COMMAND...: runs one part; a failure ends the run.
stage() {
  current_stage=$1
  shift
  local begin=$SECONDS begin_cpu
  begin_cpu=$(cpu_seconds)
  echo "== $current_stage =="
  "$@"
  stage_lines+=("$(printf '%7d %7d  %s' $((SECONDS - begin)) $(($(cpu_seconds) - begin_cpu)) \
    "$current_stage")")
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

# The house rules for files and includes are tests of label `lint`.
check_scripts() {
  local script
  for script in tools/*.sh tools/dev/*.sh .ci/run; do bash -n "$script"; done
}

# Configures a preset for tools that read its compile commands, and makes what is generated.
configure_for_reading() {
  cmake --preset "$1" --log-level=WARNING
  cmake --build --preset "$1" --target plan_header -- -j "$jobs"
}

# All but what is for nvcc, whose CUDA is newer than clang's; headers are looked at through the files
# that include them.
check_tidy() {
  configure_for_reading tidy
  tools/dev/tidy.py build/tidy -j "$jobs"
}

# Each file by itself, so that a missing include is found, and read by clang's analyzer.
check_file_by_file() {
  configure_for_reading file-by-file
  tools/dev/analyze.py build/file-by-file -j "$jobs"
}

# Plans are compiled by the release build where a test only runs them.
run_sanitized_tests() {
  GRAPHC_COMPILER=$PWD/build/release/bin/graphc run_tests "$1"
}

# The same inputs in every run. What fuzzing for hours finds, docs/testing.md says how to look for.
fuzz_smoke() {
  tools/dev/fuzz.sh --preset asan --no-build --jobs "$jobs" --runs 10000
}

if [[ $mode == quick ]]; then
  stage "release build" build release
  stage "unit and compiler tests" run_tests quick
  exit
fi

stage "packages" tools/setup.sh
stage "format and scripts" eval 'check_format && check_scripts'
stage "release build" build release
stage "release tests" run_tests release
if [[ $mode == all ]]; then
  stage "clang-tidy" check_tidy
  stage "file by file, clang's analyzer" check_file_by_file
  stage "AddressSanitizer and UBSan build" build asan
  stage "AddressSanitizer and UBSan tests" run_sanitized_tests asan
  stage "fuzz smoke" fuzz_smoke
  stage "ThreadSanitizer build" build tsan
  stage "ThreadSanitizer tests" run_sanitized_tests tsan
  stage "demo" tools/demo.sh --preset release
fi
