#include "compiler/graph/parallel_text.h"

#include "compiler/graph/graph_text.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

bool read_part(LineReader& line, BatchPartDeclaration& part) {
  if (!line.read_word_or_string(part.device, "the name of a device")) return false;
  if (!line.accept_symbol('=')) return true;
  part.rows_where = line.peek().where;
  part.rows = parse_whole<int64_t>(line.peek());
  if (!part.rows) return line.fail("a number of rows");
  line.take();
  return true;
}

bool read_parallel(LineReader& line, ParallelDeclaration& parallel) {
  if (line.accept_word("auto")) {
    parallel.is_auto = true;
    return line.end_of_line();
  }
  if (!line.accept_word("batch")) return line.fail("`auto` or `batch`");
  parallel.batch.emplace();
  do {
    if (!read_part(line, parallel.batch->emplace_back())) return false;
  } while (line.accept_symbol(','));
  if (line.accept_word("update_on") &&
      !line.read_word_or_string(parallel.update_on.emplace(),
                                "the name of a device, `each` or `shards`")) {
    return false;
  }
  return line.end_of_line();
}

}  // namespace

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

std::optional<ParallelDeclaration> parse_parallel(LineReader& line, const SourceRange& where) {
  ParallelDeclaration parallel;
  parallel.where = where;
  if (!read_parallel(line, parallel)) return std::nullopt;
  return parallel;
}

}  // namespace graphc
