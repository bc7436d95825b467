#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "runtime/base/result.h"
#include "runtime/observe/reference_check.h"
#include "runtime/session/session.h"
#include "runtime/train/training.h"
#include "tools/graphrun/options.h"

namespace graphrun {

/// How a run went, how long its lanes worked, and its trace if one was asked for.
struct Measured {
  graphrt::TrainingResult steps;
  std::optional<int> stop_signal;  ///< the run ended early because of it
  int64_t busy_ns = 0;
  std::string trace_json;
};

/// Everything about outputs that can go wrong before the run; those that are asked for of all steps
/// are kept from now on.
/// Errors: unknown names; outputs that stay on their device.
graphrt::Result<void> prepare_results(graphrt::Session& session, const Options& options);

/// Writes every file that is asked for, also after one that cannot be written. Outputs have no
/// value if no step has run: then there is nothing to write of them, and the user is told. Errors:
/// kMachine.
graphrt::Result<void> write_results(const graphrt::Session& session, const Options& options,
                                    const Measured& measured);

/// Prints how fast the run was.
void print_speed(const Options& options, const Measured& measured);

/// Prints scalar outputs.
graphrt::Result<void> print_last_values(const graphrt::Session& session, const Options& options,
                                        const Measured& measured);

/// Prints where the loss scale ended, and how many steps were skipped for it.
void print_loss_scale(const Options& options, const Measured& measured);

void print_check(const graphrt::CheckReport& report);

}  // namespace graphrun
