#include "compiler/graph/print_parallel.h"

#include "compiler/graph/print_graph.h"
#include "runtime/base/text.h"

namespace graphc {

std::optional<std::string> text_of_updates(const Parallel& parallel) {
  switch (parallel.updates) {
    case UpdatePlace::kAuto:
      return std::nullopt;
    case UpdatePlace::kOneDevice:
      return parallel.update_device;
    case UpdatePlace::kReplicated:
      return "each";
    case UpdatePlace::kSharded:
      return "shards";
  }
  return std::nullopt;
}

std::string print_parallel(const Parallel& parallel) {
  if (parallel.kind == ParallelKind::kAuto) return "parallel auto\n";
  std::vector<std::string> parts;
  for (const BatchPart& part : parallel.batch) {
    parts.push_back(print_word(part.device) +
                    (part.rows ? " = " + std::to_string(*part.rows) : ""));
  }
  std::string text = "parallel batch " + join(parts, ", ");
  if (const auto updates = text_of_updates(parallel)) text += " update_on " + print_word(*updates);
  return text + "\n";
}

}  // namespace graphc
