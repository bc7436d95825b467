#include <array>
#include <utility>

#include "runtime/kernels/cuda/matmul_product.h"

namespace graphrt::cuda {
namespace {

class MatmulKernel : public CudaKernel {
 public:
  MatmulKernel(PreparedProduct product, float alpha)
      : product_(std::move(product)), alpha_(alpha) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const std::byte* bias = at.inputs.size() == 3 ? at.inputs[2] : nullptr;
    return product_.launch({at.inputs[0], at.inputs[1], at.result(), bias}, alpha_, 0, at, queue);
  }

 private:
  PreparedProduct product_;
  float alpha_;
};

float alpha_of(const KernelSpec& spec) {
  return static_cast<float>(spec.attributes.number("alpha", 1));
}

/// Where cuBLASLt does not do the epilogue along with the product: a kernel each, in place.
class MatmulInStepsKernel : public CudaKernel {
 public:
  MatmulInStepsKernel(PreparedProduct product, float alpha,
                      std::unique_ptr<const CudaKernel> add_bias,
                      std::unique_ptr<const CudaKernel> relu)
      : product_(std::move(product)),
        alpha_(alpha),
        add_bias_(std::move(add_bias)),
        relu_(std::move(relu)) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    TRY(product_.launch({at.inputs[0], at.inputs[1], at.result()}, alpha_, 0, at, queue));
    const std::byte* y = at.result();
    if (add_bias_) TRY(add_bias_->launch({std::array{y, at.inputs[2]}, at.results}, queue));
    if (relu_) TRY(relu_->launch({std::array{y}, at.results}, queue));
    return {};
  }

 private:
  PreparedProduct product_;
  float alpha_;
  std::unique_ptr<const CudaKernel> add_bias_;  ///< absent: there is none
  std::unique_ptr<const CudaKernel> relu_;      ///< likewise
};

/// w - learning_rate a b.
class MatmulUpdateKernel : public CudaKernel {
 public:
  MatmulUpdateKernel(PreparedProduct product, float learning_rate)
      : product_(std::move(product)), learning_rate_(learning_rate) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    return product_.launch({at.inputs[1], at.inputs[2], at.inputs[0]}, -learning_rate_, 1, at,
                           queue);
  }

 private:
  PreparedProduct product_;
  float learning_rate_;
};

Result<PreparedProduct> plain_product(const KernelSpec& spec, const TensorType& a,
                                      const TensorType& b, ProductUse use) {
  TRY(auto product, find_product(spec, a, b, CUBLASLT_EPILOGUE_DEFAULT, use));
  if (!product) return machine_error("cublasLtMatmulAlgoGetHeuristic found no algorithm");
  return *std::move(product);
}

cublasLtEpilogue_t epilogue_of(const KernelSpec& spec) {
  const bool has_relu = spec.attributes.flag("relu");
  if (spec.inputs.size() == 3) {
    return has_relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS;
  }
  return has_relu ? CUBLASLT_EPILOGUE_RELU : CUBLASLT_EPILOGUE_DEFAULT;
}

KernelResult prepare_in_steps(const KernelSpec& spec) {
  TRY(PreparedProduct product,
      plain_product(spec, spec.inputs[0], spec.inputs[1], ProductUse::kResult));
  std::unique_ptr<const CudaKernel> add_bias;
  if (spec.inputs.size() == 3) {
    const std::array operands = {spec.result(), spec.inputs[2]};
    TRY(add_bias, prepare_add({operands, spec.results, spec.attributes, spec.blas}));
  }
  std::unique_ptr<const CudaKernel> relu;
  if (spec.attributes.flag("relu")) {
    TRY(relu, prepare_relu({spec.results, spec.results, spec.attributes, spec.blas}));
  }
  return std::make_unique<MatmulInStepsKernel>(std::move(product), alpha_of(spec),
                                               std::move(add_bias), std::move(relu));
}

}  // namespace

KernelResult prepare_matmul(const KernelSpec& spec) {
  TRY(auto product,
      find_product(spec, spec.inputs[0], spec.inputs[1], epilogue_of(spec), ProductUse::kResult));
  if (!product) return prepare_in_steps(spec);
  return std::make_unique<MatmulKernel>(*std::move(product), alpha_of(spec));
}

KernelResult prepare_matmul_sgd_update(const KernelSpec& spec) {
  TRY(PreparedProduct product,
      plain_product(spec, spec.inputs[1], spec.inputs[2], ProductUse::kUpdate));
  const auto learning_rate = static_cast<float>(spec.attributes.number("learning_rate", 0));
  return std::make_unique<MatmulUpdateKernel>(std::move(product), learning_rate);
}

Result<std::vector<std::string>> matmul_algorithms(const KernelSpec& spec) {
  return algorithms_of(spec, spec.inputs[0], spec.inputs[1], epilogue_of(spec),
                       ProductUse::kResult);
}

Result<std::vector<std::string>> matmul_sgd_update_algorithms(const KernelSpec& spec) {
  return algorithms_of(spec, spec.inputs[1], spec.inputs[2], CUBLASLT_EPILOGUE_DEFAULT,
                       ProductUse::kUpdate);
}

}  // namespace graphrt::cuda
