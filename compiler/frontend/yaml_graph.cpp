#include "compiler/frontend/yaml_graph.h"

#include <algorithm>
#include <utility>

#include "compiler/frontend/yaml_initializer.h"
#include "compiler/frontend/yaml_names.h"
#include "compiler/frontend/yaml_parallel.h"
#include "compiler/frontend/yaml_reader.h"
#include "compiler/frontend/yaml_training.h"
#include "runtime/op/op_table.h"

namespace graphc {
namespace {

const MapKeys kFileKeys = {"the graph file",
                           {"graph", "machine", "seed", "inputs", "state", "constants", "nodes",
                            "outputs", "train", "parallel"}};

/// Reads the sections of a graph file. Everything wrong is reported where it is, and what is left
/// of the declaration is kept.
class GraphReader {
 public:
  GraphReader(const YamlNode& root, DiagnosticSink& diagnostics)
      : root_(root), diagnostics_(diagnostics) {}

  GraphDeclarations read() {
    check_top_level_keys();
    context_.folder = std::filesystem::path(root_.where.file->path).parent_path();
    context_.files_read = &declarations_.files_read;
    if (const YamlNode* seed = root_.find("seed")) {
      context_.seed = read_seed(*seed, "`seed`", diagnostics_).value_or(0);
    }
    read_name();
    if (const YamlNode* machine = root_.find("machine")) {
      declarations_.machine = read_path(*machine, "`machine`", context_, diagnostics_);
    }
    for_each_named("inputs", "an input", [&](const YamlNode& name, const YamlNode& map) {
      declarations_.inputs.push_back(read_input(name, map));
    });
    for_each_named("state", "a state", [&](const YamlNode& name, const YamlNode& map) {
      declarations_.states.push_back(read_state(name, map));
    });
    for_each_named("constants", "a constant", [&](const YamlNode& name, const YamlNode& map) {
      declarations_.constants.push_back(read_constant(name, map));
    });
    read_nodes();
    read_outputs();
    read_train();
    read_parallel();
    return std::move(declarations_);
  }

 private:
  void check_top_level_keys() {
    const size_t errors_before = diagnostics_.num_errors();
    check_keys(root_, kFileKeys, diagnostics_);
    if (diagnostics_.num_errors() > errors_before) declarations_.is_complete = false;
  }

  void read_name() {
    declarations_.name = {"", root_.keys.empty() ? root_.where : root_.keys.front().where};
    const YamlNode* name =
        require_key(root_, "graph", kFileKeys, declarations_.name.where, diagnostics_);
    if (name == nullptr) return;
    declarations_.name.text = read_text(*name, "`graph`", diagnostics_).value_or("");
    declarations_.name.where = name->where;
  }

  /// As expect_kind, of a part that declares names or outputs.
  bool expect_part(const YamlNode& node, YamlKind kind, std::string_view what) {
    const bool is_there = expect_kind(node, kind, what, diagnostics_);
    declarations_.is_complete = declarations_.is_complete && is_there;
    return is_there;
  }

  /// Calls `read` for each entry of a section that maps names to maps.
  template <class Read>
  void for_each_named(const char* section, const char* what, Read read) {
    const YamlNode* map = root_.find(section);
    if (map == nullptr || map->kind == YamlKind::kNull) return;
    const std::string name = "`" + std::string(section) + "`";
    if (!expect_part(*map, YamlKind::kMap, name)) return;
    for (size_t i = 0; i < map->keys.size(); ++i) {
      const bool is_map =
          expect_kind(map->items[i], YamlKind::kMap,
                      std::string(what) + ", '" + map->keys[i].text + "',", diagnostics_);
      read(map->keys[i], is_map ? map->items[i] : kNoMap);
    }
  }

  /// Nothing about a missing type: of a declaration that is no map, that is reported already.
  std::optional<TensorType> read_type(const YamlNode& name, const YamlNode& map,
                                      const MapKeys& keys) {
    if (&map == &kNoMap) return std::nullopt;
    const YamlNode* node = map.find("type");
    if (node == nullptr && has_misspelled_key(map, "type", keys)) return std::nullopt;
    if (node == nullptr) {
      diagnostics_.error(name.where, "'" + name.text + "' needs a type",
                         "add for example type: \"f32[100, 64]\"");
      return std::nullopt;
    }
    const std::optional<std::string> text = read_text(*node, "`type`", diagnostics_);
    if (!text) return std::nullopt;
    const Result<TensorType> type = parse_tensor_type(*text);
    if (type) return *type;
    diagnostics_.error(node->where, type.error().message);
    return std::nullopt;
  }

  InputDeclaration read_input(const YamlNode& name, const YamlNode& map) {
    const MapKeys keys = {"an input", {"type", "feed"}};
    check_keys(map, keys, diagnostics_);
    InputDeclaration input{{name.text, name.where}, read_type(name, map, keys), std::nullopt};
    if (const YamlNode* feed = map.find("feed")) {
      input.feed = read_path(*feed, "`feed`", context_, diagnostics_);
    }
    return input;
  }

  StateDeclaration read_state(const YamlNode& name, const YamlNode& map) {
    const MapKeys keys = {"a state", {"type", "init", "device"}};
    check_keys(map, keys, diagnostics_);
    StateDeclaration state;
    state.name = {name.text, name.where};
    state.type = read_type(name, map, keys);
    state.device = read_name_at(map.find("device"), "`device`", diagnostics_);
    if (const YamlNode* init = map.find("init")) {
      read_initializer(*init, context_, state, diagnostics_);
    } else if (&map != &kNoMap && !has_misspelled_key(map, "init", keys)) {
      diagnostics_.error(name.where, "'" + name.text + "' needs a first value",
                         "add for example init: zeros");
    }
    return state;
  }

  ConstantDeclaration read_constant(const YamlNode& name, const YamlNode& map) {
    const MapKeys keys = {"a constant", {"type", "value", "file"}};
    const size_t errors_before = diagnostics_.num_errors();
    check_keys(map, keys, diagnostics_);
    ConstantDeclaration constant{{name.text, name.where}, read_type(name, map, keys), {}};
    const YamlNode* value = map.find("value");
    const YamlNode* file = map.find("file");
    if (&map == &kNoMap || diagnostics_.num_errors() > errors_before) return constant;
    if ((value == nullptr) == (file == nullptr)) {
      diagnostics_.error(name.where, "'" + name.text + "' needs either `value` or `file`");
      return constant;
    }
    std::optional<Initializer> data =
        value != nullptr ? read_literal(*value, *constant.type, literals_, diagnostics_)
                         : read_array(*file, *constant.type, context_, diagnostics_);
    if (data) constant.initializer = *std::move(data);
    return constant;
  }

  void read_nodes() {
    const YamlNode* nodes = root_.find("nodes");
    if (nodes == nullptr || nodes->kind == YamlKind::kNull) return;
    if (!expect_part(*nodes, YamlKind::kSequence, "`nodes`")) return;
    for (const YamlNode& node : nodes->items) {
      if (!expect_part(node, YamlKind::kMap, "a node")) continue;
      declarations_.nodes.push_back(read_node(node));
      if (declarations_.nodes.back().name.text.empty()) declarations_.is_complete = false;
    }
  }

  NodeDeclaration read_node(const YamlNode& map) {
    NodeDeclaration node;
    node.op = read_name_at(require_key(map, "op", {"a node", {}}, map.where, diagnostics_), "`op`",
                           diagnostics_);
    const MapKeys keys = keys_of_node(node);
    const YamlNode* name = require_key(map, "name", keys, map.where, diagnostics_);
    node.name = read_name_at(name, "`name`", diagnostics_).value_or(NameAt{"", map.where});
    if (const YamlNode* device = map.find("device")) read_devices(*device, node);
    node.updates = read_name_at(map.find("updates"), "`updates`", diagnostics_);
    if (const YamlNode* keep = map.find("keep")) {
      node.keep = read_flag(*keep, "`keep`", diagnostics_).value_or(false);
    }
    node.precision = read_name_at(map.find("precision"), "`precision`", diagnostics_);
    if (const YamlNode* inputs = require_key(map, "inputs", keys, map.where, diagnostics_)) {
      node.inputs = read_names(*inputs, "`inputs`", diagnostics_);
    }
    for (size_t i = 0; i < map.keys.size(); ++i) {
      const YamlNode& key = map.keys[i];
      const bool is_own =
          std::find(kNodeKeys.begin(), kNodeKeys.end(), key.text) != kNodeKeys.end();
      if (is_own) continue;
      node.attributes.push_back({{key.text, key.where}, std::nullopt, map.items[i].where, {}});
      if (map.items[i].kind == YamlKind::kScalar) {
        node.attributes.back().written = map.items[i].text;
      }
      node.attributes.back().value = read_known_attribute(node, key.text, map.items[i]);
    }
    return node;
  }

  /// One device, or a list of those that all compute the node.
  void read_devices(const YamlNode& devices, NodeDeclaration& node) {
    if (devices.kind != YamlKind::kSequence) {
      node.device = read_name_at(&devices, "`device`", diagnostics_);
      return;
    }
    if (devices.items.empty()) diagnostics_.error(devices.where, "`device` is an empty list");
    auto names = read_names(devices, "`device`", diagnostics_);
    if (!names || names->empty()) return;
    node.device = NameAt{names->front().text, devices.where};
    node.also_on.assign(names->begin() + 1, names->end());
  }

  /// Unknown attributes are named by build_graph, which knows the same keys.
  static MapKeys keys_of_node(const NodeDeclaration& node) {
    MapKeys keys = {"a node", {kNodeKeys.begin(), kNodeKeys.end()}};
    const OpInfo* op = node.op ? find_op(node.op->text) : nullptr;
    if (op == nullptr) return keys;
    for (const AttributeSpec& spec : op->attributes) keys.known.emplace_back(spec.name);
    return keys;
  }

  /// What an unknown attribute holds does not matter: build_graph names it.
  std::optional<AttributeValue> read_known_attribute(const NodeDeclaration& node,
                                                     const std::string& name,
                                                     const YamlNode& value) {
    const OpInfo* op = node.op ? find_op(node.op->text) : nullptr;
    const AttributeSpec* spec = op == nullptr ? nullptr : find_attribute(*op, name);
    if (spec == nullptr) return std::nullopt;
    const std::string what = "`" + name + "`";
    if (spec->kind == AttributeKind::kText) return read_text(value, what, diagnostics_);
    return read_attribute(value, what, diagnostics_);
  }

  void read_outputs() {
    const YamlNode* outputs = root_.find("outputs");
    if (outputs == nullptr || outputs->kind == YamlKind::kNull) return;
    if (!expect_part(*outputs, YamlKind::kSequence, "`outputs`")) return;
    for (const YamlNode& item : outputs->items) {
      OutputDeclaration output;
      std::optional<NameAt> value;
      if (item.kind == YamlKind::kMap) {
        const MapKeys keys = {"an output", {"value", "device"}};
        check_keys(item, keys, diagnostics_);
        value = read_name_at(require_key(item, "value", keys, item.where, diagnostics_), "`value`",
                             diagnostics_);
        output.device = read_name_at(item.find("device"), "`device`", diagnostics_);
      } else {
        value = read_name_at(&item, "an output", diagnostics_);
      }
      if (!value) declarations_.is_complete = false;
      if (!value) continue;
      output.value = *std::move(value);
      declarations_.outputs.push_back(std::move(output));
    }
  }

  void read_train() {
    for (size_t i = 0; i < root_.keys.size(); ++i) {
      if (root_.keys[i].text != "train") continue;
      declarations_.training = read_training(root_.keys[i], root_.items[i], diagnostics_);
    }
  }

  void read_parallel() {
    for (size_t i = 0; i < root_.keys.size(); ++i) {
      if (root_.keys[i].text != "parallel") continue;
      declarations_.parallel = graphc::read_parallel(root_.keys[i], root_.items[i], diagnostics_);
    }
  }

  static const YamlNode kNoMap;

  const YamlNode& root_;
  DiagnosticSink& diagnostics_;
  GraphFileContext context_;
  GraphDeclarations declarations_;
  LiteralBudget literals_;
};

const YamlNode GraphReader::kNoMap = {YamlKind::kMap, {}, "", false, {}, {}};

}  // namespace

Result<GraphDeclarations> read_yaml_graph(std::shared_ptr<const SourceFile> file,
                                          DiagnosticSink& diagnostics) {
  TRY(const YamlNode root, parse_yaml(std::move(file), diagnostics));
  return GraphReader(root, diagnostics).read();
}

}  // namespace graphc
