#include "runtime/remote/mpi/mpi_messages.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "runtime/remote/mpi/mpi_support.h"

namespace graphrt {
namespace {

bool has_ended_mpi() {
  int has_ended = 0;
  MPI_Finalized(&has_ended);
  return has_ended != 0;
}

}  // namespace

Result<std::unique_ptr<StopNotice>> StopNotice::create(MPI_Comm ranks) {
  std::unique_ptr<StopNotice> notice(new StopNotice(ranks));
  TRY(check_mpi(MPI_Recv_init(nullptr, 0, MPI_BYTE, MPI_ANY_SOURCE, 0, ranks, &notice->receive_),
                "a request"));
  TRY(check_mpi(MPI_Start(&notice->receive_), "a request"));
  return notice;
}

StopNotice::~StopNotice() {
  if (has_ended_mpi() || receive_ == MPI_REQUEST_NULL) return;
  int has_come = 0;
  MPI_Test(&receive_, &has_come, MPI_STATUS_IGNORE);
  if (has_come == 0) {
    MPI_Cancel(&receive_);
    MPI_Wait(&receive_, MPI_STATUS_IGNORE);
  }
  MPI_Request_free(&receive_);
}

void StopNotice::send() {
  if (!sends_.empty()) return;
  int own = 0;
  int num_ranks = 0;
  MPI_Comm_rank(ranks_, &own);
  MPI_Comm_size(ranks_, &num_ranks);
  sends_.reserve(static_cast<size_t>(num_ranks));
  for (int rank = 0; rank < num_ranks; ++rank) {
    if (rank == own) continue;
    MPI_Request& request = sends_.emplace_back(MPI_REQUEST_NULL);
    MPI_Isend(nullptr, 0, MPI_BYTE, rank, 0, ranks_, &request);
  }
}

Result<std::unique_ptr<Messages>> MpiMessages::create(const std::vector<MessageEnd>& ends,
                                                      MPI_Comm ranks, int first_tag,
                                                      StopNotice& notice) {
  std::unique_ptr<MpiMessages> messages(new MpiMessages(notice));
  for (const MessageEnd& end : ends) TRY(messages->add(end, ranks, first_tag));
  messages->active_.reserve(ends.size() + 1);
  messages->active_.push_back(notice.request());
  messages->active_ends_.reserve(ends.size());
  messages->places_.resize(ends.size() + 1);
  messages->ended_.reserve(ends.size());
  return messages;
}

Result<void> MpiMessages::add(const MessageEnd& end, MPI_Comm ranks, int first_tag) {
  TRY(MpiBytes bytes, mpi_bytes(end.slots.type.size_bytes(), std::numeric_limits<int>::max() / 2));
  End bound{.distance = end.slots.distance, .requests = {}};
  const int tag = first_tag + end.pair;
  for (int64_t version = 0; version < end.slots.versions; ++version) {
    std::byte* address = end.slots.first + version * end.slots.stride_bytes;
    TRY(const MPI_Request request, make_request(end, address, bytes, ranks, tag));
    bound.requests.push_back(request);
  }
  TRY(const MPI_Request of_no_bytes, make_request(end, end.slots.first, {0, MPI_BYTE}, ranks, tag));
  bound.requests.push_back(of_no_bytes);
  if (bytes.type != MPI_BYTE) MPI_Type_free(&bytes.type);
  ends_.push_back(std::move(bound));
  return {};
}

Result<MPI_Request> MpiMessages::make_request(const MessageEnd& end, std::byte* address,
                                              const MpiBytes& bytes, MPI_Comm ranks, int tag) {
  MPI_Request request = MPI_REQUEST_NULL;
  const int code =
      end.is_send
          ? MPI_Ssend_init(address, bytes.count, bytes.type, end.peer_rank, tag, ranks, &request)
          : MPI_Recv_init(address, bytes.count, bytes.type, end.peer_rank, tag, ranks, &request);
  TRY(check_mpi(code, "a request"));
  return request;
}

/// What is under way still, after a run that failed, stays with MPI.
MpiMessages::~MpiMessages() {
  if (has_ended_mpi()) return;
  if (!active_ends_.empty()) {
    notice_.leave_messages();
    return;
  }
  for (End& end : ends_) {
    for (MPI_Request& request : end.requests) {
      if (request != MPI_REQUEST_NULL) MPI_Request_free(&request);
    }
  }
}

Result<void> MpiMessages::start(MessageEndId id, std::optional<int64_t> step) {
  End& end = ends_[id];
  const auto versions = static_cast<int64_t>(end.requests.size()) - 1;
  const int64_t remainder = step ? (*step - end.distance) % versions : versions;
  MPI_Request& request =
      end.requests[static_cast<size_t>(remainder < 0 ? remainder + versions : remainder)];
  TRY(check_mpi(MPI_Start(&request), "a message"));
  active_.push_back(request);
  active_ends_.push_back(id);
  return {};
}

Result<std::span<const MessageEndId>> MpiMessages::poll() {
  ended_.clear();
  int num_ended = 0;
  TRY(check_mpi(MPI_Testsome(static_cast<int>(active_.size()), active_.data(), &num_ended,
                             places_.data(), MPI_STATUSES_IGNORE),
                "messages"));
  if (num_ended <= 0) return std::span<const MessageEndId>(ended_);
  std::sort(places_.begin(), places_.begin() + num_ended);
  if (places_[0] == 0) return machine_error(kStoppedByPeer);
  keep_active(static_cast<size_t>(num_ended));
  return std::span<const MessageEndId>(ended_);
}

/// Takes out what has ended. Requires: the first so many places are sorted, without the notice's.
void MpiMessages::keep_active(size_t num_ended) {
  size_t next = 0;
  size_t kept = 1;
  for (size_t i = 1; i < active_.size(); ++i) {
    if (next < num_ended && static_cast<size_t>(places_[next]) == i) {
      ended_.push_back(active_ends_[i - 1]);
      ++next;
      continue;
    }
    active_[kept] = active_[i];
    active_ends_[kept - 1] = active_ends_[i - 1];
    ++kept;
  }
  active_.resize(kept);
  active_ends_.resize(kept - 1, MessageEndId(0));
}

}  // namespace graphrt
