#pragma once

#include <cupti.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"

namespace graphrt {

/// What this process asked of the CUDA driver meanwhile. The driver's names carry versions at their
/// end (cuMemAlloc_v2), so calls are asked for by how their names begin.
struct DriverCalls {
  using Counts = std::map<std::string, int64_t>;
  using Prefixes = std::span<const std::string_view>;

  Counts counts;  ///< by name; those that were made at least once

  Counts with(Prefixes prefixes) const;
  Counts without(Prefixes prefixes) const;
  int64_t num(Prefixes prefixes) const;
  int64_t num(std::string_view prefix) const { return num({&prefix, 1}); }
};

/// Counts calls of the CUDA driver on all threads, those that the CUDA runtime and cuBLAS make
/// included, by CUPTI's callbacks. CUPTI lets a process have one of these at a time.
///
/// Threads: start() and stop() from one thread at a time, while no other calls CUDA.
class DriverCallCounter {
 public:
  /// CUPTI is looked for at run time, so that the program starts without it.
  /// Errors: no CUPTI; another tool uses it, such as a profiler (kMachine).
  static Result<std::unique_ptr<DriverCallCounter>> create();

  DriverCallCounter(const DriverCallCounter&) = delete;
  DriverCallCounter& operator=(const DriverCallCounter&) = delete;
  ~DriverCallCounter();

  void start();
  /// The calls since start().
  DriverCalls stop();

 private:
  /// The functions of CUPTI that are used.
  struct Cupti {
    decltype(&cuptiSubscribe) subscribe = nullptr;
    decltype(&cuptiUnsubscribe) unsubscribe = nullptr;
    decltype(&cuptiEnableDomain) enable_domain = nullptr;
    decltype(&cuptiGetCallbackName) name_of_callback = nullptr;
    decltype(&cuptiGetResultString) text_of_result = nullptr;
  };

  explicit DriverCallCounter(const Cupti& cupti);
  static Result<Cupti> load_cupti();
  static void on_call(void* counter, CUpti_CallbackDomain domain, CUpti_CallbackId id,
                      const void* data);
  void note(CUpti_CallbackId id, const CUpti_CallbackData& call);
  void require(CUptiResult status) const;
  std::string text_of(CUptiResult status) const;

  Cupti cupti_;
  CUpti_SubscriberHandle subscriber_ = nullptr;
  std::vector<std::string> names_;  // by the number of the call; at 0: all that have no name
  std::vector<std::atomic<int64_t>> num_calls_;
};

}  // namespace graphrt
