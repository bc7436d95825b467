"""A graph file of the reference workloads, filled section by section."""

import decimal
import textwrap

# Never zeros: they cost a GPU less power, so it would compute faster than it does for users.
UNIFORM = "{uniform: {low: 0, high: 1}}"
# Small and of both signs: values shrink in a product with 128 rows of it, and so do differences of
# rounding, however many steps a run has.
SMALL = "{uniform: {low: -0.1, high: 0.1}}"


def type_of(shape, element="f32"):
    """`"f32[2, 3]"`, quoted as YAML needs it."""
    return f'"{element}[{", ".join(map(str, shape))}]"'


def attribute_text(value):
    """An attribute as YAML; numbers as people write them, without exponents."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{decimal.Decimal(repr(value)):f}" if isinstance(value, float) else str(value)


class Workload:
    """One graph file, filled section by section."""

    def __init__(self, name, machine, comment):
        self.name = name
        self.head = textwrap.wrap(" ".join(comment.split()), 97, break_on_hyphens=False)
        self.machine = machine
        self.inputs, self.states, self.nodes, self.outputs = [], [], [], []
        self.end = []

    def input(self, name, shape, element="f32"):
        """An input that the user gives."""
        self.inputs.append((name, f"{{type: {type_of(shape, element)}}}"))
        return name

    def state(self, name, shape, init=UNIFORM, element="f32", device=None):
        """A state; one that no node updates is a value that lies where it is read."""
        tail = f", device: {device}" if device else ""
        self.states.append((name, f"{{type: {type_of(shape, element)}, init: {init}{tail}}}"))
        return name

    def note(self, text):
        """A comment in front of the next node."""
        self.nodes.append(f"  # {text}")

    def node(self, name, op, inputs, **keys):
        """A node; keys are its attributes, `device`, `updates` and `keep`."""
        if isinstance(inputs, str):
            inputs = [inputs]
        tail = "".join(f", {key}: {attribute_text(value)}" for key, value in keys.items()
                       if value is not None)
        self.nodes.append((name, f"op: {op}, inputs: [{', '.join(inputs)}]{tail}"))
        return name

    def result(self, name, shape, op, inputs, device, to=None, element="f32", **keys):
        """A node whose result stays in the memory of its device, or travels to that of `to`.

        As the next value of a state: it is neither removed nor merged with an equal one, and
        `--check` and `--save-state` see it.
        """
        self.state(name, shape, "zeros", element, to)
        self.node(f"{name}_new", op, inputs, **keys, updates=name, device=device)

    def deliver(self, output):
        """An output: a name, or where its value is to stay."""
        self.outputs.append(output)

    def text(self):
        """The file."""
        lines = [f"# {line}" for line in self.head]
        lines += [f"graph: {self.name}", f"machine: ../machines/{self.machine}.yaml"]
        for title, entries in (("inputs", self.inputs), ("state", self.states)):
            width = max((len(name) for name, _ in entries), default=0) + 1
            lines += ["", f"{title}:"] if entries else []
            lines += [f"  {name + ':':{width}} {rest}" for name, rest in entries]
        width = max(len(node[0]) for node in self.nodes if isinstance(node, tuple)) + 1
        lines += ["", "nodes:"]
        for node in self.nodes:
            lines.append(node if isinstance(node, str) else
                         f"  - {{name: {node[0] + ',':{width}} {node[1]}}}")
        lines += ["", "outputs:"] if self.outputs else []
        lines += [f"  - {output}" for output in self.outputs]
        lines += ["", *self.end] if self.end else []
        return "\n".join(lines) + "\n"
