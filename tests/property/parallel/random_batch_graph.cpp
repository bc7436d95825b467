#include "tests/property/parallel/random_batch_graph.h"

#include <array>

#include "runtime/base/text.h"

namespace graphc {
namespace {

std::string type_of(int64_t rows, int64_t columns) {
  return "f32[" + std::to_string(rows) + ", " + std::to_string(columns) + "]";
}

std::string braced(const std::vector<std::string>& settings) {
  return settings.empty() ? "" : " {" + graphrt::join(settings, ", ") + "}";
}

}  // namespace

RandomBatchGraph::RandomBatchGraph(unsigned seed) : random_(seed + 1), batch_(number(3, 7)) {
  text_ = "graph random\n";
  const int64_t columns = 2 * number(1, 3);
  text_ += "input %x : " + type_of(batch_, columns) + "\n";
  text_ += "input %label : i32[" + std::to_string(batch_) + "]\n";
  text_ += "state %step : i32[] init zeros\nconstant %one : i32[] = 1\n";
  text_ += "%next = add(%step, %one) updates %step\n";
  matrices_.push_back({"x", batch_, columns});
  add("matmul(%x, " + state(type_of(columns, 4)) + ")", batch_, 4);
  for (int64_t i = number(2, 9); i > 0; --i) add_layer();
  add_end();
  const int64_t num_devices = number(1, 3);
  int64_t left = batch_;
  for (int64_t i = 0; i < num_devices; ++i) {
    const bool is_last = i + 1 == num_devices;
    const int64_t rows = is_last ? left : number(1, left - (num_devices - i - 1));
    left -= rows;
    parallel_ +=
        (i == 0 ? "parallel batch d" : ", d") + std::to_string(i) + " = " + std::to_string(rows);
  }
  constexpr std::array kUpdates = {"", " update_on each", " update_on shards"};
  parallel_ += kUpdates[static_cast<size_t>(number(0, 2))];
  parallel_ += "\n";
}

int64_t RandomBatchGraph::number(int64_t low, int64_t high) {
  return low + static_cast<int64_t>(random_() % static_cast<uint64_t>(high - low + 1));
}

const RandomBatchGraph::Matrix& RandomBatchGraph::any() {
  // The last is likelier, so that graphs are deep.
  const auto last = static_cast<int64_t>(matrices_.size()) - 1;
  return matrices_[static_cast<size_t>(number(0, 2) > 0 ? last : number(0, last))];
}

std::string RandomBatchGraph::define(const std::string& formula) {
  const std::string name = "v" + std::to_string(num_names_++);
  text_ += "%" + name + " = " + formula + "\n";
  return name;
}

std::string RandomBatchGraph::state(const std::string& type) {
  const std::string name = "w" + std::to_string(num_names_++);
  text_ += "state %" + name + " : " + type + " init uniform(low=-0.7, high=0.7, seed=3)\n";
  return "%" + name;
}

void RandomBatchGraph::add(const std::string& formula, int64_t rows, int64_t columns) {
  matrices_.push_back({define(formula), rows, columns});
}

void RandomBatchGraph::add_layer() {
  const Matrix x = any();
  const std::string name = "%" + x.name;
  const std::string columns = std::to_string(x.columns);
  switch (number(0, 17)) {
    case 0:
      return add("matmul(" + name + ", " + state(type_of(x.columns, 3)) + ", " + state("f32[3]") +
                     ") {relu = true}",
                 x.rows, 3);
    case 1:
      return add("matmul(" + name + ", " + state(type_of(5, x.columns)) + ") {transpose_b = true}",
                 x.rows, 5);
    case 2:
      return add("tanh(" + name + ")", x.rows, x.columns);
    case 3:
      return add("add(" + name + ", " + state("f32[" + columns + "]") + ")", x.rows, x.columns);
    case 4:  // a state with a row for each of the batch
      return add("add(" + name + ", " + state(type_of(x.rows, 1)) + ")", x.rows, x.columns);
    case 5:
      return add("layer_norm(" + name + ", " + state("f32[" + columns + "]") + ", " +
                     state("f32[" + columns + "]") + ") {epsilon = 0.1}",
                 x.rows, x.columns);
    case 6:
      return add("softmax(" + name + ")", x.rows, x.columns);
    case 7:  // reads all rows at once
      return add("softmax(" + name + ") {axis = 0}", x.rows, x.columns);
    case 8: {
      const std::string row = define("mean(" + name + ") {axes = [0], keepdims = true}");
      return add("sub(" + name + ", %" + row + ")", x.rows, x.columns);
    }
    case 9: {
      const std::string column = define("sum(" + name + ") {axes = [1], keepdims = true}");
      return add("broadcast(%" + column + ") {shape = [" + std::to_string(x.rows) + ", 2]}", x.rows,
                 2);
    }
    case 10:
      if (x.columns % 2 != 0) return;
      return add("reshape(" + name + ") {shape = [" + std::to_string(2 * x.rows) + ", " +
                     std::to_string(x.columns / 2) + "]}",
                 2 * x.rows, x.columns / 2);
    case 11: {
      const Matrix y = any();
      if (y.rows != x.rows) return;
      return add("concat(" + name + ", %" + y.name + ") {axis = 1}", x.rows, x.columns + y.columns);
    }
    case 12:
      return add("slice(" + name + ") {axis = 1, begin = 0, end = 1}", x.rows, 1);
    case 13:
      return add("dropout(" + name + ", %step) {rate = 0.25, seed = 5}", x.rows, x.columns);
    case 14: {
      const std::string turned = define("transpose(" + name + ")");
      const std::string products = define("matmul(%" + turned + ", " + name + ")");
      return add("matmul(" + name + ", %" + products + ")", x.rows, x.columns);
    }
    case 15: {
      const Matrix y = any();
      if (y.rows != x.rows || y.columns != x.columns) return;
      return add("mul(" + name + ", %" + y.name + ")", x.rows, x.columns);
    }
    case 16:
      if (x.rows != batch_) return;
      return add("embedding(" + state(type_of(3, 2)) + ", %label)", batch_, 2);
    default:
      return add("scale(" + name + ") {factor = 0.5}", x.rows, x.columns);
  }
}

std::vector<std::string> RandomBatchGraph::settings_of_labels() {
  std::vector<std::string> settings;
  // Of 0, 1 and 2, which all are labels: parts of one row may have nothing that counts.
  if (number(0, 2) > 0) settings.push_back("ignore_index = " + std::to_string(number(0, 2)));
  if (number(0, 2) == 0) settings.emplace_back("reduction = \"sum\"");
  return settings;
}

void RandomBatchGraph::add_end() {
  const Matrix last = matrices_.back();
  const std::string scores =
      define("matmul(%" + last.name + ", " + state(type_of(last.columns, 3)) + ")");
  const std::string name = "%" + define("tanh(%" + scores + ")");
  if (last.rows == batch_) {
    std::vector<std::string> settings = settings_of_labels();
    if (number(0, 1) == 0) settings.push_back("label_smoothing = 0.25");
    text_ += "%loss = softmax_cross_entropy(" + name + ", %label)" + braced(settings) + "\n";
    text_ += "%right = accuracy(" + name + ", %label)" + braced(settings_of_labels()) + "\n";
    text_ += "output %right\n";
  } else {
    const std::string target = define("scale(" + name + ") {factor = 0.25}");
    text_ += "%loss = mse(" + name + ", %" + target + ")\n";
  }
  // To the division, the scale of a loss is an operand of its gradient.
  const std::string scale = matrices_.size() % 2 == 0 ? ", loss_scale=1024" : "";
  text_ += "train %loss sgd(learning_rate=0.0625, clip_norm=1" + scale +
           ")\noutput %loss\noutput " + name + "\noutput %" +
           define("sum_of_squares(%" + any().name + ")") + "\n";
}

}  // namespace graphc
