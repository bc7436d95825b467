#pragma once

#include <vector>

#include "dice.h"
#include "operator_use.h"

namespace graphrt {

/// Sizes of attention, as its definition names them.
struct AttentionShape {
  int64_t batch = 1;
  int64_t queries = 1;
  int64_t keys = 1;
  int64_t key_heads = 1;
  int64_t heads_a_key_head = 1;
  int64_t query_width = 1;
  int64_t value_width = 1;
};

enum class CaseMask { kNone, kBool, kF32, kOwnType };

/// Attention of random numbers.
OperatorUse attention_of(Dice& dice, const AttentionShape& shape, ElementType element,
                         CaseMask mask, Attributes attributes = {});
/// Its gradients, with the result and log_sum that the reference gives.
OperatorUse attention_grad_of(Dice& dice, const OperatorUse& forward);

/// Attention of shapes at random, of any type.
OperatorUse attention_use(Dice& dice);
/// f32 whose scores are near each other, so that all digits can be compared; and its gradients.
OperatorUse mild_attention_use(Dice& dice);
OperatorUse mild_attention_grad_use(Dice& dice);

/// The same where queries, keys and values are one operand.
OperatorUse mild_packed_attention_use(Dice& dice);
OperatorUse mild_packed_attention_grad_use(Dice& dice);

/// The same attention, or gradient, of one operand in the place of q, k and v.
/// Requires: as many queries as keys, and heads of one size.
OperatorUse packed(std::string_view op, const OperatorUse& use);

/// An operator with its operands.
struct AttentionCase {
  std::string_view op;
  OperatorUse use;
};
/// Shapes that take several tiles of every kernel, none a multiple of anything, and heads of as
/// many elements as vectors want. All operators of each.
std::vector<AttentionCase> large_attention_cases(Dice& dice);

}  // namespace graphrt
