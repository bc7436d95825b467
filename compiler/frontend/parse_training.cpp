#include "compiler/frontend/parse_training.h"

#include <functional>
#include <utility>

namespace graphc {
namespace {

/// `name=value, ...)`, from behind the '('. `read_value` reads what stands behind each '='.
bool read_settings(LineReader& line, const std::function<bool(SettingDeclaration)>& read_value) {
  while (!line.accept_symbol(')')) {
    SettingDeclaration setting;
    if (!line.read_word(setting.name, "a setting or ')'") || !line.expect('=')) return false;
    if (!read_value(std::move(setting))) return false;
    if (!line.accept_symbol(',') && !line.peek().is_symbol(')')) return line.fail("',' or ')'");
  }
  return true;
}

bool read_number(LineReader& line, SettingDeclaration& setting) {
  setting.value_where = line.peek().where;
  return line.read_number(setting.value.emplace());
}

/// Appends the setting with the number that stands here.
bool append_setting(LineReader& line, SettingDeclaration setting,
                    std::vector<SettingDeclaration>& settings) {
  if (!read_number(line, setting)) return false;
  settings.push_back(std::move(setting));
  return true;
}

bool read_learning_rate(LineReader& line, LearningRateDeclaration& rate) {
  rate.where = line.peek().where;
  if (line.peek().kind != TokenKind::kWord) {
    rate.number.emplace().name = {"learning_rate", rate.where};
    return read_number(line, *rate.number);
  }
  if (!line.read_word(rate.schedule.emplace(), "a schedule") || !line.expect('(')) return false;
  return read_settings(line, [&](SettingDeclaration setting) {
    return append_setting(line, std::move(setting), rate.settings);
  });
}

/// A number, or `dynamic(...)`.
bool read_loss_scale(LineReader& line, LossScaleDeclaration& scale) {
  scale.where = line.peek().where;
  if (!line.accept_word("dynamic")) {
    scale.number.emplace().name = {"loss_scale", scale.where};
    return read_number(line, *scale.number);
  }
  if (!line.expect('(')) return false;
  return read_settings(line, [&](SettingDeclaration setting) {
    return append_setting(line, std::move(setting), scale.settings);
  });
}

bool read_arguments(LineReader& line, TrainingDeclaration& training) {
  if (!line.expect('(')) return false;
  const bool is_read = read_settings(line, [&](SettingDeclaration setting) {
    if (setting.name.text == "learning_rate") {
      return read_learning_rate(line, training.learning_rate.emplace());
    }
    if (setting.name.text == "loss_scale") {
      return read_loss_scale(line, training.loss_scale.emplace());
    }
    if (setting.name.text == "precision") {
      return line.read_word(training.precision.emplace(), "a type of floats");
    }
    return append_setting(line, std::move(setting), training.settings);
  });
  if (!is_read) return false;
  return training.learning_rate || line.fail("`learning_rate` among the settings before");
}

bool read_parameters(LineReader& line, std::vector<NameAt>& names) {
  do {
    if (!line.read_value_name(names.emplace_back())) return false;
  } while (line.accept_symbol(','));
  return true;
}

bool read_training(LineReader& line, TrainingDeclaration& training) {
  if (!line.read_value_name(training.loss.emplace())) return false;
  if (!line.read_word(training.optimizer.emplace(), "the name of an optimizer")) return false;
  if (!read_arguments(line, training)) return false;
  if (line.accept_word("of") && !read_parameters(line, training.parameters.emplace())) return false;
  return line.end_of_line();
}

}  // namespace

std::optional<TrainingDeclaration> parse_training(LineReader& line, const SourceRange& where) {
  TrainingDeclaration training;
  training.where = where;
  if (!read_training(line, training)) return std::nullopt;
  return training;
}

}  // namespace graphc
