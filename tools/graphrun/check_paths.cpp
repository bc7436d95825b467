#include "tools/graphrun/check_paths.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

namespace graphrun {

graphrt::Result<void> check_can_write(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return graphrt::machine_error("cannot write " + path.string() + ": it is a folder");
  }
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  if (!std::filesystem::is_directory(folder, ignored)) {
    return graphrt::machine_error("cannot write " + path.string() + ": there is no folder " +
                                  folder.string());
  }
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    return graphrt::machine_error("cannot write " + path.string() + ": folder " + folder.string() +
                                  ": " + std::strerror(errno));
  }
  return {};
}

}  // namespace graphrun
