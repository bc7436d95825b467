#pragma once

#include <chrono>
#include <cstdint>

namespace graphrt {

/// How queued lanes get onto the hardware. All give the same bits.
enum class LaunchMode : uint8_t {
  kRecorded,  ///< many intervals recorded as one launch, which is repeated
  kOneByOne,  ///< instruction by instruction
  kHost,      ///< by host threads that wait for each instruction: nothing is queued
};

/// What a run asked of the host to get it onto the hardware.
struct LaunchCost {
  int64_t num_launches = 0;
  int64_t num_operations = 0;             ///< of all launches together
  std::chrono::nanoseconds host_time{0};  ///< without recording
  int64_t num_recordings = 0;             ///< made for this run; others are from earlier ones

  LaunchCost& operator+=(const LaunchCost& other) {
    num_launches += other.num_launches;
    num_operations += other.num_operations;
    host_time += other.host_time;
    num_recordings += other.num_recordings;
    return *this;
  }
};

}  // namespace graphrt
