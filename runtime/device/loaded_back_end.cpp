#include "runtime/device/loaded_back_end.h"

#include <dlfcn.h>

#include <filesystem>
#include <memory>
#include <mutex>
#include <utility>

namespace graphrt {
namespace {

/// The folder of the object that holds this code.
std::filesystem::path own_folder() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&loaded_back_end), &info) == 0) return {};
  return std::filesystem::path(info.dli_fname).parent_path();
}

Result<BackEnd> load(const std::string& kind) {
  const std::string name = "libgraphrt_" + kind + ".so." + GRAPHRT_ABI_VERSION;
  void* object = ::dlopen((own_folder() / name).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) {
    const char* why = ::dlerror();
    return machine_error("the " + kind + " back end cannot be loaded: " + (why ? why : name));
  }
  auto* fill = reinterpret_cast<FillBackEnd*>(::dlsym(object, kFillBackEnd));
  if (fill == nullptr) return machine_error(name + " is no back end");
  BackEnd back_end;
  const std::string version = fill(GRAPHC_VERSION, &back_end);
  if (version == GRAPHC_VERSION) return back_end;
  return machine_error(name + " is of version " + version + ", and this is " + GRAPHC_VERSION);
}

/// Loads once, for whoever asks first.
class Loader {
 public:
  explicit Loader(std::string kind) : kind_(std::move(kind)) {}

  const Result<BackEnd>& get() {
    std::call_once(once_, [&] { back_end_ = load(kind_); });
    return back_end_;
  }

 private:
  std::string kind_;
  std::once_flag once_;
  Result<BackEnd> back_end_ = BackEnd{};
};

}  // namespace

BackEnd loaded_back_end(const std::string& kind) {
  const auto loader = std::make_shared<Loader>(kind);
  BackEnd back_end;
  back_end.open = [=](const std::string& name, int32_t index) -> Result<std::unique_ptr<Device>> {
    TRY(const BackEnd loaded, loader->get());
    return loaded.open(name, index);
  };
  back_end.count = [=]() -> Result<int32_t> {
    if (!loader->get()) return 0;
    return loader->get()->count();
  };
  back_end.make_queue = [=](QueueProgram program,
                            LaunchMode mode) -> Result<std::unique_ptr<LaneQueue>> {
    TRY(const BackEnd loaded, loader->get());
    return loaded.make_queue(std::move(program), mode);
  };
  back_end.prepare = [=](LaunchMode mode) {
    if (loader->get()) loader->get()->prepare(mode);
  };
  back_end.why_none = [=]() -> std::string {
    return loader->get() ? "" : loader->get().error().message;
  };
  return back_end;
}

}  // namespace graphrt
