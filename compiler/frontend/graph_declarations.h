#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/vocabulary.h"
#include "runtime/op/attribute.h"
#include "runtime/plan/source_graph.h"

namespace graphc {

/// What a file format says before names are resolved: the common ground of YAML and text form.
/// An absent optional where the format asks for a value means that its error is already reported.

struct NameAt {
  std::string text;
  SourceRange where;
};

struct InputDeclaration {
  NameAt name;
  std::optional<TensorType> type;
  std::optional<NameAt> feed;  ///< relative to the current directory
};

struct StateDeclaration {
  NameAt name;
  std::optional<TensorType> type;
  Initializer initializer;  ///< with `same_as`: replaced by that state's
  std::optional<NameAt> same_as;
  std::optional<NameAt> device;
};

struct ConstantDeclaration {
  NameAt name;
  std::optional<TensorType> type;
  Initializer initializer;  ///< kData
};

struct AttributeDeclaration {
  NameAt name;
  std::optional<AttributeValue> value;
  SourceRange value_where;
  std::string written = {};  ///< the number as the file has it; empty for other values
};

/// What every node may say besides the attributes of its operator.
inline constexpr std::array<std::string_view, 7> kNodeKeys = {
    "name", "op", "inputs", "device", "keep", "precision", "updates"};

struct NodeDeclaration {
  NameAt name;
  std::optional<NameAt> op;
  std::vector<AttributeDeclaration> attributes;
  std::optional<std::vector<NameAt>> inputs;
  std::optional<NameAt> device;
  std::vector<NameAt> also_on;  ///< further devices; only with `device`
  std::optional<NameAt> updates;
  std::vector<NameAt> more_updates;  ///< text form, of the results behind the first
  std::optional<TensorType> type;    ///< text form: checked against what inference gives
  /// Text form, of the results behind the first: names, checked against the operator's, and types.
  std::vector<NameAt> more_results;
  std::vector<TensorType> more_types;
  bool keep = false;
  std::optional<NameAt> precision;
};

struct OutputDeclaration {
  NameAt value;
  std::optional<NameAt> device;
};

/// A number of `train`, for example momentum.
struct SettingDeclaration {
  NameAt name;
  std::optional<double> value;
  SourceRange value_where;
};

struct LearningRateDeclaration {
  std::optional<SettingDeclaration> number;  ///< instead of a schedule
  std::optional<NameAt> schedule;
  std::vector<SettingDeclaration> settings;
  SourceRange where;
};

struct LossScaleDeclaration {
  std::optional<SettingDeclaration> number;  ///< instead of settings: the same in every step
  std::vector<SettingDeclaration> settings;
  SourceRange where;
};

struct TrainingDeclaration {
  SourceRange where;
  std::optional<NameAt> loss;
  std::optional<NameAt> optimizer;
  std::optional<NameAt> precision;
  std::optional<LearningRateDeclaration> learning_rate;
  std::optional<LossScaleDeclaration> loss_scale;
  std::vector<SettingDeclaration> settings;
  std::optional<std::vector<NameAt>> parameters;
};

/// A device's part of the batch.
struct BatchPartDeclaration {
  NameAt device;
  std::optional<int64_t> rows;
  SourceRange rows_where;
};

/// Nodes that run on one device.
struct LayersDeclaration {
  NameAt device;
  std::vector<NameAt> nodes;
};

struct ParallelDeclaration {
  SourceRange where;
  bool is_auto = false;
  std::optional<std::vector<BatchPartDeclaration>> batch;
  std::optional<NameAt> update_on;
  std::vector<LayersDeclaration> layers;
};

struct GraphDeclarations {
  NameAt name;
  /// False if something with a name could not be read (reported): then a name that is not defined,
  /// or a graph without outputs, may only be the consequence.
  bool is_complete = true;
  std::optional<NameAt> machine;        ///< relative to the current directory
  std::vector<std::string> files_read;  ///< arrays, relative to the current directory
  std::vector<InputDeclaration> inputs;
  std::vector<StateDeclaration> states;
  std::vector<ConstantDeclaration> constants;
  std::vector<NodeDeclaration> nodes;
  std::vector<OutputDeclaration> outputs;
  std::optional<TrainingDeclaration> training;
  std::optional<ParallelDeclaration> parallel;
};

}  // namespace graphc
