#include <array>
#include <utility>

#include "runtime/kernels/cuda/matmul_product.h"
#include "runtime/kernels/cuda/product_results.h"
#include "runtime/op/product_math.h"

namespace graphrt::cuda {
namespace {

const std::byte* operand_or(const KernelArguments& at, std::optional<size_t> number,
                            const std::byte* otherwise) {
  return number ? at.inputs[*number] : otherwise;
}

class MatmulKernel : public CudaKernel {
 public:
  MatmulKernel(PreparedProduct product, const ProductAddends& addends, float alpha,
               std::unique_ptr<const CudaKernel> relu, std::unique_ptr<const CudaKernel> otherwise)
      : product_(std::move(product)),
        addends_(addends),
        alpha_(alpha),
        relu_(std::move(relu)),
        otherwise_(std::move(otherwise)) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const std::byte* added = operand_or(at, addends_.matrix, at.result());
    const Operands operands = {at.inputs[0], at.inputs[1], added,
                               operand_or(at, addends_.bias, nullptr)};
    if (!product_.takes(operands, at)) return otherwise_->launch(at, queue);
    TRY(product_.launch(operands, alpha_, addends_.matrix ? 1 : 0, at, queue));
    const std::byte* y = at.result();
    if (relu_) TRY(relu_->launch({std::array{y}, at.results}, queue));
    return {};
  }

 private:
  PreparedProduct product_;
  ProductAddends addends_;
  float alpha_;
  std::unique_ptr<const CudaKernel> relu_;       ///< absent: the epilogue has it, or there is none
  std::unique_ptr<const CudaKernel> otherwise_;  ///< for addresses that the product does not take
};

float alpha_of(const KernelSpec& spec) {
  return static_cast<float>(spec.attributes.number("alpha", 1));
}

/// Where cuBLASLt does not do the epilogue along with the product: a kernel each, in place. To a
/// result of 16 bits a bias is not added once it is rounded: the product is added to the bias, or to
/// the sum of bias and matrix.
struct MatmulSteps {
  ProductAddends addends;
  std::unique_ptr<const CudaKernel> start;  ///< absent: no bias, or it is added
  std::unique_ptr<const CudaKernel>
      add_bias;                            ///< absent: there is none, or it is there from the start
  std::unique_ptr<const CudaKernel> relu;  ///< absent: there is none
};

class MatmulInStepsKernel : public CudaKernel {
 public:
  MatmulInStepsKernel(PreparedProduct product, float alpha, MatmulSteps steps)
      : product_(std::move(product)), alpha_(alpha), steps_(std::move(steps)) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const std::byte* y = at.result();
    const ProductAddends& addends = steps_.addends;
    if (steps_.start) {
      TRY(steps_.start->launch({at.inputs.subspan(2), at.results}, queue));
    }
    const std::byte* added = steps_.start ? y : operand_or(at, addends.matrix, y);
    const float kept = steps_.start || addends.matrix ? 1 : 0;
    TRY(product_.launch({at.inputs[0], at.inputs[1], added}, alpha_, kept, at, queue));
    if (steps_.add_bias) {
      TRY(steps_.add_bias->launch({std::array{y, at.inputs[*addends.bias]}, at.results}, queue));
    }
    if (steps_.relu) TRY(steps_.relu->launch({std::array{y}, at.results}, queue));
    return {};
  }

 private:
  PreparedProduct product_;
  float alpha_;
  MatmulSteps steps_;
};

/// Where needs_wide_product() says so: the product goes to the scratch memory as f32, and
/// a kernel behind it does the rest, so that results are rounded once.
class NarrowedMatmulKernel : public CudaKernel {
 public:
  NarrowedMatmulKernel(PreparedProduct product, const ProductAddends& addends, float alpha,
                       const ProductResult& result)
      : product_(std::move(product)), addends_(addends), alpha_(alpha), result_(result) {}

  Result<void> launch(const KernelArguments& at, const CudaQueue& queue) const override {
    const KernelArguments of_product = {.inputs = at.inputs,
                                        .results = std::span(&at.scratch, 1),
                                        .scratch = at.scratch + result_.product_bytes()};
    TRY(product_.launch({at.inputs[0], at.inputs[1], at.scratch}, alpha_, 0, of_product, queue));
    return launch_product_result(result_,
                                 {.product = at.scratch,
                                  .bias = operand_or(at, addends_.bias, nullptr),
                                  .matrix = operand_or(at, addends_.matrix, nullptr)},
                                 at.result(), queue);
  }

 private:
  PreparedProduct product_;
  ProductAddends addends_;
  float alpha_;
  ProductResult result_;
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
  if (!product || !product->takes_any_address()) {
    return machine_error("cublasLtMatmulAlgoGetHeuristic found no algorithm");
  }
  return *std::move(product);
}

/// Some kernels for f16 make a NaN 0 in their relu.
bool has_relu_behind(const KernelSpec& spec) {
  return spec.attributes.flag("relu") && spec.inputs[0].element == ElementType::kF16;
}

cublasLtEpilogue_t epilogue_of(const KernelSpec& spec) {
  const bool has_relu = spec.attributes.flag("relu") && !has_relu_behind(spec);
  if (product_addends(spec.inputs).bias) {
    return has_relu ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS;
  }
  return has_relu ? CUBLASLT_EPILOGUE_RELU : CUBLASLT_EPILOGUE_DEFAULT;
}

KernelResult prepare_relu_behind(const KernelSpec& spec) {
  return prepare_relu({spec.results, spec.results, spec.attributes, spec.blas});
}

KernelResult prepare_in_steps(const KernelSpec& spec) {
  TRY(PreparedProduct product,
      plain_product(spec, spec.inputs[0], spec.inputs[1], ProductUse::kResult));
  MatmulSteps steps;
  steps.addends = product_addends(spec.inputs);
  const KernelSpec start = {spec.inputs.subspan(2), spec.results, spec.attributes, spec.blas};
  const bool is_f32 = spec.result().element == ElementType::kF32;
  if (steps.addends.bias && !is_f32) {
    TRY(steps.start, steps.addends.matrix ? prepare_add(start) : prepare_broadcast(start));
  } else if (steps.addends.bias) {
    const std::array operands = {spec.result(), spec.inputs[*steps.addends.bias]};
    TRY(steps.add_bias, prepare_add({operands, spec.results, spec.attributes, spec.blas}));
  }
  if (spec.attributes.flag("relu")) {
    TRY(steps.relu, prepare_relu_behind(spec));
  }
  return std::make_unique<MatmulInStepsKernel>(std::move(product), alpha_of(spec),
                                               std::move(steps));
}

/// The product of such an operator, in f32.
struct WideProduct {
  std::array<TensorType, 1> results;
  KernelSpec spec;

  explicit WideProduct(const KernelSpec& whole)
      : results{TensorType{ElementType::kF32, whole.result().shape}},
        spec{
            .inputs = whole.inputs.first(2),
            .results = results,
            .attributes = whole.attributes,
            .blas = whole.blas,
            .scratch_bytes = whole.scratch_bytes - bytes_of_wide_product(results[0].num_elements()),
            .algorithm = whole.algorithm} {}
  WideProduct(const WideProduct&) = delete;
  WideProduct& operator=(const WideProduct&) = delete;
};

KernelResult prepare_narrowed(const KernelSpec& spec) {
  const WideProduct wide(spec);
  if (wide.spec.scratch_bytes < 0) {
    return machine_error("needs scratch memory for a product in f32, which the plan has not");
  }
  TRY(PreparedProduct product,
      plain_product(wide.spec, spec.inputs[0], spec.inputs[1], ProductUse::kResult));
  const Shape& shape = spec.result().shape;
  const ProductResult result = {.element = spec.result().element,
                                .num_elements = spec.result().num_elements(),
                                .num_columns = shape.back(),
                                .has_relu = spec.attributes.flag("relu")};
  return std::make_unique<NarrowedMatmulKernel>(std::move(product), product_addends(spec.inputs),
                                                alpha_of(spec), result);
}

}  // namespace

KernelResult prepare_matmul(const KernelSpec& spec) {
  if (needs_wide_product(spec.inputs, spec.result())) return prepare_narrowed(spec);
  TRY(auto product,
      find_product(spec, spec.inputs[0], spec.inputs[1], epilogue_of(spec), ProductUse::kResult));
  if (!product) return prepare_in_steps(spec);
  std::unique_ptr<const CudaKernel> relu;
  if (has_relu_behind(spec)) {
    TRY(relu, prepare_relu_behind(spec));
  }
  std::unique_ptr<const CudaKernel> otherwise;
  if (!product->takes_any_address()) {
    KernelSpec any_address = spec;
    any_address.algorithm = {};
    TRY(otherwise, prepare_in_steps(any_address));
  }
  return std::make_unique<MatmulKernel>(*std::move(product), product_addends(spec.inputs),
                                        alpha_of(spec), std::move(relu), std::move(otherwise));
}

KernelResult prepare_matmul_sgd_update(const KernelSpec& spec) {
  TRY(PreparedProduct product,
      plain_product(spec, spec.inputs[1], spec.inputs[2], ProductUse::kUpdate));
  const auto learning_rate = static_cast<float>(spec.attributes.number("learning_rate", 0));
  return std::make_unique<MatmulUpdateKernel>(std::move(product), learning_rate);
}

Result<std::vector<std::string>> matmul_algorithms(const KernelSpec& spec) {
  if (needs_wide_product(spec.inputs, spec.result())) {
    const WideProduct wide(spec);
    return algorithms_of(wide.spec, spec.inputs[0], spec.inputs[1], CUBLASLT_EPILOGUE_DEFAULT,
                         ProductUse::kResult);
  }
  return algorithms_of(spec, spec.inputs[0], spec.inputs[1], epilogue_of(spec),
                       ProductUse::kResult);
}

Result<std::vector<std::string>> matmul_sgd_update_algorithms(const KernelSpec& spec) {
  return algorithms_of(spec, spec.inputs[1], spec.inputs[2], CUBLASLT_EPILOGUE_DEFAULT,
                       ProductUse::kUpdate);
}

}  // namespace graphrt::cuda
