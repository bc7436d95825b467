#pragma once

#include <memory>
#include <optional>

#include "compiler/compile.h"
#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/graph.h"
#include "compiler/machine/machine.h"

namespace graphrt::fuzz {

/// One CPU and one accelerator.
graphc::Machine small_machine();

/// One step of training, for small_machine(), on both of its devices.
const graphc::Compilation& small_compilation();

/// load_graph within the limit of allocations, with its messages rendered. Empty where it refuses
/// the file. Ends the process where that goes without a reason.
std::optional<graphc::GraphRequest> load(const std::shared_ptr<const graphc::SourceFile>& file);

/// Ends the process unless parse_graph reads what print_request prints, and that prints the same.
void expect_same_text(const graphc::GraphRequest& request);

/// Compiles the graph for small_machine() if it has few nodes and small values: every stage checks
/// its result and ends the process where it is wrong.
void compile_small(const graphc::GraphRequest& request);

}  // namespace graphrt::fuzz
