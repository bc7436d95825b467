#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/frontend/yaml_reader.h"
#include "compiler/vocabulary.h"
#include "runtime/base/text.h"

/// What the readers of a machine file's sections have in common.
namespace graphc {

inline constexpr std::string_view kMachineNameHint =
    "a name is a letter or '_', then letters, digits, '_' and '.'; parts may be joined by '/'";

/// Names of devices and resources may be paths: `node1/gpu0`.
inline bool is_machine_name(std::string_view name) {
  const std::vector<std::string_view> parts = split(name, '/');
  return std::all_of(parts.begin(), parts.end(), is_identifier);
}

/// The scalar `node` by `parse` (parse_quantity.h); nothing if there is no node. Reports what
/// `parse` has to say, after `what`.
template <class T>
std::optional<T> read_quantity(const YamlNode* node, std::string_view what,
                               Result<T> (*parse)(std::string_view), DiagnosticSink& diagnostics) {
  if (node == nullptr) return std::nullopt;
  if (!expect_kind(*node, YamlKind::kScalar, what, diagnostics)) return std::nullopt;
  const Result<T> value = parse(node->text);
  if (value) return *value;
  diagnostics.error(node->where, std::string(what) + " " + value.error().message);
  return std::nullopt;
}

}  // namespace graphc
