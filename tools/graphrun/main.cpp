#include "tools/common/program.h"
#include "tools/graphrun/execute.h"
#include "tools/graphrun/options.h"
#include "tools/graphrun/ranks.h"

namespace {

int run(graphrun::Options options) {
  const graphrt::Result<void> joined = graphrun::join_ranks(options);
  if (!joined) return graphrun::end_ranks(options, tl::unexpected(joined.error()));
  return graphrun::end_ranks(options, graphrun::execute(options));
}

int run_graphrun(int argc, char** argv) {
  const auto parsed = graphrun::parse_options(argc, argv);
  if (const auto* early = std::get_if<graphrun::EarlyExit>(&parsed)) return early->code;
  return run(std::get<graphrun::Options>(parsed));
}

}  // namespace

int main(int argc, char** argv) { return tools::run_program("graphrun", argc, argv, run_graphrun); }
