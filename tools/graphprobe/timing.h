#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/device/action.h"

namespace graphprobe {

/// Seconds since a moment that stays the same.
using SecondsClock = std::function<double()>;
double steady_seconds();

/// Requires: at least one sample.
double median(std::vector<double> samples);

/// The clock decides how often something is measured, never what.

/// Median time in seconds of one call, after a warm-up of a quarter of `budget`. Calls until
/// `budget` is spent, at least three times.
graphrt::Result<double> median_seconds(const std::function<graphrt::Result<void>()>& run,
                                       std::chrono::nanoseconds budget);

/// What all actions together get done in a second, each on a thread of its own, again and again:
/// median of several rounds after one to warm up. `amount` is what one run of an action gets done.
/// In a round, whoever is done counting goes on working until all are: no action is ever counted
/// while others rest.
graphrt::Result<double> combined_rate(std::span<graphrt::Action* const> actions, double amount);

}  // namespace graphprobe
