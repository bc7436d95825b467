#include "runtime/remote/mpi_connection.h"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace graphrt {
namespace {

/// The folder of the object that holds this code.
std::filesystem::path folder_of_library() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&is_started_by_mpi), &info) == 0) return {};
  return std::filesystem::path(info.dli_fname).parent_path();
}

}  // namespace

bool is_started_by_mpi() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}) {
    const char* size = std::getenv(name);
    if (size != nullptr) return std::string(size) != "1";
  }
  return std::getenv("PMIX_RANK") != nullptr;
}

Result<std::shared_ptr<Transport>> connect_by_mpi() {
  const std::string name = std::string("libgraphrt_mpi.so.") + GRAPHRT_ABI_VERSION;
  // Open MPI's plug-ins look for its symbols among those of all.
  void* object = ::dlopen((folder_of_library() / name).c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (object == nullptr) {
    const char* why = ::dlerror();
    return machine_error("mpirun started this, and MPI cannot be loaded: " +
                         (why != nullptr ? std::string(why) : name) +
                         "; --emulate without mpirun runs all hosts in one process");
  }
  auto* connect = reinterpret_cast<ConnectMpi*>(::dlsym(object, kConnectMpi));
  if (connect == nullptr) return machine_error(name + " connects nothing");
  Result<std::shared_ptr<Transport>> connected;
  const std::string version = connect(GRAPHC_VERSION, &connected);
  if (version == GRAPHC_VERSION) return connected;
  return machine_error(name + " is of version " + version + ", and this is " + GRAPHC_VERSION);
}

}  // namespace graphrt
