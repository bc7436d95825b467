#include "compiler/frontend/precision.h"

#include "runtime/base/text.h"

namespace graphc {

std::optional<ElementType> resolve_precision(const NameAt& name, DiagnosticSink& diagnostics) {
  if (name.text == "f32") return ElementType::kF32;
  if (name.text == "bf16") return ElementType::kBF16;
  const bool is_f16 = name.text == "f16";
  diagnostics.error(
      name.where,
      is_f16 ? "gradients in f16 leave its range, and there is no loss scale that keeps them in it"
             : "unknown precision " + graphrt::quoted_name(name.text),
      is_f16 ? "bf16 has the range of f32" : "the precisions are f32 and bf16");
  return std::nullopt;
}

}  // namespace graphc
