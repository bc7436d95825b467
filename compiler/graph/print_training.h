#pragma once

#include <string>

#include "compiler/graph/graph.h"
#include "compiler/graph/training.h"

namespace graphc {

/// The line of the text form that asks for training:
///
///   train %loss adamw(learning_rate=cosine(base=0.1, warmup=10, steps=90, final=0), beta1=0.9,
///                     beta2=0.999, epsilon=1e-08, weight_decay=0.01, clip_norm=1) of %w1, %w2
///
/// (on one line). A constant rate without a warm-up is one number.
std::string print_training(const Training& training, const Graph& graph);

}  // namespace graphc
