// The element functions as operators, and what else computes every element of the result from the
// elements of the same index.
#include "runtime/kernels/cpu/elementwise.h"

namespace graphrt::cpu {
namespace {

/// y = function(a, b), both of the result's shape, of floats stored as T.
template <class T, class Function>
class PairKernel : public PreparedKernel {
 public:
  explicit PairKernel(int64_t num_elements) : num_elements_(num_elements) {}

  void run(const KernelArguments& at) const override {
    const T* a = elements<T>(at.inputs[0]);
    const T* b = elements<T>(at.inputs[1]);
    FloatBlock space_of_a;
    FloatBlock space_of_b;
    store_floats(num_elements_, elements<T>(at.result()),
                 [&](int64_t begin, int64_t size, float* y) {
                   zip_each(Function(), load_floats(a + begin, size, space_of_a),
                            load_floats(b + begin, size, space_of_b), y, size);
                 });
  }

 private:
  int64_t num_elements_;
};

// One for each kind of element_functions.def.

template <class Function>
KernelResult make_Map(const KernelSpec& spec) {
  return make_map(spec, Function());
}

template <class Function>
KernelResult make_Scaled(const KernelSpec& spec) {
  return make_map(spec, Function{static_cast<float>(spec.attributes.number("factor", 1))});
}

template <class Function>
KernelResult make_Pair(const KernelSpec& spec) {
  return with_float_type(spec.result().element, [&](auto tag) -> KernelResult {
    using T = typename decltype(tag)::Type;
    return std::make_unique<PairKernel<T, Function>>(spec.result().num_elements());
  });
}

template <class Function>
KernelResult make_Zip(const KernelSpec& spec) {
  return with_float_type(spec.result().element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    return make_zip<T>(spec, on_stored<T>(Function()));
  });
}

template <class Function>
KernelResult make_Arithmetic(const KernelSpec& spec) {
  return with_element_type(spec.result().element, [&](auto tag) -> KernelResult {
    using T = typename decltype(tag)::Type;
    if constexpr (kIsFloat<T>) {
      return make_zip<T>(spec, on_stored<T>(Function()));
    } else if constexpr (std::is_same_v<T, Bool>) {
      no_such_element(spec.result().element);  // the type rule refuses it
    } else {
      // Unsigned, because there going past the last bit is defined: the result wraps around.
      return make_zip<std::make_unsigned_t<T>>(spec, Function());
    }
  });
}

/// y = function(x), of another type.
template <class From, class To, class Function>
class ConvertKernel : public PreparedKernel {
 public:
  ConvertKernel(int64_t num_elements, Function function)
      : num_elements_(num_elements), function_(function) {}

  void run(const KernelArguments& at) const override {
    const From* x = elements<From>(at.inputs[0]);
    To* y = elements<To>(at.result());
    for (int64_t i = 0; i < num_elements_; ++i) y[i] = function_(x[i]);
  }

 private:
  int64_t num_elements_;
  Function function_;
};

template <class From, class To, class Function>
KernelResult make_convert(const KernelSpec& spec, Function function) {
  return std::make_unique<ConvertKernel<From, To, Function>>(spec.result().num_elements(),
                                                             function);
}

/// y = function(a, b), a bool. Integers are compared as such, floats as f32.
template <class Compare>
KernelResult make_comparison(const KernelSpec& spec, Compare compare) {
  return with_element_type(spec.inputs[0].element, [&](auto tag) {
    using T = typename decltype(tag)::Type;
    return make_zip<T, Bool>(spec,
                             [compare](T a, T b) { return Bool(compare(widened(a), widened(b))); });
  });
}

/// a where the condition holds, else b, of elements of a size.
template <class Element>
class SelectKernel : public PreparedKernel {
 public:
  explicit SelectKernel(const KernelSpec& spec)
      : dims_(broadcast_loops(spec.inputs[0].shape, spec.inputs[1].shape, spec.inputs[2].shape,
                              spec.result().shape)) {}

  void run(const KernelArguments& at) const override {
    run_dims(dims_, elements<Bool>(at.inputs[0]), elements<Element>(at.inputs[1]),
             elements<Element>(at.inputs[2]), elements<Element>(at.result()));
  }

 private:
  static void run_dims(std::span<const StridedDim> dims, const Bool* condition, const Element* a,
                       const Element* b, Element* y) {
    const auto& [size, strides] = dims.front();
    for (int64_t i = 0; i < size; ++i) {
      const Bool* holds = condition + i * strides[0];
      const Element* if_true = a + i * strides[1];
      const Element* if_false = b + i * strides[2];
      if (dims.size() > 1) {
        run_dims(dims.subspan(1), holds, if_true, if_false, y + i * strides[3]);
      } else {
        y[i * strides[3]] = static_cast<bool>(*holds) ? *if_true : *if_false;
      }
    }
  }

  std::vector<StridedDim> dims_;
};

}  // namespace

#define GRAPHC_ELEMENT_FUNCTION(name, Functor, kind, ...) \
  KernelResult prepare_##name(const KernelSpec& spec) { return make_##kind<Functor>(spec); }
#include "runtime/op/element_functions.def"

#define GRAPHC_COMPARISON(name, symbol)                                      \
  KernelResult prepare_##name(const KernelSpec& spec) {                      \
    return make_comparison(spec, [](auto a, auto b) { return a symbol b; }); \
  }
#include "runtime/op/comparisons.def"

KernelResult prepare_logical_and(const KernelSpec& spec) {
  return make_comparison(spec, [](auto a, auto b) { return a != 0 && b != 0; });
}

KernelResult prepare_logical_or(const KernelSpec& spec) {
  return make_comparison(spec, [](auto a, auto b) { return a != 0 || b != 0; });
}

KernelResult prepare_logical_not(const KernelSpec& spec) {
  return make_convert<Bool, Bool>(spec, [](Bool x) { return Bool(!static_cast<bool>(x)); });
}

KernelResult prepare_select(const KernelSpec& spec) {
  return by_size(spec, [&](auto tag) -> KernelResult {
    return std::make_unique<SelectKernel<typename decltype(tag)::Type>>(spec);
  });
}

KernelResult prepare_cast(const KernelSpec& spec) {
  return with_element_type(spec.inputs[0].element, [&](auto from) {
    using From = typename decltype(from)::Type;
    return with_element_type(spec.result().element, [&](auto to) {
      using To = typename decltype(to)::Type;
      return make_convert<From, To>(spec, [](From x) { return narrowed<To>(widened(x)); });
    });
  });
}

}  // namespace graphrt::cpu
