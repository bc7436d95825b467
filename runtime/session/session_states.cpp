#include "runtime/base/safetensors.h"
#include "runtime/base/text.h"
#include "runtime/session/session_impl.h"
#include "runtime/session/state_file.h"

namespace graphrt {

Result<void> Session::Impl::save_state(const std::filesystem::path& path) const {
  Safetensors file;
  file.metadata["graph"] = plan.name;
  TRY(check_intact());
  for (const PlanState& state : plan.states) {
    TRY(file.tensors[state.name], this->state(state.name));
  }
  return transport->is_first() ? write_safetensors(path, file) : Result<void>();
}

Result<LoadedStates> Session::Impl::load_state(const std::filesystem::path& path, StateMatch match,
                                               StateTypes types) {
  TRY(const Safetensors file, read_tensors(path));
  LoadedStates loaded;
  std::vector<const PlanState*> fitting;
  for (const PlanState& state : plan.states) {
    std::string misfit = state_misfit(state, file, types);
    if (misfit.empty()) {
      fitting.push_back(&state);
    } else {
      loaded.left_out.push_back(path.string() + ": " + std::move(misfit));
    }
  }
  if (match == StateMatch::kExact && !loaded.left_out.empty()) {
    return input_error(join_first(loaded.left_out, "\n") +
                       "\n--partial loads what fits and leaves the rest");
  }
  // All of them first: a state that cannot be cast leaves the others as they were, too.
  std::vector<Tensor> values;
  for (const PlanState* state : fitting) {
    Result<Tensor> value = state_from(*state, file);
    if (!value) return input_error(path.string() + ": " + value.error().message);
    values.push_back(*std::move(value));
  }
  for (size_t i = 0; i < fitting.size(); ++i) TRY(set_state(fitting[i]->name, values[i]));
  if (types == StateTypes::kCast) loaded.num_cast = num_cast_states(plan, file);
  return loaded;
}

}  // namespace graphrt
