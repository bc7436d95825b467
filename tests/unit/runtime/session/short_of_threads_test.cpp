// What happens where the system gives no thread, or OpenBLAS no buffer: in a child process, whose
// address space is as large as it is and no larger.

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <string>

#include "runtime/engine/engine.h"
#include "runtime/kernels/cpu/product_buffers.h"
#include "runtime/session/session.h"
#include "tests/unit/runtime/engine/callback_action.h"
#include "tests/unit/runtime/engine/training_plan.h"

namespace graphrt {
namespace {

int64_t address_space_bytes() {
  std::ifstream file("/proc/self/statm");
  int64_t num_pages = 0;
  file >> num_pages;
  return num_pages * ::sysconf(_SC_PAGESIZE);
}

/// Runs `work` in a child that may have so many bytes more than this process; its error's message,
/// or its signal.
template <class Work>
std::string message_within(int64_t more_bytes, Work work) {
  int ends[2];
  if (::pipe(ends) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    const auto limit = static_cast<rlim_t>(address_space_bytes() + more_bytes);
    const rlimit limits{limit, limit};
    ::setrlimit(RLIMIT_AS, &limits);
    const std::string message = work();
    ::_exit(::write(ends[1], message.data(), message.size()) < 0 ? 1 : 0);
  }
  ::close(ends[1]);
  std::string message(1000, ' ');
  const ssize_t size = ::read(ends[0], message.data(), message.size());
  message.resize(static_cast<size_t>(std::max<ssize_t>(size, 0)));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status)) : message;
}

class ShortOfThreads : public ::testing::Test {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer needs the address space itself";
#endif
  }
};

TEST_F(ShortOfThreads, SaysWhichThreadOfHowManyIsMissing) {
  const Plan plan = TrainingPlan::make(Overlap::kPipelined);
  const std::string message = message_within(20 << 20, [&] {
    const auto engine = Engine::create(plan, idle_actions(plan));
    return engine ? "none" : engine.error().message;
  });
  EXPECT_THAT(message,
              ::testing::MatchesRegex("cannot start thread [1-7] of 7, one for every lane: "
                                      "Resource temporarily unavailable"));
}

TEST_F(ShortOfThreads, RefusesARunThatCannotBeWatchedAndCanRunItWithoutWatch) {
  const Plan plan = TrainingPlan::make(Overlap::kPipelined);
  const std::string message = message_within(1 << 30, [&] {
    const auto engine = Engine::create(plan, idle_actions(plan));
    if (!engine) return engine.error().message;
    const auto limit = static_cast<rlim_t>(address_space_bytes() + (1 << 20));
    const rlimit limits{limit, limit};
    ::setrlimit(RLIMIT_AS, &limits);
    const auto watched =
        (*engine)->run({0, 3}, nullptr, {.timeout = std::chrono::hours(1), .on_stall = {}});
    const auto unwatched = (*engine)->run({0, 3}, nullptr);
    return (watched ? "none" : watched.error().message) + (unwatched ? "" : "; not run");
  });
  EXPECT_EQ(message,
            "cannot start a thread that watches for a lack of progress: Resource temporarily "
            "unavailable");
}

TEST_F(ShortOfThreads, OpenBlasHasItsBuffersBeforeAnyProduct) {
  // A buffer is no larger than is said: it could be out where room for one was found.
  const std::string growth = message_within(int64_t{64} << 30, [] {
    const int64_t before = address_space_bytes();
    const auto buffers = ProductBuffers::reserve(100);
    const int64_t grown = address_space_bytes() - before;
    const bool is_as_said = grown > 50 * kProductBufferBytes && grown <= 101 * kProductBufferBytes;
    return buffers && is_as_said ? "as said" : std::to_string(grown);
  });
  EXPECT_EQ(growth, "as said");
  const std::string message = message_within(kProductBufferBytes / 2, [] {
    const auto buffers = ProductBuffers::reserve(100);
    return buffers ? "none" : buffers.error().message;
  });
  EXPECT_THAT(message, ::testing::StartsWith("not enough memory for OpenBLAS, which takes 128 MiB "
                                             "of address space for each of "));
}

}  // namespace
}  // namespace graphrt
