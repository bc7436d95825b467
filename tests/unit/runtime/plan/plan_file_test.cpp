#include "runtime/plan/plan_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <random>

#include "runtime/base/file.h"
#include "runtime/base/fingerprint.h"
#include "runtime/plan/check_references.h"
#include "runtime/plan/plan_header.h"
#include "runtime/plan/print_plan.h"
#include "runtime/proof/verify_plan.h"
#include "tests/unit/runtime/plan/small_plans.h"

namespace graphrt {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Bytes = std::vector<std::byte>;

Bytes data_of(size_t num_bytes, uint8_t value) { return Bytes(num_bytes, std::byte{value}); }

/// A plan in which every field holds something.
Plan full_plan() {
  Plan plan = training_plan().plan;
  for (const char* name : {"gpu0", "cpu-gpu0", "switch0"}) plan.resources.push_back({name});
  plan.lanes[LaneId(1)].resources = {SharedResourceId(2), SharedResourceId(1)};
  plan.lanes[LaneId(2)].resources = {SharedResourceId(0)};
  for (const char* name : {"h0", "h1"}) plan.hosts.push_back(name);
  plan.devices[DeviceId(1)].host = HostId(1);
  plan.lanes[LaneId(1)].peer = LaneId(2);
  plan.instructions[plan.lanes[LaneId(1)].instructions[0]].cost = {1, 3, {3, 2}};
  plan.arenas.push_back({kHostDevice, MemoryKind::kPageable, 512});
  plan.states[0].initializer = {.kind = InitializerKind::kData,
                                .low = -0.0,
                                .high = 2.5,
                                .seed = ~uint64_t{0},
                                .stream = "other",
                                .data = data_of(256, 5)};
  plan.constants.push_back({"c", data_of(100, 9), {}});
  plan.constants.push_back({"same content", data_of(100, 9), {}});
  plan.constants.push_back({"same again", data_of(100, 9), {}});
  Instruction& h = plan.instructions[InstructionId(2)];
  h.attributes.set("flag", true);
  h.attributes.set("integer", int64_t{-7});
  h.attributes.set("list", std::vector<int64_t>{1, -2});
  h.attributes.set("number", 0.1);
  h.attributes.set("text", std::string("tf32"));
  h.algorithm = "id=1 tile=2";
  h.reads[0].shape = Shape{4, 16};
  h.cost = {1, 2, {3}};
  h.predicted_start_ns = 10;
  h.predicted_end_ns = 13;
  plan.source.name = "source";
  const auto x = plan.source.values.push_back(
      {SourceValueKind::kInput, "x", PlanBuilder::vector_type(64), {}});
  const auto w = plan.source.values.push_back(
      {SourceValueKind::kState, "w", PlanBuilder::vector_type(64), plan.states[0].initializer});
  const auto g = plan.source.values.push_back(
      {SourceValueKind::kNode, "g", TensorType{ElementType::kI32, {}}, {}});
  plan.source.nodes.push_back({"add", h.attributes, {x, w}, {g}, w});
  plan.source.outputs = {g};
  return plan;
}

std::string error_of(std::span<const std::byte> bytes) {
  const Result<Plan> plan = decode_plan(bytes);
  return plan ? "decoded" : plan.error().message;
}

/// The bytes with a checksum that fits, as of a file made by somebody and not damaged.
Bytes with_checksum(Bytes bytes) {
  const auto header = make_plan_header(0, 0, checksum(std::span(bytes).subspan(kPlanHeaderBytes)));
  std::copy(header.begin() + 32, header.begin() + 40, bytes.begin() + 32);
  return bytes;
}

TEST(PlanFile, ComesBackAsItWas) {
  for (const Plan& plan : {full_plan(), training_plan().plan, attention_plan().plan}) {
    const Bytes bytes = encode_plan(plan);
    const Result<Plan> decoded = decode_plan(bytes);
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(*decoded, plan);
    EXPECT_EQ(encode_plan(*decoded), bytes);
    EXPECT_EQ(print_plan(*decoded), print_plan(plan));
  }
  EXPECT_TRUE(std::signbit(decode_plan(encode_plan(full_plan()))->states[0].initializer.low));
}

// The content of a state is in the plan and in its source graph: 256 bytes, once. Of three equal
// constants of 100 bytes two share a place: 256 + 128 (100, aligned) + 100.
TEST(PlanFile, StoresEqualDataOnceForTwo) {
  const Bytes bytes = encode_plan(full_plan());
  const Result<PlanSections> sections = split_plan_file(bytes);
  ASSERT_TRUE(sections);
  EXPECT_EQ(sections->data.size(), 256U + 128U + 100U);
}

TEST(PlanFile, ReadsFromAnyAddress) {
  const Bytes bytes = encode_plan(full_plan());
  for (size_t shift = 1; shift < 8; ++shift) {
    Bytes moved(bytes.size() + shift);
    std::copy(bytes.begin(), bytes.end(), moved.begin() + static_cast<std::ptrdiff_t>(shift));
    EXPECT_EQ(error_of(std::span(moved).subspan(shift)), "decoded");
  }
}

TEST(PlanFile, SaysWhatIsWrong) {
  const Bytes good = encode_plan(full_plan());
  EXPECT_THAT(error_of({}), StartsWith("not a plan file"));
  EXPECT_THAT(error_of(bytes_of("graph: mlp\n")),
              StartsWith("not a plan file: it does not start with 'GRAPHPLN'"));
  EXPECT_EQ(error_of(std::span(good).first(20)),
            "truncated: it has 20 bytes, less than the header's 64");
  EXPECT_EQ(error_of(std::span(good).first(500)),
            "truncated: it has 500 bytes, its header says " + std::to_string(good.size()));
  Bytes longer = good;
  longer.push_back({});
  EXPECT_EQ(error_of(longer), "too long: it has " + std::to_string(good.size() + 1) +
                                  " bytes, its header says " + std::to_string(good.size()));
  Bytes newer = good;
  newer[8] = std::byte{6};
  EXPECT_EQ(error_of(newer),
            "made by format version 6, and this reader knows 5: compile the graph again with the "
            "graphc of this release");
  Bytes older = good;
  older[8] = std::byte{4};
  EXPECT_EQ(error_of(older),
            "made by format version 4, and this reader knows 5: compile the graph again with the "
            "graphc of this release");
  Bytes damaged = good;
  damaged[100] ^= std::byte{1};
  EXPECT_EQ(error_of(damaged),
            "its checksum differs: the file was damaged; compile the graph again");
}

TEST(PlanFile, RefusesFeaturesItDoesNotKnow) {
  Plan plan = full_plan();
  plan.required_features.emplace_back("teleport");
  EXPECT_EQ(
      error_of(encode_plan(plan)),
      "it needs feature 'teleport', which this reader does not know: use the release that made "
      "it, or a newer one");
}

TEST(PlanFile, RefusesIdsOutsideTheirTables) {
  Plan plan = full_plan();
  plan.instructions[InstructionId(0)].writes = {BufferId(1000)};
  EXPECT_EQ(error_of(encode_plan(plan)),
            "its structure is broken: the result's buffer of 'x' is 1000, outside 0..6");
}

TEST(PlanFile, RefusesResultsAndScratchMemoryOutsideTheBuffers) {
  AttentionPlan p = attention_plan();
  p.plan.instructions[p.attention].writes[1] = BufferId(5);
  EXPECT_EQ(error_of(encode_plan(p.plan)),
            "its structure is broken: the result's buffer of 'a' is 5, outside 0..4");
  p = attention_plan();
  p.plan.instructions[p.attention].scratch = BufferId(5);
  EXPECT_EQ(error_of(encode_plan(p.plan)),
            "its structure is broken: the result's buffer of 'a' is 5, outside 0..4");
  p.plan.instructions[p.attention].scratch.reset();
  EXPECT_EQ(decode_plan(encode_plan(p.plan))->instructions[p.attention].scratch, std::nullopt);
  p = attention_plan();
  p.plan.instructions[p.attention].rows = RowRange{0, 2};
  EXPECT_EQ(error_of(encode_plan(p.plan)),
            "its structure is broken: 'a' uses rows 0 to 2 of 'result', which is f32[1, 4, 2, 8]");
}

TEST(PlanFile, RefusesOperandsOfAShapeThatDoesNotFit) {
  const auto error_with = [](const Shape& shape) {
    AttentionPlan p = attention_plan();
    p.plan.instructions[p.attention].reads[1].shape = shape;
    return error_of(encode_plan(p.plan));
  };
  EXPECT_EQ(error_with({8, 8}), "decoded");
  EXPECT_EQ(error_with({8, 9}), "its structure is broken: 'a' reads f32[1, 4, 2, 8] as f32[8, 9]");
  EXPECT_EQ(error_with({}), "its structure is broken: 'a' reads f32[1, 4, 2, 8] as f32[]");
  EXPECT_EQ(error_with({-8, -8}),
            "its structure is broken: 'a' reads f32[1, 4, 2, 8] as f32[-8, -8]");
  const int64_t huge = int64_t{1} << 62;
  EXPECT_THAT(error_with({huge, 4, 64}), testing::HasSubstr("its structure is broken"));
}

TEST(PlanFile, RefusesResourcesThatCannotBe) {
  const auto error_with = [](std::vector<SharedResourceId> ids) {
    Plan plan = full_plan();
    plan.lanes[LaneId(1)].resources = std::move(ids);
    return error_of(encode_plan(plan));
  };
  using Id = SharedResourceId;
  const std::string broken = "its structure is broken: ";
  EXPECT_EQ(error_with({Id(3)}), broken + "a resource of 'cpu->gpu0' is 3, outside 0..2");
  EXPECT_EQ(error_with({Id(-1)}), broken + "a resource of 'cpu->gpu0' is -1, outside 0..2");
  EXPECT_EQ(error_with({Id(1), Id(0), Id(1)}), broken + "'cpu->gpu0' shares resource 1 twice");
  EXPECT_EQ(error_with({Id(0), Id(1), Id(2), Id(0), Id(1)}),
            broken + "'x -> gpu0' takes 4 resources, its lane has 5");
  Plan plan = full_plan();
  plan.instructions[InstructionId(2)].cost.shared_ns[0] = -1;
  EXPECT_EQ(error_of(encode_plan(plan)), broken + "a predicted time of 'h' is -1 ns");
  plan.lanes[LaneId(1)].resources.resize(5);
  EXPECT_EQ(find_broken_reference(plan), "'cpu->gpu0' shares 5 resources; 4 are possible");
}

// Two files that say the same in two ways would be two plans.
TEST(PlanFile, RefusesTimesOfMoreOrFewerResourcesThanTheLaneHas) {
  Plan plan = full_plan();
  Bytes bytes = encode_plan(plan);
  const std::array<int64_t, 3> length_and_times = {2, 3, 2};  // of 'x -> gpu0'
  Bytes wanted(20);
  std::memcpy(wanted.data(), length_and_times.data(), 4);
  std::memcpy(wanted.data() + 4, length_and_times.data() + 1, 16);
  const auto at = std::search(bytes.begin(), bytes.end(), wanted.begin(), wanted.end());
  ASSERT_NE(at, bytes.end());
  for (const int length : {0, 1, 3, 5}) {
    *at = static_cast<std::byte>(length);
    const std::string error = error_of(with_checksum(bytes));
    const std::string takes =
        "its structure is broken: 'x -> gpu0' takes " + std::to_string(length);
    EXPECT_EQ(error,
              takes + (length == 5 ? " resources; 4 are possible" : " resources, its lane has 2"));
  }
}

TEST(PlanFile, RefusesKindsOfMemoryThatItDoesNotKnow) {
  Plan plan = full_plan();
  plan.arenas[ArenaId(2)].kind = static_cast<MemoryKind>(3);
  EXPECT_EQ(error_of(encode_plan(plan)), "its structure is broken: memory kind 3 does not exist");
}

TEST(PlanFile, RefusesTextsThatAreNoLine) {
  Plan plan = full_plan();
  plan.name = "two\nlines";
  EXPECT_EQ(error_of(encode_plan(plan)), "its structure is broken: a text has control characters");
  plan.name = "C1 \xc2\x9b";
  EXPECT_EQ(error_of(encode_plan(plan)), "its structure is broken: a text has control characters");
  plan.name = "Latin-1 \xe4";
  EXPECT_EQ(error_of(encode_plan(plan)), "its structure is broken: a text is not UTF-8");
}

TEST(PlanFile, IsNotWrittenIfNobodyCouldReadIt) {
  const std::filesystem::path path = testing::TempDir() + "unreadable_plan.bin";
  std::filesystem::remove(path);
  Plan plan = full_plan();
  plan.inputs[InputId(0)].feed_path = "two\nlines.npy";
  const auto written = write_plan(plan, path);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().message,
            "nobody could read the plan '" + path.string() +
                "': its structure is broken: a text has control characters");
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(PlanFile, RefusesEveryTruncation) {
  const Bytes bytes = encode_plan(full_plan());
  for (size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_NE(error_of(std::span(bytes).first(length)), "decoded") << length;
  }
}

TEST(PlanFile, RefusesEveryFlippedByte) {
  const Bytes good = encode_plan(full_plan());
  for (size_t at = 0; at < good.size(); ++at) {
    Bytes bad = good;
    bad[at] ^= std::byte{0x40};
    EXPECT_NE(error_of(bad), "decoded") << at;
  }
}

/// Whatever a file says, reading it ends in a plan or an error, and so does all that follows.
void survive(const Bytes& bytes) {
  const Result<Plan> plan = decode_plan(bytes);
  if (!plan) {
    EXPECT_FALSE(plan.error().message.empty());
    EXPECT_EQ(plan.error().message.find('\n'), std::string::npos);
    return;
  }
  EXPECT_FALSE(print_plan(*plan).empty());
  if (const auto violation = verify_plan(*plan)) {
    EXPECT_EQ(violation->message.find('\n'), std::string::npos);
  }
}

TEST(PlanFile, SurvivesAFlippedBitInEveryByteUnderAFittingChecksum) {
  const Bytes good = encode_plan(full_plan());
  for (size_t at = kPlanHeaderBytes; at < good.size(); ++at) {
    Bytes bad = good;
    bad[at] ^= std::byte{1} << (at % 8);
    survive(with_checksum(std::move(bad)));
  }
}

TEST(PlanFile, SurvivesRandomDamageUnderAFittingChecksum) {
  const Bytes good = encode_plan(full_plan());
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    Bytes bad = good;
    for (int i = 0; i < 4; ++i) {
      const size_t at = kPlanHeaderBytes + random() % (bad.size() - kPlanHeaderBytes);
      bad[at] = static_cast<std::byte>(random() & 0xff);
    }
    survive(with_checksum(std::move(bad)));
  }
}

TEST(PlanFile, WritesAndReadsAFile) {
  const auto path = std::filesystem::path(testing::TempDir()) / "plan_file_test.bin";
  ASSERT_TRUE(write_plan(full_plan(), path));
  const Result<Plan> plan = read_plan(path);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(*plan, full_plan());
  ASSERT_TRUE(write_file_atomically(path, {bytes_of("no plan")}));
  const Result<Plan> none = read_plan(path);
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message, StartsWith(path.string() + ": not a plan file"));
  std::filesystem::remove(path);
  EXPECT_THAT(read_plan(path).error().message, HasSubstr(path.string()));
}

}  // namespace
}  // namespace graphrt
