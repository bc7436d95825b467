#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace graphrt::cpu {

/// term(0) .. term(num_terms - 1) combined, always in the same order. Several independent chains,
/// because one alone would wait for each combination to end.
template <class Total, class Combine, class Term>
Total combine_terms(int64_t num_terms, Total start, Combine combine, Term term) {
  constexpr int64_t kNumChains = 8;
  std::array<Total, kNumChains> totals;
  totals.fill(start);
  int64_t i = 0;
  for (; i + kNumChains <= num_terms; i += kNumChains) {
    for (int64_t chain = 0; chain < kNumChains; ++chain) {
      Total& total = totals[static_cast<size_t>(chain)];
      total = combine(total, term(i + chain));
    }
  }
  Total total = start;
  for (const Total part : totals) total = combine(total, part);
  for (; i < num_terms; ++i) total = combine(total, term(i));
  return total;
}

}  // namespace graphrt::cpu
