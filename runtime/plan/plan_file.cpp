#include "runtime/plan/plan_file.h"

#include "runtime/base/exceptions.h"
#include "runtime/base/file.h"

namespace graphrt {

Result<Plan> read_plan(const std::filesystem::path& path) {
  return without_exceptions([&]() -> Result<Plan> {
    TRY(const std::vector<std::byte> bytes, read_file(path));
    Result<Plan> plan = decode_plan(bytes);
    if (!plan) return input_error(path.string() + ": " + plan.error().message);
    return plan;
  });
}

Result<void> write_plan(const Plan& plan, const std::filesystem::path& path) {
  return without_exceptions([&]() -> Result<void> {
    const EncodedPlan encoded = encode_plan_in_parts(plan);
    const std::span<const std::byte> structure(encoded.parts[1].data(), encoded.structure_bytes);
    const Result<void> is_sound = check_plan_structure(structure, encoded.data_bytes);
    if (!is_sound) {
      return input_error("nobody could read the plan '" + path.string() +
                         "': " + is_sound.error().message);
    }
    std::vector<std::span<const std::byte>> parts;
    for (const SharedBytes& part : encoded.parts) parts.emplace_back(part.data(), part.size());
    return write_file_atomically(path, parts);
  });
}

}  // namespace graphrt
