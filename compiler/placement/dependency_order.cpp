#include "compiler/placement/dependency_order.h"

namespace graphc {
namespace {

class OpSorter {
 public:
  explicit OpSorter(const PlacedGraph& placed)
      : placed_(placed), sorted_(placed), new_id_(placed.ops.size()) {
    sorted_.ops = {};
  }

  PlacedGraph run(const std::vector<PlacedOpId>& wanted) {
    for (const PlacedOpId op : wanted) append_with_producers(op);
    for (PlacedValue& value : sorted_.values) {
      for (PlacedOpId& producer : value.producers) producer = *new_id_[producer];
    }
    return std::move(sorted_);
  }

 private:
  void append_with_producers(PlacedOpId first) {
    std::vector<PlacedOpId> stack = {first};
    while (!stack.empty()) {
      const PlacedOpId op = stack.back();
      const size_t size_before = stack.size();
      for (const PlacedOperand& read : placed_.ops[op].reads) {
        if (read.distance > 0) continue;
        for (const PlacedOpId producer : placed_.producers_of(read)) {
          if (!new_id_[producer]) stack.push_back(producer);
        }
      }
      if (stack.size() > size_before) continue;
      stack.pop_back();
      if (!new_id_[op]) new_id_[op] = sorted_.ops.push_back(placed_.ops[op]);
    }
  }

  const PlacedGraph& placed_;
  PlacedGraph sorted_;
  IdVector<PlacedOpId, std::optional<PlacedOpId>> new_id_;
};

}  // namespace

PlacedGraph in_dependency_order(const PlacedGraph& placed, const std::vector<PlacedOpId>& wanted) {
  return OpSorter(placed).run(wanted);
}

}  // namespace graphc
