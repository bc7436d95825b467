#include <gtest/gtest.h>

#include "runtime/session/session.h"
#include "tests/property/compile/example_compiler.h"
#include "tests/unit/runtime/engine/block_until_started.h"

namespace graphc {
namespace {

InstructionId find_instruction(const Plan& plan, const std::string& name) {
  for (const InstructionId id : plan.instructions.ids()) {
    if (plan.instructions[id].name == name) return id;
  }
  CHECK(false, name);
}

/// The last thing of step 3, the delivery of its loss, is held until the batch of step 4 has been
/// cut on the CPU and is on its way over the link. With a barrier after step 3 neither could start.
///
///   cpu.worker   [x_0 of 4]
///   cpu->gpu0              [x_0 -> gpu0 of 4]
///   output                      [output loss of 3]
TEST(MlpFigure, StartsTheNextStepOnTheCpuAndOnALinkBeforeThisOneEnds) {
  const Plan plan = compile_example(GRAPHS_DIR "/mlp_figure.yaml").plan;
  auto session = Session::create(plan, GRAPHS_DIR, emulated(), builtin_devices());
  ASSERT_TRUE(session) << session.error().message;
  BlockUntilStarted observer(
      {find_instruction(plan, "output loss"), 3},
      {{find_instruction(plan, "x_0"), 4}, {find_instruction(plan, "x_0 -> gpu0"), 4}});
  RunOptions options;
  options.observer = &observer;
  ASSERT_TRUE(session->run(8, options));
  EXPECT_TRUE(observer.were_others_started());
}

}  // namespace
}  // namespace graphc
