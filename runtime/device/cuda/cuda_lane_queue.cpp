#include "runtime/device/cuda/cuda_lane_queue.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <numeric>
#include <utility>

#include "runtime/device/cuda/lane_issuer.h"
#include "runtime/device/cuda/recorded_graph.h"
#include "runtime/device/launch_windows.h"
#include "runtime/kernels/cuda/cuda_error.h"

namespace graphrt::cuda {
namespace {

/// More streams than this share the hardware's queues.
constexpr int32_t kMaxStreamsPerGpu = 8;
/// Branches of a recorded graph; more of them gain nothing.
constexpr int32_t kMaxBranchesPerGpu = 32;
/// A stream takes about 1000 launches before the next one blocks the launching thread, which then
/// could not release a run that is to stop.
constexpr int64_t kMaxInstructionsAhead = 256;
/// Nodes of one recorded graph, roughly: recording takes about 5 us a node.
constexpr int64_t kMaxRecordedInstructions = 8000;
constexpr int64_t kMaxRecordedNs = 2'000'000'000;
/// A period longer than this is not recorded.
constexpr int64_t kMaxRecordablePeriod = 200'000;
/// Launches, or intervals, that the launching thread is ahead.
constexpr size_t kMaxLaunchesAhead = 4;
constexpr size_t kMaxRecordings = 16;
constexpr int64_t kMaxMarks = 200'000;

/// What both modes share: the issuer, the end of a run, the release of a stopped one.
class CudaLaneQueue : public LaneQueue {
 public:
  CudaLaneQueue(std::unique_ptr<QueueProgram> program, std::unique_ptr<LaneIssuer> issuer)
      : program_(std::move(program)), issuer_(std::move(issuer)) {}

  SignalFlags flags() const override { return issuer_->signals().flags(); }
  int64_t num_finished_steps() const override {
    return num_finished_steps_.load(std::memory_order_relaxed);
  }
  std::vector<QueuedSpan> spans() const override { return spans_; }
  LaunchCost launch_cost() const override { return launch_cost_; }

 protected:
  const QueueProgram& program() const { return *program_; }
  LaneIssuer& issuer() const { return *issuer_; }

  Result<void> begin(StepRange steps, LaneIssuer::Marks marks) {
    spans_.clear();
    launch_cost_ = {};
    num_finished_steps_.store(0, std::memory_order_relaxed);
    issuer_->signals().clear();
    const auto num_marks = steps.count * num_launched(*program_);
    if (marks != LaneIssuer::Marks::kNone && num_marks > kMaxMarks) {
      return machine_error("a trace of " + std::to_string(steps.count) + " steps has " +
                           std::to_string(num_marks) + " instructions on GPUs; trace up to " +
                           std::to_string(kMaxMarks) + " of them, in fewer steps");
    }
    return issuer_->start_marks(marks);
  }

  Result<void> finish() {
    TRY(spans_, issuer_->read_marks());
    return {};
  }

  void add_launch_cost(const LaunchCost& cost) { launch_cost_ += cost; }

  void set_finished_steps(int64_t num_steps) {
    num_finished_steps_.store(std::max<int64_t>(num_steps, 0), std::memory_order_relaxed);
  }

  /// After an error: what is queued may wait for a host that has given up, and is let through until
  /// the hardware is idle, or has failed as well.
  Result<void> drained(Result<void> result, const CudaStream* also = nullptr) const {
    if (result) return result;
    std::vector<const CudaStream*> streams;
    for (const std::unique_ptr<CudaStream>& stream : issuer_->streams()) {
      streams.push_back(stream.get());
    }
    if (also != nullptr) streams.push_back(also);
    for (const CudaStream* stream : streams) {
      while (cudaStreamQuery(stream->get()) == cudaErrorNotReady) {
        issuer_->signals().release();
        sched_yield();
      }
    }
    cudaGetLastError();
    return result;
  }

  /// Returns when `event` is there. A stopped run is let through all its signals meanwhile.
  Result<void> wait_for(const CudaEvent& event, const std::atomic<bool>& is_stopping) const {
    return wait_until([&] { return cudaEventQuery(event.get()); }, is_stopping);
  }
  Result<void> wait_for(const CudaStream& stream, const std::atomic<bool>& is_stopping) const {
    return wait_until([&] { return cudaStreamQuery(stream.get()); }, is_stopping);
  }

 private:
  template <class Query>
  Result<void> wait_until(Query query, const std::atomic<bool>& is_stopping) const {
    cudaError_t status = query();
    while (status == cudaErrorNotReady) {
      if (is_stopping.load(std::memory_order_relaxed)) issuer_->signals().release();
      sched_yield();
      status = query();
    }
    if (status == cudaSuccess) return {};
    return machine_error("the GPUs stopped in '" + program_->name +
                         "': " + cudaGetErrorName(status) + ", " + cudaGetErrorString(status) +
                         "; run it with --launch=host, which names the operator");
  }

  std::unique_ptr<QueueProgram> program_;  // the issuer knows its address
  std::unique_ptr<LaneIssuer> issuer_;
  std::vector<QueuedSpan> spans_;
  LaunchCost launch_cost_;
  std::atomic<int64_t> num_finished_steps_ = 0;
};

/// The end of each of the latest launches, so that the host does not run far ahead.
class LaunchWindowEnds {
 public:
  Result<void> create() {
    for (size_t i = 0; i < kMaxLaunchesAhead; ++i) {
      TRY(CudaEvent event, CudaEvent::create(false));
      events_.push_back(std::move(event));
    }
    return {};
  }
  /// Of launch number `index`, and of the one kMaxLaunchesAhead before it.
  const CudaEvent& at(size_t index) const { return events_[index % kMaxLaunchesAhead]; }

 private:
  std::vector<CudaEvent> events_;
};

class GraphQueue final : public CudaLaneQueue {
 public:
  using CudaLaneQueue::CudaLaneQueue;

  Result<void> create() {
    const int32_t gpu = issuer().streams().front()->gpu();
    TRY(origin_, CudaStream::create(gpu, false));
    return ends_.create();
  }

  Result<void> prepare(StepRange steps, bool is_timed) override {
    TRY(begin(steps, is_timed ? LaneIssuer::Marks::kInGraph : LaneIssuer::Marks::kNone));
    steps_ = steps;
    const WindowRequest request = request_for(steps);
    windows_ = launch_windows(request);
    keys_.clear();
    if (is_timed || recordings_.size() > kMaxRecordings) recordings_.clear();
    for (const Window& window : windows_) {
      RecordingKey key =
          recording_key(window, request, steps.first, program().num_phases, flags().num_slots());
      // Marks belong to one launch, so each is recorded for itself.
      if (is_timed) key.phase = -1 - window.first;
      keys_.push_back(key);
      if (recordings_.contains(key)) continue;
      TRY(RecordedGraph graph, RecordedGraph::record(issuer(), window, steps, *origin_));
      recordings_.emplace(key, std::move(graph));
      add_launch_cost({.num_recordings = 1});
    }
    return {};
  }

  Result<void> run(const std::atomic<bool>& is_stopping) override {
    return drained(launch_all(is_stopping), origin_.get());
  }

 private:
  Result<void> launch_all(const std::atomic<bool>& is_stopping) {
    TRY(select_gpu(origin_->gpu()));
    for (size_t i = 0; i < windows_.size(); ++i) {
      if (i >= kMaxLaunchesAhead) TRY(wait_for(ends_.at(i), is_stopping));
      if (is_stopping.load(std::memory_order_relaxed)) break;
      if (i >= kMaxLaunchesAhead) note_finished(i - kMaxLaunchesAhead);
      const RecordedGraph& recording = recordings_.at(keys_[i]);
      const auto start = std::chrono::steady_clock::now();
      TRY(recording.launch(*origin_));
      add_launch_cost({.num_launches = 1,
                       .num_operations = recording.num_nodes(),
                       .host_time = std::chrono::steady_clock::now() - start});
      CUDA_TRY(cudaEventRecord(ends_.at(i).get(), origin_->get()));
    }
    for (size_t i = windows_.size() - std::min(windows_.size(), kMaxLaunchesAhead);
         i < windows_.size() && !is_stopping.load(std::memory_order_relaxed); ++i) {
      TRY(wait_for(ends_.at(i), is_stopping));
      note_finished(i);
    }
    TRY(wait_for(*origin_, is_stopping));
    if (is_stopping.load(std::memory_order_relaxed)) return {};
    set_finished_steps(steps_.count);
    return finish();
  }

  WindowRequest request_for(StepRange steps) const {
    const int64_t num_instructions = std::max<int64_t>(num_launched(program()), 1);
    return {.num_steps = steps.count,
            .max_stage = program().max_stage,
            .num_leading = std::max<int64_t>(program().max_stage, longest_signal(program())),
            .period = std::lcm(int64_t{program().num_phases}, flags().num_slots()),
            .max_intervals = std::clamp<int64_t>(kMaxRecordedInstructions / num_instructions, 1,
                                                 intervals_in(kMaxRecordedNs))};
  }

  /// Progress is seen launch by launch, so none may take long.
  int64_t intervals_in(int64_t duration_ns) const {
    return std::max<int64_t>(duration_ns / std::max<int64_t>(program().interval_ns, 1), 1);
  }

  void note_finished(size_t window) {
    set_finished_steps(windows_[window].first + windows_[window].count - program().max_stage);
  }

  std::unique_ptr<CudaStream> origin_;
  LaunchWindowEnds ends_;
  StepRange steps_;
  std::vector<Window> windows_;
  std::vector<RecordingKey> keys_;
  std::map<RecordingKey, RecordedGraph> recordings_;
};

class StreamsQueue final : public CudaLaneQueue {
 public:
  using CudaLaneQueue::CudaLaneQueue;

  Result<void> create() {
    for (const std::unique_ptr<CudaStream>& stream : issuer().streams()) {
      TRY(select_gpu(stream->gpu()));
      ends_.emplace_back();
      TRY(ends_.back().create());
    }
    TRY(scratch_, CudaStream::create(issuer().streams().front()->gpu(), false));
    return {};
  }

  Result<void> prepare(StepRange steps, bool is_timed) override {
    // What is launched for the first time may load code, which must not happen while a stream waits
    // for the host: recording does it beforehand. The recording is not used.
    if (!is_loaded_) {
      TRY(issuer().start_marks(LaneIssuer::Marks::kNone));
      const Window all_stages{0, program().max_stage + 1};
      TRY(RecordedGraph::record(issuer(), all_stages, {steps.first, all_stages.count}, *scratch_));
      is_loaded_ = true;
    }
    steps_ = steps;
    return begin(steps, is_timed ? LaneIssuer::Marks::kOnStreams : LaneIssuer::Marks::kNone);
  }

  Result<void> run(const std::atomic<bool>& is_stopping) override {
    return drained(issue_all(is_stopping));
  }

 private:
  Result<void> issue_all(const std::atomic<bool>& is_stopping) {
    const int64_t num_intervals = steps_.count + program().max_stage;
    const int64_t num_ahead =
        std::clamp<int64_t>(kMaxInstructionsAhead / std::ssize(program().order), 1,
                            static_cast<int64_t>(kMaxLaunchesAhead));
    for (int64_t interval = 0; interval < num_intervals; ++interval) {
      if (interval >= num_ahead) {
        TRY(wait_for_ends(interval - num_ahead, is_stopping));
        set_finished_steps(interval - num_ahead + 1 - program().max_stage);
      }
      if (is_stopping.load(std::memory_order_relaxed)) break;
      TRY(issuer().issue({interval, 1}, steps_, Earlier::kHasEvents));
      TRY(mark_ends(interval));
    }
    for (const std::unique_ptr<CudaStream>& stream : issuer().streams()) {
      TRY(wait_for(*stream, is_stopping));
    }
    if (is_stopping.load(std::memory_order_relaxed)) return {};
    set_finished_steps(steps_.count);
    return finish();
  }

  Result<void> wait_for_ends(int64_t interval, const std::atomic<bool>& is_stopping) const {
    for (const LaunchWindowEnds& ends : ends_) {
      TRY(wait_for(ends.at(static_cast<size_t>(interval)), is_stopping));
    }
    return {};
  }

  Result<void> mark_ends(int64_t interval) {
    for (size_t i = 0; i < ends_.size(); ++i) {
      const CudaStream& stream = *issuer().streams()[i];
      TRY(select_gpu(stream.gpu()));
      CUDA_TRY(cudaEventRecord(ends_[i].at(static_cast<size_t>(interval)).get(), stream.get()));
    }
    return {};
  }

  std::unique_ptr<CudaStream> scratch_;
  std::vector<LaunchWindowEnds> ends_;  // one a stream
  StepRange steps_;
  bool is_loaded_ = false;
};

template <class QueueType>
Result<std::unique_ptr<LaneQueue>> make_queue(QueueProgram program, int32_t max_streams_per_gpu) {
  auto owned = std::make_unique<QueueProgram>(std::move(program));
  TRY(std::unique_ptr<LaneIssuer> issuer, LaneIssuer::create(*owned, max_streams_per_gpu));
  auto queue = std::make_unique<QueueType>(std::move(owned), std::move(issuer));
  TRY(queue->create());
  return queue;
}

}  // namespace

Result<std::unique_ptr<LaneQueue>> make_cuda_lane_queue(QueueProgram program, LaunchMode mode) {
  if (mode == LaunchMode::kOneByOne) {
    return make_queue<StreamsQueue>(std::move(program), kMaxStreamsPerGpu);
  }
  const int64_t period = std::lcm(int64_t{program.num_phases}, num_signal_slots(program));
  if (period * std::ssize(program.order) > kMaxRecordablePeriod) {
    return machine_error("the buffers of '" + program.name + "' repeat only after " +
                         std::to_string(program.num_phases) +
                         " steps, too many to record as a graph; use --launch=streams");
  }
  return make_queue<GraphQueue>(std::move(program), kMaxBranchesPerGpu);
}

}  // namespace graphrt::cuda
