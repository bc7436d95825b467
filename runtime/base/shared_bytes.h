#pragma once

#include <compare>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace graphrt {

/// Bytes that nobody changes any more, held by all who need them: a copy is a reference to them.
/// They lie in memory or in a mapped file.
class SharedBytes {
 public:
  SharedBytes() = default;
  SharedBytes(std::vector<std::byte> bytes) {  // NOLINT(google-explicit-constructor): as good
    auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
    bytes_ = *owner;
    owner_ = std::move(owner);
  }
  /// `owner` keeps the bytes alive.
  SharedBytes(std::shared_ptr<const void> owner, std::span<const std::byte> bytes)
      : owner_(std::move(owner)), bytes_(bytes) {}

  const std::byte* data() const { return bytes_.data(); }
  size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  auto begin() const { return bytes_.begin(); }
  auto end() const { return bytes_.end(); }

  /// From there to the end. Requires: offset <= size().
  SharedBytes from(size_t offset) const { return {owner_, bytes_.subspan(offset)}; }
  std::vector<std::byte> to_vector() const { return {begin(), end()}; }

  /// By content.
  bool operator==(const SharedBytes& other) const;
  std::strong_ordering operator<=>(const SharedBytes& other) const;

 private:
  std::shared_ptr<const void> owner_;
  std::span<const std::byte> bytes_;
};

}  // namespace graphrt
