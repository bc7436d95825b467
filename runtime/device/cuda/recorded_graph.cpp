#include "runtime/device/cuda/recorded_graph.h"

#include <utility>
#include <vector>

#include "runtime/device/cuda/step_kernels.h"
#include "runtime/kernels/cuda/cuda_error.h"

namespace graphrt::cuda {
namespace {

/// A graph that is only there to be instantiated.
class CapturedGraph {
 public:
  explicit CapturedGraph(cudaGraph_t graph) : graph_(graph) {}
  CapturedGraph(const CapturedGraph&) = delete;
  CapturedGraph& operator=(const CapturedGraph&) = delete;
  ~CapturedGraph() {
    if (graph_ != nullptr) cudaGraphDestroy(graph_);
  }
  cudaGraph_t get() const { return graph_; }

 private:
  cudaGraph_t graph_;
};

/// `after` runs behind everything that `before` has so far.
Result<void> chain(const CudaStream& before, const CudaStream& after,
                   std::vector<CudaEvent>& events) {
  TRY(select_gpu(before.gpu()));
  TRY(CudaEvent event, CudaEvent::create(false));
  CUDA_TRY(cudaEventRecord(event.get(), before.get()));
  CUDA_TRY(cudaStreamWaitEvent(after.get(), event.get(), 0));
  events.push_back(std::move(event));
  return {};
}

Result<void> issue_between(LaneIssuer& issuer, const Window& window, StepRange steps,
                           const CudaStream& origin, std::vector<CudaEvent>& events) {
  for (const auto& stream : issuer.streams()) TRY(chain(origin, *stream, events));
  TRY(issuer.issue(window, steps, Earlier::kIsOver));
  for (const auto& stream : issuer.streams()) TRY(chain(*stream, origin, events));
  return {};
}

}  // namespace

Result<RecordedGraph> RecordedGraph::record(LaneIssuer& issuer, const Window& window,
                                            StepRange steps, const CudaStream& origin) {
  std::vector<CudaEvent> events;  // alive until the capture ends
  TRY(select_gpu(origin.gpu()));
  CUDA_TRY(cudaStreamBeginCapture(origin.get(), cudaStreamCaptureModeThreadLocal));
  const Result<void> issued = issue_between(issuer, window, steps, origin, events);
  cudaGraph_t recorded = nullptr;
  // Also after an error: the streams must leave the capture.
  const cudaError_t status = cudaStreamEndCapture(origin.get(), &recorded);
  const CapturedGraph graph(recorded);
  if (!issued) {
    cudaGetLastError();
    return tl::unexpected(issued.error());
  }
  CUDA_TRY(status);
  TRY(fill_by_kernels(graph.get()));
  size_t num_nodes = 0;
  CUDA_TRY(cudaGraphGetNodes(graph.get(), nullptr, &num_nodes));
  TRY(select_gpu(origin.gpu()));
  cudaGraphExec_t executable = nullptr;
  CUDA_TRY(cudaGraphInstantiate(&executable, graph.get(), 0));
  RecordedGraph result(executable, static_cast<int64_t>(num_nodes));
  CUDA_TRY(cudaGraphUpload(executable, origin.get()));
  TRY(origin.synchronize());
  return result;
}

RecordedGraph::RecordedGraph(RecordedGraph&& other) noexcept
    : executable_(std::exchange(other.executable_, nullptr)), num_nodes_(other.num_nodes_) {}

RecordedGraph& RecordedGraph::operator=(RecordedGraph&& other) noexcept {
  std::swap(executable_, other.executable_);
  std::swap(num_nodes_, other.num_nodes_);
  return *this;
}

RecordedGraph::~RecordedGraph() {
  if (executable_ != nullptr) cudaGraphExecDestroy(executable_);
}

Result<void> RecordedGraph::launch(const CudaStream& stream) const {
  CUDA_TRY(cudaGraphLaunch(executable_, stream.get()));
  return {};
}

}  // namespace graphrt::cuda
