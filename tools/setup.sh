#!/usr/bin/env bash
# Installs what the project needs on Debian 12, by apt. A second run installs nothing and needs no
# network.
#
#   tools/setup.sh           everything: to build, to test, to check the style
#   tools/setup.sh --demo    what it takes to build and to run tools/demo.sh
set -euo pipefail

build_packages=(
  g++ cmake ninja-build ccache
  libyaml-cpp-dev flatbuffers-compiler libflatbuffers-dev libcli11-dev libfmt-dev libexpected-dev
  nlohmann-json3-dev libopenblas-pthread-dev libhwy-dev libxxhash-dev
  graphviz python3 python3-numpy openmpi-bin libopenmpi-dev
)
test_packages=(
  libgtest-dev libgmock-dev llvm-19-tools clang-tidy-19 clang-format-19
  clang libclang-rt-14-dev lld
)

usage() {
  echo "usage: tools/setup.sh [--demo]"
}

packages=("${build_packages[@]}")
case "${1-}" in
  "") packages+=("${test_packages[@]}") ;;
  --demo) ;;
  -h | --help) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac

if ! command -v apt-get >/dev/null; then
  echo "setup: this is no Debian; install the counterparts of: ${packages[*]}" >&2
  exit 3
fi

# dpkg-query names what it knows and fails for what it does not: both are answers.
installed=$(dpkg-query -W -f '${db:Status-Status}:${Package}\n' "${packages[@]}" 2>/dev/null || true)
missing=()
for package in "${packages[@]}"; do
  grep -qxF "installed:$package" <<<"$installed" || missing+=("$package")
done

as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "setup: neither root nor sudo; as root, run: apt-get install ${missing[*]}" >&2
    exit 3
  fi
}

if [[ ${#missing[@]} -eq 0 ]]; then
  echo "setup: all ${#packages[@]} packages are installed"
else
  echo "setup: installing ${missing[*]}"
  as_root apt-get update -q
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "${missing[@]}"
fi

# Headers that attention calls cuDNN through, from PyPI: Debian has none. Optional, as cuDNN is.
#   install_cudnn_frontend INCLUDE_FOLDER_OF_CUDA
install_cudnn_frontend() {
  local to=/usr/local/include folder
  if [[ -e $to/cudnn_frontend.h ]]; then return; fi
  if [[ ! -e $1/cudnn.h && ! -e /usr/include/cudnn.h ]]; then
    echo "setup: no cudnn.h found; attention on GPUs will run without cuDNN"
    return
  fi
  folder=$(mktemp -d)
  if [[ $EUID -ne 0 ]] && ! command -v sudo >/dev/null; then
    echo "setup: not root, so no cudnn-frontend; attention on GPUs will run without cuDNN"
  elif python3 -m pip download -q --no-deps -d "$folder" nvidia-cudnn-frontend==1.32.0 &&
    python3 -m zipfile -e "$folder"/*.whl "$folder/wheel"; then
    echo "setup: installing the headers of cudnn-frontend to $to"
    as_root cp -r "$folder/wheel/include/." "$to/"
  else
    echo "setup: no cudnn-frontend; attention on GPUs will run without cuDNN"
  fi
  rm -rf "$folder"
}

# CUDA is not in Debian; without it everything but the back end for GPUs is built.
if nvcc=$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null); then
  echo "setup: CUDA compiler found ($nvcc); the back end for GPUs will be built"
  install_cudnn_frontend "$(dirname "$(dirname "$nvcc")")/include"
else
  echo "setup: no CUDA compiler found; GPUs are emulated on the CPU"
fi
