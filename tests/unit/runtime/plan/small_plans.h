#pragma once

#include "tests/unit/runtime/plan/plan_builder.h"

namespace graphrt {

/// One step of training on two devices, pipelined: the batch of the next step is fetched while the
/// step before computes, and the new weight travels as soon as it exists.
///
///   interval        t                 t + 1             t + 2
///   feeds           x0                x1                x2
///   cpu->gpu0          x0'               x1' w0'           x2' w1'
///   gpu0.compute                         h0 g0             h1 g1
///   gpu0->cpu                                 g0'               g1'
///   cpu.worker                                   u0                u1
///   outputs                                      g0                g1
///
/// x and x' have two versions: they are filled one step ahead. Every wait in it is needed.
struct TrainingPlan {
  Plan plan;
  InstructionId feed, send_x, h, g, send_g, update, send_w, output;
};

inline TrainingPlan training_plan() {
  PlanBuilder b;
  const DeviceId cpu(0);
  const DeviceId gpu = b.device("gpu0", "cuda");
  const LaneId feeds = b.lane("feeds", LaneKind::kFeed);
  const LaneId to_gpu = b.link("cpu->gpu0", cpu, gpu);
  const LaneId compute = b.lane("gpu0.compute", LaneKind::kCompute, gpu);
  const LaneId to_cpu = b.link("gpu0->cpu", gpu, cpu);
  const LaneId worker = b.lane("cpu.worker");
  const LaneId outputs = b.lane("outputs", LaneKind::kOutput);
  const BufferId x_cpu = b.buffer("x@cpu", cpu, 2);
  const BufferId w_cpu = b.buffer("w@cpu");
  const BufferId g_cpu = b.buffer("g@cpu");
  const BufferId x_gpu = b.buffer("x@gpu0", gpu, 2);
  const BufferId w_gpu = b.buffer("w@gpu0", gpu);
  const BufferId h_gpu = b.buffer("h@gpu0", gpu);
  const BufferId g_gpu = b.buffer("g@gpu0", gpu);
  b.state("w", {w_cpu, w_gpu});

  Attributes rate;
  rate.set("learning_rate", 0.5);
  TrainingPlan p;
  p.feed = b.feed(feeds, "x", x_cpu);
  p.send_x = b.copy(to_gpu, "x -> gpu0", {x_cpu}, x_gpu);
  p.h = b.kernel(compute, "h", "relu", {{x_gpu}}, h_gpu, 1);
  p.g = b.kernel(compute, "g", "add", {{h_gpu}, {w_gpu, 1}}, g_gpu, 1);
  p.send_g = b.copy(to_cpu, "g -> cpu", {g_gpu}, g_cpu, 1);
  p.update = b.kernel(worker, "u", "sgd_update", {{w_cpu, 1}, {g_cpu}}, w_cpu, 1, rate);
  p.send_w = b.copy(to_gpu, "w -> gpu0", {w_cpu}, w_gpu, 1);
  p.output = b.output(outputs, "g", {g_cpu}, 1);

  b.wait(p.feed, to_gpu, 1, 2);   // x@cpu has two versions
  b.wait(p.send_x, feeds, 1, 0);  // what it sends
  b.wait(p.h, to_gpu, 1, 1);      // x of its step was sent one interval ago
  b.wait(p.g, to_gpu, 2, 1);      // w of the step before
  b.wait(p.send_g, compute, 2, 0);
  b.wait(p.send_g, outputs, 1, 1);  // the output still reads the last g@cpu
  b.wait(p.update, to_cpu, 1, 0);
  b.wait(p.send_w, worker, 1, 0);
  b.wait(p.output, to_cpu, 1, 0);
  p.plan = b.build();
  p.plan.fingerprints = {"0123456789abcdef", "fedcba9876543210", "0.1.0"};
  p.plan.predicted_interval_ns = 1234;
  return p;
}

/// An operator with two results and scratch memory, on one lane with what reads a result.
///
///   bytes   0        256      512          768    1024
///           q        result   log_sum      e      scratch of a, behind all others
///
///   feeds    q                  q
///   lane        a e                a e       e = exp(log_sum)
///   outputs         result            result
struct AttentionPlan {
  Plan plan;
  InstructionId feed, attention, exponential, output;
  BufferId q, result, log_sum, e, scratch;
};

inline AttentionPlan attention_plan() {
  PlanBuilder b;
  const LaneId feeds = b.lane("feeds", LaneKind::kFeed);
  const LaneId lane = b.lane("lane");
  const LaneId outputs = b.lane("outputs", LaneKind::kOutput);
  AttentionPlan p;
  p.q = b.buffer("q");
  p.result = b.buffer("result");
  p.log_sum = b.buffer("log_sum", DeviceId(0), 1, 8);
  p.e = b.buffer("e", DeviceId(0), 1, 8);
  b.shape(p.q, {1, 4, 2, 8});
  b.shape(p.result, {1, 4, 2, 8});
  b.shape(p.log_sum, {1, 2, 4});
  b.shape(p.e, {1, 2, 4});
  p.feed = b.feed(feeds, "q", p.q);
  p.attention =
      b.kernel(lane, "a", "attention", {{p.q}, {p.q}, {p.q}}, std::vector{p.result, p.log_sum});
  p.exponential = b.kernel(lane, "e", "exp", {{p.log_sum}}, p.e);
  p.output = b.output(outputs, "result", {p.result});
  b.wait(p.feed, lane, 1, 1);
  b.wait(p.attention, feeds, 1);
  b.wait(p.attention, outputs, 1, 1);
  b.wait(p.output, lane, 1);
  p.plan = b.build();
  p.scratch = *p.plan.instructions[p.attention].scratch;
  return p;
}

/// With one of its buffers at another place.
inline Plan moved(const AttentionPlan& p, BufferId buffer, int64_t offset_bytes) {
  Plan plan = p.plan;
  plan.buffers[buffer].offset_bytes = offset_bytes;
  return plan;
}

inline void remove_wait(Plan& plan, InstructionId instruction, size_t wait) {
  std::vector<Wait>& waits = plan.instructions[instruction].waits;
  waits.erase(waits.begin() + static_cast<std::ptrdiff_t>(wait));
}

}  // namespace graphrt
