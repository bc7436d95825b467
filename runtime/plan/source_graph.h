#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/shared_bytes.h"
#include "runtime/base/tensor_type.h"
#include "runtime/op/attribute.h"

namespace graphrt {

using SourceValueId = Id<struct SourceValueTag>;

/// How a state gets its first value. Random ones are counter-based: the value depends on the seed,
/// the state's name and the element's index, on nothing else.
enum class InitializerKind : uint8_t { kZeros, kConstant, kUniform, kHeNormal, kXavier, kData };

struct Initializer {
  InitializerKind kind = InitializerKind::kZeros;
  double low = 0;     ///< kConstant: the value; kUniform: lower bound
  double high = 0;    ///< kUniform: upper bound
  uint64_t seed = 0;  ///< random kinds
  std::string
      stream;        ///< random kinds: the state whose name keys the numbers (`same_as` shares it)
  SharedBytes data;  ///< kData: row-major little-endian elements
  bool operator==(const Initializer&) const = default;
};

enum class SourceValueKind : uint8_t { kInput, kState, kConstant, kNode };

struct SourceValue {
  SourceValueKind kind = SourceValueKind::kNode;
  std::string name;
  TensorType type;
  Initializer initializer;  ///< kState and kConstant (always kData there)
  bool operator==(const SourceValue&) const = default;
};

struct SourceNode {
  std::string op;
  Attributes attributes;
  std::vector<SourceValueId> inputs;
  std::vector<SourceValueId> results;    ///< all that its operator gives, at least one
  std::optional<SourceValueId> updates;  ///< the state whose next value the first result is
  /// With it, perhaps: those of the other results, one each. Empty: they replace none.
  std::vector<SourceValueId> more_updates = {};

  /// The states whose next values the first results are, in the order of those.
  std::vector<SourceValueId> updated_states() const {
    std::vector<SourceValueId> states = more_updates;
    if (updates) states.insert(states.begin(), *updates);
    return states;
  }
  bool operator==(const SourceNode&) const = default;
};

/// The graph the user means, before any pass rewrites it: what a plan's results are checked
/// against. Nodes are in a topological order; every use of a state reads its value from before the
/// step.
struct SourceGraph {
  std::string name;
  IdVector<SourceValueId, SourceValue> values;
  std::vector<SourceNode> nodes;
  std::vector<SourceValueId> outputs;
  bool operator==(const SourceGraph&) const = default;
};

}  // namespace graphrt
