#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/tensor.h"
#include "runtime/device/device_registry.h"
#include "runtime/device/lane_queue.h"
#include "runtime/engine/instruction_observer.h"
#include "runtime/engine/row_order.h"
#include "runtime/engine/stall_watch.h"
#include "runtime/plan/plan.h"

namespace graphrt {

/// How a plan is put on the machine.
struct SessionOptions {
  DeviceOptions devices;
  LaunchMode launch = LaunchMode::kGraph;
};

/// Everything on the CPU.
inline SessionOptions emulated() { return {.devices = {.choice = "emulated", .map = {}}}; }

enum class RunMode {
  kPipelined,  ///< steps overlap as the plan allows
  kBarrier,    ///< every step ends before the next starts: the same bits, for comparison
};

struct RunOptions {
  RunMode mode = RunMode::kPipelined;
  InstructionObserver* observer = nullptr;
  StallWatch watch = {};
};

/// How the steps of a plan divide the rows of its feeds. Without a feed that has more rows than a
/// step takes, every step sees all there is: one row, one a step.
struct FeedRows {
  int64_t num_rows = 1;
  std::optional<int64_t> batch = 1;  ///< absent: inputs take different numbers of rows a step
};

enum class StateMatch {
  kExact,    ///< every state of the plan must be in the file, with its type
  kPartial,  ///< what fits is loaded, the rest keeps its value
};

/// A plan that is loaded, verified and ready to run, with its inputs, outputs and state.
///
/// Owns all memory of the plan and one sleeping thread a lane.
/// Threads: num_finished_steps() from any thread; everything else from one at a time.
class Session {
 public:
  /// Reads the plan, proves that it is safe to run, opens its devices, allocates and fills its
  /// memory.
  /// Errors: a file that is not a plan, or not a safe one; a machine that cannot run it.
  static Result<Session> load(const std::filesystem::path& path,
                              const SessionOptions& options = {});

  /// The same for a plan that is in memory. Feeds are looked for in `folder`.
  static Result<Session> create(Plan plan, const std::filesystem::path& folder,
                                const SessionOptions& options, const DeviceRegistry& registry);

  Session(Session&& other) noexcept;
  Session& operator=(Session&& other) noexcept;
  ~Session();

  const Plan& plan() const;
  /// What the user should know about how the plan was loaded, a line each.
  const std::vector<std::string>& notes() const;

  /// Gives an input its value for every step, or, with more rows than the input has, the rows that
  /// the steps go through. Replaces the feed that the plan names.
  /// `origin` stands for the array in errors.
  /// Errors: no such input; a type that does not fit.
  Result<void> set_input(std::string_view name, Tensor array,
                         const std::string& origin = "set_input");

  /// In which order the next steps go through the rows of all feeds; at first, as they stand.
  void set_row_order(const RowOrder& order);
  const RowOrder& row_order() const;

  /// Reads the feeds that the plan names, unless that was done. Errors: as run().
  Result<FeedRows> feed_rows();

  /// Makes `step` the number of the next step, and so chooses the rows that the feeds give; states
  /// keep their values. With the states of a run after that many steps, the session goes on with
  /// the same bits. Outputs have no value until a step has run; stacks are to be started again.
  /// Errors: a negative number; a device that fails.
  Result<void> start_at(int64_t step);

  /// Keeps the values of an output of all steps from now on, for stacked(); what was kept before is
  /// forgotten.
  /// Errors: no such output, or one that stays on its device.
  Result<void> stack_output(std::string_view name);

  /// Takes the memory that stacked outputs need for the next `num_steps` steps, so that a run in
  /// pieces does not fail for the lack of it in its middle. Errors: not enough (kMachine).
  Result<void> reserve_outputs(int64_t num_steps);

  /// Runs the next `num_steps` steps. Feeds that the plan names are read the first time.
  /// Errors: inputs that are missing or do not fit (all of them); feeds with different numbers of
  ///         rows; memory for stacked outputs; a device that fails.
  Result<void> run(int64_t num_steps, const RunOptions& options = {});

  /// The number of the next step: how many all runs so far have completed, from start_at() on.
  int64_t next_step() const;
  /// Of the current or latest run. Does not disturb it.
  int64_t num_finished_steps() const;
  /// What the latest run's recorded launches cost the host; nothing in other modes.
  LaunchCost launch_cost() const;

  /// The values of an output since stack_output(), along a new first dimension.
  /// Errors: no such output, not stacked, no step since.
  Result<Tensor> stacked(std::string_view name) const;
  /// The same of some of those steps. Errors: no such output, not kept for all of them.
  Result<Tensor> stacked(std::string_view name, StepRange steps) const;
  /// The value of an output in the latest step.
  /// Errors: no such output, no step yet.
  Result<Tensor> last(std::string_view name) const;
  /// The current value of a state. Errors: no such state.
  Result<Tensor> state(std::string_view name) const;
  /// Replaces a state, in all its copies. Errors: no such state, another type.
  Result<void> set_state(std::string_view name, const Tensor& value);

  /// Writes all states to a safetensors file.
  Result<void> save_state(const std::filesystem::path& path) const;
  /// Loads states from a safetensors file; what else is in the file is left alone. Returns a line
  /// for every state that the file does not have in the plan's type (kPartial only).
  /// Errors: unreadable; with kExact, all those lines, and nothing is loaded.
  Result<std::vector<std::string>> load_state(const std::filesystem::path& path, StateMatch match);

  /// The array behind an input; null before it is known.
  const Tensor* input_array(std::string_view name) const;

 private:
  struct Impl;
  explicit Session(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace graphrt
