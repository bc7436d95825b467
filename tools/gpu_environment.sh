# Sourced by the scripts of a bundle: finds cuBLAS where no package put it in the linker's path.
for lib in /usr/local/cuda/lib64 /usr/local/cuda/targets/x86_64-linux/lib \
  $(python3 -c 'import importlib.util as u; s = u.find_spec("nvidia"); print(*[p + "/cu13/lib" for p in (s.submodule_search_locations if s else [])], *[p + "/cublas/lib" for p in (s.submodule_search_locations if s else [])])' 2>/dev/null); do
  if compgen -G "$lib/libcublasLt.so.13" >/dev/null; then
    export LD_LIBRARY_PATH="$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
    break
  fi
done
