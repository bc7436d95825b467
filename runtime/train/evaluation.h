#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/session/session.h"

namespace graphrt {

/// What an evaluation found out about one scalar output.
struct Mean {
  std::string output;
  double value = 0;  ///< the sum over all steps, in double, by their number
  std::string text;  ///< the shortest that reads back as the same number of the output's precision
};

/// A second plan that says how good the states of the first are.
class Evaluation {
 public:
  /// Loads the plan onto the same devices and reads its feeds.
  /// Errors: a plan that cannot run; a state that the training plan does not have in that type; an
  ///         input without a feed; no scalar output.
  static Result<Evaluation> load(const std::filesystem::path& path, const SessionOptions& options,
                                 const Session& training);

  /// Its scalar outputs.
  const std::vector<std::string>& names() const { return names_; }
  const Plan& plan() const { return session_.plan(); }

  /// Hands the states over and goes through all rows once, in their order, from the first; the
  /// means over the steps of the scalar outputs, in the order of names(). Same states, same texts.
  /// Requires: `training` is the session it was loaded for.
  /// Errors: as Session::run, of either session.
  Result<std::vector<Mean>> run(const Session& training, const RunOptions& options = {});

 private:
  explicit Evaluation(Session session) : session_(std::move(session)) {}

  static Result<Evaluation> load_checked(const std::filesystem::path& path,
                                         const SessionOptions& options, const Session& training);
  Result<std::vector<Mean>> run_once(const Session& training, const RunOptions& options);

  Session session_;
  std::vector<std::string> names_;
  int64_t num_steps_ = 1;
};

}  // namespace graphrt
