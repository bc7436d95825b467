#include "compiler/search/trade_offs.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/base/text.h"
#include "runtime/plan/plan.h"

namespace graphc {
namespace {

constexpr int kMaxHalvings = 24;
constexpr int kMaxPoints = 16;

/// Each point asks for at least a sixteenth less than the one before.
constexpr int64_t kStepsDown = 16;

MemoryLimits with_limit(MemoryLimits limits, DeviceId device, int64_t limit_bytes) {
  limits[device] = limit_bytes;
  return limits;
}

/// Without those that need more bytes than another and are no faster.
std::vector<TradeOff> not_dominated(const std::vector<TradeOff>& falling) {
  std::vector<TradeOff> points;
  for (const TradeOff& point : falling) {
    while (!points.empty() && points.back().interval_ns >= point.interval_ns) points.pop_back();
    points.push_back(point);
  }
  return points;
}

std::vector<TradeOff> trade_offs_of(DeviceId device, const MemoryLimits& limits,
                                    const CompileWithin& compile) {
  std::vector<TradeOff> falling;
  int64_t limit_bytes = limits[device];
  for (int i = 0; i < kMaxPoints; ++i) {
    const Outcome outcome = compile(with_limit(limits, device, limit_bytes));
    if (!outcome.fits) break;
    const int64_t peak_bytes = outcome.peak_bytes[device];
    falling.push_back({device, peak_bytes, outcome.interval_ns, outcome.how});
    if (peak_bytes == 0) return {};
    limit_bytes = peak_bytes - std::max(peak_bytes / kStepsDown, kBufferAlignmentBytes);
  }
  const MemoryLimits too_small = with_limit(limits, device, limit_bytes);
  if (const auto smallest = smallest_limit(device, too_small, compile)) {
    const Outcome last = compile(with_limit(limits, device, *smallest));
    falling.push_back({device, last.peak_bytes[device], last.interval_ns, last.how});
  }
  return not_dominated(falling);
}

}  // namespace

std::optional<int64_t> smallest_limit(DeviceId device, const MemoryLimits& limits,
                                      const CompileWithin& compile) {
  constexpr int64_t kUnlimited = int64_t{1} << 60;
  const Outcome roomy = compile(with_limit(limits, device, kUnlimited));
  if (!roomy.fits) return std::nullopt;
  int64_t too_small = std::min(limits[device], roomy.peak_bytes[device] - 1);
  int64_t enough = roomy.peak_bytes[device];
  for (int i = 0; i < kMaxHalvings && enough - too_small > kBufferAlignmentBytes; ++i) {
    const int64_t middle = too_small + (enough - too_small) / 2;
    const Outcome outcome = compile(with_limit(limits, device, middle));
    if (outcome.fits) {
      enough = outcome.peak_bytes[device];
    } else {
      too_small = middle;
    }
  }
  return enough;
}

std::vector<TradeOff> find_trade_offs(const MemoryLimits& limits, const CompileWithin& compile) {
  std::vector<TradeOff> all;
  for (const DeviceId device : limits.ids()) {
    const std::vector<TradeOff> points = trade_offs_of(device, limits, compile);
    all.insert(all.end(), points.begin(), points.end());
  }
  return all;
}

std::string print_trade_offs(const std::vector<TradeOff>& trade_offs, const Machine& machine) {
  std::string text =
      fmt::format("{:<12}{:>14}{:>14}   {}\n", "device", "peak bytes", "step time", "how");
  for (const TradeOff& point : trade_offs) {
    text += fmt::format("{:<12}{:>14}{:>14}   {}\n", machine.devices[point.device].name,
                        point.peak_bytes, format_duration(point.interval_ns), point.how);
  }
  return text;
}

}  // namespace graphc
