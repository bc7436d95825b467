#include "compiler/frontend/yaml_parallel.h"

#include <utility>

#include "compiler/frontend/yaml_names.h"
#include "compiler/graph/parallel.h"

namespace graphc {
namespace {

const MapKeys kKeys = {"`parallel`", {"batch", "update_on", "layers"}};

class ParallelReader {
 public:
  explicit ParallelReader(DiagnosticSink& diagnostics) : diagnostics_(diagnostics) {}

  ParallelDeclaration read(const YamlNode& key, const YamlNode& section) {
    ParallelDeclaration parallel;
    parallel.where = key.where;
    if (section.kind == YamlKind::kScalar && section.text == "auto") {
      parallel.is_auto = true;
      return parallel;
    }
    if (section.kind != YamlKind::kMap) {
      const bool is_text = section.kind == YamlKind::kScalar;
      diagnostics_.error(section.where,
                         "`parallel` must be auto or a map" +
                             (is_text ? "; got '" + section.text + "'" : std::string()),
                         "for example parallel: {batch: [gpu0, gpu1]}");
      return parallel;
    }
    check_keys(section, kKeys, diagnostics_);
    const YamlNode* batch = section.find("batch");
    const YamlNode* layers = section.find("layers");
    if (batch != nullptr) parallel.batch = read_batch(*batch);
    if (layers != nullptr) parallel.layers = read_layers(*layers);
    if (const YamlNode* update_on = section.find("update_on")) {
      parallel.update_on = read_name_at(update_on, "`update_on`", diagnostics_);
    }
    // What is wrong with the batch has been said.
    if (batch != nullptr && !parallel.batch) parallel.update_on.reset();
    if (batch != nullptr && layers != nullptr) {
      diagnostics_.error(key.where,
                         "`parallel` has both `batch` and `layers`; it takes one of them");
    }
    if (batch == nullptr && layers == nullptr && !has_misspelled_key(section, "batch", kKeys) &&
        !has_misspelled_key(section, "layers", kKeys)) {
      diagnostics_.error(key.where, "`parallel` needs either `batch` or `layers`");
    }
    return parallel;
  }

 private:
  std::optional<std::vector<BatchPartDeclaration>> read_batch(const YamlNode& batch) {
    std::vector<BatchPartDeclaration> parts;
    if (batch.kind == YamlKind::kScalar && batch.text == kAllHosts) {
      parts.push_back({{batch.text, batch.where}, std::nullopt, {}});
      return parts;
    }
    if (batch.kind != YamlKind::kMap) {
      const auto names = read_names(batch, "`batch`", diagnostics_);
      if (!names) return std::nullopt;
      for (const NameAt& name : *names) parts.push_back({name, std::nullopt, {}});
      return parts;
    }
    for (size_t i = 0; i < batch.keys.size(); ++i) {
      const NameAt device{batch.keys[i].text, batch.keys[i].where};
      const std::optional<int64_t> rows =
          read_integer(batch.items[i], "the rows of '" + device.text + "'", diagnostics_);
      if (rows) parts.push_back({device, rows, batch.items[i].where});
    }
    if (parts.size() != batch.items.size()) return std::nullopt;
    return parts;
  }

  std::vector<LayersDeclaration> read_layers(const YamlNode& layers) {
    std::vector<LayersDeclaration> all;
    if (!expect_kind(layers, YamlKind::kMap, "`layers`", diagnostics_)) return all;
    if (layers.keys.empty()) diagnostics_.error(layers.where, "`layers` names no nodes");
    for (size_t i = 0; i < layers.keys.size(); ++i) {
      const NameAt device{layers.keys[i].text, layers.keys[i].where};
      auto nodes = read_names(layers.items[i], "the layers of '" + device.text + "'", diagnostics_);
      if (nodes) all.push_back({device, *std::move(nodes)});
    }
    return all;
  }

  DiagnosticSink& diagnostics_;
};

}  // namespace

ParallelDeclaration read_parallel(const YamlNode& key, const YamlNode& section,
                                  DiagnosticSink& diagnostics) {
  return ParallelReader(diagnostics).read(key, section);
}

}  // namespace graphc
