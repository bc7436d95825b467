#include "compiler/graph/print_training.h"

#include "runtime/base/text.h"

namespace graphc {
namespace {

template <class Owner>
std::string print_setting(const Setting<Owner>& setting, const Owner& owner) {
  const double value =
      std::visit([&](auto member) { return static_cast<double>(owner.*member); }, setting.member);
  return std::string(setting.name) + "=" + format_number(value);
}

/// `name(setting=value, ...)`.
template <class OneChoice, class Owner>
std::string print_choice(const OneChoice& choice, const Owner& owner) {
  std::vector<std::string> parts;
  for (const auto& setting : choice.settings) parts.push_back(print_setting(setting, owner));
  return std::string(choice.name) + "(" + join(parts, ", ") + ")";
}

std::string print_learning_rate(const LearningRate& rate) {
  if (rate.is_constant()) return format_number(rate.base);
  return print_choice(all_schedules()[static_cast<size_t>(rate.schedule)], rate);
}

std::string print_loss_scale(const LossScale& scale) {
  if (scale.is_constant()) return format_number(scale.first);
  return print_choice(all_loss_scales().front(), scale);
}

}  // namespace

std::string print_training(const Training& training, const Graph& graph) {
  const OptimizerChoice& choice = all_optimizers()[static_cast<size_t>(training.optimizer)];
  std::vector<std::string> parts = {"learning_rate=" + print_learning_rate(training.learning_rate)};
  for (const auto& setting : choice.settings) parts.push_back(print_setting(setting, training));
  if (training.clip_norm) parts.push_back("clip_norm=" + format_number(*training.clip_norm));
  if (training.precision != ElementType::kF32) {
    parts.push_back("precision=" + std::string(to_string(training.precision)));
  }
  if (training.loss_scale) {
    parts.push_back("loss_scale=" + print_loss_scale(*training.loss_scale));
  }
  std::string text = "train %" + graph.values[training.loss].name + " " + std::string(choice.name) +
                     "(" + join(parts, ", ") + ")";
  if (!training.parameters) return text + "\n";
  std::vector<std::string> names;
  for (const ListedParameter& parameter : *training.parameters) {
    names.push_back("%" + graph.values[parameter.state].name);
  }
  return text + " of " + join(names, ", ") + "\n";
}

}  // namespace graphc
