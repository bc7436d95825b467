#include "compiler/emit/memory_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/compiler/memory/memory_plans.h"

namespace graphc {
namespace {

using Json = nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;

/// a of the next step is made while b still reads this one's.
MemoryPlan two_versions_of_a(const Machine& machine) {
  return plan_of(written_schedule(graph_of(kChain), machine,
                                  "cpu.worker0  a  stage=0\ncpu.worker0  b  stage=1\n"
                                  "cpu.worker0  c  stage=1\ncpu.worker0  d  stage=1\n"
                                  "output  output d  stage=1\n"),
                 machine);
}

//   interval      0                    6400       1600 ns a task
//   worker0       [a ]  [b']  [c']  [d']
//   a, version 0  |---------------------          written for the interval's own step
//   a, version 1  ------------)                   read by b, of the step before
TEST(MemoryView, EveryVersionHasItsOwnLife) {
  const Machine machine = two_workers();
  const MemoryPlan plan = two_versions_of_a(machine);
  const Json memory = Json::parse(memory_to_json(plan, machine));
  const Json& a = memory.at("arenas").at(0).at("buffers").at(0);
  EXPECT_EQ(a.at("name"), "a@cpu");
  EXPECT_EQ(a.at("versions"), 2);
  EXPECT_EQ(a.at("live"), Json::parse("[[0, 6400], [0, 3200]]"));
  EXPECT_EQ(a.at("live_versions"), Json::parse("[0, 1]"));
  EXPECT_EQ(a.at("written_by"), Json::parse("[\"a\"]"));
  EXPECT_EQ(a.at("read_by"), Json::parse("[\"b\"]"));
  const std::string svg = memory_to_svg(plan, machine);
  const std::string begin = std::to_string(a.at("offset_bytes").get<int64_t>());
  const std::string second = std::to_string(a.at("offset_bytes").get<int64_t>() + 512);
  EXPECT_THAT(svg,
              HasSubstr(">a@cpu: 512 bytes at " + begin + ", version 0 of 2, 0 ns to 6.40 us"));
  EXPECT_THAT(svg,
              HasSubstr(">a@cpu: 512 bytes at " + second + ", version 1 of 2, 0 ns to 3.20 us"));
  EXPECT_THAT(svg, HasSubstr(">reserved for a@cpu: 512 bytes at " + second));
}

TEST(MemoryView, KeysHaveAnOrder) {
  const Machine machine = two_workers();
  const Json memory = Json::parse(memory_to_json(two_versions_of_a(machine), machine));
  const auto keys = [](const Json& object) {
    std::vector<std::string> names;
    for (const auto& [key, value] : object.items()) names.push_back(key);
    return names;
  };
  const Json& arena = memory.at("arenas").at(0);
  EXPECT_THAT(keys(memory), ElementsAre("graph", "machine", "interval_ns", "arenas"));
  EXPECT_THAT(keys(arena), ElementsAre("device", "kind", "size_bytes", "bound_bytes", "peak_bytes",
                                       "peak_at_ns", "peak_while", "alive_at_peak", "buffers"));
  EXPECT_THAT(keys(arena.at("buffers").at(0)),
              ElementsAre("name", "offset_bytes", "stride_bytes", "versions", "live",
                          "live_versions", "written_by", "read_by"));
}

TEST(MemoryView, EveryPieceLiesInTheIntervalAndInTheArena) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Machine machine = random_machine(seed);
    const MemoryPlan plan = plan_of(random_schedule(seed), machine);
    const Json memory = Json::parse(memory_to_json(plan, machine));
    const auto interval_ns = memory.at("interval_ns").get<int64_t>();
    size_t num_buffers = 0;
    for (const Json& arena : memory.at("arenas")) {
      for (const Json& buffer : arena.at("buffers")) {
        ++num_buffers;
        EXPECT_FALSE(buffer.at("live").empty()) << buffer;
        EXPECT_EQ(buffer.at("live").size(), buffer.at("live_versions").size());
        for (const Json& piece : buffer.at("live")) {
          EXPECT_GE(piece.at(0).get<int64_t>(), 0);
          EXPECT_LT(piece.at(0), piece.at(1));
          EXPECT_LE(piece.at(1).get<int64_t>(), interval_ns);
        }
        const auto end =
            buffer.at("offset_bytes").get<int64_t>() +
            buffer.at("stride_bytes").get<int64_t>() * buffer.at("versions").get<int64_t>();
        EXPECT_LE(end, arena.at("size_bytes").get<int64_t>());
      }
    }
    EXPECT_EQ(num_buffers, plan.buffers.size());
  }
}

}  // namespace
}  // namespace graphc
