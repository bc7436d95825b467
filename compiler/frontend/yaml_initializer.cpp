#include "compiler/frontend/yaml_initializer.h"

#include <array>
#include <utility>

#include "compiler/frontend/initial_number.h"
#include "runtime/base/npy.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

const std::array<std::string, 7> kForms = {"zeros",  "constant", "uniform", "he_normal",
                                           "xavier", "same_as",  "file"};

class InitializerReader {
 public:
  InitializerReader(const GraphFileContext& context, StateDeclaration& state,
                    DiagnosticSink& diagnostics)
      : context_(context), state_(state), diagnostics_(diagnostics) {}

  void read(const YamlNode& node) {
    if (node.kind == YamlKind::kScalar) return read_form(node, nullptr);
    if (!expect_kind(node, YamlKind::kMap, "`init`", diagnostics_)) return;
    if (node.keys.size() == 1) return read_form(node.keys[0], &node.items[0]);
    diagnostics_.error(node.where,
                       "`init` must have one key; got " + std::to_string(node.keys.size()));
  }

 private:
  void read_form(const YamlNode& form, const YamlNode* arguments) {
    const std::string& name = form.text;
    const bool has_arguments = arguments != nullptr && arguments->kind != YamlKind::kNull;
    if (name == "zeros") return check_no_arguments(has_arguments ? arguments : nullptr);
    if (name == "he_normal") return read_random(InitializerKind::kHeNormal, form, arguments);
    if (name == "xavier") return read_random(InitializerKind::kXavier, form, arguments);
    if (name == "constant" || name == "uniform" || name == "same_as" || name == "file") {
      if (has_arguments) return read_form_with(*arguments, form);
      diagnostics_.error(form.where, "the initializer '" + name + "' needs a value",
                         "write init: {" + name + ": " + example_of(name) + "}");
      return;
    }
    const std::optional<std::string> nearest = nearest_name(name, kForms);
    diagnostics_.error(form.where, "unknown initializer '" + name + "'",
                       nearest ? "did you mean '" + *nearest + "'?"
                               : "the initializers are " + join(kForms, ", "));
  }

  /// Of those forms that need arguments.
  void read_form_with(const YamlNode& arguments, const YamlNode& form) {
    if (form.text == "constant") return read_constant(arguments);
    if (form.text == "uniform") return read_uniform(form, arguments);
    if (form.text == "same_as") return read_same_as(arguments);
    read_file(arguments);
  }

  static std::string example_of(const std::string& name) {
    if (name == "constant") return "0.5";
    if (name == "uniform") return "{low: -0.1, high: 0.1}";
    return name == "file" ? "w.npy" : "w0";
  }

  void check_no_arguments(const YamlNode* arguments) {
    if (arguments != nullptr) diagnostics_.error(arguments->where, "zeros takes no value");
  }

  void read_constant(const YamlNode& node) {
    const std::optional<double> value = read_number(node, "`constant`", diagnostics_);
    if (!value) return;
    state_.initializer.kind = InitializerKind::kConstant;
    state_.initializer.low = *value;
    if (!state_.type) return;
    const auto problem = find_bad_constant(*value, node.text, state_.type->element);
    if (problem) diagnostics_.error(node.where, *problem);
  }

  void read_uniform(const YamlNode& form, const YamlNode& arguments) {
    if (!expect_kind(arguments, YamlKind::kMap, "`uniform`", diagnostics_)) return;
    const MapKeys keys = {"`uniform`", {"low", "high", "seed"}};
    check_keys(arguments, keys, diagnostics_);
    const YamlNode* low = require_key(arguments, "low", keys, arguments.where, diagnostics_);
    const YamlNode* high = require_key(arguments, "high", keys, arguments.where, diagnostics_);
    set_random(InitializerKind::kUniform, form, arguments.find("seed"));
    if (low == nullptr || high == nullptr) return;
    const std::optional<double> low_value = read_end(*low, "`low`");
    const std::optional<double> high_value = read_end(*high, "`high`");
    if (!low_value || !high_value) return;
    state_.initializer.low = *low_value;
    state_.initializer.high = *high_value;
    const auto problem = find_bad_ends(*low_value, *high_value);
    if (problem) diagnostics_.error(high->where, *problem);
  }

  std::optional<double> read_end(const YamlNode& node, std::string_view what) {
    const std::optional<double> number = read_number(node, what, diagnostics_);
    const auto problem = number ? find_bad_end(*number, node.text) : std::nullopt;
    if (!problem) return number;
    diagnostics_.error(node.where, *problem);
    return std::nullopt;
  }

  void read_random(InitializerKind kind, const YamlNode& form, const YamlNode* arguments) {
    const YamlNode* seed = nullptr;
    if (arguments != nullptr && arguments->kind != YamlKind::kNull) {
      const std::string what = "`" + form.text + "`";
      if (!expect_kind(*arguments, YamlKind::kMap, what, diagnostics_)) return;
      check_keys(*arguments, {what, {"seed"}}, diagnostics_);
      seed = arguments->find("seed");
    }
    set_random(kind, form, seed);
    if (!state_.type || state_.type->rank() > 0) return;
    diagnostics_.error(form.where, form.text + " needs a state with at least one dimension; got " +
                                       to_string(*state_.type));
  }

  void set_random(InitializerKind kind, const YamlNode& form, const YamlNode* seed) {
    state_.initializer.kind = kind;
    state_.initializer.stream = state_.name.text;
    state_.initializer.seed = context_.seed;
    if (seed != nullptr) {
      state_.initializer.seed = read_seed(*seed, "`seed`", diagnostics_).value_or(0);
    }
    if (!state_.type || graphrt::is_float(state_.type->element)) return;
    diagnostics_.error(form.where,
                       form.text + " gives floats; the state is " + to_string(*state_.type));
  }

  void read_same_as(const YamlNode& node) {
    const std::optional<std::string> name = read_text(node, "`same_as`", diagnostics_);
    if (name) state_.same_as = NameAt{*name, node.where};
  }

  void read_file(const YamlNode& node) {
    if (!state_.type) return;
    std::optional<Initializer> array = read_array(node, *state_.type, context_, diagnostics_);
    if (array) state_.initializer = *std::move(array);
  }

  const GraphFileContext& context_;
  StateDeclaration& state_;
  DiagnosticSink& diagnostics_;
};

bool read_nested(const YamlNode& node, const TensorType& type, size_t dimension,
                 std::vector<std::byte>& bytes, DiagnosticSink& diagnostics) {
  if (dimension == type.shape.size()) {
    if (!expect_kind(node, YamlKind::kScalar, "an element of " + to_string(type), diagnostics)) {
      return false;
    }
    const std::optional<std::string> problem = append_element(node.text, type.element, bytes);
    if (problem) diagnostics.error(node.where, *problem);
    return !problem;
  }
  const std::string what = "dimension " + std::to_string(dimension) + " of " + to_string(type);
  if (!expect_kind(node, YamlKind::kSequence, what, diagnostics)) return false;
  if (static_cast<int64_t>(node.items.size()) != type.shape[dimension]) {
    diagnostics.error(node.where, what + " needs " + std::to_string(type.shape[dimension]) +
                                      " elements; got " + std::to_string(node.items.size()));
    return false;
  }
  for (const YamlNode& item : node.items) {
    if (!read_nested(item, type, dimension + 1, bytes, diagnostics)) return false;
  }
  return true;
}

}  // namespace

void read_initializer(const YamlNode& node, const GraphFileContext& context,
                      StateDeclaration& state, DiagnosticSink& diagnostics) {
  InitializerReader(context, state, diagnostics).read(node);
}

std::optional<Initializer> read_literal(const YamlNode& node, const TensorType& type,
                                        LiteralBudget& literals, DiagnosticSink& diagnostics) {
  if (const std::optional<std::string> excess = literals.take(type)) {
    diagnostics.error(node.where, "a constant of " + *excess);
    return std::nullopt;
  }
  const bool is_one = node.kind != YamlKind::kSequence;
  const TensorType written = is_one ? TensorType{type.element, {}} : type;
  std::vector<std::byte> bytes;
  if (!read_nested(node, written, 0, bytes, diagnostics)) return std::nullopt;
  Initializer literal;
  literal.kind = InitializerKind::kData;
  literal.data = is_one ? repeated(bytes, type) : std::move(bytes);
  return literal;
}

std::optional<Initializer> read_array(const YamlNode& node, const TensorType& type,
                                      const GraphFileContext& context,
                                      DiagnosticSink& diagnostics) {
  const std::optional<NameAt> path = read_path(node, "`file`", context, diagnostics);
  if (!path) return std::nullopt;
  if (context.files_read != nullptr) context.files_read->push_back(path->text);
  Result<MappedArray> array = map_npy(path->text);
  if (!array) {
    diagnostics.error(node.where, array.error().message);
    return std::nullopt;
  }
  if (array->type != type) {
    diagnostics.error(node.where, path->text + " has " + to_string(array->type) +
                                      "; the graph says " + to_string(type));
    return std::nullopt;
  }
  Initializer initializer;
  initializer.kind = InitializerKind::kData;
  initializer.data = std::move(array->data);
  return initializer;
}

std::optional<NameAt> read_path(const YamlNode& node, std::string_view what,
                                const GraphFileContext& context, DiagnosticSink& diagnostics) {
  const std::optional<std::string> path = read_text(node, what, diagnostics);
  if (!path) return std::nullopt;
  if (!is_plain_text(*path)) {
    diagnostics.error(node.where,
                      std::string(what) + " must be one line of text without control characters");
    return std::nullopt;
  }
  return NameAt{(context.folder / *path).generic_string(), node.where};
}

}  // namespace graphc
