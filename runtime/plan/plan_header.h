#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/base/result.h"

namespace graphrt {

inline constexpr size_t kPlanHeaderBytes = 64;
/// The data section and every part of it start at a multiple of this.
inline constexpr size_t kPlanDataAlignmentBytes = 64;

constexpr uint64_t round_up_to_alignment(uint64_t num_bytes) {
  return (num_bytes + kPlanDataAlignmentBytes - 1) / kPlanDataAlignmentBytes *
         kPlanDataAlignmentBytes;
}

/// The two sections of a plan file.
struct PlanSections {
  std::span<const std::byte> structure;
  std::span<const std::byte> data;
};

/// The header of a file with these sections; the checksum is that of all that follows the header.
std::array<std::byte, kPlanHeaderBytes> make_plan_header(uint64_t structure_bytes,
                                                         uint64_t data_bytes,
                                                         uint64_t body_checksum);

/// Finds the sections of a file.
/// Errors: no plan file, cut off, too long, another format version, a checksum that differs.
Result<PlanSections> split_plan_file(std::span<const std::byte> bytes);

}  // namespace graphrt
