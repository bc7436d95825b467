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

/// Two hosts: what the first computes travels to the second, which computes with it and sends that
/// back. Every wait in it is needed.
///
///   h0/cpu.worker0   a                    c'         a = relu(w), c = relu(answer)
///   h0->h1             a
///   h1 from h0           a
///   h1/cpu.worker0         b                         b = relu(a)
///   h1->h0                   b
///   h0 from h1                 b
struct TwoHostPlan {
  Plan plan;
  LanePair there, back;
  LaneId worker0, worker1;
  InstructionId a, b, c;
  PlanBuilder::Message ask, answer;
  BufferId a0, a1, b0, b1;
};

inline TwoHostPlan two_host_plan() {
  PlanBuilder b;
  const DeviceId second = b.host();
  TwoHostPlan p;
  p.worker0 = b.lane("h0/cpu.worker0");
  p.there = b.message_lanes(kHostDevice, second);
  p.worker1 = b.lane("h1/cpu.worker0", LaneKind::kCompute, second);
  p.back = b.message_lanes(second, kHostDevice);
  const BufferId w = b.buffer("w");
  p.a0 = b.buffer("a");
  p.b0 = b.buffer("b");
  const BufferId c = b.buffer("c");
  p.a1 = b.buffer("a@h1", second);
  p.b1 = b.buffer("b@h1", second);
  b.state("w", {w});
  p.a = b.kernel(p.worker0, "a", "relu", {{w}}, p.a0);
  p.ask = b.message(p.there, "a -> h1/cpu", {p.a0}, p.a1);
  p.b = b.kernel(p.worker1, "b", "relu", {{p.a1}}, p.b1);
  p.answer = b.message(p.back, "b -> h0/cpu", {p.b1}, p.b0);
  p.c = b.kernel(p.worker0, "c", "relu", {{p.b0}}, c);
  b.wait(p.a, p.there.send, 1, 1);  // a may be overwritten once it is sent, not when b is here
  b.wait(p.ask.send, p.worker0, 1);
  b.wait(p.b, p.there.receive, 1);
  b.wait(p.b, p.back.send, 1, 1);
  b.wait(p.answer.send, p.worker1, 1);
  b.wait(p.c, p.back.receive, 1);
  b.resident_output("c", {c});
  p.plan = b.build();
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
