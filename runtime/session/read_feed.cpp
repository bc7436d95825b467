#include "runtime/session/read_feed.h"

#include <string>

#include "runtime/base/integer_fit.h"
#include "runtime/base/npy.h"

namespace graphrt {

Result<Tensor> read_feed(const std::filesystem::path& path, const PlanInput& input) {
  TRY(Tensor array, read_npy(path));
  const ElementType wanted = input.type.element;
  if (array.type.element == wanted || !may_hold_values_of(wanted, array.type.element)) return array;
  auto fitted = with_elements(array, wanted);
  if (fitted) return *std::move(fitted);
  const Unfit& unfit = fitted.error();
  const Shape& shape = array.type.shape;
  const int64_t num_rows = shape.empty() ? 1 : shape[0];
  const int64_t row = unfit.index / (array.type.num_elements() / num_rows);
  return input_error(path.string() + ": row " + std::to_string(row) + " has " +
                     std::to_string(unfit.value) + ", which no " + std::string(to_string(wanted)) +
                     " is; input '" + input.name + "' is " + to_string(input.type));
}

}  // namespace graphrt
