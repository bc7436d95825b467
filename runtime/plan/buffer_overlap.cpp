#include "runtime/plan/buffer_overlap.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "runtime/base/check.h"

namespace graphrt {
namespace {

bool intersects(const ByteRange& a, const ByteRange& b) {
  return a.begin < b.end && b.begin < a.end;
}

struct VersionPair {
  ByteRange first;
  ByteRange second;
};

/// The pairs of versions that share bytes and differ by `difference` modulo the period.
std::vector<VersionPair> meeting_versions(const PlanBuffer& first, const PlanBuffer& second,
                                          int64_t difference) {
  const int64_t period = std::gcd(first.versions, second.versions);
  std::vector<VersionPair> pairs;
  for (int64_t i = 0; i < first.versions; ++i) {
    for (int64_t j = 0; j < second.versions; ++j) {
      if ((j - i - difference) % period != 0) continue;
      const VersionPair pair{version_bytes(first, i), version_bytes(second, j)};
      if (intersects(pair.first, pair.second)) pairs.push_back(pair);
    }
  }
  return pairs;
}

}  // namespace

ByteRange version_bytes(const PlanBuffer& buffer, int64_t version) {
  const int64_t begin = buffer.offset_bytes + version * buffer.stride_bytes;
  return {begin, begin + buffer.type.size_bytes()};
}

ByteRange all_bytes(const PlanBuffer& buffer) {
  return {buffer.offset_bytes, version_bytes(buffer, buffer.versions - 1).end};
}

BufferOverlap::BufferOverlap(const PlanBuffer& first, const PlanBuffer& second)
    : period_(std::gcd(first.versions, second.versions)) {
  if (first.arena != second.arena) return;
  if (!intersects(all_bytes(first), all_bytes(second))) return;
  for (int64_t i = 0; i < first.versions; ++i) {
    for (int64_t j = 0; j < second.versions; ++j) {
      if (!intersects(version_bytes(first, i), version_bytes(second, j))) continue;
      differences_.set(residue(j - i));
    }
  }
}

ByteRange BufferOverlap::common_bytes(const PlanBuffer& first, const PlanBuffer& second,
                                      int64_t difference) {
  const std::vector<VersionPair> pairs = meeting_versions(first, second, difference);
  CHECK(!pairs.empty(), "the versions share no bytes");
  const auto& [a, b] = pairs.front();
  return {std::max(a.begin, b.begin), std::min(a.end, b.end)};
}

bool BufferOverlap::is_exact(const PlanBuffer& first, const PlanBuffer& second,
                             int64_t difference) {
  const std::vector<VersionPair> pairs = meeting_versions(first, second, difference);
  return std::all_of(pairs.begin(), pairs.end(),
                     [](const VersionPair& pair) { return pair.first == pair.second; });
}

std::vector<std::vector<BufferId>> buffers_by_place(const Plan& plan) {
  std::vector<std::vector<BufferId>> places(plan.arenas.size());
  for (const BufferId id : plan.buffers.ids()) {
    places[plan.buffers[id].arena.index()].push_back(id);
  }
  const auto begins_before = [&](BufferId a, BufferId b) {
    return std::tie(plan.buffers[a].offset_bytes, a) < std::tie(plan.buffers[b].offset_bytes, b);
  };
  for (std::vector<BufferId>& buffers : places) {
    std::sort(buffers.begin(), buffers.end(), begins_before);
  }
  return places;
}

}  // namespace graphrt
