#include <charconv>
#include <map>
#include <set>

#include "compiler/diagnostics/check_utf8.h"
#include "compiler/schedule/joined_problem.h"
#include "compiler/schedule/pipeline_search.h"
#include "compiler/schedule/schedule.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

/// No stage is larger; leaves room for versions and distances up to kMaxStepsInFlight.
constexpr int32_t kMaxStage = 100;

/// Says that a task is started in one launch with the one before it.
constexpr std::string_view kJoined = "joined";

/// A cut of one line: the text and the column it starts at.
struct Field {
  std::string_view text;
  int column = 1;
};

/// Columns are separated by at least two spaces: names of copies contain single ones.
std::vector<Field> fields_of(std::string_view line) {
  std::vector<Field> fields;
  size_t at = 0;
  while (at < line.size()) {
    while (at < line.size() && line[at] == ' ') ++at;
    const size_t end = std::min(line.find("  ", at), line.size());
    if (end > at) fields.push_back({trim(line.substr(at, end - at)), static_cast<int>(at) + 1});
    at = end;
  }
  return fields;
}

/// A line up to its comment; nothing if it states nothing of a task.
std::optional<std::string_view> statement_of(std::string_view line) {
  const std::string_view statement = line.substr(0, line.find('#'));
  const std::string_view content = trim(statement);
  if (content.empty() || content.starts_with("schedule ")) return std::nullopt;
  return statement;
}

std::optional<int32_t> stage_of(std::string_view text) {
  constexpr std::string_view kKey = "stage=";
  if (!text.starts_with(kKey)) return std::nullopt;
  text.remove_prefix(kKey.size());
  text = text.substr(0, text.find(' '));
  int32_t stage = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), stage);
  if (code != std::errc() || has_leading_zero(text) || end != text.data() + text.size() ||
      stage < 0 || stage > kMaxStage) {
    return std::nullopt;
  }
  return stage;
}

class ScheduleParser {
 public:
  ScheduleParser(const std::shared_ptr<const SourceFile>& file, const TaskGraph& tasks,
                 DiagnosticSink& diagnostics)
      : file_(file), tasks_(tasks), diagnostics_(diagnostics), places_(tasks.tasks.size()) {
    for (const TaskId task : tasks.tasks.ids()) task_names_[tasks.tasks[task].name] = task;
    for (const LaneId lane : tasks.lanes.lanes.ids()) {
      lane_names_[tasks.lanes.lanes[lane].name] = lane;
    }
    solution_.tasks = IdVector<TaskId, ScheduledTask>(tasks.tasks.size());
    solution_.lanes = IdVector<LaneId, std::vector<TaskId>>(tasks.lanes.lanes.size());
  }

  Result<Schedule> run() {
    const size_t errors_before = diagnostics_.num_errors();
    int number = 0;
    for (const std::string_view line : split(file_->text, '\n')) {
      ++number;
      if (const auto statement = statement_of(line)) read_line(*statement, number);
    }
    for (const TaskId task : tasks_.tasks.ids()) {
      if (!places_[task]) {
        diagnostics_.error(at(1, 1, 1), "task '" + tasks_.tasks[task].name + "' is missing");
      }
    }
    if (diagnostics_.num_errors() > errors_before) return reported();
    return evaluate();
  }

 private:
  SourceRange at(int line, int column, size_t length) const {
    return {file_, line, column, static_cast<int>(length)};
  }

  void read_line(std::string_view line, int number) {
    const auto fields = fields_of(line);
    if (fields.size() < 3) {
      diagnostics_.error(at(number, 1, line.size()), "expected a lane, a task and its stage",
                         "gpu0.stream0  z1  stage=0, with two spaces between the columns");
      return;
    }
    const auto lane = find(lane_names_, fields[0], "lane", number);
    const auto task = find(task_names_, fields[1], "task", number);
    const auto stage = stage_of(fields[2].text);
    if (!stage) {
      diagnostics_.error(at(number, fields[2].column, fields[2].text.size()),
                         "expected stage=N, with N from 0 to " + std::to_string(kMaxStage));
    }
    const bool is_joined = fields.size() > 3 && fields[3].text == kJoined;
    if (fields.size() > 3 && !is_joined) {
      diagnostics_.error(at(number, fields[3].column, fields[3].text.size()),
                         "expected nothing or '" + std::string(kJoined) + "' behind the stage");
    }
    if (!task) return;
    if (places_[*task]) {
      diagnostics_.error(at(number, fields[1].column, fields[1].text.size()),
                         "task '" + std::string(fields[1].text) + "' stands twice; first in line " +
                             std::to_string(*places_[*task]));
      return;
    }
    places_[*task] = number;  // even where the lane is wrong: it is not missing
    if (!lane || !stage) return;
    solution_.tasks[*task] = {*lane, *stage, 0, 0, Reason::kAsWritten, is_joined};
    solution_.lanes[*lane].push_back(*task);
  }

  template <class Id>
  std::optional<Id> find(const std::map<std::string, Id, std::less<>>& names, const Field& field,
                         const std::string& what, int line) {
    if (const auto known = names.find(field.text); known != names.end()) return known->second;
    diagnostics_.error(at(line, field.column, field.text.size()),
                       "unknown " + what + " '" + std::string(field.text) + "'",
                       hint_for(field.text, names));
    return std::nullopt;
  }

  template <class Id>
  std::optional<std::string> hint_for(std::string_view name,
                                      const std::map<std::string, Id, std::less<>>& names) {
    if (diagnostics_.hint_budget().is_used_up()) return std::nullopt;
    std::vector<std::string> candidates;
    for (const auto& [known, id] : names) candidates.push_back(known);
    const auto nearest = nearest_name(name, candidates, diagnostics_.hint_budget());
    return nearest ? std::optional("did you mean '" + *nearest + "'?") : std::nullopt;
  }

  Result<Schedule> evaluate() {
    const SchedulingProblem problem = scheduling_problem(tasks_);
    Schedule schedule{tasks_, solution_, {}, {}};
    // Order and stages must be sound before anything can be timed.
    schedule.solution.versions = IdVector<VersionedId, int32_t>(problem.values.size(), 1000);
    Violation violation = verify_schedule(schedule);
    if (!violation) {
      schedule.solution = timed_as_written(problem, schedule.solution);
      schedule.versions = versions_by_value(tasks_, schedule.solution);
      violation = verify_schedule(schedule);
    }
    if (!violation) violation = find_too_many_versions(schedule);
    if (!violation) {
      const JoinedProblem joined(problem, launches_in(schedule.solution));
      schedule.bound = joined.bound();
      return schedule;
    }
    diagnostics_.error(at(1, 1, 1), "this schedule is not possible: " + *violation);
    return reported();
  }

  Violation find_too_many_versions(const Schedule& schedule) const {
    for (const PlacedValueId value : tasks_.placed->values.ids()) {
      if (schedule.versions[value] <= kMaxStepsInFlight) continue;
      return "'" + tasks_.placed->values[value].name + "' would need " +
             std::to_string(schedule.versions[value]) + " versions; at most " +
             std::to_string(kMaxStepsInFlight) + " are possible";
    }
    return std::nullopt;
  }

  const std::shared_ptr<const SourceFile>& file_;
  const TaskGraph& tasks_;
  DiagnosticSink& diagnostics_;
  IdVector<TaskId, std::optional<int>> places_;
  std::map<std::string, TaskId, std::less<>> task_names_;
  std::map<std::string, LaneId, std::less<>> lane_names_;
  SchedulingSolution solution_;
};

}  // namespace

std::string print_schedule(const Schedule& schedule) {
  const TaskGraph& graph = schedule.tasks;
  std::string text = "schedule " + graph.placed->graph->name + "\n";
  for (const LaneId lane : schedule.solution.lanes.ids()) {
    for (const TaskId task : schedule.solution.lanes[lane]) {
      const ScheduledTask& at = schedule.solution.tasks[task];
      text += graph.lanes.lanes[lane].name + "  " + graph.tasks[task].name +
              "  stage=" + std::to_string(at.stage) + " start=" + std::to_string(at.start_ns) +
              "ns end=" + std::to_string(at.end_ns) + "ns because " +
              std::string(to_string(at.reason)) +
              (at.is_joined ? "  " + std::string(kJoined) : "") + "\n";
    }
  }
  return text;
}

std::set<std::string, std::less<>> task_names_in(std::string_view schedule_text) {
  std::set<std::string, std::less<>> names;
  for (const std::string_view line : split(schedule_text, '\n')) {
    const auto statement = statement_of(line);
    if (!statement) continue;
    const auto fields = fields_of(*statement);
    if (fields.size() > 1) names.emplace(fields[1].text);
  }
  return names;
}

Result<Schedule> parse_schedule(const std::shared_ptr<const SourceFile>& file,
                                const TaskGraph& tasks, DiagnosticSink& diagnostics) {
  if (!check_utf8(file, diagnostics)) return reported();
  return ScheduleParser(file, tasks, diagnostics).run();
}

}  // namespace graphc
