#include "compiler/placement/row_blocks.h"

#include <algorithm>

#include "compiler/graph/row_uses.h"

namespace graphc {
namespace {

/// Rows that the inner loop of a product takes at once.
constexpr int64_t kRowAlignment = 8;

bool is_product(const Work& work) { return !work.rate.empty(); }

int64_t num_blocks(const Work& work, int64_t num_rows, const BlockSizes& sizes) {
  const double wanted = is_product(work) ? std::max(work.num_flops / sizes.least_flops,
                                                    work.num_bytes / sizes.least_bytes_of_product)
                                         : work.num_bytes / sizes.least_bytes;
  const int64_t most = is_product(work) ? num_rows / sizes.least_rows_of_product : num_rows;
  return std::clamp<int64_t>(static_cast<int64_t>(wanted), 1,
                             std::clamp<int64_t>(most, 1, sizes.most_blocks));
}

/// How many of a product's blocks are half as large as the others. A step is as long as its
/// busiest worker, and equal blocks may leave many workers idle while few of them do one more each.
/// Halves even that out for most numbers of workers, which block sizes must not depend on.
int64_t num_halves_of(int64_t num_rows, int64_t count) {
  return num_rows / count < 2 ? 0 : count / 3;  // half a row is none
}

/// One after the other, each as long as the others but for what `alignment` asks; the last
/// `num_halves` are half as long.
std::vector<RowRange> divide_rows(int64_t num_rows, int64_t count, int64_t num_halves,
                                  int64_t alignment) {
  const int64_t num_wholes = count - num_halves;
  const int64_t total = 2 * num_wholes + num_halves;  // in halves
  std::vector<RowRange> blocks;
  int64_t begin = 0;
  int64_t done = 0;
  for (int64_t i = 0; i < count; ++i) {
    done += i < num_wholes ? 2 : 1;
    const int64_t end = done == total ? num_rows : num_rows * done / total / alignment * alignment;
    blocks.push_back({begin, end});
    begin = end;
  }
  return blocks;
}

}  // namespace

std::vector<RowRange> row_blocks(const Graph& graph, NodeId id, const BlockSizes& sizes) {
  const Node& node = graph.nodes[id];
  const TensorType& result = graph.type_of(node.result());
  const int64_t num_rows = rows_or_all(result, {}).end;
  if (row_uses_of(graph, id).empty()) return {{0, num_rows}};
  const Work work =
      node.op->work_rule(graph.input_types(id), graph.result_types(id), node.attributes);
  const int64_t count = num_blocks(work, num_rows, sizes);
  const int64_t alignment = num_rows / count < 4 * kRowAlignment ? 1 : kRowAlignment;
  return divide_rows(num_rows, count, is_product(work) ? num_halves_of(num_rows, count) : 0,
                     alignment);
}

std::vector<RowRange> feed_blocks(const TensorType& batch, int32_t num_readers,
                                  const BlockSizes& sizes) {
  const int64_t num_rows = rows_or_all(batch, {}).end;
  const double num_bytes_moved = 2 * static_cast<double>(batch.size_bytes());
  const auto wanted = static_cast<int64_t>(num_bytes_moved / sizes.least_bytes_of_feed);
  const int64_t most = std::clamp<int64_t>(num_rows, 1, num_readers);
  return divide_rows(num_rows, std::clamp<int64_t>(wanted, 1, most), 0, 1);
}

std::vector<RowRange> copy_blocks(const TensorType& type, const std::vector<RowRange>& blocks,
                                  const BlockSizes& sizes) {
  const int64_t row_bytes = type.size_bytes() / rows_or_all(type, {}).size();
  std::vector<RowRange> sent;
  for (const RowRange& block : blocks) {
    const bool is_worth_a_copy =
        !sent.empty() && sent.back().size() * row_bytes >= sizes.least_bytes_of_copy;
    if (sent.empty() || is_worth_a_copy) {
      sent.push_back(block);
    } else {
      sent.back().end = block.end;
    }
  }
  const bool is_last_too_small =
      sent.size() > 1 && sent.back().size() * row_bytes < sizes.least_bytes_of_copy;
  if (is_last_too_small) {
    sent[sent.size() - 2].end = sent.back().end;
    sent.pop_back();
  }
  return sent;
}

}  // namespace graphc
