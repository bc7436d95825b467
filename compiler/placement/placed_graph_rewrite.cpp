#include "compiler/placement/placed_graph_rewrite.h"

#include <algorithm>

#include "compiler/placement/dependency_order.h"

namespace graphc {
namespace {

constexpr std::string_view kRemarkBegin = " (";

std::string with_remark(const std::string& name, std::string_view remark, int number) {
  std::string text(remark);
  if (number > 1) text += (text.empty() ? "" : " ") + std::to_string(number);
  return text.empty() ? name : name + std::string(kRemarkBegin) + text + ")";
}

template <class Items>
bool has_name(const Items& items, const std::string& name) {
  return std::any_of(items.begin(), items.end(),
                     [&](const auto& item) { return item.name == name; });
}

/// The first from 1 on that leaves all names unique.
int free_number(const PlacedGraph& placed, const PlacedOp& op,
                const std::vector<PlacedValue>& values, std::string_view remark) {
  const auto is_taken = [&](int number) {
    return has_name(placed.ops, with_remark(op.name, remark, number)) ||
           std::any_of(values.begin(), values.end(), [&](const PlacedValue& value) {
             return has_name(placed.values, with_remark(value.name, remark, number));
           });
  };
  int number = 1;
  while (is_taken(number)) ++number;
  return number;
}

}  // namespace

PlacedValueId PlacedGraphRewrite::add(PlacedOp op, PlacedValue value, std::string_view remark) {
  return add(std::move(op), std::vector{std::move(value)}, remark).front();
}

std::vector<PlacedValueId> PlacedGraphRewrite::add(PlacedOp op, std::vector<PlacedValue> values,
                                                   std::string_view remark) {
  const int number = free_number(placed_, op, values, remark);
  op.name = with_remark(op.name, remark, number);
  op.writes.clear();
  const PlacedOpId producer(placed_.ops.size());
  for (PlacedValue& value : values) {
    value.name = with_remark(value.name, remark, number);
    value.device = op.destination;
    value.producers = {producer};
    op.writes.push_back(placed_.values.push_back(std::move(value)));
  }
  std::vector<PlacedValueId> written = op.writes;
  placed_.ops.push_back(std::move(op));
  return written;
}

void PlacedGraphRewrite::move_readers(PlacedValueId from, PlacedValueId to,
                                      const std::vector<PlacedOpId>& readers) {
  for (const PlacedOpId reader : readers) {
    bool was_read = false;
    for (PlacedOperand& read : placed_.ops[reader].reads) {
      if (read.value != from || read.distance > 0) continue;
      read.value = to;
      was_read = true;
    }
    CHECK(was_read, "'" + placed_.ops[reader].name + "' does not read '" +
                        placed_.values[from].name + "' of its step");
  }
}

PlacedGraph PlacedGraphRewrite::in_order() const {
  std::vector<PlacedOpId> wanted;
  for (const PlacedOpId op : placed_.ops.ids()) wanted.push_back(op);
  return in_dependency_order(placed_, wanted);
}

PlacedGraph PlacedGraphRewrite::in_order_with(PlacedOpId op, PlacedOpId earlier) const {
  if (op <= earlier) return in_order();
  std::vector<PlacedOpId> wanted;
  for (const PlacedOpId other : placed_.ops.ids()) {
    if (other != op) wanted.push_back(other);
    if (other == earlier) wanted.push_back(op);
  }
  return in_dependency_order(placed_, wanted);
}

void replace_producers(PlacedGraph& placed,
                       const IdVector<PlacedOpId, std::vector<PlacedOpId>>& parts) {
  for (PlacedValue& value : placed.values) {
    std::vector<PlacedOpId> producers;
    for (const PlacedOpId whole : value.producers) {
      producers.insert(producers.end(), parts[whole].begin(), parts[whole].end());
    }
    value.producers = std::move(producers);
  }
}

std::string without_remark(const std::string& name) {
  return name.substr(0, name.find(kRemarkBegin));
}

}  // namespace graphc
