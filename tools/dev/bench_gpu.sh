#!/usr/bin/env bash
# Times the workloads of a folder that tools/gpu_bundle.sh made, beside its peers, and prints one
# table with ratios. Options are those of bench_gpu.py.
#
#   FOLDER/bench_gpu.sh [--only PREFIX,...] [--no-peers] [--peer-timeout S]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tools/dev/gpu_environment.sh
source ./gpu_environment.sh
exec python3 bench_gpu.py "$@"
