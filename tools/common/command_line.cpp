#include "tools/common/command_line.h"

#include <sstream>

#include "runtime/base/console.h"
#include "runtime/base/result.h"

namespace tools {

int end_of_parsing(const CLI::App& app, const CLI::ParseError& error) {
  std::ostringstream asked_for;
  std::ostringstream wrong;
  const bool is_asked_for = app.exit(error, asked_for, wrong) == 0;
  if (is_asked_for) graphrt::report(asked_for.str());
  graphrt::note(wrong.str());
  return is_asked_for ? 0 : graphrt::exit_code(graphrt::ErrorKind::kUsage);
}

}  // namespace tools
