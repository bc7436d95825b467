#include "compiler/solve/packing/strip.h"

#include <algorithm>

namespace graphc {
namespace {

/// Something begins or ends. All that ends at a time does so before anything begins.
struct Event {
  int64_t time = 0;
  bool is_begin = false;
  RequestId request;

  auto operator<=>(const Event&) const = default;
};

std::vector<Event> events_of(const IntervalProblem& problem) {
  std::vector<Event> events;
  events.reserve(2 * problem.requests.size());
  for (const RequestId id : problem.requests.ids()) {
    const auto& [size_bytes, live] = problem.requests[id];
    if (size_bytes == 0 || live.begin >= live.end) continue;
    events.push_back({live.begin, true, id});
    events.push_back({live.end, false, id});
  }
  std::sort(events.begin(), events.end());
  return events;
}

/// Builds strips from events in order.
class StripSplitter {
 public:
  explicit StripSplitter(const IntervalProblem& problem)
      : problem_(problem), block_of_(problem.requests.size(), 0) {}

  std::vector<Strip> split() {
    for (const Event& event : events_of(problem_)) {
      if (event.is_begin) {
        begin(event.request);
      } else {
        end(event.request);
      }
    }
    return std::move(strips_);
  }

 private:
  void begin(RequestId request) {
    if (num_alive_ == 0) strips_.emplace_back();
    Strip& strip = strips_.back();
    if (num_alive_ == 0 || after_end_) ++strip.num_sections;
    after_end_ = false;
    block_of_[request] = strip.blocks.size();
    const int64_t size_bytes = problem_.requests[request].size_bytes;
    strip.blocks.push_back({size_bytes, strip.num_sections - 1, 0});
    strip.requests.push_back(request);
    strip.num_overlaps += num_alive_++;
    load_bytes_ += size_bytes;
    strip.max_load_bytes = std::max(strip.max_load_bytes, load_bytes_);
  }

  void end(RequestId request) {
    Strip& strip = strips_.back();
    strip.blocks[block_of_[request]].end = strip.num_sections;
    --num_alive_;
    load_bytes_ -= problem_.requests[request].size_bytes;
    after_end_ = true;
  }

  const IntervalProblem& problem_;
  IdVector<RequestId, size_t> block_of_;
  std::vector<Strip> strips_;
  int64_t num_alive_ = 0;
  int64_t load_bytes_ = 0;
  bool after_end_ = false;
};

}  // namespace

std::vector<Strip> split_into_strips(const IntervalProblem& problem) {
  return StripSplitter(problem).split();
}

}  // namespace graphc
