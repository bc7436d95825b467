// The same runs over every transport: alone, all hosts are in this process; under mpirun -n 2, one.

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "runtime/device/device_registry.h"
#include "runtime/remote/mpi_connection.h"
#include "runtime/session/checkpoint.h"
#include "runtime/session/session.h"
#include "tests/unit/runtime/session/exchange_plan.h"

namespace graphrt {
namespace {

using ::testing::HasSubstr;

/// Of all tests: MPI starts once in a process.
std::shared_ptr<Transport>& ranks() {
  static std::shared_ptr<Transport> transport;
  return transport;
}

SessionOptions over_ranks() {
  SessionOptions options = emulated();
  options.transport = ranks();
  return options;
}

Result<Session> session_of(const Plan& plan) {
  return Session::create(plan, {}, over_ranks(), builtin_devices());
}

std::vector<float> floats(const Tensor& tensor) {
  const auto span = tensor.as<float>();
  return {span.begin(), span.end()};
}

/// What the exchange computes, in one loop over both hosts.
void step_by_hand(std::vector<float>& s0, std::vector<float>& s1) {
  for (size_t i = 0; i < s0.size(); ++i) {
    const float g0 = s0[i] + s0[i];
    const float g1 = s1[i] + s1[i];
    s0[i] = std::fma(-0.25F, g1, s0[i]);
    s1[i] = std::fma(-0.25F, g0, s1[i]);
  }
}

TEST(Exchange, ComputesWhatOneLoopDoes) {
  for (const int versions : {1, 2}) {
    for (const int64_t size : {1, 64, 5000, 300'000}) {
      auto session = session_of(ExchangePlan(3, size, versions).build());
      ASSERT_TRUE(session) << session.error().message;
      std::vector<std::vector<float>> s0, s1;
      for (int k = 0; k < 3; ++k) {
        const auto a = session->state("s0." + std::to_string(k));
        const auto b = session->state("s1." + std::to_string(k));
        ASSERT_TRUE(a && b);
        s0.push_back(floats(*a));
        s1.push_back(floats(*b));
      }
      const int num_steps = size > 10'000 ? 5 : 40;
      ASSERT_TRUE(session->run(num_steps));
      std::vector<float> received;
      for (size_t k = 0; k < 3; ++k) {
        for (int step = 0; step < num_steps; ++step) {
          if (k == 0) received = s1[0];
          step_by_hand(s0[k], s1[k]);
        }
        const auto a = session->state("s0." + std::to_string(k));
        const auto b = session->state("s1." + std::to_string(k));
        ASSERT_TRUE(a && b);
        for (size_t i = 0; i < s0[k].size(); ++i) {
          ASSERT_NEAR(floats(*a)[i], s0[k][i], 1e-5F) << k << " " << i;
          ASSERT_NEAR(floats(*b)[i], s1[k][i], 1e-5F) << k << " " << i;
          if (size > 1000 && i > 100) break;
        }
      }
      const auto output = session->last("received");
      ASSERT_TRUE(output) << output.error().message;
      for (size_t i = 0; i < std::min<size_t>(received.size(), 100); ++i) {
        ASSERT_NEAR(floats(*output)[i], 2 * received[i], 1e-5F);
      }
    }
  }
}

TEST(Exchange, GivesTheSameBitsInPiecesAndInBarriers) {
  const Plan plan = ExchangePlan(4, 100, 2).build();
  std::vector<std::vector<std::byte>> states;
  for (const std::vector<int64_t>& pieces :
       {std::vector<int64_t>{30}, {1, 2, 3, 24}, {10, 0, 20}, {29, 1}}) {
    for (const RunMode mode : {RunMode::kPipelined, RunMode::kBarrier}) {
      auto session = session_of(plan);
      ASSERT_TRUE(session) << session.error().message;
      for (const int64_t piece : pieces) ASSERT_TRUE(session->run(piece, {.mode = mode}));
      const auto state = session->state("s1.3");
      ASSERT_TRUE(state);
      states.push_back(state->data);
    }
  }
  for (const auto& each : states) EXPECT_EQ(each, states.front());
}

TEST(Exchange, KeepsEveryStepsOutput) {
  auto session = session_of(ExchangePlan(2, 8, 2).build());
  ASSERT_TRUE(session) << session.error().message;
  ASSERT_TRUE(session->stack_output("received"));
  ASSERT_TRUE(session->run(7));
  const auto stack = session->stacked("received");
  ASSERT_TRUE(stack) << stack.error().message;
  EXPECT_EQ(stack->type.shape, (Shape{7, 8}));
  const auto last = session->last("received");
  ASSERT_TRUE(last);
  const std::vector<float> all = floats(*stack);
  EXPECT_EQ(std::vector<float>(all.end() - 8, all.end()), floats(*last));
}

TEST(Exchange, GoesOnFromACheckpoint) {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() /
      ("transport-" +
       std::string(std::getenv("GRAPHC_TEST_ID") ? std::getenv("GRAPHC_TEST_ID") : "alone") +
       ".safetensors");
  const Plan plan = ExchangePlan(3, 20, 2).build();
  auto whole = session_of(plan);
  ASSERT_TRUE(whole) << whole.error().message;
  ASSERT_TRUE(whole->run(12));
  ASSERT_TRUE(write_checkpoint(*whole, path));
  ASSERT_TRUE(whole->run(9));
  auto resumed = session_of(plan);
  ASSERT_TRUE(resumed);
  const auto found = resume_if_there(*resumed, path);
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ(resumed->next_step(), 12);
  ASSERT_TRUE(resumed->run(9));
  for (const char* name : {"s0.0", "s1.2"}) {
    const auto a = whole->state(name);
    const auto b = resumed->state(name);
    ASSERT_TRUE(a && b);
    EXPECT_EQ(a->data, b->data) << name;
  }
  if (whole->is_first()) std::filesystem::remove(path);
}

TEST(Exchange, TellsAllWhatEachSays) {
  auto session = session_of(ExchangePlan(1, 8, 1).build());
  ASSERT_TRUE(session) << session.error().message;
  const int64_t mine = ranks() == nullptr ? 10 : 10 + ranks()->rank();
  const auto all = session->tell_all(mine);
  ASSERT_TRUE(all);
  EXPECT_EQ(*all, ranks() == nullptr ? std::vector<int64_t>{10} : (std::vector<int64_t>{10, 11}));
}

}  // namespace
}  // namespace graphrt

int main(int argc, char** argv) {
  ::testing::InitGoogleMock(&argc, argv);
  if (graphrt::is_started_by_mpi()) {
    auto connected = graphrt::connect_by_mpi();
    if (!connected) {
      std::fprintf(stderr, "%s\n", connected.error().message.c_str());
      return 3;
    }
    graphrt::ranks() = *connected;
    (*connected)->set_timeout(std::chrono::seconds(60), {});
  }
  const int code = RUN_ALL_TESTS();
  if (graphrt::ranks() != nullptr) graphrt::ranks()->disconnect();
  return code;
}
