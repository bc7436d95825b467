#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/tensor.h"
#include "runtime/kernels/reference/reference_executor.h"
#include "runtime/session/session.h"

namespace graphrt {

/// A result x may differ from the reference r by at most this times max(1, largest |r| of the
/// tensor); integers must be equal. NaN agrees with NaN only.
inline constexpr double kCheckTolerance = 1e-4;
/// The same where the graph asks for coarser products, or stores values in 16 bits. An operand cut to 11 bits is wrong by up to
/// 2^-10 of it, one of 8 bits by 2^-7, both operands by twice that.
inline constexpr double kTf32CheckTolerance = 5e-3;
inline constexpr double kBf16CheckTolerance = 4e-2;

/// That of the coarsest product or value in the graph.
double check_tolerance(const SourceGraph& source);

struct CheckReport {
  int64_t num_steps = 0;
  int64_t num_tensors = 0;   ///< compared, those of every step counted
  double largest_error = 0;  ///< |x - r| / max(1, largest |r|)
  double tolerance = 0;      ///< what it may be
};

/// Compares what a session computes with the reference executor on the plan's source graph, which
/// is the graph before any pass: it does not inherit the compiler's mistakes.
class ReferenceCheck {
 public:
  /// Before the run: remembers the states and lets the session keep all outputs.
  static Result<ReferenceCheck> begin(Session& session);

  /// After the run: runs the reference over the same steps and compares every output of every step
  /// (of those that stay on a device, of the last one) and all states.
  /// Errors: kMismatch, naming the value, step, element and both numbers, what the reference gives
  ///         when its results are rounded otherwise if that differs, too, and what else differs in
  ///         that step; at least one step must have run.
  /// Cost: the reference is slow, and holds no more than one step; after a mismatch it runs up to
  ///       that step four times more.
  Result<CheckReport> finish(const Session& session) const;

 private:
  /// The first number that differs, and what else does.
  struct Mismatch {
    std::string message;
    std::string name;
    bool is_state = false;
    int64_t num_steps = 0;  ///< that the reference has to run to get there
    size_t element = 0;
    double allowed = 0;  ///< difference
    std::vector<std::string> others;
  };

  Result<ReferenceExecutor> reference_for(const Session& session) const;
  Result<CheckReport> compare_all(const Session& session) const;
  Result<CheckReport> compare(const Session& session, std::optional<Mismatch>& found) const;
  Result<std::string> rounded_otherwise(const Session& session, const Mismatch& found) const;

  int64_t first_step_ = 0;
  std::map<std::string, Tensor> states_;
};

/// Compares one tensor with the reference; `what` names it in the error. Returns |x - r| / max(1,
/// largest |r|) at its largest. Errors: kMismatch.
Result<double> compare_with_reference(const std::string& what, const TensorType& type,
                                      std::span<const std::byte> value, const Tensor& reference,
                                      double tolerance = kCheckTolerance);

}  // namespace graphrt
