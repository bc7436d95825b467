#include "compiler/solve/packing/hand_overs.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <numeric>

#include "compiler/solve/floor_div.h"

namespace graphc {
namespace {

/// A use of one round; rounds are counted so that each begins within its own period.
struct Owner {
  size_t use = 0;
  int32_t round = 0;
};

/// The last owner of every byte.
class OwnerMap {
 public:
  /// Gives [begin, end) to `owner`, and calls `hand_over` for all that had bytes of it.
  template <class Function>
  void take(int64_t begin, int64_t end, Owner owner, Function hand_over) {
    split(begin);
    split(end);
    const auto first = pieces_.lower_bound(begin);
    const auto last = pieces_.lower_bound(end);
    for (auto piece = first; piece != last; ++piece) hand_over(piece->second.owner);
    pieces_.erase(first, last);
    pieces_[begin] = {end, owner};
  }

 private:
  struct Piece {
    int64_t end = 0;
    Owner owner;
  };

  void split(int64_t at) {
    auto piece = pieces_.lower_bound(at);
    if (piece == pieces_.begin()) return;
    piece = std::prev(piece);
    if (piece->second.end <= at) return;
    pieces_[at] = piece->second;
    piece->second.end = at;
  }

  std::map<int64_t, Piece> pieces_;  ///< by first byte
};

}  // namespace

std::vector<HandOver> find_hand_overs(const std::vector<ByteUse>& uses, int64_t period) {
  const auto round_of = [&](size_t use) { return floor_div(uses[use].begin_time, period); };
  std::vector<size_t> order(uses.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return uses[a].begin_time - round_of(a) * period < uses[b].begin_time - round_of(b) * period;
  });
  std::vector<HandOver> hand_overs;
  OwnerMap owners;
  // What the first round leaves, the second takes over: then all has been seen.
  for (const int32_t round : {0, 1}) {
    for (const size_t use : order) {
      if (uses[use].begin_bytes >= uses[use].end_bytes) continue;
      owners.take(uses[use].begin_bytes, uses[use].end_bytes, {use, round}, [&](Owner from) {
        if (from.use == use || (round == 1 && from.round == 1)) return;
        const auto rounds =
            static_cast<int32_t>(round - from.round - round_of(use) + round_of(from.use));
        hand_overs.push_back({from.use, use, rounds});
      });
    }
  }
  std::sort(hand_overs.begin(), hand_overs.end());
  hand_overs.erase(std::unique(hand_overs.begin(), hand_overs.end()), hand_overs.end());
  return hand_overs;
}

}  // namespace graphc
