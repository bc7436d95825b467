#include "compiler/solve/packing/search_ranks.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <tuple>

namespace graphc {

Ranks::Ranks(const Strip& strip) {
  std::vector<int64_t> load_bytes(static_cast<size_t>(strip.num_sections), 0);
  for (const Block& block : strip.blocks) {
    for (int32_t section = block.begin; section < block.end; ++section) {
      load_bytes[static_cast<size_t>(section)] += block.size_bytes;
    }
  }
  for (const Block& block : strip.blocks) {
    Keys keys;
    keys.width = static_cast<double>(block.num_sections());
    keys.area = keys.width * static_cast<double>(block.size_bytes);
    keys.total_bytes =
        *std::max_element(load_bytes.begin() + block.begin, load_bytes.begin() + block.end);
    keys_.push_back(keys);
  }
}

BlockOrder Ranks::number(int64_t i) const {
  switch (i) {
    case 0:
      return sorted_by([](const Keys& k, size_t) { return std::tuple(k.width, k.area); });
    case 1:
      return sorted_by([](const Keys& k, size_t) { return std::tuple(k.total_bytes, k.area); });
    case 2:
      return sorted_by([](const Keys& k, size_t) { return std::tuple(k.total_bytes, k.width); });
    case 3:
      return sorted_by([](const Keys& k, size_t) { return std::tuple(k.area, k.width); });
    default:
      return weighted(static_cast<uint32_t>(i));
  }
}

BlockOrder Ranks::weighted(uint32_t seed) const {
  // The engine gives the same numbers everywhere, the standard distributions do not.
  std::mt19937 random(seed);
  const double spread = static_cast<double>(1 + random() % 4) / 2.0;
  const bool by_area = random() % 2 == 0;
  std::vector<double> weights;
  for (size_t id = 0; id < keys_.size(); ++id) {
    weights.push_back(1.0 + spread * static_cast<double>(random() % 1024) / 1024.0);
  }
  return sorted_by(
      [&](const Keys& k, size_t id) { return weights[id] * (by_area ? k.area : k.width); });
}

template <class Key>
BlockOrder Ranks::sorted_by(Key key) const {
  BlockOrder order(keys_.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    const auto i = static_cast<size_t>(a);
    const auto j = static_cast<size_t>(b);
    return key(keys_[i], i) > key(keys_[j], j);
  });
  return order;
}

}  // namespace graphc
