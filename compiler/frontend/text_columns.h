#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/diagnostics/diagnostic.h"
#include "runtime/base/text.h"

/// Lines of text whose columns are separated by at least two spaces: names of copies contain single
/// ones.
namespace graphc {

/// A cut of one line: the text and the column it starts at, from 1 on.
struct Field {
  std::string_view text;
  int column = 1;
};

/// What names of a text stand for.
template <class Id>
using Names = std::map<std::string, Id, std::less<>>;

/// What `name` stands for; an unknown one is reported at `where`, with the nearest that is there.
template <class Id>
std::optional<Id> find_name(const Names<Id>& names, std::string_view name, const std::string& what,
                            const SourceRange& where, DiagnosticSink& diagnostics) {
  if (const auto known = names.find(name); known != names.end()) return known->second;
  std::optional<std::string> hint;
  if (!diagnostics.hint_budget().is_used_up()) {
    std::vector<std::string> candidates;
    for (const auto& [known, id] : names) candidates.push_back(known);
    hint = graphrt::nearest_name(name, candidates, diagnostics.hint_budget());
    if (hint) hint = "did you mean '" + *hint + "'?";
  }
  diagnostics.error(where, "unknown " + what + " '" + std::string(name) + "'", hint);
  return std::nullopt;
}

std::vector<Field> fields_of(std::string_view line);

/// A line up to its comment; nothing if that is empty.
std::optional<std::string_view> statement_of(std::string_view line);

}  // namespace graphc
