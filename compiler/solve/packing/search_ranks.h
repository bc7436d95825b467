#pragma once

#include "compiler/solve/packing/first_fit.h"

namespace graphc {

/// Orders for the exact search to try in turn: first those of MiniMalloc (by width, by total, by
/// area), then endlessly many that weight width or area at random. On hard problems luck with the
/// rank decides over factors of thousands, so many short searches find what a long one misses.
class Ranks {
 public:
  static constexpr int64_t kNumFixed = 4;

  explicit Ranks(const Strip& strip);

  /// Equal numbers give equal orders, on every machine.
  BlockOrder number(int64_t i) const;

 private:
  struct Keys {
    double width = 0;
    double area = 0;
    int64_t total_bytes = 0;  ///< the largest load while the block is alive
  };

  BlockOrder weighted(uint32_t seed) const;
  template <class Key>
  BlockOrder sorted_by(Key key) const;

  std::vector<Keys> keys_;
};

}  // namespace graphc
