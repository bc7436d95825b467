#include "compiler/diagnostics/check_utf8.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "runtime/base/text.h"

namespace graphc {
namespace {

std::string byte_text(char byte) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "0x%02x", static_cast<unsigned>(byte) & 0xffU);
  return text.data();
}

}  // namespace

bool check_utf8(const std::shared_ptr<const SourceFile>& file, DiagnosticSink& diagnostics) {
  const std::optional<size_t> at = find_invalid_utf8(file->text);
  if (!at) return true;
  const std::string_view before = std::string_view(file->text).substr(0, *at);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t begin = before.rfind('\n') + 1;  // npos + 1 is 0: the first line
  diagnostics.error(
      {file, static_cast<int>(line), static_cast<int>(*at - begin) + 1, 1},
      "this is not UTF-8: the byte " + byte_text(file->text[*at]) + " belongs to no character",
      "save the file as UTF-8");
  return false;
}

}  // namespace graphc
