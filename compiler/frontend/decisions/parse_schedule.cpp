#include "compiler/frontend/decisions/parse_schedule.h"

#include <charconv>
#include <map>
#include <set>

#include "compiler/diagnostics/check_utf8.h"
#include "compiler/frontend/text_columns.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

/// No stage is larger; leaves room for versions and distances up to kMaxStepsInFlight.
constexpr int32_t kMaxStage = 100;

/// What a line says of a task; nothing if it says nothing.
std::optional<std::string_view> task_statement_of(std::string_view line) {
  const auto statement = statement_of(line);
  if (statement && trim(*statement).starts_with("schedule ")) return std::nullopt;
  return statement;
}

/// The number behind a key such as `start=` or `stage=`, up to its unit.
std::optional<int64_t> number_behind(std::string_view key, std::string_view text,
                                     std::string_view unit) {
  const size_t begin = text.find(key);
  if (begin == std::string_view::npos) return std::nullopt;
  text.remove_prefix(begin + key.size());
  int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  if (code != std::errc() || !text.starts_with(unit)) return std::nullopt;
  return number;
}

/// What print_schedule wrote behind `because`.
Reason reason_of(std::string_view text) {
  constexpr std::string_view kKey = " because ";
  const size_t begin = text.find(kKey);
  if (begin == std::string_view::npos) return Reason::kAsWritten;
  text.remove_prefix(begin + kKey.size());
  for (const Reason reason : kReasons) {
    if (to_string(reason) == text) return reason;
  }
  return Reason::kAsWritten;
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
  ScheduleParser(const std::shared_ptr<const SourceFile>& file, const Shared<TaskGraph>& tasks,
                 const WrittenVersions& versions, DiagnosticSink& diagnostics)
      : file_(file),
        shared_tasks_(tasks),
        tasks_(tasks),
        versions_(versions),
        diagnostics_(diagnostics),
        places_(tasks->tasks.size()) {
    for (const TaskId task : tasks_.tasks.ids()) task_names_[tasks_.tasks[task].name] = task;
    for (const LaneId lane : tasks_.lanes.lanes.ids()) {
      lane_names_[tasks_.lanes.lanes[lane].name] = lane;
    }
    solution_.tasks = IdVector<TaskId, ScheduledTask>(tasks_.tasks.size());
    solution_.lanes = IdVector<LaneId, std::vector<TaskId>>(tasks_.lanes.lanes.size());
  }

  Result<Schedule> run() {
    const size_t errors_before = diagnostics_.num_errors();
    int number = 0;
    for (const std::string_view line : split(file_->text, '\n')) {
      ++number;
      if (trim(line).starts_with("schedule ")) first_line_ = number;
      if (const auto statement = task_statement_of(line)) read_line(*statement, number);
    }
    for (const TaskId task : tasks_.tasks.ids()) {
      if (!places_[task]) {
        diagnostics_.error(at(first_line_, 1, 1),
                           "task '" + tasks_.tasks[task].name + "' is missing");
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
    const bool is_joined = fields.size() > 3 && fields[3].text == kJoinedWord;
    if (fields.size() > 3 && !is_joined) {
      diagnostics_.error(at(number, fields[3].column, fields[3].text.size()),
                         "expected nothing or '" + std::string(kJoinedWord) + "' behind the stage");
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
    const auto start_ns = number_behind(" start=", fields[2].text, "ns");
    const auto end_ns = number_behind(" end=", fields[2].text, "ns");
    if (!start_ns || !end_ns) has_all_times_ = false;
    // An order that is kept keeps its reasons; else it is one that somebody wrote.
    const Reason reason = versions_ ? reason_of(fields[2].text) : Reason::kAsWritten;
    solution_.tasks[*task] = {*lane,  *stage,   start_ns.value_or(0), end_ns.value_or(0),
                              reason, is_joined};
    solution_.lanes[*lane].push_back(*task);
  }

  template <class Id>
  std::optional<Id> find(const Names<Id>& names, const Field& field, const std::string& what,
                         int line) {
    return find_name(names, field.text, what, at(line, field.column, field.text.size()),
                     diagnostics_);
  }

  Result<Schedule> evaluate() {
    if (versions_ && has_all_times_) {
      SchedulingSolution order = solution_;
      order.versions = *versions_;
      Schedule as_it_was = untimed(order);
      if (has_sensible_times() && !verify_schedule(as_it_was)) {
        return schedule_as_written(shared_tasks_, std::move(order), Times::kKeep);
      }
    }
    // Order and stages must be sound before anything can be timed.
    SchedulingSolution order = solution_;
    order.versions = IdVector<VersionedId, int32_t>(versioned_values(tasks_).size(), 1000);
    Violation violation = verify_schedule(untimed(order));
    if (!violation) {
      Schedule schedule = schedule_as_written(shared_tasks_, solution_, Times::kFind);
      violation = verify_schedule(schedule);
      if (!violation) violation = find_too_many_versions(schedule);
      if (!violation) return schedule;
    }
    diagnostics_.error(at(first_line_, 1, 1), "this schedule is not possible: " + *violation);
    return reported();
  }

  /// Whether no lane does two things at once; whoever moves a line leaves its times as they were.
  bool has_sensible_times() const {
    constexpr int64_t kMaxTimeNs = int64_t{1} << 50;
    for (const std::vector<TaskId>& lane : solution_.lanes) {
      int64_t free_ns = 0;
      for (const TaskId task : lane) {
        const ScheduledTask& at = solution_.tasks[task];
        if (at.start_ns < free_ns || at.end_ns < at.start_ns || at.end_ns > kMaxTimeNs) {
          return false;
        }
        free_ns = at.end_ns;
      }
    }
    return true;
  }

  Schedule untimed(const SchedulingSolution& order) const {
    Schedule schedule{shared_tasks_, order, {}, {}};
    schedule.versions = versions_by_value(tasks_, order);
    return schedule;
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
  const Shared<TaskGraph>& shared_tasks_;
  const TaskGraph& tasks_;
  const WrittenVersions& versions_;
  DiagnosticSink& diagnostics_;
  IdVector<TaskId, std::optional<int>> places_;
  Names<TaskId> task_names_;
  Names<LaneId> lane_names_;
  SchedulingSolution solution_;
  bool has_all_times_ = true;
  int first_line_ = 1;  ///< where the schedule begins
};

}  // namespace

std::set<std::string, std::less<>> task_names_in(std::string_view schedule_text) {
  std::set<std::string, std::less<>> names;
  for (const std::string_view line : split(schedule_text, '\n')) {
    const auto statement = task_statement_of(line);
    if (!statement) continue;
    const auto fields = fields_of(*statement);
    if (fields.size() > 1) names.emplace(fields[1].text);
  }
  return names;
}

Result<Schedule> parse_schedule(const std::shared_ptr<const SourceFile>& file,
                                const Shared<TaskGraph>& tasks, DiagnosticSink& diagnostics,
                                const WrittenVersions& versions) {
  if (!check_utf8(file, diagnostics)) return reported();
  return ScheduleParser(file, tasks, versions, diagnostics).run();
}

}  // namespace graphc
