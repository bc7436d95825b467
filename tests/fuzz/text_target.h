#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/vocabulary.h"
#include "runtime/base/check.h"

namespace graphrt::fuzz {

/// The input as a source file of that name; null where read_source_file would refuse it.
inline std::shared_ptr<const graphc::SourceFile> source_of(const uint8_t* data, size_t size,
                                                           std::string path) {
  std::string text(data, data + size);
  if (text.find('\0') != std::string::npos) return nullptr;
  return std::make_shared<const graphc::SourceFile>(
      graphc::SourceFile{std::move(path), std::move(text)});
}

/// A reader says why it refuses a file, and does not refuse one without saying so.
inline void expect_reasons(bool is_read, const graphc::DiagnosticSink& diagnostics) {
  CHECK(is_read == (diagnostics.num_errors() == 0), diagnostics.render_all());
}

}  // namespace graphrt::fuzz
