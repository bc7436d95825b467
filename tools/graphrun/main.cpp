#include "tools/common/program.h"
#include "tools/graphrun/execute.h"
#include "tools/graphrun/options.h"

namespace {

int run(const graphrun::Options& options) {
  const graphrt::Result<int> result = graphrun::execute(options);
  if (result) return *result;
  tools::print_error("graphrun", "error: " + result.error().message);
  return graphrt::exit_code(result.error().kind);
}

int run_graphrun(int argc, char** argv) {
  const auto parsed = graphrun::parse_options(argc, argv);
  if (const auto* early = std::get_if<graphrun::EarlyExit>(&parsed)) return early->code;
  return run(std::get<graphrun::Options>(parsed));
}

}  // namespace

int main(int argc, char** argv) { return tools::run_program("graphrun", argc, argv, run_graphrun); }
