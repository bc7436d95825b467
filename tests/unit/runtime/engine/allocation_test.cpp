#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "runtime/engine/session.h"
#include "tests/unit/runtime/engine/training_plan.h"

namespace {
std::atomic<int64_t> num_allocations = 0;

void* counted(std::size_t size) {
  num_allocations.fetch_add(1, std::memory_order_relaxed);
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

// Not inlined: GCC takes free() for a mismatch where it sees it behind `delete` and not malloc().
[[gnu::noinline]] void release(void* memory) noexcept { std::free(memory); }
}  // namespace

// Every operator new of this program, the library's and the kernels' included, is counted.
void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  num_allocations.fetch_add(1, std::memory_order_relaxed);
  void* memory = nullptr;
  if (posix_memalign(&memory, static_cast<std::size_t>(alignment), size) != 0) {
    throw std::bad_alloc();
  }
  return memory;
}
void operator delete(void* memory, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { release(memory); }
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete(void* memory, std::size_t) noexcept { release(memory); }
void operator delete[](void* memory, std::size_t) noexcept { release(memory); }

namespace graphrt {
namespace {

/// Notes how many allocations there were when two steps were reached.
class AllocationProbe final : public InstructionObserver {
 public:
  AllocationProbe(InstructionId where, int64_t from_step, int64_t to_step)
      : where_(where), from_step_(from_step), to_step_(to_step) {}

  void on_start(LaneId, InstructionId instruction, int64_t step) override {
    if (instruction != where_) return;
    if (step == from_step_) at_from_ = num_allocations;
    if (step == to_step_) at_to_ = num_allocations;
  }
  void on_finish(LaneId, InstructionId, int64_t) override {}

  int64_t num_between() const { return at_to_ - at_from_; }

 private:
  InstructionId where_;
  int64_t from_step_;
  int64_t to_step_;
  int64_t at_from_ = -1;
  int64_t at_to_ = -2;
};

void expect_no_allocation(Overlap overlap, const RowOrder& order) {
  auto session = Session::create(TrainingPlan::make(overlap), "", emulated(), builtin_devices());
  ASSERT_TRUE(session) << session.error().message;
  ASSERT_TRUE(session->set_input("x", training_rows()));
  ASSERT_TRUE(session->stack_output("l"));
  session->set_row_order(order);
  AllocationProbe probe(InstructionId(0), 10, 1990);
  const int64_t before = num_allocations;
  ASSERT_TRUE(session->run(2000, {.mode = RunMode::kPipelined, .observer = &probe}));
  EXPECT_EQ(probe.num_between(), 0);
  EXPECT_GT(num_allocations, before) << "the stack of outputs is allocated: the counter works";
}

TEST(StepLoop, AllocatesNothing) {
  for (const Overlap overlap : {Overlap::kSerial, Overlap::kPipelined}) {
    expect_no_allocation(overlap, RowOrder());
    expect_no_allocation(overlap, RowOrder::shuffled(1));
  }
}

}  // namespace
}  // namespace graphrt
