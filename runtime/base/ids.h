#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace graphrt {

/// An index into one dense table. Two ids with different tags do not mix, and there is no "none"
/// value: what may be absent is a std::optional.
template <class Tag>
class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(int32_t value) : value_(value) {}
  constexpr explicit Id(size_t value) : value_(static_cast<int32_t>(value)) {}

  constexpr int32_t value() const { return value_; }
  constexpr size_t index() const { return static_cast<size_t>(value_); }
  constexpr auto operator<=>(const Id&) const = default;

 private:
  int32_t value_ = 0;
};

/// A std::vector that only the matching id can index.
template <class IdType, class T>
class IdVector {
 public:
  IdVector() = default;
  explicit IdVector(size_t size, const T& value = T()) : items_(size, value) {}

  typename std::vector<T>::reference operator[](IdType id) { return items_[id.index()]; }
  typename std::vector<T>::const_reference operator[](IdType id) const {
    return items_[id.index()];
  }

  IdType push_back(T item) {
    items_.push_back(std::move(item));
    return IdType(items_.size() - 1);
  }
  size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }
  bool contains(IdType id) const { return id.value() >= 0 && id.index() < items_.size(); }
  void resize(size_t size) { items_.resize(size); }

  auto begin() { return items_.begin(); }
  auto end() { return items_.end(); }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }

  bool operator==(const IdVector&) const = default;

  /// Every valid id, in order: `for (const LaneId lane : lanes.ids())`.
  class IdRange {
   public:
    class Iterator {
     public:
      explicit Iterator(int32_t value) : value_(value) {}
      IdType operator*() const { return IdType(value_); }
      Iterator& operator++() {
        ++value_;
        return *this;
      }
      bool operator==(const Iterator&) const = default;

     private:
      int32_t value_;
    };
    explicit IdRange(size_t size) : size_(static_cast<int32_t>(size)) {}
    Iterator begin() const { return Iterator(0); }
    Iterator end() const { return Iterator(size_); }

   private:
    int32_t size_;
  };
  IdRange ids() const { return IdRange(items_.size()); }

 private:
  std::vector<T> items_;
};

}  // namespace graphrt

template <class Tag>
struct std::hash<graphrt::Id<Tag>> {
  size_t operator()(graphrt::Id<Tag> id) const { return std::hash<int32_t>{}(id.value()); }
};
