#include "tools/graphprobe/operands.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "runtime/base/element.h"
#include "runtime/base/random.h"
#include "runtime/op/op_table.h"

namespace graphprobe {
namespace {

using graphrt::Action;
using graphrt::Device;
using graphrt::ElementType;
using graphrt::OperandSlots;
using graphrt::Result;
using graphrt::Shape;
using graphrt::TensorType;

/// A period of this many random numbers shows nowhere in a product.
constexpr size_t kNumRandoms = size_t{1} << 20;

template <class T>
std::vector<T> random_block() {
  const graphrt::RandomStream random(1, "graphprobe");
  std::vector<T> block(kNumRandoms);
  for (size_t i = 0; i < block.size(); ++i) {
    block[i] = graphrt::narrowed<T>(2 * random.uniform(i) - 1);
  }
  return block;
}

template <class T>
std::span<const std::byte> random_bytes() {
  static const std::vector<T> kBlock = random_block<T>();
  return std::as_bytes(std::span(kBlock));
}

/// Of floats; what is none has the bits of f32.
std::span<const std::byte> random_bytes_of(ElementType element) {
  if (!graphrt::is_float(element)) return random_bytes<float>();
  return graphrt::with_float_type(
      element, [](auto tag) { return random_bytes<typename decltype(tag)::Type>(); });
}

TensorType f32(Shape shape) { return {ElementType::kF32, std::move(shape)}; }

}  // namespace

Result<OperandSlots> make_array(Device& device, const TensorType& type) {
  OperandSlots slots;
  slots.type = type;
  TRY(slots.first, device.allocate(slots.type.size_bytes()));
  return slots;
}

Result<OperandSlots> make_random_array(Device& device, const TensorType& type) {
  TRY(OperandSlots slots, make_array(device, type));
  const std::span<const std::byte> block = random_bytes_of(type.element);
  const auto num_bytes = static_cast<size_t>(slots.type.size_bytes());
  for (size_t done = 0; done < num_bytes; done += block.size()) {
    TRY(device.write(slots.first + done, block.first(std::min(block.size(), num_bytes - done))));
  }
  return slots;
}

Result<OperandSlots> make_operand(Device& device, const TensorType& type, int64_t bound) {
  if (graphrt::is_float(type.element)) return make_random_array(device, type);
  TRY(OperandSlots slots, make_array(device, type));
  constexpr int64_t kLargestOfByte = 127;
  const auto num_bytes = static_cast<size_t>(graphrt::size_bytes(type.element));
  if (type.element == ElementType::kBool) bound = 2;
  if (num_bytes == 1) bound = std::min(bound, kLargestOfByte);
  std::vector<std::byte> integers(static_cast<size_t>(type.size_bytes()));
  for (int64_t i = 0; i < type.num_elements(); ++i) {
    const int64_t integer = i % bound;  // the machine is little-endian: the low bytes are the first
    std::memcpy(integers.data() + static_cast<size_t>(i) * num_bytes, &integer, num_bytes);
  }
  TRY(device.write(slots.first, integers));
  return slots;
}

Result<void> add_scratch(Device& device, graphrt::KernelBinding& binding) {
  const int64_t num_bytes = graphrt::scratch_bytes(*graphrt::find_op(binding.op), device.is_host(),
                                                   types_of(binding.inputs),
                                                   types_of(binding.results), *binding.attributes);
  if (num_bytes == 0) return {};
  OperandSlots scratch;
  scratch.type = {graphrt::ElementType::kU8, {num_bytes}};
  TRY(scratch.first, device.allocate(num_bytes));
  binding.scratch = scratch;
  return {};
}

Result<std::unique_ptr<Action>> bind_operator(Device& device, std::string_view op,
                                              std::vector<OperandSlots> inputs,
                                              const OperandSlots& output,
                                              const graphrt::Attributes& attributes) {
  graphrt::KernelBinding binding{
      .op = op, .attributes = &attributes, .inputs = std::move(inputs), .results = {output}};
  TRY(add_scratch(device, binding));
  return device.bind_kernel(binding);
}

Result<std::unique_ptr<Action>> bind_product(Device& device, int64_t n, std::string_view math,
                                             ElementType element) {
  const TensorType matrix{element, {n, n}};
  TRY(OperandSlots a, make_random_array(device, matrix));
  TRY(OperandSlots b, make_random_array(device, matrix));
  TRY(const OperandSlots product, make_array(device, matrix));
  graphrt::Attributes attributes;
  if (math != "f32") attributes.set("math", std::string(math));
  return bind_operator(device, "matmul", {std::move(a), std::move(b)}, product, attributes);
}

Result<std::unique_ptr<Action>> bind_sum(Device& device, int64_t num_elements) {
  TRY(OperandSlots a, make_array(device, f32({num_elements})));
  TRY(OperandSlots b, make_array(device, f32({num_elements})));
  TRY(const OperandSlots sum, make_array(device, f32({num_elements})));
  return bind_operator(device, "add", {std::move(a), std::move(b)}, sum);
}

double product_flops(int64_t n) {
  const auto size = static_cast<double>(n);
  return 2 * size * size * size;
}

double sum_bytes(int64_t num_elements) {
  return 3.0 * sizeof(float) * static_cast<double>(num_elements);
}

}  // namespace graphprobe
