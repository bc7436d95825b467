#include "tools/graphprobe/measure_kernels.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "runtime/op/op_table.h"
#include "tools/graphprobe/recorded_kernel.h"

namespace graphprobe {
namespace {

using graphrt::BackEnd;
using graphrt::Result;

/// Of the time by the device's own choice: what an algorithm saves must be more than noise.
constexpr double kWorthwhile = 0.98;
/// A launch of so much work, in seconds, is long beside what launches differ by.
constexpr double kEnoughToRank = 150e-6;
constexpr double kEnoughToTime = 400e-6;
constexpr int32_t kMaxLength = 48;
constexpr int32_t kShortLength = 2;
constexpr int32_t kLeastLengthBeside = 3;
/// Shorter is nothing but what runs differ by.
constexpr double kLeastKernel = 100e-9;
constexpr int kNumRuns = 11;
/// Of long launches fewer say as much.
constexpr int kNumLongRuns = 5;
constexpr double kLongRun = 10e-3;

/// After so many runs of each that is left, those that take longer than the shortest by more than
/// this factor are out.
struct Heat {
  int num_runs;
  double limit;
};
constexpr std::array kHeats = {Heat{1, 1.2}, Heat{3, 1.05}, Heat{5, 1.02}};

/// YAML takes keys of up to 1024 characters.
constexpr size_t kLongestKey = 1000;

/// To three digits: more do not repeat.
int64_t rounded_ns(double seconds) {
  const double time_ns = std::max(seconds * 1e9, 1.0);
  double unit = 1;
  while (time_ns >= 1000 * unit) unit *= 10;
  return static_cast<int64_t>(std::llround(time_ns / unit) * std::llround(unit));
}

int32_t length_for(double enough_s, double kernel_s) {
  return static_cast<int32_t>(std::clamp(std::ceil(enough_s / kernel_s), 1.0, double{kMaxLength}));
}

struct Contender {
  std::string algorithm;  ///< empty: the device's own choice
  RecordedLaunch launch;
  std::vector<double> runs_s;
};

/// The fastest of the algorithms for a kernel.
class Contest {
 public:
  Contest(RecordedKernel& kernel, double kernel_s)
      : kernel_(kernel), length_(length_for(kEnoughToRank, kernel_s)) {}

  /// Those that the library offers, and then refuses, do not count.
  void enter(const std::string& algorithm) {
    Result<RecordedLaunch> launch = kernel_.record(algorithm, length_);
    if (!launch || !launch->run()) return;  // the first loads its code
    contenders_.push_back({algorithm, *std::move(launch), {}});
  }

  size_t num_contenders() const { return contenders_.size(); }

  /// Empty: none that is worth it. Requires: the device's own choice entered first.
  Result<std::string> winner() {
    for (const Heat& heat : kHeats) {
      // In turn, so that a chip that gets warmer slows down all.
      for (Contender& each : contenders_) each.runs_s.clear();
      for (int i = 0; i < heat.num_runs; ++i) {
        for (Contender& each : contenders_) {
          TRY(each.runs_s.emplace_back(), each.launch.run());
        }
      }
      const double limit_s = heat.limit * shortest_s();
      const auto is_out = [&](const Contender& each) {
        return !each.algorithm.empty() && median(each.runs_s) > limit_s;
      };
      std::erase_if(contenders_, is_out);
    }
    const double best_s = shortest_s();
    if (best_s > kWorthwhile * median(contenders_.front().runs_s)) return std::string();
    const auto best = std::find_if(contenders_.begin(), contenders_.end(),
                                   [&](const auto& each) { return median(each.runs_s) <= best_s; });
    return best->algorithm;
  }

 private:
  double shortest_s() const {
    double shortest_s = median(contenders_.front().runs_s);
    for (const Contender& each : contenders_) {
      shortest_s = std::min(shortest_s, median(each.runs_s));
    }
    return shortest_s;
  }

  RecordedKernel& kernel_;
  int32_t length_;
  std::vector<Contender> contenders_;
};

/// What `longer` takes more than `shorter`: without what any launch takes. At least 0.
Result<double> seconds_between(RecordedLaunch& shorter, RecordedLaunch& longer) {
  std::vector<double> shorter_s;
  std::vector<double> longer_s;
  // What is launched for the first time may load code.
  TRY(shorter.run());
  TRY(const double first_s, longer.run());
  const int num_runs = first_s > kLongRun ? kNumLongRuns : kNumRuns;
  for (int i = 0; i < num_runs; ++i) {
    TRY(shorter_s.emplace_back(), shorter.run());
    TRY(longer_s.emplace_back(), longer.run());
  }
  return std::max(median(longer_s) - median(shorter_s), 0.0);
}

/// What one more takes behind others on a lane. `rough_s`: about as much.
Result<double> seconds_alone(RecordedKernel& kernel, const std::string& algorithm, double rough_s) {
  const int32_t num_more = length_for(kEnoughToTime, rough_s);
  const int32_t num_few = num_more == 1 ? 1 : kShortLength;
  TRY(RecordedLaunch few, kernel.record(algorithm, num_few));
  TRY(RecordedLaunch more, kernel.record(algorithm, num_few + num_more));
  TRY(const double more_s, seconds_between(few, more));
  return more_s / num_more;
}

/// What one of many takes that are at work on several lanes at the same time.
Result<double> seconds_beside(RecordedKernel& kernel, const std::string& algorithm,
                              int32_t num_lanes, double alone_s) {
  const int32_t length =
      std::max(length_for(kEnoughToTime, alone_s * num_lanes), kLeastLengthBeside);
  TRY(RecordedLaunch one, kernel.record(algorithm, 1));
  TRY(RecordedLaunch all, kernel.record(algorithm, length, num_lanes));
  TRY(const double more_s, seconds_between(one, all));
  return std::min((more_s + alone_s) / (length * num_lanes), alone_s);
}

struct Found {
  std::string algorithm;  ///< empty: the device's own choice
  size_t num_timed = 0;   ///< algorithms
  double alone_s = 0;
  double beside_s = 0;
};

/// `num_lanes`: how many the device has.
Result<Found> find_fastest(RecordedKernel& kernel, int32_t num_lanes) {
  TRY(const std::vector<std::string> algorithms, kernel.algorithms());
  // Roughly, with what launching takes.
  TRY(RecordedLaunch once, kernel.record("", 1));
  TRY(once.run());
  TRY(const double rough_s, once.run());
  TRY(const double default_s, seconds_alone(kernel, "", rough_s));
  Found found;
  found.alone_s = std::max(default_s, kLeastKernel);
  if (algorithms.size() > 1) {
    Contest contest(kernel, found.alone_s);
    contest.enter("");
    for (size_t i = 1; i < algorithms.size(); ++i) contest.enter(algorithms[i]);
    found.num_timed = contest.num_contenders();
    TRY(found.algorithm, contest.winner());
  }
  if (!found.algorithm.empty()) {
    TRY(const double seconds, seconds_alone(kernel, found.algorithm, found.alone_s));
    found.alone_s = std::max(seconds, kLeastKernel);
  }
  const int32_t num_beside = std::min(num_lanes, kernel.max_lanes());
  found.beside_s = found.alone_s;
  if (num_beside > 1) {
    TRY(found.beside_s, seconds_beside(kernel, found.algorithm, num_beside, found.alone_s));
  }

  return found;
}

/// Times the kernels of one kind of device, and writes down what it finds.
class KindOfKernels {
 public:
  KindOfKernels(const std::string& kind, const BackEnd& back_end, graphrt::DeviceId device,
                graphc::Machine& machine, const SecondsClock& clock)
      : kind_(kind), back_end_(back_end), device_(device), machine_(machine), clock_(clock) {}

  /// Errors: the device that the machine file names is not here (kMachine).
  Result<void> check() const {
    if (!back_end_.count) return {};
    const graphc::Device& device = machine_.devices[device_];
    TRY(const int32_t count, back_end_.count());
    if (device.index < count) return {};
    return graphrt::machine_error(fmt::format(
        "cannot time kernels: the machine file's {} is {} device {}, and this machine has {}",
        device.name, kind_, device.index, count));
  }

  /// What was found, or why there is nothing.
  std::string measure(const std::string& signature, const Kernel& kernel) {
    machine_.times[kind_].erase(signature);
    machine_.algorithms[kind_].erase(signature);
    if (signature.size() > kLongestKey) {
      return signature.substr(0, kLongestKey / 10) + "...: too long for a machine file";
    }
    const Result<Found> found = try_to_measure(kernel);
    // One that cannot be timed, as its operands need too much memory, costs the others nothing.
    if (!found) return signature + ": left out: " + found.error().message;
    machine_.times[kind_][signature] = {rounded_ns(found->alone_s), rounded_ns(found->beside_s)};
    if (!found->algorithm.empty()) machine_.algorithms[kind_][signature] = found->algorithm;
    std::string choice;
    if (found->num_timed > 0) {
      choice = fmt::format(", the fastest of {} algorithms: {}", found->num_timed,
                           found->algorithm.empty() ? "the library's own" : found->algorithm);
    }
    return fmt::format("{}: {:.2f} us, {:.2f} us beside others{}", signature, found->alone_s * 1e6,
                       found->beside_s * 1e6, choice);
  }

 private:
  /// On a device of its own: its memory is free again before the next.
  Result<Found> try_to_measure(const Kernel& kernel) {
    const graphc::Device& device = machine_.devices[device_];
    TRY(auto opened, back_end_.open(device.name, device.index));
    TRY(RecordedKernel recorded,
        RecordedKernel::create(kernel, back_end_, std::move(opened), clock_));
    return find_fastest(recorded, device.num_lanes);
  }

  std::string kind_;
  const BackEnd& back_end_;
  graphrt::DeviceId device_;
  graphc::Machine& machine_;
  const SecondsClock& clock_;
};

/// Nothing, with a note if the machine has no such device, where no launches can be recorded.
/// Errors: a device that the machine file names is not here (kMachine).
Result<std::optional<KindOfKernels>> kind_of_kernels(const std::string& kind,
                                                     const graphrt::DeviceRegistry& registry,
                                                     graphc::Machine& machine,
                                                     const SecondsClock& clock,
                                                     std::vector<std::string>& notes) {
  const BackEnd* back_end = registry.find(kind);
  const auto device = device_for(kind, machine);
  if (back_end == nullptr || !device) {
    notes.push_back("the machine has no device of kind " + kind);
    return std::nullopt;
  }
  if (!back_end->make_queue) return std::nullopt;
  if (back_end->prepare) back_end->prepare(graphrt::LaunchMode::kRecorded);
  KindOfKernels of_kind(kind, *back_end, *device, machine, clock);
  TRY(of_kind.check());
  return of_kind;
}

}  // namespace

Result<std::vector<std::string>> measure_kernels(const Kernels& kernels,
                                                 const graphrt::DeviceRegistry& registry,
                                                 graphc::Machine& machine,
                                                 const SecondsClock& clock) {
  std::vector<std::string> notes;
  std::map<std::string, std::optional<KindOfKernels>> kinds;
  for (const auto& [key, kernel] : kernels) {
    const auto& [kind, signature] = key;
    if (!kinds.contains(kind)) {
      TRY(auto of_kind, kind_of_kernels(kind, registry, machine, clock, notes));
      kinds.emplace(kind, std::move(of_kind));
    }
    std::optional<KindOfKernels>& of_kind = kinds.at(kind);
    const bool is_view = graphrt::find_op(kernel.op)->in_place == graphrt::InPlace::kView;
    if (of_kind && !is_view) notes.push_back(of_kind->measure(signature, kernel));
  }
  std::erase_if(machine.times, [](const auto& each) { return each.second.empty(); });
  std::erase_if(machine.algorithms, [](const auto& each) { return each.second.empty(); });
  return notes;
}

}  // namespace graphprobe
