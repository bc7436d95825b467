#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/device/operand_slots.h"

namespace graphrt {

using MessageEndId = Id<struct MessageEndTag>;

/// This process's end of a pair: a send, or a receive, of the slot of every step.
struct MessageEnd {
  bool is_send = false;
  int32_t peer_rank = 0;  ///< where the other end is
  int32_t pair = 0;       ///< the same at both ends, and nowhere else between these two ranks
  OperandSlots slots;
};

/// The messages of one plan, as far as this process sends or receives them. The bytes of a pair
/// move once both of its ends have started the same step, and no sooner ends either of them.
///
/// Threads: all calls from one at a time, and not while the transport is called.
class Messages {
 public:
  Messages() = default;
  Messages(const Messages&) = delete;
  Messages& operator=(const Messages&) = delete;
  virtual ~Messages() = default;

  /// Without a step: both ends meet, and no bytes move, as where the step is outside of the run.
  /// Allocates nothing of its own. Requires: what the end started before has ended.
  /// Errors: what the network reports (kMachine).
  virtual Result<void> start(MessageEndId end, std::optional<int64_t> step) = 0;

  /// Goes on with what has started, and gives the ends that have ended since the last call; valid
  /// until the next. Allocates nothing of its own, and does not wait.
  /// Errors: what the network reports; another process that has called stop_peers() (kMachine).
  virtual Result<std::span<const MessageEndId>> poll() = 0;

  /// This process sends and receives nothing more: the others are told.
  virtual void stop_peers() = 0;
};

/// The error of a run that ended because one in another process did.
inline constexpr const char* kStoppedByPeer = "another host has stopped";

/// Connects the processes that run one plan. Without others, all hosts of the plan are here.
///
/// Every process calls the same functions in the same order, also while something fails: then with
/// the error, which is what all get.
///
/// Threads: one at a time.
class Transport {
 public:
  Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  virtual ~Transport() = default;

  virtual int32_t rank() const = 0;
  virtual int32_t num_ranks() const = 0;
  bool is_alone() const { return num_ranks() == 1; }
  /// Whether this process speaks for all: it prints, and writes files.
  bool is_first() const { return rank() == 0; }
  /// How this rank, or another, is called in messages.
  const std::string& title(int32_t rank) const { return titles_[static_cast<size_t>(rank)]; }

  /// Gives the ranks new numbers: `old_ranks[k]` becomes rank k, and is called `names[k]`.
  Result<void> arrange(const std::vector<int32_t>& old_ranks,
                       const std::vector<std::string>& names);
  bool is_arranged() const { return is_arranged_; }

  /// The messages of a plan, which has so many pairs, wherever they are. Asks no other rank.
  /// Errors: more pairs than the network can tell apart (kMachine).
  virtual Result<std::unique_ptr<Messages>> bind(const std::vector<MessageEnd>& ends,
                                                 int32_t num_pairs) = 0;

  /// What every rank gives. Errors: if a rank gives one, that of the lowest such rank; one that
  /// only says that another has stopped counts less. No answer for the timeout (kMachine).
  Result<std::vector<std::string>> agree(const Result<std::string>& mine);
  Result<void> agree(const Result<void>& mine);
  /// What rank `from` has; the others' `mine` counts only as an error. Errors: as agree().
  Result<std::string> share(int32_t from, Result<std::string> mine);
  /// For an error that every rank has found from the same facts.
  tl::unexpected<Error> agreed(Error error);

  /// Whether all ranks have been told of an error: there is nothing more to agree on.
  bool has_agreed_on_error() const { return has_agreed_on_error_; }
  /// Whether a rank did not answer: there is nobody to agree with.
  bool is_broken() const { return is_broken_; }
  /// How long to wait for an answer; 0: for ever. While `is_urgent` holds, not for long.
  void set_timeout(std::chrono::milliseconds timeout, std::function<bool()> is_urgent) {
    timeout_ = timeout;
    is_urgent_ = std::move(is_urgent);
  }

  /// Ends this process with this code, and all others if they can be reached. Says nothing.
  [[noreturn]] virtual void abort(int code) = 0;
  /// Nothing more is called. Requires: all ranks get there.
  virtual void disconnect() = 0;

 protected:
  /// Absent: for ever.
  std::optional<std::chrono::milliseconds> timeout_now() const;
  void set_titles(std::vector<std::string> titles) { titles_ = std::move(titles); }

 private:
  virtual Result<void> reorder(const std::vector<int32_t>& old_ranks) = 0;
  /// To another rank, and from it, in order. Errors: no answer for the timeout.
  virtual Result<void> send(int32_t to, std::string_view bytes) = 0;
  virtual Result<std::string> receive(int32_t from) = 0;

  Result<std::vector<std::string>> gather(const std::string& mine);
  Result<std::vector<std::string>> exchange(const std::string& mine);

  std::vector<std::string> titles_;
  std::chrono::milliseconds timeout_{0};
  std::function<bool()> is_urgent_;
  bool is_arranged_ = false;
  bool has_agreed_on_error_ = false;
  bool is_broken_ = false;
};

/// All hosts of a plan in this process: a pair is a copy, made as soon as both ends have started.
std::shared_ptr<Transport> in_process_transport();

}  // namespace graphrt
