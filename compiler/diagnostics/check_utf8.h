#pragma once

#include <memory>

#include "compiler/diagnostics/diagnostic.h"

namespace graphc {

/// Whether all of the file is UTF-8; reports the first byte that is not.
bool check_utf8(const std::shared_ptr<const SourceFile>& file, DiagnosticSink& diagnostics);

}  // namespace graphc
