#pragma once

#include <memory>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/machine/machine.h"
#include "compiler/vocabulary.h"

namespace graphc {

/// Reads a machine file. Reports every independent error with its place: unknown or missing keys, a
/// name of several lines, unknown units, zero or negative rates, links between unknown devices or
/// through unknown resources, no CPU, more than one CPU; hosts without a network, or like none.
Result<Machine> load_machine(std::shared_ptr<const SourceFile> file, DiagnosticSink& diagnostics);

}  // namespace graphc
