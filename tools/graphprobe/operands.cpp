#include "tools/graphprobe/operands.h"

#include <algorithm>
#include <utility>

#include "runtime/base/random.h"
#include "runtime/op/op_table.h"

namespace graphprobe {
namespace {

using graphrt::Action;
using graphrt::Device;
using graphrt::OperandSlots;
using graphrt::Result;
using graphrt::Shape;

/// A period of this many random numbers shows nowhere in a product.
constexpr size_t kNumRandoms = size_t{1} << 18;

std::vector<float> random_block() {
  const graphrt::RandomStream random(1, "graphprobe");
  std::vector<float> block(kNumRandoms);
  for (size_t i = 0; i < block.size(); ++i) {
    block[i] = static_cast<float>(2 * random.uniform(i) - 1);
  }
  return block;
}

std::span<const std::byte> random_bytes() {
  static const std::vector<float> kBlock = random_block();
  return std::as_bytes(std::span(kBlock));
}

}  // namespace

Result<OperandSlots> make_array(Device& device, Shape shape) {
  OperandSlots slots;
  slots.type = {graphrt::ElementType::kF32, std::move(shape)};
  TRY(slots.first, device.allocate(slots.type.size_bytes()));
  return slots;
}

Result<OperandSlots> make_random_array(Device& device, Shape shape) {
  TRY(OperandSlots slots, make_array(device, std::move(shape)));
  const std::span<const std::byte> block = random_bytes();
  const auto num_bytes = static_cast<size_t>(slots.type.size_bytes());
  for (size_t done = 0; done < num_bytes; done += block.size()) {
    TRY(device.write(slots.first + done, block.first(std::min(block.size(), num_bytes - done))));
  }
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

Result<std::unique_ptr<Action>> bind_product(Device& device, int64_t n, std::string_view math) {
  TRY(OperandSlots a, make_random_array(device, {n, n}));
  TRY(OperandSlots b, make_random_array(device, {n, n}));
  TRY(const OperandSlots product, make_array(device, {n, n}));
  graphrt::Attributes attributes;
  if (math != "f32") attributes.set("math", std::string(math));
  return bind_operator(device, "matmul", {std::move(a), std::move(b)}, product, attributes);
}

Result<std::unique_ptr<Action>> bind_sum(Device& device, int64_t num_elements) {
  TRY(OperandSlots a, make_array(device, {num_elements}));
  TRY(OperandSlots b, make_array(device, {num_elements}));
  TRY(const OperandSlots sum, make_array(device, {num_elements}));
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
