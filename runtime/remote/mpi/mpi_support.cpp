#include "runtime/remote/mpi/mpi_support.h"

#include <array>

#include "runtime/base/check.h"

namespace graphrt {

Result<void> check_mpi(int code, const std::string& what) {
  if (code == MPI_SUCCESS) return {};
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  return machine_error("MPI: " + what + ": " +
                       std::string(text.data(), static_cast<size_t>(length)));
}

Result<MpiBytes> mpi_bytes(int64_t num_bytes, int64_t max_count) {
  if (num_bytes <= max_count) return MpiBytes{static_cast<int>(num_bytes), MPI_BYTE};
  const int64_t num_blocks = num_bytes / max_count;
  const auto rest = static_cast<int>(num_bytes % max_count);
  CHECK(num_blocks <= max_count, "more bytes than any memory has");
  MPI_Datatype block = MPI_DATATYPE_NULL;
  MPI_Datatype blocks = MPI_DATATYPE_NULL;
  MPI_Datatype whole = MPI_DATATYPE_NULL;
  TRY(check_mpi(MPI_Type_contiguous(static_cast<int>(max_count), MPI_BYTE, &block), "a type"));
  TRY(check_mpi(MPI_Type_contiguous(static_cast<int>(num_blocks), block, &blocks), "a type"));
  const std::array<int, 2> counts = {1, rest};
  const std::array<MPI_Aint, 2> offsets = {0, static_cast<MPI_Aint>(num_blocks * max_count)};
  const std::array<MPI_Datatype, 2> types = {blocks, MPI_BYTE};
  TRY(check_mpi(MPI_Type_create_struct(2, counts.data(), offsets.data(), types.data(), &whole),
                "a type"));
  TRY(check_mpi(MPI_Type_commit(&whole), "a type"));
  MPI_Type_free(&block);
  MPI_Type_free(&blocks);
  return MpiBytes{1, whole};
}

}  // namespace graphrt
