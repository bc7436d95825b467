#include "compiler/solve/schedule/pair_orders.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "compiler/solve/floor_div.h"

namespace graphc {
namespace {

/// No path; two of them can be added.
constexpr int64_t kNoPathNs = std::numeric_limits<int64_t>::min() / 4;

/// The score of a pair that has one way left.
constexpr int64_t kIsDecided = std::numeric_limits<int64_t>::max();

/// Two divisions, and paths that lie anywhere in memory.
constexpr int64_t kStepsOfRoom = 8;

/// Pairs without a way left, after which an interval is taken to be too short.
constexpr int kMaxLost = 4;

}  // namespace

PairOrders::PairOrders(const Loop& loop, const IdVector<TaskId, int32_t>& ranks) {
  if (loop.edges.empty() || loop.tasks.size() > kMaxTasks) return;
  const Components components = components_of(loop.tasks.size(), loop.edges);
  find_tasks(loop, ranks, components);
  const auto num_single = std::count(is_single_.begin(), is_single_.end(), true);
  if (2 * num_single < std::ssize(tasks_)) {
    tasks_.clear();
    return;
  }
  find_edges(loop, components);
  find_pairs();
  if (pairs_.empty()) tasks_.clear();
}

void PairOrders::find_tasks(const Loop& loop, const IdVector<TaskId, int32_t>& ranks,
                            const Components& components) {
  std::vector<size_t> sizes(components.count, 0);
  for (const int32_t component : components.of) ++sizes[static_cast<size_t>(component)];
  for (const TaskId task : loop.tasks.ids()) {
    const bool is_alone = sizes[static_cast<size_t>(components.of[task])] == 1;
    if (!is_alone || loop.tasks[task].lanes.size() == 1) tasks_.push_back(task);
  }
  std::sort(tasks_.begin(), tasks_.end(), [&](TaskId a, TaskId b) { return ranks[a] < ranks[b]; });
  for (const TaskId task : tasks_) {
    specs_.push_back(loop.tasks[task]);
    is_single_.push_back(loop.tasks[task].lanes.size() == 1);
  }
}

void PairOrders::find_edges(const Loop& loop, const Components& components) {
  IdVector<TaskId, size_t> number(loop.tasks.size(), 0);
  std::vector<bool> is_anchored(components.count, false);
  for (size_t i = 0; i < tasks_.size(); ++i) {
    number[tasks_[i]] = i;
    const auto component = static_cast<size_t>(components.of[tasks_[i]]);
    if (i > 0 && !is_anchored[component]) {
      edges_.push_back({0, i, 0, 0});
      edges_.push_back({i, 0, 1, 1});
    }
    is_anchored[component] = true;
  }
  for (const SchedulingEdge& edge : loop.edges) {
    if (edge.from == edge.to) continue;
    edges_.push_back(
        {number[edge.from], number[edge.to], loop.tasks[edge.from].duration_ns, edge.distance});
  }
}

void PairOrders::find_pairs() {
  const size_t num_tasks = tasks_.size();
  pair_of_.assign(num_tasks * num_tasks, -1);
  for (size_t i = 0; i < num_tasks; ++i) {
    for (size_t j = i + 1; j < num_tasks; ++j) {
      if (!is_single_[i] || !is_single_[j] || specs_[i].lanes != specs_[j].lanes) continue;
      pair_of_[i * num_tasks + j] = static_cast<int32_t>(pairs_.size());
      pair_of_[j * num_tasks + i] = static_cast<int32_t>(pairs_.size());
      pairs_.push_back({i, j, specs_[j].busy_from_ns - specs_[i].busy_from_ns, 0});
    }
  }
  is_narrowed_.assign(pairs_.size(), false);
  scores_.assign(pairs_.size(), kIsDecided);
  block_scores_.assign((pairs_.size() + kBlock - 1) / kBlock, kIsDecided);
  is_block_stale_.assign(block_scores_.size(), false);
}

/// From every task by lengthening paths until none becomes longer; false if one never ends.
bool PairOrders::find_paths(int64_t interval_ns) {
  interval_ns_ = interval_ns;
  const size_t num_tasks = tasks_.size();
  path_ns_.assign(num_tasks * num_tasks, kNoPathNs);
  for (size_t source = 0; source < num_tasks; ++source) {
    int64_t* const paths = &path_ns_[source * num_tasks];
    paths[source] = 0;
    bool has_changed = true;
    for (size_t round = 0; has_changed; ++round) {
      if (round > num_tasks) return false;
      has_changed = false;
      for (const Edge& edge : edges_) {
        if (paths[edge.from] == kNoPathNs) continue;
        const int64_t path_ns = paths[edge.from] + edge.least_ns - edge.distance * interval_ns;
        if (path_ns <= paths[edge.to]) continue;
        paths[edge.to] = path_ns;
        has_changed = true;
      }
      num_steps_ += std::ssize(edges_);
    }
    if (paths[source] > 0) return false;
  }
  return true;
}

PairOrders::Room PairOrders::room_of(const Pair& pair) {
  num_steps_ += kStepsOfRoom;
  const size_t num_tasks = tasks_.size();
  Room room;
  room.least_ns = path_ns_[pair.first * num_tasks + pair.second] + pair.offset_ns;
  room.most_ns = pair.offset_ns - path_ns_[pair.second * num_tasks + pair.first];
  // In turn k it begins from k intervals and the first's time on, until its own time is left.
  room.first_turn = -floor_div(-(room.least_ns + specs_[pair.second].busy_ns), interval_ns_) - 1;
  room.last_turn = floor_div(room.most_ns - specs_[pair.first].busy_ns, interval_ns_);
  const int64_t end_ns = (room.first_turn + 1) * interval_ns_;
  room.before_ns = end_ns - specs_[pair.second].busy_ns - room.least_ns;
  room.behind_ns = room.most_ns - end_ns - specs_[pair.first].busy_ns;
  return room;
}

/// `to` starts at least that long after `from`, and all paths through them; false if it cannot.
bool PairOrders::keep(size_t from, size_t to, int64_t least_ns) {
  const size_t num_tasks = tasks_.size();
  const auto path = [&](size_t a, size_t b) -> int64_t& { return path_ns_[a * num_tasks + b]; };
  if (least_ns <= path(from, to)) return true;
  if (path(to, from) + least_ns > 0) return false;
  sources_.clear();
  targets_.clear();
  for (size_t i = 0; i < num_tasks; ++i) {
    if (path(i, from) + least_ns > path(i, to)) sources_.push_back(i);
    if (least_ns + path(to, i) > path(from, i)) targets_.push_back(i);
  }
  for (const size_t source : sources_) {
    const int64_t until_ns = path(source, from) + least_ns;
    for (const size_t target : targets_) {
      const int64_t path_ns = until_ns + path(to, target);
      const size_t at = source * num_tasks + target;
      if (path_ns <= path_ns_[at]) continue;
      changes_.push_back({at, path_ns_[at]});
      path_ns_[at] = path_ns;
      const int32_t pair = pair_of_[at];
      if (pair < 0 || is_narrowed_[static_cast<size_t>(pair)]) continue;
      is_narrowed_[static_cast<size_t>(pair)] = true;
      narrowed_.push_back(static_cast<size_t>(pair));
    }
  }
  num_steps_ += static_cast<int64_t>(2 * num_tasks + sources_.size() * targets_.size());
  return true;
}

/// Cuts off what overlaps; false if nothing is left.
bool PairOrders::narrow(size_t at) {
  Pair& pair = pairs_[at];
  const Room room = room_of(pair);
  const int64_t least_ns =
      std::max(room.least_ns, room.first_turn * interval_ns_ + specs_[pair.first].busy_ns);
  const int64_t most_ns =
      std::min(room.most_ns, (room.last_turn + 1) * interval_ns_ - specs_[pair.second].busy_ns);
  const bool fits = room.first_turn <= room.last_turn && least_ns <= most_ns &&
                    keep(pair.first, pair.second, least_ns - pair.offset_ns) &&
                    keep(pair.second, pair.first, pair.offset_ns - most_ns);
  if (!fits) ++pair.num_failures;
  rate(at);
  return fits;
}

bool PairOrders::propagate() {
  bool fits = true;
  while (!narrowed_.empty()) {
    const size_t at = narrowed_.back();
    narrowed_.pop_back();
    is_narrowed_[at] = false;
    fits = fits && narrow(at);
  }
  return fits;
}

void PairOrders::undo() {
  while (!changes_.empty()) {
    const Change change = changes_.back();
    changes_.pop_back();
    path_ns_[change.at] = change.old_ns;
    if (pair_of_[change.at] >= 0) rate(static_cast<size_t>(pair_of_[change.at]));
  }
}

void PairOrders::rate(size_t at) {
  const Room room = room_of(pairs_[at]);
  const int64_t score =
      room.first_turn == room.last_turn
          ? kIsDecided
          : std::min(room.before_ns, room.behind_ns) / (1 + pairs_[at].num_failures);
  int64_t& block_score = block_scores_[at / kBlock];
  if (score <= block_score) {
    block_score = score;
  } else if (scores_[at] == block_score) {
    is_block_stale_[at / kBlock] = true;
  }
  scores_[at] = score;
}

/// Of all pairs with several ways that with the least room in one of them; behind the last if there
/// is none.
size_t PairOrders::tightest_pair() {
  for (size_t block = 0; block < block_scores_.size(); ++block) {
    if (!is_block_stale_[block]) continue;
    is_block_stale_[block] = false;
    const auto first = scores_.begin() + static_cast<std::ptrdiff_t>(block * kBlock);
    const auto last = std::distance(first, scores_.end()) > std::ptrdiff_t{kBlock}
                          ? first + std::ptrdiff_t{kBlock}
                          : scores_.end();
    block_scores_[block] = *std::min_element(first, last);
    num_steps_ += kBlock;
  }
  num_steps_ += std::ssize(block_scores_);
  const auto best = std::min_element(block_scores_.begin(), block_scores_.end());
  if (best == block_scores_.end() || *best == kIsDecided) return pairs_.size();
  auto at = static_cast<size_t>(best - block_scores_.begin()) * kBlock;
  while (scores_[at] != *best) ++at;
  return at;
}

/// Lets the second of a pair come behind the first in the first way, or later; false, with nothing
/// changed, if that leaves some pair no way.
bool PairOrders::decide(size_t at, bool is_later) {
  const Pair& pair = pairs_[at];
  const int64_t end_ns = (room_of(pair).first_turn + 1) * interval_ns_;
  const bool is_kept =
      is_later
          ? keep(pair.first, pair.second, end_ns + specs_[pair.first].busy_ns - pair.offset_ns)
          : keep(pair.second, pair.first, pair.offset_ns - end_ns + specs_[pair.second].busy_ns);
  if (propagate() && is_kept) {
    changes_.clear();
    return true;
  }
  undo();
  return false;
}

bool PairOrders::decide_all(int64_t max_steps) {
  int num_lost = 0;
  for (size_t at = tightest_pair(); at < pairs_.size(); at = tightest_pair()) {
    if (num_steps_ >= max_steps) return false;
    const Room room = room_of(pairs_[at]);
    const bool is_later = room.behind_ns > room.before_ns;
    if (decide(at, is_later) || decide(at, !is_later)) continue;
    if (++num_lost > kMaxLost) return false;
    scores_[at] = kIsDecided;
    is_block_stale_[at / kBlock] = true;
  }
  return true;
}

bool PairOrders::order_at(int64_t interval_ns, int64_t max_work) {
  const int64_t max_steps = num_steps_ + max_work * kStepsPerWork;
  if (tasks_.empty() || !find_paths(interval_ns)) return false;
  changes_.clear();
  for (size_t i = 0; i < pairs_.size(); ++i) {
    is_narrowed_[i] = true;
    narrowed_.push_back(i);
  }
  if (!propagate()) return false;
  changes_.clear();
  return decide_all(max_steps);
}

std::vector<int64_t> PairOrders::starts_ns() const {
  const auto first = path_ns_.begin();
  return std::vector<int64_t>(first, first + std::ssize(tasks_));
}

}  // namespace graphc
