#pragma once

#include <array>
#include <string_view>

namespace graphc {

/// A unit of quantities in machine files.
struct Unit {
  std::string_view name;
  double factor;
};

// Each table from the largest unit to the one with factor 1, in which everything can be printed.
inline constexpr std::array kFlopRates = {Unit{"TFLOP/s", 1e12}, Unit{"GFLOP/s", 1e9},
                                          Unit{"MFLOP/s", 1e6}, Unit{"KFLOP/s", 1e3},
                                          Unit{"FLOP/s", 1}};
inline constexpr std::array kByteRates = {Unit{"TB/s", 1e12}, Unit{"GB/s", 1e9}, Unit{"MB/s", 1e6},
                                          Unit{"KB/s", 1e3}, Unit{"B/s", 1}};
inline constexpr std::array kMemory = {Unit{"TiB", 1099511627776.0}, Unit{"GiB", 1073741824.0},
                                       Unit{"MiB", 1048576.0}, Unit{"KiB", 1024.0}, Unit{"B", 1}};
inline constexpr std::array kDurations = {Unit{"s", 1e9}, Unit{"ms", 1e6}, Unit{"us", 1e3},
                                          Unit{"ns", 1}};

}  // namespace graphc
