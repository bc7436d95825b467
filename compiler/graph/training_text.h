#pragma once

#include <optional>
#include <string>

#include "compiler/graph/graph.h"
#include "compiler/graph/graph_declarations.h"
#include "compiler/graph/line_reader.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// The line of the text form that asks for training:
///
///   train %loss adamw(learning_rate=cosine(base=0.1, warmup=10, steps=90, final=0), beta1=0.9,
///                     beta2=0.999, epsilon=1e-08, weight_decay=0.01, clip_norm=1) of %w1, %w2
///
/// (on one line). A constant rate without a warm-up is one number.
/// Requires: graph.training.
std::string print_training(const Graph& graph);

/// Reads what stands behind `train`, up to the end of the line; nothing if it is wrong (reported).
std::optional<TrainingDeclaration> parse_training(LineReader& line, const SourceRange& where);

}  // namespace graphc
