#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/frontend/graph_declarations.h"
#include "compiler/graph/graph.h"

namespace graphc {

/// What a plan holds can be shown and read back; see is_plain_text.
inline constexpr std::string_view kMustBePlain =
    " must be one line of text without control characters";

/// `did you mean 'NAME'?` with the candidate that is nearest to `word`, if one is near.
std::optional<std::string> did_you_mean(const std::string& word,
                                        std::span<const std::string> candidates,
                                        NameSearchBudget& budget);

/// Gives `node` the operator and the attributes that are declared. What is wrong with them, or with
/// the number of operands, is reported. Requires: an operator is declared.
void resolve_operator(const NodeDeclaration& declared, Node& node, DiagnosticSink& diagnostics);

}  // namespace graphc
