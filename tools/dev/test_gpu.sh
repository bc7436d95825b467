#!/usr/bin/env bash
# Runs the GPU tests of a folder that tools/gpu_bundle.sh made, on the GPUs of this machine. A test
# that finds no GPU fails. The last line says how many programs passed.
#
#   FOLDER/test_gpu.sh [--sanitize]
#
#   --sanitize   runs the kernels' tests and a training step under compute-sanitizer instead: memory,
#                then barriers, races and reads of what nobody wrote. Takes a quarter of an hour
set -uo pipefail

sanitizes=
case "${1:-}" in
  '') ;;
  --sanitize) sanitizes=1 ;;
  *) sed -n '5,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tools/dev/gpu_environment.sh
source ./gpu_environment.sh
export GRAPHRT_REQUIRE_GPU=1

num_passed=0
num_failed=0
seconds=300
check() {
  echo "== $* =="
  if timeout "$seconds" "$@" >test.log 2>&1; then
    num_passed=$((num_passed + 1))
    tail -n 1 test.log
  else
    num_failed=$((num_failed + 1))
    grep -E "FAILED|Failure|error|rror:" test.log | head -n 20
    tail -n 15 test.log
  fi
}

# same_bits PLAN OPTION...: 1000 steps leave the same states, run twice, in every launch mode, and
# with every step ended before the next begins.
same_bits() {
  local plan=$1 variant first='' sum
  shift
  for variant in --launch=graph --launch=graph --launch=streams --launch=host --barrier; do
    bin/graphrun "$plan" --quiet --devices=cuda --steps=1000 "$variant" "$@" \
      --save-state=states.safetensors || return
    sum=$(sha256sum <states.safetensors)
    [[ -n $first ]] || first=$sum
    [[ $sum == "$first" ]] || { echo "error: other bits with $variant"; return 1; }
  done
  echo "1000 steps of $plan: the same bits five times"
}
export -f same_bits

finish() {
  echo "$num_passed passed, $num_failed failed"
  [[ $num_failed -eq 0 ]]
  exit
}

# sanitize TOOL COMMAND...: nothing to complain about.
sanitize() { check compute-sanitizer --tool "$1" --error-exitcode 1 "${@:2}"; }

if [[ -n $sanitizes ]]; then
  # Tensors of 2^31 elements take too long.
  seconds=900
  step=(bin/graphrun plans/e3_small_single.bin --devices=cuda --launch=host --steps=2
    --input x=x_small.npy --input label=label_small.npy)
  [[ -f x_small.npy ]] || python3 make_batches.py small
  sanitize memcheck bin/gpu_kernels --gtest_brief=1 --gtest_filter=-*MoreThan32Bits*
  for tool in synccheck racecheck initcheck; do
    sanitize "$tool" bin/gpu_kernels --gtest_brief=1 --gtest_filter='*Attention*:*GivesTheSameBits*'
  done
  for tool in memcheck synccheck racecheck initcheck; do sanitize "$tool" "${step[@]}"; done
  finish
fi

check bin/conformance --gtest_brief=1
check bin/gpu_kernels --gtest_brief=1
check bin/gpu_sessions --gtest_brief=1
check bin/gpu_failures --gtest_brief=1
# Left out where the bundle was made without CUPTI's header.
if [[ -x bin/gpu_driver_calls ]]; then check bin/gpu_driver_calls --gtest_brief=1; fi

# Plans for more GPUs than there are run on those there are.
num_gpus=$(nvidia-smi --list-gpus | wc -l)
second=$((num_gpus > 1 ? 1 : 0))
for plan in plans/mlp{,_figure}.bin plans/x1{,_serial}.bin plans/x2_64_gpu.bin plans/x5_*.bin \
  plans/e3_small_*.bin; do
  [[ -f $plan ]] || continue  # left out: the bundle is for a machine with fewer GPUs
  inputs=()
  map=(--map=gpu0=0)
  if bin/graphdump "$plan" | grep gpu1 >/dev/null; then map=("--map=gpu0=0,gpu1=$second"); fi
  case $plan in
    *e3_small*)
      [[ -f x_small.npy ]] || python3 make_batches.py small
      inputs=(--input x=x_small.npy --input label=label_small.npy)
      ;;
  esac
  for launch in graph streams host; do
    check bin/graphrun "$plan" --devices=cuda "${map[@]}" --launch="$launch" \
      --steps=9 --check "${inputs[@]}"
  done
  case $plan in
    *mlp* | *e3_small*)
      # shellcheck disable=SC2016
      check bash -c 'same_bits "$@"' same_bits "$plan" "${map[@]}" "${inputs[@]}"
      ;;
  esac
done
finish
