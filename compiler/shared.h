#pragma once

#include <memory>
#include <utility>

namespace graphc {

/// A value that nobody changes any more, held by all who need it: a copy is a reference to it. What
/// is to be changed is copied out of it first.
template <class T>
class Shared {
 public:
  Shared() : Shared(T()) {}
  Shared(T value)  // NOLINT(google-explicit-constructor): a T is as good
      : value_(std::make_shared<const T>(std::move(value))) {}

  const T& operator*() const { return *value_; }
  const T* operator->() const { return value_.get(); }
  operator const T&() const { return *value_; }  // NOLINT(google-explicit-constructor)

 private:
  std::shared_ptr<const T> value_;
};

}  // namespace graphc
