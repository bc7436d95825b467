#include "compiler/frontend/build_parallel.h"

#include <algorithm>
#include <map>
#include <string>

namespace graphc {
namespace {

void check_devices(const std::vector<BatchPartDeclaration>& batch, DiagnosticSink& diagnostics) {
  std::map<std::string, SourceRange> seen;
  for (const BatchPartDeclaration& part : batch) {
    const auto [at, is_new] = seen.emplace(part.device.text, part.device.where);
    if (is_new) continue;
    diagnostics.error(part.device.where, "'" + part.device.text + "' is listed twice")
        .notes.push_back({Severity::kNote, at->second, "first here", std::nullopt, {}});
  }
}

void check_rows(const std::vector<BatchPartDeclaration>& batch, DiagnosticSink& diagnostics) {
  const bool has_some = std::any_of(batch.begin(), batch.end(),
                                    [](const auto& part) { return part.rows.has_value(); });
  for (const BatchPartDeclaration& part : batch) {
    if (has_some && !part.rows) {
      diagnostics.error(part.device.where, "'" + part.device.text + "' has no number of rows",
                        "give rows for every device, or for none");
    } else if (part.rows && *part.rows < 1) {
      diagnostics.error(part.rows_where,
                        "a part of the batch has 1 row or more; got " + std::to_string(*part.rows));
    }
  }
}

}  // namespace

std::optional<Parallel> resolve_parallel(const ParallelDeclaration& declared,
                                         DiagnosticSink& diagnostics) {
  const size_t errors_before = diagnostics.num_errors();
  Parallel parallel;
  parallel.where = declared.where;
  if (declared.update_on && !declared.batch) {
    diagnostics.error(declared.update_on->where, "`update_on` needs a `batch` that is divided");
  }
  if (!declared.batch && !declared.is_auto) return std::nullopt;
  if (declared.batch) {
    parallel.kind = ParallelKind::kBatch;
    if (declared.batch->empty()) diagnostics.error(declared.where, "`batch` names no device");
    check_devices(*declared.batch, diagnostics);
    check_rows(*declared.batch, diagnostics);
    for (const BatchPartDeclaration& part : *declared.batch) {
      parallel.batch.push_back({part.device.text, part.rows, part.device.where});
    }
  }
  if (declared.update_on) {
    const std::string& text = declared.update_on->text;
    parallel.updates = text == "each"     ? UpdatePlace::kReplicated
                       : text == "shards" ? UpdatePlace::kSharded
                                          : UpdatePlace::kOneDevice;
    if (parallel.updates == UpdatePlace::kOneDevice) parallel.update_device = text;
    parallel.update_where = declared.update_on->where;
  }
  if (diagnostics.num_errors() > errors_before) return std::nullopt;
  return parallel;
}

}  // namespace graphc
