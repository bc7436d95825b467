#include "runtime/base/console.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>

namespace graphrt {
namespace {

/// What a process ended with that did `work` with streams of its own.
template <class Work>
int exit_code_of(Work work) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGPIPE, SIG_IGN);
    ::_exit(work());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void redirect(int descriptor, const char* path) {
  const int file = ::open(path, O_WRONLY);
  ::dup2(file, descriptor);
  ::close(file);
}

int lost_code() {
  const auto lost = deliver_reports();
  return lost ? lost->code : 0;
}

/// Makes `descriptor` a pipe, and gives the end that is read.
int pipe_from(int descriptor) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) ::_exit(99);
  ::dup2(ends[1], descriptor);
  ::close(ends[1]);
  return ends[0];
}

TEST(Console, AFullStreamLosesReportsAndNoNotes) {
  EXPECT_EQ(exit_code_of([] {
              redirect(STDERR_FILENO, "/dev/full");
              note("lost");
              show_progress("lost");
              return lost_code();
            }),
            0);
  EXPECT_EQ(exit_code_of([] {
              redirect(STDOUT_FILENO, "/dev/full");
              report("lost");
              return lost_code();
            }),
            ENOSPC);
  EXPECT_EQ(exit_code_of([] {
              redirect(STDERR_FILENO, "/dev/full");
              report_on_stderr("lost");
              return lost_code();
            }),
            ENOSPC);
}

TEST(Console, APipeThatNobodyReadsIsNoticed) {
  EXPECT_EQ(exit_code_of([] {
              ::close(pipe_from(STDERR_FILENO));
              if (is_pipe_broken()) return 1;
              note("lost");
              return is_pipe_broken() && lost_code() == 0 ? 0 : 2;
            }),
            0);
  EXPECT_EQ(exit_code_of([] {
              ::close(pipe_from(STDOUT_FILENO));
              report("lost");
              return is_pipe_broken() ? lost_code() : 1;
            }),
            EPIPE);
}

// A reader that does not read keeps nobody from working; in the end it gets everything, in order.
TEST(Console, AFullPipeIsWaitedForOnlyInTheEnd) {
  EXPECT_EQ(exit_code_of([] {
              const int reader = pipe_from(STDOUT_FILENO);
              const std::string text(1'000'000, 'x');
              report(text);
              report("y");
              const pid_t child = ::fork();
              if (child == 0) {
                ::close(STDOUT_FILENO);
                std::string read(text.size() + 2, '?');
                size_t size = 0;
                for (ssize_t count = 1; count > 0; size += static_cast<size_t>(count)) {
                  count = ::read(reader, read.data() + size, read.size() - size);
                }
                ::_exit(size == text.size() + 1 && read[size - 1] == 'y' ? 0 : 1);
              }
              if (lost_code() != 0) return 2;
              ::close(STDOUT_FILENO);
              int status = 0;
              ::waitpid(child, &status, 0);
              return status;
            }),
            0);
}

TEST(Console, DescriptorsThatWereClosedAreNoFilesOfOthers) {
  EXPECT_EQ(exit_code_of([] {
              for (int descriptor = 0; descriptor <= 2; ++descriptor) ::close(descriptor);
              open_standard_descriptors();
              if (::open("/dev/null", O_WRONLY) <= STDERR_FILENO) return 1;
              note("lost");
              report("lost");
              return lost_code();
            }),
            EBADF);
  EXPECT_EQ(exit_code_of([] {
              struct stat before{}, after{};
              ::fstat(STDOUT_FILENO, &before);
              open_standard_descriptors();
              ::fstat(STDOUT_FILENO, &after);
              return before.st_ino == after.st_ino ? 0 : 1;
            }),
            0);
}

}  // namespace
}  // namespace graphrt
