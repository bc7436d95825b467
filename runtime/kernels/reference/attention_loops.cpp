// Attention, one query after the other, and its gradients from the weights that log_sum gives back.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "runtime/kernels/reference/loops.h"

namespace graphrt::reference {
namespace {

constexpr double kUnseen = -std::numeric_limits<double>::infinity();

/// Of [a, b, c, d], row-major.
struct FourDimensions {
  std::vector<double> elements;
  Shape shape;

  explicit FourDimensions(const Shape& sizes) : shape(sizes) {
    elements.resize(static_cast<size_t>(sizes[0] * sizes[1] * sizes[2] * sizes[3]));
  }
  explicit FourDimensions(const Tensor& tensor) : FourDimensions(tensor.type.shape) {
    with_float_type(tensor.type.element, [&](auto tag) {
      const auto x = tensor.as<typename decltype(tag)::Type>();
      for (size_t i = 0; i < x.size(); ++i) elements[i] = static_cast<float>(x[i]);
    });
  }
  double& at(int64_t a, int64_t b, int64_t c, int64_t d) {
    return elements[static_cast<size_t>(((a * shape[1] + b) * shape[2] + c) * shape[3] + d)];
  }
  double at(int64_t a, int64_t b, int64_t c, int64_t d) const {
    return elements[static_cast<size_t>(((a * shape[1] + b) * shape[2] + c) * shape[3] + d)];
  }
  void write_to(Tensor& tensor) const {
    with_float_type(tensor.type.element, [&](auto tag) {
      using T = typename decltype(tag)::Type;
      const auto y = tensor.as<T>();
      for (size_t i = 0; i < y.size(); ++i) y[i] = narrowed<T>(elements[i]);
    });
  }
};

/// What is added to each score: -inf where a bool says that a key is not seen.
class AddedToScores {
 public:
  AddedToScores(const Tensor* mask, Shape scores) : mask_(mask), scores_(std::move(scores)) {}

  double at(int64_t b, int64_t h, int64_t t, int64_t s) const {
    if (mask_ == nullptr) return 0;
    const int64_t flat = ((b * scores_[1] + h) * scores_[2] + t) * scores_[3] + s;
    const size_t i = index_in_smaller(flat, scores_, mask_->type.shape);
    if (mask_->type.element == ElementType::kBool) {
      return static_cast<bool>(mask_->as<Bool>()[i]) ? 0 : kUnseen;
    }
    return with_float_type(mask_->type.element, [&](auto tag) -> double {
      return static_cast<float>(mask_->as<typename decltype(tag)::Type>()[i]);
    });
  }

 private:
  const Tensor* mask_;
  Shape scores_;
};

/// The scores of queries with keys.
class Scores {
 public:
  Scores(FourDimensions q, FourDimensions k, const Tensor* mask, const Attributes& attributes)
      : q_(std::move(q)),
        k_(std::move(k)),
        added_(mask, {q_.shape[0], q_.shape[2], q_.shape[1], k_.shape[1]}),
        is_causal_(attributes.flag("causal")) {
    const double otherwise = 1 / std::sqrt(static_cast<double>(q_.shape[3]));
    scale_ = static_cast<float>(attributes.number("scale", otherwise));
  }

  const FourDimensions& q() const { return q_; }
  const FourDimensions& k() const { return k_; }
  double scale() const { return scale_; }
  int64_t num_keys() const { return k_.shape[1]; }
  int64_t key_head(int64_t h) const { return h / (q_.shape[2] / k_.shape[2]); }

  double at(int64_t b, int64_t h, int64_t t, int64_t s) const {
    if (is_causal_ && s > t + k_.shape[1] - q_.shape[1]) return kUnseen;
    double product = 0;
    for (int64_t d = 0; d < q_.shape[3]; ++d) {
      product += q_.at(b, t, h, d) * k_.at(b, s, key_head(h), d);
    }
    const double added = added_.at(b, h, t, s);
    return added == kUnseen ? kUnseen : scale_ * product + added;
  }

 private:
  FourDimensions q_;
  FourDimensions k_;
  AddedToScores added_;
  bool is_causal_;
  double scale_ = 0;
};

const Tensor* operand_or_null(Operands inputs, size_t i) {
  return i < inputs.size() ? inputs[i] : nullptr;
}

/// The result and log_sum of one query.
void attend(const Scores& scores, const FourDimensions& v, int64_t b, int64_t h, int64_t t,
            FourDimensions& result, float& log_sum) {
  std::vector<double> weights;
  for (int64_t s = 0; s < scores.num_keys(); ++s) weights.push_back(scores.at(b, h, t, s));
  const double largest = *std::max_element(weights.begin(), weights.end());
  log_sum = static_cast<float>(largest);
  if (largest == kUnseen) return;
  double total = 0;
  for (double& weight : weights) total += weight = std::exp(weight - largest);
  log_sum = static_cast<float>(largest + std::log(total));
  for (int64_t e = 0; e < v.shape[3]; ++e) {
    double sum = 0;
    for (int64_t s = 0; s < scores.num_keys(); ++s) {
      sum += weights[static_cast<size_t>(s)] * v.at(b, s, scores.key_head(h), e);
    }
    result.at(b, t, h, e) = sum / total;
  }
}

double dot_of_values(const FourDimensions& a, const FourDimensions& b, std::array<int64_t, 3> in_a,
                     std::array<int64_t, 3> in_b) {
  double sum = 0;
  for (int64_t e = 0; e < a.shape[3]; ++e) {
    sum += a.at(in_a[0], in_a[1], in_a[2], e) * b.at(in_b[0], in_b[1], in_b[2], e);
  }
  return sum;
}

struct AttentionGradients {
  FourDimensions q;
  FourDimensions k;
  FourDimensions v;
};

/// What one query adds to the gradients. With its weights p and dp = gradient · v: the gradient by
/// a score is p (dp - sum of p dp), and that sum is gradient · result.
void add_gradients(const Scores& scores, const FourDimensions& v, const FourDimensions& gradient,
                   const FourDimensions& result, double log_sum, std::array<int64_t, 3> query,
                   AttentionGradients& gradients) {
  const auto [b, t, h] = query;
  if (log_sum == kUnseen) return;
  const int64_t g = scores.key_head(h);
  const double mean = dot_of_values(gradient, result, query, query);
  for (int64_t s = 0; s < scores.num_keys(); ++s) {
    const double weight = std::exp(scores.at(b, h, t, s) - log_sum);
    const double by_weight = dot_of_values(gradient, v, query, {b, s, g});
    const double by_product = weight * (by_weight - mean) * scores.scale();
    for (int64_t e = 0; e < v.shape[3]; ++e) {
      gradients.v.at(b, s, g, e) += weight * gradient.at(b, t, h, e);
    }
    for (int64_t d = 0; d < scores.q().shape[3]; ++d) {
      gradients.q.at(b, t, h, d) += by_product * scores.k().at(b, s, g, d);
      gradients.k.at(b, s, g, d) += by_product * scores.q().at(b, t, h, d);
    }
  }
}

/// f(b, t, h, number in [B, H, T])
template <class F>
void for_each_query(const Shape& q, const F& f) {
  for (int64_t b = 0; b < q[0]; ++b) {
    for (int64_t h = 0; h < q[2]; ++h) {
      for (int64_t t = 0; t < q[1]; ++t) {
        f(b, t, h, static_cast<size_t>((b * q[2] + h) * q[1] + t));
      }
    }
  }
}

/// q, k and v.
struct Heads {
  FourDimensions q;
  FourDimensions k;
  FourDimensions v;
};

/// Heads `first` to `first + count` of all.
FourDimensions some_heads(const FourDimensions& all, int64_t first, int64_t count) {
  FourDimensions some({all.shape[0], all.shape[1], count, all.shape[3]});
  for (int64_t b = 0; b < all.shape[0]; ++b) {
    for (int64_t t = 0; t < all.shape[1]; ++t) {
      for (int64_t h = 0; h < count; ++h) {
        for (int64_t d = 0; d < all.shape[3]; ++d) {
          some.at(b, t, h, d) = all.at(b, t, first + h, d);
        }
      }
    }
  }
  return some;
}

/// Of one operand [B, T, H + 2 G, D].
Heads unpacked(const Tensor& qkv, const Attributes& attributes) {
  const FourDimensions all(qkv);
  const int64_t key_heads = attributes.integer("key_heads", 1);
  const int64_t heads = all.shape[2] - 2 * key_heads;
  return {some_heads(all, 0, heads), some_heads(all, heads, key_heads),
          some_heads(all, heads + key_heads, key_heads)};
}

void write_packed(const AttentionGradients& gradients, Tensor& result) {
  FourDimensions all(result.type.shape);
  int64_t first = 0;
  for (const FourDimensions* part : {&gradients.q, &gradients.k, &gradients.v}) {
    for (int64_t b = 0; b < all.shape[0]; ++b) {
      for (int64_t t = 0; t < all.shape[1]; ++t) {
        for (int64_t h = 0; h < part->shape[2]; ++h) {
          for (int64_t d = 0; d < all.shape[3]; ++d) {
            all.at(b, t, first + h, d) = part->at(b, t, h, d);
          }
        }
      }
    }
    first += part->shape[2];
  }
  all.write_to(result);
}

void attend_all(Heads heads, const Tensor* mask, const Attributes& attributes, Results results) {
  const Scores scores(std::move(heads.q), std::move(heads.k), mask, attributes);
  FourDimensions result(results[0].type.shape);
  const auto log_sums = results[1].as<float>();
  for_each_query(scores.q().shape, [&](int64_t b, int64_t t, int64_t h, size_t i) {
    attend(scores, heads.v, b, h, t, result, log_sums[i]);
  });
  result.write_to(results[0]);
}

/// What the gradients are made of besides.
struct Attended {
  const Tensor& gradient;
  const Tensor& result;
  const Tensor& log_sum;
  const Tensor* mask;
};

AttentionGradients gradients_of(Heads heads, const Attended& attended,
                                const Attributes& attributes) {
  AttentionGradients gradients{FourDimensions(heads.q.shape), FourDimensions(heads.k.shape),
                               FourDimensions(heads.v.shape)};
  const Scores scores(std::move(heads.q), std::move(heads.k), attended.mask, attributes);
  const FourDimensions gradient(attended.gradient);
  const FourDimensions result(attended.result);
  const auto log_sums = attended.log_sum.as<float>();
  for_each_query(scores.q().shape, [&](int64_t b, int64_t t, int64_t h, size_t i) {
    add_gradients(scores, heads.v, gradient, result, log_sums[i], {b, t, h}, gradients);
  });
  return gradients;
}

Heads apart(const Tensor& q, const Tensor& k, const Tensor& v) {
  return {FourDimensions(q), FourDimensions(k), FourDimensions(v)};
}

}  // namespace

void attention(Operands inputs, const Attributes& attributes, Results results) {
  attend_all(apart(*inputs[0], *inputs[1], *inputs[2]), operand_or_null(inputs, 3), attributes,
             results);
}

void packed_attention(Operands inputs, const Attributes& attributes, Results results) {
  attend_all(unpacked(*inputs[0], attributes), operand_or_null(inputs, 1), attributes, results);
}

void attention_grad(Operands inputs, const Attributes& attributes, Results results) {
  const AttentionGradients gradients =
      gradients_of(apart(*inputs[1], *inputs[2], *inputs[3]),
                   {*inputs[0], *inputs[4], *inputs[5], operand_or_null(inputs, 6)}, attributes);
  gradients.q.write_to(results[0]);
  gradients.k.write_to(results[1]);
  gradients.v.write_to(results[2]);
}

void packed_attention_grad(Operands inputs, const Attributes& attributes, Results results) {
  write_packed(
      gradients_of(unpacked(*inputs[1], attributes),
                   {*inputs[0], *inputs[2], *inputs[3], operand_or_null(inputs, 4)}, attributes),
      results[0]);
}

}  // namespace graphrt::reference
