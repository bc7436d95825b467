#include "runtime/plan/plan_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "runtime/base/fingerprint.h"
#include "runtime/plan/plan_file.h"

namespace graphrt {
namespace {

// Offsets of the header's fields. All numbers are little endian; what follows the checksum is zero.
constexpr std::string_view kMagic = "GRAPHPLN";
constexpr size_t kVersionAt = 8;
constexpr size_t kStructureBytesAt = 16;
constexpr size_t kDataBytesAt = 24;
constexpr size_t kChecksumAt = 32;
constexpr size_t kReservedAt = 40;

void put(std::span<std::byte> to, size_t at, uint64_t value, size_t num_bytes) {
  for (size_t i = 0; i < num_bytes; ++i) {
    to[at + i] = static_cast<std::byte>((value >> (8 * i)) & 0xff);
  }
}

uint64_t get(std::span<const std::byte> from, size_t at, size_t num_bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < num_bytes; ++i) {
    value |= static_cast<uint64_t>(from[at + i]) << (8 * i);
  }
  return value;
}

bool has_magic(std::span<const std::byte> bytes) {
  const size_t num_bytes = std::min(bytes.size(), kMagic.size());
  return num_bytes > 0 &&
         std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(num_bytes),
                    kMagic.begin(),
                    [](std::byte b, char c) { return std::to_integer<char>(b) == c; });
}

bool is_zero(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

}  // namespace

std::array<std::byte, kPlanHeaderBytes> make_plan_header(uint64_t structure_bytes,
                                                         uint64_t data_bytes,
                                                         uint64_t body_checksum) {
  std::array<std::byte, kPlanHeaderBytes> header{};
  std::transform(kMagic.begin(), kMagic.end(), header.begin(),
                 [](char c) { return static_cast<std::byte>(c); });
  put(header, kVersionAt, kPlanFormatVersion, 4);
  put(header, kStructureBytesAt, structure_bytes, 8);
  put(header, kDataBytesAt, data_bytes, 8);
  put(header, kChecksumAt, body_checksum, 8);
  return header;
}

Result<PlanSections> split_plan_file(std::span<const std::byte> bytes) {
  if (!has_magic(bytes)) {
    return input_error("not a plan file: it does not start with '" + std::string(kMagic) +
                       "'; graphc makes plan files");
  }
  if (bytes.size() < kPlanHeaderBytes) {
    return input_error(fmt::format("truncated: it has {} bytes, less than the header's {}",
                                   bytes.size(), kPlanHeaderBytes));
  }
  const uint64_t version = get(bytes, kVersionAt, 4);
  if (version != kPlanFormatVersion) {
    return input_error(
        fmt::format("made by format version {}, and this reader knows {}: compile "
                    "the graph again with the graphc of this release",
                    version, kPlanFormatVersion));
  }
  const uint64_t structure_bytes = get(bytes, kStructureBytesAt, 8);
  const uint64_t data_bytes = get(bytes, kDataBytesAt, 8);
  constexpr uint64_t kLargestFile = uint64_t{1} << 62;
  if (structure_bytes > kLargestFile || data_bytes > kLargestFile) {
    return input_error("its header is damaged: impossible section sizes");
  }
  const uint64_t file_bytes =
      kPlanHeaderBytes + round_up_to_alignment(structure_bytes) + data_bytes;
  if (bytes.size() < file_bytes) {
    return input_error(
        fmt::format("truncated: it has {} bytes, its header says {}", bytes.size(), file_bytes));
  }
  if (bytes.size() > file_bytes) {
    return input_error(
        fmt::format("too long: it has {} bytes, its header says {}", bytes.size(), file_bytes));
  }
  const bool is_reserved_zero = is_zero(bytes.subspan(kVersionAt + 4, 4)) &&
                                is_zero(bytes.subspan(kReservedAt, kPlanHeaderBytes - kReservedAt));
  if (!is_reserved_zero ||
      get(bytes, kChecksumAt, 8) != checksum(bytes.subspan(kPlanHeaderBytes))) {
    return input_error("its checksum differs: the file was damaged; compile the graph again");
  }
  return PlanSections{.structure = bytes.subspan(kPlanHeaderBytes, structure_bytes),
                      .data = bytes.subspan(file_bytes - data_bytes)};
}

}  // namespace graphrt
