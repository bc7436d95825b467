#include "compiler/frontend/build_training.h"

#include <cmath>
#include <map>

#include "compiler/frontend/precision.h"
#include "runtime/base/f32_range.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

/// The nearest of `names`, or all of them.
std::string hint_of(const std::string& word, std::string_view what,
                    const std::vector<std::string>& names) {
  const std::optional<std::string> nearest = nearest_name(word, names);
  if (nearest) return "did you mean " + graphrt::quoted_name(*nearest) + "?";
  return "the " + std::string(what) + " are " + join(names, ", ");
}

template <class Choices>
auto find_choice(const NameAt& name, std::string_view what, const Choices& choices,
                 DiagnosticSink& diagnostics) -> decltype(&choices[0]) {
  std::vector<std::string> names;
  for (const auto& choice : choices) {
    if (choice.name == name.text) return &choice;
    names.emplace_back(choice.name);
  }
  diagnostics.error(name.where,
                    "unknown " + std::string(what) + " " + graphrt::quoted_name(name.text),
                    hint_of(name.text, std::string(what) + "s", names));
  return nullptr;
}

/// Who takes a setting that `choice` does not take.
template <class Choices, class OneChoice>
std::string hint_for_stray(const std::string& name, const Choices& choices,
                           const OneChoice& choice) {
  std::vector<std::string> takers;
  for (const auto& other : choices) {
    for (const auto& setting : other.settings) {
      if (setting.name == name) takers.emplace_back(other.name);
    }
  }
  if (!takers.empty()) return graphrt::quoted_name(name) + " belongs to " + join(takers, ", ");
  std::vector<std::string> known;
  for (const auto& setting : choice.settings) known.emplace_back(setting.name);
  return hint_of(name, "settings of " + std::string(choice.name), known);
}

class TrainingResolver {
 public:
  TrainingResolver(const TrainingDeclaration& declared, const NameLookup& names,
                   DiagnosticSink& diagnostics)
      : declared_(declared), names_(names), diagnostics_(diagnostics) {}

  std::optional<Training> run() {
    const size_t errors_before = diagnostics_.num_errors();
    training_.where = declared_.where;
    if (declared_.loss) resolve_loss(*declared_.loss);
    if (declared_.optimizer) resolve_optimizer(*declared_.optimizer);
    if (declared_.learning_rate) resolve_learning_rate(*declared_.learning_rate);
    if (declared_.precision) {
      training_.precision =
          resolve_precision(*declared_.precision, diagnostics_).value_or(ElementType::kF32);
    }
    resolve_loss_scale();
    if (declared_.parameters) resolve_parameters(*declared_.parameters);
    if (diagnostics_.num_errors() > errors_before || !has_loss_) return std::nullopt;
    return training_;
  }

 private:
  void resolve_loss(const NameAt& name) {
    training_.loss_where = name.where;
    const std::optional<ValueId> loss = names_.value(name);
    has_loss_ = loss.has_value();
    training_.loss = loss.value_or(ValueId());
  }

  void resolve_optimizer(const NameAt& name) {
    const auto* choice = find_choice(name, "optimizer", all_optimizers(), diagnostics_);
    if (choice == nullptr) return;
    training_.optimizer = choice->kind;
    std::vector<SettingDeclaration> settings;
    for (const SettingDeclaration& setting : declared_.settings) {
      if (setting.name.text == "clip_norm") {
        resolve_clip_norm(setting);
      } else {
        settings.push_back(setting);
      }
    }
    set_all(*choice, all_optimizers(), settings, name.where, training_);
  }

  void resolve_clip_norm(const SettingDeclaration& declared) {
    if (!declared.value || !check_number(declared, NumberRange::kPositive)) return;
    training_.clip_norm = declared.value;
  }

  void resolve_rate(const SettingDeclaration& number) {
    if (!number.value || !check_number(number, NumberRange::kPositive)) return;
    training_.learning_rate.base = *number.value;
  }

  void resolve_learning_rate(const LearningRateDeclaration& declared) {
    if (declared.number) return resolve_rate(*declared.number);
    const NameAt constant{"constant", declared.where};
    const NameAt& name = declared.schedule ? *declared.schedule : constant;
    const auto* choice = find_choice(name, "schedule", all_schedules(), diagnostics_);
    if (choice == nullptr) return;
    training_.learning_rate.schedule = choice->kind;
    set_all(*choice, all_schedules(), declared.settings, name.where, training_.learning_rate);
  }

  /// Gradients in f16 have one in any case.
  void resolve_loss_scale() {
    if (!declared_.loss_scale && training_.precision != ElementType::kF16) return;
    LossScale& scale = training_.loss_scale.emplace();
    if (declared_.loss_scale && declared_.loss_scale->number) {
      const SettingDeclaration& number = *declared_.loss_scale->number;
      if (!number.value || !check_number(number, NumberRange::kPositive)) return;
      scale.first = *number.value;
      return;
    }
    const LossScaleDeclaration declared = declared_.loss_scale.value_or(LossScaleDeclaration());
    set_all(all_loss_scales().front(), all_loss_scales(), declared.settings, declared.where, scale);
  }

  template <class OneChoice, class Choices, class Owner>
  void set_all(const OneChoice& choice, const Choices& choices,
               const std::vector<SettingDeclaration>& declared, const SourceRange& where,
               Owner& owner) {
    std::map<std::string_view, const SettingDeclaration*> given;
    for (const SettingDeclaration& setting : declared) given.emplace(setting.name.text, &setting);
    for (const auto& setting : choice.settings) {
      const auto at = given.find(setting.name);
      if (at != given.end()) {
        set(*at->second, setting, owner);
        given.erase(at);
      } else if (setting.otherwise) {
        assign(*setting.otherwise, setting, owner);
      } else {
        diagnostics_.error(where, "the schedule " + graphrt::quoted_name(choice.name) + " needs `" +
                                      std::string(setting.name) + "`");
      }
    }
    for (const auto& [name, stray] : given) {
      diagnostics_.error(stray->name.where,
                         std::string(choice.name) + " takes no `" + stray->name.text + "`",
                         hint_for_stray(stray->name.text, choices, choice));
    }
  }

  template <class Owner>
  void set(const SettingDeclaration& declared, const Setting<Owner>& setting, Owner& owner) {
    if (!declared.value) return;
    const bool is_count = std::holds_alternative<int64_t Owner::*>(setting.member);
    const bool is_right =
        is_count ? check_count(declared, setting.range) : check_number(declared, setting.range);
    if (is_right) assign(*declared.value, setting, owner);
  }

  template <class Owner>
  static void assign(double value, const Setting<Owner>& setting, Owner& owner) {
    std::visit(
        [&](auto member) {
          owner.*member = static_cast<std::decay_t<decltype(owner.*member)>>(value);
        },
        setting.member);
  }

  bool report(const SettingDeclaration& declared, const std::string& what) {
    diagnostics_.error(declared.value_where, "`" + declared.name.text + "` " + what);
    return false;
  }

  bool report_range(const SettingDeclaration& declared, NumberRange range, const char* as = "") {
    return report(declared, "must be " + std::string(describe(range)) + as + "; got " +
                                format_number(*declared.value));
  }

  /// Counts of steps fit the step number, an i32.
  bool check_count(const SettingDeclaration& declared, NumberRange range) {
    const double count = *declared.value;
    if (!is_in(count, range)) return report_range(declared, range);
    if (std::trunc(count) == count && count <= INT32_MAX) return true;
    return report(declared,
                  "is a number of steps, a whole number up to " + std::to_string(INT32_MAX));
  }

  /// What is computed with is f32: a number has to be in its range after it is rounded, too.
  bool check_number(const SettingDeclaration& declared, NumberRange range) {
    const double number = *declared.value;
    if (!is_in(number, range)) return report_range(declared, range);
    if (const auto misfit = find_misfit_of_f32(number)) {
      return report(declared, "is " + format_number(number) + ", which is " + std::string(*misfit));
    }
    return is_in(static_cast<float>(number), range) || report_range(declared, range, " as f32");
  }

  void resolve_parameters(const std::vector<NameAt>& names) {
    if (names.empty()) {
      diagnostics_.error(declared_.where, "`parameters` is an empty list",
                         "leave it out to train every state that the loss depends on");
    }
    std::map<ValueId, SourceRange> seen;
    std::vector<ListedParameter>& parameters = training_.parameters.emplace();
    for (const NameAt& name : names) {
      const std::optional<ValueId> state = names_.state(name);
      if (!state) continue;
      const auto [at, is_new] = seen.emplace(*state, name.where);
      if (is_new) {
        parameters.push_back({*state, name.where});
        continue;
      }
      diagnostics_.error(name.where, graphrt::quoted_name(name.text) + " is listed twice")
          .notes.push_back({Severity::kNote, at->second, "first here", std::nullopt, {}});
    }
  }

  const TrainingDeclaration& declared_;
  const NameLookup& names_;
  DiagnosticSink& diagnostics_;
  Training training_;
  bool has_loss_ = false;
};

}  // namespace

std::optional<Training> resolve_training(const TrainingDeclaration& declared,
                                         const NameLookup& names, DiagnosticSink& diagnostics) {
  return TrainingResolver(declared, names, diagnostics).run();
}

}  // namespace graphc
