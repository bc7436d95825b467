#include <cstdio>

#include "runtime/session/session.h"

/// Runs ten steps of a plan, with zeros for inputs that have no feed, and prints its last outputs'
/// types.
graphrt::Result<void> run_ten_steps(const char* path) {
  TRY(graphrt::Session session, graphrt::Session::load(path));
  for (const graphrt::PlanInput& input : session.plan().inputs) {
    if (!input.feed_path) TRY(session.set_input(input.name, graphrt::zeros(input.type)));
  }
  TRY(session.run(10));
  for (const graphrt::PlanOutput& output : session.plan().outputs) {
    TRY(const graphrt::Tensor value, session.last(output.name));
    std::printf("%s: %s\n", output.name.c_str(), to_string(value.type).c_str());
  }
  return {};
}

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: graphrt_example plan.bin\n");
    return 2;
  }
  const graphrt::Result<void> result = run_ten_steps(argv[1]);
  if (result) return 0;
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  return graphrt::exit_code(result.error().kind);
}
