// Operators that move elements and compute nothing, look rows up, or leave some out.
#include "runtime/op/defs/defs.h"

#include <algorithm>

#include "runtime/op/row_rules.h"
#include "runtime/op/scratch_rules.h"
#include "runtime/op/type_rules.h"

namespace graphrt {
namespace {

constexpr std::array kAxisOf0 = {AttributeSpec{"axis", AttributeKind::kInt, false, "(0)"}};
constexpr std::array kAxes = {
    AttributeSpec{"axes", AttributeKind::kIntList, false, "(swaps the last two)"}};
constexpr std::array kBroadcastShape = {
    AttributeSpec{"shape", AttributeKind::kIntList, true, "(required)"}};
constexpr std::array kReshapeShape = {
    AttributeSpec{"shape", AttributeKind::kIntList, true, "(required; one size may be -1)"}};
constexpr std::array kPad = {AttributeSpec{"axis", AttributeKind::kInt, false, "(0)"},
                             AttributeSpec{"before", AttributeKind::kInt, true, "(required)"},
                             AttributeSpec{"after", AttributeKind::kInt, true, "(required)"}};
constexpr std::array kSlice = {AttributeSpec{"axis", AttributeKind::kInt, false, "(0)"},
                               AttributeSpec{"begin", AttributeKind::kInt, true, "(required)"},
                               AttributeSpec{"end", AttributeKind::kInt, true, "(required)"}};
constexpr std::array kEmbedding = {
    AttributeSpec{"to", AttributeKind::kText, false, "(that of the table): the type of elements"}};
constexpr std::array kEmbeddingGrad = {
    AttributeSpec{"rows", AttributeKind::kInt, true, "(required)"},
    AttributeSpec{"to", AttributeKind::kText, false, "(that of the gradient)"}};
constexpr std::array kDropout = {
    AttributeSpec{"first", AttributeKind::kInt, false, "(0)"},
    AttributeSpec{"rate", AttributeKind::kFloat, true, "(required; at least 0, below 1)"},
    AttributeSpec{"seed", AttributeKind::kInt, false, "(0)"}};

bool differ_only_at(size_t axis, const TensorType& a, const TensorType& b) {
  if (a.element != b.element || a.rank() != b.rank()) return false;
  for (size_t i = 0; i < a.shape.size(); ++i) {
    if (i != axis && a.shape[i] != b.shape[i]) return false;
  }
  return true;
}

TypeResult type_of_copy(Types inputs, const Attributes&) { return inputs[0]; }

TypeResult type_of_transpose(Types inputs, const Attributes& attributes) {
  const TensorType& input = inputs[0];
  TensorType result = input;
  if (attributes.find("axes") == nullptr) {
    if (input.rank() < 2) {
      return refuse("needs at least 2 dimensions to swap the last two; got " + to_string(input), 0);
    }
    std::swap(result.shape[result.shape.size() - 1], result.shape[result.shape.size() - 2]);
    return result;
  }
  const std::vector<int64_t> axes = attributes.list("axes");
  const auto is_valid_axis = [&](int64_t axis) { return is_axis(axis, input); };
  std::vector<bool> is_named(input.shape.size(), false);
  if (axes.size() == is_named.size() && std::all_of(axes.begin(), axes.end(), is_valid_axis)) {
    for (const int64_t axis : axes) is_named[from_front(axis, input)] = true;
  }
  if (axes.size() != is_named.size() || std::count(is_named.begin(), is_named.end(), false) > 0) {
    return refuse_attribute(
        "axes",
        "needs axes that name every axis of " + to_string(input) + " once; got " + to_string(axes),
        0);
  }
  for (size_t i = 0; i < axes.size(); ++i) {
    result.shape[i] = input.shape[from_front(axes[i], input)];
  }
  return result;
}

TypeResult type_of_slice(Types inputs, const Attributes& attributes) {
  const auto axis = axis_of(inputs[0], attributes, 0);
  if (!axis) return tl::unexpected(axis.error());
  const int64_t size = inputs[0].shape[*axis];
  const int64_t begin = attributes.integer("begin", 0);
  const int64_t end = attributes.integer("end", size);
  if (begin < 0 || begin >= end || end > size) {
    const bool is_begin = begin < 0 || begin >= size;
    return refuse_attribute(is_begin ? "begin" : "end",
                            "needs 0 <= begin < end <= " + std::to_string(size) +
                                ", the size of axis " + std::to_string(*axis) + " of " +
                                to_string(inputs[0]) + "; got begin " + std::to_string(begin) +
                                " and end " + std::to_string(end),
                            0);
  }
  TensorType result = inputs[0];
  result.shape[*axis] = end - begin;
  return result;
}

TypeResult type_of_concat(Types inputs, const Attributes& attributes) {
  const auto axis = axis_of(inputs[0], attributes, 0);
  if (!axis) return tl::unexpected(axis.error());
  TensorType result = inputs[0];
  for (size_t i = 1; i < inputs.size(); ++i) {
    if (!differ_only_at(*axis, inputs[0], inputs[i])) {
      return refuse("needs operands that differ in the size of axis " + std::to_string(*axis) +
                        " only; got " + to_string(inputs[0]) + " and " + to_string(inputs[i]),
                    i);
    }
    result.shape[*axis] += inputs[i].shape[*axis];
  }
  return result;
}

TypeResult type_of_reshape(Types inputs, const Attributes& attributes) {
  const std::vector<int64_t> wanted = attributes.list("shape");
  const int64_t num_elements = inputs[0].num_elements();
  const auto mismatch = [&] {
    return refuse_attribute("shape",
                            "cannot give " + to_string(inputs[0]) + " the shape " +
                                to_string(wanted) + ": the number of elements must stay " +
                                std::to_string(num_elements),
                            0);
  };
  TensorType result{inputs[0].element, wanted};
  std::optional<size_t> open_axis;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] > 0) continue;
    if (wanted[i] != -1 || open_axis) {
      return refuse_attribute(
          "shape", "needs a shape of positive sizes with at most one -1; got " + to_string(wanted));
    }
    open_axis = i;
    result.shape[i] = 1;
  }
  if (!is_valid(result)) return mismatch();
  const int64_t num_known = result.num_elements();
  if (open_axis && num_elements % num_known == 0) {
    result.shape[*open_axis] = num_elements / num_known;
  }
  if (result.num_elements() != num_elements) return mismatch();
  return result;
}

TypeResult type_of_broadcast(Types inputs, const Attributes& attributes) {
  const Shape wanted = attributes.list("shape");
  if (std::any_of(wanted.begin(), wanted.end(), [](int64_t size) { return size < 1; })) {
    return refuse_attribute("shape", "needs a shape of positive sizes; got " + to_string(wanted));
  }
  if (broadcast_shape(inputs[0].shape, wanted) != wanted) {
    return refuse_attribute("shape",
                            "cannot stretch " + to_string(inputs[0]) + " to the shape " +
                                to_string(wanted) +
                                ": from the last dimension on, its sizes must be equal or 1",
                            0);
  }
  return TensorType{inputs[0].element, wanted};
}

TypeResult type_of_pad(Types inputs, const Attributes& attributes) {
  const auto axis = axis_of(inputs[0], attributes, 0);
  if (!axis) return tl::unexpected(axis.error());
  const int64_t before = attributes.integer("before", 0);
  const int64_t after = attributes.integer("after", 0);
  // What is larger fits into no tensor, and sums of what is smaller into 64 bits.
  const auto is_allowed = [](int64_t size) { return size >= 0 && size <= kMaxTensorBytes; };
  if (!is_allowed(before) || !is_allowed(after)) {
    return refuse_attribute(is_allowed(before) ? "after" : "before",
                            "needs before and after from 0 to " + std::to_string(kMaxTensorBytes) +
                                "; got " + std::to_string(before) + " and " +
                                std::to_string(after));
  }
  TensorType result = inputs[0];
  result.shape[*axis] += before + after;
  return result;
}

TypeResult type_of_embedding(Types inputs, const Attributes& attributes) {
  const TensorType& table = inputs[0];
  if (auto error = find_non_float_at(inputs, 0)) return tl::unexpected(*std::move(error));
  if (auto error = find_non_index_at(inputs, 1, "an index"))
    return tl::unexpected(*std::move(error));
  if (table.rank() != 2) {
    return tl::unexpected(misfit("table[V, D] and index[...]", inputs, 0));
  }
  TensorType result{table.element, inputs[1].shape};
  result.shape.push_back(table.shape.back());
  return as_asked(std::move(result), attributes);
}

TypeResult type_of_embedding_grad(Types inputs, const Attributes& attributes) {
  const char* needs = "gradient[..., D] and index[...], one for each row";
  const TensorType& gradient = inputs[0];
  if (auto error = find_non_float_at(inputs, 0)) return tl::unexpected(*std::move(error));
  if (auto error = find_non_index_at(inputs, 1, "an index"))
    return tl::unexpected(*std::move(error));
  if (gradient.shape.empty()) return tl::unexpected(misfit(needs, inputs, 0));
  const Shape rows(gradient.shape.begin(), gradient.shape.end() - 1);
  if (inputs[1].shape != rows) return tl::unexpected(misfit(needs, inputs, 1));
  constexpr double kRowsEnd = 0x1p31;  // kernels keep the number of a row in an i32
  if (auto error = find_outside(attributes, "rows", 1, kRowsEnd)) {
    return tl::unexpected(*std::move(error));
  }
  return as_asked({gradient.element, {attributes.integer("rows", 1), gradient.shape.back()}},
                  attributes);
}

TypeResult type_of_dropout(Types inputs, const Attributes& attributes) {
  constexpr double kFirstEnd = 0x1p53;  // far from where an index would overflow
  if (auto error = find_non_float_at(inputs, 0)) return tl::unexpected(*std::move(error));
  if (inputs[1] != TensorType{ElementType::kI32, {}}) {
    return refuse("needs i32[] as its step; got " + to_string(inputs[1]), 1);
  }
  if (auto error = find_outside(attributes, "rate", 0, 1)) return tl::unexpected(*std::move(error));
  if (auto error = find_outside(attributes, "first", 0, kFirstEnd)) {
    return tl::unexpected(*std::move(error));
  }
  return inputs[0];
}

/// Reads of its operand only what goes into the result.
Work work_of_slice(Types, Types results, const Attributes&) {
  return {
      .rate = "", .num_flops = 0, .num_bytes = 2 * static_cast<double>(results[0].size_bytes())};
}

/// Reads of its table only what goes into the result, and the index.
Work work_of_embedding(Types inputs, Types results, const Attributes&) {
  const TensorType& result = results[0];
  const int64_t bytes_of_element = size_bytes(inputs[0].element) + size_bytes(result.element);
  const int64_t num_bytes = inputs[1].size_bytes() + result.num_elements() * bytes_of_element;
  return {.rate = "", .num_flops = 0, .num_bytes = static_cast<double>(num_bytes)};
}

/// Row by row unless rows themselves, axis 0, are put in front or behind.
std::vector<RowUse> rows_of_pad(std::span<const TensorType> inputs, const TensorType&,
                                const Attributes& attributes) {
  const int64_t axis = attributes.integer("axis", 0);
  if (axis == 0 || axis == -inputs[0].rank()) return {};
  return {RowUse::kSame};
}

/// All of the table, and the index of each row.
std::vector<RowUse> rows_of_embedding(std::span<const TensorType> inputs, const TensorType&,
                                      const Attributes&) {
  if (inputs[1].shape.empty()) return {};
  return {RowUse::kAll, RowUse::kSame};
}

RowTotal total_of_embedding_grad(Types, const TensorType&, const Attributes&) {
  return RowTotal::kSum;
}

RowPart same_rows(Types inputs, PartAttribute differs = PartAttribute::kNone) {
  return {std::vector<RowUse>(inputs.size(), RowUse::kSame), differs};
}

RowPart part_of_reshape(Types inputs, const TensorType&, const Attributes&) {
  return same_rows(inputs, PartAttribute::kRowsOfShape);
}

RowPart part_of_broadcast(Types inputs, const TensorType& result, const Attributes&) {
  const bool keeps_rows = inputs[0].rank() == result.rank() && inputs[0].rank() > 0 &&
                          inputs[0].shape[0] == result.shape[0];
  return keeps_rows ? same_rows(inputs, PartAttribute::kRowsOfShape) : RowPart();
}

RowPart part_of_transpose(Types inputs, const TensorType&, const Attributes& attributes) {
  const std::vector<int64_t> axes = attributes.list("axes");
  const int rank = inputs[0].rank();
  const bool stays = axes.empty() ? rank > 2 : axes[0] == 0 || axes[0] == -rank;
  return stays ? same_rows(inputs) : RowPart();
}

/// Along another axis than that of the rows.
RowPart part_beside_axis(Types inputs, const TensorType&, const Attributes& attributes) {
  const int64_t axis = attributes.integer("axis", 0);
  const bool is_rows = axis == 0 || axis == -inputs[0].rank();
  return is_rows ? RowPart() : same_rows(inputs);
}

/// Elements for each index of the axis that the operator works along, if they lie one after the
/// other because no axis in front of it has more than one index.
std::optional<int64_t> elements_of_index(const TensorType& type, const Attributes& attributes) {
  const size_t axis = from_front(attributes.integer("axis", 0), type);
  int64_t count = 1;
  for (size_t i = 0; i < type.shape.size(); ++i) {
    if (i < axis && type.shape[i] != 1) return std::nullopt;
    if (i > axis) count *= type.shape[i];
  }
  return count;
}

std::vector<ElementSource> sources_of_slice(Types inputs, const Attributes& attributes) {
  const auto each = elements_of_index(inputs[0], attributes);
  if (!each) return {};
  const int64_t begin = attributes.integer("begin", 0);
  const int64_t end = attributes.integer("end", begin);
  return {{0, begin * *each, (end - begin) * *each}};
}

std::vector<ElementSource> sources_of_concat(Types inputs, const Attributes& attributes) {
  if (!elements_of_index(inputs[0], attributes)) return {};
  std::vector<ElementSource> sources;
  for (size_t i = 0; i < inputs.size(); ++i) sources.push_back({i, 0, inputs[i].num_elements()});
  return sources;
}

std::vector<ElementSource> sources_of_reshape(Types inputs, const Attributes&) {
  return {{0, 0, inputs[0].num_elements()}};
}

RowPart part_of_dropout(Types, const TensorType&, const Attributes&) {
  return {{RowUse::kSame, RowUse::kAll}, PartAttribute::kFirstElement};
}

}  // namespace

OpInfo op_copy() {
  return {.name = "copy",
          .operands = "x",
          .result = "x",
          .type_rule = type_of_copy,
          .in_place = InPlace::kAnyOperand,
          .row_rule = rows_of_elementwise,
          .is_linear = true};
}

OpInfo op_transpose() {
  return {.name = "transpose",
          .operands = "x",
          .result = "x with its dimensions reordered",
          .attributes = kAxes,
          .type_rule = type_of_transpose,
          .part_rule = part_of_transpose,
          .is_linear = true};
}

OpInfo op_reshape() {
  return {.name = "reshape",
          .operands = "x",
          .result = "the same elements in another shape",
          .attributes = kReshapeShape,
          .type_rule = type_of_reshape,
          .in_place = InPlace::kView,
          .part_rule = part_of_reshape,
          .view_rule = sources_of_reshape,
          .is_linear = true};
}

OpInfo op_broadcast() {
  return {.name = "broadcast",
          .operands = "x",
          .result = "x repeated up to a shape that it broadcasts to",
          .attributes = kBroadcastShape,
          .type_rule = type_of_broadcast,
          .part_rule = part_of_broadcast};
}

OpInfo op_pad() {
  return {.name = "pad",
          .operands = "x",
          .result = "x with zeros in front of it and behind it along one axis",
          .attributes = kPad,
          .type_rule = type_of_pad,
          .row_rule = rows_of_pad};
}

OpInfo op_slice() {
  return {.name = "slice",
          .operands = "x",
          .result = "elements `begin` to `end` - 1 of one axis",
          .attributes = kSlice,
          .type_rule = type_of_slice,
          .work_rule = work_of_slice,
          .part_rule = part_beside_axis,
          .view_rule = sources_of_slice};
}

OpInfo op_concat() {
  return {.name = "concat",
          .operands = "one or more, equal but for the size of one axis",
          .result = "one after the other along that axis",
          .min_inputs = 1,
          .max_inputs = kAnyNumberOfInputs,
          .attributes = kAxisOf0,
          .type_rule = type_of_concat,
          .part_rule = part_beside_axis,
          .view_rule = sources_of_concat};
}

OpInfo op_embedding() {
  return {.name = "embedding",
          .operands = "table[V, D]: float; index[...]: i32 or i64",
          .result = "[..., D]: rows of the table",
          .min_inputs = 2,
          .max_inputs = 2,
          .attributes = kEmbedding,
          .type_rule = type_of_embedding,
          .work_rule = work_of_embedding,
          .row_rule = rows_of_embedding,
          .f32_operands = 1U << 0};
}

OpInfo op_embedding_grad() {
  return {.name = "embedding_grad",
          .operands = "gradient[..., D]: float; index[...]: i32 or i64",
          .result =
              "gradient by the table, [`rows`, D]: rows of equal index added up in double, "
              "in the order of the indices",
          .min_inputs = 2,
          .max_inputs = 2,
          .attributes = kEmbeddingGrad,
          .type_rule = type_of_embedding_grad,
          .scratch_rule = scratch_of_embedding_grad,
          .row_total_rule = total_of_embedding_grad};
}

OpInfo op_dropout() {
  return {.name = "dropout",
          .operands = "x: float; step i32[]",
          .result = "x / (1 - `rate`) where kept, else 0",
          .min_inputs = 2,
          .max_inputs = 2,
          .attributes = kDropout,
          .type_rule = type_of_dropout,
          .in_place = InPlace::kAnyOperand,
          .part_rule = part_of_dropout};
}

}  // namespace graphrt
