#include "runtime/base/check.h"

#include <cstdlib>
#include <string>

#include "runtime/base/console.h"

namespace graphrt {

void check_failed(const char* file, int line, const char* condition, std::string_view message) {
  note(std::string(file) + ":" + std::to_string(line) + ": internal error: " + condition +
       " does not hold\n" + std::string(message) + "\n");
  std::abort();
}

}  // namespace graphrt
