// libcudnn is there on some machines and not on others, and takes a second to load: so we do not
// link it, and these functions, which its headers declare, look for those of the same name in it.
// Whoever loads both us and libcudnn sees none of them: they are hidden.
#include "runtime/kernels/cuda/cudnn/cudnn_library.h"

#include <cuda_runtime.h>
#include <dlfcn.h>
#include <nvrtc.h>

#include <map>
#include <memory>

namespace graphrt::cuda {
namespace {

constexpr auto kLibrary = "libcudnn.so.9";

void* cudnn_library() {
  static void* const library = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  return library;
}

/// Null where the library is missing, or too old.
template <class Function>
Function* find_in_cudnn(const char* name) {
  void* const library = cudnn_library();
  return library == nullptr ? nullptr : reinterpret_cast<Function*>(::dlsym(library, name));
}

void open_handle(CudnnHandle& cudnn) {
  if (cudnn_library() == nullptr) {
    cudnn.refusal = std::string("there is no ") + kLibrary;
    return;
  }
  const cudnnStatus_t status = ::cudnnCreate(&cudnn.handle);
  if (status == CUDNN_STATUS_SUCCESS) return;
  cudnn.handle = nullptr;
  cudnn.refusal = std::string("cudnnCreate failed: ") + ::cudnnGetErrorString(status);
}

}  // namespace

CudnnHandle& cudnn_of_current_device() {
  static std::mutex mutex;
  static auto& handles = *new std::map<int, std::unique_ptr<CudnnHandle>>;
  const std::lock_guard lock(mutex);
  int device = 0;
  cudaGetDevice(&device);
  std::unique_ptr<CudnnHandle>& cudnn = handles[device];
  if (cudnn == nullptr) {
    cudnn = std::make_unique<CudnnHandle>();
    open_handle(*cudnn);
  }
  return *cudnn;
}

}  // namespace graphrt::cuda

// Each calls its namesake, if that is there. Names and types are those of cudnn.h.
#define FORWARD_TO_CUDNN(name, parameters, ...)                                       \
  cudnnStatus_t name parameters {                                                     \
    static auto* const found = graphrt::cuda::find_in_cudnn<decltype(::name)>(#name); \
    return found == nullptr ? CUDNN_STATUS_NOT_INITIALIZED : found(__VA_ARGS__);      \
  }

extern "C" {

FORWARD_TO_CUDNN(cudnnCreate, (cudnnHandle_t * handle), handle)
FORWARD_TO_CUDNN(cudnnSetStream, (cudnnHandle_t handle, cudaStream_t stream), handle, stream)
FORWARD_TO_CUDNN(cudnnGetStream, (cudnnHandle_t handle, cudaStream_t* stream), handle, stream)
FORWARD_TO_CUDNN(cudnnBackendCreateDescriptor,
                 (cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t* descriptor), type,
                 descriptor)
FORWARD_TO_CUDNN(cudnnBackendDestroyDescriptor, (cudnnBackendDescriptor_t descriptor), descriptor)
FORWARD_TO_CUDNN(cudnnBackendFinalize, (cudnnBackendDescriptor_t descriptor), descriptor)
FORWARD_TO_CUDNN(cudnnBackendSetAttribute,
                 (cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                  cudnnBackendAttributeType_t type, int64_t count, const void* elements),
                 descriptor, name, type, count, elements)
FORWARD_TO_CUDNN(cudnnBackendGetAttribute,
                 (const cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
                  cudnnBackendAttributeType_t type, int64_t requested, int64_t* count,
                  void* elements),
                 descriptor, name, type, requested, count, elements)
FORWARD_TO_CUDNN(cudnnBackendExecute,
                 (cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
                  cudnnBackendDescriptor_t operands),
                 handle, plan, operands)

size_t cudnnGetVersion() {
  static auto* const found =
      graphrt::cuda::find_in_cudnn<decltype(::cudnnGetVersion)>("cudnnGetVersion");
  return found == nullptr ? 0 : found();
}

const char* cudnnGetErrorString(cudnnStatus_t status) {
  static auto* const found =
      graphrt::cuda::find_in_cudnn<decltype(::cudnnGetErrorString)>("cudnnGetErrorString");
  return found == nullptr ? "no cuDNN" : found(status);
}

void cudnnGetLastErrorString(char* message, size_t max_size) {
  static auto* const found =
      graphrt::cuda::find_in_cudnn<decltype(::cudnnGetLastErrorString)>("cudnnGetLastErrorString");
  if (found != nullptr) return found(message, max_size);
  if (max_size > 0) *message = '\0';
}

// cudnn-frontend has kernels of its own that it would compile when it runs. We ask for none.

nvrtcResult nvrtcCreateProgram(nvrtcProgram*, const char*, const char*, int, const char* const*,
                               const char* const*) {
  return NVRTC_ERROR_INVALID_INPUT;
}
nvrtcResult nvrtcDestroyProgram(nvrtcProgram*) { return NVRTC_ERROR_INVALID_INPUT; }
nvrtcResult nvrtcCompileProgram(nvrtcProgram, int, const char* const*) {
  return NVRTC_ERROR_INVALID_INPUT;
}
nvrtcResult nvrtcGetCUBIN(nvrtcProgram, char*) { return NVRTC_ERROR_INVALID_INPUT; }
nvrtcResult nvrtcGetCUBINSize(nvrtcProgram, size_t*) { return NVRTC_ERROR_INVALID_INPUT; }
nvrtcResult nvrtcGetProgramLog(nvrtcProgram, char*) { return NVRTC_ERROR_INVALID_INPUT; }
nvrtcResult nvrtcGetProgramLogSize(nvrtcProgram, size_t*) { return NVRTC_ERROR_INVALID_INPUT; }

}  // extern "C"
