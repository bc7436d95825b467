#include "compiler/machine/quantity.h"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>
#include <span>

#include "runtime/base/text.h"

namespace graphc {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

// Each table from the largest unit to the one with factor 1, in which everything can be printed.
constexpr std::array kFlopRates = {Unit{"TFLOP/s", 1e12}, Unit{"GFLOP/s", 1e9},
                                   Unit{"MFLOP/s", 1e6}, Unit{"KFLOP/s", 1e3}, Unit{"FLOP/s", 1}};
constexpr std::array kByteRates = {Unit{"TB/s", 1e12}, Unit{"GB/s", 1e9}, Unit{"MB/s", 1e6},
                                   Unit{"KB/s", 1e3}, Unit{"B/s", 1}};
constexpr std::array kMemory = {Unit{"TiB", 1099511627776.0}, Unit{"GiB", 1073741824.0},
                                Unit{"MiB", 1048576.0}, Unit{"KiB", 1024.0}, Unit{"B", 1}};
constexpr std::array kDurations = {Unit{"s", 1e9}, Unit{"ms", 1e6}, Unit{"us", 1e3}, Unit{"ns", 1}};

// Far above any machine and far below overflow of what is computed from them.
constexpr double kMaxRate = 1e21;
constexpr double kMaxMemory = 1152921504606846976.0;  // 1 EiB
constexpr double kMaxDurationNs = 1e12;

std::string names_of(std::span<const Unit> units) {
  std::vector<std::string> names;
  for (const Unit& unit : units) names.emplace_back(unit.name);
  return join(names, ", ");
}

/// What stands behind a number: nothing, or words. `1_000B`, `1,5B` and `0x10B` are no numbers.
bool can_be_unit(std::string_view text) {
  if (text.empty()) return true;
  const auto first = static_cast<unsigned char>(text[0]);
  const bool starts_like_a_word = std::isalpha(first) != 0 || first >= 0x80;
  return starts_like_a_word && text.find_first_of("0123456789") == std::string_view::npos;
}

bool starts_with_exponent(std::string_view text) {
  if (text.empty() || (text[0] != 'e' && text[0] != 'E')) return false;
  text.remove_prefix(1);
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return !text.empty() && std::isdigit(static_cast<unsigned char>(text[0])) != 0;
}

/// The value in the unit with factor 1; at least 0, at most `limit`.
Result<double> parse_quantity(std::string_view text, std::span<const Unit> units,
                              const char* example, double limit) {
  const std::string quoted = "'" + std::string(text) + "'";
  double number = 0;
  const std::string_view digits = without_plus(text);
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), number,
                                           std::chars_format::fixed);
  const std::string_view name = trim(digits.substr(static_cast<size_t>(end - digits.data())));
  const std::string wanted = quoted + " must be a number and a unit, for example " + example;
  if (code != std::errc() || !std::isfinite(number)) return input_error(wanted);
  if (starts_with_exponent(name)) {
    return input_error(quoted + " has an exponent; write the number without one, for example " +
                       example);
  }
  if (!can_be_unit(name)) return input_error(wanted);
  if (has_leading_zero(digits)) {
    return input_error(quoted + " has a leading zero, which some read as octal");
  }
  for (const Unit& unit : units) {
    if (unit.name != name) continue;
    const double value = number * unit.factor;
    if (std::signbit(number) || value > limit) {
      return input_error(quoted + " is " + (std::signbit(number) ? "negative" : "too large"));
    }
    return value;
  }
  return input_error((name.empty() ? quoted + " has no unit" : quoted + " has an unknown unit") +
                     "; the units here are " + names_of(units));
}

/// Prints in the largest unit that gives a number of at least 1 and reads back exactly.
std::string print_quantity(double value, std::span<const Unit> units) {
  for (const Unit& unit : units) {
    const double number = value / unit.factor;
    if (number < 1 && unit.factor > 1) continue;
    std::array<char, 400> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number,
                                   std::chars_format::fixed)
                         .ptr;
    const std::string text(digits.data(), end);
    if (number * unit.factor == value) return text + std::string(unit.name);
  }
  return "";
}

/// Prints an integer in the largest unit of which it is a multiple.
std::string print_multiple(int64_t value, std::span<const Unit> units) {
  for (const Unit& unit : units) {
    const auto factor = static_cast<int64_t>(unit.factor);
    if (value % factor != 0 || (value == 0 && factor > 1)) continue;
    return std::to_string(value / factor) + std::string(unit.name);
  }
  return "";
}

Result<double> parse_rate(std::string_view text, std::span<const Unit> units, const char* example) {
  TRY(const double rate, parse_quantity(text, units, example, kMaxRate));
  if (rate <= 0) return input_error("'" + std::string(text) + "' must be above 0");
  return rate;
}

}  // namespace

Result<double> parse_flop_rate(std::string_view text) {
  return parse_rate(text, kFlopRates, "49TFLOP/s");
}
std::string print_flop_rate(double flops_per_s) { return print_quantity(flops_per_s, kFlopRates); }

Result<double> parse_byte_rate(std::string_view text) {
  return parse_rate(text, kByteRates, "200GB/s");
}
std::string print_byte_rate(double bytes_per_s) { return print_quantity(bytes_per_s, kByteRates); }

Result<int64_t> parse_memory(std::string_view text) {
  TRY(const double num_bytes, parse_quantity(text, kMemory, "240GiB", kMaxMemory));
  if (num_bytes < 1) return input_error("'" + std::string(text) + "' must be above 0");
  return static_cast<int64_t>(std::llround(num_bytes));
}
std::string print_memory(int64_t num_bytes) { return print_multiple(num_bytes, kMemory); }

Result<int64_t> parse_duration(std::string_view text) {
  TRY(const double duration_ns, parse_quantity(text, kDurations, "0.1us", kMaxDurationNs));
  return static_cast<int64_t>(std::llround(duration_ns));
}
std::string print_duration(int64_t duration_ns) { return print_multiple(duration_ns, kDurations); }

}  // namespace graphc
