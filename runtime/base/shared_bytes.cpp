#include "runtime/base/shared_bytes.h"

#include <cstring>

namespace graphrt {

bool SharedBytes::operator==(const SharedBytes& other) const { return (*this <=> other) == 0; }

std::strong_ordering SharedBytes::operator<=>(const SharedBytes& other) const {
  if (size() != other.size()) return size() <=> other.size();
  if (empty() || data() == other.data()) return std::strong_ordering::equal;
  return std::memcmp(data(), other.data(), size()) <=> 0;
}

}  // namespace graphrt
