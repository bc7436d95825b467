// Operators that move elements without looking at them: as unsigned integers of their size.
#include <algorithm>
#include <cstring>

#include "runtime/base/strides.h"
#include "runtime/kernels/cpu/prepare.h"

namespace graphrt::cpu {
namespace {

template <class Element>
void copy_elements(const Element* from, Element* to, int64_t count) {
  std::memcpy(to, from, static_cast<size_t>(count) * sizeof(Element));
}

class CopyKernel : public PreparedKernel {
 public:
  explicit CopyKernel(int64_t num_bytes) : num_bytes_(num_bytes) {}

  void run(const KernelArguments& at) const override {
    if (at.inputs[0] == at.result()) return;
    copy_elements(at.inputs[0], at.result(), num_bytes_);
  }

 private:
  int64_t num_bytes_;
};

/// A piece of every operand, taken for each index in front of the axis.
template <class Element>
class SliceKernel : public PreparedKernel {
 public:
  SliceKernel(int64_t num_runs, int64_t run_size, int64_t stride, int64_t offset)
      : num_runs_(num_runs), run_size_(run_size), stride_(stride), offset_(offset) {}

  void run(const KernelArguments& at) const override {
    const Element* from = elements<Element>(at.inputs[0]) + offset_;
    Element* to = elements<Element>(at.result());
    for (int64_t i = 0; i < num_runs_; ++i) {
      copy_elements(from + i * stride_, to + i * run_size_, run_size_);
    }
  }

 private:
  int64_t num_runs_;
  int64_t run_size_;
  int64_t stride_;
  int64_t offset_;
};

template <class Element>
class ConcatKernel : public PreparedKernel {
 public:
  ConcatKernel(int64_t num_runs, std::vector<int64_t> run_sizes)
      : num_runs_(num_runs), run_sizes_(std::move(run_sizes)) {}

  void run(const KernelArguments& at) const override {
    Element* to = elements<Element>(at.result());
    for (int64_t i = 0; i < num_runs_; ++i) {
      for (size_t j = 0; j < run_sizes_.size(); ++j) {
        copy_elements(elements<Element>(at.inputs[j]) + i * run_sizes_[j], to, run_sizes_[j]);
        to += run_sizes_[j];
      }
    }
  }

 private:
  int64_t num_runs_;
  std::vector<int64_t> run_sizes_;  // of every operand
};

/// Every run of the operand with zeros in front of it and behind it.
template <class Element>
class PadKernel : public PreparedKernel {
 public:
  PadKernel(int64_t num_runs, int64_t run_size, int64_t before, int64_t after)
      : num_runs_(num_runs), run_size_(run_size), before_(before), after_(after) {}

  void run(const KernelArguments& at) const override {
    const Element* from = elements<Element>(at.inputs[0]);
    Element* to = elements<Element>(at.result());
    for (int64_t i = 0; i < num_runs_; ++i) {
      std::fill_n(to, before_, Element{0});
      copy_elements(from + i * run_size_, to + before_, run_size_);
      std::fill_n(to + before_ + run_size_, after_, Element{0});
      to += before_ + run_size_ + after_;
    }
  }

 private:
  int64_t num_runs_;
  int64_t run_size_;
  int64_t before_;
  int64_t after_;
};

/// The innermost loop runs along the operand, or repeats one element of it.
template <class Element>
class BroadcastKernel : public PreparedKernel {
 public:
  explicit BroadcastKernel(std::vector<StridedDim> dims) : dims_(std::move(dims)) {}

  void run(const KernelArguments& at) const override {
    run_dims(dims_, elements<Element>(at.inputs[0]), elements<Element>(at.result()));
  }

 private:
  /// Writes the result in the order of memory; returns where it ends.
  static Element* run_dims(std::span<const StridedDim> dims, const Element* from, Element* to) {
    const StridedDim& dim = dims.front();
    const int64_t stride = dim.strides[0];
    if (dims.size() == 1 && stride == 0) return std::fill_n(to, dim.size, *from);
    if (dims.size() == 1) return std::copy_n(from, dim.size, to);
    for (int64_t i = 0; i < dim.size; ++i) to = run_dims(dims.subspan(1), from + i * stride, to);
    return to;
  }

  std::vector<StridedDim> dims_;
};

constexpr size_t kFrom = 0;
constexpr size_t kTo = 1;

template <class Element>
class TransposeKernel : public PreparedKernel {
 public:
  explicit TransposeKernel(std::vector<StridedDim> dims) : dims_(std::move(dims)) {}

  void run(const KernelArguments& at) const override {
    run_dims(dims_, elements<Element>(at.inputs[0]), elements<Element>(at.result()));
  }

 private:
  static constexpr int64_t kTileSize = 32;

  static void run_dims(std::span<const StridedDim> dims, const Element* from, Element* to) {
    if (dims.size() == 1) return run_row(dims[0], from, to);
    if (dims.size() == 2) return run_tiles(dims[0], dims[1], from, to);
    for (int64_t i = 0; i < dims[0].size; ++i) {
      run_dims(dims.subspan(1), from + i * dims[0].strides[kFrom], to + i * dims[0].strides[kTo]);
    }
  }

  static void run_row(const StridedDim& dim, const Element* from, Element* to) {
    for (int64_t i = 0; i < dim.size; ++i) to[i * dim.strides[kTo]] = from[i * dim.strides[kFrom]];
  }

  /// Tile by tile: rows of one side are columns of the other, and a whole column at a time would
  /// touch a new cache line with every element.
  static void run_tiles(const StridedDim& rows, const StridedDim& columns, const Element* from,
                        Element* to) {
    for (int64_t row = 0; row < rows.size; row += kTileSize) {
      for (int64_t column = 0; column < columns.size; column += kTileSize) {
        const StridedDim tile_columns{std::min(kTileSize, columns.size - column), columns.strides};
        const int64_t row_end = std::min(row + kTileSize, rows.size);
        for (int64_t i = row; i < row_end; ++i) {
          run_row(tile_columns, from + i * rows.strides[kFrom] + column * columns.strides[kFrom],
                  to + i * rows.strides[kTo] + column * columns.strides[kTo]);
        }
      }
    }
  }

  std::vector<StridedDim> dims_;
};

}  // namespace

KernelResult prepare_copy(const KernelSpec& spec) {
  return std::make_unique<CopyKernel>(spec.result().size_bytes());
}

/// The elements stay where they are.
KernelResult prepare_reshape(const KernelSpec& spec) { return prepare_copy(spec); }

KernelResult prepare_slice(const KernelSpec& spec) {
  const AxisSplit from = split_at(spec.inputs[0].shape, spec.attributes.integer("axis", 0));
  const int64_t begin = spec.attributes.integer("begin", 0);
  const int64_t end = spec.attributes.integer("end", from.size);
  return by_size(spec, [&](auto tag) -> KernelResult {
    using Element = typename decltype(tag)::Type;
    return std::make_unique<SliceKernel<Element>>(from.outer, (end - begin) * from.inner,
                                                  from.size * from.inner, begin * from.inner);
  });
}

KernelResult prepare_pad(const KernelSpec& spec) {
  const AxisSplit from = split_at(spec.inputs[0].shape, spec.attributes.integer("axis", 0));
  return by_size(spec, [&](auto tag) -> KernelResult {
    using Element = typename decltype(tag)::Type;
    return std::make_unique<PadKernel<Element>>(from.outer, from.size * from.inner,
                                                spec.attributes.integer("before", 0) * from.inner,
                                                spec.attributes.integer("after", 0) * from.inner);
  });
}

KernelResult prepare_broadcast(const KernelSpec& spec) {
  const Shape& operand = spec.inputs[0].shape;
  return by_size(spec, [&](auto tag) -> KernelResult {
    using Element = typename decltype(tag)::Type;
    return std::make_unique<BroadcastKernel<Element>>(
        broadcast_loops(operand, operand, spec.result().shape));
  });
}

KernelResult prepare_concat(const KernelSpec& spec) {
  const int64_t axis = spec.attributes.integer("axis", 0);
  std::vector<int64_t> run_sizes;
  for (const TensorType& input : spec.inputs) {
    const AxisSplit from = split_at(input.shape, axis);
    run_sizes.push_back(from.size * from.inner);
  }
  return by_size(spec, [&](auto tag) -> KernelResult {
    using Element = typename decltype(tag)::Type;
    return std::make_unique<ConcatKernel<Element>>(split_at(spec.result().shape, axis).outer,
                                                   run_sizes);
  });
}

KernelResult prepare_transpose(const KernelSpec& spec) {
  return by_size(spec, [&](auto tag) -> KernelResult {
    using Element = typename decltype(tag)::Type;
    return std::make_unique<TransposeKernel<Element>>(
        transpose_loops(spec.inputs[0].shape, spec.result().shape, spec.attributes.list("axes")));
  });
}

}  // namespace graphrt::cpu
