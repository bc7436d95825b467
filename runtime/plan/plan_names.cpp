#include "runtime/plan/plan_names.h"

#include <fmt/format.h>

#include <array>

#include "runtime/base/fingerprint.h"
#include "runtime/base/text.h"

namespace graphrt {
namespace {

template <size_t kCount, class Enum>
std::string_view pick(const std::array<std::string_view, kCount>& names, Enum kind) {
  const auto index = static_cast<size_t>(kind);
  return index < kCount ? names[index] : "unknown";
}

std::string fingerprint_of(const SharedBytes& data) {
  return fingerprint_hex({reinterpret_cast<const char*>(data.data()), data.size()});
}

}  // namespace

std::string_view name_of(LaneKind kind) {
  static constexpr std::array<std::string_view, 6> kNames = {"compute", "link", "feed",
                                                             "output",  "send", "receive"};
  return pick(kNames, kind);
}

std::string_view name_of(InstructionKind kind) {
  static constexpr std::array<std::string_view, 6> kNames = {"kernel", "copy", "feed",
                                                             "output", "send", "receive"};
  return pick(kNames, kind);
}

std::string_view name_of(MemoryKind kind) {
  static constexpr std::array<std::string_view, 3> kNames = {"device", "pinned", "pageable"};
  return pick(kNames, kind);
}

std::string_view name_of(InitializerKind kind) {
  static constexpr std::array<std::string_view, 6> kNames = {"zeros",     "constant", "uniform",
                                                             "he_normal", "xavier",   "data"};
  return pick(kNames, kind);
}

std::string_view name_of(SourceValueKind kind) {
  static constexpr std::array<std::string_view, 4> kNames = {"input", "state", "constant", "node"};
  return pick(kNames, kind);
}

std::string name_of_memory(std::string_view device, MemoryKind kind) {
  if (kind == MemoryKind::kDevice) return std::string(device);
  return fmt::format("{} ({})", device, name_of(kind));
}

std::string describe(const Initializer& initializer) {
  const std::string_view name = name_of(initializer.kind);
  const std::string random =
      fmt::format("seed {}, stream '{}'", initializer.seed, initializer.stream);
  switch (initializer.kind) {
    case InitializerKind::kZeros:
      break;
    case InitializerKind::kConstant:
      return fmt::format("{}({})", name, format_number(initializer.low));
    case InitializerKind::kUniform:
      return fmt::format("{}({}, {}, {})", name, format_number(initializer.low),
                         format_number(initializer.high), random);
    case InitializerKind::kHeNormal:
    case InitializerKind::kXavier:
      return fmt::format("{}({})", name, random);
    case InitializerKind::kData:
      return fmt::format("{}({} bytes, {})", name, initializer.data.size(),
                         fingerprint_of(initializer.data));
  }
  return std::string(name);
}

std::string name_with_lane(const Plan& plan, const IdVector<InstructionId, LanePosition>& positions,
                           InstructionId instruction) {
  return fmt::format("'{}' ({})", plan.instructions[instruction].name,
                     plan.lanes[positions[instruction].lane].name);
}

}  // namespace graphrt
