#!/usr/bin/env bash
# From a graph file to a trained network: builds, compiles the example for a CPU and two GPUs,
# trains it on digits, and tests it. Leaves everything it made in out/demo.
#
#   tools/demo.sh                     builds the programs alone
#   tools/demo.sh --preset release    uses another preset of CMakePresets.json, built or not
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly out=out/demo
readonly python=/usr/bin/python3  # Debian's, which has NumPy

preset=demo
case "${1-}" in
  "") ;;
  --preset) preset=${2:?--preset takes a name} ;;
  *) echo "usage: tools/demo.sh [--preset NAME]" >&2; exit 2 ;;
esac

step() {
  echo
  echo "== $* =="
}

# Prints a command as a user would type it, and runs it.
show() {
  echo "\$ $*"
  "$@"
}

step "packages"
tools/setup.sh --demo

step "build"
cmake --preset "$preset" --log-level=WARNING
cmake --build --preset "$preset" --target graphc graphrun
PATH="$PWD/build/$preset/bin:$PATH"
mkdir -p "$out"

step "compile"
show graphc graphs/mlp.yaml --machine graphs/machines/cpu-2gpu.yaml -o "$out/train.bin"

step "train: 450 steps, 100 digits each"
show graphrun "$out/train.bin" --steps=450 --output "loss=$out/loss.npy" \
  --save-state="$out/weights.safetensors"

step "test: 297 digits that training has not seen"
show graphc graphs/mlp_eval.yaml --machine graphs/machines/cpu-2gpu.yaml -o "$out/eval.bin"
show graphrun "$out/eval.bin" --load-state="$out/weights.safetensors" \
  --output "digit=$out/digit.npy"
"$python" tools/accuracy.py "$out/digit.npy" graphs/data/digits/test_labels.npy --at-least 97

step "pictures"
graphc graphs/mlp.yaml --emit=dot -o "$out/schedule.dot"
graphc graphs/mlp.yaml --emit=svg --steps=4 -o "$out/schedule.svg"
graphc graphs/mlp.yaml --emit=memory-svg -o "$out/memory.svg"
dot -Tsvg "$out/schedule.dot" -o "$out/graph.svg"
echo "the placed graph:             $out/schedule.dot, drawn in $out/graph.svg"
echo "the schedule over four steps: $out/schedule.svg"
echo "memory over one interval:     $out/memory.svg"
