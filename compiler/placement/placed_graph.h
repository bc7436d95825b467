#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/graph/graph.h"
#include "compiler/machine/machine.h"
#include "compiler/shared.h"

namespace graphc {

using PlacedOpId = Id<struct PlacedOpTag>;
using PlacedValueId = Id<struct PlacedValueTag>;

/// A value in the memory of one device. The next value of a state and the state itself are one
/// placed value a device: who reads the state reads what was written one step before. What is made
/// in a step may be there several times, if it is rematerialised or brought back.
struct PlacedValue {
  std::string name;  ///< unique: `w1@gpu0`, `h1@gpu0 (again)`, `h1@gpu0 (back 2)`, `h1 (scratch)`
  ValueId origin;    ///< the graph value it holds; for a state that is updated, the state
  DeviceId device;
  std::vector<PlacedOpId> producers;  ///< in the order of their rows; empty: filled in at load and
                                      ///< never replaced
  /// Of memory that holds no value of the graph, as its producer's kernel alone uses it while it
  /// runs: bytes. Such a value has no origin.
  std::optional<TensorType> scratch = std::nullopt;
  bool operator==(const PlacedValue&) const = default;
};

struct PlacedOperand {
  PlacedValueId value;
  int32_t distance = 0;  ///< 0 = written in this step, 1 = in the previous one
  std::optional<RowRange> rows = std::nullopt;  ///< the part that is read; absent: all of it
  std::optional<Shape> shape = std::nullopt;    ///< what that is to the reader; absent: as it is
  bool operator==(const PlacedOperand&) const = default;
};

enum class PlacedOpKind { kNode, kCopy, kFeed, kOutput };

/// Something that takes time on one device or one link.
struct PlacedOp {
  PlacedOpKind kind = PlacedOpKind::kNode;
  std::string name;            ///< unique: `h1`, `h1 (again)`, `h1 -> gpu0`, `feed x`, `output h1`
  DeviceId device;             ///< kCopy: where it reads
  DeviceId destination;        ///< kCopy: where it writes; otherwise `device`
  std::optional<NodeId> node;  ///< kNode
  std::optional<ValueId> input;  ///< kFeed
  std::optional<size_t> output;  ///< kOutput: index into the graph's outputs
  std::vector<PlacedOperand> reads;
  std::vector<PlacedValueId> writes;  ///< its results; kNode: as many as the node has
  std::optional<RowRange> rows;       ///< the part of each that it writes; absent: all of it
  std::optional<PlacedValueId> scratch = std::nullopt;  ///< kNode
};

/// All that an operation writes to: its results, and its scratch memory.
std::vector<PlacedValueId> written_values(const PlacedOp& op);
/// Which rows it writes of one of those; absent: all of it.
std::optional<RowRange> written_rows(const PlacedOp& op, PlacedValueId value);

/// Level 2: a device for every operator; every crossing of devices is an explicit copy over one
/// link. Reading a batch and delivering an output are operations of the host. Several operations
/// may make one value, each some of its rows: those of one computation, or what a concat puts
/// together. A node that only passes rows on may have no operation: then rows of what it takes them
/// from, or puts them into, are read and written instead.
///
/// Ops stand in an order in which producers of distance 0 precede their readers.
struct PlacedGraph {
  Shared<Graph> graph;
  IdVector<PlacedOpId, PlacedOp> ops;
  IdVector<PlacedValueId, PlacedValue> values;
  /// For outputs that stay on a device: the value; it is neither moved nor delivered.
  std::vector<std::optional<PlacedOperand>> resident_outputs;

  const TensorType& type_of(PlacedValueId value) const {
    const PlacedValue& placed = values[value];
    return placed.scratch ? *placed.scratch : graph->type_of(placed.origin);
  }
  /// Of the part that is read, as the reader sees it.
  TensorType operand_type(const PlacedOperand& read) const;
  /// Who makes what the operand reads.
  std::vector<PlacedOpId> producers_of(const PlacedOperand& read) const;
  /// Whether the value holds a state or a constant, filled in at load.
  bool is_filled_at_load(PlacedValueId value) const;
};

/// Checks that every operation reads values of its own device, at a distance that exists, after
/// their producers, and that they hold what the graph says; that every value has producers of its
/// own, and a state or constant one place a device; that copies follow links of the machine and
/// change nothing; that every node but what may be a view is placed on one device, or on all that
/// the graph names, where the user pinned it; that names are unique. A node may be
/// computed several times, one that replaces a state only once a device.
Violation verify_placed_graph(const PlacedGraph& placed, const Machine& machine);

/// One line an operation: `gpu0  z1 = matmul(x@gpu0, w1@gpu0 from step -1)`.
std::string print_placed_graph(const PlacedGraph& placed, const Machine& machine);

}  // namespace graphc
