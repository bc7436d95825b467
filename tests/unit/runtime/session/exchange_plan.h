#pragma once

#include <string>
#include <vector>

#include "tests/unit/runtime/plan/plan_builder.h"

namespace graphrt {

/// Two hosts that exchange every step what they computed, in several messages each way:
///
///   h0/cpu.worker   g0.0 g0.1 ..      u0.0 u0.1 ..      g0.k = s0.k + s0.k of the step before
///   h0->h1              g0.0 g0.1 ..                    u0.k: s0.k = s0.k - 0.25 (g of h1).k
///   h0 from h1              g1.0 g1.1 ..
///   outputs                      what h0 received first
///
/// and the same on h1, without the output. Buffers that cross have `versions`; with two of them, a
/// host may be a step ahead.
class ExchangePlan {
 public:
  ExchangePlan(int num_messages, int64_t size, int versions)
      : num_messages_(num_messages), size_(size), versions_(versions) {
    hosts_[0].cpu = kHostDevice;
    hosts_[1].cpu = b_.host();
    for (Host& host : hosts_) {
      host.worker = b_.lane(name_of(host) + "/cpu.worker", LaneKind::kCompute, host.cpu);
    }
    hosts_[0].out = b_.message_lanes(hosts_[0].cpu, hosts_[1].cpu);
    hosts_[1].out = b_.message_lanes(hosts_[1].cpu, hosts_[0].cpu);
    outputs_ = b_.lane("outputs", LaneKind::kOutput);
    for (Host& host : hosts_) add_buffers(host);
    for (Host& host : hosts_) add_gradients(host);
    for (int k = 0; k < num_messages; ++k) add_messages(static_cast<size_t>(k));
    for (Host& host : hosts_) add_updates(host);
    const InstructionId output = b_.output(outputs_, "received", {hosts_[0].received[0]});
    b_.wait(output, hosts_[1].out.receive, 1);
  }

  Plan build() const {
    Plan plan = b_.build();
    plan.fingerprints = {"0123456789abcdef", "fedcba9876543210", "0.1.0"};
    plan.predicted_interval_ns = 100'000;
    for (PlanState& state : plan.states) {
      state.initializer.kind = InitializerKind::kUniform;
      state.initializer.low = -1;
      state.initializer.high = 1;
      state.initializer.seed = 5;
      state.initializer.stream = state.name;
    }
    return plan;
  }

 private:
  struct Host {
    DeviceId cpu;
    LaneId worker;
    LanePair out;
    std::vector<BufferId> states, gradients, received;
  };

  static std::string number(size_t k) { return "." + std::to_string(k); }
  std::string name_of(const Host& host) const { return &host == hosts_ ? "h0" : "h1"; }
  Host& other(const Host& host) { return &host == hosts_ ? hosts_[1] : hosts_[0]; }

  void add_buffers(Host& host) {
    const std::string digit = name_of(host).substr(1);
    for (size_t k = 0; k < static_cast<size_t>(num_messages_); ++k) {
      host.states.push_back(b_.buffer("s" + digit + number(k), host.cpu, 1, size_));
      host.gradients.push_back(b_.buffer("g" + digit + number(k), host.cpu, versions_, size_));
      host.received.push_back(b_.buffer("r" + digit + number(k), host.cpu, versions_, size_));
      b_.state("s" + digit + number(k), {host.states.back()});
    }
  }

  void add_gradients(Host& host) {
    for (size_t k = 0; k < host.states.size(); ++k) {
      const InstructionId g =
          b_.kernel(host.worker, "g" + name_of(host).substr(1) + number(k), "add",
                    {{host.states[k], 1}, {host.states[k], 1}}, host.gradients[k]);
      b_.wait(g, host.out.send, static_cast<int32_t>(k) + 1, versions_);
    }
  }

  void add_messages(size_t k) {
    for (Host& host : hosts_) {
      const auto count = static_cast<int32_t>(k) + 1;
      const auto message = b_.message(host.out, "g" + name_of(host).substr(1) + number(k),
                                      {host.gradients[k]}, other(host).received[k]);
      b_.wait(message.send, host.worker, count);
      b_.wait(message.receive, other(host).worker, num_messages_ + count, versions_);
      if (&host != hosts_ && k == 0) b_.wait(message.receive, outputs_, 1, versions_);
    }
  }

  void add_updates(Host& host) {
    Attributes rate;
    rate.set("learning_rate", 0.25);
    for (size_t k = 0; k < host.states.size(); ++k) {
      const InstructionId update =
          b_.kernel(host.worker, "u" + name_of(host).substr(1) + number(k), "sgd_update",
                    {{host.states[k], 1}, {host.received[k]}}, host.states[k], 0, rate);
      b_.wait(update, other(host).out.receive, static_cast<int32_t>(k) + 1);
    }
  }

  PlanBuilder b_;
  int num_messages_;
  int64_t size_;
  int versions_;
  Host hosts_[2];
  LaneId outputs_;
};

}  // namespace graphrt
