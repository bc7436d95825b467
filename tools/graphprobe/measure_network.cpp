#include "tools/graphprobe/measure_network.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "compiler/machine/print_quantity.h"
#include "runtime/base/ids.h"

namespace graphprobe {
namespace {

using graphrt::MessageEndId;
using graphrt::Result;
using Clock = std::chrono::steady_clock;

constexpr int64_t kSmallBytes = 8;
constexpr int kBurst = 32;
constexpr int64_t kLargeBytes = int64_t{8} << 20;
constexpr int kRepetitions = 41;
constexpr int kLargeRepetitions = 11;

/// The messages of both directions: small ones, of which a burst has many, and a large one.
class Pair {
 public:
  static Result<Pair> create(graphrt::Transport& transport) {
    Pair pair;
    pair.rank_ = transport.rank();
    pair.small_.resize(kSmallBytes * 2 * kBurst);
    pair.large_.resize(2 * kLargeBytes);
    std::vector<graphrt::MessageEnd> ends;
    const auto add = [&](std::byte* address, int64_t num_bytes, int from) {
      graphrt::MessageEnd end;
      end.is_send = from == pair.rank_;
      end.peer_rank = 1 - pair.rank_;
      end.pair = static_cast<int32_t>(ends.size());
      end.slots.type = {graphrt::ElementType::kU8, {num_bytes}};
      end.slots.first = address;
      ends.push_back(end);
    };
    for (int i = 0; i < 2 * kBurst; ++i) {
      add(pair.small_.data() + i * kSmallBytes, kSmallBytes, i / kBurst);
    }
    for (int from = 0; from < 2; ++from)
      add(pair.large_.data() + from * kLargeBytes, kLargeBytes, from);
    TRY(pair.messages_, transport.bind(ends, static_cast<int32_t>(ends.size())));
    return pair;
  }

  static std::vector<int> small_ones(int from, int count) {
    std::vector<int> pairs;
    for (int i = 0; i < count; ++i) pairs.push_back(from * kBurst + i);
    return pairs;
  }
  static int large_one(int from) { return 2 * kBurst + from; }

  /// Sends or receives all of these, and waits for their end.
  Result<void> move(const std::vector<int>& pairs) {
    for (const int pair : pairs) TRY(messages_->start(MessageEndId(pair), 0));
    for (size_t left = pairs.size(); left > 0;) {
      TRY(const auto ended, messages_->poll());
      left -= ended.size();
      if (ended.empty()) sched_yield();
    }
    return {};
  }

  /// The median time from the start of the first way to the end of the second, in nanoseconds.
  Result<double> time_both_ways(const std::vector<int>& there, const std::vector<int>& back,
                                int num_repetitions) {
    std::vector<double> ns;
    for (int i = 0; i < num_repetitions; ++i) {
      const Clock::time_point start = Clock::now();
      TRY(move(there));
      TRY(move(back));
      ns.push_back(std::chrono::duration<double, std::nano>(Clock::now() - start).count());
    }
    std::nth_element(ns.begin(), ns.begin() + num_repetitions / 2, ns.end());
    return ns[static_cast<size_t>(num_repetitions / 2)];
  }

 private:
  int rank_ = 0;
  std::vector<std::byte> small_;
  std::vector<std::byte> large_;
  std::unique_ptr<graphrt::Messages> messages_;
};

std::string network_line(double latency_ns, double message_ns, double to_ns, double both_ns) {
  // Three digits: no measurement has more.
  const auto bytes_per_s = [](double bytes, double ns) {
    const double rate = bytes / std::max(ns, 1.0) * 1e9;
    const double unit = std::pow(10, std::floor(std::log10(rate)) - 2);
    return std::round(rate / unit) * unit;
  };
  const double to = bytes_per_s(double{kLargeBytes}, to_ns - latency_ns);
  const double both = std::max(to, bytes_per_s(2.0 * double{kLargeBytes}, both_ns - latency_ns));
  return fmt::format("network: {{to: {}, both: {}, latency: {}, message: {}}}\n",
                     graphc::print_byte_rate(to), graphc::print_byte_rate(both),
                     graphc::print_duration(std::llround(latency_ns)),
                     graphc::print_duration(std::max<int64_t>(std::llround(message_ns), 1)));
}

}  // namespace

Result<std::string> measure_network(graphrt::Transport& transport) {
  if (transport.num_ranks() != 2) {
    return graphrt::usage_error(fmt::format(
        "--network measures between 2 ranks, and mpirun started {}", transport.num_ranks()));
  }
  TRY(Pair pair, Pair::create(transport));
  const std::vector<int> large = {Pair::large_one(0)};
  const std::vector<int> large_back = {Pair::large_one(1)};
  const std::vector<int> large_both = {Pair::large_one(0), Pair::large_one(1)};
  const auto small = [](int from) { return Pair::small_ones(from, 1); };
  const auto burst = [](int from) { return Pair::small_ones(from, kBurst); };
  TRY(pair.time_both_ways(large, large_back, 3));  // to warm up
  TRY(const double small_ns, pair.time_both_ways(small(0), small(1), kRepetitions));
  TRY(const double burst_ns, pair.time_both_ways(burst(0), burst(1), kRepetitions));
  TRY(const double large_ns, pair.time_both_ways(large, large_back, kLargeRepetitions));
  TRY(const double both_ns, pair.time_both_ways(large_both, small(1), kLargeRepetitions));
  if (!transport.is_first()) return std::string();
  const double latency_ns = small_ns / 2;
  const double message_ns = (burst_ns - small_ns) / 2 / (kBurst - 1);
  return network_line(latency_ns, message_ns, large_ns / 2, both_ns - latency_ns);
}

}  // namespace graphprobe
