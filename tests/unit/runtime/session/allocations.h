#pragma once

#include <cstdint>

namespace graphrt {

/// By operator new in this program, on any thread, since it began.
int64_t num_allocations();

/// While it lives, only the next few allocations of the program succeed.
class FailingAllocations {
 public:
  explicit FailingAllocations(int64_t num_that_succeed);
  FailingAllocations(const FailingAllocations&) = delete;
  FailingAllocations& operator=(const FailingAllocations&) = delete;
  ~FailingAllocations();
};

}  // namespace graphrt
