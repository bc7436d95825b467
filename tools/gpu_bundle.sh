#!/usr/bin/env bash
# Makes a folder that runs on a machine with GPUs without building there: the programs, the GPU
# tests, the workloads compiled for a machine, and the scripts that run them. It needs glibc 2.34,
# libstdc++ of GCC 11 or later and cuBLAS of CUDA 13 on that machine.
#
#   tools/gpu_bundle.sh FOLDER [--machine FILE.yaml] [--peers FOLDER]
#
#   --machine   the machine that the workloads are compiled for, instead of the one each names;
#               those that need more GPUs than it has are left out
#   --peers     scripts that run the same workloads on something else; copied along
set -euo pipefail

usage() { sed -n '6,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

folder=
machine=
peers=
while [[ $# -gt 0 ]]; do
  case "$1" in
    -h | --help) usage; exit 0 ;;
    --machine) machine=$(realpath -e "${2:?--machine takes a file}"); shift 2 ;;
    --peers) peers=$(realpath -e "${2:?--peers takes a folder}"); shift 2 ;;
    -*) usage >&2; exit 2 ;;
    *)
      [[ -z $folder ]] || { usage >&2; exit 2; }
      folder=$(realpath -m "$1")
      shift
      ;;
  esac
done
[[ -n $folder ]] || { usage >&2; exit 2; }
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly marker=$folder/.made_by_gpu_bundle
if [[ -n $(ls -A "$folder" 2>/dev/null) && ! -f $marker ]]; then
  echo "gpu_bundle: $folder is not empty and was not made by this script; name another" >&2
  exit 1
fi

cmake --preset release --log-level=WARNING
cmake --build --preset release
rm -rf "$folder"
mkdir -p "$folder"/{bin,lib,plans}
touch "$marker"
DESTDIR= cmake --install build/release --prefix "$folder" --strip >/dev/null
DESTDIR= cmake --install build/release --prefix "$folder" --strip --component gpu_tests >/dev/null
rm -rf "$folder"/bin/graph-opt "$folder"/include "$folder"/lib/cmake
# Under the one name that is looked for: links do not travel everywhere.
library=$(basename "$(ldd "$folder/bin/graphrun" | awk '/libgraphrt/ {print $3}')")
for name in "$library" "${library/graphrt/graphrt_cuda}"; do
  cp --remove-destination "$(realpath "$folder/lib/$name")" "$folder/lib/$name.copy"
  rm -f "$folder/lib/${name%.so*}".so*[0-9o]
  mv "$folder/lib/$name.copy" "$folder/lib/$name"
done

# The few libraries that a machine may lack; never the system's own, CUDA's or the driver's.
for file in "$folder"/bin/* "$folder/lib/$library"; do
  ldd "$file" | awk '$3 ~ /lib(fmt|hwy|yaml-cpp)\.so/ {print $3}'
done | sort -u | xargs -I{} cp -L {} "$folder/lib/"

graphc=build/release/bin/graphc
cp -r graphs "$folder/"  # a plan finds its feeds from its own folder

# compile_plan NAME GRAPH [OPTION...]: plans/NAME.bin and, beside it, what the compiler said.
compile_plan() {
  local name=$1
  shift
  if ! "$graphc" "$@" ${machine:+--machine "$machine"} -o "$folder/plans/$name.bin" \
    >"$folder/plans/$name.txt" 2>&1; then
    # Only a machine that was chosen here can be one that a workload does not fit.
    [[ -n $machine ]] || { cat "$folder/plans/$name.txt" >&2; exit 1; }
    echo "left out: $name: $(head -n 1 "$folder/plans/$name.txt")"
    rm -f "$folder/plans/$name".*
  fi
}

for graph in "$folder"/graphs/workloads/*.yaml "$folder"/graphs/mlp{,_figure}.yaml; do
  compile_plan "$(basename "$graph" .yaml)" "$graph"
done
for graph in "$folder"/graphs/workloads/x{1,3,5_*}.yaml; do
  compile_plan "$(basename "$graph" .yaml)_serial" "$graph" --serial
done
cp tools/dev/bench_gpu.sh tools/dev/bench_gpu.py tools/dev/test_gpu.sh tools/dev/gpu_environment.sh tools/make_batches.py "$folder/"
if [[ -n $peers ]]; then cp -r "$peers" "$folder/peers"; fi
du -sh "$folder" | cut -f1
