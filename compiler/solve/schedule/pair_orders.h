#pragma once

#include <optional>
#include <vector>

#include "compiler/solve/schedule/components.h"
#include "compiler/solve/schedule/loop.h"

namespace graphc {

/// Orders of lanes at a fixed interval, found by deciding pair after pair of tasks of one lane, the
/// one with the least room first, where the longest paths between all tasks tell how much room
/// there is:
///
///   a and b of one lane, T = 8, each takes 3; paths say that b starts 2 to 12 after a:
///     3 to 5  in the same interval as a, or
///     11, 12  in the next: less room, so this way goes last
///
/// What the paths leave one way alone is not decided but follows, and lengthens paths. A pair that
/// has no way left stays as it is, for a search that can take tasks out again; at other intervals
/// it comes earlier in line, as if it had less room.
///
/// Tasks that are on no cycle together can start in any interval, so one of each component is kept
/// within an interval of the first task of all. Tasks that have several lanes to choose from are in
/// no pair; where they are most, nothing is decided.
///
/// Source: Smith and Cheng, "Slack-based heuristics for constraint satisfaction scheduling", 1993;
///         here a pair has a way for every turn of the lane. Boussemart et al., "Boosting systematic
///         search by weighting constraints", 2004, for what is learned from failures.
class PairOrders {
 public:
  /// For more tasks nothing is decided: paths between all of them are too many.
  static constexpr size_t kMaxTasks = 640;

  /// Of equal choices, that of tasks with lower ranks is made.
  PairOrders(const Loop& loop, const IdVector<TaskId, int32_t>& ranks);

  /// Tasks for which starts are found; none where there is nothing to decide.
  const std::vector<TaskId>& tasks() const { return tasks_; }
  /// Whether the task of that number in tasks() is in pairs, and so has a place on its lane.
  bool is_ordered(size_t i) const { return is_single_[i]; }

  /// Decides all pairs at an interval. False if the edges alone ask for more, if many pairs have no
  /// way left, or if work() has grown by `max_work`.
  /// Cost: O(tasks x edges) to begin with, for every decision up to O(tasks^2), in general far less.
  bool order_at(int64_t interval_ns, int64_t max_work);

  /// Starts of tasks() that keep all edges between them, and of which hardly any on one lane overlap
  /// when repeated every interval. Requires: order_at was true.
  std::vector<int64_t> starts_ns() const;

  /// Path lengths and pairs looked at so far, in units that take about 25 ns.
  int64_t work() const { return num_steps_ / kStepsPerWork; }

 private:
  static constexpr int64_t kStepsPerWork = 16;

  struct Pair {
    size_t first = 0;
    size_t second = 0;
    int64_t offset_ns = 0;  ///< from a difference of starts to one of beginnings on the lane
    int64_t num_failures = 0;
  };
  /// By how much the second of a pair comes behind the first, and in which intervals it can.
  struct Room {
    int64_t least_ns = 0;
    int64_t most_ns = 0;
    int64_t first_turn = 0;
    int64_t last_turn = 0;
    int64_t before_ns = 0;  ///< how much later it can start in the first of them
    int64_t behind_ns = 0;  ///< how much earlier it can start in those behind
  };
  struct Change {
    size_t at = 0;
    int64_t old_ns = 0;
  };
  static constexpr size_t kBlock = 64;

  void find_tasks(const Loop& loop, const IdVector<TaskId, int32_t>& ranks,
                  const Components& components);
  void find_edges(const Loop& loop, const Components& components);
  void find_pairs();
  bool find_paths(int64_t interval_ns);
  Room room_of(const Pair& pair);
  bool keep(size_t from, size_t to, int64_t least_ns);
  bool narrow(size_t pair);
  void rate(size_t pair);
  bool propagate();
  void undo();
  size_t tightest_pair();
  bool decide(size_t pair, bool is_later);
  bool decide_all(int64_t max_steps);

  std::vector<TaskId> tasks_;
  std::vector<bool> is_single_;
  std::vector<LoopTask> specs_;
  struct Edge {
    size_t from = 0;
    size_t to = 0;
    int64_t least_ns = 0;  ///< between their starts, less an interval for every step
    int32_t distance = 0;
  };
  std::vector<Edge> edges_;
  std::vector<Pair> pairs_;
  std::vector<int32_t> pair_of_;  ///< by both tasks, or -1

  int64_t interval_ns_ = 1;
  std::vector<int64_t> path_ns_;  ///< from a task to a task: the least difference of their starts
  std::vector<Change> changes_;   ///< of the decision that is being made
  std::vector<size_t> narrowed_;  ///< pairs whose paths have become longer
  std::vector<bool> is_narrowed_;
  /// Of pairs: the least room of several ways; the least of every block of pairs, unless it has to be
  /// found again.
  std::vector<int64_t> scores_;
  std::vector<int64_t> block_scores_;
  std::vector<bool> is_block_stale_;
  std::vector<size_t> sources_;
  std::vector<size_t> targets_;
  int64_t num_steps_ = 0;
};

}  // namespace graphc
