#include "compiler/frontend/yaml_training.h"

#include <algorithm>
#include <utility>

#include "compiler/frontend/yaml_names.h"
#include "compiler/graph/training.h"

namespace graphc {
namespace {

/// The names of all settings of optimizers, or of schedules, each once.
template <class Choices>
std::vector<std::string> names_of_settings(const Choices& choices) {
  std::vector<std::string> names;
  for (const auto& choice : choices) {
    for (const auto& setting : choice.settings) names.emplace_back(setting.name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

class TrainingReader {
 public:
  explicit TrainingReader(DiagnosticSink& diagnostics) : diagnostics_(diagnostics) {}

  TrainingDeclaration read(const YamlNode& key, const YamlNode& section) {
    TrainingDeclaration training;
    training.where = key.where;
    if (!expect_kind(section, YamlKind::kMap, "`train`", diagnostics_)) return training;
    const std::vector<std::string> settings = setting_names();
    const MapKeys keys = keys_with(settings);
    check_keys(section, keys, diagnostics_);
    training.loss = read_name_at(require(section, "loss", keys, key), "`loss`", diagnostics_);
    training.optimizer =
        read_name_at(require(section, "optimizer", keys, key), "`optimizer`", diagnostics_);
    training.precision = read_name_at(section.find("precision"), "`precision`", diagnostics_);
    if (const YamlNode* rate = require(section, "learning_rate", keys, key)) {
      training.learning_rate = read_learning_rate(*rate);
    }
    if (const YamlNode* scale = section.find("loss_scale")) {
      training.loss_scale = read_loss_scale(*scale);
    }
    training.settings = read_settings(section, settings);
    if (const YamlNode* list = section.find("parameters")) {
      training.parameters = read_names(*list, "`parameters`", diagnostics_);
    }
    return training;
  }

 private:
  static std::vector<std::string> setting_names() {
    std::vector<std::string> names = names_of_settings(all_optimizers());
    names.emplace_back("clip_norm");
    return names;
  }

  static MapKeys keys_with(const std::vector<std::string>& settings) {
    MapKeys keys = {
        "`train`", {"loss", "optimizer", "learning_rate", "parameters", "precision", "loss_scale"}};
    keys.known.insert(keys.known.end(), settings.begin(), settings.end());
    return keys;
  }

  const YamlNode* require(const YamlNode& map, std::string_view name, const MapKeys& keys,
                          const YamlNode& at) {
    return require_key(map, name, keys, at.where, diagnostics_);
  }

  std::vector<SettingDeclaration> read_settings(const YamlNode& map,
                                                const std::vector<std::string>& names) {
    std::vector<SettingDeclaration> settings;
    for (size_t i = 0; i < map.keys.size(); ++i) {
      const YamlNode& key = map.keys[i];
      if (std::find(names.begin(), names.end(), key.text) == names.end()) continue;
      const std::optional<double> value =
          read_number(map.items[i], "`" + key.text + "`", diagnostics_);
      settings.push_back({{key.text, key.where}, value, map.items[i].where});
    }
    return settings;
  }

  /// A number where a map of settings could be.
  SettingDeclaration read_number_alone(const YamlNode& node, const std::string& name) {
    return {{name, node.where}, read_number(node, "`" + name + "`", diagnostics_), node.where};
  }

  /// A map has no keys but those of `others` and the settings.
  void check_settings(const YamlNode& map, MapKeys others,
                      const std::vector<std::string>& settings) {
    others.known.insert(others.known.end(), settings.begin(), settings.end());
    check_keys(map, others, diagnostics_);
  }

  std::optional<LearningRateDeclaration> read_learning_rate(const YamlNode& node) {
    LearningRateDeclaration rate;
    rate.where = node.where;
    if (node.kind != YamlKind::kMap) {
      rate.number = read_number_alone(node, "learning_rate");
      return rate;
    }
    const std::vector<std::string> settings = names_of_settings(all_schedules());
    check_settings(node, {"`learning_rate`", {"schedule"}}, settings);
    rate.schedule = read_name_at(node.find("schedule"), "`schedule`", diagnostics_);
    rate.settings = read_settings(node, settings);
    return rate;
  }

  LossScaleDeclaration read_loss_scale(const YamlNode& node) {
    LossScaleDeclaration scale;
    scale.where = node.where;
    if (node.kind != YamlKind::kMap) {
      scale.number = read_number_alone(node, "loss_scale");
      return scale;
    }
    const std::vector<std::string> settings = names_of_settings(all_loss_scales());
    check_settings(node, {"`loss_scale`", {}}, settings);
    scale.settings = read_settings(node, settings);
    return scale;
  }

  DiagnosticSink& diagnostics_;
};

}  // namespace

TrainingDeclaration read_training(const YamlNode& key, const YamlNode& section,
                                  DiagnosticSink& diagnostics) {
  return TrainingReader(diagnostics).read(key, section);
}

}  // namespace graphc
