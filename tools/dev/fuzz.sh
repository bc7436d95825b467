#!/usr/bin/env bash
# Builds the fuzzers with clang and lets them run; see docs/testing.md.
#
#   tools/dev/fuzz.sh [OPTION...] [TARGET...]     default: every target for one minute
#     --minutes N    each target for N minutes a round
#     --runs N       each target for N inputs a round instead, the same in every run of the script
#     --rounds N     N rounds over the targets; 0: until it is stopped
#     --jobs N       N targets at a time; default: one after the other
#     --no-build     take the fuzzers as they are
#     --preset NAME  those of this preset; default: fuzz
#     --report       no fuzzing: what all runs so far add up to
#
# What a target learns stays in build/PRESET/fuzz/TARGET/corpus, what it finds in .../findings; with
# --runs both are in build/PRESET/fuzz/smoke and start empty. The exit code is 1 when something was
# found.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

readonly all_targets=(plan graph_yaml graph_text machine schedule decisions npy safetensors)
preset=fuzz
minutes=1
runs=
rounds=1
num_jobs=1
is_built=yes
is_report=
targets=()

usage() { sed -n '2,17s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

number() {
  [[ $2 =~ ^[0-9]+$ ]] || { echo "fuzz: $1 needs a number; got '$2'" >&2; exit 2; }
  echo "$2"
}

while [[ $# -gt 0 ]]; do
  case $1 in
    --minutes) minutes=$(number "$1" "${2-}"); shift ;;
    --runs) runs=$(number "$1" "${2-}"); shift ;;
    --rounds) rounds=$(number "$1" "${2-}"); shift ;;
    --jobs) num_jobs=$(number "$1" "${2-}"); shift ;;
    --no-build) is_built= ;;
    --preset) preset=${2-}; shift ;;
    --report) is_report=yes ;;
    -h | --help) usage; exit 0 ;;
    -*) usage >&2; exit 2 ;;
    *) targets+=("$1") ;;
  esac
  shift
done
((num_jobs > 0)) || { echo "fuzz: --jobs needs a number above 0" >&2; exit 2; }
readonly seeds=build/$preset/fuzz/seeds
home=build/$preset/fuzz
[[ -z $runs ]] || home+=/smoke
[[ ${#targets[@]} -gt 0 ]] || targets=("${all_targets[@]}")
for target in "${targets[@]}"; do
  [[ " ${all_targets[*]} " == *" $target "* ]] ||
    { echo "fuzz: there is no target '$target'; there are: ${all_targets[*]}" >&2; exit 2; }
done

# Lines of slices.tsv: runs, seconds, coverage, seconds of a processor. Where others use the machine,
# only the last says how long a target was really fuzzed.
print_report() {
  printf '%-12s %12s %9s %12s %9s %9s\n' target runs seconds 'CPU seconds' coverage findings
  local target
  for target in "${targets[@]}"; do
    local slices=$home/$target/slices.tsv found
    [[ -f $slices ]] || continue
    found=$(find "$home/$target/findings" -type f | wc -l)
    awk -v target="$target" -v found="$found" '
      { runs += $1; seconds += $2; cpu += $4; if ($3 > coverage) coverage = $3 }
      END { printf "%-12s %12d %9d %12d %9d %9d\n", target, runs, seconds, cpu, coverage, found }' "$slices"
  done
}

# Of all ended children, in user mode, rounded down: fields 16 (cutime) of a shell's process.
cpu_seconds() {
  local fields
  read -ra fields <"/proc/$1/stat"
  echo $((fields[15] / $(getconf CLK_TCK)))
}

# The limits of docs/testing.md; a plan needs more bytes than a text to say anything.
fuzz() {
  local target=$1 folder=$home/$1 log=$home/$1/log begin=$SECONDS status=0 self=$BASHPID
  local max_bytes=8192
  [[ $target == plan ]] && max_bytes=32768
  mkdir -p "$folder/corpus" "$folder/findings"
  local options=(-max_len=$max_bytes -rss_limit_mb=2048 -malloc_limit_mb=512 -timeout=60
    -print_final_stats=1 -artifact_prefix="$folder/findings/")
  local folders=("$folder/corpus" "$seeds/$target")
  [[ -d tests/fuzz/regressions/$target ]] && folders+=("tests/fuzz/regressions/$target")
  local dictionary=tests/fuzz/dictionaries/$target.dict
  [[ -f $dictionary ]] && options+=(-dict="$dictionary")
  if [[ -n $runs ]]; then
    options+=(-runs="$runs" -seed=1)
  else
    options+=(-max_total_time=$((minutes * 60)))
  fi
  local cpu_before
  cpu_before=$(cpu_seconds "$self")
  ASAN_OPTIONS=detect_leaks=1:malloc_context_size=8 \
    UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 \
    "build/$preset/bin/fuzzer_$target" "${options[@]}" "${folders[@]}" >"$log" 2>&1 &
  child=$!
  wait "$child" || status=$?
  child=
  local num_runs coverage
  num_runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
  coverage=$(sed -nE 's/^#[0-9]+.* cov: ([0-9]+) .*/\1/p' "$log" | tail -n 1)
  printf '%s\t%s\t%s\t%s\n' "${num_runs:-0}" "$((SECONDS - begin))" "${coverage:-0}" \
    "$(($(cpu_seconds "$self") - cpu_before))" >>"$folder/slices.tsv"
  echo "$(date -u +%FT%TZ) $target: ${num_runs:-0} runs, $((SECONDS - begin)) s, coverage ${coverage:-0}"
  [[ $status -eq 0 ]] && return
  cp "$log" "$folder/log.found.$(date -u +%s)"
  echo "$target found something (exit code $status); its input is in $folder/findings:"
  grep -aE '^SUMMARY|: CHECK|^==[0-9]+==ERROR|check failed|allowed' "$log" | head -n 5 || true
  return 1
}

# One of those that work at a time: fuzzes what no other has taken.
work() {
  local target status=0
  child=
  trap '[[ -z $child ]] || kill "$child" 2>/dev/null || true' EXIT
  trap 'exit 130' INT TERM
  for target in "${targets[@]}"; do
    mkdir "$taken/$target" 2>/dev/null || continue
    fuzz "$target" || status=1
  done
  return "$status"
}

if [[ -n $is_report ]]; then
  print_report
  exit 0
fi
if [[ -n $is_built ]]; then
  export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=true
  cmake --preset "$preset" --log-level=WARNING
  cmake --build --preset "$preset" --target fuzzers
fi

# A stopped script takes the fuzzers along that run now.
workers=()
taken=$(mktemp -d)
trap '[[ ${#workers[@]} -eq 0 ]] || kill "${workers[@]}" 2>/dev/null || true; rm -rf "$taken"' EXIT
trap 'exit 130' INT TERM

has_findings=
for ((round = 1; rounds == 0 || round <= rounds; ++round)); do
  for target in "${targets[@]}"; do
    rm -rf "${taken:?}/$target"
    [[ -z $runs ]] || rm -rf "${home:?}/$target"
  done
  for ((worker = 0; worker < num_jobs; ++worker)); do
    work &
    workers+=($!)
  done
  for worker in "${workers[@]}"; do
    wait "$worker" || has_findings=yes
  done
  workers=()
done
print_report
[[ -z $has_findings ]]
