#pragma once

#include "runtime/plan/plan.h"
#include "tests/unit/runtime/plan/plan_builder.h"

namespace graphrt {

inline IdVector<DeviceId, bool> all_accelerators(const Plan& plan) {
  IdVector<DeviceId, bool> has_queue;
  for (const PlanDevice& device : plan.devices) has_queue.push_back(device.kind != "cpu");
  return has_queue;
}

/// Two accelerators, one of them behind the host, listed against the order of their work:
///
///   idle      (nothing)
///   gpu1.0              c       c = relu b'
///   cpu->gpu1        b'
///   cpu.0         b             b = relu a'
///   gpu0->cpu   a'
///   gpu0.0     a                a = relu k
inline Plan through_the_host() {
  PlanBuilder p;
  const DeviceId cpu(0);
  const DeviceId gpu0 = p.device("gpu0", "cuda");
  const DeviceId gpu1 = p.device("gpu1", "cuda");
  p.lane("idle", LaneKind::kCompute, gpu1);
  const LaneId compute1 = p.lane("gpu1.0", LaneKind::kCompute, gpu1);
  const LaneId to_gpu1 = p.link("cpu->gpu1", cpu, gpu1);
  const LaneId worker = p.lane("cpu.0");
  const LaneId to_cpu = p.link("gpu0->cpu", gpu0, cpu);
  const LaneId compute0 = p.lane("gpu0.0", LaneKind::kCompute, gpu0);
  const BufferId k = p.buffer("k", gpu0);
  const BufferId a = p.buffer("a", gpu0, 2);
  const BufferId a_cpu = p.buffer("a@cpu", cpu, 3);
  const BufferId b = p.buffer("b", cpu);
  const BufferId b_gpu = p.buffer("b@gpu1", gpu1);
  const BufferId c = p.buffer("c", gpu1);
  p.constant("k", k);
  p.resident_output("c", {c});
  const auto c_made = p.kernel(compute1, "c", "relu", {{b_gpu}}, c);
  const auto b_sent = p.copy(to_gpu1, "b -> gpu1", {b}, b_gpu);
  const auto b_made = p.kernel(worker, "b", "relu", {{a_cpu}}, b);
  const auto a_sent = p.copy(to_cpu, "a -> cpu", {a}, a_cpu);
  const auto a_made = p.kernel(compute0, "a", "relu", {{k}}, a);
  p.wait(c_made, to_gpu1, 1);
  p.wait(b_sent, worker, 1);
  p.wait(b_sent, compute1, 1, 1);
  p.wait(b_made, to_cpu, 1);
  p.wait(b_made, to_gpu1, 1, 1);
  p.wait(a_sent, compute0, 1);
  p.wait(a_sent, worker, 1, 3);
  p.wait(a_made, to_cpu, 1, 2);
  return p.build();
}

}  // namespace graphrt
