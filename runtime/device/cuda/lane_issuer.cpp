#include "runtime/device/cuda/lane_issuer.h"

#include <nvtx3/nvToolsExt.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "runtime/base/check.h"
#include "runtime/kernels/cuda/cuda_error.h"

namespace graphrt::cuda {
namespace {

/// Steps predicted to be shorter than this are launched as kernels alone: handing copies and memory
/// operations to the hardware would take about as long as they do.
constexpr int64_t kShortStepNs = 300'000;

bool has_short_steps(const QueueProgram& program) { return program.interval_ns < kShortStepNs; }

/// Names what is queued meanwhile, for Nsight.
class ProfilerRange {
 public:
  explicit ProfilerRange(const std::string& name) { nvtxRangePushA(name.c_str()); }
  ProfilerRange(const ProfilerRange&) = delete;
  ProfilerRange& operator=(const ProfilerRange&) = delete;
  ~ProfilerRange() { nvtxRangePop(); }
};

CudaAction& cuda_action(const QueuedInstruction& instruction) {
  auto* action = dynamic_cast<CudaAction*>(instruction.action);
  CHECK(action != nullptr, instruction.name + " was not bound by the CUDA back end");
  return *action;
}

bool has_kernel(const QueuedLane& lane) {
  return std::any_of(lane.instructions.begin(), lane.instructions.end(),
                     [](const auto& item) { return cuda_action(item).is_kernel(); });
}

}  // namespace

Result<std::unique_ptr<LaneIssuer>> LaneIssuer::create(const QueueProgram& program,
                                                       int32_t max_streams_per_gpu) {
  const FlagAccess access =
      has_short_steps(program) ? FlagAccess::kKernels : FlagAccess::kMemoryOperations;
  TRY(SignalMemory signals, SignalMemory::create(program, access));
  std::unique_ptr<LaneIssuer> issuer(new LaneIssuer(program, std::move(signals)));
  TRY(issuer->make_streams(max_streams_per_gpu));
  TRY(issuer->make_events());
  return issuer;
}

LaneIssuer::LaneIssuer(const QueueProgram& program, SignalMemory signals)
    : program_(program), signals_(std::move(signals)) {
  uses_.reserve(program.signals.size());
}

/// Lanes that copy share no stream with kernels: that would hide nothing. Both kinds get half of
/// the streams at least.
Result<void> LaneIssuer::make_streams(int32_t max_streams_per_gpu) {
  struct Pool {
    std::vector<size_t> streams;
    size_t next = 0;
  };
  const auto max_streams = static_cast<size_t>(max_streams_per_gpu);
  stream_of_ = IdVector<QueuedLaneId, size_t>(program_.lanes.size());
  std::map<int32_t, std::array<Pool, 2>> pools;  // of a GPU: for copies, for kernels
  for (const bool has_kernels : {false, true}) {
    for (const QueuedLaneId id : program_.lanes.ids()) {
      const QueuedLane& lane = program_.lanes[id];
      if (has_kernel(lane) != has_kernels) continue;
      const int32_t gpu = cuda_action(lane.instructions.front()).gpu();
      Pool& pool = pools[gpu][has_kernels ? 1 : 0];
      const size_t num_allowed =
          has_kernels ? max_streams - pools[gpu][0].streams.size() : max_streams / 2;
      if (pool.streams.size() < num_allowed) {
        TRY(std::unique_ptr<CudaStream> stream, CudaStream::create(gpu, has_kernels));
        if (has_short_steps(program_)) TRY(stream->copy_by_kernel());
        pool.streams.push_back(streams_.size());
        streams_.push_back(std::move(stream));
      }
      stream_of_[id] = pool.streams[pool.next++ % pool.streams.size()];
    }
  }
  return {};
}

Result<void> LaneIssuer::make_events() {
  IdVector<QueuedLaneId, std::vector<int32_t>> num_events;
  for (const QueuedLane& lane : program_.lanes) {
    num_events.push_back(std::vector<int32_t>(lane.instructions.size(), 0));
  }
  for (const QueuedLane& lane : program_.lanes) {
    for (const QueuedInstruction& instruction : lane.instructions) {
      for (const QueuedWait& wait : instruction.waits) {
        int32_t& num = num_events[wait.lane][static_cast<size_t>(wait.count) - 1];
        num = std::max(num, wait.distance + 1);
      }
    }
  }
  for (const QueuedLaneId id : program_.lanes.ids()) {
    TRY(select_gpu(streams_[stream_of_[id]]->gpu()));
    std::vector<Place> places;
    for (size_t i = 0; i < program_.lanes[id].instructions.size(); ++i) {
      Place place{&cuda_action(program_.lanes[id].instructions[i]), {}};
      for (int32_t n = 0; n < num_events[id][i]; ++n) {
        TRY(CudaEvent event, CudaEvent::create(false));
        place.events.push_back(std::move(event));
      }
      places.push_back(std::move(place));
    }
    places_.push_back(std::move(places));
  }
  return {};
}

Result<void> LaneIssuer::issue(const Window& window, StepRange steps, Earlier earlier) {
  for (int64_t i = 0; i < window.count; ++i) {
    for (const QueuedPosition& at : program_.order) {
      if (instruction_at(at).is_joined) continue;  // the first of its launch issues it too
      Result<void> issued = issue_one(at, window.first + i, window, steps, earlier);
      if (issued) continue;
      Error error = std::move(issued).error();
      error.message = "'" + instruction_at(at).name + "' on " + program_.lanes[at.lane].name +
                      ": " + error.message;
      return tl::unexpected(std::move(error));
    }
  }
  return {};
}

// What is skipped because its step lies outside the run keeps its waits and signals: others
// rely on the order that goes through it.
Result<void> LaneIssuer::issue_one(const QueuedPosition& at, int64_t interval, const Window& window,
                                   StepRange steps, Earlier earlier) {
  const QueuedInstruction& instruction = instruction_at(at);
  const CudaStream& stream = *streams_[stream_of_[at.lane]];
  TRY(select_gpu(stream.gpu()));
  const int64_t first_with_event = earlier == Earlier::kIsOver ? window.first : 0;
  for (const QueuedWait& wait : instruction.waits) {
    const int64_t awaited = interval - wait.distance;
    if (awaited < first_with_event) continue;
    const auto& events = places_[wait.lane][static_cast<size_t>(wait.count) - 1].events;
    const CudaEvent& event = events[static_cast<size_t>(awaited) % events.size()];
    CUDA_TRY(cudaStreamWaitEvent(stream.get(), event.get(), 0));
  }
  uses_.clear();
  for (const SignalId id : instruction.waits_on) {
    const int64_t producing = interval - program_.signals[id].distance;
    if (producing >= 0) uses_.push_back({id, producing});  // before the run everything is over
  }
  TRY(signals_.enqueue(stream.get(), uses_, 1));
  const int64_t step = interval - instruction.stage;
  const QueuedPosition last = last_of_launch(at);  // others wait for all of a launch
  if (step >= 0 && step < steps.count) TRY(run_launch(at, last, steps.first + step, stream));
  uses_.clear();
  for (const SignalId id : instruction_at(last).signals) uses_.push_back({id, interval});
  TRY(signals_.enqueue(stream.get(), uses_, 0));
  const auto& events = places_[last.lane][static_cast<size_t>(last.position)].events;
  if (events.empty()) return {};
  const CudaEvent& event = events[static_cast<size_t>(interval) % events.size()];
  CUDA_TRY(cudaEventRecord(event.get(), stream.get()));
  return {};
}

const QueuedInstruction& LaneIssuer::instruction_at(const QueuedPosition& at) const {
  return program_.lanes[at.lane].instructions[static_cast<size_t>(at.position)];
}

QueuedPosition LaneIssuer::last_of_launch(QueuedPosition at) const {
  const auto& instructions = program_.lanes[at.lane].instructions;
  for (auto next = static_cast<size_t>(at.position) + 1; next < instructions.size(); ++next) {
    if (!instructions[next].is_joined) break;
    at.position = static_cast<int32_t>(next);
  }
  return at;
}

Result<void> LaneIssuer::run_launch(const QueuedPosition& first, const QueuedPosition& last,
                                    int64_t step, const CudaStream& stream) {
  const ProfilerRange range(instruction_at(first).name);
  if (marks_kind_ == Marks::kNone) return enqueue_launch(first, last, step, stream);
  TRY(CudaEvent start, mark(stream));
  TRY(enqueue_launch(first, last, step, stream));
  TRY(CudaEvent end, mark(stream));
  marks_.push_back({first, step, stream.gpu(), std::move(start), std::move(end)});
  return {};
}

Result<void> LaneIssuer::enqueue_launch(const QueuedPosition& first, const QueuedPosition& last,
                                        int64_t step, const CudaStream& stream) {
  if (last == first) return action_of(first).enqueue(step, stream.queue());
  joint_.clear();  // of what a run that failed may have left
  for (QueuedPosition at = first; at.position <= last.position; ++at.position) {
    CudaAction& action = action_of(at);
    if (!action.join(step, joint_)) TRY(action.enqueue(step, stream.queue()));
  }
  return joint_.launch(stream.queue());
}

Result<CudaEvent> LaneIssuer::mark(const CudaStream& stream) const {
  TRY(CudaEvent event, CudaEvent::create(true));
  const bool is_in_graph = marks_kind_ == Marks::kInGraph;
  CUDA_TRY(cudaEventRecordWithFlags(
      event.get(), stream.get(), is_in_graph ? cudaEventRecordExternal : cudaEventRecordDefault));
  return event;
}

Result<void> LaneIssuer::start_marks(Marks kind) {
  marks_kind_ = kind;
  marks_.clear();
  origins_.clear();
  if (kind == Marks::kNone) return {};
  for (const std::unique_ptr<CudaStream>& stream : streams_) {
    const auto is_same_gpu = [&](const Origin& origin) { return origin.gpu == stream->gpu(); };
    if (std::any_of(origins_.begin(), origins_.end(), is_same_gpu)) continue;
    TRY(select_gpu(stream->gpu()));
    TRY(CudaEvent event, CudaEvent::create(true));
    CUDA_TRY(cudaEventRecord(event.get(), stream->get()));
    TRY(stream->synchronize());
    origins_.push_back({stream->gpu(), std::move(event), std::chrono::steady_clock::now()});
  }
  return {};
}

const LaneIssuer::Origin& LaneIssuer::origin_of(int32_t gpu) const {
  const auto at = std::find_if(origins_.begin(), origins_.end(),
                               [&](const Origin& origin) { return origin.gpu == gpu; });
  CHECK(at != origins_.end(), "a mark on a GPU without streams");
  return *at;
}

Result<std::vector<QueuedSpan>> LaneIssuer::read_marks() const {
  using Milliseconds = std::chrono::duration<float, std::milli>;
  const auto since = [](const Origin& origin,
                        const CudaEvent& event) -> Result<std::chrono::steady_clock::time_point> {
    float milliseconds = 0;
    CUDA_TRY(cudaEventElapsedTime(&milliseconds, origin.event.get(), event.get()));
    return origin.time +
           std::chrono::duration_cast<std::chrono::nanoseconds>(Milliseconds(milliseconds));
  };
  std::vector<QueuedSpan> spans;
  for (const Mark& mark : marks_) {
    const Origin& origin = origin_of(mark.gpu);
    TRY(const auto start, since(origin, mark.start));
    TRY(const auto end, since(origin, mark.end));
    // Instructions of one launch run side by side; each is told an equal part of its time.
    const int32_t count = last_of_launch(mark.first).position - mark.first.position + 1;
    for (int32_t i = 0; i < count; ++i) {
      const QueuedPosition at{mark.first.lane, mark.first.position + i};
      spans.push_back({at, mark.step, start + (end - start) * i / count,
                       start + (end - start) * (i + 1) / count});
    }
  }
  return spans;
}

}  // namespace graphrt::cuda
