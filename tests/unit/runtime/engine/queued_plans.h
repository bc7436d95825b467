#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "runtime/engine/engine.h"
#include "runtime/plan/plan.h"
#include "tests/unit/runtime/plan/plan_builder.h"

namespace graphrt {

/// One queue for all accelerators.
inline QueueOfDevice all_accelerators(const Plan& plan) {
  QueueOfDevice queue_of;
  for (const PlanDevice& device : plan.devices) {
    queue_of.push_back(device.kind == "cpu" ? std::nullopt : std::optional(QueueId(0)));
  }
  return queue_of;
}

inline QueueChoice one_queue(const Plan& plan, LaneQueueFactory make_queue) {
  QueueChoice choice{all_accelerators(plan), {}};
  choice.make_queue.push_back(std::move(make_queue));
  return choice;
}

/// A queue for each kind of accelerators, in the order in which the plan names them.
inline QueueOfDevice queues_by_kind(const Plan& plan) {
  std::map<std::string, QueueId> queues;
  QueueOfDevice queue_of;
  for (const PlanDevice& device : plan.devices) {
    queue_of.push_back(std::nullopt);
    if (device.kind == "cpu") continue;
    const auto queue = queues.try_emplace(device.kind, queues.size()).first->second;
    queue_of[DeviceId(queue_of.size() - 1)] = queue;
  }
  return queue_of;
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

/// Two accelerators of different kinds, whose copies over the host wait for each other: that to
/// npu0 for what it reads, that from gpu0 until it is read.
///
///   feed        x
///   cpu->gpu0   x -> gpu0
///   gpu0.0      d               d = 2 x
///   gpu0->cpu   d -> cpu        waits on cpu->npu0, an interval before
///   cpu->npu0   d -> npu0       waits on gpu0->cpu
///   npu0.0      s               s = s + d, a state
///   npu0->cpu   s -> cpu
///   output      s
inline Plan over_two_kinds() {
  PlanBuilder p;
  const DeviceId cpu(0);
  const DeviceId gpu = p.device("gpu0", "cuda");
  const DeviceId npu = p.device("npu0", "npu");
  const LaneId feed = p.lane("feed", LaneKind::kFeed);
  const LaneId to_gpu = p.link("cpu->gpu0", cpu, gpu);
  const LaneId on_gpu = p.lane("gpu0.0", LaneKind::kCompute, gpu);
  const LaneId from_gpu = p.link("gpu0->cpu", gpu, cpu);
  const LaneId to_npu = p.link("cpu->npu0", cpu, npu);
  const LaneId on_npu = p.lane("npu0.0", LaneKind::kCompute, npu);
  const LaneId from_npu = p.link("npu0->cpu", npu, cpu);
  const LaneId output = p.lane("output", LaneKind::kOutput);
  const BufferId x = p.buffer("x", cpu);
  const BufferId x_gpu = p.buffer("x@gpu0", gpu);
  const BufferId d = p.buffer("d", gpu);
  const BufferId d_cpu = p.buffer("d@cpu", cpu);
  const BufferId d_npu = p.buffer("d@npu0", npu);
  const BufferId s = p.buffer("s", npu, 2);
  const BufferId s_cpu = p.buffer("s@cpu", cpu);
  p.state("s", {s});
  Attributes twice;
  twice.set("factor", 2.0);
  p.wait(p.feed(feed, "x", x), to_gpu, 1, 1);
  const auto x_sent = p.copy(to_gpu, "x -> gpu0", {x}, x_gpu);
  p.wait(x_sent, feed, 1);
  p.wait(x_sent, on_gpu, 1, 1);
  const auto doubled = p.kernel(on_gpu, "d", "scale", {{x_gpu}}, d, 0, twice);
  p.wait(doubled, to_gpu, 1);
  p.wait(doubled, from_gpu, 1, 1);
  const auto d_back = p.copy(from_gpu, "d -> cpu", {d}, d_cpu);
  p.wait(d_back, on_gpu, 1);
  p.wait(d_back, to_npu, 1, 1);
  const auto d_sent = p.copy(to_npu, "d -> npu0", {d_cpu}, d_npu);
  p.wait(d_sent, from_gpu, 1);
  p.wait(d_sent, on_npu, 1, 1);
  const auto summed = p.kernel(on_npu, "s", "add", {{s, 1}, {d_npu}}, s);
  p.wait(summed, to_npu, 1);
  p.wait(summed, from_npu, 1, 2);
  const auto s_back = p.copy(from_npu, "s -> cpu", {s}, s_cpu);
  p.wait(s_back, on_npu, 1);
  p.wait(s_back, output, 1, 1);
  p.wait(p.output(output, "s", {s_cpu}), from_npu, 1);
  return p.build();
}

}  // namespace graphrt
