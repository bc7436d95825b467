#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

#include "runtime/base/result.h"
#include "runtime/session/session.h"

namespace graphrt {

/// Writes where a session stands between two steps into one safetensors file: all states, the
/// number of the next step, the order and number of the feeds' rows, and the fingerprint of the
/// graph. Session::load_state takes the file too.
///
/// Replaces the file as a whole: whenever the process or the machine ends, there is the checkpoint
/// before or this one.
/// Requires: no run goes on.
/// Errors: a file that cannot be written (kMachine); inputs that are missing or do not fit.
Result<void> write_checkpoint(Session& session, const std::filesystem::path& path);

/// Puts a session where the one stood that wrote the file. The same plan then goes on with the same
/// bits as if it had never stopped; another plan of the same graph goes on too.
/// With kCast, so does a plan whose graph has states of other types of floats: what the file says
/// of its graph counts as far as its states do. Returns how many were cast.
/// Requires: inputs and row order of the session are set.
/// Errors: not a checkpoint; of another graph; another order or number of rows; states that do not
///         fit. The session is left as it was.
Result<size_t> resume_from(Session& session, const std::filesystem::path& path,
                           StateTypes types = StateTypes::kSame);

/// The same where there is a file, so that what starts a run restarts it, too; without one, nothing.
/// Errors: as resume_from(); a path that cannot be looked at (kMachine).
Result<std::optional<size_t>> resume_if_there(Session& session, const std::filesystem::path& path,
                                              StateTypes types = StateTypes::kSame);

}  // namespace graphrt
