#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "runtime/device/action.h"
#include "runtime/plan/plan.h"

namespace graphrt {

using Actions = IdVector<InstructionId, std::unique_ptr<Action>>;
using Callback = std::function<Result<void>(InstructionId, int64_t)>;

/// An instruction that does whatever a test wants.
class CallbackAction final : public Action {
 public:
  CallbackAction(InstructionId id, Callback callback) : id_(id), callback_(std::move(callback)) {}
  Result<void> run(int64_t step) override { return callback_(id_, step); }

 private:
  InstructionId id_;
  Callback callback_;
};

inline Actions actions_for(const Plan& plan, const Callback& callback) {
  Actions actions;
  for (const InstructionId id : plan.instructions.ids()) {
    actions.push_back(std::make_unique<CallbackAction>(id, callback));
  }
  return actions;
}

inline Actions idle_actions(const Plan& plan) {
  return actions_for(plan, [](InstructionId, int64_t) -> Result<void> { return {}; });
}

}  // namespace graphrt
