#include "runtime/observe/reference_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "runtime/base/exceptions.h"
#include "runtime/base/text.h"
#include "runtime/observe/reference_inputs.h"
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

/// An element that differs by more than is allowed.
struct Difference {
  size_t element = 0;
  double allowed = 0;
  std::string numbers;
};

/// Gives the largest distance.
template <class T>
tl::expected<double, Difference> compare_elements(std::span<const std::byte> value,
                                                  const Tensor& reference, double tolerance) {
  const std::span<const T> expected = reference.as<T>();
  double scale = 1;
  for (const T r : expected) {
    const double magnitude = std::fabs(static_cast<double>(widened(r)));
    if (std::isfinite(magnitude)) scale = std::max(scale, magnitude);
  }
  double largest = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    T x;
    std::memcpy(&x, value.data() + i * sizeof(T), sizeof(T));
    const auto found = widened(x);
    const auto wanted = widened(expected[i]);
    // Not every 64-bit integer is a double.
    const double error =
        found == wanted ? 0
                        : distance(static_cast<double>(found), static_cast<double>(wanted), scale);
    if (error > tolerance || (!kIsFloat<T> && found != wanted)) {
      return tl::unexpected(Difference{
          i, tolerance * scale, fmt::format("the plan gives {}, the reference {}", found, wanted)});
    }
    largest = std::max(largest, error);
  }
  return largest;
}

/// Requires: the tensors have the same type.
tl::expected<double, Difference> compare_tensors(std::span<const std::byte> value,
                                                 const Tensor& reference, double tolerance) {
  return with_element_type(reference.type.element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    return compare_elements<T>(value, reference, kIsFloat<T> ? tolerance : 0);
  });
}

double number_at(const Tensor& tensor, size_t index) {
  return with_element_type(tensor.type.element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    return static_cast<double>(widened(tensor.as<T>()[index]));
  });
}

std::string message_of(const std::string& what, const Shape& shape, const Difference& difference) {
  return what + " at " + position_of(difference.element, shape) + ": " + difference.numbers +
         " (allowed difference " + format_number(difference.allowed) + ")";
}

tl::unexpected<Error> wrong_type(const std::string& what, const TensorType& type,
                                 const Tensor& reference) {
  return mismatch(what + ": the plan gives " + to_string(type) + ", the reference " +
                  to_string(reference.type));
}

/// What the session computed of one output.
struct CheckedOutput {
  std::string name;
  Tensor values;  // of all steps, one after the other, or of the last step
  bool is_of_every_step;
};

Result<std::vector<CheckedOutput>> outputs_of(const Session& session, StepRange steps) {
  std::vector<CheckedOutput> outputs;
  for (const PlanOutput& output : session.plan().outputs) {
    const bool is_delivered = output.instruction.has_value();
    TRY(Tensor values,
        is_delivered ? session.stacked(output.name, steps) : session.last(output.name));
    outputs.push_back({output.name, std::move(values), is_delivered});
  }
  return outputs;
}

}  // namespace

double check_tolerance(const SourceGraph& source) {
  double tolerance = kCheckTolerance;
  for (const SourceNode& node : source.nodes) {
    const ProductMath math = product_math(node.attributes);
    if (math == ProductMath::kTf32) tolerance = std::max(tolerance, kTf32CheckTolerance);
    if (math == ProductMath::kBf16) tolerance = std::max(tolerance, kBf16CheckTolerance);
  }
  for (const SourceValue& value : source.values) {
    const ElementType element = value.type.element;
    if (element == ElementType::kF16) tolerance = std::max(tolerance, kTf32CheckTolerance);
    if (element == ElementType::kBF16) tolerance = std::max(tolerance, kBf16CheckTolerance);
  }
  return tolerance;
}

Result<double> compare_with_reference(const std::string& what, const TensorType& type,
                                      std::span<const std::byte> value, const Tensor& reference,
                                      double tolerance) {
  if (type != reference.type) return wrong_type(what, type, reference);
  TRY(check_tensor(reference));
  if (value.size() != reference.data.size()) {
    return input_error(what + ": " + to_string(type) + " takes " +
                       std::to_string(reference.data.size()) + " bytes, not " +
                       std::to_string(value.size()));
  }
  const auto largest = compare_tensors(value, reference, tolerance);
  if (!largest) return mismatch(message_of(what, type.shape, largest.error()));
  return *largest;
}

Result<ReferenceCheck> ReferenceCheck::begin(Session& session) {
  return without_exceptions([&]() -> Result<ReferenceCheck> {
    ReferenceCheck check;
    check.first_step_ = session.next_step();
    for (const PlanState& state : session.plan().states) {
      TRY(check.states_[state.name], session.state(state.name));
    }
    for (const PlanOutput& output : session.plan().outputs) {
      if (output.instruction) TRY(session.stack_output(output.name));
    }
    return check;
  });
}

Result<CheckReport> ReferenceCheck::finish(const Session& session) const {
  return without_exceptions([&] { return compare_all(session); });
}

Result<CheckReport> ReferenceCheck::compare_all(const Session& session) const {
  if (session.next_step() <= first_step_) {
    return input_error("nothing to compare: no step has run since step " +
                       std::to_string(first_step_));
  }
  std::optional<Mismatch> found;
  Result<CheckReport> report = compare(session, found);
  if (!report || !found) return report;
  TRY(const std::string note, rounded_otherwise(session, *found));
  const std::string others = found->others.empty() ? "" : "; also different: ";
  return mismatch(found->message + note + others + join_first(found->others, ", "));
}

Result<ReferenceExecutor> ReferenceCheck::reference_for(const Session& session) const {
  TRY(ReferenceExecutor reference, ReferenceExecutor::create(session.plan().source));
  for (const auto& [name, value] : states_) TRY(reference.set_state(name, value));
  return reference;
}

/// Ends with the step in which something differs.
Result<CheckReport> ReferenceCheck::compare(const Session& session,
                                            std::optional<Mismatch>& found) const {
  TRY(ReferenceExecutor reference, reference_for(session));
  const StepRange steps{first_step_, session.next_step() - first_step_};
  TRY(const std::vector<CheckedOutput> outputs, outputs_of(session, steps));
  CheckReport report{.num_steps = steps.count, .tolerance = check_tolerance(session.plan().source)};
  const auto add = [&](const std::string& what, const TensorType& type,
                       std::span<const std::byte> value, const Tensor& expected,
                       Mismatch mismatch) -> Result<void> {
    if (type != expected.type) return wrong_type(what, type, expected);
    ++report.num_tensors;
    const auto largest = compare_tensors(value, expected, report.tolerance);
    if (largest) {
      report.largest_error = std::max(report.largest_error, *largest);
    } else if (found) {
      found->others.push_back(what);
    } else {
      mismatch.message = message_of(what, type.shape, largest.error());
      mismatch.element = largest.error().element;
      mismatch.allowed = largest.error().allowed;
      found = std::move(mismatch);
    }
    return {};
  };
  for (int64_t i = 0; i < report.num_steps; ++i) {
    const int64_t step = first_step_ + i;
    TRY(reference.step(reference_inputs(session, step)));
    for (const CheckedOutput& output : outputs) {
      if (!output.is_of_every_step && i + 1 < report.num_steps) continue;
      const Tensor* expected = reference.find_value(output.name);
      if (expected == nullptr) return mismatch("the source graph has no value " + output.name);
      TensorType type = output.values.type;
      if (output.is_of_every_step) type.shape.erase(type.shape.begin());
      const auto size = static_cast<size_t>(type.size_bytes());
      const size_t at = output.is_of_every_step ? static_cast<size_t>(i) * size : 0;
      TRY(add("output '" + output.name + "', step " + std::to_string(step), type,
              std::span(output.values.data).subspan(at, size), *expected,
              {.message = {}, .name = output.name, .num_steps = i + 1, .others = {}}));
    }
    if (found && i + 1 < report.num_steps) return report;
  }
  for (const PlanState& state : session.plan().states) {
    const Tensor* expected = reference.find_state(state.name);
    if (expected == nullptr) return mismatch("the source graph has no state " + state.name);
    TRY(const Tensor value, session.state(state.name));
    TRY(add("state '" + state.name + "' after step " + std::to_string(session.next_step() - 1),
            value.type, value.data, *expected,
            {.message = {},
             .name = state.name,
             .is_state = true,
             .num_steps = report.num_steps,
             .others = {}}));
  }
  return report;
}

/// What to say of rounding: nothing where it does not move the number by more than is allowed.
Result<std::string> ReferenceCheck::rounded_otherwise(const Session& session,
                                                      const Mismatch& found) const {
  constexpr uint32_t kNumSeeds = 4;
  double least = HUGE_VAL;
  double most = -HUGE_VAL;
  for (uint32_t seed = 0; seed < kNumSeeds; ++seed) {
    TRY(ReferenceExecutor reference, reference_for(session));
    reference.round_otherwise(seed);
    for (int64_t i = 0; i < found.num_steps; ++i) {
      TRY(reference.step(reference_inputs(session, first_step_ + i)));
    }
    const Tensor* tensor =
        found.is_state ? reference.find_state(found.name) : reference.find_value(found.name);
    const double number = number_at(*tensor, found.element);
    least = std::min(least, number);
    most = std::max(most, number);
  }
  if (!(most - least > found.allowed)) return std::string();
  return fmt::format(
      "; rounding moves this number: with its results rounded otherwise the reference gives {:.6g} "
      "to {:.6g}",
      least, most);
}

}  // namespace graphrt
