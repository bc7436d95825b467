#include "runtime/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace graphrt {

void check_failed(const char* file, int line, const char* condition, std::string_view message) {
  std::fprintf(stderr, "%s:%d: internal error: %s does not hold\n%.*s\n", file, line, condition,
               static_cast<int>(message.size()), message.data());
  std::abort();
}

}  // namespace graphrt
