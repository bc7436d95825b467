#pragma once

#include <csignal>
#include <optional>
#include <string>

namespace graphrun {

/// Turns the first SIGINT, SIGTERM or SIGHUP into a wish to stop, for as long as it lives. The
/// second is not caught: it ends the process at once. (A terminal that is closed may say so twice.)
/// A signal that the process was started to ignore stays ignored until another one comes. A reader
/// of standard output or standard error that goes away wishes the same: SIGPIPE, which never comes
/// as a signal.
class StopSignal {
 public:
  StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  /// Afterwards the signals do what they did before.
  ~StopSignal();

  /// The signal that asked to stop, if one did.
  std::optional<int> caught() const;

 private:
  struct sigaction on_interrupt_{};
  struct sigaction on_terminate_{};
  struct sigaction on_hang_up_{};
};

/// Whether a signal has asked to stop, since the latest of those was made. From any thread.
bool is_stop_wanted();

/// "SIGINT".
std::string name_of_signal(int signal);

/// What a shell reports of a program that this signal ended: 130 for SIGINT, 143 for SIGTERM,
/// 129 for SIGHUP, 141 for SIGPIPE.
constexpr int exit_code_of_signal(int signal) { return 128 + signal; }

}  // namespace graphrun
