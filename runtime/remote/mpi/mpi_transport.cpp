#include <mpi.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "runtime/base/text.h"
#include "runtime/base/thread.h"
#include "runtime/remote/mpi/mpi_messages.h"
#include "runtime/remote/mpi/mpi_support.h"
#include "runtime/remote/mpi_connection.h"
#include "runtime/remote/transport.h"

namespace graphrt {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// A word between ranks is its length and then parts of at most so many bytes.
constexpr size_t kMaxPartBytes = size_t{1} << 28;
constexpr int kWordTag = 1;

constexpr int kYieldsBetweenLooks = 200;
constexpr std::chrono::microseconds kNapBetweenLooks{50};
/// A look that comes later than that after the one before comes after a stop, of this process or of
/// the machine: the time in between is nobody's silence.
constexpr milliseconds kLongestLook{100};

/// How long MPI may take to end the others.
constexpr std::chrono::milliseconds kTimeToAbort{500};

class MpiTransport final : public Transport {
 public:
  ~MpiTransport() override { disconnect(); }

  Result<void> connect() {
    int provided = 0;
    TRY(check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided), "start"));
    is_connected_ = true;
    if (provided < MPI_THREAD_SERIALIZED) return machine_error("this MPI knows no threads");
    TRY(use(MPI_COMM_WORLD, 0));
    std::vector<std::string> ranks;
    for (int32_t rank = 0; rank < num_ranks_; ++rank) {
      ranks.push_back("rank " + std::to_string(rank));
    }
    set_titles(ranks);
    std::array<char, MPI_MAX_PROCESSOR_NAME> name{};
    int length = 0;
    MPI_Get_processor_name(name.data(), &length);
    TRY(std::vector<std::string> machines,
        agree(Result<std::string>(std::string(name.data(), static_cast<size_t>(length)))));
    set_titles(std::move(machines));
    return {};
  }

  int32_t rank() const override { return rank_; }
  int32_t num_ranks() const override { return num_ranks_; }

  Result<std::unique_ptr<Messages>> bind(const std::vector<MessageEnd>& ends,
                                         int32_t num_pairs) override {
    int* max_tag = nullptr;
    int is_there = 0;
    MPI_Comm_get_attr(data_, MPI_TAG_UB, static_cast<void*>(&max_tag), &is_there);
    const int32_t largest = is_there != 0 ? *max_tag : 32767;
    if (num_pairs > largest - next_tag_) {
      return machine_error("the plan has " + std::to_string(num_pairs) +
                           " messages; MPI can tell " + std::to_string(largest - next_tag_) +
                           " apart here");
    }
    if (notice_ == nullptr) {
      TRY(notice_, StopNotice::create(notices_));
    }
    const int first_tag = std::exchange(next_tag_, next_tag_ + num_pairs);
    return MpiMessages::create(ends, data_, first_tag, *notice_);
  }

  [[noreturn]] void abort(int code) override {
    const Result<std::thread> helper =
        start_thread("a thread that ends all ranks", [code] { MPI_Abort(MPI_COMM_WORLD, code); });
    if (helper) std::this_thread::sleep_for(kTimeToAbort);
    ::_exit(code);
  }

  void disconnect() override {
    if (!is_connected_) return;
    is_connected_ = false;
    // MPI would wait for what a failed run has left under way.
    if (notice_ != nullptr && notice_->has_messages_left()) {
      [[maybe_unused]] const StopNotice* left_to_mpi = notice_.release();
      return;
    }
    notice_.reset();
    for (MPI_Comm* ranks : {&data_, &words_, &notices_}) {
      if (*ranks != MPI_COMM_NULL) MPI_Comm_free(ranks);
    }
    MPI_Finalize();
  }

 private:
  /// Goes on with the ranks of `ranks`, in the order of their keys.
  Result<void> use(MPI_Comm ranks, int key) {
    for (MPI_Comm* own : {&data_, &words_, &notices_}) {
      MPI_Comm old = std::exchange(*own, MPI_COMM_NULL);
      TRY(check_mpi(MPI_Comm_split(ranks, 0, key, own), "ranks"));
      TRY(check_mpi(MPI_Comm_set_errhandler(*own, MPI_ERRORS_RETURN), "ranks"));
      if (old != MPI_COMM_NULL) MPI_Comm_free(&old);
    }
    MPI_Comm_rank(words_, &rank_);
    MPI_Comm_size(words_, &num_ranks_);
    return {};
  }

  Result<void> reorder(const std::vector<int32_t>& old_ranks) override {
    const auto at = std::find(old_ranks.begin(), old_ranks.end(), rank_);
    return use(MPI_COMM_WORLD, static_cast<int>(at - old_ranks.begin()));
  }

  Result<void> send(int32_t to, std::string_view bytes) override {
    const uint64_t size = bytes.size();
    TRY(send_part(to, &size, sizeof size));
    for (size_t at = 0; at < bytes.size(); at += kMaxPartBytes) {
      TRY(send_part(to, bytes.data() + at, std::min(kMaxPartBytes, bytes.size() - at)));
    }
    return {};
  }

  Result<std::string> receive(int32_t from) override {
    uint64_t size = 0;
    TRY(receive_part(from, &size, sizeof size));
    std::string bytes(size, '\0');
    for (size_t at = 0; at < size; at += kMaxPartBytes) {
      TRY(receive_part(from, bytes.data() + at, std::min(kMaxPartBytes, size - at)));
    }
    return bytes;
  }

  Result<void> send_part(int32_t to, const void* bytes, size_t size) {
    MPI_Request request = MPI_REQUEST_NULL;
    TRY(check_mpi(
        MPI_Isend(bytes, static_cast<int>(size), MPI_BYTE, to, kWordTag, words_, &request),
        title(to)));
    return finish(request, to);
  }

  Result<void> receive_part(int32_t from, void* bytes, size_t size) {
    MPI_Request request = MPI_REQUEST_NULL;
    TRY(check_mpi(
        MPI_Irecv(bytes, static_cast<int>(size), MPI_BYTE, from, kWordTag, words_, &request),
        title(from)));
    return finish(request, from);
  }

  /// Errors: the other rank has not done its part for the timeout.
  Result<void> finish(MPI_Request& request, int32_t peer) const {
    Clock::duration waited{};
    Clock::time_point last_look = Clock::now();
    for (int64_t i = 0;; ++i) {
      int is_done = 0;
      TRY(check_mpi(MPI_Test(&request, &is_done, MPI_STATUS_IGNORE), title(peer)));
      if (is_done != 0) return {};
      if (i < kYieldsBetweenLooks) {
        sched_yield();
        continue;
      }
      std::this_thread::sleep_for(kNapBetweenLooks);
      const Clock::time_point now = Clock::now();
      waited += std::min<Clock::duration>(now - last_look, kLongestLook);
      last_look = now;
      const std::optional<milliseconds> limit = timeout_now();
      if (limit && waited >= *limit) return no_answer(peer, waited);
    }
  }

  tl::unexpected<Error> no_answer(int32_t peer, Clock::duration waited) const {
    return machine_error("host " + title(peer) + " has not answered for " +
                         format_duration(std::chrono::nanoseconds(waited).count()));
  }

  bool is_connected_ = false;
  MPI_Comm data_ = MPI_COMM_NULL;
  MPI_Comm words_ = MPI_COMM_NULL;
  MPI_Comm notices_ = MPI_COMM_NULL;
  int rank_ = 0;
  int num_ranks_ = 1;
  int32_t next_tag_ = 0;
  std::unique_ptr<StopNotice> notice_;
};

Result<std::shared_ptr<Transport>> connect_ranks() {
  auto transport = std::make_shared<MpiTransport>();
  TRY(transport->connect());
  return transport;
}

}  // namespace

extern "C" const char* graphrt_connect_mpi(const char* version,
                                           Result<std::shared_ptr<Transport>>* connected) {
  if (std::string(version) == GRAPHC_VERSION) *connected = connect_ranks();
  return GRAPHC_VERSION;
}

}  // namespace graphrt
