#include "compiler/frontend/load_graph.h"

#include <filesystem>
#include <utility>

#include "compiler/frontend/check_feeds.h"
#include "compiler/frontend/yaml_graph.h"
#include "compiler/graph/build_graph.h"
#include "compiler/graph/graph_text.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

/// Whether the first line that says anything is `graph NAME`; in YAML it would be `graph: NAME`.
bool starts_like_text_form(std::string_view text) {
  for (const std::string_view line : split(text, '\n')) {
    const std::string_view content = trim(line);
    if (content.empty() || content.starts_with('#')) continue;
    return content.starts_with("graph ") && content.find(':') == std::string_view::npos;
  }
  return false;
}

bool is_text_form(const SourceFile& file) {
  const std::string extension = std::filesystem::path(file.path).extension().string();
  if (extension == ".graph") return true;
  return extension != ".yaml" && extension != ".yml" && starts_like_text_form(file.text);
}

}  // namespace

Result<LoadedGraph> load_graph(std::shared_ptr<const SourceFile> file,
                               DiagnosticSink& diagnostics) {
  TRY(GraphDeclarations declarations, is_text_form(*file)
                                          ? parse_graph_declarations(file, diagnostics)
                                          : read_yaml_graph(file, diagnostics));
  check_feeds(declarations, diagnostics);
  LoadedGraph loaded;
  if (declarations.machine) {
    loaded.machine_path = declarations.machine->text;
    loaded.machine_where = declarations.machine->where;
  }
  loaded.array_paths = std::move(declarations.files_read);
  for (const InputDeclaration& input : declarations.inputs) {
    if (input.feed) loaded.array_paths.push_back(input.feed->text);
  }
  TRY(loaded.graph, build_graph(std::move(declarations), diagnostics));
  return loaded;
}

}  // namespace graphc
