#include "runtime/engine/session.h"

#include <atomic>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/base/npy.h"
#include "runtime/base/text.h"
#include "runtime/engine/bind_plan.h"
#include "runtime/engine/engine.h"
#include "runtime/engine/names.h"
#include "runtime/kernels/cpu/cpu_kernels.h"
#include "runtime/kernels/reference/initial_value.h"
#include "runtime/plan/plan_file.h"
#include "runtime/plan/verify_plan.h"

namespace graphrt {

/// Everything with an address that actions or threads know. Destroyed from the last member to the
/// first: the engine's threads and actions before the memory they use.
struct Session::Impl {
  Impl(Plan the_plan, std::filesystem::path the_folder, PlanMemory the_memory)
      : plan(std::move(the_plan)), folder(std::move(the_folder)), memory(std::move(the_memory)) {}

  Result<void> fill_memory();
  Result<void> load_feeds();
  Result<void> check_feed_rows() const;
  Result<void> reserve_outputs(int64_t num_steps);

  Plan plan;
  std::filesystem::path folder;
  std::vector<std::string> notes;
  PlanMemory memory;
  FeedTable feeds;
  RowOrder row_order;
  SinkTable sinks;
  int64_t next_step = 0;
  bool has_values = false;  // of outputs: a step has run since the session was told where to start
  std::atomic<int64_t> num_steps_before = 0;  // in this run, by engine runs before the current one
  LaunchCost launch_cost;                     // of this run
  std::unique_ptr<Engine> engine;
};

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

Result<size_t> find_output(const Plan& plan, std::string_view name) {
  const PlanOutput* output = find_named(plan.outputs, name);
  if (output == nullptr) return unknown_name("output", name, names_of(plan.outputs));
  return static_cast<size_t>(output - plan.outputs.data());
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
    Result<Feed> feed = read_npy(path).and_then([&](Tensor array) {
      return Feed::create(input.name, input.type, std::move(array), path.string());
    });
    if (feed) {
      feeds[id] = std::make_unique<const Feed>(*std::move(feed));
    } else {
      problems.push_back("feed of input '" + input.name + "': " + feed.error().message);
    }
  }
  if (!problems.empty()) return input_error(join(problems, "\n"));
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
  for (size_t i = 0; i < sinks.size(); ++i) {
    if (sinks[i] != nullptr) {
      TRY(sinks[i]->reserve(plan.outputs[i].name, next_step + num_steps));
    }
  }
  return {};
}

Session::Session(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Session::Session(Session&& other) noexcept = default;
Session& Session::operator=(Session&& other) noexcept = default;
Session::~Session() = default;

Result<Session> Session::load(const std::filesystem::path& path, const SessionOptions& options) {
  TRY(Plan plan, read_plan(path));
  Result<Session> session = create(std::move(plan), path.parent_path(), options, builtin_devices());
  if (session) return session;
  return tl::unexpected(in_context(path.string(), std::move(session).error()));
}

Result<Session> Session::create(Plan plan, const std::filesystem::path& folder,
                                const SessionOptions& options, const DeviceRegistry& registry) {
  if (const auto violation = verify_plan(plan)) {
    return input_error("the plan is not safe to run: " + violation->message);
  }
  TRY(check_openblas());
  TRY(DeviceSet set, open_devices(plan.devices, options.devices, registry, options.launch));
  TRY(PlanMemory memory, PlanMemory::create(plan, std::move(set.devices)));
  auto impl = std::make_unique<Impl>(std::move(plan), folder, std::move(memory));
  impl->notes = std::move(set.notes);
  TRY(impl->fill_memory());
  impl->feeds.resize(impl->plan.inputs.size());
  impl->sinks = make_sinks(impl->plan);
  TRY(auto actions, bind_plan(impl->plan, impl->memory, impl->feeds, impl->row_order, impl->sinks));
  for (std::string& note : impl->memory.notes()) impl->notes.push_back(std::move(note));
  const QueueChoice queues{std::move(set.has_queue), std::move(set.make_queue), options.launch};
  TRY(impl->engine, Engine::create(impl->plan, std::move(actions), queues));
  return Session(std::move(impl));
}

const Plan& Session::plan() const { return impl_->plan; }
const std::vector<std::string>& Session::notes() const { return impl_->notes; }
int64_t Session::next_step() const { return impl_->next_step; }

Result<void> Session::set_input(std::string_view name, Tensor array, const std::string& origin) {
  const Plan& plan = impl_->plan;
  for (const InputId id : plan.inputs.ids()) {
    const PlanInput& input = plan.inputs[id];
    if (input.name != name) continue;
    TRY(Feed feed, Feed::create(input.name, input.type, std::move(array), origin));
    impl_->feeds[id] = std::make_unique<const Feed>(std::move(feed));
    return {};
  }
  return unknown_name("input", name, names_of(plan.inputs));
}

void Session::set_row_order(const RowOrder& order) { impl_->row_order = order; }

const RowOrder& Session::row_order() const { return impl_->row_order; }

Result<FeedRows> Session::feed_rows() {
  TRY(impl_->load_feeds());
  FeedRows rows;
  for (const std::unique_ptr<const Feed>& feed : impl_->feeds) {
    if (!feed->varies()) continue;
    const bool is_first = rows.num_rows == 1;
    rows.num_rows = feed->num_rows();
    if (is_first) rows.batch = feed->batch();
    if (rows.batch != feed->batch()) rows.batch.reset();
  }
  return rows;
}

Result<void> Session::start_at(int64_t step) {
  if (step < 0) return usage_error("the number of a step must not be negative");
  std::vector<Tensor> values;
  for (const PlanState& state : impl_->plan.states) {
    TRY(Tensor value, this->state(state.name));
    values.push_back(std::move(value));
  }
  impl_->next_step = step;
  impl_->has_values = false;
  // The latest value of a state lies where the step before the next one wrote it.
  for (size_t i = 0; i < values.size(); ++i) {
    TRY(set_state(impl_->plan.states[i].name, values[i]));
  }
  return {};
}

const Tensor* Session::input_array(std::string_view name) const {
  for (const InputId id : impl_->plan.inputs.ids()) {
    if (impl_->plan.inputs[id].name != name) continue;
    return impl_->feeds[id] == nullptr ? nullptr : &impl_->feeds[id]->array();
  }
  return nullptr;
}

Result<void> Session::stack_output(std::string_view name) {
  TRY(const size_t index, find_output(impl_->plan, name));
  OutputSink* sink = impl_->sinks[index].get();
  if (sink == nullptr) {
    const Device& device = impl_->memory.device_of(impl_->plan.outputs[index].value.buffer);
    return input_error("output '" + std::string(name) + "' stays on " + device.name() +
                       ", so only its last value can be had: use --output-last");
  }
  sink->start_stack(impl_->next_step);
  return {};
}

Result<void> Session::reserve_outputs(int64_t num_steps) {
  return impl_->reserve_outputs(num_steps);
}

Result<void> Session::run(int64_t num_steps, const RunOptions& options) {
  if (num_steps < 0) return usage_error("the number of steps must not be negative");
  if (num_steps == 0) return {};
  TRY(impl_->load_feeds());
  TRY(impl_->reserve_outputs(num_steps));
  impl_->launch_cost = {};
  const int64_t chunk = options.mode == RunMode::kBarrier ? 1 : num_steps;
  for (int64_t done = 0; done < num_steps; done += chunk) {
    impl_->num_steps_before.store(done, std::memory_order_relaxed);
    TRY(impl_->engine->run({impl_->next_step, chunk}, options.observer, options.watch));
    impl_->launch_cost += impl_->engine->launch_cost();
    impl_->next_step += chunk;
    impl_->has_values = true;
  }
  return {};
}

int64_t Session::num_finished_steps() const {
  return impl_->num_steps_before.load(std::memory_order_relaxed) +
         impl_->engine->num_finished_steps();
}

LaunchCost Session::launch_cost() const { return impl_->launch_cost; }

Result<Tensor> Session::stacked(std::string_view name) const {
  TRY(const size_t index, find_output(impl_->plan, name));
  const OutputSink* sink = impl_->sinks[index].get();
  if (sink == nullptr || !sink->is_stacked() || sink->num_stacked(impl_->next_step) <= 0) {
    return input_error("no values of output '" + std::string(name) +
                       "' were kept: ask for them before the run, and run at least one step");
  }
  return sink->stacked({sink->first_step(), sink->num_stacked(impl_->next_step)});
}

Result<Tensor> Session::stacked(std::string_view name, StepRange steps) const {
  TRY(const size_t index, find_output(impl_->plan, name));
  const OutputSink* sink = impl_->sinks[index].get();
  if (sink == nullptr || !sink->holds(steps, impl_->next_step)) {
    return input_error("not all values of output '" + std::string(name) + "' of the steps " +
                       std::to_string(steps.first) + " to " +
                       std::to_string(steps.first + steps.count - 1) + " were kept");
  }
  return sink->stacked(steps);
}

Result<Tensor> Session::last(std::string_view name) const {
  TRY(const size_t index, find_output(impl_->plan, name));
  const OutputSink* sink = impl_->sinks[index].get();
  const bool is_restarted =
      sink != nullptr && sink->is_stacked() && sink->num_stacked(impl_->next_step) == 0;
  if (!impl_->has_values || is_restarted) {
    return input_error("output '" + std::string(name) + "' has no value before a step has run");
  }
  if (sink != nullptr) return sink->last(impl_->next_step);
  const Operand& operand = impl_->plan.outputs[index].value;
  Tensor value = zeros(impl_->plan.buffers[operand.buffer].type);
  TRY(impl_->memory.read(operand.buffer, impl_->next_step - 1 - operand.distance, value.data));
  return value;
}

Result<Tensor> Session::state(std::string_view name) const {
  const PlanState* state = find_named(impl_->plan.states, name);
  if (state == nullptr) return unknown_name("state", name, names_of(impl_->plan.states));
  Tensor value = zeros(state->type);
  TRY(impl_->memory.read(state->buffers.front(), impl_->next_step - 1, value.data));
  return value;
}

Result<void> Session::set_state(std::string_view name, const Tensor& value) {
  const PlanState* state = find_named(impl_->plan.states, name);
  if (state == nullptr) return unknown_name("state", name, names_of(impl_->plan.states));
  if (value.type != state->type) {
    return input_error("state '" + state->name + "' is " + to_string(state->type) +
                       "; the value is " + to_string(value.type));
  }
  return fill_buffers(impl_->memory, state->buffers, value.data);
}

}  // namespace graphrt
