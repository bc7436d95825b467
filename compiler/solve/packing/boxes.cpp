#include "compiler/solve/packing/boxes.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "runtime/base/philox.h"

namespace graphc {
namespace {

constexpr int64_t kMaxBoxLooksPerBlock = 64;
/// One joint in so many is put off.
constexpr uint32_t kBoxJointsPerDelay = 4;

class BoxJoiner {
 public:
  /// In a random order if there is a seed.
  BoxJoiner(const Strip& strip, BoxOrder order, std::optional<uint32_t> seed)
      : nodes_(strip.blocks),
        is_joined_(strip.blocks.size(), 0),
        open_(strip.blocks.size()),
        order_(order),
        seed_(seed) {
    std::iota(open_.begin(), open_.end(), 0);
  }

  void join() {
    int64_t looks_left = kMaxBoxLooksPerBlock * static_cast<int64_t>(open_.size());
    bool stacks = first_is_stack();
    // Ends where neither of both joins anything.
    for (int num_idle = 0; num_idle < 2 && looks_left > 0;) {
      looks_left -= static_cast<int64_t>(open_.size());
      has_delayed_ = false;
      const size_t num_joints = joints_.size();
      if (stacks) {
        stack();
      } else {
        relay();
      }
      std::erase_if(open_, [&](int32_t id) { return is_joined_[to_index(id)] != 0; });
      const bool is_idle = joints_.size() == num_joints && !has_delayed_;
      num_idle = is_idle ? num_idle + 1 : 0;
      stacks = is_idle ? !stacks : first_is_stack();
    }
  }

  BoxedStrip take() {
    // In the order of their begin, as blocks are numbered.
    std::sort(open_.begin(), open_.end(), [&](int32_t a, int32_t b) {
      return std::tuple(node(a).begin, node(a).end, a) < std::tuple(node(b).begin, node(b).end, b);
    });
    IntervalProblem problem;
    for (const int32_t id : open_) {
      problem.requests.push_back({node(id).size_bytes, {node(id).begin, node(id).end}});
    }
    BoxedStrip boxed;
    boxed.strip = split_into_strips(problem).front();
    boxed.nodes = std::move(open_);
    boxed.joints = std::move(joints_);
    return boxed;
  }

 private:
  const Block& node(int32_t id) const { return nodes_[to_index(id)]; }

  uint32_t next_random() { return graphrt::philox4x32({num_randoms_++, 0, 0, 0}, {*seed_, 0})[0]; }
  bool first_is_stack() {
    return seed_ ? next_random() % 2 == 0 : order_ == BoxOrder::kStacksFirst;
  }
  bool is_delayed() {
    if (!seed_ || next_random() % kBoxJointsPerDelay != 0) return false;
    has_delayed_ = true;
    return true;
  }

  void add_joint(int32_t first, int32_t second, bool is_stack) {
    Block joint = node(first);
    if (is_stack) {
      joint.size_bytes += node(second).size_bytes;
    } else {
      joint.end = node(second).end;
    }
    is_joined_[to_index(first)] = is_joined_[to_index(second)] = 1;
    open_.push_back(static_cast<int32_t>(nodes_.size()));
    nodes_.push_back(joint);
    is_joined_.push_back(0);
    joints_.push_back({first, second, is_stack});
  }

  /// Of every life, all boxes become one.
  void stack() {
    std::vector<int32_t> by_life = open_;
    std::sort(by_life.begin(), by_life.end(), [&](int32_t a, int32_t b) {
      return std::tuple(node(a).begin, node(a).end, a) < std::tuple(node(b).begin, node(b).end, b);
    });
    for (size_t i = 0; i < by_life.size();) {
      int32_t top = by_life[i];
      const Block life = node(top);
      for (++i; i < by_life.size() && node(by_life[i]).begin == life.begin &&
                node(by_life[i]).end == life.end;
           ++i) {
        if (is_delayed()) continue;
        add_joint(top, by_life[i], true);
        top = open_.back();
      }
    }
  }

  /// At every time, boxes that end are paired with boxes of their size that begin, short ones with
  /// short ones, so that what comes of it lies within what comes of others. A box is in one pair a
  /// round.
  void relay() {
    const auto end_key = [&](int32_t id) { return std::pair(node(id).end, node(id).size_bytes); };
    const auto begin_key = [&](int32_t id) {
      return std::pair(node(id).begin, node(id).size_bytes);
    };
    std::vector<int32_t> enders = open_;
    std::sort(enders.begin(), enders.end(), [&](int32_t a, int32_t b) {
      return std::tuple(end_key(a), -node(a).begin, a) < std::tuple(end_key(b), -node(b).begin, b);
    });
    std::vector<int32_t> beginners = open_;
    std::sort(beginners.begin(), beginners.end(), [&](int32_t a, int32_t b) {
      return std::tuple(begin_key(a), node(a).end, a) < std::tuple(begin_key(b), node(b).end, b);
    });
    size_t next = 0;
    for (const int32_t ender : enders) {
      if (is_joined_[to_index(ender)] != 0) continue;
      while (next < beginners.size() && (begin_key(beginners[next]) < end_key(ender) ||
                                         is_joined_[to_index(beginners[next])] != 0)) {
        ++next;
      }
      if (next == beginners.size()) break;
      if (begin_key(beginners[next]) != end_key(ender) || is_delayed()) continue;
      add_joint(ender, beginners[next], false);
    }
  }

  std::vector<Block> nodes_;
  std::vector<BoxJoint> joints_;
  std::vector<char> is_joined_;  ///< by node
  std::vector<int32_t> open_;    ///< boxes: nodes that are in no joint
  BoxOrder order_;
  std::optional<uint32_t> seed_;
  uint32_t num_randoms_ = 0;
  bool has_delayed_ = false;
};

BoxedStrip joined_boxes(const Strip& strip, BoxOrder order, std::optional<uint32_t> seed) {
  BoxJoiner joiner(strip, order, seed);
  joiner.join();
  return joiner.take();
}

}  // namespace

BoxedStrip join_into_boxes(const Strip& strip, BoxOrder order) {
  return joined_boxes(strip, order, std::nullopt);
}

BoxedStrip join_at_random(const Strip& strip, uint32_t seed) {
  return joined_boxes(strip, BoxOrder::kStacksFirst, seed);
}

StripPacking unboxed(const BoxedStrip& boxed, const StripPacking& packing, const Strip& strip) {
  const size_t num_blocks = strip.blocks.size();
  std::vector<int64_t> offset_bytes(num_blocks + boxed.joints.size(), 0);
  std::vector<int64_t> size_bytes;
  for (const Block& block : strip.blocks) size_bytes.push_back(block.size_bytes);
  for (const BoxJoint& joint : boxed.joints) {
    const int64_t above_bytes = joint.is_stack ? size_bytes[to_index(joint.second)] : 0;
    size_bytes.push_back(size_bytes[to_index(joint.first)] + above_bytes);
  }
  for (size_t box = 0; box < boxed.nodes.size(); ++box) {
    offset_bytes[to_index(boxed.nodes[box])] = packing.offset_bytes[box];
  }
  for (size_t i = boxed.joints.size(); i-- > 0;) {
    const BoxJoint& joint = boxed.joints[i];
    const int64_t first_bytes = offset_bytes[num_blocks + i];
    const int64_t below_bytes = joint.is_stack ? size_bytes[to_index(joint.first)] : 0;
    offset_bytes[to_index(joint.first)] = first_bytes;
    offset_bytes[to_index(joint.second)] = first_bytes + below_bytes;
  }
  offset_bytes.resize(num_blocks);
  return {std::move(offset_bytes), packing.height_bytes};
}

}  // namespace graphc
