#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/tensor.h"

namespace graphrt {

/// What a safetensors file holds: tensors by name and a few words about them.
struct Safetensors {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
  bool operator==(const Safetensors&) const = default;
};

/// Reads a safetensors file of F32 and I32 tensors.
/// Errors: not a safetensors file; a damaged header; another element type; tensors that do not lie
///         one after the other in the file's data, without holes. All name the path, and the tensor
///         if there is one. Memory taken is at most a constant times the file's size.
/// Source: https://github.com/huggingface/safetensors, "Format".
Result<Safetensors> read_safetensors(const std::filesystem::path& path);

/// The same from the bytes of a file; `name` stands for it in errors.
Result<Safetensors> decode_safetensors(std::span<const std::byte> bytes, const std::string& name);

/// Writes the tensors ordered by name; atomically, as write_file_atomically does. Same content,
/// same bytes.
/// Errors: as write_file_atomically; names that are not UTF-8 or that the format does not allow; a
///         tensor that has not the bytes of its type (kInput).
Result<void> write_safetensors(const std::filesystem::path& path, const Safetensors& content);

}  // namespace graphrt
