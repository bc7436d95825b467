#include "compiler/parallel/divided_graph.h"

#include <algorithm>
#include <string>
#include <utility>

#include "compiler/graph/row_uses.h"
#include "compiler/graph/unique_names.h"
#include "compiler/parallel/host_spread.h"
#include "compiler/parallel/part_pins.h"

namespace graphc {
namespace {

class Builder {
 public:
  Builder(const Graph& graph, const Division& division, const Parallel& parallel,
          const std::vector<int64_t>& rows)
      : graph_(graph),
        division_(division),
        parallel_(parallel),
        rows_(rows),
        spread_(parallel.batch),
        forms_(graph.values.size()),
        is_of_states_(graph.values.size(), 0),
        pins_(graph, division, parallel, spread_, is_of_states_),
        names_(graph, ".") {
    for (const Node& node : graph.nodes) {
      if (node.updates && !node.device) is_of_states_[*node.updates] = 1;
    }
    int64_t begin = 0;
    for (const int64_t each : rows) {
      begins_.push_back(begin);
      begin += each;
    }
  }

  Graph build() {
    result_.name = graph_.name;
    for (const ValueId id : graph_.values.ids()) {
      if (graph_.values[id].kind == ValueKind::kNode) continue;
      forms_[id].whole = result_.values.push_back(graph_.values[id]);
    }
    for (const NodeId id : graph_.nodes.ids()) {
      find_if_of_states(id);
      if (division_.rules[id]) {
        add_parts(id, *division_.rules[id]);
      } else if (is_sharded(id)) {
        add_shards(id);
      } else {
        add_whole(id);
      }
    }
    for (GraphOutput output : graph_.outputs) {
      output.value = whole_of(output.value);
      result_.outputs.push_back(std::move(output));
    }
    return std::move(result_);
  }

 private:
  /// The values of the new graph that stand for one of the old; made when they are asked for.
  struct Forms {
    std::optional<ValueId> whole;
    std::vector<ValueId> rows;    // one a part
    std::vector<ValueId> shares;  // one a part
    std::vector<ValueId> shards;  // one a part: some of the value's own rows, not of the batch
  };

  size_t num_parts() const { return rows_.size(); }

  void find_if_of_states(NodeId id) {
    const Node& node = graph_.nodes[id];
    const bool is_of_states = !node.device && !node.inputs.empty() &&
                              std::all_of(node.inputs.begin(), node.inputs.end(),
                                          [&](ValueId input) { return is_of_states_[input] != 0; });
    for (const ValueId result : node.results) is_of_states_[result] = is_of_states ? 1 : 0;
  }

  ValueId add(std::string name, Node node, const Pin& pin, const SourceRange& where) {
    return add_node(std::move(name), std::move(node), pin, where).front();
  }

  /// All results.
  std::vector<ValueId> add_node(std::string name, Node node, const Pin& pin,
                                const SourceRange& where) {
    node.name = std::move(name);
    node.device = pin.device;
    node.also_on = pin.also_on;
    node.device_where = pin.where;
    node.where = where;
    std::vector<TensorType> types;
    for (const ValueId input : node.inputs) types.push_back(result_.type_of(input));
    const auto given = infer_types(*node.op, types, node.attributes);
    CHECK(given.has_value(), given ? "" : node.name + ": " + given.error().message);
    std::vector<ValueId> results;
    for (size_t i = 0; i < given->size(); ++i) {
      Value value;
      value.name = result_name(*node.op, node.name, i);
      value.type = (*given)[i];
      value.where = where;
      value.producer = NodeId(result_.nodes.size());
      results.push_back(result_.values.push_back(std::move(value)));
    }
    node.results = results;
    result_.nodes.push_back(std::move(node));
    return results;
  }

  static Node make(std::string_view op, std::vector<ValueId> inputs, Attributes attributes = {}) {
    Node node;
    node.op = find_op(op);
    node.inputs = std::move(inputs);
    node.attributes = std::move(attributes);
    return node;
  }

  std::string name_of_part(ValueId value, size_t part) {
    return names_.unique(graph_.values[value].name + "_" + std::to_string(part));
  }

  /// Rows that a value of the type has for each row of the batch.
  int64_t rows_each(const TensorType& type) const { return type.shape[0] / division_.batch; }

  Attributes attributes_of_part(NodeId id, const PartRule& rule, size_t part) const {
    Attributes attributes = division_.attributes[id];
    const TensorType& result = graph_.type_of(graph_.nodes[id].result());
    if (rule.differs == PartAttribute::kRowsOfShape) {
      attributes.set("shape", shape_of_part(result, part));
    } else if (rule.differs == PartAttribute::kFirstElement) {
      const int64_t in_front = begins_[part] * (result.num_elements() / division_.batch);
      if (in_front > 0) attributes.set("first", attributes.integer("first", 0) + in_front);
    }
    return attributes;
  }

  std::vector<int64_t> shape_of_part(const TensorType& type, size_t part) const {
    std::vector<int64_t> shape(type.shape.begin(), type.shape.end());
    shape[0] = rows_[part] * rows_each(type);
    return shape;
  }

  void add_parts(NodeId id, const PartRule& rule) {
    const Node& node = graph_.nodes[id];
    std::vector<std::vector<ValueId>> parts(node.results.size());
    for (size_t part = 0; part < num_parts(); ++part) {
      Node copy = node;
      copy.attributes = attributes_of_part(id, rule, part);
      for (size_t i = 0; i < node.inputs.size(); ++i) {
        copy.inputs[i] = operand_of_part(node.inputs[i], rule.operands[i], part);
      }
      const std::string name = names_.unique_node(name_of(node, part), *node.op);
      const std::vector<ValueId> results = add_node(name, copy, pins_.of_part(part), node.where);
      for (size_t i = 0; i < results.size(); ++i) {
        parts[i].push_back(rule.is_mean ? weighed(results[i], part, node.where) : results[i]);
      }
    }
    for (size_t i = 0; i < parts.size(); ++i) {
      Forms& forms = forms_[node.results[i]];
      (rule.result == Sharding::kSplit ? forms.rows : forms.shares) = std::move(parts[i]);
    }
  }

  static std::string name_of(const Node& node, size_t part) {
    return node.name + "_" + std::to_string(part);
  }

  /// The mean over a part, as its share of the mean over the batch.
  ValueId weighed(ValueId mean, size_t part, const SourceRange& where) {
    Attributes attributes;
    attributes.set("factor",
                   static_cast<double>(rows_[part]) / static_cast<double>(division_.batch));
    return add(names_.unique(result_.values[mean].name + ".share"),
               make("scale", {mean}, attributes), pins_.of_part(part), where);
  }

  ValueId operand_of_part(ValueId value, Sharding wanted, size_t part) {
    if (wanted == Sharding::kSplit) return rows_of(value)[part];
    return wanted == Sharding::kPartialSum ? forms_[value].shares[part] : whole_of(value);
  }

  void add_whole(NodeId id) {
    const Node& node = graph_.nodes[id];
    Node copy = node;
    for (ValueId& input : copy.inputs) input = whole_of(input);
    if (node.updates) copy.updates = forms_[*node.updates].whole;
    for (ValueId& state : copy.more_updates) state = *forms_[state].whole;
    const Pin pin = node.device ? Pin{node.device, node.also_on, node.device_where}
                                : pins_.of_whole(node.result());
    const std::vector<ValueId> results = add_node(node.name, copy, pin, node.where);
    for (size_t i = 0; i < results.size(); ++i) forms_[node.results[i]].whole = results[i];
  }

  /// Whether every device computes some rows of an update, or of what leads to one.
  bool is_sharded(NodeId id) const {
    const Node& node = graph_.nodes[id];
    if (parallel_.updates != UpdatePlace::kSharded || node.device) return false;
    if (node.results.size() > 1 || division_.is_update[node.result()] == 0) return false;
    if (pins_.is_of_one_host(node.result())) return false;
    if (!has_shards(node.result())) return false;
    const std::vector<RowUse> uses = row_uses_of(graph_, id);
    return std::find(uses.begin(), uses.end(), RowUse::kSame) != uses.end();
  }

  bool has_shards(ValueId value) const {
    const Shape& shape = graph_.type_of(value).shape;
    return num_parts() > 1 && !shape.empty() && shape[0] >= static_cast<int64_t>(num_parts());
  }

  void add_shards(NodeId id) {
    const Node& node = graph_.nodes[id];
    const std::vector<RowUse> uses = row_uses_of(graph_, id);
    std::vector<ValueId> shards;
    for (size_t part = 0; part < num_parts(); ++part) {
      Node copy = node;
      copy.updates.reset();
      copy.attributes = division_.attributes[id];
      for (size_t i = 0; i < node.inputs.size(); ++i) {
        const ValueId input = node.inputs[i];
        copy.inputs[i] = uses[i] == RowUse::kSame ? shards_of(input)[part] : whole_of(input);
      }
      shards.push_back(add(names_.unique(name_of_shard(node.result(), part)), copy,
                           pins_.of_part(part), node.where));
    }
    forms_[node.result()].shards = std::move(shards);
    if (!node.updates) return;
    Node next = make("concat", pieces_of_whole(node.result()));
    next.updates = forms_[*node.updates].whole;
    forms_[node.result()].whole = add(node.name, next, pins_.of_whole(node.result()), node.where);
  }

  std::string name_of_shard(ValueId value, size_t part) const {
    return graph_.values[value].name + ".shard_" + std::to_string(part);
  }

  /// Rows of the value for every device: the sum of those rows of the shares, if it is held in
  /// them.
  const std::vector<ValueId>& shards_of(ValueId value) {
    if (!forms_[value].shards.empty()) return forms_[value].shards;
    const bool has_shares = !forms_[value].shares.empty() && !forms_[value].whole;
    std::vector<std::vector<ValueId>> sums;
    if (has_shares && spread_.has_slabs()) sums = slab_sums(value);
    const int64_t num_rows = graph_.type_of(value).shape[0];
    std::vector<ValueId> shards;
    for (size_t part = 0; part < num_parts(); ++part) {
      const RowRange rows = spread_.shard_rows(num_rows, part);
      std::optional<ValueId> shard;
      if (!has_shares) {
        shard = cut_for(whole_of(value), rows, part);
      } else if (spread_.has_slabs()) {
        const int64_t first = spread_.slab_rows(num_rows, part).begin;
        for (const ValueId sum : sums[spread_.place_in_host(part)]) {
          const ValueId term = cut_for(sum, {rows.begin - first, rows.end - first}, part);
          add_term(shard, term, name_of_shard(value, part), part);
        }
      } else {
        for (const size_t other : spread_.in_order()) {
          const ValueId term = cut_for(forms_[value].shares[other], rows, part);
          add_term(shard, term, name_of_shard(value, part), part);
        }
      }
      shards.push_back(*shard);
    }
    return forms_[value].shards = std::move(shards);
  }

  /// A slab is the rows whose shards are on those devices that have one place in their hosts. Each of
  /// these sums the slab over its host, and sends every other one its rows of the sum: by place in
  /// the host, the sums of all hosts.
  std::vector<std::vector<ValueId>> slab_sums(ValueId value) {
    std::vector<std::vector<ValueId>> sums(spread_.of_host(0).size());
    for (size_t host = 0; host < spread_.num_hosts(); ++host) {
      for (const size_t part : spread_.of_host(host)) {
        const RowRange rows = spread_.slab_rows(graph_.type_of(value).shape[0], part);
        std::optional<ValueId> sum;
        for (const size_t other : spread_.of_host(host)) {
          const ValueId term = cut_for(forms_[value].shares[other], rows, part);
          add_term(sum, term, graph_.values[value].name + ".sum_" + std::to_string(part), part);
        }
        sums[spread_.place_in_host(part)].push_back(*sum);
      }
    }
    return sums;
  }

  /// To the sum, on the device of the part.
  void add_term(std::optional<ValueId>& sum, ValueId term, const std::string& name, size_t part) {
    if (!sum) {
      sum = term;
      return;
    }
    sum = add(names_.unique(name), make("add", {*sum, term}), pins_.of_part(part),
              result_.values[term].where);
  }

  /// Cut out on the device that needs them, so that nothing else travels there.
  ValueId cut_for(ValueId source, const RowRange& rows, size_t part) {
    const Value& value = result_.values[source];
    Attributes attributes;
    attributes.set("begin", rows.begin);
    attributes.set("end", rows.end);
    const std::string name = names_.unique(value.name + ".rows_" + std::to_string(part));
    return add(name, make("slice", {source}, attributes), pins_.of_part(part), value.where);
  }

  /// One after the other they are the value, which has shards. Of slabs every host puts its own one
  /// together, on the device that has the place in it, and spreads it from there.
  std::vector<ValueId> pieces_of_whole(ValueId value) {
    std::vector<ValueId> shards = in_order_of_rows(forms_[value].shards);
    if (!spread_.has_slabs()) return shards;
    std::vector<ValueId> slabs;
    const size_t num_hosts = spread_.num_hosts();
    for (size_t place = 0; place < spread_.of_host(0).size(); ++place) {
      Pin pin = pins_.of_part(spread_.of_host(0)[place]);
      for (size_t host = 1; host < num_hosts; ++host) {
        pin.also_on.push_back(parallel_.batch[spread_.of_host(host)[place]].device);
      }
      const auto first = shards.begin() + static_cast<std::ptrdiff_t>(place * num_hosts);
      const std::vector<ValueId> of_slab(first, first + static_cast<std::ptrdiff_t>(num_hosts));
      const std::string name = graph_.values[value].name + ".slab_" + std::to_string(place);
      slabs.push_back(
          add(names_.unique(name), make("concat", of_slab), pin, graph_.values[value].where));
    }
    return slabs;
  }

  std::vector<ValueId> in_order_of_rows(const std::vector<ValueId>& shards) const {
    std::vector<ValueId> ordered(shards.size(), shards.front());
    for (size_t part = 0; part < shards.size(); ++part) {
      ordered[spread_.place_in_rows(part)] = shards[part];
    }
    return ordered;
  }

  ValueId whole_of(ValueId value) {
    Forms& forms = forms_[value];
    if (forms.whole) return *forms.whole;
    if (!forms.shards.empty()) {
      forms.whole = concatenated(value, pieces_of_whole(value));
    } else if (!forms.shares.empty()) {
      forms.whole = summed(value);
    } else {
      forms.whole = concatenated(value, forms.rows);
    }
    return *forms.whole;
  }

  ValueId concatenated(ValueId value, const std::vector<ValueId>& parts) {
    return add(graph_.values[value].name, make("concat", parts), pins_.of_total(value),
               graph_.values[value].where);
  }

  ValueId summed(ValueId value) {
    const std::vector<ValueId>& shares = forms_[value].shares;
    std::vector<ValueId> terms;
    for (size_t host = 0; host < spread_.num_hosts(); ++host) {
      std::vector<ValueId> of_host;
      for (const size_t part : spread_.of_host(host)) of_host.push_back(shares[part]);
      if (spread_.num_hosts() > 1) of_host = {sum_of(value, of_host, pins_.of_host(value, host))};
      terms.insert(terms.end(), of_host.begin(), of_host.end());
    }
    const Pin pin = pins_.of_total(value);
    const SourceRange& where = graph_.values[value].where;
    const std::string& name = graph_.values[value].name;
    if (terms.size() == 1) return add(name, make("copy", terms), pin, where);
    const ValueId last = terms.back();
    terms.pop_back();
    return add(name, make("add", {sum_of(value, terms, pin), last}), pin, where);
  }

  /// In their order.
  ValueId sum_of(ValueId value, const std::vector<ValueId>& terms, const Pin& pin) {
    ValueId sum = terms[0];
    for (size_t i = 1; i < terms.size(); ++i) {
      sum = add(names_.unique(graph_.values[value].name + ".sum"), make("add", {sum, terms[i]}),
                pin, graph_.values[value].where);
    }
    return sum;
  }

  const std::vector<ValueId>& rows_of(ValueId value) {
    Forms& forms = forms_[value];
    if (!forms.rows.empty()) return forms.rows;
    const std::optional<NodeId>& producer = graph_.values[value].producer;
    const bool is_repeated = producer && repeats_rows(*producer);
    for (size_t part = 0; part < num_parts(); ++part) {
      forms.rows.push_back(is_repeated ? repeated(*producer, part) : cut(value, part));
    }
    return forms.rows;
  }

  /// Whether every row of the node's result is the same.
  bool repeats_rows(NodeId id) const {
    const Node& node = graph_.nodes[id];
    if (node.op->name != "broadcast") return false;
    const TensorType& input = graph_.type_of(node.inputs[0]);
    return input.rank() < graph_.type_of(node.result()).rank() || input.shape[0] == 1;
  }

  /// The same rows for every part: no need to cut them out of a larger value.
  ValueId repeated(NodeId broadcast, size_t part) {
    const Node& node = graph_.nodes[broadcast];
    Attributes attributes;
    attributes.set("shape", shape_of_part(graph_.type_of(node.result()), part));
    return add(name_of_part(node.result(), part),
               make("broadcast", {whole_of(node.inputs[0])}, attributes), pins_.of_part(part),
               node.where);
  }

  ValueId cut(ValueId value, size_t part) {
    if (num_parts() == 1) return whole_of(value);
    const int64_t each = rows_each(graph_.type_of(value));
    Attributes attributes;
    attributes.set("begin", begins_[part] * each);
    attributes.set("end", (begins_[part] + rows_[part]) * each);
    // Every host reads the batch for itself, and of that only what its devices work on.
    const Pin pin = spread_.num_hosts() > 1 ? pins_.of_part(part) : Pin();
    return add(name_of_part(value, part), make("slice", {whole_of(value)}, attributes), pin,
               graph_.values[value].where);
  }

  const Graph& graph_;
  const Division& division_;
  const Parallel& parallel_;
  const std::vector<int64_t>& rows_;
  HostSpread spread_;
  std::vector<int64_t> begins_;  // of each part, in rows of the batch
  IdVector<ValueId, Forms> forms_;
  /// A state that is updated where the others are, or computed of such states and nothing else.
  IdVector<ValueId, char> is_of_states_;
  PartPins pins_;
  UniqueNames names_;
  Graph result_;
};

}  // namespace

Graph build_divided(const Graph& graph, const Division& division, const Parallel& parallel,
                    const std::vector<int64_t>& rows) {
  return Builder(graph, division, parallel, rows).build();
}

}  // namespace graphc
