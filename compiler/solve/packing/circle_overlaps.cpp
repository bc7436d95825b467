#include "compiler/solve/packing/circle_overlaps.h"

#include <algorithm>

#include "compiler/solve/floor_div.h"

namespace graphc {
namespace {

/// A part of a life, within [0, period).
struct Piece {
  LiveInterval live;
  RequestId request;
};

std::vector<LiveInterval> pieces_of(const LiveInterval& life, int64_t period) {
  if (life.end <= life.begin) return {};
  if (life.end - life.begin >= period) return {{0, period}};
  const int64_t begin = life.begin - floor_div(life.begin, period) * period;
  const int64_t end = begin + (life.end - life.begin);
  if (end <= period) return {{begin, end}};
  return {{begin, period}, {0, end - period}};
}

/// By begin.
std::vector<Piece> pieces_of(const IdVector<RequestId, LiveInterval>& lives, int64_t period) {
  std::vector<Piece> pieces;
  for (const RequestId id : lives.ids()) {
    for (const LiveInterval& live : pieces_of(lives[id], period)) pieces.push_back({live, id});
  }
  std::stable_sort(pieces.begin(), pieces.end(),
                   [](const Piece& a, const Piece& b) { return a.live.begin < b.live.begin; });
  return pieces;
}

/// Pieces that overlap another that begins before them, or with them and stands before them.
int64_t count_overlaps(const std::vector<Piece>& pieces) {
  std::vector<int64_t> ends;
  ends.reserve(pieces.size());
  for (const Piece& piece : pieces) ends.push_back(piece.live.end);
  std::sort(ends.begin(), ends.end());
  int64_t count = 0;
  size_t num_over = 0;
  for (size_t i = 0; i < pieces.size(); ++i) {
    while (num_over < ends.size() && ends[num_over] <= pieces[i].live.begin) ++num_over;
    count += static_cast<int64_t>(i - num_over);
  }
  return count;
}

}  // namespace

std::optional<IdVector<RequestId, std::vector<RequestId>>> find_circle_overlaps(
    const IdVector<RequestId, LiveInterval>& lives, int64_t period, int64_t max_pairs) {
  const std::vector<Piece> pieces = pieces_of(lives, period);
  if (count_overlaps(pieces) > max_pairs) return std::nullopt;
  IdVector<RequestId, std::vector<RequestId>> overlaps(lives.size());
  std::vector<Piece> alive;
  for (const Piece& piece : pieces) {
    std::erase_if(alive, [&](const Piece& other) { return other.live.end <= piece.live.begin; });
    for (const Piece& other : alive) {
      if (other.request == piece.request) continue;
      overlaps[other.request].push_back(piece.request);
      overlaps[piece.request].push_back(other.request);
    }
    alive.push_back(piece);
  }
  for (std::vector<RequestId>& others : overlaps) {
    std::sort(others.begin(), others.end());
    others.erase(std::unique(others.begin(), others.end()), others.end());
  }
  return overlaps;
}

IdVector<RequestId, LiveInterval> unrolled(const IdVector<RequestId, LiveInterval>& lives,
                                           int64_t period) {
  IdVector<RequestId, LiveInterval> result;
  for (const LiveInterval& life : lives) {
    const std::vector<LiveInterval> pieces = pieces_of(life, period);
    result.push_back(pieces.size() == 1 ? pieces.front() : LiveInterval{0, period});
  }
  return result;
}

int64_t max_circle_load_bytes(const IdVector<RequestId, int64_t>& size_bytes,
                              const IdVector<RequestId, LiveInterval>& lives, int64_t period) {
  IntervalProblem problem;
  for (const Piece& piece : pieces_of(lives, period)) {
    problem.requests.push_back({size_bytes[piece.request], piece.live});
  }
  return max_load_bytes(problem);
}

}  // namespace graphc
