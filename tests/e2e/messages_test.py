"""What the programs say of hostile or endless input: short, plain text with a place."""

import itertools
import json
import struct
import unittest

import numpy as np

from support import EndToEndTest, call

BAD_INPUT, BAD_USAGE = 1, 2

GRAPH = """\
graph: g
inputs:
  x: {type: "f32[2]"}
state:
  w: {type: "f32[2]", init: zeros}
nodes:
  - {name: y, op: mul, inputs: [x, w]}
  - {name: s, op: sum, inputs: [y]}
outputs: [s]
"""

MACHINE = """\
machine: m
devices:
  cpu: {kind: cpu, workers: 2, memory: 1GiB, rates: {matmul_f32: 1GFLOP/s, bytes: 1GB/s}, launch: 1us}
  gpu0: {kind: cuda, memory: 1GiB, streams: 1, rates: {matmul_f32: 1TFLOP/s, bytes: 1TB/s}, launch: 1us}
links:
  - {between: [cpu, gpu0], to: 1GB/s, back: 1GB/s, latency: 1us}
"""

# Marks that change the direction of the text behind them.
BIDIRECTIONAL = {0x61c, 0x200e, 0x200f, *range(0x202a, 0x202f), *range(0x2066, 0x206a)}


def drives_a_terminal(character):
    code = ord(character)
    is_control = (code < 32 and character not in "\n\t") or 127 <= code < 160
    return is_control or code in BIDIRECTIONAL


def safetensors(entries, metadata=None):
    header = dict(entries)
    if metadata is not None:
        header["__metadata__"] = metadata
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text


class MessagesTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.graph = self.folder / "g.yaml"
        self.graph.write_text(GRAPH)
        self.plan = self.folder / "p.bin"

    def expect_plain(self, code, program, *arguments):
        """The program ends with `code`; what it says is UTF-8 and drives no terminal."""
        done = call(program, *arguments)
        self.assertEqual(done.returncode, code, done.stderr)
        for text in (done.stdout, done.stderr):
            self.assertFalse([c for c in text if drives_a_terminal(c)], repr(text))
        return done.stderr

    def expect_refused(self, place):
        """graphc names the place and leaves no plan."""
        message = self.expect_plain(BAD_INPUT, "graphc", self.graph, "-o", self.plan)
        self.assertIn(f"{self.graph}:{place}: error: ", message)
        self.assertFalse(self.plan.exists())
        return message


class TextTest(MessagesTest):
    def test_names_that_no_plan_can_hold(self):
        for name in (r"a\nb", r"a\tb", r"\e[31mred", r"a\u0007b", r"\u009b", r"\u202e", r"\uffff"):
            with self.subTest(name=name):
                self.graph.write_text(GRAPH.replace("graph: g", f'graph: "{name}"'))
                self.expect_refused("1:8")
                self.graph.write_text(GRAPH.replace('"f32[2]"}', f'"f32[2]", feed: "{name}"}}', 1))
                self.expect_refused("3:29")

    def test_the_same_in_text_form(self):
        self.graph = self.folder / "g.graph"
        for line in ('graph "a\x1bb"', 'graph "\u202e"'):
            self.graph.write_text(line + "\ninput %x : f32[2]\noutput %x\n")
            self.expect_refused("1:7")
        self.graph.write_text('graph g\ninput %x : f32[2] feed "a\x07.npy"\noutput %x\n')
        self.expect_refused("2:24")

    def test_a_file_that_is_not_utf_8(self):
        for text, place in (("graph: fr\xfch\n", "1:10"), ("# f\xfcr x\n" + GRAPH, "1:4")):
            self.graph.write_bytes(text.encode("latin-1"))
            self.assertIn("not UTF-8", self.expect_refused(place))
        machine = self.folder / "m.yaml"
        machine.write_bytes(b"machine: \xe4\n")
        self.graph.write_text(GRAPH)
        message = self.expect_plain(BAD_INPUT, "graphc", self.graph, "--machine", machine)
        self.assertIn(f"{machine}:1:10: error: this is not UTF-8", message)

    def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(self):
        self.graph.write_bytes(b"\xef\xbb\xbf" + GRAPH.replace("\n", "\r\n").encode())
        self.succeed("graphc", self.graph, "-o", self.plan)
        text = self.succeed("graphc", self.graph, "--emit=graph")
        self.graph = self.folder / "g.graph"
        self.graph.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
        self.succeed("graphc", self.graph, "-o", self.plan)

    def test_names_in_graph_files(self):
        for text in (GRAPH.replace("op: mul", 'op: "m\\u009b"'),
                     GRAPH.replace("[x, w]", '[x, "\\e[2J"]'),
                     GRAPH.replace("state:", '"\\u202e":')):
            self.graph.write_text(text)
            self.expect_plain(BAD_INPUT, "graphc", self.graph)

    def test_names_in_other_files(self):
        plan = self.compile(self.graph)
        array = self.folder / "x.npy"
        np.save(array, np.zeros(2, np.float32))
        header = array.read_bytes()
        bad_array = self.folder / "bad.npy"
        bad_array.write_bytes(header.replace(b"<f4", b"\x1b[1"))
        self.expect_plain(BAD_INPUT, "graphrun", plan, f"--input=x={bad_array}")
        states = self.folder / "w.safetensors"
        for dtype in ("\x1b[31m", "\x9b", "\u202e"):
            states.write_bytes(safetensors({"w": {"dtype": dtype, "shape": [2],
                                                  "data_offsets": [0, 0]}}))
            self.expect_plain(BAD_INPUT, "graphrun", plan, f"--input=x={array}",
                              f"--load-state={states}")
        states.write_bytes(safetensors({}, {"checkpoint": "1", "graph": "\x1b[31m\x9b",
                                            "graph_fingerprint": "\x1b[0m"}))
        self.expect_plain(BAD_INPUT, "graphrun", plan, f"--input=x={array}",
                          f"--checkpoint={states}", "--resume")

    def test_what_stands_on_the_command_line(self):
        for program in ("graphc", "graphrun", "graphdump", "graph-opt", "graphprobe"):
            self.expect_plain(BAD_USAGE, program, "--\x1b[31m\u009b")
        self.expect_plain(BAD_INPUT, "graphdump", "no\x1b[31m\u202e.bin")
        self.expect_plain(BAD_USAGE, "graphc", self.graph, "--memory-limit=\x1b[31m=1GiB")
        self.expect_plain(BAD_USAGE, "graphrun", "p.bin", "--map=\x1b[31m=x")


class LengthTest(MessagesTest):
    def expect_short(self, text, *says):
        self.graph.write_text(text)
        message = self.expect_plain(BAD_INPUT, "graphc", self.graph)
        self.assertLess(len(message), 100_000)
        for words in says:
            self.assertIn(words, message)

    def test_the_first_of_many_errors_are_shown(self):
        self.expect_short("nodes: [" + "{}," * 20_000 + "]")
        self.expect_short("graph: g\nnodes:\n" + "  - {name: y, op: zz, inputs: [x]}\n" * 20_000,
                          "g.yaml:3:", "more errors\n")

    def test_first_values_that_lead_nowhere(self):
        states = "".join(f"  s{i}: {{type: \"f32[2]\", init: {{same_as: s{(i + 1) % 20_000}}}}}\n"
                         for i in range(20_000))
        self.expect_short("graph: g\nstate:\n" + states + "nodes:\n"
                          "  - {name: y, op: relu, inputs: [s0]}\noutputs: [y]\n",
                          "the first value of 's0' is defined by itself", "19970 more errors")

    def test_the_first_of_many_warnings_are_shown(self):
        inputs = "".join(f"  x{i}: {{type: \"f32[2]\"}}\n" for i in range(5000))
        self.graph.write_text(GRAPH.replace("inputs:\n", "inputs:\n" + inputs))
        done = call("graphc", self.graph)
        self.assertEqual(done.returncode, 0)
        self.assertIn("and 4970 more warnings\n", done.stderr)

    def test_names_without_end(self):
        name = "n" * 1_000_000
        self.expect_short(GRAPH.replace("op: mul", f"op: {name}"))
        self.expect_short(GRAPH.replace("[x, w]", f"[x, {name}]"))
        self.expect_short(GRAPH.replace("inputs:\n", f"{name}:\n", 1))

    def test_brackets_without_end(self):
        self.expect_short("graph: g\nx: " + "[" * 3000 + "]" * 3000 + "\n", "nested", "g.yaml:2:")

    def test_what_is_wrong_in_graph_and_machine_is_said_in_one_run(self):
        self.graph.write_text(GRAPH.replace("op: mul", "op: mull"))
        machine = self.folder / "m.yaml"
        machine.write_text(MACHINE.replace("1GiB", "1e3GiB"))
        message = self.expect_plain(BAD_INPUT, "graphc", self.graph, "--machine", machine)
        self.assertIn("did you mean 'mul'?", message)
        self.assertIn("'1e3GiB' has an exponent", message)

    def test_states_without_number(self):
        states = "".join(f"  w{i}: {{type: \"f32[1]\", init: zeros}}\n" for i in range(200))
        inputs = ", ".join(f"w{i}" for i in range(200))
        self.graph.write_text("graph: g\nstate:\n" + states +
                              f"nodes:\n  - {{name: y, op: concat, inputs: [{inputs}], axis: 0}}\n"
                              "outputs: [y]\n")
        plan = self.compile(self.graph)
        nothing = self.folder / "none.safetensors"
        nothing.write_bytes(safetensors({}))
        load = f"--load-state={nothing}"
        message = self.expect_plain(BAD_INPUT, "graphrun", plan, load)
        self.assertIn("and 180 more", message)
        self.assertLess(len(message), 10_000)
        message = self.expect_plain(0, "graphrun", plan, load, "--partial")
        self.assertIn("and 180 more are not loaded", message)


class NumberTest(MessagesTest):
    def test_numbers_on_the_command_line_are_decimal(self):
        plan = self.compile(self.graph)
        for number in ("010", "0x10", "1_000", "1e3", "ten", "-1"):
            with self.subTest(number=number):
                message = self.expect_plain(BAD_USAGE, "graphrun", plan, f"--steps={number}")
                self.assertIn(number, message)
                self.expect_plain(BAD_USAGE, "graphc", self.graph, f"--steps={number}")
                self.expect_plain(BAD_USAGE, "graphrun", plan, f"--bench={number}")

    def test_figures_that_are_fine_one_by_one(self):
        """Either a plan that verifies, or a message with its place; never an internal error."""
        machine = self.folder / "m.yaml"
        figures = {"workers: 2": ["workers: 4096"],
                   "streams: 1": ["streams: 4096"],
                   "memory: 1GiB": ["memory: 1048576TiB", "memory: 1B"],
                   "matmul_f32: 1GFLOP/s": ["matmul_f32: 0.000000001FLOP/s",
                                            "matmul_f32: 1000000000TFLOP/s"],
                   "bytes: 1GB/s": ["bytes: 0.0000000001B/s", "bytes: 1000000000TB/s"],
                   "bytes: 1TB/s": ["bytes: 0.00001B/s"],
                   "launch: 1us": ["launch: 1000s", "launch: 0s"],
                   "to: 1GB/s": ["to: 0.0000000001B/s"],
                   "latency: 1us": ["latency: 1000s"]}
        levels = itertools.cycle(["svg", "trace", "memory", "schedule", "memory-svg", "pareto",
                                  "tasks", "sync"])
        self.graph.write_text(GRAPH.replace("[x, w]", "[x, w], device: gpu0"))
        for written, extremes in figures.items():
            for extreme in extremes:
                with self.subTest(figure=extreme):
                    machine.write_text(MACHINE.replace(written, extreme))
                    for what in (["-o", self.plan], [f"--emit={next(levels)}"]):
                        done = call("graphc", self.graph, "--machine", machine, *what)
                        self.assertIn(done.returncode, (0, 1, 3), done.stderr)
                        self.assertNotIn("internal", done.stderr)
                        if done.returncode == 1:
                            self.assertRegex(done.stderr, r"\.yaml:\d+:\d+: error: ")


if __name__ == "__main__":
    unittest.main()
