#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/vocabulary.h"
#include "runtime/op/attribute.h"

namespace graphc {

enum class YamlKind { kNull, kScalar, kSequence, kMap };

/// One YAML node with its place. Scalars stay text: what they mean is decided where they are read,
/// so that `010` is not 8 and `no` is not false.
struct YamlNode {
  YamlKind kind = YamlKind::kNull;
  SourceRange where;
  std::string text;             ///< kScalar
  bool is_quoted = false;       ///< kScalar: written in quotes, so a text and nothing else
  std::vector<YamlNode> keys;   ///< kMap: scalars, unique, in file order
  std::vector<YamlNode> items;  ///< kSequence: the elements; kMap: the value of each key

  /// kMap: the value of `key`; null if absent.
  const YamlNode* find(std::string_view key) const;
};

/// Reads one YAML document, whose top level is a map.
/// Errors: syntax (with the hint to quote a type where that is the likely cause), duplicate keys
///         (with a note at the first), keys that are no scalars, anchors and aliases, several
///         documents, an empty file.
Result<YamlNode> parse_yaml(std::shared_ptr<const SourceFile> file, DiagnosticSink& diagnostics);

/// What a map is called in messages ("a state"), and the keys it may have.
struct MapKeys {
  std::string_view what;
  std::vector<std::string> known;
};

/// Names each key of `map` that is not known, with the nearest that is.
void check_keys(const YamlNode& map, const MapKeys& keys, DiagnosticSink& diagnostics);

/// Whether an unknown key of `map` was probably meant for `key`: then its error is enough.
bool has_misspelled_key(const YamlNode& map, std::string_view key, const MapKeys& keys);

/// Whether `node` has that kind; reports "`what` must be ..." otherwise.
bool expect_kind(const YamlNode& node, YamlKind kind, std::string_view what,
                 DiagnosticSink& diagnostics);

/// The value of `key`; reports at `where` that it is needed if it is absent.
const YamlNode* require_key(const YamlNode& map, std::string_view key, const MapKeys& keys,
                            const SourceRange& where, DiagnosticSink& diagnostics);

/// These read one scalar (or list) and report what it must be when it is not. `what` starts the
/// message: "`what` must be an integer; got 'abc'".
std::optional<std::string> read_text(const YamlNode& node, std::string_view what,
                                     DiagnosticSink& diagnostics);
std::optional<int64_t> read_integer(const YamlNode& node, std::string_view what,
                                    DiagnosticSink& diagnostics);
std::optional<uint64_t> read_seed(const YamlNode& node, std::string_view what,
                                  DiagnosticSink& diagnostics);
std::optional<double> read_number(const YamlNode& node, std::string_view what,
                                  DiagnosticSink& diagnostics);
std::optional<bool> read_flag(const YamlNode& node, std::string_view what,
                              DiagnosticSink& diagnostics);
/// true or false, an integer, a number, or a list of integers.
std::optional<AttributeValue> read_attribute(const YamlNode& node, std::string_view what,
                                             DiagnosticSink& diagnostics);

}  // namespace graphc
