#include <gtest/gtest.h>

#include "compiler/placement/split_rows.h"
#include "tests/unit/compiler/placement/random_rewrites.h"
#include "tests/unit/compiler/placement/worlds.h"

namespace graphc {
namespace {

TEST(Rewrites, RandomGraphsStayValid) {
  int num_rematerialised = 0;
  int num_offloaded = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Machine machine = random_machine(seed);
    const PlacedGraph whole = placed_of(RandomGraph(seed).make(), machine);
    const RandomRewrites rewritten = with_random_rewrites(whole, machine, seed, 8);
    EXPECT_EQ(verify_placed_graph(rewritten.placed, machine), std::nullopt);
    const PlacedGraph split = split_rows(rewritten.placed, machine, {64, 64, 64, 1, 3});
    EXPECT_EQ(verify_placed_graph(split, machine), std::nullopt);
    num_rematerialised += rewritten.num_rematerialised;
    num_offloaded += rewritten.num_offloaded;
  }
  // The sample must contain what it is about.
  EXPECT_GT(num_rematerialised, 100);
  EXPECT_GT(num_offloaded, 50);
}

}  // namespace
}  // namespace graphc
