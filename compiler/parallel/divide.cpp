#include "compiler/parallel/divide.h"

#include <algorithm>
#include <string>
#include <vector>

#include "compiler/parallel/divided_graph.h"
#include "compiler/parallel/division.h"

namespace graphc {
namespace {

std::string first_dimension(const Value& input) {
  return "dimension 0 of '" + input.name + "', " + to_string(input.type);
}

bool has_first_dimension(const Value& value) {
  return value.kind == ValueKind::kInput && value.type.rank() > 0;
}

/// Points at the first input that has one row for each of the batch.
Diagnostic note_of_batch(const Graph& graph, int64_t batch) {
  for (const Value& value : graph.values) {
    if (!has_first_dimension(value) || value.type.shape[0] != batch) continue;
    return {
        Severity::kNote, value.where, "the batch is " + first_dimension(value), std::nullopt, {}};
  }
  CHECK(false, "the batch is a dimension of an input");
}

/// Rows for every part: those asked for, or as equal as they can be.
std::vector<int64_t> rows_of_parts(const std::vector<BatchPart>& parts, int64_t batch) {
  const auto count = static_cast<int64_t>(parts.size());
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < count; ++i) {
    rows.push_back(
        parts[static_cast<size_t>(i)].rows.value_or(batch / count + (i < batch % count ? 1 : 0)));
  }
  return rows;
}

bool check_parts(const Graph& graph, const Parallel& parallel, int64_t batch,
                 DiagnosticSink& diagnostics) {
  const std::vector<int64_t> rows = rows_of_parts(parallel.batch, batch);
  if (batch < static_cast<int64_t>(rows.size())) {
    diagnostics
        .error(parallel.where, "a batch of " + std::to_string(batch) + " cannot be divided over " +
                                   std::to_string(rows.size()) + " devices")
        .notes.push_back(note_of_batch(graph, batch));
    return false;
  }
  int64_t sum = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    // Before it is added: several together could be more than a number holds.
    if (rows[i] > batch) {
      diagnostics
          .error(parallel.batch[i].where, "a part of " + std::to_string(rows[i]) +
                                              " rows is more than the batch, which has " +
                                              std::to_string(batch))
          .notes.push_back(note_of_batch(graph, batch));
      return false;
    }
    sum += rows[i];
  }
  if (sum == batch) return true;
  diagnostics
      .error(parallel.batch[0].where, "the parts have " + std::to_string(sum) +
                                          " rows together, but the batch has " +
                                          std::to_string(batch))
      .notes.push_back(note_of_batch(graph, batch));
  return false;
}

}  // namespace

Result<int64_t> find_batch_size(const Graph& graph, const SourceRange& where,
                                DiagnosticSink& diagnostics) {
  std::optional<int64_t> smallest;
  for (const Value& value : graph.values) {
    if (!has_first_dimension(value)) continue;
    smallest = std::min(smallest.value_or(value.type.shape[0]), value.type.shape[0]);
  }
  if (!smallest) {
    diagnostics.error(where, "there is no batch to divide: no input has a dimension");
    return reported();
  }
  const int64_t batch = *smallest;
  for (const Value& value : graph.values) {
    if (!has_first_dimension(value) || value.type.shape[0] % batch == 0) continue;
    diagnostics
        .error(where, "the batch cannot be divided: " + first_dimension(value) +
                          ", is no multiple of " + std::to_string(batch))
        .notes.push_back(note_of_batch(graph, batch));
    return reported();
  }
  return batch;
}

Result<Graph> divide(Graph graph, const Parallel& parallel, DiagnosticSink& diagnostics) {
  if (parallel.kind == ParallelKind::kAuto) return graph;
  TRY(const int64_t batch, find_batch_size(graph, parallel.where, diagnostics));
  if (!check_parts(graph, parallel, batch, diagnostics)) return reported();
  const Division division = find_division(graph, batch);
  const bool divides = std::any_of(division.rules.begin(), division.rules.end(),
                                   [](const auto& rule) { return rule.has_value(); });
  if (!divides) {
    diagnostics.warning(
        parallel.where,
        "nothing is divided: no node that reads the batch may be computed in parts");
  }
  return build_divided(graph, division, parallel, rows_of_parts(parallel.batch, batch));
}

}  // namespace graphc
