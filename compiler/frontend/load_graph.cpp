#include "compiler/frontend/load_graph.h"

#include <filesystem>
#include <utility>

#include "compiler/frontend/build_graph.h"
#include "compiler/frontend/check_feeds.h"
#include "compiler/frontend/parse_graph.h"
#include "compiler/frontend/yaml_graph.h"
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

/// The text form itself takes any path; a plan does not.
void check_paths(const GraphDeclarations& declarations, DiagnosticSink& diagnostics) {
  for (const InputDeclaration& input : declarations.inputs) {
    if (!input.feed || is_plain_text(input.feed->text)) continue;
    diagnostics.error(input.feed->where,
                      "a path must be one line of text without control characters");
  }
}

}  // namespace

Result<LoadedGraph> load_graph(std::shared_ptr<const SourceFile> file,
                               DiagnosticSink& diagnostics) {
  const bool has_text_form = is_text_form(*file);
  TRY(GraphDeclarations declarations, has_text_form ? parse_graph_declarations(file, diagnostics)
                                                    : read_yaml_graph(file, diagnostics));
  if (has_text_form) check_paths(declarations, diagnostics);
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
  TRY(loaded.request, build_graph(std::move(declarations), diagnostics));
  return loaded;
}

}  // namespace graphc
