// A graph in text form: read, printed and read again gives the same; compiled when it is small.
#include "tests/fuzz/compile_small.h"
#include "tests/fuzz/text_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace graphrt::fuzz;
  const auto file = source_of(data, size, "input.graph");
  if (file == nullptr) return -1;
  const auto request = load(file);
  if (request) {
    expect_same_text(*request);
    compile_small(*request);
  }
  return 0;
}
