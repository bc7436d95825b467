#include "compiler/solve/schedule/read_stg.h"

#include <charconv>
#include <limits>

namespace graphc {
namespace {

constexpr int64_t kMaxTime = std::numeric_limits<int32_t>::max();

tl::unexpected<Error> error_in_line(size_t number, const std::string& what) {
  return input_error("line " + std::to_string(number) + ": " + what);
}

/// The numbers of a line; nothing if there is anything else.
std::optional<std::vector<int64_t>> numbers_of(std::string_view line) {
  line = line.substr(0, line.find('#'));
  std::vector<int64_t> numbers;
  while (true) {
    const size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return numbers;
    line.remove_prefix(begin);
    int64_t number = 0;
    const auto [end, code] = std::from_chars(line.data(), line.data() + line.size(), number);
    if (code != std::errc()) return std::nullopt;
    numbers.push_back(number);
    line.remove_prefix(static_cast<size_t>(end - line.data()));
    if (!line.empty() && line.find_first_of(" \t\r") != 0) return std::nullopt;
  }
}

TaskId task_of(int64_t id) { return TaskId(static_cast<size_t>(id)); }

class StgReader {
 public:
  explicit StgReader(size_t num_processors) {
    LaneGroup group;
    for (size_t i = 0; i < num_processors; ++i) group.lanes.emplace_back(i);
    problem_.num_lanes = num_processors + 1;
    processors_ = problem_.groups.push_back(group);
    ends_ = problem_.groups.push_back({{LaneId(num_processors)}, {}});
  }

  Result<SchedulingProblem> read(std::string_view text) {
    for (size_t number = 1; !text.empty(); ++number) {
      const size_t end = text.find('\n');
      TRY(read_line(text.substr(0, end), number));
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    if (!num_tasks_) return input_error("there is no number of tasks");
    if (std::ssize(problem_.tasks) != *num_tasks_) {
      return input_error("there are " + std::to_string(problem_.tasks.size()) + " tasks of " +
                         std::to_string(*num_tasks_));
    }
    const TaskId last(problem_.tasks.size() - 1);
    problem_.edges.push_back({last, TaskId(0), 1, false});
    return std::move(problem_);
  }

 private:
  Result<void> read_line(std::string_view line, size_t number) {
    const auto numbers = numbers_of(line);
    if (!numbers) return error_in_line(number, "expected numbers");
    if (numbers->empty()) return {};
    if (!num_tasks_) {
      if (numbers->size() != 1 || (*numbers)[0] < 0 || (*numbers)[0] > kMaxTime) {
        return error_in_line(number, "expected the number of tasks");
      }
      num_tasks_ = (*numbers)[0] + 2;
      return {};
    }
    return read_task(*numbers, number);
  }

  Result<void> read_task(const std::vector<int64_t>& numbers, size_t line) {
    const int64_t id = std::ssize(problem_.tasks);
    if (id == *num_tasks_)
      return error_in_line(line, "there are more tasks than the first line says");
    const bool is_task = numbers.size() >= 3 && numbers[2] == std::ssize(numbers) - 3;
    if (!is_task || numbers[0] != id || numbers[1] < 0 || numbers[1] > kMaxTime) {
      return error_in_line(line, "expected task " + std::to_string(id) +
                                     ", its time, how many come before it, and these");
    }
    SchedulingTask task;
    task.group = id == 0 || id + 1 == *num_tasks_ ? ends_ : processors_;
    task.cost.work_ns = numbers[1];
    task.name_rank = static_cast<int32_t>(id);
    problem_.tasks.push_back(task);
    for (size_t i = 3; i < numbers.size(); ++i) {
      if (numbers[i] < 0 || numbers[i] >= id) {
        return error_in_line(line, "task " + std::to_string(id) + " depends on " +
                                       std::to_string(numbers[i]) + ", which does not come before");
      }
      problem_.edges.push_back({task_of(numbers[i]), task_of(id), 0, false});
    }
    return {};
  }

  SchedulingProblem problem_;
  GroupId processors_;
  GroupId ends_;  ///< a lane for the first and the last task, which take no time
  std::optional<int64_t> num_tasks_;
};

}  // namespace

Result<SchedulingProblem> parse_stg(std::string_view text, size_t num_processors) {
  return StgReader(num_processors).read(text);
}

}  // namespace graphc
