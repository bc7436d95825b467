#include "runtime/proof/buffer_overlap.h"

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
std::vector<VersionPair> meeting_versions(const BufferRegion& first, const BufferRegion& second,
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

BufferRegion region_of(const PlanBuffer& buffer, const std::optional<RowRange>& rows) {
  const RowRange range = rows_or_all(buffer.type, rows);
  const int64_t begin = row_offset_bytes(buffer.type, range.begin);
  const int64_t end = rows ? row_offset_bytes(buffer.type, range.end) : buffer.type.size_bytes();
  return {buffer.arena, buffer.offset_bytes + begin, end - begin, buffer.stride_bytes,
          buffer.versions};
}

ByteRange version_bytes(const BufferRegion& region, int64_t version) {
  const int64_t begin = region.offset_bytes + version * region.stride_bytes;
  return {begin, begin + region.size_bytes};
}

ByteRange all_bytes(const BufferRegion& region) {
  return {region.offset_bytes, version_bytes(region, region.versions - 1).end};
}

BufferOverlap::BufferOverlap(const BufferRegion& first, const BufferRegion& second)
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

ByteRange BufferOverlap::common_bytes(const BufferRegion& first, const BufferRegion& second,
                                      int64_t difference) {
  const std::vector<VersionPair> pairs = meeting_versions(first, second, difference);
  CHECK(!pairs.empty(), "the versions share no bytes");
  const auto& [a, b] = pairs.front();
  return {std::max(a.begin, b.begin), std::min(a.end, b.end)};
}

bool BufferOverlap::is_exact(const BufferRegion& first, const BufferRegion& second,
                             int64_t difference) {
  const std::vector<VersionPair> pairs = meeting_versions(first, second, difference);
  return std::all_of(pairs.begin(), pairs.end(),
                     [](const VersionPair& pair) { return pair.first == pair.second; });
}

std::vector<std::vector<BufferId>> groups_by_place(const Plan& plan) {
  std::vector<BufferId> buffers;
  for (const BufferId id : plan.buffers.ids()) buffers.push_back(id);
  const auto place = [&](BufferId id) {
    return std::tuple(plan.buffers[id].arena, plan.buffers[id].offset_bytes, id);
  };
  std::sort(buffers.begin(), buffers.end(),
            [&](BufferId a, BufferId b) { return place(a) < place(b); });
  std::vector<std::vector<BufferId>> groups;
  ArenaId arena;
  int64_t end = 0;
  for (const BufferId id : buffers) {
    const PlanBuffer& buffer = plan.buffers[id];
    if (groups.empty() || buffer.arena != arena || buffer.offset_bytes >= end) {
      groups.emplace_back();
      end = 0;
    }
    arena = buffer.arena;
    end = std::max(end, all_bytes(region_of(buffer)).end);
    groups.back().push_back(id);
  }
  return groups;
}

}  // namespace graphrt
