#pragma once

#include <string>

#include "compiler/graph/graph_request.h"

namespace graphc {

/// The text form of a graph, one definition a line, in a fixed order:
///
///   graph mlp
///   input %x : f32[100, 64] feed "data/x.npy"
///   state %w1 : f32[64, 128] init he_normal(seed=1) device cpu
///   constant %c : f32[2] = [0.5, 1]
///   %z1 = matmul(%x, %w1) {transpose_b = true} : f32[100, 128] device gpu0, gpu1 keep updates %w1
///   output %z1 on gpu0
///   train %loss sgd(learning_rate=0.5, weight_decay=0)
///   parallel batch gpu0, gpu1 update_on cpu
///
/// Numbers are the shortest that read back to the same bits. A tensor whose elements are all equal
/// is written as one number. A graph alone ends with its outputs.
std::string print_graph(const Graph& graph);
std::string print_request(const GraphRequest& request);

/// A name as the text form writes it: in quotes unless it is an identifier.
std::string print_word(const std::string& text);

}  // namespace graphc
