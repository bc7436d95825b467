#include "compiler/solve/packing/order_search.h"

#include <algorithm>
#include <random>

namespace graphc {

StripPacking search_orders(const BlockOrder& order, const std::vector<int64_t>& size_bytes,
                           const OrderSearch& search,
                           const std::function<StripPacking(const BlockOrder&)>& pack_in) {
  std::mt19937 random(search.seed);
  std::vector<int64_t> place(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    place[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
  }
  BlockOrder current = order;
  StripPacking best = pack_in(current);
  StripPacking last = best;
  for (int64_t i = 1; i < search.max_orders && best.height_bytes > search.target_bytes; ++i) {
    for (size_t id = 0; id < place.size(); ++id) {
      if (last.offset_bytes[id] + size_bytes[id] <= search.target_bytes) continue;
      place[id] -= 1 + static_cast<int64_t>(random() % static_cast<uint32_t>(search.largest_step));
    }
    std::stable_sort(current.begin(), current.end(), [&](int32_t a, int32_t b) {
      return place[static_cast<size_t>(a)] < place[static_cast<size_t>(b)];
    });
    last = pack_in(current);
    if (last.height_bytes < best.height_bytes) best = last;
  }
  return best;
}

}  // namespace graphc
