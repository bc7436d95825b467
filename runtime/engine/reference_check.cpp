#include "runtime/engine/reference_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "runtime/base/text.h"
#include "runtime/engine/reference_inputs.h"
#include "runtime/op/product_math.h"

namespace graphrt {
namespace {

/// `[2, 5]`: where in a row-major shape the element lies.
std::string position_of(size_t element, const Shape& shape) {
  Shape position(shape.size());
  auto rest = static_cast<int64_t>(element);
  for (size_t i = shape.size(); i-- > 0;) {
    position[i] = rest % shape[i];
    rest /= shape[i];
  }
  return to_string(position);
}

/// How far x is from r in units of `scale`. The same infinity, or both NaN, is no distance; one
/// alone is an infinite one.
double distance(double x, double r, double scale) {
  if (x == r || (std::isnan(x) && std::isnan(r))) return 0;
  const double difference = std::fabs(x - r);
  return std::isfinite(difference) ? difference / scale : HUGE_VAL;
}

tl::unexpected<Error> mismatch(std::string message) {
  return tl::unexpected(Error{ErrorKind::kMismatch, std::move(message)});
}

template <class T>
Result<double> compare_elements(const std::string& what, const TensorType& type,
                                std::span<const std::byte> value, const Tensor& reference,
                                double tolerance) {
  const std::span<const T> expected = reference.as<T>();
  double scale = 1;
  for (const T r : expected) {
    const double magnitude = std::fabs(static_cast<double>(r));
    if (std::isfinite(magnitude)) scale = std::max(scale, magnitude);
  }
  double largest = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    T x;
    std::memcpy(&x, value.data() + i * sizeof(T), sizeof(T));
    const double error = distance(static_cast<double>(x), static_cast<double>(expected[i]), scale);
    if (error > tolerance) {
      return mismatch(what + " at " + position_of(i, type.shape) + ": the plan gives " +
                      fmt::format("{}, the reference {}", x, expected[i]) +
                      " (allowed difference " + format_number(tolerance * scale) + ")");
    }
    largest = std::max(largest, error);
  }
  return largest;
}

/// What the session computed of one output.
struct CheckedOutput {
  std::string name;
  Tensor values;  // of all steps, one after the other, or of the last step
  bool is_of_every_step;
};

Result<std::vector<CheckedOutput>> outputs_of(const Session& session) {
  std::vector<CheckedOutput> outputs;
  for (const PlanOutput& output : session.plan().outputs) {
    const bool is_delivered = output.instruction.has_value();
    TRY(Tensor values, is_delivered ? session.stacked(output.name) : session.last(output.name));
    outputs.push_back({output.name, std::move(values), is_delivered});
  }
  return outputs;
}

/// What a device may round otherwise, as a share of every result: four times what the reference
/// does itself, since sums go on in another order; where operands are cut, what that leaves out.
double rounding_of(double tolerance) {
  if (tolerance >= kBf16CheckTolerance) return 0x1p-8;
  return tolerance >= kTf32CheckTolerance ? 0x1p-11 : 0x1p-22;
}

/// A device's results may be this many times as far from the reference as the disturbed ones.
constexpr double kRoundingMargin = 8;
/// What rounding moves by as much as its size cannot be compared with anything.
constexpr double kMostByRounding = 1;

/// Compares tensor by tensor, and keeps the account.
class Comparison {
 public:
  explicit Comparison(CheckReport& report) : report_(report) {}

  /// `disturbed`: the same value of a reference that rounds otherwise, or nullptr.
  Result<void> add(const std::string& what, const TensorType& type,
                   std::span<const std::byte> value, const Tensor& expected,
                   const Tensor* disturbed) {
    ++report_.num_tensors;
    const Result<double> error =
        compare_with_reference(what, type, value, expected, report_.tolerance);
    if (error) {
      report_.largest_error = std::max(report_.largest_error, *error);
      return {};
    }
    if (disturbed == nullptr) return tl::unexpected(error.error());
    const Result<double> moved =
        compare_with_reference(what, disturbed->type, disturbed->data, expected, kMostByRounding);
    if (!moved) return tl::unexpected(error.error());
    TRY(const double distance,
        compare_with_reference(what, type, value, expected,
                               std::max(report_.tolerance, kRoundingMargin * *moved)));
    report_.rounded.push_back({what, distance, *moved});
    return {};
  }

 private:
  CheckReport& report_;
};

}  // namespace

double check_tolerance(const SourceGraph& source) {
  double tolerance = kCheckTolerance;
  for (const SourceNode& node : source.nodes) {
    const ProductMath math = product_math(node.attributes);
    if (math == ProductMath::kTf32) tolerance = std::max(tolerance, kTf32CheckTolerance);
    if (math == ProductMath::kBf16) tolerance = std::max(tolerance, kBf16CheckTolerance);
  }
  return tolerance;
}

Result<double> compare_with_reference(const std::string& what, const TensorType& type,
                                      std::span<const std::byte> value, const Tensor& reference,
                                      double tolerance) {
  if (type != reference.type) {
    return mismatch(what + ": the plan gives " + to_string(type) + ", the reference " +
                    to_string(reference.type));
  }
  return type.element == ElementType::kF32
             ? compare_elements<float>(what, type, value, reference, tolerance)
             : compare_elements<int32_t>(what, type, value, reference, 0);
}

Result<ReferenceCheck> ReferenceCheck::begin(Session& session) {
  ReferenceCheck check;
  check.first_step_ = session.next_step();
  for (const PlanState& state : session.plan().states) {
    TRY(check.states_[state.name], session.state(state.name));
  }
  for (const PlanOutput& output : session.plan().outputs) {
    if (output.instruction) TRY(session.stack_output(output.name));
  }
  return check;
}

Result<CheckReport> ReferenceCheck::finish(const Session& session) const {
  Result<CheckReport> report = compare(session, false);
  if (report || report.error().kind != ErrorKind::kMismatch) return report;
  Result<CheckReport> within_rounding = compare(session, true);
  return within_rounding ? within_rounding : report;
}

Result<ReferenceExecutor> ReferenceCheck::reference_for(const Session& session) const {
  TRY(ReferenceExecutor reference, ReferenceExecutor::create(session.plan().source));
  for (const auto& [name, value] : states_) TRY(reference.set_state(name, value));
  return reference;
}

Result<CheckReport> ReferenceCheck::compare(const Session& session, bool allows_rounding) const {
  TRY(ReferenceExecutor reference, reference_for(session));
  TRY(const std::vector<CheckedOutput> outputs, outputs_of(session));
  CheckReport report{.num_steps = session.next_step() - first_step_,
                     .tolerance = check_tolerance(session.plan().source)};
  std::optional<ReferenceExecutor> disturbed;
  if (allows_rounding) {
    TRY(disturbed, reference_for(session));
    disturbed->round_otherwise(rounding_of(report.tolerance));
  }
  Comparison comparison(report);
  for (int64_t i = 0; i < report.num_steps; ++i) {
    const int64_t step = first_step_ + i;
    const auto inputs = reference_inputs(session, step);
    TRY(reference.step(inputs));
    if (disturbed) TRY(disturbed->step(inputs));
    for (const CheckedOutput& output : outputs) {
      if (!output.is_of_every_step && i + 1 < report.num_steps) continue;
      const Tensor* expected = reference.find_value(output.name);
      if (expected == nullptr) return mismatch("the source graph has no value " + output.name);
      TensorType type = output.values.type;
      if (output.is_of_every_step) type.shape.erase(type.shape.begin());
      const auto size = static_cast<size_t>(type.size_bytes());
      const size_t at = output.is_of_every_step ? static_cast<size_t>(i) * size : 0;
      TRY(comparison.add("output '" + output.name + "', step " + std::to_string(step), type,
                         std::span(output.values.data).subspan(at, size), *expected,
                         disturbed ? disturbed->find_value(output.name) : nullptr));
    }
  }
  for (const PlanState& state : session.plan().states) {
    const Tensor* expected = reference.find_state(state.name);
    if (expected == nullptr) return mismatch("the source graph has no state " + state.name);
    TRY(const Tensor value, session.state(state.name));
    TRY(comparison.add(
        "state '" + state.name + "' after step " + std::to_string(session.next_step() - 1),
        value.type, value.data, *expected,
        disturbed ? disturbed->find_state(state.name) : nullptr));
  }
  return report;
}

}  // namespace graphrt
