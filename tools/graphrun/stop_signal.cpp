#include "tools/graphrun/stop_signal.h"

#include <atomic>

#include "runtime/base/console.h"

namespace graphrun {
namespace {

// All that a handler of signals can reach. Any thread may run it.
std::atomic<int> caught_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free);

/// Only the first signal comes here.
void note_signal(int signal) {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGHUP, SIG_IGN);
  caught_signal = signal;
}

void catch_signal(int signal, struct sigaction& before) {
  ::sigaction(signal, nullptr, &before);
  if (before.sa_handler == SIG_IGN) return;
  struct sigaction action{};
  action.sa_handler = note_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

StopSignal::StopSignal() {
  caught_signal = 0;
  catch_signal(SIGINT, on_interrupt_);
  catch_signal(SIGTERM, on_terminate_);
  catch_signal(SIGHUP, on_hang_up_);
}

StopSignal::~StopSignal() {
  ::sigaction(SIGINT, &on_interrupt_, nullptr);
  ::sigaction(SIGTERM, &on_terminate_, nullptr);
  if (!caught_signal) ::sigaction(SIGHUP, &on_hang_up_, nullptr);
}

std::optional<int> StopSignal::caught() const {
  const int signal = caught_signal;
  if (signal != 0) return signal;
  if (graphrt::is_pipe_broken()) return SIGPIPE;
  return std::nullopt;
}

bool is_stop_wanted() { return caught_signal != 0; }

std::string name_of_signal(int signal) {
  if (signal == SIGPIPE) return "SIGPIPE";
  if (signal == SIGHUP) return "SIGHUP";
  return signal == SIGINT ? "SIGINT" : "SIGTERM";
}

}  // namespace graphrun
