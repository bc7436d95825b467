// How libFuzzer changes plan files: bytes behind the header, with the header made to fit again; the
// decoded plan, encoded again; and now and then the header, which everything behind it hides from
// blind changes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "runtime/base/fingerprint.h"
#include "runtime/plan/plan_file.h"
#include "runtime/plan/plan_header.h"
#include "tests/fuzz/plan_mutations.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace graphrt::fuzz {
namespace {

using Bytes = std::vector<std::byte>;

std::span<std::byte> bytes_of(uint8_t* data, size_t size) {
  return std::as_writable_bytes(std::span(data, size));
}

Bytes file_of(Bytes structure, const Bytes& data) {
  const uint64_t structure_bytes = structure.size();
  structure.resize(round_up_to_alignment(structure.size()));
  structure.insert(structure.end(), data.begin(), data.end());
  const auto header = make_plan_header(structure_bytes, data.size(), checksum(structure));
  structure.insert(structure.begin(), header.begin(), header.end());
  return structure;
}

Bytes blindly_changed(Bytes bytes, size_t room) {
  const size_t size = bytes.size();
  if (size + room == 0) return bytes;  // libFuzzer wants a byte
  bytes.resize(size + room);
  bytes.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(bytes.data()), size, bytes.size()));
  return bytes;
}

Bytes with_changed_section(const PlanSections& sections, size_t max_size, uint32_t seed) {
  Bytes structure(sections.structure.begin(), sections.structure.end());
  Bytes data(sections.data.begin(), sections.data.end());
  const size_t room = max_size - std::min(max_size, kPlanHeaderBytes + structure.size() +
                                                        data.size() + kPlanDataAlignmentBytes);
  if (seed % 8 == 0) {
    data = blindly_changed(std::move(data), room);
  } else {
    structure = blindly_changed(std::move(structure), room);
  }
  return file_of(std::move(structure), data);
}

Bytes changed(std::span<const std::byte> bytes, size_t max_size, uint32_t seed) {
  const Bytes whole(bytes.begin(), bytes.end());
  const size_t room = max_size - std::min(max_size, whole.size());
  const auto sections = split_plan_file(bytes);
  // What is no plan file becomes the structure of one.
  if (!sections) return file_of(blindly_changed(whole, room / 2), {});
  const uint32_t way = seed % 16;
  if (way == 0) return blindly_changed(whole, room);
  const auto plan = decode_plan(bytes);
  if (way < 5 || !plan) return with_changed_section(*sections, max_size, seed / 16);
  return encode_plan(mutated(*plan, seed / 16));
}

}  // namespace
}  // namespace graphrt::fuzz

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed) {
  using namespace graphrt::fuzz;
  const auto result = changed(bytes_of(data, size), max_size, seed);
  if (result.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::memcpy(data, result.data(), result.size());
  return result.size();
}
