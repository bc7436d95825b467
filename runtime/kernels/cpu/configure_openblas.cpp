#include <cstdlib>

namespace graphrt {
namespace {

/// The kernels for this processor. An OpenBLAS that is older than the processor does not know its
/// model and falls back to kernels of 2006, five times slower; what matters is what it can do.
const char* best_core_type() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    return "SKYLAKEX";
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return "HASWELL";
#endif
  return nullptr;
}

/// OpenBLAS starts its threads before main and reads these variables then, so a call in main comes
/// too late: the threads would stay and spin beside ours. 101 is the first priority that programs
/// may use; OpenBLAS's own initialisation comes later.
__attribute__((constructor(101))) void configure_openblas() {
  ::setenv("OPENBLAS_NUM_THREADS", "1", 1);
  if (const char* core_type = best_core_type()) ::setenv("OPENBLAS_CORETYPE", core_type, 0);
}

}  // namespace
}  // namespace graphrt
