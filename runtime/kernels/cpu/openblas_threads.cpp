#include <cstdlib>

namespace graphrt {
namespace {

/// OpenBLAS starts its threads before main and reads this variable then, so a call in main comes
/// too late: the threads would stay and spin beside ours. 101 is the first priority that programs
/// may use; OpenBLAS's own initialisation comes later.
__attribute__((constructor(101))) void use_one_openblas_thread() {
  ::setenv("OPENBLAS_NUM_THREADS", "1", 1);
}

}  // namespace
}  // namespace graphrt
