#include "tools/graphrun/ranks.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string>
#include <vector>

#include "runtime/base/console.h"
#include "runtime/remote/mpi_connection.h"
#include "tools/common/program.h"
#include "tools/graphrun/stop_signal.h"

namespace graphrun {
namespace {

using graphrt::Result;
using graphrt::Transport;

/// The largest of all ranks' exit codes: a signal may have come to one of them alone.
Result<int> agree_on_code(Transport& transport, const Result<int>& result) {
  if (!result && transport.has_agreed_on_error()) return result;
  TRY(const std::vector<std::string> words,
      transport.agree(result.map([](int code) { return std::to_string(code); })));
  int largest = 0;
  for (const std::string& word : words) {
    int code = 0;
    std::from_chars(word.data(), word.data() + word.size(), code);
    largest = std::max(largest, code);
  }
  return largest;
}

int code_of(const Result<int>& result) {
  return result ? *result : graphrt::exit_code(result.error().kind);
}

void say(const Result<int>& result, const std::string& who) {
  if (!result) tools::print_error("graphrun", "error: " + who + result.error().message);
}

}  // namespace

Result<void> join_ranks(Options& options) {
  if (!graphrt::is_started_by_mpi()) return {};
  if (options.emulates) {
    return graphrt::usage_error(
        "--emulate runs all hosts of the plan in one process: start it without mpirun");
  }
  TRY(options.session.transport, graphrt::connect_by_mpi());
  Transport& transport = *options.session.transport;
  transport.set_timeout(std::chrono::seconds(options.timeout_s), is_stop_wanted);
  options.is_first = transport.is_first();
  return {};
}

int end_ranks(const Options& options, const Result<int>& result) {
  if (options.session.transport == nullptr) {
    say(result, "");
    return code_of(result);
  }
  Transport& transport = *options.session.transport;
  const bool was_broken = transport.is_broken();
  const Result<int> agreed = was_broken ? result : agree_on_code(transport, result);
  if (transport.is_broken()) {
    say(agreed, "host " + transport.title(transport.rank()) + ": ");
    graphrt::deliver_reports();
    transport.abort(std::max(code_of(agreed), 1));
  }
  if (transport.is_first()) say(agreed, "");
  graphrt::deliver_reports();
  transport.disconnect();
  return code_of(agreed);
}

}  // namespace graphrun
