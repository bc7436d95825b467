#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/plan/plan.h"

namespace graphrt {

/// The file format of a plan, from front to back:
///   header     64 bytes: magic, format version, sizes of the two sections, XXH3 checksum of both
///   structure  a FlatBuffer of plan.fbs
///   data       the contents of constants and of states that start from data, each 64-byte aligned
inline constexpr uint32_t kPlanFormatVersion = 5;

/// Same plan, same bytes.
std::vector<std::byte> encode_plan(const Plan& plan);

/// The same, without a copy of constants and of states that start from data.
struct EncodedPlan {
  std::vector<SharedBytes> parts;  ///< one after the other; the second begins with the structure
  uint64_t structure_bytes = 0;
  uint64_t data_bytes = 0;
};
EncodedPlan encode_plan_in_parts(const Plan& plan);

/// Errors: not a plan, truncated, another version, a checksum that differs, a feature this reader
///         does not know, indexes or enum values out of range. One line each; never a crash.
/// Cost: allocates at most a constant times the size of `bytes`.
Result<Plan> decode_plan(std::span<const std::byte> bytes);

/// What decode_plan would find wrong with this structure, followed by so many bytes of data.
/// Cost: memory for the structure; the data is not looked at.
Result<void> check_plan_structure(std::span<const std::byte> structure, uint64_t num_data_bytes);

/// Reads and decodes; errors name the path.
Result<Plan> read_plan(const std::filesystem::path& path);

/// Writes under a temporary name beside `path` and renames: nothing partial is ever left there.
/// Errors: also a plan that read_plan would refuse, for example for a path with control characters.
Result<void> write_plan(const Plan& plan, const std::filesystem::path& path);

}  // namespace graphrt
