#include "compiler/frontend/check_feeds.h"

#include <algorithm>

#include "runtime/base/integer_fit.h"
#include "runtime/base/npy.h"

namespace graphc {
namespace {

/// The type of the array, if it fits the input.
std::optional<TensorType> check_feed(const InputDeclaration& input, DiagnosticSink& diagnostics) {
  const TensorType& type = *input.type;
  if (type.rank() == 0) {
    diagnostics.error(input.feed->where, "'" + input.name.text + "' is " + to_string(type) +
                                             "; a feed needs an input with a first dimension, "
                                             "the number of rows a step takes");
    return std::nullopt;
  }
  const Result<TensorType> array = read_npy_type(input.feed->text);
  if (!array) {
    diagnostics.error(input.feed->where, array.error().message);
    return std::nullopt;
  }
  // Of integers, each value decides whether it fits, when the feed is read.
  const bool may_hold =
      array->element == type.element || graphrt::may_hold_values_of(type.element, array->element);
  const bool fits = may_hold && array->rank() == type.rank() &&
                    std::equal(type.shape.begin() + 1, type.shape.end(), array->shape.begin() + 1);
  if (fits) return *array;
  TensorType wanted = type;
  std::string text = to_string(wanted);
  text.replace(text.find('[') + 1, std::to_string(type.shape[0]).size(), "N");
  std::optional<std::string> hint;
  if (!may_hold) {
    hint = "save it with .astype('" + std::string(properties_of(type.element).numpy) +
           "'), or declare the input as " + std::string(to_string(array->element));
  }
  diagnostics.error(input.feed->where,
                    input.feed->text + " has " + to_string(*array) + "; '" + input.name.text +
                        "' needs rows of " + text,
                    std::move(hint));
  return std::nullopt;
}

}  // namespace

void check_feeds(const GraphDeclarations& declarations, DiagnosticSink& diagnostics) {
  const InputDeclaration* first = nullptr;
  int64_t num_rows = 0;
  for (const InputDeclaration& input : declarations.inputs) {
    if (!input.feed || !input.type) continue;
    const std::optional<TensorType> array = check_feed(input, diagnostics);
    if (!array) continue;
    if (first == nullptr) {
      first = &input;
      num_rows = array->shape[0];
    }
    if (array->shape[0] == num_rows) continue;
    diagnostics
        .error(input.feed->where, input.feed->text + " has " + std::to_string(array->shape[0]) +
                                      " rows; all feeds of a graph must have the same number")
        .notes.push_back({Severity::kNote,
                          first->feed->where,
                          first->feed->text + " has " + std::to_string(num_rows),
                          std::nullopt,
                          {}});
  }
}

}  // namespace graphc
