#include "runtime/session/arrange_hosts.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/base/fingerprint.h"
#include "runtime/base/text.h"
#include "runtime/plan/plan_file.h"

namespace graphrt {
namespace {

using RankMap = std::map<std::string, int32_t>;

/// The names of a plan's hosts; a plan over one host has none for it.
std::vector<std::string> host_names(const Plan& plan) {
  std::vector<std::string> names(plan.hosts.begin(), plan.hosts.end());
  if (names.empty()) names.emplace_back("the host");
  return names;
}

std::string number_of(size_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

Result<void> check_map(const RankMap& map, const std::vector<std::string>& names,
                       int32_t num_ranks) {
  std::map<int32_t, std::string> host_of_rank;
  for (const auto& [host, rank] : map) {
    const std::string option = "--rank-map " + host + "=" + std::to_string(rank) + ": ";
    if (std::find(names.begin(), names.end(), host) == names.end()) {
      return usage_error(option + "the plan has no host of that name; it has " + join(names, ", "));
    }
    if (rank >= num_ranks) {
      return usage_error(option + "mpirun started ranks 0 to " + std::to_string(num_ranks - 1));
    }
    const auto [at, is_new] = host_of_rank.try_emplace(rank, host);
    if (!is_new) return usage_error(option + "that rank stands for " + at->second + " already");
  }
  return {};
}

/// Which rank stands for each host. Requires: a map that fits.
std::vector<int32_t> ranks_of_hosts(const RankMap& map, const std::vector<std::string>& names) {
  std::vector<bool> is_taken(names.size());
  for (const auto& [host, rank] : map) is_taken[static_cast<size_t>(rank)] = true;
  std::vector<int32_t> ranks;
  size_t next = 0;
  for (const std::string& name : names) {
    const auto mapped = map.find(name);
    if (mapped != map.end()) {
      ranks.push_back(mapped->second);
      continue;
    }
    while (is_taken[next]) ++next;
    ranks.push_back(static_cast<int32_t>(next++));
  }
  return ranks;
}

/// What has to be the same everywhere: the plan, and what is asked of it.
std::string identity_of(const Plan& plan) {
  return std::to_string(checksum(encode_plan(plan))) + " " + std::to_string(num_hosts(plan));
}

}  // namespace

Result<void> arrange_hosts(Transport& transport, const Plan& plan, const RankMap& rank_map) {
  const std::vector<std::string> names = host_names(plan);
  if (transport.is_alone()) return check_map(rank_map, names, 1);
  TRY(const std::vector<std::string> plans,
      transport.agree(Result<std::string>(identity_of(plan))));
  for (size_t rank = 1; rank < plans.size(); ++rank) {
    if (plans[rank] == plans[0]) continue;
    return transport.agreed({ErrorKind::kInput, "rank " + std::to_string(rank) + " (" +
                                                    transport.title(static_cast<int32_t>(rank)) +
                                                    ") has another plan than rank 0 (" +
                                                    transport.title(0) + ")"});
  }
  if (plans.size() != names.size()) {
    return transport.agreed(
        {ErrorKind::kInput, "the plan is for " + number_of(names.size(), "host") +
                                ", mpirun started " + std::to_string(plans.size())});
  }
  if (transport.is_arranged()) return {};
  const Result<void> map = check_map(rank_map, names, transport.num_ranks());
  if (!map) return transport.agreed(map.error());
  return transport.arrange(ranks_of_hosts(rank_map, names), names);
}

}  // namespace graphrt
