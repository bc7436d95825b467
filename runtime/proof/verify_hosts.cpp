#include "runtime/proof/verify_hosts.h"

#include <fmt/format.h>

#include <set>

#include "runtime/proof/structure_violation.h"

namespace graphrt {
namespace {

using Violation = std::optional<PlanViolation>;

Violation check_host_names(const Plan& plan) {
  std::set<std::string_view> names;
  for (const std::string& name : plan.hosts) {
    if (names.insert(name).second) continue;
    return structure_violation(fmt::format("there are two hosts of name '{}'", name));
  }
  return std::nullopt;
}

PlanViolation no_cpu_first() {
  return structure_violation("the first device must be of kind 'cpu', the host");
}

}  // namespace

std::optional<PlanViolation> find_host_violation(const Plan& plan) {
  if (Violation violation = check_host_names(plan)) return violation;
  std::optional<DeviceId> cpu;  // of the host that the devices so far end with
  for (const DeviceId id : plan.devices.ids()) {
    const PlanDevice& device = plan.devices[id];
    const bool is_first = !cpu || plan.devices[*cpu].host != device.host;
    if (!is_first && is_host_device(plan, id)) {
      return structure_violation(
          fmt::format("device '{}' is of kind 'cpu', and '{}' is the host already", device.name,
                      plan.devices[*cpu].name));
    }
    if (!is_first) continue;
    const HostId next(cpu ? plan.devices[*cpu].host.value() + 1 : 0);
    if (device.host != next) {
      return structure_violation(fmt::format("device '{}' is of host {}, where host {} is next",
                                             device.name, device.host.value(), next.value()));
    }
    if (!is_host_device(plan, id)) return no_cpu_first();
    cpu = id;
  }
  if (!cpu) return no_cpu_first();
  if (plan.devices[*cpu].host.index() + 1 == num_hosts(plan)) return std::nullopt;
  return structure_violation(fmt::format("host '{}' has no device",
                                         plan.hosts[HostId(plan.devices[*cpu].host.index() + 1)]));
}

}  // namespace graphrt
