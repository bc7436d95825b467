#pragma once

#include <memory>
#include <string>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/graph.h"
#include "compiler/graph/graph_declarations.h"
#include "compiler/vocabulary.h"

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
/// is written as one number. A node's type is absent before infer_types.
std::string print_graph(const Graph& graph);

/// A name as the text form writes it: in quotes unless it is an identifier.
std::string print_word(const std::string& text);

/// Reads the text form; `#` starts a comment. parse_graph(print_graph(g)) prints as print_graph(g).
/// Opens no other file.
/// Errors: syntax and all that build_graph finds, with their places, in `diagnostics`.
Result<Graph> parse_graph(std::shared_ptr<const SourceFile> file, DiagnosticSink& diagnostics);

/// The first half of parse_graph: what the text declares, names not resolved.
/// Errors: syntax, one a line; names are not looked at then, since some may be missing only for it.
Result<GraphDeclarations> parse_graph_declarations(std::shared_ptr<const SourceFile> file,
                                                   DiagnosticSink& diagnostics);

}  // namespace graphc
