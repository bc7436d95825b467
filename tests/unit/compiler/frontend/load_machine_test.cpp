#include "compiler/frontend/load_machine.h"

#include <gtest/gtest.h>

#include "compiler/machine/cost_model.h"
#include "compiler/machine/hosts.h"
#include "compiler/machine/machine.h"
#include "compiler/machine/routes.h"

namespace graphc {
namespace {

Result<Machine> load(const std::string& text, DiagnosticSink& sink) {
  return load_machine(std::make_shared<const SourceFile>(SourceFile{"m.yaml", text}), sink);
}

constexpr const char* kTwoGpus = R"(
machine: two
devices:
  gpu0: {kind: cuda, streams: 2, memory: 2GiB, rates: {matmul_f32: 2TFLOP/s, bytes: 3TB/s}, launch: 0.5us}
  host: {kind: cpu, workers: 4, memory: 1GiB, rates: {matmul_f32: 1GFLOP/s, bytes: 1GB/s}, launch: 0.1us}
  gpu1: {kind: cuda, streams: 8, memory: 2GiB, rates: {matmul_f32: 2TFLOP/s, bytes: 3TB/s}, launch: 0.5us}
links:
  - {between: [gpu0, host], to: 51GB/s, back: 54GB/s, both: 88GB/s, latency: 7us}
  - {between: [gpu0, gpu1], to: 1GB/s, back: 2GB/s, latency: 6us}
)";

TEST(Machine, TheCpuIsDeviceZeroAndOthersKeepTheirOrder) {
  DiagnosticSink sink;
  const Result<Machine> machine = load(kTwoGpus, sink);
  ASSERT_TRUE(machine) << sink.render_all();
  ASSERT_EQ(machine->devices.size(), 3U);
  EXPECT_EQ(machine->devices[machine->host()].name, "host");
  EXPECT_EQ(machine->devices[DeviceId(1)].name, "gpu0");
  EXPECT_EQ(machine->devices[DeviceId(2)].name, "gpu1");
  EXPECT_EQ(machine->devices[DeviceId(2)].index, 1);  // the second of its kind
  EXPECT_EQ(machine->devices[DeviceId(2)].num_lanes, 8);
  EXPECT_EQ(machine->devices[DeviceId(1)].launch_ns, 500);
  EXPECT_EQ(machine->devices[DeviceId(1)].rates.at("bytes"), 3e12);
  EXPECT_EQ(machine->find_device("gpu1"), DeviceId(2));
  EXPECT_EQ(machine->find_device("gpu2"), std::nullopt);
}

TEST(Machine, LinksHaveTwoDirections) {
  DiagnosticSink sink;
  const Result<Machine> machine = load(kTwoGpus, sink);
  ASSERT_TRUE(machine) << sink.render_all();
  const LinkDirection* to = machine->find_link(DeviceId(1), DeviceId(0));
  const LinkDirection* back = machine->find_link(DeviceId(0), DeviceId(1));
  ASSERT_TRUE(to != nullptr && back != nullptr);
  EXPECT_EQ(to->bytes_per_s, 51e9);
  EXPECT_EQ(back->bytes_per_s, 54e9);
  EXPECT_EQ(to->through, back->through);
  ASSERT_EQ(to->through.size(), 1U);
  EXPECT_EQ(machine->resources[to->through.front()].name, "gpu0-host");
  EXPECT_EQ(machine->resources[to->through.front()].bytes_per_s, 88e9);
  EXPECT_EQ(to->link, back->link);
  EXPECT_EQ(back->latency_ns, 7000);
  EXPECT_NE(machine->find_link(DeviceId(1), DeviceId(2))->link, to->link);
  EXPECT_EQ(machine->find_link(DeviceId(0), DeviceId(2)), nullptr);
}

TEST(Machine, CanonicalYamlReadsBack) {
  DiagnosticSink sink;
  const Result<Machine> machine = load(kTwoGpus, sink);
  ASSERT_TRUE(machine) << sink.render_all();
  const std::string text = to_yaml(*machine);
  const Result<Machine> again = load(text, sink);
  ASSERT_TRUE(again) << text << sink.render_all();
  EXPECT_EQ(to_yaml(*again), text);
  EXPECT_EQ(again->links.size(), machine->links.size());
  for (const DeviceId id : machine->devices.ids()) {
    EXPECT_EQ(again->devices[id].rates, machine->devices[id].rates);
    EXPECT_EQ(again->devices[id].memory_bytes, machine->devices[id].memory_bytes);
  }
}

TEST(Machine, ADeviceWithoutARateForCoarserProductsComputesThemInF32) {
  DiagnosticSink sink;
  const TensorType matrix{ElementType::kF32, {1024, 1024}};
  const std::vector<TensorType> operands = {matrix, matrix};
  std::string text = kTwoGpus;
  const auto work_ns = [&](const char* math) {
    const Result<Machine> machine = load(text, sink);
    CHECK(machine.has_value(), sink.render_all());
    Attributes attributes;
    attributes.set("math", std::string(math));
    return CostModel(*machine, {})
        .kernel_cost(*find_op("matmul"), operands, {&matrix, 1}, attributes, DeviceId(1))
        .work_ns;
  };
  EXPECT_EQ(work_ns("tf32"), work_ns("f32"));
  const std::string rate = "matmul_f32: 2TFLOP/s";
  text.replace(text.find(rate), rate.size(), rate + ", matmul_tf32: 4TFLOP/s");
  EXPECT_EQ(work_ns("tf32"), (work_ns("f32") + 1) / 2);
  EXPECT_EQ(work_ns("bf16"), work_ns("f32"));
}

TEST(Machine, ProductsOfShortElementsHaveARateOfTheirOwn) {
  DiagnosticSink sink;
  const TensorType matrix{ElementType::kBF16, {512, 512}};
  const TensorType operands[] = {matrix, matrix};
  std::string text = kTwoGpus;
  const auto work_ns = [&] {
    const Result<Machine> machine = load(text, sink);
    CHECK(machine.has_value(), sink.render_all());
    return CostModel(*machine, {})
        .kernel_cost(*find_op("matmul"), operands, {&matrix, 1}, {}, DeviceId(1))
        .work_ns;
  };
  const auto add_rate = [&](const std::string& rate) {
    const std::string f32 = "matmul_f32: 2TFLOP/s";
    text.replace(text.find(f32), f32.size(), f32 + rate);
  };
  const int64_t as_f32 = work_ns();
  add_rate(", matmul_bf16: 4TFLOP/s");
  EXPECT_EQ(work_ns(), (as_f32 + 1) / 2);
  add_rate(", matmul_16bit: 8TFLOP/s");
  EXPECT_EQ(work_ns(), (as_f32 + 3) / 4);
}

// A kernel that nobody timed takes at least as long as the shortest of its operator.
TEST(Machine, TimesOfKernelsSayWhatTheyAndOthersOfTheirOperatorTake) {
  DiagnosticSink sink;
  Result<Machine> machine = load(kTwoGpus, sink);
  ASSERT_TRUE(machine) << sink.render_all();
  const OpInfo& tanh = *find_op("tanh");
  const auto cost = [&](int64_t size) {
    const TensorType type{ElementType::kF32, {size}};
    return CostModel(*machine).kernel_cost(tanh, {&type, 1}, {&type, 1}, {}, DeviceId(1));
  };
  const TaskCost by_rates = cost(64);
  machine->times["cuda"] = {
      {"tan(f32[2])", {1}}, {"tanh(f32[32])", {50'000}}, {"tanh(f32[64])", {70'000}}};
  EXPECT_EQ(cost(64).duration_ns(), 70'000);
  EXPECT_EQ(cost(64).shared_ns, by_rates.shared_ns);  // too small to fill the device
  EXPECT_EQ(cost(128).duration_ns(), 50'000);
  machine->times["cuda"] = {{"tanh(f32[64])", {by_rates.latency_ns + by_rates.work_ns + 1}}};
  EXPECT_EQ(cost(64).shared_ns[0],
            by_rates.work_ns + 1);  // full, and a little slower than the rates
  machine->times["cuda"] = {{"tanh(f32[64])", {70'000, 60'000}}};  // full, however slow
  EXPECT_EQ(cost(64).shared_ns[0], 60'000);
  EXPECT_EQ(cost(64).duration_ns(), 70'000);
}

TEST(Machine, TheNumberOfReadersIsKeptAndOneUnlessTheFileSaysMore) {
  DiagnosticSink sink;
  std::string text = to_yaml(single_cpu_machine());
  EXPECT_EQ(load(text, sink)->devices[DeviceId(0)].num_readers, 1);
  text.insert(text.find("}\n"), ", readers: 4");
  const Result<Machine> machine = load(text, sink);
  ASSERT_TRUE(machine) << text << sink.render_all();
  EXPECT_EQ(machine->devices[DeviceId(0)].num_readers, 4);
  EXPECT_EQ(to_yaml(*machine), text);
}

TEST(Machine, OneWorkerMayHaveMoreBandwidthThanItsShare) {
  Machine machine = single_cpu_machine();
  Device& cpu = machine.devices[machine.host()];
  cpu.num_lanes = 4;
  cpu.rates["bytes"] = 40e9;
  const int64_t num_bytes = 1'000'000;  // read and written
  EXPECT_EQ(CostModel(machine).host_transfer_cost(num_bytes, DeviceId(0)).work_ns, 200'000);
  EXPECT_EQ(CostModel(machine).host_transfer_cost(num_bytes, DeviceId(0)).shared_ns[0], 0);
  cpu.bytes_per_worker_per_s = 20e9;
  EXPECT_EQ(CostModel(machine).host_transfer_cost(num_bytes, DeviceId(0)).work_ns, 100'000);
  EXPECT_EQ(CostModel(machine).host_transfer_cost(num_bytes, DeviceId(0)).shared_ns[0], 50'000);
  DiagnosticSink sink;
  const Result<Machine> again = load(to_yaml(machine), sink);
  ASSERT_TRUE(again) << sink.render_all();
  EXPECT_EQ(again->devices[again->host()].bytes_per_worker_per_s, 20e9);
}

TEST(Machine, TheDefaultMachineIsOneWorker) {
  const Machine machine = single_cpu_machine();
  ASSERT_EQ(machine.devices.size(), 1U);
  EXPECT_EQ(machine.devices[machine.host()].num_lanes, 1);
  DiagnosticSink sink;
  EXPECT_TRUE(load(to_yaml(machine), sink)) << sink.render_all();
}

// YAML joins the lines of a text that has several, so such a name would not read back.
TEST(Machine, ItsNameIsOneLine) {
  const std::string rest = kTwoGpus + std::string("\nmachine: two\n").size();
  for (const char* name : {R"("two\nlines")", R"("a\tb")", "'two\n\n  lines'"}) {
    DiagnosticSink sink;
    EXPECT_FALSE(load("machine: " + std::string(name) + "\n" + rest, sink)) << name;
    EXPECT_EQ(sink.num_errors(), 1U) << sink.render_all();
    EXPECT_NE(sink.render_all().find("m.yaml:1:10: error: `machine` must be one line"),
              std::string::npos)
        << sink.render_all();
  }
}

TEST(Machine, NamesThatYamlWouldMistakeAreQuoted) {
  Machine machine = single_cpu_machine();
  for (const char* name : {"null", "true", "a: b", "say \"hi\"", "# no comment"}) {
    machine.name = name;
    DiagnosticSink sink;
    const Result<Machine> again = load(to_yaml(machine), sink);
    ASSERT_TRUE(again) << to_yaml(machine) << sink.render_all();
    EXPECT_EQ(again->name, name);
  }
}

TEST(Machine, HostsStandOneAfterTheOtherAndANetworkIsBetweenAll) {
  const std::string gpu =
      "gpu0: {kind: cuda, streams: 2, memory: 1GiB, rates: {matmul_f32: "
      "2TFLOP/s, bytes: 3TB/s}, launch: 0us}";
  const std::string cpu =
      "cpu: {kind: cpu, workers: 4, memory: 1GiB, rates: {matmul_f32: "
      "1GFLOP/s, bytes: 1GB/s}, launch: 0us}";
  const std::string text =
      "machine: three\nhosts:\n  a:\n    devices:\n      " + gpu + "\n      " + cpu +
      "\n    links:\n      - {between: [cpu, gpu0], to: 50GB/s, back: 50GB/s, latency: 7us}\n"
      "  b: {like: a}\n  c: {like: b}\n"
      "network: {to: 10GB/s, both: 15GB/s, latency: 20us, message: 3us, cards: 2}\n";
  DiagnosticSink sink;
  const Result<Machine> machine = load(text, sink);
  ASSERT_TRUE(machine) << sink.render_all();
  ASSERT_EQ(machine->num_hosts(), 3U);
  const DeviceId gpu_of_a = *machine->find_device("a/gpu0");
  const DeviceId cpu_of_b = *machine->find_device("b/cpu");
  const DeviceId gpu_of_c = *machine->find_device("c/gpu0");
  EXPECT_EQ(machine->host_of(gpu_of_c), *machine->find_device("c/cpu"));
  EXPECT_TRUE(machine->is_host(cpu_of_b));
  EXPECT_EQ(machine->find_link(gpu_of_a, gpu_of_c), nullptr);
  // From GPU to GPU of another host: over both CPUs, and never over a third host.
  std::vector<std::string> names;
  for (const LinkDirection* link : cheapest_route(*machine, gpu_of_a, gpu_of_c)) {
    names.push_back(name_of_link(*machine, *link));
  }
  EXPECT_EQ(names, (std::vector<std::string>{"a/gpu0->cpu", "a->c", "c/cpu->gpu0"}));
  EXPECT_TRUE(cheapest_route(*machine, gpu_of_a, gpu_of_a).empty());
  for (const HostId from : machine->hosts.ids()) {
    for (const HostId to : machine->hosts.ids()) {
      if (from == to) continue;
      const LinkDirection& link = machine->network_link(from, to);
      EXPECT_EQ(link.from, machine->hosts[from].cpu);
      EXPECT_EQ(link.to, machine->hosts[to].cpu);
      EXPECT_EQ(link.through.size(), 4U);  // out, in, and what both ends reach both ways
      EXPECT_EQ(machine->bytes_per_s(link), 20e9);
    }
  }
  // 2 MB over two cards, the latency and what receiving takes.
  const TaskCost cost =
      CostModel(*machine).copy_cost(machine->network_link(HostId(0), HostId(2)), 2'000'000);
  EXPECT_EQ(cost.duration_ns(), 100'000 + 20'000 + 3'000);
  Machine one = machine_of_host(*machine, HostId(1));
  one.network = machine->network;
  EXPECT_EQ(to_yaml(machine_of_host(repeat_host(one, 64), HostId(63))),
            to_yaml(machine_of_host(*machine, HostId(0))));
}

}  // namespace
}  // namespace graphc
