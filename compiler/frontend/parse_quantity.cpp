#include "compiler/frontend/parse_quantity.h"

#include <cctype>
#include <charconv>
#include <cmath>
#include <span>
#include <string>

#include "compiler/machine/units.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

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

Result<double> parse_rate(std::string_view text, std::span<const Unit> units, const char* example) {
  TRY(const double rate, parse_quantity(text, units, example, kMaxRate));
  if (rate <= 0) return input_error("'" + std::string(text) + "' must be above 0");
  return rate;
}

}  // namespace

Result<double> parse_flop_rate(std::string_view text) {
  return parse_rate(text, kFlopRates, "49TFLOP/s");
}

Result<double> parse_byte_rate(std::string_view text) {
  return parse_rate(text, kByteRates, "200GB/s");
}

Result<int64_t> parse_memory(std::string_view text) {
  TRY(const double num_bytes, parse_quantity(text, kMemory, "240GiB", kMaxMemory));
  if (num_bytes < 1) return input_error("'" + std::string(text) + "' must be above 0");
  return static_cast<int64_t>(std::llround(num_bytes));
}

Result<int64_t> parse_duration(std::string_view text) {
  TRY(const double duration_ns, parse_quantity(text, kDurations, "0.1us", kMaxDurationNs));
  return static_cast<int64_t>(std::llround(duration_ns));
}

}  // namespace graphc
