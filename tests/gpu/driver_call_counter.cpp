#include "tests/gpu/driver_call_counter.h"

#include <dlfcn.h>

#include <algorithm>

#include "runtime/base/check.h"

namespace graphrt {
namespace {

/// More than there are: a newer CUPTI knows calls that its header here does not.
constexpr size_t kMaxCallbackIds = 2048;

bool begins_with_any(std::string_view name, DriverCalls::Prefixes prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

template <class Function>
Result<void> load_symbol(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  if (function != nullptr) return {};
  return machine_error(std::string("CUPTI has no ") + name);
}

}  // namespace

DriverCalls::Counts DriverCalls::with(Prefixes prefixes) const {
  Counts found = counts;
  std::erase_if(found, [&](const auto& call) { return !begins_with_any(call.first, prefixes); });
  return found;
}

DriverCalls::Counts DriverCalls::without(Prefixes prefixes) const {
  Counts found = counts;
  std::erase_if(found, [&](const auto& call) { return begins_with_any(call.first, prefixes); });
  return found;
}

int64_t DriverCalls::num(Prefixes prefixes) const {
  int64_t num_calls = 0;
  for (const auto& [name, count] : with(prefixes)) num_calls += count;
  return num_calls;
}

// The library is never closed: the driver may still call into it.
Result<DriverCallCounter::Cupti> DriverCallCounter::load_cupti() {
  void* library = dlopen("libcupti.so.13", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) library = dlopen("libcupti.so", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* reason = dlerror();
    return machine_error(reason == nullptr ? "libcupti.so cannot be loaded" : reason);
  }
  Cupti cupti;
  TRY(load_symbol(library, "cuptiSubscribe", cupti.subscribe));
  TRY(load_symbol(library, "cuptiUnsubscribe", cupti.unsubscribe));
  TRY(load_symbol(library, "cuptiEnableDomain", cupti.enable_domain));
  TRY(load_symbol(library, "cuptiGetCallbackName", cupti.name_of_callback));
  TRY(load_symbol(library, "cuptiGetResultString", cupti.text_of_result));
  return cupti;
}

Result<std::unique_ptr<DriverCallCounter>> DriverCallCounter::create() {
  TRY(const Cupti cupti, load_cupti());
  std::unique_ptr<DriverCallCounter> counter(new DriverCallCounter(cupti));
  const CUptiResult status = cupti.subscribe(&counter->subscriber_, on_call, counter.get());
  if (status != CUPTI_SUCCESS) {
    counter->subscriber_ = nullptr;
    return machine_error("cuptiSubscribe: " + counter->text_of(status));
  }
  return counter;
}

DriverCallCounter::DriverCallCounter(const Cupti& cupti)
    : cupti_(cupti), names_(kMaxCallbackIds), num_calls_(kMaxCallbackIds) {
  for (uint32_t id = 0; id < kMaxCallbackIds; ++id) {
    const char* name = nullptr;
    const auto status = cupti_.name_of_callback(CUPTI_CB_DOMAIN_DRIVER_API, id, &name);
    if (status == CUPTI_SUCCESS && name != nullptr) names_[id] = name;
  }
  names_[0] = "calls without a name";
}

DriverCallCounter::~DriverCallCounter() {
  if (subscriber_ != nullptr) cupti_.unsubscribe(subscriber_);
}

void DriverCallCounter::start() {
  for (std::atomic<int64_t>& count : num_calls_) count.store(0);
  require(cupti_.enable_domain(1, subscriber_, CUPTI_CB_DOMAIN_DRIVER_API));
}

DriverCalls DriverCallCounter::stop() {
  require(cupti_.enable_domain(0, subscriber_, CUPTI_CB_DOMAIN_DRIVER_API));
  DriverCalls calls;
  for (size_t id = 0; id < num_calls_.size(); ++id) {
    const int64_t count = num_calls_[id].load();
    if (count > 0) calls.counts[names_[id]] += count;
  }
  return calls;
}

void DriverCallCounter::on_call(void* counter, CUpti_CallbackDomain /*domain*/, CUpti_CallbackId id,
                                const void* data) {
  static_cast<DriverCallCounter*>(counter)->note(id, *static_cast<const CUpti_CallbackData*>(data));
}

void DriverCallCounter::note(CUpti_CallbackId id, const CUpti_CallbackData& call) {
  if (call.callbackSite != CUPTI_API_ENTER) return;
  const bool is_named = id < names_.size() && !names_[id].empty();
  num_calls_[is_named ? id : 0].fetch_add(1, std::memory_order_relaxed);
}

void DriverCallCounter::require(CUptiResult status) const {
  CHECK(status == CUPTI_SUCCESS, text_of(status));
}

std::string DriverCallCounter::text_of(CUptiResult status) const {
  const char* text = nullptr;
  cupti_.text_of_result(status, &text);
  return text == nullptr ? "error " + std::to_string(static_cast<int>(status)) : text;
}

}  // namespace graphrt
