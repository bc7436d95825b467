#include "tools/common/program.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string>
#include <system_error>

#include "runtime/base/console.h"
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
  return finish(name, body(argc, argv));
}

void print_error(std::string_view name, std::string_view message) {
  graphrt::note(std::string(name) + ": " + std::string(message) + "\n");
}

}  // namespace tools
