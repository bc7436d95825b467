#include "tools/graphprobe/measure_link.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <vector>

#include "runtime/device/cpu_device.h"
#include "tools/graphprobe/operands.h"
#include "tools/graphprobe/timing.h"

namespace graphprobe {
namespace {

using graphrt::Action;
using graphrt::Device;
using graphrt::OperandSlots;
using graphrt::Result;
using std::chrono::milliseconds;

constexpr int64_t kNumElements = int64_t{1} << 26;
constexpr double kNumBytes = sizeof(float) * static_cast<double>(kNumElements);

/// One direction of a link: a large copy and one of a single element.
struct Direction {
  Device* source = nullptr;
  OperandSlots from;
  Device* destination = nullptr;
  OperandSlots to;
  std::unique_ptr<Action> large;
  std::unique_ptr<Action> tiny;
};

/// `binder` is the end whose stream carries the copies; it pins the other where that is the host.
Result<Direction> make_direction(Device& source, Device& destination, Device& binder) {
  Direction direction;
  direction.source = &source;
  direction.destination = &destination;
  TRY(direction.from, make_array(source, {graphrt::ElementType::kF32, {kNumElements}}));
  TRY(direction.to, make_array(destination, {graphrt::ElementType::kF32, {kNumElements}}));
  const int64_t num_bytes = direction.from.type.size_bytes();
  if (source.is_host()) TRY(binder.adopt_host(direction.from.first, num_bytes));
  if (destination.is_host()) TRY(binder.adopt_host(direction.to.first, num_bytes));

  graphrt::CopyBinding copy{
      .source = &source, .from = direction.from, .destination = &destination, .to = direction.to};
  TRY(direction.large, binder.bind_copy(copy));
  copy.from.type.shape = copy.to.type.shape = {1};
  TRY(direction.tiny, binder.bind_copy(copy));
  return direction;
}

/// Bytes that depend on their place and on `seed`, and are nowhere what allocate() leaves.
std::vector<uint32_t> make_pattern(uint32_t seed) {
  constexpr uint32_t kOdd = 2654435761U;
  std::vector<uint32_t> pattern(static_cast<size_t>(kNumElements));
  for (size_t i = 0; i < pattern.size(); ++i) {
    pattern[i] = (static_cast<uint32_t>(i) + seed) * kOdd;
  }
  return pattern;
}

/// Errors: the large copy leaves other bytes behind than it was given: some virtual machines say
/// that GPUs reach each other, and drop what they write.
Result<void> check_arrival(const Direction& direction, uint32_t seed) {
  const std::vector<uint32_t> sent = make_pattern(seed);
  TRY(direction.source->write(direction.from.first, std::as_bytes(std::span(sent))));
  TRY(direction.large->run(0));
  std::vector<uint32_t> received(sent.size());
  TRY(direction.destination->read(direction.to.first, std::as_writable_bytes(std::span(received))));
  if (received == sent) return {};
  return graphrt::machine_error("what is copied from " + direction.source->name() + " to " +
                                direction.destination->name() + " does not arrive");
}

/// A copy of 4 bytes as the host sees it: launched, moved, its end noticed. A copy in a recorded
/// launch takes less; copies that wait for each other across devices take about this.
Result<double> latency_of(const Direction& direction) {
  return median_seconds([&] { return direction.tiny->run(0); }, milliseconds(200));
}

/// The bandwidth beyond the latency: the compiler adds that itself.
Result<double> bandwidth_of(const Direction& direction, double latency_s) {
  TRY(const double total_s,
      median_seconds([&] { return direction.large->run(0); }, milliseconds(500)));
  return kNumBytes / std::max(total_s - latency_s, total_s / 2);
}

Result<LinkFigures> measure(const Direction& to, const Direction& back) {
  TRY(check_arrival(to, 1));
  TRY(check_arrival(back, 2));
  TRY(const double to_latency_s, latency_of(to));
  TRY(const double back_latency_s, latency_of(back));
  LinkFigures figures;
  figures.latency_s = std::max(to_latency_s, back_latency_s);
  TRY(figures.to_bytes_per_s, bandwidth_of(to, to_latency_s));
  TRY(figures.back_bytes_per_s, bandwidth_of(back, back_latency_s));
  const std::array<Action*, 2> both = {to.large.get(), back.large.get()};
  TRY(figures.both_bytes_per_s, combined_rate(both, kNumBytes));
  return figures;
}

Result<std::unique_ptr<Device>> open(const Accelerator& gpu) {
  return gpu.back_end->open(gpu.name, gpu.index);
}

}  // namespace

Result<LinkFigures> measure_host_link(const Accelerator& gpu) {
  // First the host, so that it outlives those that pin its memory. The accelerator is opened twice:
  // all copies that one binds share a stream, and the two directions are to run at once.
  graphrt::CpuDevice host("cpu");
  TRY(const std::unique_ptr<Device> receiver, open(gpu));
  TRY(const std::unique_ptr<Device> sender, open(gpu));
  TRY(const Direction to, make_direction(host, *receiver, *receiver));
  TRY(const Direction back, make_direction(*sender, host, *sender));
  return measure(to, back);
}

Result<LinkFigures> measure_peer_link(const Accelerator& first, const Accelerator& second) {
  TRY(const std::unique_ptr<Device> near, open(first));
  TRY(const std::unique_ptr<Device> far, open(second));
  TRY(const Direction to, make_direction(*near, *far, *far));
  TRY(const Direction back, make_direction(*far, *near, *near));
  return measure(to, back);
}

}  // namespace graphprobe
