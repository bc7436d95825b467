#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "compiler/machine/machine.h"
#include "runtime/base/result.h"
#include "runtime/base/tensor_type.h"
#include "runtime/op/attribute.h"

namespace graphprobe {

/// One kernel that a plan launches, apart from where its operands lie.
struct Kernel {
  std::string op;
  graphrt::Attributes attributes;
  std::vector<graphrt::TensorType> inputs;
  std::vector<graphrt::TensorType> results;
  bool replaces_first = false;  ///< its first result takes the bytes of its first operand
};

/// By kind of device and kernel_signature().
using Kernels = std::map<std::pair<std::string, std::string>, Kernel>;

/// The device that kernels of a kind are timed on: the first.
std::optional<graphrt::DeviceId> device_for(const std::string& kind,
                                            const graphc::Machine& machine);

/// Errors: a file that cannot be read, is not a plan or not a safe one (kInput).
graphrt::Result<Kernels> kernels_of(const std::vector<std::filesystem::path>& plans);

}  // namespace graphprobe
