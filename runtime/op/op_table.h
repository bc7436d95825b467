#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/tensor_type.h"
#include "runtime/op/attribute.h"

namespace graphrt {

struct AttributeSpec {
  std::string_view name;
  AttributeKind kind;
  bool is_required = false;
};

/// Why operands or attributes do not fit an operator, and which of them is to blame if one is.
struct OpError {
  std::string message;
  std::optional<size_t> input;      ///< index of the offending operand
  std::string_view attribute = {};  ///< name of the offending attribute, a literal; empty: none is
};

/// Type of the result, from the operands' types and the attributes.
using TypeRule = tl::expected<TensorType, OpError> (*)(std::span<const TensorType> inputs,
                                                       const Attributes& attributes);

/// What one evaluation costs, independent of any machine.
struct Work {
  std::string_view rate;  ///< the machine-file rate that bounds the arithmetic; empty: none does
  double num_flops = 0;
  double num_bytes = 0;  ///< operands read plus result written
};
using WorkRule = Work (*)(std::span<const TensorType> inputs, const TensorType& result,
                          const Attributes& attributes);

/// What some rows of the result need of an operand.
enum class RowUse : uint8_t { kSame, kAll };

/// For every operand, what rows of the result need of it if they are computed alone: the operator
/// applied to those parts of its operands gives them. Empty: rows cannot be computed alone.
using RowRule = std::vector<RowUse> (*)(std::span<const TensorType> inputs,
                                        const TensorType& result, const Attributes& attributes);

/// Which operands' bytes the result may take, if they have its type: every element is read before
/// the element of the same index is written, and no other element is read after it.
enum class InPlace : uint8_t { kNever, kFirstOperand, kAnyOperand };

/// No launch does more operators at once: what their kernels are called with has to fit in the
/// parameters of one.
inline constexpr int32_t kMaxOpsInLaunch = 40;

/// One row of the operator table: all that the compiler and the plan verifier know of an operator.
/// Its kernels are found by `name` in each back end's registry.
struct OpInfo {
  std::string_view name;
  size_t min_inputs;
  size_t max_inputs;
  std::span<const AttributeSpec> attributes;
  TypeRule type_rule;
  WorkRule work_rule;
  InPlace in_place;
  RowRule row_rule = nullptr;     ///< absent: rows of the result cannot be computed alone
  bool may_share_launch = false;  ///< accelerators can do several of these in one launch
};

/// Every operator, ordered by name.
std::span<const OpInfo> all_ops();
const OpInfo* find_op(std::string_view name);
const AttributeSpec* find_attribute(const OpInfo& op, std::string_view name);

/// How many operands `op` takes: `1 input`, `2 to 3 inputs`, `at least 1 input`.
std::string inputs_taken_by(const OpInfo& op);

/// Checks the number of operands, the attributes (known, of the right kind, numbers that f32 can
/// hold, none missing) and the operands' types; returns the type of the result.
tl::expected<TensorType, OpError> infer_type(const OpInfo& op, std::span<const TensorType> inputs,
                                             const Attributes& attributes);

/// Whether the result of `op` may be written over operand number `operand`, of type `input`.
bool may_run_in_place(const OpInfo& op, size_t operand, const TensorType& input,
                      const TensorType& result);

/// As `row_rule` says; empty without one.
std::vector<RowUse> row_uses(const OpInfo& op, std::span<const TensorType> inputs,
                             const TensorType& result, const Attributes& attributes);

/// `axes`, negative ones counted from the end, sorted; all axes when `axes` is empty.
/// Requires: an operator's type rule accepted them.
std::vector<int64_t> normalized_axes(const std::vector<int64_t>& axes, int rank);

}  // namespace graphrt
