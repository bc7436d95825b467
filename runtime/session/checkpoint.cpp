#include "runtime/session/checkpoint.h"

#include <charconv>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/exceptions.h"
#include "runtime/base/file.h"
#include "runtime/base/safetensors.h"
#include "runtime/session/state_file.h"

namespace graphrt {
namespace {

using Metadata = std::map<std::string, std::string>;

// The words about a checkpoint, beside those of every file of states.
constexpr const char* kVersion = "checkpoint";
constexpr const char* kGraph = "graph";
constexpr const char* kFingerprint = "graph_fingerprint";
constexpr const char* kNextStep = "next_step";
constexpr const char* kNumRows = "rows";
constexpr const char* kSeed = "shuffle_seed";
constexpr const char* kKnownVersion = "1";

Result<Metadata> describe(Session& session) {
  TRY(const FeedRows rows, session.feed_rows());
  Metadata metadata{{kVersion, kKnownVersion},
                    {kGraph, session.plan().name},
                    {kFingerprint, session.plan().fingerprints.graph},
                    {kNextStep, std::to_string(session.next_step())},
                    {kNumRows, std::to_string(rows.num_rows)}};
  if (session.row_order().seed()) metadata[kSeed] = std::to_string(*session.row_order().seed());
  return metadata;
}

std::optional<std::string> find(const Metadata& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) return std::nullopt;
  return found->second;
}

std::string order_text(const std::optional<std::string>& seed) {
  return seed ? "shuffled with seed " + *seed : "not shuffled";
}

/// Why a run like `here` cannot go on from a file like `there`; empty if it can.
std::string difference(const Metadata& there, const Metadata& here) {
  if (find(there, kVersion) != find(here, kVersion)) {
    return find(there, kVersion) ? "it is a checkpoint of another version"
                                 : "it is not a checkpoint; --load-state starts from its states";
  }
  if (find(there, kFingerprint) != find(here, kFingerprint)) {
    return "it is of another graph, '" + find(there, kGraph).value_or("") + "', than the plan, '" +
           here.at(kGraph) + "' (fingerprints " + find(there, kFingerprint).value_or("missing") +
           " and " + here.at(kFingerprint) + ")";
  }
  if (find(there, kSeed) != find(here, kSeed)) {
    return "its rows were " + order_text(find(there, kSeed)) + ", those of this run are " +
           order_text(find(here, kSeed));
  }
  if (find(there, kNumRows) != find(here, kNumRows)) {
    return "its feeds had " + find(there, kNumRows).value_or("no") +
           " rows, those of this run have " + here.at(kNumRows);
  }
  return "";
}

std::optional<int64_t> step_of(const Metadata& metadata) {
  const std::string text = find(metadata, kNextStep).value_or("");
  int64_t step = -1;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), step);
  const bool is_number = error == std::errc() && stop == text.data() + text.size();
  if (!is_number || step < 0 || step > kMaxStep) return std::nullopt;
  return step;
}

/// What does not fit of the states; empty if all do.
std::string state_difference(const Plan& plan, const Safetensors& file, StateTypes types) {
  for (const PlanState& state : plan.states) {
    std::string misfit = state_misfit(state, file, types);
    if (!misfit.empty()) return misfit;
  }
  return "";
}

/// Whether, as far as states tell, the file is of the plan's graph with other types of floats.
bool differs_in_types_alone(const Plan& plan, const Safetensors& file) {
  return file.tensors.size() == plan.states.size() && num_cast_states(plan, file) > 0 &&
         state_difference(plan, file, StateTypes::kCast).empty();
}

Result<void> write_standing(Session& session, const std::filesystem::path& path) {
  Safetensors file;
  TRY(file.metadata, describe(session));
  for (const PlanState& state : session.plan().states) {
    TRY(file.tensors[state.name], session.state(state.name));
  }
  return session.write_tensors(path, file);
}

Result<size_t> take_standing(Session& session, const std::filesystem::path& path,
                             StateTypes types) {
  const auto refuse = [&](const std::string& reason) {
    return input_error("cannot resume from '" + path.string() + "': " + reason);
  };
  TRY(const Safetensors file, session.read_tensors(path));
  TRY(Metadata here, describe(session));
  const Plan& plan = session.plan();
  std::string reason;
  if (differs_in_types_alone(plan, file)) {
    reason = state_difference(plan, file, types);
    here[kFingerprint] = find(file.metadata, kFingerprint).value_or("");
  }
  if (reason.empty()) reason = difference(file.metadata, here);
  if (reason.empty()) reason = state_difference(plan, file, types);
  if (!reason.empty()) return refuse(reason);
  const std::optional<int64_t> step = step_of(file.metadata);
  if (!step) return refuse("it does not say at which step it was written");
  std::vector<Tensor> values;
  for (const PlanState& state : plan.states) {
    Result<Tensor> value = state_from(state, file);
    if (!value) return refuse(value.error().message);
    values.push_back(*std::move(value));
  }
  TRY(session.start_at(*step));
  for (size_t i = 0; i < values.size(); ++i) {
    TRY(session.set_state(plan.states[i].name, values[i]));
  }
  return num_cast_states(plan, file);
}

}  // namespace

Result<void> write_checkpoint(Session& session, const std::filesystem::path& path) {
  return without_exceptions([&] { return write_standing(session, path); });
}

Result<size_t> resume_from(Session& session, const std::filesystem::path& path, StateTypes types) {
  return without_exceptions([&] { return take_standing(session, path, types); });
}

Result<std::optional<size_t>> resume_if_there(Session& session, const std::filesystem::path& path,
                                              StateTypes types) {
  return without_exceptions([&]() -> Result<std::optional<size_t>> {
    TRY(const bool is_there, session.is_there(path));
    if (!is_there) return std::nullopt;
    TRY(const size_t num_cast, take_standing(session, path, types));
    return num_cast;
  });
}

}  // namespace graphrt
