#include "runtime/kernels/cpu/cpu_kernels.h"

#include <gmock/gmock.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "count_allocations.h"
#include "element_cases.h"
#include "kernel_test_support.h"

namespace graphrt {
namespace {

using testing::HasSubstr;

std::string message_of(std::string_view op, const std::vector<Tensor>& inputs,
                       const TensorType& result) {
  return prepare_cpu_kernel(op, types_of(inputs), {&result, 1}, {}).error().message;
}

TEST(CpuKernels, ExistForEveryOperator) {
  for (const OpInfo& op : all_ops()) {
    EXPECT_EQ(has_cpu_kernel(op.name), !op.is_composite()) << op.name;
  }
  EXPECT_FALSE(has_cpu_kernel("convolve"));
}

TEST(CpuKernels, AreNotPreparedForWhatDoesNotFit) {
  const Tensor x = tensor_of<float>({2}, {1, 2});
  EXPECT_THAT(message_of("convolve", {x}, x.type), HasSubstr("no kernel for operator 'convolve'"));
  EXPECT_THAT(message_of("relu", {x, x}, x.type), HasSubstr("relu takes 1 input; got 2"));
  EXPECT_THAT(message_of("relu", {x}, {ElementType::kF32, {3}}),
              HasSubstr("relu gives f32[2]; the result has f32[3]"));
}

TEST(CpuKernels, RefuseMatricesThatBlasCannotIndex) {
  const std::vector<TensorType> inputs = {{ElementType::kF32, {1, int64_t{1} << 31}},
                                          {ElementType::kF32, {int64_t{1} << 31, 1}}};
  const TensorType result{ElementType::kF32, {1, 1}};
  const auto kernel = prepare_cpu_kernel("matmul", inputs, {&result, 1}, {});
  ASSERT_FALSE(kernel);
  EXPECT_THAT(kernel.error().message, HasSubstr("at most 2147483647 rows and columns"));
}

struct Call {
  std::string_view op;
  std::vector<Tensor> inputs;
  Attributes attributes;
};

/// One call of every operator, with shapes that take their general paths.
std::vector<Call> one_call_each() {
  const Tensor x = zeros({ElementType::kF32, {4, 3, 5}});
  const Tensor square = zeros({ElementType::kF32, {40, 40}});
  const Tensor row = zeros({ElementType::kF32, {40}});
  const Tensor logits = zeros({ElementType::kF32, {6, 7}});
  const Tensor label = zeros({ElementType::kI32, {6}});
  const Tensor gamma = zeros({ElementType::kF32, {5}});
  const Tensor step = zeros({ElementType::kI32, {}});
  const Tensor number = zeros({ElementType::kF32, {}});
  const Tensor truth = zeros({ElementType::kBool, {4, 3, 5}});
  const Tensor heads = zeros({ElementType::kBF16, {2, 5, 3, 4}});
  const Tensor head = zeros({ElementType::kBF16, {2, 5, 1, 4}});
  const Tensor log_sum = zeros({ElementType::kF32, {2, 3, 5}});
  const Tensor log_sum_of_head = zeros({ElementType::kF32, {2, 1, 5}});
  const Tensor truth_of_keys = zeros({ElementType::kBool, {5}});
  std::vector<Call> calls;
  for (const OpInfo& op : all_ops()) {
    if (op.is_composite()) continue;
    Call call{op.name, std::vector<Tensor>(op.min_inputs, x), {}};
    if (op.name == "attention") call = {op.name, {heads, heads, heads, truth_of_keys}, {}};
    if (op.name == "attention_grad") {
      call = {op.name, {heads, heads, heads, heads, heads, log_sum, truth_of_keys}, {}};
    }
    if (op.name == "packed_attention") {
      call = {op.name, {heads, truth_of_keys}, with({{"key_heads", int64_t{1}}})};
    }
    if (op.name == "packed_attention_grad") {
      call = {op.name,
              {head, heads, head, log_sum_of_head, truth_of_keys},
              with({{"key_heads", int64_t{1}}})};
    }
    if (op.name == "matmul") call.inputs = {square, square, row, square};
    if (op.name == "matmul_sgd_update") call.inputs = {square, square, square};
    if (op.name.starts_with("softmax_cross")) call.inputs = {logits, label};
    if (op.name == "accuracy") call.inputs = {logits, label};
    if (op.name == "clip_factor") call.inputs = {zeros({ElementType::kF32, {}})};
    if (op.name == "clip_factor") call.attributes = with({{"max_norm", 1.0}});
    if (op.name == "unscale_factor") call.inputs = {number, number};
    if (op.name == "loss_scale_update") call.inputs = {number, step, number};
    if (op.name == "streak_update" || op.name == "count_step") call.inputs = {step, number};
    if (op.name == "cast") call.attributes = with({{"to", "f16"}});
    if (op.name == "select") call.inputs = {truth, x, x};
    if (op.name.starts_with("logical_")) call.inputs.assign(op.min_inputs, truth);
    if (op.name == "broadcast") call.attributes = with({{"shape", List{2, 4, 3, 5}}});
    if (op.name == "pad") call.attributes = with({{"before", int64_t{1}}, {"after", int64_t{3}}});
    if (op.name == "scale") call.attributes = with({{"factor", 2.0}});
    if (op.name == "adam_update") call.inputs = {x, x, x, step};
    if (op.name == "adam_step") call.inputs = {x, x, x, x, step};
    if (op.name.starts_with("adam_")) call.attributes = with({{"learning_rate", 2.0}});
    if (op.name == "dropout") call = {op.name, {x, step}, with({{"rate", 0.5}})};
    if (op.name == "elementwise") call.inputs = {x, gamma, x};
    if (op.name == "elementwise") {
      call.attributes = with({{"formula", "mul(x1, exp(sub(x2, x0)))"}});
    }
    if (op.name == "embedding") call.inputs = {square, label};
    if (op.name == "embedding_grad") call.inputs = {logits, label};
    if (op.name == "embedding_grad") call.attributes = with({{"rows", int64_t{9}}});
    if (op.name == "learning_rate") call = {op.name, {step}, with({{"base", 0.5}})};
    if (op.name == "momentum_update") call.attributes = with({{"momentum", 0.5}});
    if (op.name.starts_with("moving_average")) call.attributes = with({{"decay", 0.5}});
    if (op.name.ends_with("_norm")) call.inputs = {x, gamma};
    if (op.name == "layer_norm") call.inputs = {x, gamma, gamma};
    if (op.name.ends_with("_norm_grad")) call.inputs = {x, x, gamma};
    if (op.name.ends_with("sgd_update")) call.attributes = with({{"learning_rate", 2.0}});
    if (op.name == "reshape") call.attributes = with({{"shape", List{-1}}});
    if (op.name == "slice") call.attributes = with({{"begin", int64_t{1}}, {"end", int64_t{3}}});
    if (op.name == "transpose") call.attributes = with({{"axes", List{1, 0, 2}}});
    if (op.name == "sum") call.attributes = with({{"axes", List{0, 2}}});
    calls.push_back(std::move(call));
  }
  return calls;
}

TEST(CpuKernels, AllocateNothing) {
  Dice dice(1);
  for (const Call& call : one_call_each()) {
    OperatorUse use{call.inputs, call.attributes};
    for (int i = 0; i < 4; ++i) {
      KernelCall kernel(call.op, use.inputs, use.attributes);
      const int64_t before = num_allocations();
      kernel.run();
      EXPECT_EQ(num_allocations() - before, 0) << call.op << " " << to_string(use.inputs[0].type);
      use = in_other_elements(dice, call.op, {call.inputs, call.attributes});
    }
  }
}

TEST(CpuKernels, AreKnownToMultiplyByOpenBlas) {
  for (const std::string_view op : {"matmul", "matmul_sgd_update", "attention", "attention_grad",
                                    "packed_attention", "packed_attention_grad"}) {
    EXPECT_TRUE(is_cpu_product(op)) << op;
  }
  for (const std::string_view op : {"softmax", "silu", "convolve"}) {
    EXPECT_FALSE(is_cpu_product(op)) << op;
  }
}

TEST(OpenBlas, RunsOneThreadACall) {
  EXPECT_TRUE(check_openblas());
  const std::filesystem::directory_iterator threads("/proc/self/task");
  EXPECT_EQ(std::distance(begin(threads), end(threads)), 1);
}

// Small products from several threads at once: what a build without locks gets wrong.
TEST(OpenBlas, GivesTheSameBitsFromSeveralThreads) {
  std::vector<float> elements(size_t{17} * 17);
  for (size_t i = 0; i < elements.size(); ++i) elements[i] = static_cast<float>(i % 13) / 8 - 0.7F;
  const Tensor x = tensor_of<float>({17, 17}, elements);
  const Tensor wanted = run_cpu("matmul", {x, x}, {});
  std::atomic<int> num_wrong = 0;
  const auto multiply = [&] {
    const std::vector<Tensor> operands = {x, x};
    KernelCall kernel("matmul", operands, {});
    for (int i = 0; i < 5000; ++i) {
      kernel.run();
      num_wrong += kernel.results().front() == wanted ? 0 : 1;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(multiply);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(num_wrong, 0);
}

}  // namespace
}  // namespace graphrt
