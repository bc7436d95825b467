#include "runtime/observe/reference_inputs.h"

#include <cstring>

namespace graphrt {
namespace {

int64_t row_of(RowPosition position, int64_t num_rows, const RowOrder& order) {
  const uint64_t epoch = position.epoch + static_cast<uint64_t>(position.place / num_rows);
  const int64_t place = position.place % num_rows;
  if (!order.seed()) return place;
  return RowPermutation(*order.seed(), epoch, num_rows)(place);
}

Tensor batch_of(const Tensor& array, const TensorType& type, const RowOrder& order, int64_t step) {
  if (array.type == type) return array;
  Tensor batch = zeros(type);
  const int64_t num_rows = array.type.shape[0];
  const int64_t batch_rows = type.shape[0];
  const RowPosition start = position_of_step(step, batch_rows, num_rows);
  const auto row_bytes = static_cast<size_t>(type.size_bytes() / type.shape[0]);
  for (int64_t i = 0; i < batch_rows; ++i) {
    const int64_t row = row_of({start.epoch, start.place + i}, num_rows, order);
    std::memcpy(batch.data.data() + static_cast<size_t>(i) * row_bytes,
                array.data.data() + static_cast<size_t>(row) * row_bytes, row_bytes);
  }
  return batch;
}

}  // namespace

std::map<std::string, Tensor> reference_inputs(const Session& session, int64_t step) {
  std::map<std::string, Tensor> inputs;
  for (const SourceValue& value : session.plan().source.values) {
    if (value.kind != SourceValueKind::kInput) continue;
    // An input that no output depends on need not be in the plan; then any value will do.
    const Tensor* array = session.input_array(value.name);
    inputs[value.name] = array == nullptr ? zeros(value.type)
                                          : batch_of(*array, value.type, session.row_order(), step);
  }
  return inputs;
}

}  // namespace graphrt
