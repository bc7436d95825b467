// What the calls of a session do, once they may.

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "runtime/base/text.h"
#include "runtime/kernels/cpu/cpu_kernels.h"
#include "runtime/kernels/reference/initial_value.h"
#include "runtime/session/bind_plan.h"
#include "runtime/session/names.h"
#include "runtime/session/read_feed.h"
#include "runtime/session/session_impl.h"

namespace graphrt {
namespace {

Error in_context(const std::string& context, Error error) {
  error.message = context + ": " + error.message;
  return error;
}

Result<void> fill_buffers(PlanMemory& memory, const std::vector<BufferId>& buffers,
                          std::span<const std::byte> value) {
  for (const BufferId buffer : buffers) TRY(memory.fill(buffer, value));
  return {};
}

SinkTable make_sinks(const Plan& plan) {
  SinkTable sinks;
  for (const PlanOutput& output : plan.outputs) {
    const TensorType& type = plan.buffers[output.value.buffer].type;
    sinks.push_back(output.instruction ? std::make_unique<OutputSink>(type) : nullptr);
  }
  return sinks;
}

/// At most as many products at a time as lanes of the host compute some.
int32_t num_product_lanes(const Plan& plan, const QueueOfDevice& queue_of) {
  const auto is_product = [&](InstructionId id) {
    return is_cpu_product(plan.instructions[id].op);
  };
  const auto count = std::count_if(plan.lanes.begin(), plan.lanes.end(), [&](const PlanLane& lane) {
    return !queue_of[lane.device] &&
           std::any_of(lane.instructions.begin(), lane.instructions.end(), is_product);
  });
  return static_cast<int32_t>(count);
}

}  // namespace

Result<void> Session::Impl::fill_memory() {
  for (const PlanState& state : plan.states) {
    Result<Tensor> value = make_initial(state.initializer, state.type);
    if (!value) return tl::unexpected(in_context("state '" + state.name + "'", value.error()));
    TRY(fill_buffers(memory, state.buffers, value->data));
  }
  for (const PlanConstant& constant : plan.constants) {
    TRY(fill_buffers(memory, constant.buffers, constant.data));
  }
  return {};
}

Result<void> Session::Impl::load_feeds() {
  std::vector<std::string> problems;
  for (const InputId id : plan.inputs.ids()) {
    const PlanInput& input = plan.inputs[id];
    if (feeds[id] != nullptr) continue;
    if (!input.feed_path) {
      problems.push_back("input '" + input.name + "', " + to_string(input.type) +
                         ", has no feed in the plan: give it with --input " + input.name +
                         "=FILE.npy");
      continue;
    }
    const std::filesystem::path path = folder / *input.feed_path;
    Result<Feed> feed = read_feed(path, input).and_then([&](Tensor array) {
      return Feed::create(input.name, input.type, std::move(array), path.string());
    });
    if (feed) {
      feeds[id] = std::make_unique<const Feed>(*std::move(feed));
    } else {
      problems.push_back("feed of input '" + input.name + "': " + feed.error().message);
    }
  }
  if (!problems.empty()) return input_error(join_first(problems, "\n"));
  return check_feed_rows();
}

Result<void> Session::Impl::check_feed_rows() const {
  std::optional<InputId> first;
  for (const InputId id : plan.inputs.ids()) {
    if (!feeds[id]->varies()) continue;
    if (!first) first = id;
    if (feeds[id]->num_rows() == feeds[*first]->num_rows()) continue;
    return input_error("the feeds of a graph must have the same number of rows: '" +
                       plan.inputs[*first].name + "' has " +
                       std::to_string(feeds[*first]->num_rows()) + ", '" + plan.inputs[id].name +
                       "' has " + std::to_string(feeds[id]->num_rows()));
  }
  return {};
}

Result<void> Session::Impl::reserve_outputs(int64_t num_steps) {
  TRY(check_steps(num_steps));
  for (size_t i = 0; i < sinks.size(); ++i) {
    if (sinks[i] != nullptr && memory.has(plan.outputs[i].value.buffer)) {
      TRY(sinks[i]->reserve(plan.outputs[i].name, next_step + num_steps));
    }
  }
  return {};
}

/// Of this many more steps.
Result<void> Session::Impl::check_steps(int64_t num_steps) const {
  if (num_steps < 0) return usage_error("the number of steps must not be negative");
  if (num_steps <= kMaxRunSteps && num_steps <= kMaxStep - next_step) return {};
  return usage_error("a run has at most " + std::to_string(kMaxRunSteps) +
                     " steps, and ends before step " + std::to_string(kMaxStep) + "; this one is " +
                     std::to_string(num_steps) + " steps from step " + std::to_string(next_step) +
                     " on");
}

/// A run that failed has left values of different steps.
Result<void> Session::Impl::check_intact() const {
  if (engine == nullptr || !engine->has_failed()) return {};
  return input_error("an earlier run of this plan failed; load it again");
}

Result<void> Session::Impl::prepare(const DeviceSet& set, LaunchMode launch) {
  notes = set.notes;
  TRY(product_buffers, ProductBuffers::reserve(num_product_lanes(plan, set.queue_of)));
  TRY(fill_memory());
  feeds.resize(plan.inputs.size());
  sinks = make_sinks(plan);
  TRY(auto actions, bind_plan(plan, memory, feeds, row_order, sinks));
  for (std::string& note : memory.notes()) notes.push_back(std::move(note));
  const QueueChoice queues{set.queue_of, set.make_queue, launch};
  TRY(MessageChoice messages, bind_messages());
  TRY(engine, Engine::create(plan, std::move(actions), queues, std::move(messages)));
  return {};
}

Result<void> Session::Impl::set_input(std::string_view name, Tensor array,
                                      const std::string& origin) {
  for (const InputId id : plan.inputs.ids()) {
    const PlanInput& input = plan.inputs[id];
    if (input.name != name) continue;
    TRY(Feed feed, Feed::create(input.name, input.type, std::move(array), origin));
    feeds[id] = std::make_unique<const Feed>(std::move(feed));
    feeds_word.clear();
    return {};
  }
  return unknown_name("input", name, names_of(plan.inputs));
}

Result<FeedRows> Session::Impl::feed_rows() {
  TRY(load_feeds());
  FeedRows rows;
  for (const std::unique_ptr<const Feed>& feed : feeds) {
    if (!feed->varies()) continue;
    const bool is_first = rows.num_rows == 1;
    rows.num_rows = feed->num_rows();
    if (is_first) rows.batch = feed->batch();
    if (rows.batch != feed->batch()) rows.batch.reset();
  }
  return rows;
}

Result<void> Session::Impl::start_at(int64_t step) {
  if (step < 0) return usage_error("the number of a step must not be negative");
  if (step > kMaxStep) {
    return usage_error("no step has a larger number than " + std::to_string(kMaxStep));
  }
  TRY(check_intact());
  std::vector<std::optional<Tensor>> values;
  for (const PlanState& known : plan.states) {
    TRY(std::optional<Tensor> value, state_here(known));
    values.push_back(std::move(value));
  }
  for (const std::unique_ptr<OutputSink>& sink : sinks) {
    if (sink != nullptr) sink->go_to(step, next_step);
  }
  next_step = step;
  has_values = false;
  // The latest value of a state lies where the step before the next one wrote it.
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i]) TRY(set_state(plan.states[i].name, *values[i]));
  }
  return {};
}

const Tensor* Session::Impl::input_array(std::string_view name) const {
  for (const InputId id : plan.inputs.ids()) {
    if (plan.inputs[id].name != name) continue;
    return feeds[id] == nullptr ? nullptr : &feeds[id]->array();
  }
  return nullptr;
}

Result<size_t> Session::Impl::find_output(std::string_view name) const {
  const std::optional<size_t> index = outputs_by_name.find(name);
  if (!index) return unknown_name("output", name, names_of(plan.outputs));
  return *index;
}

Result<const PlanState*> Session::Impl::find_state(std::string_view name) const {
  const std::optional<size_t> index = states_by_name.find(name);
  if (!index) return unknown_name("state", name, names_of(plan.states));
  return &plan.states[*index];
}

Result<void> Session::Impl::stack_output(std::string_view name) {
  TRY(const size_t index, find_output(name));
  OutputSink* sink = sinks[index].get();
  if (sink == nullptr) {
    const PlanArena& arena = plan.arenas[plan.buffers[plan.outputs[index].value.buffer].arena];
    return input_error("output '" + std::string(name) + "' stays on " +
                       plan.devices[arena.device].name +
                       ", so only its last value can be had: use --output-last");
  }
  sink->start_stack(next_step);
  return {};
}

Result<void> Session::Impl::run(int64_t num_steps, const RunOptions& options) {
  TRY(check_intact());
  TRY(check_steps(num_steps));
  if (num_steps == 0) return {};
  TRY(agree_to_run(num_steps));
  const Result<void> run = run_here(num_steps, options);
  TRY(agree_at_step(run ? Result<std::string>("") : tl::unexpected(run.error())));
  return {};
}

Result<void> Session::Impl::run_here(int64_t num_steps, const RunOptions& options) {
  launch_cost = {};
  const int64_t chunk = options.mode == RunMode::kBarrier ? 1 : num_steps;
  for (int64_t done = 0; done < num_steps; done += chunk) {
    num_steps_before.store(done, std::memory_order_relaxed);
    TRY(engine->run({next_step, chunk}, options.observer, options.watch));
    launch_cost += engine->launch_cost();
    next_step += chunk;
    has_values = true;
  }
  return {};
}

Result<Tensor> Session::Impl::stacked(std::string_view name) const {
  TRY(check_intact());
  TRY(const size_t index, find_output(name));
  const OutputSink* sink = sinks[index].get();
  if (sink == nullptr || !sink->is_stacked() || sink->num_stacked(next_step) <= 0) {
    return input_error("no values of output '" + std::string(name) +
                       "' were kept: ask for them before the run, and run at least one step");
  }
  return stack_of(index, {sink->first_step(), sink->num_stacked(next_step)});
}

Result<Tensor> Session::Impl::stacked(std::string_view name, StepRange steps) const {
  TRY(check_intact());
  TRY(const size_t index, find_output(name));
  const OutputSink* sink = sinks[index].get();
  if (sink == nullptr || !sink->holds(steps, next_step)) {
    return input_error("not all values of output '" + std::string(name) + "' of the " +
                       std::to_string(steps.count) + " steps from step " +
                       std::to_string(steps.first) + " on were kept");
  }
  return stack_of(index, steps);
}

Result<Tensor> Session::Impl::last(std::string_view name) const {
  TRY(check_intact());
  TRY(const size_t index, find_output(name));
  const OutputSink* sink = sinks[index].get();
  const bool is_restarted =
      sink != nullptr && sink->is_stacked() && sink->num_stacked(next_step) == 0;
  if (!has_values || is_restarted) {
    return input_error("output '" + std::string(name) + "' has no value before a step has run");
  }
  const Operand& operand = plan.outputs[index].value;
  const TensorType& type = plan.buffers[operand.buffer].type;
  return value_from(host_of(plan, operand.buffer), type, [&]() -> Result<Tensor> {
    if (sink != nullptr) return sink->last(next_step);
    Tensor value = zeros(type);
    TRY(memory.read(operand.buffer, next_step - 1 - operand.distance, value.data));
    return value;
  });
}

Result<Tensor> Session::Impl::state(std::string_view name) const {
  TRY(check_intact());
  TRY(const PlanState* found, find_state(name));
  std::set<HostId> hosts;
  for (const BufferId buffer : found->buffers) hosts.insert(host_of(plan, buffer));
  // Nobody need be asked for what everybody has.
  if (!own_host() || hosts.size() == num_hosts(plan)) {
    TRY(std::optional<Tensor> value, state_here(*found));
    return *std::move(value);
  }
  const HostId owner = host_of(plan, found->buffers.front());
  return value_from(owner, found->type, [&]() -> Result<Tensor> {
    TRY(std::optional<Tensor> value, state_here(*found));
    return *std::move(value);
  });
}

Result<void> Session::Impl::set_state(std::string_view name, const Tensor& value) {
  TRY(check_intact());
  TRY(const PlanState* found, find_state(name));
  if (value.type != found->type) {
    return input_error("state '" + found->name + "' is " + to_string(found->type) +
                       "; the value is " + to_string(value.type));
  }
  if (const auto whole = check_tensor(value); !whole) {
    return tl::unexpected(in_context("state '" + found->name + "'", whole.error()));
  }
  return fill_buffers(memory, found->buffers, value.data);
}

}  // namespace graphrt
