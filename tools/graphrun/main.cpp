#include <cstdio>
#include <exception>

#include "tools/graphrun/execute.h"
#include "tools/graphrun/options.h"

namespace {

int run(const graphrun::Options& options) {
  const graphrt::Result<int> result = graphrun::execute(options);
  if (result) return *result;
  std::fprintf(stderr, "graphrun: error: %s\n", result.error().message.c_str());
  return graphrt::exit_code(result.error().kind);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto parsed = graphrun::parse_options(argc, argv);
    if (const auto* early = std::get_if<graphrun::EarlyExit>(&parsed)) return early->code;
    return run(std::get<graphrun::Options>(parsed));
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "graphrun: error: out of memory\n");
    return graphrt::exit_code(graphrt::ErrorKind::kMachine);
  }
}
