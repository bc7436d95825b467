#pragma once

#include <cstdint>

namespace graphc {

/// How much is said of what is large.
enum class Detail : uint8_t {
  kShort,  ///< at most 40 lines, whatever the graph and the machine: long lists are folded
  kAll,
};

}  // namespace graphc
