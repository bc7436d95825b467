#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/shared_bytes.h"
#include "runtime/base/tensor.h"

namespace graphrt {

/// Reads an array that NumPy saved: format 1.0 or 2.0, little-endian float32 or int32, C order.
/// Errors: no such file; not an .npy file; another version; another element type (with the cast as
///         a hint); Fortran order; an empty array; fewer or more bytes than the shape asks for. All
///         name the path. Memory is taken only after the file's size was compared with its header.
Result<Tensor> read_npy(const std::filesystem::path& path);

/// An array whose elements stay in the file.
struct MappedArray {
  TensorType type;
  SharedBytes data;
};

/// The same without a copy (map_file). Errors: as read_npy.
Result<MappedArray> map_npy(const std::filesystem::path& path);

/// The type of the array in a file, from its header and the file's size alone.
/// Errors: as read_npy.
Result<TensorType> read_npy_type(const std::filesystem::path& path);

/// The array in the bytes of an .npy file; `name` stands for it in errors. Errors: as read_npy.
Result<Tensor> decode_npy(std::span<const std::byte> bytes, const std::string& name);

/// Writes format 1.0, atomically like write_file_atomically. Same tensor, same bytes.
/// Errors: as write_file_atomically; a tensor that has not the bytes of its type (kInput).
Result<void> write_npy(const std::filesystem::path& path, const Tensor& tensor);

}  // namespace graphrt
