#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/tensor_type.h"
#include "runtime/op/attribute.h"

namespace graphrt {

struct AttributeSpec {
  std::string_view name;
  AttributeKind kind;
  bool is_required = false;
  std::string_view docs = {};  ///< what stands behind its name in the documentation
};

/// Why operands or attributes do not fit an operator, and which of them is to blame if one is.
struct OpError {
  std::string message;
  std::optional<size_t> input;      ///< index of the offending operand
  std::string_view attribute = {};  ///< name of the offending attribute, a literal; empty: none is
};

/// Type of the first result, from the operands' types and the attributes.
using TypeRule = tl::expected<TensorType, OpError> (*)(std::span<const TensorType> inputs,
                                                       const Attributes& attributes);

/// Types of the results behind the first one, which is of type `first`.
using MoreTypesRule = std::vector<TensorType> (*)(std::span<const TensorType> inputs,
                                                  const TensorType& first,
                                                  const Attributes& attributes);

/// Memory that a kernel needs while it runs, and whose content matters to nobody before and after:
/// at most so many bytes.
struct Scratch {
  int64_t host_bytes = 0;
  int64_t accelerator_bytes = 0;
};
using ScratchRule = Scratch (*)(std::span<const TensorType> inputs,
                                std::span<const TensorType> results, const Attributes& attributes);

/// What one evaluation costs, independent of any machine.
struct Work {
  std::string_view rate;  ///< the machine-file rate that bounds the arithmetic; empty: none does
  double num_flops = 0;
  double num_bytes = 0;  ///< operands read plus results written
};
using WorkRule = Work (*)(std::span<const TensorType> inputs, std::span<const TensorType> results,
                          const Attributes& attributes);
/// Bound by memory: every operand is read once and every result written once.
Work work_of_streaming(std::span<const TensorType> inputs, std::span<const TensorType> results,
                       const Attributes& attributes);

/// What some rows of the result need of an operand.
enum class RowUse : uint8_t { kSame, kAll };

/// For every operand, what rows of the result need of it if they are computed alone: the operator
/// applied to those parts of its operands gives them. Empty: rows cannot be computed alone.
using RowRule = std::vector<RowUse> (*)(std::span<const TensorType> inputs,
                                        const TensorType& result, const Attributes& attributes);

/// What differs between the attributes of an operator that computes all rows of its result, and of
/// one that computes some of them.
enum class PartAttribute : uint8_t {
  kNone,
  kRowsOfShape,   ///< `shape` starts with the rows of the part
  kFirstElement,  ///< `first` counts the elements in front of the part
};

/// How some rows of the result are computed by the same operator with other attributes.
struct RowPart {
  std::vector<RowUse> uses;  ///< as of a row rule
  PartAttribute differs = PartAttribute::kNone;
};
using PartRule = RowPart (*)(std::span<const TensorType> inputs, const TensorType& result,
                             const Attributes& attributes);

/// Elements of an operand, one after the other in memory, that are, as they stand, the next elements
/// of the result.
struct ElementSource {
  size_t operand = 0;
  int64_t first = 0;
  int64_t count = 0;
};

/// For an operator that puts such elements of its operands one after the other and does nothing
/// else: which, in the order of the result. Empty: it does more. Where the result may lie where
/// the operands do, there is nothing to do.
using ViewRule = std::vector<ElementSource> (*)(std::span<const TensorType> inputs,
                                                const Attributes& attributes);

/// What the results for parts of the rows of all operands come to.
enum class RowTotal : uint8_t {
  kNone,  ///< nothing that is known
  kSum,   ///< their sum is the result
  kMean,  ///< so is their mean, each weighted with its number of rows
  /// So is their mean, each weighted with how many elements of the second operand count: all but
  /// those that are `ignore_index`. With `reduction: sum`, results are what is divided by that.
  kMeanOfCounted,
};
using RowTotalRule = RowTotal (*)(std::span<const TensorType> inputs, const TensorType& result,
                                  const Attributes& attributes);

/// Which operands' bytes a result may take, if they have its type: every element is read before the
/// element of the same index is written, and no other element is read after it. Results behind the
/// first take those of an operand with kOperandOfNumber alone.
enum class InPlace : uint8_t {
  kNever,
  kFirstOperand,
  kAnyOperand,  ///< but what is multiplied: a and b of a product are read until its last element
  kOperandOfNumber,  ///< of each result, the operand of the same number
  /// The first operand's, whatever its shape: the same elements in the same order. There is nothing to
  /// do then.
  kView,
};

/// What the attribute `scale` of the gradient of a loss is one over, if it is not given.
enum class MeanOf : uint8_t { kNothing, kRows, kElements };

/// No launch does more operators at once: what their kernels are called with has to fit in the
/// parameters of one.
inline constexpr int32_t kMaxOpsInLaunch = 40;

/// One operator: all that the compiler and the plan verifier know of it. Its kernels are found by
/// `name` in each back end's registry. runtime/op/defs has one of each.
struct OpInfo {
  std::string_view name;
  std::string_view operands;  ///< documentation: what it takes
  std::string_view result;    ///< documentation: what it gives
  size_t min_inputs = 1;
  size_t max_inputs = 1;
  std::span<const AttributeSpec> attributes = {};
  TypeRule type_rule = nullptr;
  /// Names of the results behind the first one: a node `n` gives `n`, `n.NAME`, ...
  std::span<const std::string_view> more_results = {};
  MoreTypesRule more_types_rule = nullptr;  ///< present where there are such results
  ScratchRule scratch_rule = nullptr;       ///< absent: kernels need none
  WorkRule work_rule = work_of_streaming;
  InPlace in_place = InPlace::kNever;
  RowRule row_rule = nullptr;             ///< absent: rows cannot be computed alone ...
  PartRule part_rule = nullptr;           ///< ... but perhaps with other attributes
  RowTotalRule row_total_rule = nullptr;  ///< absent: never a total over rows
  ViewRule view_rule = nullptr;           ///< absent: it does more than to give elements a place
  bool is_linear = false;                 ///< in all its operands together
  /// Its result jumps, and does not change between the jumps: there is no gradient through it.
  bool is_piecewise_constant = false;
  /// In mixed precision, its result is kept in f32: it adds up over rows, or is a loss.
  bool stays_f32 = false;
  /// A bit for each operand that may be f32 beside others of 16 bits: 1 << i for operand i.
  uint32_t f32_operands = 0;
  /// A bit for each operand that has no gradient although it is a float.
  uint32_t fixed_operands = 0;
  MeanOf mean_of = MeanOf::kNothing;
  /// Which operand is a of the product of matrices a b that it is, or begins with; b follows. Such
  /// operators are a library's, and have a rate of their own.
  std::optional<size_t> product_at = {};
  /// Its kernels on hosts multiply tiles by a library, as products do.
  bool multiplies_tiles = false;
  bool has_epilogue = false;      ///< takes what is added behind a and b, and the flag `relu`
  bool takes_addend = false;      ///< as its last operand, of the type of its result: added to that
  bool may_share_launch = false;  ///< accelerators can do several of these in one launch
  /// What it stands for, in terms of others, as parse_expression reads it; empty unless it is
  /// composite. Such an operator has no kernels: the compiler puts the others in its place.
  std::string_view formula = {};
  std::string_view parameters = {};  ///< of the formula: attributes, and their defaults

  size_t num_results() const { return 1 + more_results.size(); }
  bool is_product() const { return product_at.has_value(); }
  bool is_composite() const { return !formula.empty(); }
};

/// Every operator, ordered by name.
std::span<const OpInfo> all_ops();
const OpInfo* find_op(std::string_view name);
const AttributeSpec* find_attribute(const OpInfo& op, std::string_view name);

/// How many operands `op` takes: `1 input`, `2 to 3 inputs`, `at least 1 input`.
std::string inputs_taken_by(const OpInfo& op);

/// Checks the number of operands, the attributes (known, of the right kind, numbers that f32 can
/// hold, none missing) and the operands' types; returns the types of the results.
tl::expected<std::vector<TensorType>, OpError> infer_types(const OpInfo& op,
                                                           std::span<const TensorType> inputs,
                                                           const Attributes& attributes);

/// Refuses what infer_types() refuses, and results of other types.
Result<void> check_types(const OpInfo& op, std::span<const TensorType> inputs,
                         std::span<const TensorType> results, const Attributes& attributes);

/// What infer_types() says of the first result.
tl::expected<TensorType, OpError> infer_type(const OpInfo& op, std::span<const TensorType> inputs,
                                             const Attributes& attributes);

/// What `scratch_rule` says for the kernel of a host, or of an accelerator. Where an accelerator is
/// emulated, kernels of the host run in its place: it has room for both.
int64_t scratch_bytes(const OpInfo& op, bool is_on_host, std::span<const TensorType> inputs,
                      std::span<const TensorType> results, const Attributes& attributes);

/// Whether result number `number` of `op`, of type `result`, may be written over operand number
/// `operand`, of type `input`.
bool may_run_in_place(const OpInfo& op, size_t operand, const TensorType& input,
                      const TensorType& result, size_t number = 0);

/// As `row_rule` says; empty without one.
std::vector<RowUse> row_uses(const OpInfo& op, std::span<const TensorType> inputs,
                             const TensorType& result, const Attributes& attributes);

/// As `view_rule` says; empty without one.
std::vector<ElementSource> element_sources(const OpInfo& op, std::span<const TensorType> inputs,
                                           const Attributes& attributes);

/// `axes`, negative ones counted from the end, sorted; all axes when `axes` is empty.
/// Requires: an operator's type rule accepted them.
std::vector<int64_t> normalized_axes(const std::vector<int64_t>& axes, int rank);

}  // namespace graphrt
