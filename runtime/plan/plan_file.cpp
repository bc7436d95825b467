#include "runtime/plan/plan_file.h"

#include "runtime/base/exceptions.h"
#include "runtime/base/file.h"
#include "runtime/plan/plan_header.h"

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
    const std::vector<std::byte> bytes = encode_plan(plan);
    TRY(const PlanSections sections, split_plan_file(bytes));
    const Result<void> is_sound = check_plan_structure(sections.structure, sections.data.size());
    if (!is_sound) {
      return input_error("nobody could read the plan '" + path.string() +
                         "': " + is_sound.error().message);
    }
    return write_file_atomically(path, {bytes});
  });
}

}  // namespace graphrt
