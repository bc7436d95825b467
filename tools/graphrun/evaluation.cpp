#include "tools/graphrun/evaluation.h"

#include <fmt/format.h>

#include <utility>

#include "runtime/base/name_index.h"
#include "tools/graphrun/run_length.h"
#include "tools/graphrun/scalar_outputs.h"

namespace graphrun {
namespace {

using graphrt::Result;
using graphrt::Tensor;

/// Why the plan cannot evaluate; empty if it can.
std::string misfit(const graphrt::Plan& plan, const graphrt::Plan& training) {
  const graphrt::NameIndex sources(training.states);
  for (const graphrt::PlanState& state : plan.states) {
    const std::optional<size_t> index = sources.find(state.name);
    if (!index) {
      return fmt::format("'{}' has no state '{}' to hand over", training.name, state.name);
    }
    const graphrt::PlanState* source = &training.states[*index];
    if (source->type == state.type) continue;
    return fmt::format("state '{}' is {}; that of '{}' is {}", state.name, to_string(state.type),
                       training.name, to_string(source->type));
  }
  for (const graphrt::PlanInput& input : plan.inputs) {
    if (!input.feed_path) return "input '" + input.name + "' has no feed in the graph";
  }
  return scalar_outputs(plan).empty() ? "it has no output of one number a step" : "";
}

double sum_of(const Tensor& values) {
  double sum = 0;
  if (values.type.element == graphrt::ElementType::kF32) {
    for (const float value : values.as<float>()) sum += static_cast<double>(value);
    return sum;
  }
  for (const int32_t value : values.as<int32_t>()) sum += value;
  return sum;
}

/// A mean of floats is no more exact than they are.
std::string mean_text(const Tensor& values) {
  const double mean = sum_of(values) / static_cast<double>(values.type.shape[0]);
  return values.type.element == graphrt::ElementType::kF32
             ? fmt::format("{}", static_cast<float>(mean))
             : fmt::format("{}", mean);
}

}  // namespace

Result<Evaluation> Evaluation::load(const std::filesystem::path& path,
                                    const graphrt::SessionOptions& options,
                                    const graphrt::Session& training) {
  TRY(graphrt::Session session, graphrt::Session::load(path, options));
  const auto refuse = [&](const std::string& reason) {
    return graphrt::input_error("--eval " + path.string() + ": " + reason);
  };
  const std::string reason = misfit(session.plan(), training.plan());
  if (!reason.empty()) return refuse(reason);
  Evaluation evaluation(std::move(session));
  evaluation.names_ = scalar_outputs(evaluation.session_.plan());
  const Result<int64_t> num_steps = steps_of_epochs(evaluation.session_, 1);
  if (!num_steps) return refuse(num_steps.error().message);
  evaluation.num_steps_ = *num_steps;
  return evaluation;
}

Result<std::vector<std::string>> Evaluation::run(const graphrt::Session& training,
                                                 const graphrt::RunOptions& options) {
  TRY(session_.start_at(0));
  for (const graphrt::PlanState& state : session_.plan().states) {
    TRY(const Tensor value, training.state(state.name));
    TRY(session_.set_state(state.name, value));
  }
  for (const std::string& name : names_) TRY(session_.stack_output(name));
  TRY(session_.run(num_steps_, options));
  std::vector<std::string> means;
  TRY(const std::vector<Tensor> values, values_of(session_, names_, {0, num_steps_}));
  for (const Tensor& of_output : values) means.push_back(mean_text(of_output));
  return means;
}

}  // namespace graphrun
