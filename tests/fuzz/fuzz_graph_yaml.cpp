// A graph in YAML: read, printed in text form, read again; compiled when it is small.
#include <filesystem>

#include "compiler/frontend/load_graph.h"
#include "compiler/graph/print_graph.h"
#include "tests/fuzz/allocation_limit.h"
#include "tests/fuzz/compile_small.h"
#include "tests/fuzz/text_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace graphrt::fuzz;
  const auto file = source_of(data, size, "graphs/input.yaml");
  if (file == nullptr) return -1;
  const auto request = load(file);
  if (request) {
    expect_same_text(*request);
    compile_small(*request);
  }
  return 0;
}
