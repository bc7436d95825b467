#include "tools/graphprobe/probe.h"
#include "compiler/frontend/load_machine.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <utility>

#include "tools/graphprobe/host.h"
#include "tools/graphprobe/measure_cpu.h"
#include "tools/graphprobe/measure_gpu.h"
#include "tools/graphprobe/measure_launch.h"
#include "tools/graphprobe/measure_link.h"
#include "tools/graphprobe/measure_streams.h"

namespace graphprobe {
namespace {

using graphrt::DeviceId;
using graphrt::Result;

constexpr const char* kKind = "cuda";

/// One thread launches for all GPUs, one feeds and one hands out; together they rarely want more
/// than a core.
constexpr int32_t kCoresForHost = 1;

/// Threads that read batches: one reads a few GB/s, which two GPUs outrun.
int32_t num_readers(int32_t num_cores) { return std::clamp(num_cores / 4, 1, 8); }

/// Both directions at once count as independent of each other from this part of their sum on.
constexpr double kIndependent = 0.95;

/// To so many significant digits, exactly as a decimal number would be read.
double round_to_digits(double value, int num_digits) {
  const std::string text = fmt::format("{:.{}e}", value, num_digits - 1);
  double rounded = value;
  std::from_chars(text.data(), text.data() + text.size(), rounded);
  return rounded;
}

/// To three digits of the unit that a person would write it in, multiplied out as a reader does: so
/// it is printed with those digits.
double round_rate(double per_s) {
  double unit = 1;
  while (per_s >= 1000 * unit) unit *= 1000;
  return round_to_digits(per_s / unit, 3) * unit;
}

int64_t round_duration(double duration_s) {
  return std::max<int64_t>(std::llround(round_to_digits(duration_s * 1e9, 2)), 1);
}

std::string gpus_text(int32_t num_gpus) {
  return fmt::format("{} GPU{}", num_gpus, num_gpus == 1 ? "" : "s");
}

Result<int32_t> count_gpus(const graphrt::DeviceRegistry& registry) {
  const graphrt::BackEnd* back_end = registry.find(kKind);
  if (back_end == nullptr || !back_end->count) return 0;
  return back_end->count();
}

class Prober {
 public:
  Prober(const ProbeOptions& options, const graphrt::DeviceRegistry& registry)
      : options_(options), registry_(registry) {}

  Result<Probed> run() {
    TRY(const int32_t num_gpus, count_gpus(registry_));
    for (int32_t i = 0; i < num_gpus; ++i) {
      gpus_.push_back({registry_.find(kKind), kKind, fmt::format("gpu{}", i), i});
    }
    machine().name =
        options_.name.value_or(num_gpus == 0 ? "cpu" : fmt::format("cpu-{}gpu", num_gpus));
    TRY(measure_cpu_device(num_gpus));
    TRY(measure_gpus());
    TRY(measure_launches());
    TRY(measure_numbers_of_streams());
    CHECK(check_reads_back(machine()), graphc::to_yaml(machine()));
    return std::move(probed_);
  }

 private:
  graphc::Machine& machine() { return probed_.machine; }

  Result<void> measure_cpu_device(int32_t num_gpus) {
    const int32_t num_cores = num_host_cores();
    const int32_t num_left = num_cores - kCoresForHost;
    const int32_t num_workers = options_.num_workers.value_or(std::max(num_left, 1));
    probed_.origin =
        fmt::format("Measured by graphprobe {} with {} worker{} on {} core{}, and {}.",
                    GRAPHC_VERSION, num_workers, num_workers == 1 ? "" : "s", num_cores,
                    num_cores == 1 ? "" : "s", num_gpus == 0 ? "no GPU" : gpus_text(num_gpus));
    TRY(graphc::Device cpu, measure_cpu(num_workers));
    cpu.num_readers = num_readers(num_cores);
    add_device(std::move(cpu));
    return {};
  }

  Result<void> measure_gpus() {
    for (const Accelerator& gpu : gpus_) {
      TRY(graphc::Device device, measure_gpu(gpu));
      add_device(std::move(device));
    }
    for (const Accelerator& gpu : gpus_) {
      TRY(const LinkFigures figures, measure_host_link(gpu));
      add_link(machine().host(), id_of(gpu), figures);
    }
    for (size_t i = 0; i < gpus_.size(); ++i) {
      for (size_t j = i + 1; j < gpus_.size(); ++j) measure_pair(gpus_[i], gpus_[j]);
    }
    return {};
  }

  /// Two GPUs that cannot reach each other have no link; copies go over the host.
  void measure_pair(const Accelerator& first, const Accelerator& second) {
    const Result<LinkFigures> figures = measure_peer_link(first, second);
    if (figures) return add_link(id_of(first), id_of(second), *figures);
    probed_.notes.push_back(fmt::format("left out the link between {} and {}: {}", first.name,
                                        second.name, figures.error().message));
  }

  Result<void> measure_launches() {
    for (const DeviceId id : machine().devices.ids()) {
      TRY(const double launch_s, measure_launch(machine(), id, registry_));
      machine().devices[id].launch_ns = round_duration(launch_s);
    }
    return {};
  }

  /// The launch costs are known: what is timed is scheduled with them.
  Result<void> measure_numbers_of_streams() {
    for (const Accelerator& gpu : gpus_) {
      TRY(machine().devices[id_of(gpu)].num_lanes,
          measure_streams(machine(), id_of(gpu), registry_));
    }
    return {};
  }

  DeviceId id_of(const Accelerator& gpu) { return *machine().find_device(gpu.name); }

  void add_device(graphc::Device device) {
    for (auto& [name, rate] : device.rates) rate = round_rate(rate);
    round_bytes_per_worker(device);
    machine().devices.push_back(std::move(device));
  }

  /// Left out where it says no more than the share that a worker has of all.
  static void round_bytes_per_worker(graphc::Device& device) {
    if (!device.bytes_per_worker_per_s) return;
    const double all = device.rates.at("bytes");
    const double rounded = round_rate(*device.bytes_per_worker_per_s);
    device.bytes_per_worker_per_s.reset();
    if (rounded > all / device.num_lanes) device.bytes_per_worker_per_s = std::min(rounded, all);
  }

  void add_link(DeviceId first, DeviceId second, const LinkFigures& figures) {
    graphc::LinkDirection to;
    to.from = first;
    to.to = second;
    to.bytes_per_s = round_rate(figures.to_bytes_per_s);
    to.latency_ns = round_duration(figures.latency_s);
    to.link = static_cast<int32_t>(machine().links.size() / 2);
    graphc::LinkDirection back = to;
    std::swap(back.from, back.to);
    back.bytes_per_s = round_rate(figures.back_bytes_per_s);
    const double faster = std::max(to.bytes_per_s, back.bytes_per_s);
    const double both = std::max(round_rate(figures.both_bytes_per_s), faster);
    if (both < kIndependent * (to.bytes_per_s + back.bytes_per_s)) {
      limit_both(machine(), to, back, both);
    }
    machine().links.push_back(to);
    machine().links.push_back(back);
  }

  const ProbeOptions& options_;
  const graphrt::DeviceRegistry& registry_;
  std::vector<Accelerator> gpus_;
  Probed probed_;
};

}  // namespace

Result<Probed> probe(const ProbeOptions& options, const graphrt::DeviceRegistry& registry) {
  return Prober(options, registry).run();
}

std::string machine_file(const Probed& probed) {
  const std::string comment = probed.origin.empty() ? "" : "# " + probed.origin + "\n";
  return comment + graphc::to_yaml(probed.machine);
}

Result<void> check_reads_back(const graphc::Machine& machine) {
  const std::string text = graphc::to_yaml(machine);
  graphc::DiagnosticSink diagnostics;
  const graphc::SourceFile file{"machine.yaml", text};
  const auto back =
      graphc::load_machine(std::make_shared<const graphc::SourceFile>(file), diagnostics);
  if (back && back->name == machine.name && graphc::to_yaml(*back) == text) return {};
  return graphrt::usage_error("a machine file cannot hold this name: printable text is needed");
}

}  // namespace graphprobe
