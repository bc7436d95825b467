#pragma once

#include <span>

#include "compiler/graph/graph.h"
#include "compiler/machine/machine.h"

namespace graphc {

/// How large the blocks of rows that workers of a CPU share are at least, in the mean over an
/// operator, and those in which values are read and sent (placement/row_blocks.h). No property of a
/// machine: block sizes decide how a product is summed up, and so the last bits.
struct BlockSizes {
  double least_flops = double{3 << 26};             ///< of a product: 2 to 3 ms of one worker
  double least_bytes_of_product = double{1 << 22};  ///< where memory bounds it, not arithmetic
  double least_bytes = double{1 << 20};  ///< that other operators move: 50 us of one worker
  /// A product prepares all of its second operand once a block, which takes as long as some 15
  /// rows.
  int64_t least_rows_of_product = 160;
  int64_t most_blocks = 16;
  double least_bytes_of_feed = double{1 << 21};  ///< read and written: 100 us of one reader
  /// 80 us of a PCIe 5 link, nine of its latencies.
  int64_t least_bytes_of_copy = int64_t{1} << 22;
};

/// Predicted costs, in integer nanoseconds (rounded up, so that every task takes time; none is
/// above 2^61, however slow the device).
///
/// A rate in a machine file is that of all lanes of a device together. One CPU worker gets its
/// share of it, and of the memory bandwidth what the file says that one worker gets; where that is
/// more than a share, workers, feeds and outputs wait for each other once they ask for more than
/// all of it. One kernel on a GPU gets all of it, but kernels on other streams of that GPU wait
/// meanwhile: its work is charged to the unit that they share, its launch only to its own stream. Where
/// the machine file has the time of a kernel, that is what it takes; what it takes beside others is
/// charged to that unit, the rest to its own stream. If the file says nothing of the latter and the
/// time is much longer than the rates say, the kernel is too small to fill the GPU.
class CostModel {
 public:
  explicit CostModel(const Machine& machine, const BlockSizes& block_sizes = {})
      : machine_(&machine), block_sizes_(block_sizes) {}

  const BlockSizes& block_sizes() const { return block_sizes_; }

  /// Cost of `node` on one lane of `device`: launch plus the slower of arithmetic and memory.
  TaskCost node_cost(const Graph& graph, NodeId node, DeviceId device) const;

  /// The same of an operator whose operands and results are, or are parts of, tensors of these
  /// types.
  TaskCost kernel_cost(const OpInfo& op, std::span<const TensorType> inputs,
                       std::span<const TensorType> results, const Attributes& attributes,
                       DeviceId device) const;

  /// Cost of moving `num_bytes` over one link: latency plus bytes over bandwidth, that of the
  /// slowest that they go through. Each shared resource is taken for bytes over its own bandwidth.
  TaskCost copy_cost(const LinkDirection& link, int64_t num_bytes) const;

  /// Cost of reading a batch into the memory of a host, or of handing a value out, by one thread of
  /// the host, which is a CPU.
  TaskCost host_transfer_cost(int64_t num_bytes, DeviceId host) const;

 private:
  std::optional<KernelTime> measured_time(const OpInfo& op, std::span<const TensorType> inputs,
                                          const Attributes& attributes, const Device& device) const;

  const Machine* machine_;
  BlockSizes block_sizes_;
};

/// Whether lanes of this device slow each other down (the streams of an accelerator do).
bool shares_compute(const Device& device);
/// Whether lanes of this CPU can ask for more memory bandwidth than there is.
bool shares_bandwidth(const Device& device);

}  // namespace graphc
