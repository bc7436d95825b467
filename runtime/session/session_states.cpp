#include "runtime/base/safetensors.h"
#include "runtime/base/text.h"
#include "runtime/session/session_impl.h"

namespace graphrt {
namespace {

/// What is wrong with a state in a file, as a line for the user; empty if nothing is.
std::string state_misfit(const PlanState& state, const Safetensors& file) {
  const auto found = file.tensors.find(state.name);
  if (found == file.tensors.end()) return "state '" + state.name + "' is not in the file";
  if (found->second.type == state.type) return "";
  return "state '" + state.name + "' is " + to_string(state.type) + " in the plan and " +
         to_string(found->second.type) + " in the file";
}

}  // namespace

Result<void> Session::Impl::save_state(const std::filesystem::path& path) const {
  Safetensors file;
  file.metadata["graph"] = plan.name;
  TRY(check_intact());
  for (const PlanState& state : plan.states) {
    TRY(file.tensors[state.name], this->state(state.name));
  }
  return write_safetensors(path, file);
}

Result<std::vector<std::string>> Session::Impl::load_state(const std::filesystem::path& path,
                                                           StateMatch match) {
  TRY(const Safetensors file, read_safetensors(path));
  std::vector<std::string> misfits;
  for (const PlanState& state : plan.states) {
    std::string misfit = state_misfit(state, file);
    if (!misfit.empty()) misfits.push_back(path.string() + ": " + std::move(misfit));
  }
  if (match == StateMatch::kExact && !misfits.empty()) {
    return input_error(join_first(misfits, "\n") +
                       "\n--partial loads what fits and leaves the rest");
  }
  for (const PlanState& state : plan.states) {
    if (!state_misfit(state, file).empty()) continue;
    TRY(set_state(state.name, file.tensors.at(state.name)));
  }
  return misfits;
}

}  // namespace graphrt
