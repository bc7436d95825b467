#include "compiler/frontend/yaml_names.h"

#include <string>
#include <utility>

namespace graphc {

std::optional<NameAt> read_name_at(const YamlNode* node, std::string_view what,
                                   DiagnosticSink& diagnostics) {
  if (node == nullptr) return std::nullopt;
  std::optional<std::string> text = read_text(*node, what, diagnostics);
  if (!text) return std::nullopt;
  return NameAt{*std::move(text), node->where};
}

std::optional<std::vector<NameAt>> read_names(const YamlNode& list, std::string_view what,
                                              DiagnosticSink& diagnostics) {
  if (!expect_kind(list, YamlKind::kSequence, what, diagnostics)) return std::nullopt;
  std::vector<NameAt> names;
  for (const YamlNode& item : list.items) {
    std::optional<NameAt> name =
        read_name_at(&item, "each element of " + std::string(what), diagnostics);
    if (name) names.push_back(*std::move(name));
  }
  if (names.size() != list.items.size()) return std::nullopt;
  return names;
}

}  // namespace graphc
