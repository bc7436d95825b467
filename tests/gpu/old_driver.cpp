// Stands for the library of an NVIDIA driver from before this build's CUDA: it tells its version,
// and that is all that the CUDA runtime gets to ask.
#include <array>
#include <cstdint>
#include <string_view>

namespace {

constexpr int kVersion = 12040;  // CUDA 12.4

int do_nothing() { return 0; }

template <class Function>
void* address_of(Function* function) {
  return reinterpret_cast<void*>(function);
}

/// Functions that do nothing, with the size of the table in front of them.
std::array<uintptr_t, 256> table_of_functions() {
  std::array<uintptr_t, 256> table;
  table.fill(reinterpret_cast<uintptr_t>(&do_nothing));
  table[0] = sizeof table;
  return table;
}

}  // namespace

extern "C" {

int cuInit(unsigned /*flags*/) { return 0; }

int cuDriverGetVersion(int* version) {
  *version = kVersion;
  return 0;
}

int cuGetExportTable(const void** table, const void* /*id*/) {
  static const std::array functions = table_of_functions();
  *table = static_cast<const void*>(functions.data());
  return 0;
}

int cuGetProcAddress_v2(const char* name, void** function, int /*version*/, uint64_t /*flags*/,
                        void* /*status*/) {
  const std::string_view wanted = name;
  *function = address_of(do_nothing);
  if (wanted == "cuInit") *function = address_of(cuInit);
  if (wanted == "cuDriverGetVersion") *function = address_of(cuDriverGetVersion);
  if (wanted == "cuGetExportTable") *function = address_of(cuGetExportTable);
  if (wanted == "cuGetProcAddress") *function = address_of(cuGetProcAddress_v2);
  return 0;
}
}
