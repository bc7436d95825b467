#include "tests/bench/recut_instances.h"

#include <algorithm>
#include <random>

namespace graphc {
namespace {

constexpr int64_t kUnit = 1024;  // of sizes and times in the MiniMalloc sets
constexpr size_t kFewestRequests = 300;
constexpr size_t kMostRequests = 450;

struct Piece {
  LiveInterval live;
  int64_t bottom_bytes = 0;
  int64_t top_bytes = 0;
};

class Recutter {
 public:
  Recutter(std::vector<Piece> pieces, const Recut& recut)
      : pieces_(std::move(pieces)), recut_(recut), random_(recut.seed) {}

  std::vector<Piece> run() {
    const size_t most_moves = recut_.num_moves + 4 * kMostRequests;
    for (size_t i = 0; i < most_moves; ++i) {
      const bool must_grow = pieces_.size() < recut_.num_requests;
      if (!must_grow && i >= recut_.num_moves && pieces_.size() <= kMostRequests) break;
      if (below(100) < recut_.match_percent) {
        cut_to_match(below(pieces_.size()));
      } else if (!must_grow) {
        join_one();
      } else if (below(2) == 0) {
        cut_time(larger_of_two());
      } else {
        cut_bytes(larger_of_two());
      }
    }
    // Not std::shuffle, whose numbers differ from library to library.
    for (size_t i = pieces_.size(); i > 1; --i) std::swap(pieces_[i - 1], pieces_[below(i)]);
    return std::move(pieces_);
  }

 private:
  size_t below(size_t count) { return static_cast<size_t>(random_() % count); }

  size_t larger_of_two() {
    const size_t a = below(pieces_.size());
    const size_t b = below(pieces_.size());
    const auto area = [&](size_t i) {
      return static_cast<double>(pieces_[i].live.end - pieces_[i].live.begin) *
             static_cast<double>(pieces_[i].top_bytes - pieces_[i].bottom_bytes);
    };
    return area(a) >= area(b) ? a : b;
  }

  /// A multiple of the unit strictly between, or `begin` if there is none.
  int64_t between(int64_t begin, int64_t end) {
    const int64_t num_inner = (end - 1) / recut_.unit - begin / recut_.unit;
    if (num_inner <= 0) return begin;
    const auto step = static_cast<int64_t>(random_() % static_cast<uint64_t>(num_inner));
    return (begin / recut_.unit + 1 + step) * recut_.unit;
  }

  void cut_time_at(size_t i, int64_t time) {
    if (time <= pieces_[i].live.begin || time >= pieces_[i].live.end) return;
    Piece later = pieces_[i];
    pieces_[i].live.end = later.live.begin = time;
    pieces_.push_back(later);
  }
  void cut_bytes_at(size_t i, int64_t offset_bytes) {
    if (offset_bytes <= pieces_[i].bottom_bytes || offset_bytes >= pieces_[i].top_bytes) return;
    Piece upper = pieces_[i];
    pieces_[i].top_bytes = upper.bottom_bytes = offset_bytes;
    pieces_.push_back(upper);
  }
  /// Half of them where another one begins, as in the lives of values: times are of many.
  void cut_time(size_t i) {
    const LiveInterval& live = pieces_[i].live;
    const bool is_known = below(2) == 0;
    cut_time_at(
        i, is_known ? pieces_[below(pieces_.size())].live.begin : between(live.begin, live.end));
  }
  void cut_bytes(size_t i) {
    cut_bytes_at(i, between(pieces_[i].bottom_bytes, pieces_[i].top_bytes));
  }

  /// What of the piece goes on in a piece that begins where it ends becomes one with it.
  void cut_to_match(size_t i) {
    std::vector<size_t> next;
    for (size_t j = 0; j < pieces_.size(); ++j) {
      if (pieces_[j].live.begin == pieces_[i].live.end &&
          pieces_[j].bottom_bytes < pieces_[i].top_bytes &&
          pieces_[i].bottom_bytes < pieces_[j].top_bytes) {
        next.push_back(j);
      }
    }
    if (next.empty()) return;
    const size_t j = next[below(next.size())];
    const int64_t bottom_bytes = std::max(pieces_[i].bottom_bytes, pieces_[j].bottom_bytes);
    const int64_t top_bytes = std::min(pieces_[i].top_bytes, pieces_[j].top_bytes);
    for (const size_t k : {i, j}) {
      cut_bytes_at(k, top_bytes);
      if (pieces_[k].bottom_bytes == bottom_bytes) continue;
      cut_bytes_at(k, bottom_bytes);
      std::swap(pieces_[k], pieces_.back());
    }
    pieces_[i].live.end = pieces_[j].live.end;
    std::swap(pieces_[j], pieces_.back());
    pieces_.pop_back();
  }

  /// One pair that meets along a whole edge becomes one.
  void join_one() {
    const size_t first = below(pieces_.size());
    for (size_t k = 0; k < pieces_.size(); ++k) {
      const size_t i = (first + k) % pieces_.size();
      for (size_t j = 0; j < pieces_.size(); ++j) {
        Piece& a = pieces_[i];
        const Piece& b = pieces_[j];
        const bool stacked = a.top_bytes == b.bottom_bytes && a.live.begin == b.live.begin &&
                             a.live.end == b.live.end;
        const bool in_turn = a.live.end == b.live.begin && a.bottom_bytes == b.bottom_bytes &&
                             a.top_bytes == b.top_bytes;
        if (!stacked && !in_turn) continue;
        a.live.end = b.live.end;
        a.top_bytes = b.top_bytes;
        std::swap(pieces_[j], pieces_.back());
        pieces_.pop_back();
        return;
      }
    }
    cut_to_match(first);
  }

  std::vector<Piece> pieces_;
  Recut recut_;
  std::mt19937_64 random_;
};

int64_t end_of(const IntervalProblem& problem) {
  int64_t end = 0;
  for (const auto& [size_bytes, live] : problem.requests) end = std::max(end, live.end);
  return end;
}

}  // namespace

IntervalProblem recut_problem(const IntervalProblem& problem, const Packing& packing,
                              const Recut& recut) {
  std::vector<Piece> pieces;
  for (const RequestId id : problem.requests.ids()) {
    const int64_t bottom_bytes = packing.offset_bytes[id];
    pieces.push_back(
        {problem.requests[id].live, bottom_bytes, bottom_bytes + problem.requests[id].size_bytes});
  }
  IntervalProblem result;
  for (const Piece& piece : Recutter(std::move(pieces), recut).run()) {
    result.requests.push_back({piece.top_bytes - piece.bottom_bytes, piece.live});
  }
  return result;
}

void append_in_time(IntervalProblem& problem, Packing& packing, const IntervalProblem& other,
                    const Packing& other_packing) {
  const int64_t shift = end_of(problem);
  for (const RequestId id : other.requests.ids()) {
    IntervalRequest request = other.requests[id];
    request.live.begin += shift;
    request.live.end += shift;
    problem.requests.push_back(request);
    packing.offset_bytes.push_back(other_packing.offset_bytes[id]);
  }
  packing.arena_bytes = std::max(packing.arena_bytes, other_packing.arena_bytes);
}

std::vector<MemoryInstance> recut_instances(const std::vector<MemoryInstance>& instances,
                                            const std::vector<Packing>& packings, uint32_t seed) {
  std::vector<MemoryInstance> results;
  const auto add = [&](const std::string& name, const IntervalProblem& problem,
                       const Packing& packing, size_t num_moves, uint32_t match_percent) {
    Recut recut;
    recut.seed = 100 * seed + static_cast<uint32_t>(results.size());
    recut.unit = kUnit;
    recut.num_moves = num_moves;
    recut.match_percent = match_percent;
    const size_t wanted = kFewestRequests + 37 * results.size() % (kMostRequests - kFewestRequests);
    recut.num_requests = std::max(wanted, problem.requests.size());
    results.push_back(
        {"recut/" + name, recut_problem(problem, packing, recut), packing.arena_bytes});
  };
  for (size_t i = 0; i < instances.size(); ++i) {
    const std::string name = instances[i].name.substr(instances[i].name.rfind('/') + 1);
    add(name + ".cut", instances[i].problem, packings[i], 0, 0);
    add(name + ".match", instances[i].problem, packings[i], 0, 10);
    add(name + ".anew", instances[i].problem, packings[i], 4000, 50);
    const size_t next = (i + 1) % instances.size();
    IntervalProblem both = instances[i].problem;
    Packing packing = packings[i];
    append_in_time(both, packing, instances[next].problem, packings[next]);
    add(name + ".next", both, packing, 50, 50);
  }
  for (MemoryInstance& result : results) result.capacity_bytes = instances[0].capacity_bytes;
  return results;
}

}  // namespace graphc
