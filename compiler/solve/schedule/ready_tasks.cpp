#include "compiler/solve/schedule/ready_tasks.h"

#include <algorithm>

namespace graphc {
namespace {

constexpr size_t kFew = 128;
/// By each of the two measures.
constexpr size_t kMaxContenders = 16;

}  // namespace

void ReadyTasks::add(const Entry& entry) {
  if (num_many_ > 0) return add_to_many(entry);
  few_.push_back(entry);
  if (few_.size() <= kFew) return;
  for (const Entry& few : few_) add_to_many(few);
  few_.clear();
}

void ReadyTasks::add_to_many(const Entry& entry) {
  groups_[entry.group].by_urgency.insert(urgency_of(entry));
  groups_[entry.group].by_arrival.insert({entry.ready_ns, urgency_of(entry)});
  ++num_many_;
}

void ReadyTasks::remove(const Entry& entry) {
  if (num_many_ == 0) {
    std::erase_if(few_, [&](const Entry& other) { return other.task == entry.task; });
    return;
  }
  groups_[entry.group].by_urgency.erase(urgency_of(entry));
  groups_[entry.group].by_arrival.erase({entry.ready_ns, urgency_of(entry)});
  --num_many_;
}

std::vector<TaskId> ReadyTasks::contenders() const {
  std::vector<TaskId> tasks;
  for (const Entry& entry : few_) tasks.push_back(entry.task);
  if (num_many_ == 0) return tasks;
  for (const Group& group : groups_) {
    const size_t begin = tasks.size();
    for (const Urgency& urgency : group.by_urgency) {
      if (tasks.size() == begin + kMaxContenders) break;
      tasks.push_back(std::get<TaskId>(urgency));
    }
    const size_t middle = tasks.size();
    for (const auto& [ready_ns, urgency] : group.by_arrival) {
      if (tasks.size() == middle + kMaxContenders) break;
      tasks.push_back(std::get<TaskId>(urgency));
    }
    const auto first = tasks.begin() + static_cast<std::ptrdiff_t>(begin);
    std::sort(first, tasks.end());
    tasks.erase(std::unique(first, tasks.end()), tasks.end());
  }
  return tasks;
}

}  // namespace graphc
