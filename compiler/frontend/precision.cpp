#include "compiler/frontend/precision.h"

#include "runtime/base/text.h"

namespace graphc {

std::optional<ElementType> resolve_precision(const NameAt& name, DiagnosticSink& diagnostics) {
  if (name.text == "f32") return ElementType::kF32;
  if (name.text == "bf16") return ElementType::kBF16;
  if (name.text == "f16") return ElementType::kF16;
  diagnostics.error(name.where, "unknown precision " + graphrt::quoted_name(name.text),
                    "the precisions are f32, bf16 and f16");
  return std::nullopt;
}

}  // namespace graphc
