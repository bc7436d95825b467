#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "compiler/machine/machine.h"
#include "runtime/base/result.h"
#include "runtime/base/tensor_type.h"
#include "runtime/device/device_registry.h"
#include "runtime/op/attribute.h"

namespace graphprobe {

/// One kernel that a plan launches, apart from where its operands lie.
struct Kernel {
  std::string op;
  graphrt::Attributes attributes;
  std::vector<graphrt::TensorType> inputs;
  graphrt::TensorType result;
};

/// By kind of device and kernel_signature().
using Kernels = std::map<std::pair<std::string, std::string>, Kernel>;

/// Errors: a file that cannot be read, is not a plan or not a safe one (kInput).
graphrt::Result<Kernels> kernels_of(const std::vector<std::filesystem::path>& plans);

/// Times every algorithm that the back ends have for these kernels, on the first device of each
/// kind, and writes down in `machine` those that beat the back end's own choice by more than what
/// two measurements differ by. What is there for one of these kernels is replaced. Returns what was
/// found, a line each.
/// Errors: a device that cannot be used (kMachine).
graphrt::Result<std::vector<std::string>> measure_algorithms(
    const Kernels& kernels, const graphrt::DeviceRegistry& registry, graphc::Machine& machine);

}  // namespace graphprobe
