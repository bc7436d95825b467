#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/safetensors.h"
#include "runtime/base/step_range.h"
#include "runtime/base/tensor.h"
#include "runtime/device/device_registry.h"
#include "runtime/device/launch.h"
#include "runtime/engine/instruction_observer.h"
#include "runtime/engine/stall_watch.h"
#include "runtime/plan/plan.h"
#include "runtime/remote/transport.h"
#include "runtime/session/row_order.h"

namespace graphrt {

/// How a plan is put on the machine.
struct SessionOptions {
  DeviceOptions devices;
  LaunchMode launch = LaunchMode::kRecorded;
  /// Absent: all hosts of the plan are in this process.
  std::shared_ptr<Transport> transport = {};
  /// Which rank of the transport stands for a host of the plan; the others in their order.
  std::map<std::string, int32_t> rank_map = {};
};

/// Everything on the CPU.
inline SessionOptions emulated() {
  SessionOptions options;
  options.devices.choice = "emulated";
  return options;
}

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

/// No step has a larger number: sums of steps stay far from overflow.
inline constexpr int64_t kMaxStep = int64_t{1} << 60;
/// Of one run.
inline constexpr int64_t kMaxRunSteps = int64_t{1} << 40;

enum class StateMatch {
  kExact,    ///< every state of the plan must be in the file, with its type
  kPartial,  ///< what fits is loaded, the rest keeps its value
};

enum class StateTypes {
  kSame,  ///< floats of another type than the plan's do not fit
  kCast,  ///< they are cast to it
};

/// What became of the states in a file.
struct LoadedStates {
  std::vector<std::string> left_out;  ///< a line for each that does not fit
  size_t num_cast = 0;
};

/// A plan that is loaded, verified and ready to run, with its inputs, outputs and state.
///
/// Owns all memory of the plan and one sleeping thread a lane. Whatever the caller does, and
/// whoever throws, memory that is out and observers included, a call ends with a result or an
/// error: of a session that was moved away it is an error too, or nothing where there is no error
/// to give.
///
/// Hosts:   where several processes run one plan, each has a session that runs its host's part, and
///          all make the same calls in the same order. What runs, reads or writes a value is a
///          matter of all; files are written, and states read, by the first. An error of one is an
///          error of all, at the latest in the next call that concerns them all.
/// Threads: plan(), notes(), next_step() and num_finished_steps() from any thread at any time. Of
///          everything else one call goes on at a time, whatever thread it is from: a second, also
///          one by an observer or by on_stall, is refused. Moving and destroying: with no call
///          going on.
/// Fork:    a session belongs to the process that loaded it. In the child of a fork its calls are
///          refused and destroying it does nothing; the parent does not notice. The child may load
///          the plan itself, if no call of this library went on in another thread at the fork.
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
  /// Errors: no such input; a type that does not fit; more or fewer bytes than its type has.
  Result<void> set_input(std::string_view name, Tensor array,
                         const std::string& origin = "set_input");

  /// In which order the next steps go through the rows of all feeds; at first, as they stand.
  Result<void> set_row_order(const RowOrder& order);
  const RowOrder& row_order() const;

  /// Reads the feeds that the plan names, unless that was done. Errors: as run().
  Result<FeedRows> feed_rows();

  /// Makes `step` the number of the next step, and so chooses the rows that the feeds give; states
  /// keep their values. With the states of a run after that many steps, the session goes on with
  /// the same bits. Outputs have no value until a step has run. A stack goes on where `step` is one
  /// of its steps or comes right after them; another is to be started again.
  /// Errors: a negative number, or one beyond kMaxStep; an earlier run that failed; a device that
  ///         fails.
  Result<void> start_at(int64_t step);

  /// Keeps the values of an output of all steps from now on, for stacked(); what was kept before is
  /// forgotten.
  /// Errors: no such output, or one that stays on its device.
  Result<void> stack_output(std::string_view name);

  /// Takes the memory that stacked outputs need for the next `num_steps` steps, so that a run in
  /// pieces does not fail for the lack of it in its middle.
  /// Errors: not enough (kMachine); a number of steps as run() refuses it.
  Result<void> reserve_outputs(int64_t num_steps);

  /// Runs the next `num_steps` steps. Feeds that the plan names are read the first time.
  /// Errors: a number that is negative, more than kMaxRunSteps or leads beyond kMaxStep (kUsage);
  ///         inputs that are missing or do not fit (all of them); feeds with different numbers of
  ///         rows; memory for stacked outputs; no thread for the watch; a device that fails, an
  ///         observer that throws, no progress: the run has failed then, and all that is left to do
  ///         is to load the plan again, since states and outputs are of no step.
  Result<void> run(int64_t num_steps, const RunOptions& options = {});

  /// The number of the next step: how many all runs so far have completed, from start_at() on.
  int64_t next_step() const;
  /// Of the current or latest run. Does not disturb it.
  int64_t num_finished_steps() const;
  /// What the latest run's recorded launches cost the host; nothing in other modes, nor while a run
  /// goes on.
  LaunchCost launch_cost() const;

  /// The values of an output since stack_output(), along a new first dimension.
  /// Errors: no such output, not stacked, no step since; a run that failed.
  Result<Tensor> stacked(std::string_view name) const;
  /// The same of some of those steps. Errors: no such output, not kept for all of them.
  Result<Tensor> stacked(std::string_view name, StepRange steps) const;
  /// The value of an output in the latest step.
  /// Errors: no such output, no step yet; a run that failed.
  Result<Tensor> last(std::string_view name) const;
  /// The current value of a state. Errors: no such state; a run that failed.
  Result<Tensor> state(std::string_view name) const;
  /// Replaces a state, in all its copies.
  /// Errors: no such state; another type; more or fewer bytes than it has; a run that failed.
  Result<void> set_state(std::string_view name, const Tensor& value);

  /// Whether this process speaks for all that run the plan: it writes files, and tells the user.
  bool is_first() const;
  /// What every process gives, by host.
  Result<std::vector<int64_t>> tell_all(int64_t mine) const;
  /// What the first process finds there.
  Result<bool> is_there(const std::filesystem::path& path) const;
  /// A safetensors file, read by the first process.
  Result<Safetensors> read_tensors(const std::filesystem::path& path) const;
  /// Writes one, from the first process.
  Result<void> write_tensors(const std::filesystem::path& path, const Safetensors& content) const;

  /// Writes all states to a safetensors file.
  Result<void> save_state(const std::filesystem::path& path) const;
  /// Loads states from a safetensors file; what else is in the file is left alone. States that the
  /// file does not have in the plan's type are left out with kPartial only.
  /// Errors: unreadable; with kExact, all those lines; a number that is too large for the type it
  ///         is cast to. Then nothing is loaded.
  Result<LoadedStates> load_state(const std::filesystem::path& path, StateMatch match,
                                  StateTypes types = StateTypes::kSame);

  /// The array behind an input; null before it is known, and while a run goes on.
  const Tensor* input_array(std::string_view name) const;

 private:
  struct Impl;
  struct Close {
    void operator()(Impl* impl) const noexcept;
  };
  explicit Session(std::unique_ptr<Impl, Close> impl);
  static Result<Session> create_here(Plan plan, const std::filesystem::path& folder,
                                     const SessionOptions& options, const DeviceRegistry& registry,
                                     std::shared_ptr<Transport> transport);
  /// Calls, if that may be now.
  template <class Call>
  std::invoke_result_t<Call, Impl&> enter(Call call) const;

  std::unique_ptr<Impl, Close> impl_;
};

}  // namespace graphrt
