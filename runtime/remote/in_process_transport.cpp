#include <unistd.h>

#include <cstring>
#include <map>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/remote/transport.h"

namespace graphrt {
namespace {

class InProcessMessages final : public Messages {
 public:
  explicit InProcessMessages(const std::vector<MessageEnd>& ends) {
    std::map<int32_t, MessageEndId> other_end;
    for (const MessageEnd& end : ends) {
      const MessageEndId id = ends_.push_back({end.slots, end.is_send, {}, {}, false});
      const auto [at, is_first] = other_end.try_emplace(end.pair, id);
      if (is_first) continue;
      ends_[id].other = at->second;
      ends_[at->second].other = id;
    }
    ended_.reserve(ends_.size());
    given_.reserve(ends_.size());
  }

  Result<void> start(MessageEndId id, std::optional<int64_t> step) override {
    End& end = ends_[id];
    End& other = ends_[*end.other];
    end.step = step;
    end.has_started = true;
    if (!other.has_started) return {};
    CHECK(other.step == step, "the ends of a pair are in different steps");
    const End& source = end.is_send ? end : other;
    const End& target = end.is_send ? other : end;
    if (step) {
      std::memcpy(target.slots.at(*step), source.slots.at(*step),
                  static_cast<size_t>(source.slots.type.size_bytes()));
    }
    end.has_started = false;
    other.has_started = false;
    ended_.push_back(id);
    ended_.push_back(*end.other);
    return {};
  }

  Result<std::span<const MessageEndId>> poll() override {
    given_.swap(ended_);
    ended_.clear();
    return std::span<const MessageEndId>(given_);
  }

  void stop_peers() override {}

 private:
  struct End {
    OperandSlots slots;
    bool is_send;
    std::optional<MessageEndId> other;
    std::optional<int64_t> step;
    bool has_started;
  };

  IdVector<MessageEndId, End> ends_;
  std::vector<MessageEndId> ended_;  // never more than there are ends
  std::vector<MessageEndId> given_;
};

class InProcessTransport final : public Transport {
 public:
  InProcessTransport() { set_titles({"this process"}); }
  int32_t rank() const override { return 0; }
  int32_t num_ranks() const override { return 1; }

  Result<std::unique_ptr<Messages>> bind(const std::vector<MessageEnd>& ends, int32_t) override {
    return std::make_unique<InProcessMessages>(ends);
  }
  [[noreturn]] void abort(int code) override { ::_exit(code); }
  void disconnect() override {}

 private:
  Result<void> reorder(const std::vector<int32_t>&) override { return {}; }
  Result<void> send(int32_t, std::string_view) override {
    return machine_error("there is no other process");
  }
  Result<std::string> receive(int32_t) override {
    return machine_error("there is no other process");
  }
};

}  // namespace

std::shared_ptr<Transport> in_process_transport() { return std::make_shared<InProcessTransport>(); }

}  // namespace graphrt
