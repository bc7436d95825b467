#pragma once

#include <mpi.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/remote/mpi/mpi_support.h"
#include "runtime/remote/transport.h"

namespace graphrt {

/// Word that another rank runs nothing more, which may come at any time. One a process.
class StopNotice {
 public:
  /// Errors: what MPI reports.
  static Result<std::unique_ptr<StopNotice>> create(MPI_Comm ranks);
  StopNotice(const StopNotice&) = delete;
  StopNotice& operator=(const StopNotice&) = delete;
  ~StopNotice();

  /// Completes when the word has come; started already.
  MPI_Request request() const { return receive_; }
  /// Tells all others, without waiting.
  void send();

  /// Whether messages are under way that nobody waits for any more.
  bool has_messages_left() const { return has_messages_left_; }
  void leave_messages() { has_messages_left_ = true; }

 private:
  explicit StopNotice(MPI_Comm ranks) : ranks_(ranks) {}

  MPI_Comm ranks_;
  MPI_Request receive_ = MPI_REQUEST_NULL;
  std::vector<MPI_Request> sends_;
  bool has_messages_left_ = false;
};

/// Persistent synchronous messages, a request for every version of every end, all made beforehand.
/// MPI keeps the order of what has one tag, so versions need none of their own.
class MpiMessages final : public Messages {
 public:
  /// Pair p has the tag `first_tag + p`. `notice` must outlive this.
  static Result<std::unique_ptr<Messages>> create(const std::vector<MessageEnd>& ends,
                                                  MPI_Comm ranks, int first_tag,
                                                  StopNotice& notice);
  ~MpiMessages() override;

  Result<void> start(MessageEndId end, std::optional<int64_t> step) override;
  Result<std::span<const MessageEndId>> poll() override;
  void stop_peers() override { notice_.send(); }

 private:
  struct End {
    int64_t distance = 0;
    std::vector<MPI_Request> requests;  // by version; the last is of no bytes
  };

  explicit MpiMessages(StopNotice& notice) : notice_(notice) {}
  Result<void> add(const MessageEnd& end, MPI_Comm ranks, int first_tag);
  static Result<MPI_Request> make_request(const MessageEnd& end, std::byte* address,
                                          const MpiBytes& bytes, MPI_Comm ranks, int tag);
  void keep_active(size_t num_ended);

  StopNotice& notice_;
  IdVector<MessageEndId, End> ends_;
  // The notice, and what is under way behind it: room for all.
  std::vector<MPI_Request> active_;
  std::vector<MessageEndId> active_ends_;  // of active_[i + 1]
  std::vector<int> places_;                // in active_, of what has ended
  std::vector<MessageEndId> ended_;
};

}  // namespace graphrt
