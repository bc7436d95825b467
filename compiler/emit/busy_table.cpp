#include "compiler/emit/busy_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

#include "runtime/base/text.h"

namespace graphc {
namespace {

constexpr size_t kMaxRows = 16;
constexpr size_t kMaxIdleGroups = 6;

/// Of a lane or of what links share.
template <class Id>
struct BusyRow {
  Id id;
  size_t num_tasks = 0;
  int64_t busy_ns = 0;
};
using LaneRow = BusyRow<LaneId>;
using ResourceRow = BusyRow<SharedResourceId>;

std::vector<LaneRow> rows_of(const Schedule& schedule) {
  std::vector<LaneRow> rows;
  for (const LaneId lane : schedule.solution.lanes.ids()) {
    LaneRow row{lane, schedule.solution.lanes[lane].size(), 0};
    for (const TaskId task : schedule.solution.lanes[lane]) {
      const TaskCost& cost = schedule.tasks->tasks[task].cost;
      row.busy_ns += cost_in_launch(cost, schedule.solution.tasks[task]).duration_ns();
    }
    rows.push_back(row);
  }
  return rows;
}

/// Takes all but the fullest out of `rows`, which stay in their order; the others are returned.
template <class Id>
std::vector<BusyRow<Id>> take_emptier(std::vector<BusyRow<Id>>& rows) {
  using Row = BusyRow<Id>;
  if (rows.size() <= kMaxRows) return {};
  std::vector<Row> by_work = rows;
  std::stable_sort(by_work.begin(), by_work.end(),
                   [](const Row& a, const Row& b) { return a.busy_ns > b.busy_ns; });
  const std::vector<Row> emptier(by_work.begin() + kMaxRows - 1, by_work.end());
  std::set<Id> taken;
  for (const Row& row : emptier) taken.insert(row.id);
  std::erase_if(rows, [&](const Row& row) { return taken.contains(row.id); });
  return emptier;
}

/// `25 of 31 cpu, 13 of 16 gpu0`
std::string idle_text(const Schedule& schedule) {
  const LaneTable& table = schedule.tasks->lanes;
  std::vector<std::string> texts;
  size_t num_more = 0;
  for (const GroupId group : table.groups.ids()) {
    const auto& lanes = table.groups[group].lanes;
    const auto num_idle = std::count_if(lanes.begin(), lanes.end(), [&](LaneId lane) {
      return schedule.solution.lanes[lane].empty();
    });
    if (num_idle == 0) continue;
    if (texts.size() == kMaxIdleGroups) {
      num_more += static_cast<size_t>(num_idle);
      continue;
    }
    texts.push_back(fmt::format("{} of {} {}", num_idle, lanes.size(), table.group_names[group]));
  }
  if (num_more > 0) texts.push_back(std::to_string(num_more) + " more");
  return join(texts, ", ");
}

/// What links share, as rows of a table of their own: how many tasks take it, and for how long.
std::string resource_table(const Schedule& schedule, int64_t interval_ns, Detail detail) {
  const LaneTable& table = schedule.tasks->lanes;
  std::vector<ResourceRow> rows;
  for (const SharedResourceId id : table.resource_names.ids()) {
    if (!is_of_links(table, id)) continue;
    ResourceRow row{id};
    for (const Task& task : schedule.tasks->tasks) {
      const int64_t task_ns = taken_ns(table, task, id);
      row.num_tasks += task_ns > 0 ? 1 : 0;
      row.busy_ns += task_ns;
    }
    if (row.num_tasks > 0 || detail == Detail::kAll) rows.push_back(row);
  }
  if (rows.empty()) return "";
  std::vector<ResourceRow> emptier;
  if (detail == Detail::kShort) emptier = take_emptier(rows);
  std::string text = fmt::format("  {:<18}{:>7}{:>8}\n", "shared", "tasks", "busy");
  for (const ResourceRow& row : rows) {
    text += fmt::format("  {:<18}{:>7}{:>6.0f} %\n", table.resource_names[row.id], row.num_tasks,
                        percent_of(row.busy_ns, interval_ns));
  }
  if (emptier.empty()) return text;
  return text + fmt::format("  {} more, at most {:.0f} % busy\n", emptier.size(),
                            percent_of(emptier.front().busy_ns, interval_ns));
}

}  // namespace

double percent_of(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

std::string busy_table(const Compilation& compilation, Detail detail) {
  const Schedule& schedule = compilation.schedule();
  const int64_t interval_ns = compilation.synchronised().interval_ns;
  std::vector<LaneRow> rows = rows_of(schedule);
  std::vector<LaneRow> emptier;
  if (detail == Detail::kShort) {
    std::erase_if(rows, [](const LaneRow& row) { return row.num_tasks == 0; });
    emptier = take_emptier(rows);
  }
  std::string text = fmt::format("  {:<18}{:>7}{:>8}\n", "lane", "tasks", "busy");
  for (const LaneRow& row : rows) {
    text += fmt::format("  {:<18}{:>7}{:>6.0f} %\n", schedule.tasks->lanes.lanes[row.id].name,
                        row.num_tasks, percent_of(row.busy_ns, interval_ns));
  }
  if (!emptier.empty()) {
    text += fmt::format("  {} more lanes, at most {:.0f} % busy\n", emptier.size(),
                        percent_of(emptier.front().busy_ns, interval_ns));
  }
  text += resource_table(schedule, interval_ns, detail);
  const std::string idle = detail == Detail::kShort ? idle_text(schedule) : "";
  return idle.empty() ? text : text + "  idle        " + idle + "\n";
}

}  // namespace graphc
