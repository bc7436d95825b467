#pragma once

#include <string>
#include <vector>

#include "compiler/machine/machine.h"

namespace graphc {

/// More than one process can agree on a step with, and more than links of each to each are listed
/// for.
inline constexpr int32_t kMaxHosts = 256;

/// A host as a machine of its own: what it has, under the names that it has there.
struct HostPart {
  std::string name;
  Machine machine;
  SourceRange where = {};
};

/// `whole`, which has everything but devices, as a machine of these hosts: the devices and resources
/// of `h0` are called `h0/gpu0`, and the CPU of each host is linked to those of all others through
/// the cards of both. Requires: several hosts, kMaxHosts at most; `whole` has a network.
Machine join_hosts(Machine whole, const std::vector<HostPart>& parts);

/// The devices and links of one host, as a machine of its own.
Machine machine_of_host(const Machine& whole, HostId host);

/// `count` hosts `h0`, `h1` and so on that are like this one. Requires: as join_hosts.
Machine repeat_host(const Machine& one, int32_t count);

}  // namespace graphc
