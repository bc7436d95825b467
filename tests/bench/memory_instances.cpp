#include "tests/bench/memory_instances.h"

#include <algorithm>
#include <random>

namespace graphc {
namespace {

constexpr int64_t kSide = int64_t{1} << 30;  // of the square, in bytes and in time

struct Rectangle {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t bottom = 0;
  int64_t top = 0;
  size_t num_pieces = 0;
};

/// Cuts a rectangle in two; pieces go to the parts by their areas.
std::pair<Rectangle, Rectangle> cut(const Rectangle& whole, std::mt19937_64& random) {
  const int64_t width = whole.end - whole.begin;
  const int64_t height = whole.top - whole.bottom;
  const bool across_time = width > height;
  const int64_t side = across_time ? width : height;
  const int64_t at =
      side < 4 ? 1 : side / 4 + static_cast<int64_t>(random() % static_cast<uint64_t>(side / 2));
  Rectangle first = whole;
  Rectangle second = whole;
  if (across_time) {
    first.end = second.begin = whole.begin + at;
  } else {
    first.top = second.bottom = whole.bottom + at;
  }
  // By their areas; rounded down is near enough.
  const double share = static_cast<double>(at) / static_cast<double>(side);
  const auto wanted = static_cast<size_t>(share * static_cast<double>(whole.num_pieces));
  first.num_pieces = std::clamp<size_t>(wanted, 1, whole.num_pieces - 1);
  second.num_pieces = whole.num_pieces - first.num_pieces;
  return {first, second};
}

}  // namespace

MemoryInstance planted_instance(size_t num_requests, uint32_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Rectangle> open = {{0, kSide, 0, kSide, num_requests}};
  std::vector<IntervalRequest> requests;
  while (!open.empty()) {
    const Rectangle whole = open.back();
    open.pop_back();
    if (whole.num_pieces == 1) {
      requests.push_back({whole.top - whole.bottom, {whole.begin, whole.end}});
      continue;
    }
    const auto [first, second] = cut(whole, random);
    open.push_back(first);
    open.push_back(second);
  }
  // Not std::shuffle, whose numbers differ from library to library.
  for (size_t i = requests.size(); i > 1; --i) std::swap(requests[i - 1], requests[random() % i]);
  MemoryInstance instance;
  instance.name = "planted/" + std::to_string(num_requests);
  for (const IntervalRequest& request : requests) instance.problem.requests.push_back(request);
  return instance;
}

}  // namespace graphc
