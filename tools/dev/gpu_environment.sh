# Sourced by the scripts of a bundle: finds cuBLAS, cuDNN, and CUPTI, which one of the tests counts
# with, where no package put them in the linker's path.
nvidia_packages=$(python3 -c 'import importlib.util as u; s = u.find_spec("nvidia"); print(*(s.submodule_search_locations if s else []))' 2>/dev/null) || true

# first_with LIBRARY FOLDER...: the first of the folders that has it; nothing if none has.
first_with() {
  local library=$1 folder
  shift
  for folder in "$@"; do
    if [[ -e $folder/$library ]]; then
      echo "$folder"
      break
    fi
  done
}

cublas=(/usr/local/cuda/lib64 /usr/local/cuda/targets/x86_64-linux/lib)
cudnn=(/usr/local/cuda/lib64 /usr/lib/x86_64-linux-gnu)
cupti=(/usr/local/cuda/extras/CUPTI/lib64 /usr/local/cuda/lib64 /usr/local/cuda/targets/x86_64-linux/lib)
for package in $nvidia_packages; do
  cublas+=("$package/cu13/lib" "$package/cublas/lib")
  cudnn+=("$package/cudnn/lib")
  cupti+=("$package/cu13/lib" "$package/cuda_cupti/lib")
done
lib=$(first_with libcublasLt.so.13 "${cublas[@]}")
if [[ -n $lib ]]; then export LD_LIBRARY_PATH="$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"; fi
# Behind all others: cuBLAS is not taken from there.
lib=$(first_with libcudnn.so.9 "${cudnn[@]}")
if [[ -n $lib ]]; then export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$lib"; fi
lib=$(first_with libcupti.so.13 "${cupti[@]}")
if [[ -n $lib ]]; then export LD_LIBRARY_PATH="${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$lib"; fi
