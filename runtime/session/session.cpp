// Who may call a session, and when; what the calls do is in session_impl.cpp.

#include "runtime/session/session.h"

#include <unistd.h>

#include <utility>

#include "runtime/base/exceptions.h"
#include "runtime/kernels/cpu/cpu_kernels.h"
#include "runtime/plan/plan_file.h"
#include "runtime/proof/verify_plan.h"
#include "runtime/session/arrange_hosts.h"
#include "runtime/session/session_impl.h"

namespace graphrt {
namespace {

/// One call at a time.
class Turn {
 public:
  explicit Turn(std::atomic<bool>& is_in_use)
      : is_in_use_(is_in_use), is_ours_(!is_in_use.exchange(true)) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (is_ours_) is_in_use_.store(false);
  }
  bool is_ours() const { return is_ours_; }

 private:
  std::atomic<bool>& is_in_use_;
  bool is_ours_;
};

Result<Session> in_context(const std::filesystem::path& path, Result<Session> session) {
  if (session) return session;
  Error error = std::move(session).error();
  error.message = path.string() + ": " + error.message;
  return tl::unexpected(std::move(error));
}

}  // namespace

Session::Session(std::unique_ptr<Impl, Close> impl) : impl_(std::move(impl)) {}
Session::Session(Session&& other) noexcept = default;
Session& Session::operator=(Session&& other) noexcept = default;
Session::~Session() = default;

// After a fork the threads are the parent's alone, and a device knows only the parent: there is
// nobody to tell and nothing to wait for, so what the child has of them stays until it ends.
void Session::Close::operator()(Impl* impl) const noexcept {
  if (impl->process == ::getpid()) delete impl;
}

template <class Call>
std::invoke_result_t<Call, Session::Impl&> Session::enter(Call call) const {
  if (impl_ == nullptr) return usage_error("the session has no plan: it was moved away");
  if (impl_->process != ::getpid()) {
    return usage_error(
        "the process has forked since the session was loaded, and its threads stay with the "
        "parent; load the plan again");
  }
  const Turn turn(impl_->is_in_use);
  if (!turn.is_ours()) {
    return usage_error("another call of the session goes on: one is possible at a time");
  }
  return without_exceptions([&] { return call(*impl_); });
}

Result<Session> Session::load(const std::filesystem::path& path, const SessionOptions& options) {
  return without_exceptions([&]() -> Result<Session> {
    Result<Plan> read = read_plan(path);
    if (!read && options.transport != nullptr) {
      return options.transport->agree(Result<void>(tl::unexpected(read.error()))).map([] {
        return Session(std::unique_ptr<Impl, Close>());
      });
    }
    TRY(Plan plan, std::move(read));
    return in_context(path,
                      create(std::move(plan), path.parent_path(), options, builtin_devices()));
  });
}

Result<Session> Session::create(Plan plan, const std::filesystem::path& folder,
                                const SessionOptions& options, const DeviceRegistry& registry) {
  return without_exceptions([&]() -> Result<Session> {
    const std::shared_ptr<Transport> transport =
        options.transport == nullptr ? in_process_transport() : options.transport;
    TRY(arrange_hosts(*transport, plan, options.rank_map));
    Result<Session> session = create_here(std::move(plan), folder, options, registry, transport);
    TRY(transport->agree(session ? Result<void>() : tl::unexpected(session.error())));
    return session;
  });
}

Result<Session> Session::create_here(Plan plan, const std::filesystem::path& folder,
                                     const SessionOptions& options, const DeviceRegistry& registry,
                                     std::shared_ptr<Transport> transport) {
  if (const auto violation = verify_plan(plan)) {
    return input_error("the plan is not safe to run: " + violation->message);
  }
  TRY(check_openblas());
  std::optional<HostId> host;
  if (!transport->is_alone()) host = HostId(static_cast<size_t>(transport->rank()));
  TRY(DeviceSet set, open_devices(plan.devices, options.devices, registry, options.launch, host));
  TRY(PlanMemory memory, PlanMemory::create(plan, std::move(set.devices)));
  std::unique_ptr<Impl, Close> impl(
      new Impl(std::move(plan), folder, std::move(memory), std::move(transport)));
  TRY(impl->prepare(set, options.launch));
  return Session(std::move(impl));
}

const Plan& Session::plan() const {
  static const Plan none;
  return impl_ == nullptr ? none : impl_->plan;
}

const std::vector<std::string>& Session::notes() const {
  static const std::vector<std::string> none;
  return impl_ == nullptr ? none : impl_->notes;
}

bool Session::is_first() const { return impl_ == nullptr || impl_->transport->is_first(); }

Result<std::vector<int64_t>> Session::tell_all(int64_t mine) const {
  return enter([&](const Impl& impl) { return impl.tell_all(mine); });
}

Result<bool> Session::is_there(const std::filesystem::path& path) const {
  return enter([&](const Impl& impl) { return impl.is_there(path); });
}

Result<Safetensors> Session::read_tensors(const std::filesystem::path& path) const {
  return enter([&](const Impl& impl) { return impl.read_tensors(path); });
}

Result<void> Session::write_tensors(const std::filesystem::path& path,
                                    const Safetensors& content) const {
  return enter([&](const Impl& impl) -> Result<void> {
    return impl.transport->is_first() ? write_safetensors(path, content) : Result<void>();
  });
}

const RowOrder& Session::row_order() const {
  static const RowOrder none;
  return impl_ == nullptr ? none : impl_->row_order;
}

int64_t Session::next_step() const { return impl_ == nullptr ? 0 : impl_->next_step.load(); }

int64_t Session::num_finished_steps() const {
  if (impl_ == nullptr) return 0;
  return impl_->num_steps_before.load(std::memory_order_relaxed) +
         impl_->engine->num_finished_steps();
}

LaunchCost Session::launch_cost() const {
  return enter([](Impl& impl) -> Result<LaunchCost> { return impl.launch_cost; })
      .value_or(LaunchCost{});
}

const Tensor* Session::input_array(std::string_view name) const {
  return enter([&](Impl& impl) -> Result<const Tensor*> { return impl.input_array(name); })
      .value_or(nullptr);
}

Result<void> Session::set_input(std::string_view name, Tensor array, const std::string& origin) {
  return enter([&](Impl& impl) { return impl.set_input(name, std::move(array), origin); });
}

Result<void> Session::set_row_order(const RowOrder& order) {
  return enter([&](Impl& impl) -> Result<void> {
    impl.row_order = order;
    return {};
  });
}

Result<FeedRows> Session::feed_rows() {
  return enter([](Impl& impl) { return impl.feed_rows(); });
}

Result<void> Session::start_at(int64_t step) {
  return enter([&](Impl& impl) { return impl.start_at(step); });
}

Result<void> Session::stack_output(std::string_view name) {
  return enter([&](Impl& impl) { return impl.stack_output(name); });
}

Result<void> Session::reserve_outputs(int64_t num_steps) {
  return enter([&](Impl& impl) { return impl.reserve_outputs(num_steps); });
}

Result<void> Session::run(int64_t num_steps, const RunOptions& options) {
  return enter([&](Impl& impl) { return impl.run(num_steps, options); });
}

Result<Tensor> Session::stacked(std::string_view name) const {
  return enter([&](const Impl& impl) { return impl.stacked(name); });
}

Result<Tensor> Session::stacked(std::string_view name, StepRange steps) const {
  return enter([&](const Impl& impl) { return impl.stacked(name, steps); });
}

Result<Tensor> Session::last(std::string_view name) const {
  return enter([&](const Impl& impl) { return impl.last(name); });
}

Result<Tensor> Session::state(std::string_view name) const {
  return enter([&](const Impl& impl) { return impl.state(name); });
}

Result<void> Session::set_state(std::string_view name, const Tensor& value) {
  return enter([&](Impl& impl) { return impl.set_state(name, value); });
}

Result<void> Session::save_state(const std::filesystem::path& path) const {
  return enter([&](const Impl& impl) { return impl.save_state(path); });
}

Result<LoadedStates> Session::load_state(const std::filesystem::path& path, StateMatch match,
                                         StateTypes types) {
  return enter([&](Impl& impl) { return impl.load_state(path, match, types); });
}

}  // namespace graphrt
