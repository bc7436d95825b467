#include "runtime/train/evaluation.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "runtime/base/exceptions.h"
#include "runtime/base/name_index.h"
#include "runtime/train/run_length.h"
#include "runtime/train/scalar_outputs.h"

namespace graphrt {
namespace {

/// Why the plan cannot evaluate; empty if it can.
std::string misfit(const Plan& plan, const Plan& training) {
  const NameIndex sources(training.states);
  for (const PlanState& state : plan.states) {
    const std::optional<size_t> index = sources.find(state.name);
    if (!index) {
      return fmt::format("'{}' has no state '{}' to hand over", training.name, state.name);
    }
    const PlanState* source = &training.states[*index];
    if (source->type == state.type) continue;
    return fmt::format("state '{}' is {}; that of '{}' is {}", state.name, to_string(state.type),
                       training.name, to_string(source->type));
  }
  for (const PlanInput& input : plan.inputs) {
    if (!input.feed_path) return "input '" + input.name + "' has no feed in the graph";
  }
  return scalar_outputs(plan).empty() ? "it has no output of one number a step" : "";
}

template <class T>
double mean_of(const Tensor& values) {
  double sum = 0;
  for (const T value : values.as<T>()) sum += static_cast<double>(widened(value));
  return sum / static_cast<double>(values.type.shape[0]);
}

/// A mean of floats is no more exact than they are.
Mean mean_of_steps(const std::string& output, const Tensor& values) {
  return with_element_type(values.type.element, [&](auto tag) -> Mean {
    using T = typename decltype(tag)::Type;
    const double mean = mean_of<T>(values);
    return {output, mean,
            kIsFloat<T> ? fmt::format("{}", static_cast<float>(mean)) : fmt::format("{}", mean)};
  });
}

}  // namespace

Result<Evaluation> Evaluation::load(const std::filesystem::path& path,
                                    const SessionOptions& options, const Session& training) {
  return without_exceptions([&] { return load_checked(path, options, training); });
}

Result<Evaluation> Evaluation::load_checked(const std::filesystem::path& path,
                                            const SessionOptions& options,
                                            const Session& training) {
  TRY(Session session, Session::load(path, options));
  const auto refuse = [&](const std::string& reason) {
    return input_error("--eval " + path.string() + ": " + reason);
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

Result<std::vector<Mean>> Evaluation::run(const Session& training, const RunOptions& options) {
  return without_exceptions([&] { return run_once(training, options); });
}

Result<std::vector<Mean>> Evaluation::run_once(const Session& training, const RunOptions& options) {
  TRY(session_.start_at(0));
  for (const PlanState& state : session_.plan().states) {
    TRY(const Tensor value, training.state(state.name));
    TRY(session_.set_state(state.name, value));
  }
  for (const std::string& name : names_) TRY(session_.stack_output(name));
  TRY(session_.run(num_steps_, options));
  TRY(const std::vector<Tensor> values, values_of(session_, names_, {0, num_steps_}));
  std::vector<Mean> means;
  for (size_t i = 0; i < names_.size(); ++i) means.push_back(mean_of_steps(names_[i], values[i]));
  return means;
}

}  // namespace graphrt
