#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/device/device_registry.h"
#include "tools/graphprobe/plan_kernels.h"
#include "tools/graphprobe/timing.h"

namespace graphprobe {

/// A launch that was recorded, of the same kernel many times.
class RecordedLaunch {
 public:
  /// What it takes from launching it to its end, in seconds.
  graphrt::Result<double> run();

 private:
  friend class RecordedKernel;

  std::vector<std::unique_ptr<graphrt::Action>> actions_;
  std::unique_ptr<graphrt::LaneQueue> queue_;
  SecondsClock clock_;
};

/// A kernel on a device, to be timed as plans run it: in recorded launches. It has several sets of
/// operands that are taken in turn, more than a cache holds: what a step has made since a value was
/// written has mostly pushed it out of there.
///
/// Floats are random, since what a chip computes decides how much power it draws; integers are
/// labels and rows, spread evenly over those that there are: how many fall on one decides how long
/// some kernels take. What replaces its first operand does so here.
class RecordedKernel {
 public:
  /// Requires: the back end records launches.
  /// Errors: what the device reports, no memory for the operands among it (kMachine).
  static graphrt::Result<RecordedKernel> create(const Kernel& kernel,
                                                const graphrt::BackEnd& back_end,
                                                std::unique_ptr<graphrt::Device> device,
                                                SecondsClock clock = steady_seconds);

  /// Those that the device has for it, its own choice the first.
  graphrt::Result<std::vector<std::string>> algorithms();

  /// `length` of them on each of `num_lanes` lanes, one after the other; by an algorithm, or the
  /// device's own choice if that is empty. Valid as long as this is.
  /// Requires: at most max_lanes(). Errors: an algorithm that the library offers and then refuses.
  graphrt::Result<RecordedLaunch> record(std::string_view algorithm, int32_t length,
                                         int32_t num_lanes = 1);

  /// Each has operands of its own.
  int32_t max_lanes() const { return static_cast<int32_t>(sets_.size()); }

 private:
  RecordedKernel(const graphrt::BackEnd& back_end, std::unique_ptr<graphrt::Device> device,
                 SecondsClock clock)
      : back_end_(&back_end), device_(std::move(device)), clock_(std::move(clock)) {}
  graphrt::Result<void> add_operands(const Kernel& kernel);

  const graphrt::BackEnd* back_end_;
  std::unique_ptr<graphrt::Device> device_;
  SecondsClock clock_;
  graphrt::Attributes attributes_;
  std::string op_;
  std::vector<graphrt::KernelBinding> sets_;
};

}  // namespace graphprobe
