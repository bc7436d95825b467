#include "compiler/frontend/decisions/parse_decisions.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "compiler/diagnostics/check_utf8.h"
#include "compiler/frontend/build_parallel.h"
#include "compiler/frontend/decisions/parse_schedule.h"
#include "compiler/frontend/parse_parallel.h"
#include "compiler/frontend/text_columns.h"
#include "compiler/placement/offload.h"
#include "compiler/placement/rematerialise.h"
#include "runtime/base/text.h"

namespace graphc {
namespace {

/// One line in columns.
struct Line {
  int number = 0;
  std::vector<Field> fields;

  std::string_view key() const { return fields[0].text; }
};

/// Lines up to the one that begins the schedule, and the file with all of them blank, so that what
/// follows keeps its places.
struct Text {
  std::vector<Line> lines;
  std::shared_ptr<const SourceFile> schedule;
};

bool begins_schedule(std::string_view line) { return trim(line).starts_with("schedule "); }

Text cut(const SourceFile& file) {
  Text text;
  std::string blank;
  int number = 0;
  size_t num_bytes = 0;
  for (const std::string_view line : split(file.text, '\n')) {
    ++number;
    if (begins_schedule(line)) break;
    num_bytes += line.size() + 1;
    blank += "\n";
    if (const auto statement = statement_of(line)) {
      text.lines.push_back({number, fields_of(*statement)});
    }
  }
  blank += file.text.substr(std::min(num_bytes, file.text.size()));
  text.schedule = std::make_shared<const SourceFile>(SourceFile{file.path, std::move(blank)});
  return text;
}

class DecisionsParser {
 public:
  DecisionsParser(std::shared_ptr<const SourceFile> file, const Target& target,
                  const Shared<Graph>& graph, DiagnosticSink& diagnostics)
      : file_(std::move(file)),
        text_(cut(*file_)),
        target_(target),
        graph_(graph),
        diagnostics_(diagnostics),
        errors_before_(diagnostics.num_errors()),
        places_(graph->nodes.size()) {
    for (const NodeId node : graph->nodes.ids()) node_names_.emplace(graph->nodes[node].name, node);
    for (const DeviceId device : target.machine.devices.ids()) {
      device_names_.emplace(target.machine.devices[device].name, device);
    }
  }

  Result<Decisions> run() {
    for (const Line& line : text_.lines) read_before_rewrites(line);
    check_places();
    check_budget();
    if (has_failed()) return reported();
    TRY(const Shared<PlacedGraph> placed,
        lower_to_copies(target_, graph_, decisions_, Gates::kNone, diagnostics_));
    PlacedGraph rewritten_graph = placed;
    for (const Line& line : text_.lines) read_rewrite(line, rewritten_graph);
    if (has_failed()) return reported();

    const Shared<TaskGraph> tasks = lower_to_tasks(target_, placed, decisions_, Gates::kNone);
    WrittenVersions versions = versions_of(tasks);
    if (has_failed()) return reported();
    TRY(Schedule schedule, parse_schedule(text_.schedule, tasks, diagnostics_, versions));
    decisions_.order = LaneOrder{std::move(schedule.solution), Times::kKeep};
    return std::move(decisions_);
  }

 private:
  bool has_failed() const { return diagnostics_.num_errors() > errors_before_; }

  SourceRange at(const Line& line, size_t field) const {
    const Field& here = line.fields[std::min(field, line.fields.size() - 1)];
    return {file_, line.number, here.column, static_cast<int>(here.text.size())};
  }

  void fail(const Line& line, size_t field, std::string message,
            std::optional<std::string> hint = std::nullopt) {
    diagnostics_.error(at(line, field), std::move(message), std::move(hint));
  }

  /// Reports a line with another number of columns.
  bool has_columns(const Line& line, size_t count, const char* example) {
    if (line.fields.size() == count) return true;
    fail(line, 0, "expected " + std::to_string(count) + " columns", example);
    return false;
  }

  template <class Id>
  std::optional<Id> find(const Names<Id>& names, const Line& line, size_t field,
                         const std::string& what) {
    return find_name(names, line.fields[field].text, what, at(line, field), diagnostics_);
  }

  std::optional<int64_t> number(const Line& line, size_t field, int64_t least, int64_t most) {
    const std::string_view text = line.fields[field].text;
    int64_t value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code == std::errc() && end == text.data() + text.size() && !has_leading_zero(text) &&
        value >= least && value <= most) {
      return value;
    }
    fail(line, field,
         "expected a number from " + std::to_string(least) + " to " + std::to_string(most));
    return std::nullopt;
  }

  template <class Choice>
  void choose(const Line& line, Choice& chosen,
              std::initializer_list<std::pair<const char*, Choice>> choices) {
    if (!has_columns(line, 2, "launches  joint, with two spaces between the columns")) return;
    std::vector<std::string> names;
    for (const auto& [name, choice] : choices) {
      names.push_back("'" + std::string(name) + "'");
      if (line.fields[1].text != name) continue;
      chosen = choice;
      return;
    }
    fail(line, 1, "expected " + join(names, " or "));
  }

  bool is_first(const Line& line, std::string_view name) {
    const std::string key = std::string(line.key()) + (name.empty() ? "" : " ") + std::string(name);
    const auto [known, is_new] = first_lines_.emplace(key, line.number);
    if (!is_new) {
      fail(line, 0, "'" + key + "' stands twice; first in line " + std::to_string(known->second));
    }
    return is_new;
  }

  void read_before_rewrites(const Line& line) {
    const std::string_view key = line.key();
    if (key.starts_with("parallel ")) return;
    if (key == "decisions" || key == "machine") return static_cast<void>(is_first(line, ""));
    if (key == "rematerialise" || key == "offload" || key == "version") return;
    if (key == "place") return read_place(line);
    if (key == "budget") return read_budget(line);
    if (key == "launches" || key == "copies" || key == "overlap") {
      if (!is_first(line, "")) return;
      if (key == "launches") {
        return choose(line, decisions_.launches,
                      {{"joint", Launches::kJoint}, {"separate", Launches::kSeparate}});
      }
      if (key == "copies") {
        return choose(line, decisions_.copies,
                      {{"whole", CopyBlocks::kWhole}, {"blocks", CopyBlocks::kBlocks}});
      }
      return choose(line, decisions_.overlap, {{"all", Overlap::kAll}, {"none", Overlap::kNone}});
    }
    fail(line, 0, "'" + std::string(key) + "' is no decision",
         "place, rematerialise, offload, version, budget, launches, copies or overlap, with two "
         "spaces "
         "behind it");
  }

  void read_place(const Line& line) {
    if (!has_columns(line, 3, "place  z1  gpu0, with two spaces between the columns")) return;
    if (!is_first(line, line.fields[1].text)) return;
    const auto node = find(node_names_, line, 1, "node");
    const auto device = find(device_names_, line, 2, "device");
    if (!node || !device) return;
    places_[*node] = device;
    const Node& spec = graph_->nodes[*node];
    if (!spec.device || *spec.device == target_.machine.devices[*device].name) return;
    fail(line, 2, "the graph pins '" + spec.name + "' to '" + *spec.device + "'",
         "change its `device` in the graph");
  }

  void read_budget(const Line& line) {
    if (!has_columns(line, 3, "budget  gpu0  1048576, with two spaces between the columns")) return;
    if (!is_first(line, line.fields[1].text)) return;
    const auto device = find(device_names_, line, 1, "device");
    const auto bytes = number(line, 2, 0, int64_t{1} << 60);
    if (device && bytes) budgets_[*device] = *bytes;
  }

  SourceRange top() const { return {file_, 1, 1, 1}; }

  void check_places() {
    for (const NodeId node : places_.ids()) {
      if (!places_[node]) {
        diagnostics_.error(top(), "no device is decided for '" + graph_->nodes[node].name + "'");
      }
      decisions_.assignment.push_back(places_[node].value_or(target_.machine.host()));
    }
  }

  void check_budget() {
    if (budgets_.empty()) return;
    decisions_.budget.emplace();
    for (const DeviceId device : target_.machine.devices.ids()) {
      const auto budget = budgets_.find(device);
      if (budget == budgets_.end()) {
        diagnostics_.error(
            top(), "no budget is decided for '" + target_.machine.devices[device].name + "'");
        return;
      }
      decisions_.budget->push_back(budget->second);
    }
  }

  void read_rewrite(const Line& line, PlacedGraph& placed) {
    const bool is_rematerialised = line.key() == "rematerialise";
    if (!is_rematerialised && line.key() != "offload") return;
    if (line.fields.size() < 3) {
      return fail(line, 0, "expected a value and at least one reader of it",
                  "rematerialise  h1@gpu0  g1, with two spaces between the columns");
    }
    Names<PlacedValueId> values;
    for (const PlacedValueId value : placed.values.ids()) {
      values.emplace(placed.values[value].name, value);
    }
    const auto value = find(values, line, 1, "value");
    if (!value) return;
    const bool can = is_rematerialised ? can_rematerialise(placed, *value)
                                       : can_offload(placed, *value, target_.machine);
    if (!can) {
      return fail(line, 1,
                  "'" + placed.values[*value].name + "' cannot be " +
                      (is_rematerialised ? "computed again" : "offloaded to the host"));
    }
    MemoryRewrite rewrite{
        is_rematerialised ? RewriteKind::kRematerialise : RewriteKind::kOffload, *value, {}};
    if (!read_readers(line, placed, rewrite)) return;
    placed = apply_rewrites(placed, {rewrite}, target_.machine);
    decisions_.rewrites.push_back(std::move(rewrite));
  }

  bool read_readers(const Line& line, const PlacedGraph& placed, MemoryRewrite& rewrite) {
    Names<PlacedOpId> readers;
    size_t num_readers = 0;
    for (const PlacedOpId op : placed.ops.ids()) {
      const auto& reads = placed.ops[op].reads;
      const bool is_reader =
          std::any_of(reads.begin(), reads.end(), [&](const PlacedOperand& read) {
            return read.value == rewrite.value && read.distance == 0;
          });
      if (!is_reader) continue;
      ++num_readers;
      readers.emplace(placed.ops[op].name, op);
    }
    for (const auto& output : placed.resident_outputs) {
      if (output && output->value == rewrite.value) ++num_readers;
    }
    for (size_t i = 2; i < line.fields.size(); ++i) {
      const auto reader =
          find(readers, line, i, "reader of '" + placed.values[rewrite.value].name + "'");
      if (!reader) return false;
      if (std::find(rewrite.readers.begin(), rewrite.readers.end(), *reader) !=
          rewrite.readers.end()) {
        fail(line, i, "'" + std::string(line.fields[i].text) + "' stands twice");
        return false;
      }
      rewrite.readers.push_back(*reader);
    }
    if (rewrite.readers.size() < num_readers) return true;
    fail(line, 1, "all readers of '" + placed.values[rewrite.value].name + "' get it anew",
         "leave at least one to the first computation");
    return false;
  }

  WrittenVersions versions_of(const TaskGraph& tasks) {
    const std::vector<PlacedValueId> values = versioned_values(tasks);
    Names<VersionedId> names;
    for (size_t i = 0; i < values.size(); ++i) {
      names.emplace(tasks.placed->values[values[i]].name, VersionedId(i));
    }
    IdVector<VersionedId, int32_t> versions(values.size(), 1);
    for (const Line& line : text_.lines) {
      if (line.key() != "version") continue;
      if (!has_columns(line, 3, "version  x@gpu0  2, with two spaces between the columns"))
        continue;
      if (!is_first(line, line.fields[1].text)) continue;
      const auto value = find(names, line, 1, "value with versions");
      const auto count = number(line, 2, 1, kMaxStepsInFlight);
      if (value && count) versions[*value] = static_cast<int32_t>(*count);
    }
    return versions;
  }

  std::shared_ptr<const SourceFile> file_;
  Text text_;
  const Target& target_;
  const Shared<Graph>& graph_;
  DiagnosticSink& diagnostics_;
  size_t errors_before_;
  Names<NodeId> node_names_;
  Names<DeviceId> device_names_;
  std::map<std::string, int, std::less<>> first_lines_;
  IdVector<NodeId, std::optional<DeviceId>> places_;
  std::map<DeviceId, int64_t> budgets_;
  Decisions decisions_;
};

/// Whether the text begins with whom its decisions are for.
bool has_origin(const std::shared_ptr<const SourceFile>& file, const std::vector<Line>& lines,
                DiagnosticSink& diagnostics) {
  size_t i = 0;
  for (const std::string key : {"decisions", "machine"}) {
    const bool is_there = i < lines.size() && lines[i].key() == key && lines[i].fields.size() == 3;
    if (!is_there) {
      diagnostics.error({file, i < lines.size() ? lines[i].number : 1, 1, 1},
                        "expected '" + key + "', a name and a fingerprint",
                        "graphc --emit=decisions writes such a file");
      return false;
    }
    ++i;
  }
  return true;
}

/// Whether the line, `decisions` or `machine`, has this fingerprint.
bool check_origin(const std::shared_ptr<const SourceFile>& file, const Line& line,
                  const std::string& what, const std::string& name, const std::string& fingerprint,
                  DiagnosticSink& diagnostics) {
  if (line.fields[2].text == fingerprint) return true;
  const Field& written = line.fields[1];
  diagnostics.error({file, line.number, written.column, static_cast<int>(written.text.size())},
                    "these decisions are for another " + what + ": '" + std::string(written.text) +
                        "' with fingerprint " + std::string(line.fields[2].text) +
                        ", and this one is '" + name + "' with " + fingerprint);
  return false;
}

}  // namespace

Result<std::optional<Parallel>> parse_parallel_decision(
    const std::shared_ptr<const SourceFile>& file, const Machine& machine,
    const std::string& machine_fingerprint, DiagnosticSink& diagnostics) {
  if (!check_utf8(file, diagnostics)) return reported();
  const std::vector<Line> lines = cut(*file).lines;
  if (!has_origin(file, lines, diagnostics) ||
      !check_origin(file, lines[1], "machine", machine.name, machine_fingerprint, diagnostics)) {
    return reported();
  }
  std::optional<Parallel> parallel;
  int number = 0;
  for (const std::string_view text : split(file->text, '\n')) {
    ++number;
    if (begins_schedule(text)) break;
    const auto statement = statement_of(text);
    if (!statement || !trim(*statement).starts_with("parallel ")) continue;
    LineReader line(file, number, *statement, diagnostics);
    line.accept_word("parallel");
    const auto declared = parse_parallel(line, {file, number, 1, 8});
    if (!declared) return reported();
    if (parallel || declared->is_auto) {
      diagnostics.error({file, number, 1, 8},
                        parallel ? "`parallel` stands twice" : "`auto` decides nothing");
      return reported();
    }
    parallel = resolve_parallel(*declared, diagnostics);
    if (!parallel) return reported();
  }
  return parallel;
}

Result<Decisions> parse_decisions(const std::shared_ptr<const SourceFile>& file,
                                  const Target& target, const Shared<Graph>& graph,
                                  const std::string& graph_fingerprint,
                                  DiagnosticSink& diagnostics) {
  if (!check_origin(file, cut(*file).lines[0], "graph", graph->name, graph_fingerprint,
                    diagnostics)) {
    return reported();
  }
  return DecisionsParser(file, target, graph, diagnostics).run();
}

}  // namespace graphc
