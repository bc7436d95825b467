#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/engine/session.h"

namespace graphrun {

/// A second plan that says how good the states of the first are.
class Evaluation {
 public:
  /// Loads the plan onto the same devices and reads its feeds.
  /// Errors: a plan that cannot run; a state that the training plan does not have in that type; an
  ///         input without a feed; no scalar output.
  static graphrt::Result<Evaluation> load(const std::filesystem::path& path,
                                          const graphrt::SessionOptions& options,
                                          const graphrt::Session& training);

  /// Its scalar outputs.
  const std::vector<std::string>& names() const { return names_; }
  const graphrt::Plan& plan() const { return session_.plan(); }

  /// Hands the states over and goes through all rows once, in their order, from the first; the
  /// mean over the steps of every scalar output, as text. Same states, same texts.
  /// Requires: `training` is the session it was loaded for.
  graphrt::Result<std::vector<std::string>> run(const graphrt::Session& training,
                                                const graphrt::RunOptions& options);

 private:
  explicit Evaluation(graphrt::Session session) : session_(std::move(session)) {}

  graphrt::Session session_;
  std::vector<std::string> names_;
  int64_t num_steps_ = 1;
};

}  // namespace graphrun
