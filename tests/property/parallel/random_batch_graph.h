#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace graphc {

/// A random training graph in text form whose inputs are batches: layers with weights, what moves
/// and reduces rows or columns, what needs all rows at once, values read several times, a loss that
/// is a mean over the batch and, as outputs, values that are held in every way. All numbers stay
/// near 1, so that results can be compared. The last line divides the batch.
class RandomBatchGraph {
 public:
  explicit RandomBatchGraph(unsigned seed);

  /// Without the line that divides.
  const std::string& text() const { return text_; }
  /// `parallel batch a = 3, b = 1`, of one to three devices.
  const std::string& parallel() const { return parallel_; }

 private:
  /// f32[rows, columns].
  struct Matrix {
    std::string name;
    int64_t rows;
    int64_t columns;
  };

  int64_t number(int64_t low, int64_t high);
  const Matrix& any();
  std::string define(const std::string& formula);
  std::string state(const std::string& type);
  void add(const std::string& formula, int64_t rows, int64_t columns);
  void add_layer();
  /// Of a loss or metric over labels: which of them count, and whether it is a mean.
  std::vector<std::string> settings_of_labels();
  void add_end();

  std::minstd_rand random_;
  int64_t batch_;
  std::vector<Matrix> matrices_;
  int num_names_ = 0;
  std::string text_;
  std::string parallel_;
};

}  // namespace graphc
