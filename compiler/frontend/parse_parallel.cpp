#include "compiler/frontend/parse_parallel.h"

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

std::optional<ParallelDeclaration> parse_parallel(LineReader& line, const SourceRange& where) {
  ParallelDeclaration parallel;
  parallel.where = where;
  if (!read_parallel(line, parallel)) return std::nullopt;
  return parallel;
}

}  // namespace graphc
