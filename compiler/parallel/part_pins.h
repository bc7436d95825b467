#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/graph/graph.h"
#include "compiler/graph/parallel.h"
#include "compiler/parallel/division.h"
#include "compiler/parallel/host_spread.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// Where a new node runs; nothing: where it is cheapest.
struct Pin {
  std::optional<std::string> device = std::nullopt;
  std::vector<std::string> also_on = {};
  SourceRange where = {};
};

/// Where the nodes of a divided batch run.
class PartPins {
 public:
  /// `is_of_states`: of each value, whether it is computed of states alone. All must outlive this.
  PartPins(const Graph& graph, const Division& division, const Parallel& parallel,
           const HostSpread& spread, const IdVector<ValueId, char>& is_of_states)
      : graph_(graph),
        division_(division),
        parallel_(parallel),
        spread_(spread),
        is_of_states_(is_of_states) {}

  Pin of_part(size_t part) const;
  /// Of a node that stays one, or what makes one value of parts. Where every device has the states,
  /// what is computed of them alone, such as their casts, is so on each: nothing travels.
  Pin of_whole(ValueId value) const;
  /// Of what every part of a host has a share of, summed over these.
  Pin of_host(ValueId value, size_t host) const;
  /// Of what is put together from all hosts: if nobody wants it elsewhere, where it is handed out.
  Pin of_total(ValueId value) const;

  /// Whether messages about shards of it would cost more than one of the whole, so that the first
  /// host updates it and sends it.
  bool is_of_one_host(ValueId value) const;

 private:
  const Graph& graph_;
  const Division& division_;
  const Parallel& parallel_;
  const HostSpread& spread_;
  const IdVector<ValueId, char>& is_of_states_;
};

}  // namespace graphc
