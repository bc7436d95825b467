#include <algorithm>
#include <limits>
#include <tuple>

#include "compiler/solve/schedule/bounded_scheduler.h"
#include "compiler/solve/schedule/list_scheduler.h"
#include "compiler/solve/schedule/order_constructors.h"
#include "compiler/solve/schedule/order_improvement.h"

namespace graphc {
namespace {

/// Above, the order of list_schedule is left out: it looks at all ready tasks at every step.
constexpr size_t kMaxListTasks = 20'000;

/// Budgets that no order keeps within are taken to be this share below the best known peak.
constexpr int64_t kReachShare = 16;

/// The best of the constructed orders that are improved.
constexpr size_t kMaxImproved = 4;

/// Touches of values that the improvement of one order may look at.
constexpr int64_t kImprovementWork = 4'000'000;
constexpr int64_t kMinEvaluations = 8;
constexpr int64_t kMaxEvaluations = 1'000;

std::vector<TaskId> backwards(std::vector<TaskId> order) {
  std::reverse(order.begin(), order.end());
  return order;
}

/// The order in which a single lane would run everything: ready tasks by the rules of
/// list_schedule.
std::vector<TaskId> priority_order(const SchedulingProblem& problem) {
  SchedulingProblem on_one_lane = problem;
  on_one_lane.groups = IdVector<GroupId, LaneGroup>(1);
  on_one_lane.groups[GroupId(0)].lanes = {LaneId(0)};
  on_one_lane.num_lanes = 1;
  for (SchedulingTask& task : on_one_lane.tasks) task.group = GroupId(0);
  return list_schedule(on_one_lane, Stages(problem.tasks.size(), 0)).lanes[LaneId(0)];
}

using Orders = std::vector<std::vector<TaskId>>;

Orders greedy_orders(const OrderProblem& forwards) {
  const OrderProblem mirrored = reversed(forwards);
  Orders orders;
  for (const GreedyRule rule :
       {GreedyRule::kLeastGrowth, GreedyRule::kNearestFree, GreedyRule::kHillValley}) {
    orders.push_back(greedy_order(forwards, rule));
    orders.push_back(backwards(greedy_order(mirrored, rule)));
  }
  return orders;
}

/// The problem with budgets that are somewhat below what the best of `orders` needs, where it needs
/// more than there is: a budget out of reach is no guide.
OrderProblem within_reach(OrderProblem problem, const Orders& orders) {
  const auto best = std::min_element(orders.begin(), orders.end(), [&](auto& a, auto& b) {
    return cost_of(problem, a) < cost_of(problem, b);
  });
  const auto peaks_bytes = peaks_of(problem, *best);
  for (const MemoryId memory : peaks_bytes.ids()) {
    const int64_t reach_bytes = peaks_bytes[memory] - peaks_bytes[memory] / kReachShare;
    problem.budget_bytes[memory] = std::max(problem.budget_bytes[memory], reach_bytes);
  }
  return problem;
}

Orders constructed_orders(const SchedulingProblem& problem, const OrderProblem& forwards) {
  OrderProblem unlimited = forwards;
  for (int64_t& budget : unlimited.budget_bytes) budget = std::numeric_limits<int64_t>::max();
  Orders orders = greedy_orders(unlimited);
  orders.push_back(depth_first_order(forwards));
  orders.push_back(backwards(depth_first_order(reversed(forwards))));
  if (problem.tasks.size() <= kMaxListTasks) orders.push_back(priority_order(problem));
  for (auto& order : greedy_orders(within_reach(forwards, orders))) {
    orders.push_back(std::move(order));
  }
  return orders;
}

int64_t evaluations_for(const OrderProblem& problem) {
  auto work = static_cast<int64_t>(problem.touched.size());
  for (const int32_t num_touching : problem.num_touching) work += num_touching;
  return std::clamp(kImprovementWork / std::max<int64_t>(work, 1), kMinEvaluations,
                    kMaxEvaluations);
}

}  // namespace

std::vector<TaskId> min_peak_order(const SchedulingProblem& problem, const MemoryDemand& demand,
                                   const IdVector<MemoryId, int64_t>& budget_bytes) {
  const OrderProblem forwards = order_problem(problem, demand, budget_bytes);
  // Of equal cost, the names decide: where they stand, from first to last.
  using Ranked = std::tuple<OrderCost, std::vector<int32_t>, std::vector<TaskId>>;
  const auto ranked = [&](std::vector<TaskId> order) {
    std::vector<int32_t> ranks;
    for (const TaskId task : order) ranks.push_back(problem.tasks[task].name_rank);
    const OrderCost cost = cost_of(forwards, order);
    return Ranked(cost, std::move(ranks), std::move(order));
  };
  std::vector<Ranked> orders;
  for (auto& order : constructed_orders(problem, forwards)) {
    orders.push_back(ranked(std::move(order)));
  }
  std::sort(orders.begin(), orders.end());
  orders.erase(std::unique(orders.begin(), orders.end()), orders.end());
  orders.resize(std::min(orders.size(), kMaxImproved));
  const int64_t max_evaluations = evaluations_for(forwards);
  for (Ranked& order : orders) {
    order = ranked(improved_order(forwards, std::get<2>(std::move(order)), max_evaluations));
  }
  return std::get<2>(*std::min_element(orders.begin(), orders.end()));
}

}  // namespace graphc
