#pragma once

#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/name_index.h"
#include "runtime/engine/engine.h"
#include "runtime/kernels/cpu/product_buffers.h"
#include "runtime/session/bind_plan.h"
#include "runtime/session/plan_memory.h"
#include "runtime/session/session.h"

namespace graphrt {

/// Everything with an address that actions or threads know. Destroyed from the last member to the
/// first: the engine's threads and actions before the memory they use.
///
/// Threads: `process` and what is atomic from any; all else inside of one call of the session at a
///          time, which sees to that by `is_in_use`.
struct Session::Impl {
  Impl(Plan the_plan, std::filesystem::path the_folder, PlanMemory the_memory,
       std::shared_ptr<Transport> the_transport)
      : plan(std::move(the_plan)),
        transport(std::move(the_transport)),
        outputs_by_name(plan.outputs),
        states_by_name(plan.states),
        folder(std::move(the_folder)),
        memory(std::move(the_memory)) {}

  Result<void> prepare(const DeviceSet& devices, LaunchMode launch);
  Result<void> set_input(std::string_view name, Tensor array, const std::string& origin);
  Result<FeedRows> feed_rows();
  Result<void> start_at(int64_t step);
  Result<void> stack_output(std::string_view name);
  Result<void> reserve_outputs(int64_t num_steps);
  Result<void> run(int64_t num_steps, const RunOptions& options);
  Result<Tensor> stacked(std::string_view name) const;
  Result<Tensor> stacked(std::string_view name, StepRange steps) const;
  Result<Tensor> last(std::string_view name) const;
  Result<Tensor> state(std::string_view name) const;
  Result<void> set_state(std::string_view name, const Tensor& value);
  Result<void> save_state(const std::filesystem::path& path) const;
  Result<LoadedStates> load_state(const std::filesystem::path& path, StateMatch match,
                                  StateTypes types);
  const Tensor* input_array(std::string_view name) const;
  Result<std::vector<int64_t>> tell_all(int64_t mine) const;
  Result<bool> is_there(const std::filesystem::path& path) const;
  Result<Safetensors> read_tensors(const std::filesystem::path& path) const;

  /// Which host's part runs here; absent: all of them.
  std::optional<HostId> own_host() const {
    if (transport->is_alone()) return std::nullopt;
    return HostId(static_cast<size_t>(transport->rank()));
  }

  Plan plan;
  std::shared_ptr<Transport> transport;
  NameIndex outputs_by_name;
  NameIndex states_by_name;
  std::filesystem::path folder;
  std::vector<std::string> notes;
  ProductBuffers product_buffers;
  PlanMemory memory;
  FeedTable feeds;
  std::string feeds_word;  // what they are, for other hosts; empty: not known yet
  RowOrder row_order;
  SinkTable sinks;
  std::atomic<int64_t> next_step = 0;
  bool has_values = false;  // of outputs: a step has run since the session was told where to start
  std::atomic<int64_t> num_steps_before = 0;  // in this run, by engine runs before the current one
  LaunchCost launch_cost;                     // of this run
  std::unique_ptr<Engine> engine;

  const pid_t process = ::getpid();  // where the threads are
  std::atomic<bool> is_in_use = false;

 private:
  Result<size_t> find_output(std::string_view name) const;
  Result<const PlanState*> find_state(std::string_view name) const;
  Result<Tensor> value_from(HostId owner, const TensorType& type,
                            const std::function<Result<Tensor>()>& read) const;
  Result<Tensor> stack_of(size_t output, StepRange steps) const;
  Result<std::optional<Tensor>> state_here(const PlanState& state) const;
  Result<void> run_here(int64_t num_steps, const RunOptions& options);
  Result<std::string> word_before_run(int64_t num_steps);
  Result<std::vector<std::string>> agree_at_step(const Result<std::string>& mine) const;
  Result<void> agree_to_run(int64_t num_steps);
  Result<MessageChoice> bind_messages() const;
  Result<void> fill_memory();
  Result<void> load_feeds();
  Result<void> check_feed_rows() const;
  Result<void> check_steps(int64_t num_steps) const;
  Result<void> check_intact() const;
};

}  // namespace graphrt
