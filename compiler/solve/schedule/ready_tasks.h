#pragma once

#include <set>
#include <tuple>
#include <vector>

#include "compiler/solve/schedule/scheduling_problem.h"

namespace graphc {

/// Tasks that could be placed next. Few are all contenders; of many, in every group, only those
/// that go first by one of two measures, so that a choice takes time that does not depend on how
/// many there are.
class ReadyTasks {
 public:
  /// Of a task: what does not change while it waits.
  struct Entry {
    TaskId task;
    GroupId group;
    int64_t ready_ns = 0;
    bool opens_overlap = false;
    int64_t path_ns = 0;
    int32_t name_rank = 0;
  };

  explicit ReadyTasks(size_t num_groups) : groups_(num_groups) {}

  bool empty() const { return few_.empty() && num_many_ == 0; }
  void add(const Entry& entry);
  /// Requires: it was added and not removed, with the same entry.
  void remove(const Entry& entry);
  /// In a fixed order: few in that of their arrival, of many the first by urgency and the first by
  /// time of every group.
  std::vector<TaskId> contenders() const;

 private:
  /// Who starts a transfer first, then who has the longest path behind it.
  using Urgency = std::tuple<bool, int64_t, int32_t, TaskId>;
  using Arrival = std::tuple<int64_t, Urgency>;
  struct Group {
    std::set<Urgency> by_urgency;
    std::set<Arrival> by_arrival;
  };

  static Urgency urgency_of(const Entry& entry) {
    return {!entry.opens_overlap, -entry.path_ns, entry.name_rank, entry.task};
  }
  void add_to_many(const Entry& entry);

  std::vector<Entry> few_;
  size_t num_many_ = 0;  ///< in groups_; once there are many, all are there
  IdVector<GroupId, Group> groups_;
};

}  // namespace graphc
