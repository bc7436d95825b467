#include "compiler/machine/routes.h"

#include <algorithm>
#include <optional>

namespace graphc {
namespace {

constexpr double kRouteBytes = 1 << 20;

double hop_ns(const Machine& machine, const LinkDirection& link) {
  return static_cast<double>(link.latency_ns) + kRouteBytes / machine.bytes_per_s(link) * 1e9;
}

struct Reached {
  double cost_ns = 0;
  int num_hops = 0;
  const LinkDirection* by = nullptr;
};

bool is_better(const Reached& a, const Reached& b) {
  if (a.cost_ns != b.cost_ns) return a.cost_ns < b.cost_ns;
  return a.num_hops < b.num_hops;
}

}  // namespace

std::vector<const LinkDirection*> cheapest_route(const Machine& machine, DeviceId from,
                                                 DeviceId to) {
  IdVector<DeviceId, std::optional<Reached>> reached(machine.devices.size());
  reached[from] = Reached{};
  for (size_t round = 0; round < machine.devices.size(); ++round) {
    for (const LinkDirection& link : machine.links) {
      if (!reached[link.from]) continue;
      const Reached next{reached[link.from]->cost_ns + hop_ns(machine, link),
                         reached[link.from]->num_hops + 1, &link};
      if (!reached[link.to] || is_better(next, *reached[link.to])) reached[link.to] = next;
    }
  }
  std::vector<const LinkDirection*> route;
  for (DeviceId at = to; at != from && reached[at]; at = reached[at]->by->from) {
    route.push_back(reached[at]->by);
  }
  std::reverse(route.begin(), route.end());
  return route;
}

}  // namespace graphc
