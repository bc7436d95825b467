#include "tools/common/program.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <string>
#include <system_error>

#include "runtime/base/console.h"
#include "runtime/base/exceptions.h"
#include "runtime/base/result.h"

namespace tools {
namespace {

/// What a shell reports of a program that SIGPIPE ended.
constexpr int kBrokenPipe = 128 + SIGPIPE;

/// A reader that goes away and a limit of the sizes of files are told by the call that meets them.
void ignore_signals_of_writing() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

/// Of the program, for the end of a thread that threw.
std::string_view program_name;

/// `name: error: message`, its beginning if it is long. Takes no memory: there may be none.
void print_error_in_place(std::string_view name, std::string_view message) noexcept {
  std::array<char, 1000> line{};
  size_t size = 0;
  const auto add = [&](std::string_view text) {
    const size_t room = line.size() - 1 - size;
    size += text.copy(line.data() + size, room);
  };
  add(name);
  add(": error: ");
  add(message);
  line[size] = '\n';
  graphrt::note({line.data(), size + 1});
}

/// An exception that nothing can catch, as it comes from a thread's function or from one that may
/// not throw, ends the process with a message, too.
[[noreturn]] void end_by_exception() noexcept {
  if (!std::current_exception()) std::abort();
  const graphrt::Error error = graphrt::error_of_exception();
  print_error_in_place(program_name, error.message);
  ::_exit(graphrt::exit_code(error.kind));
}

/// Takes the stack now that the program needs later. It counts as address space; where that is out,
/// a stack that has to grow would end the process without a word.
[[gnu::noinline]] void take_stack() {
  constexpr size_t kStackBytes = size_t{1} << 20;
  constexpr size_t kPageBytes = 4096;
  rlimit limit{};
  if (::getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur < 2 * kStackBytes) return;
  char stack[kStackBytes];
  volatile char* const pages = stack;
  for (size_t i = kStackBytes; i >= kPageBytes; i -= kPageBytes) pages[i - 1] = 0;
}

/// The exit code of `body`, also where it throws.
int run_body(std::string_view name, int argc, char** argv, int (*body)(int, char**)) noexcept {
  try {
    return body(argc, argv);
  } catch (...) {
    const graphrt::Error error = graphrt::error_of_exception();
    print_error_in_place(name, error.message);
    return graphrt::exit_code(error.kind);
  }
}

std::string reason_of(int code) {
  return code == EBADF ? "it is closed" : std::generic_category().message(code);
}

/// The exit code, with what became of the reports.
int finish(std::string_view name, int code) {
  const auto lost = graphrt::deliver_reports();
  if (!lost) return code;
  if (lost->code == EPIPE) return code == 0 ? kBrokenPipe : code;
  print_error(name, "cannot write to " + std::string(lost->stream) + ": " + reason_of(lost->code));
  graphrt::deliver_reports();
  return std::max(code, graphrt::exit_code(graphrt::ErrorKind::kMachine));
}

}  // namespace

int run_program(std::string_view name, int argc, char** argv, int (*body)(int, char**)) {
  graphrt::open_standard_descriptors();
  ignore_signals_of_writing();
  program_name = name;
  std::set_terminate(end_by_exception);
  take_stack();
  return finish(name, run_body(name, argc, argv, body));
}

void print_error(std::string_view name, std::string_view message) {
  graphrt::note(std::string(name) + ": " + std::string(message) + "\n");
}

}  // namespace tools
