#include "compiler/emit/folded_names.h"

#include <algorithm>
#include <cstddef>

#include "compiler/vocabulary.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

constexpr size_t kFewNames = 12;
constexpr size_t kMaxRuns = 9;
constexpr size_t kRunsAtEnds = 4;

bool is_digit(char symbol) { return symbol >= '0' && symbol <= '9'; }

bool has_digit(const std::string& text) { return std::any_of(text.begin(), text.end(), is_digit); }

std::string without_digits(const std::string& text) {
  std::string result = text;
  std::erase_if(result, is_digit);
  return result;
}

/// Names that follow each other and are of one block; a name without a block is one by itself.
struct Run {
  std::string block;
  std::vector<std::string> names;
  size_t num_alike = 1;  ///< runs, this one and those behind it
};

/// What is left of the names when the number of their block is taken out.
std::vector<std::string> shape_of(const Run& run) {
  std::vector<std::string> shape;
  for (const std::string& name : run.names) {
    const size_t at = name.find(run.block);
    shape.push_back(name.substr(0, at) + without_digits(run.block) +
                    name.substr(at + run.block.size()));
  }
  return shape;
}

std::vector<Run> runs_of(const std::vector<std::string>& names) {
  std::vector<Run> runs;
  for (const std::string& name : names) {
    const std::string block = block_of(name);
    if (runs.empty() || block.empty() || runs.back().block != block) runs.push_back({block, {}});
    runs.back().names.push_back(name);
  }
  return runs;
}

std::vector<Run> with_alike_counted(const std::vector<Run>& runs) {
  std::vector<Run> result;
  for (const Run& run : runs) {
    const bool is_alike = !result.empty() && !run.block.empty() && !result.back().block.empty() &&
                          run.names.size() == result.back().names.size() &&
                          shape_of(run) == shape_of(result.back());
    if (is_alike) {
      ++result.back().num_alike;
    } else {
      result.push_back(run);
    }
  }
  return result;
}

std::string text_of(const Run& run) {
  std::string text =
      run.names.size() < 3 ? join(run.names, ", ") : run.names.front() + " ... " + run.names.back();
  if (run.num_alike > 1) text += " (" + std::to_string(run.num_alike) + " blocks alike)";
  return text;
}

size_t num_names(const Run& run) { return run.names.size() * run.num_alike; }

}  // namespace

std::string block_of(const std::string& name) {
  for (size_t begin = 0; begin < name.size();) {
    const size_t end = name.find('.', begin);
    if (end == std::string::npos) break;
    const std::string part = name.substr(begin, end - begin);
    if (has_digit(part)) return part;
    begin = end + 1;
  }
  return "";
}

std::string folded_names(const std::vector<std::string>& names) {
  if (names.size() <= kFewNames) return join(names, ", ");
  const std::vector<Run> runs = with_alike_counted(runs_of(names));
  std::vector<std::string> texts;
  size_t num_left_out = 0;
  for (size_t i = 0; i < runs.size(); ++i) {
    const bool is_shown =
        runs.size() <= kMaxRuns || i < kRunsAtEnds || i + kRunsAtEnds >= runs.size();
    if (!is_shown) num_left_out += num_names(runs[i]);
    if (is_shown && num_left_out > 0) {
      texts.push_back("... (" + std::to_string(num_left_out) + " more)");
      num_left_out = 0;
    }
    if (is_shown) texts.push_back(text_of(runs[i]));
  }
  return join(texts, ", ");
}

}  // namespace graphc
