#include "attention_cases.h"

#include <array>
#include <limits>

#include "training_cases.h"

namespace graphrt {
namespace {

/// Some that fall to nothing, and one in eight that is unseen.
Tensor mask_of_numbers(Dice& dice, const Shape& shape) {
  Tensor mask = dice.f32(shape);
  for (float& x : mask.as<float>()) {
    if (dice.between(0, 7) == 0) x = -std::numeric_limits<float>::infinity();
  }
  return mask;
}

Tensor mask_of_truth(Dice& dice, const Shape& shape) {
  Tensor mask = zeros({ElementType::kBool, shape});
  for (Bool& x : mask.as<Bool>()) x = Bool(dice.between(0, 3) != 0);
  return mask;
}

OperatorUse attention_of_type(Dice& dice, ElementType element) {
  const AttentionShape shape = {.batch = dice.between(1, 3),
                                .queries = dice.between(1, 20),
                                .keys = dice.between(1, 20),
                                .key_heads = dice.between(1, 3),
                                .heads_a_key_head = dice.between(1, 3),
                                .query_width = dice.between(1, 20),
                                .value_width = dice.between(1, 20)};
  constexpr std::array kMasks = {CaseMask::kNone, CaseMask::kBool, CaseMask::kF32,
                                 CaseMask::kOwnType};
  const CaseMask mask = kMasks[static_cast<size_t>(dice.between(0, 3))];
  Attributes attributes = with({{"causal", dice.flip()}});
  if (dice.flip()) attributes.set("scale", 0.125);
  return attention_of(dice, shape, element, mask, std::move(attributes));
}

}  // namespace

OperatorUse attention_of(Dice& dice, const AttentionShape& shape, ElementType element,
                         CaseMask mask, Attributes attributes) {
  const int64_t heads = shape.key_heads * shape.heads_a_key_head;
  OperatorUse use{{dice.f32({shape.batch, shape.queries, heads, shape.query_width}),
                   dice.f32({shape.batch, shape.keys, shape.key_heads, shape.query_width}),
                   dice.f32({shape.batch, shape.keys, shape.key_heads, shape.value_width})},
                  std::move(attributes)};
  if (element != ElementType::kF32) {
    for (Tensor& input : use.inputs) input = floats_as(input, element);
  }
  const Shape of_mask = dice.stretchable({shape.batch, heads, shape.queries, shape.keys});
  if (mask == CaseMask::kBool) use.inputs.push_back(mask_of_truth(dice, of_mask));
  if (mask == CaseMask::kF32) use.inputs.push_back(mask_of_numbers(dice, of_mask));
  if (mask == CaseMask::kOwnType) {
    Tensor numbers = mask_of_numbers(dice, of_mask);
    use.inputs.push_back(element == ElementType::kF32 ? numbers : floats_as(numbers, element));
  }
  return use;
}

OperatorUse packed(std::string_view op, const OperatorUse& use) {
  const size_t q = op == "attention" ? 0 : 1;
  OperatorUse result = use;
  const Shape& k = use.inputs[q + 1].type.shape;
  Shape shape = use.inputs[q].type.shape;
  shape[2] += 2 * k[2];
  result.inputs.erase(result.inputs.begin() + static_cast<std::ptrdiff_t>(q + 1),
                      result.inputs.begin() + static_cast<std::ptrdiff_t>(q + 3));
  result.inputs[q] =
      run_reference("concat",
                    std::vector(use.inputs.begin() + static_cast<std::ptrdiff_t>(q),
                                use.inputs.begin() + static_cast<std::ptrdiff_t>(q + 3)),
                    with({{"axis", int64_t{2}}}));
  result.attributes.set("key_heads", k[2]);
  return result;
}

OperatorUse attention_grad_of(Dice& dice, const OperatorUse& forward) {
  const auto& inputs = forward.inputs;
  std::vector<Tensor> results = run_reference_for_all("attention", inputs, forward.attributes);
  Tensor gradient = dice.f32(results[0].type.shape);
  const ElementType element = results[0].type.element;
  if (element != ElementType::kF32) gradient = floats_as(gradient, element);
  OperatorUse use{{std::move(gradient), inputs[0], inputs[1], inputs[2], std::move(results[0]),
                   std::move(results[1])},
                  forward.attributes};
  if (inputs.size() > 3) use.inputs.push_back(inputs[3]);
  return use;
}

OperatorUse attention_use(Dice& dice) {
  constexpr std::array kElements = {ElementType::kF32, ElementType::kBF16, ElementType::kF16};
  return attention_of_type(dice, kElements[static_cast<size_t>(dice.between(0, 2))]);
}

OperatorUse mild_attention_use(Dice& dice) {
  OperatorUse use = attention_of_type(dice, ElementType::kF32);
  for (size_t i = 0; i < 3; ++i) {
    for (float& x : use.inputs[i].as<float>()) x /= 4;
  }
  return use;
}

OperatorUse mild_attention_grad_use(Dice& dice) {
  return attention_grad_of(dice, mild_attention_use(dice));
}

OperatorUse mild_packed_attention_use(Dice& dice) {
  const int64_t width = dice.between(1, 20);
  const int64_t length = dice.between(1, 20);
  const AttentionShape shape = {.batch = dice.between(1, 3),
                                .queries = length,
                                .keys = length,
                                .key_heads = dice.between(1, 3),
                                .heads_a_key_head = dice.between(1, 3),
                                .query_width = width,
                                .value_width = width};
  const CaseMask mask = dice.flip() ? CaseMask::kBool : CaseMask::kNone;
  OperatorUse use =
      attention_of(dice, shape, ElementType::kF32, mask, with({{"causal", dice.flip()}}));
  use = packed("attention", use);
  for (float& x : use.inputs[0].as<float>()) x /= 4;
  return use;
}

OperatorUse mild_packed_attention_grad_use(Dice& dice) {
  const OperatorUse forward = mild_packed_attention_use(dice);
  std::vector<Tensor> results =
      run_reference_for_all("packed_attention", forward.inputs, forward.attributes);
  OperatorUse use{{dice.f32(results[0].type.shape), forward.inputs[0], std::move(results[0]),
                   std::move(results[1])},
                  forward.attributes};
  if (forward.inputs.size() > 1) use.inputs.push_back(forward.inputs[1]);
  return use;
}

std::vector<AttentionCase> large_attention_cases(Dice& dice) {
  std::vector<AttentionCase> cases;
  const auto add = [&](const AttentionShape& shape, ElementType element, CaseMask mask,
                       bool is_causal) {
    OperatorUse forward = attention_of(dice, shape, element, mask, with({{"causal", is_causal}}));
    OperatorUse backward = attention_grad_of(dice, forward);
    if (shape.queries == shape.keys && shape.query_width == shape.value_width) {
      cases.push_back({"packed_attention", packed("attention", forward)});
      cases.push_back({"packed_attention_grad", packed("attention_grad", backward)});
    }
    cases.push_back({"attention", std::move(forward)});
    cases.push_back({"attention_grad", std::move(backward)});
  };
  for (const ElementType element : {ElementType::kF32, ElementType::kBF16, ElementType::kF16}) {
    for (const bool is_causal : {false, true}) {
      add({1, 131, 300, 1, 2, 8, 16}, element, CaseMask::kNone, is_causal);
      add({1, 300, 131, 2, 1, 9, 17}, element, CaseMask::kNone, is_causal);
      add({2, 65, 65, 1, 3, 64, 64}, element, CaseMask::kNone, is_causal);
      add({1, 70, 70, 1, 1, 128, 96}, element, CaseMask::kNone, is_causal);
      add({2, 133, 133, 2, 2, 24, 24}, element, CaseMask::kBool, is_causal);
      add({1, 77, 77, 2, 1, 13, 13}, element, CaseMask::kNone, is_causal);
      add({2, 100, 150, 2, 1, 32, 40}, element, CaseMask::kBool, is_causal);
      add({1, 100, 90, 1, 2, 24, 80}, element, CaseMask::kF32, is_causal);
      add({1, 128, 128, 1, 1, 77, 101}, element, CaseMask::kOwnType, is_causal);
    }
  }
  return cases;
}

}  // namespace graphrt
