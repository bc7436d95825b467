#include "runtime/session/names.h"

#include "runtime/base/text.h"

namespace graphrt {

tl::unexpected<Error> unknown_name(std::string_view kind, std::string_view name,
                                   const std::vector<std::string>& known) {
  const std::string what = "the plan has no " + std::string(kind) + " '" + std::string(name) + "'";
  if (const auto nearest = nearest_name(name, known)) {
    return input_error(what + "; did you mean '" + *nearest + "'?");
  }
  if (known.empty()) return input_error(what + "; it has none");
  return input_error(what + "; it has " + join_first(known, ", "));
}

}  // namespace graphrt
