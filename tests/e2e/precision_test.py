"""Training in 16 bits comes to what training in f32 does, and keeps half the bytes for it."""

import json
import re
import struct
import unittest

import numpy as np

from support import GRAPHS, EndToEndTest, read_safetensors

ROWS, LENGTH, WIDTH, HEADS, CHARACTERS = 6, 32, 32, 2, 66
STEPS = 100


def block(number, before):
    """States and nodes of one block of a transformer; it reads `before` and gives `h<number>`."""
    n, tokens = number, ROWS * LENGTH
    rows = f"[{ROWS}, {LENGTH}, {HEADS}, {WIDTH // HEADS}]"
    states = f"""
  norm{n}.scale: {{type: "f32[{WIDTH}]", init: {{constant: 1}}}}
  norm{n}.shift: {{type: "f32[{WIDTH}]", init: zeros}}
  inner{n}.scale: {{type: "f32[{WIDTH}]", init: {{constant: 1}}}}
  inner{n}.shift: {{type: "f32[{WIDTH}]", init: zeros}}
  wide{n}.w: {{type: "f32[{WIDTH}, {4 * WIDTH}]", init: xavier}}
  wide{n}.b: {{type: "f32[{4 * WIDTH}]", init: zeros}}
  narrow{n}.w: {{type: "f32[{4 * WIDTH}, {WIDTH}]", init: xavier}}
  mix{n}.w: {{type: "f32[{WIDTH}, {WIDTH}]", init: xavier}}"""
    nodes = f"""
  - {{name: norm{n}, op: layer_norm, inputs: [{before}, norm{n}.scale, norm{n}.shift]}}"""
    for part in ("q", "k", "v"):
        states += f"""
  {part}{n}.w: {{type: "f32[{WIDTH}, {WIDTH}]", init: xavier}}"""
        nodes += f"""
  - {{name: {part}{n}, op: matmul, inputs: [norm{n}, {part}{n}.w]}}
  - {{name: {part}{n}.rows, op: reshape, inputs: [{part}{n}], shape: {rows}}}
  - {{name: {part}{n}.heads, op: transpose, inputs: [{part}{n}.rows], axes: [0, 2, 1, 3]}}"""
    nodes += f"""
  - {{name: match{n}, op: matmul, inputs: [q{n}.heads, k{n}.heads], transpose_b: true}}
  - {{name: match{n}.scaled, op: scale, inputs: [match{n}], factor: 0.25}}
  - {{name: look{n}, op: softmax, inputs: [match{n}.scaled], causal: true}}
  - {{name: seen{n}.heads, op: matmul, inputs: [look{n}, v{n}.heads]}}
  - {{name: seen{n}.rows, op: transpose, inputs: [seen{n}.heads], axes: [0, 2, 1, 3]}}
  - {{name: seen{n}, op: reshape, inputs: [seen{n}.rows], shape: [{tokens}, {WIDTH}]}}
  - {{name: mixed{n}, op: matmul, inputs: [seen{n}, mix{n}.w]}}
  - {{name: a{n}, op: add, inputs: [{before}, mixed{n}]}}
  - {{name: inner{n}, op: layer_norm, inputs: [a{n}, inner{n}.scale, inner{n}.shift]}}
  - {{name: wide{n}, op: matmul, inputs: [inner{n}, wide{n}.w, wide{n}.b]}}
  - {{name: wide{n}.on, op: gelu, inputs: [wide{n}]}}
  - {{name: narrow{n}, op: matmul, inputs: [wide{n}.on, narrow{n}.w]}}
  - {{name: h{n}, op: add, inputs: [a{n}, narrow{n}]}}"""
    return states, nodes


def graph_of(train):
    """A GPT of two blocks, whose logits are products with the embedding itself."""
    tokens = ROWS * LENGTH
    states1, nodes1 = block(1, "h0")
    states2, nodes2 = block(2, "h1")
    text = GRAPHS / "data" / "text"
    small = "{uniform: {low: -0.1, high: 0.1}}"
    return f"""graph: gpt
seed: 1
inputs:
  x:    {{type: "i32[{ROWS}, {LENGTH}]", feed: {text}/x.npy}}
  next: {{type: "i32[{ROWS}, {LENGTH}]", feed: {text}/next.npy}}
state:
  character: {{type: "f32[{CHARACTERS}, {WIDTH}]", init: {small}}}
  position:  {{type: "f32[{LENGTH}, {WIDTH}]", init: {small}}}{states1}{states2}
nodes:
  - {{name: embedded, op: embedding, inputs: [character, x]}}
  - {{name: placed, op: add, inputs: [embedded, position]}}
  - {{name: h0, op: reshape, inputs: [placed], shape: [{tokens}, {WIDTH}]}}{nodes1}{nodes2}
  - {{name: logits, op: matmul, inputs: [h2, character], transpose_b: true}}
  - {{name: wanted, op: reshape, inputs: [next], shape: [{tokens}]}}
  - {{name: loss, op: softmax_cross_entropy, inputs: [logits, wanted]}}
  - {{name: right, op: accuracy, inputs: [logits, wanted]}}
train: {train}
outputs: [loss, right, h2]
"""


ADAMW = "{loss: loss, optimizer: adamw, learning_rate: 0.003%s}"
BF16 = ", precision: bf16"
F16 = ", precision: f16"


def types_in(path):
    """Of all tensors of a safetensors file."""
    content = path.read_bytes()
    (header_bytes,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8:8 + header_bytes])
    return {name: entry["dtype"] for name, entry in header.items() if name != "__metadata__"}


class PrecisionTest(EndToEndTest):
    def plan_of(self, name, train, *arguments):
        graph = self.folder / f"{name}.yaml"
        graph.write_text(graph_of(train))
        return self.compile(graph, *arguments, name=f"{name}.bin")

    def train(self, name, train, steps=STEPS):
        """The losses, and the states after the last step."""
        plan = self.plan_of(name, train)
        losses, states = self.folder / f"{name}.npy", self.folder / f"{name}.safetensors"
        kept = [f"--output=loss={losses}"] if steps > 0 else []
        self.succeed("graphrun", plan, f"--steps={steps}", f"--save-state={states}", *kept)
        return np.load(losses) if kept else None, states

    def test_a_gpt_learns_as_much_in_bf16_as_in_f32(self):
        wide, wide_states = self.train("f32", ADAMW % "")
        short, short_states = self.train("bf16", ADAMW % BF16)
        self.assertLess(wide[-1], 0.75 * wide[0])  # it learns at all
        self.assertFalse(np.array_equal(wide, short))
        np.testing.assert_allclose(short[-10:].mean(), wide[-10:].mean(), rtol=0.01)
        # Parameters and what the optimizer remembers are stored as ever, and can go on either way.
        self.assertEqual(types_in(short_states), types_in(wide_states))
        self.assertEqual({element for name, element in types_in(short_states).items()
                          if name != "train.step"}, {"F32"})
        self.assertIn("q1.w.m", types_in(short_states))
        plan = self.plan_of("again", ADAMW % "")
        self.succeed("graphrun", plan, "--steps=1", f"--load-state={short_states}")

    def test_a_gpt_learns_as_much_in_f16_as_in_f32(self):
        wide, wide_states = self.train("f32", ADAMW % "")
        short, short_states = self.train("f16", ADAMW % F16)
        self.assertFalse(np.array_equal(wide, short))
        np.testing.assert_allclose(short[-10:].mean(), wide[-10:].mean(), rtol=0.01)
        # The scale of its loss is all that there is besides.
        self.assertEqual(types_in(short_states), {**types_in(wide_states), "train.loss_scale": "F32",
                                                  "train.streak": "I32"})
        plan = self.plan_of("again", ADAMW % "")
        self.succeed("graphrun", plan, "--steps=1", f"--load-state={short_states}")

    def test_steps_in_16_bits_are_those_of_the_reference_executor(self):
        # AdamW makes much of how gradients near 0 are rounded, and less is allowed in f16.
        rate = "{loss: loss, optimizer: momentum, learning_rate: 0.1%s}"
        for name, train in (("bf16", ADAMW % BF16), ("f16", rate % F16)):
            plan = self.plan_of(name, train)
            self.assertIn("equal the reference",
                          self.succeed("graphrun", plan, "--steps=2", "--check"))

    def test_attention_of_16_bits_is_one_operator(self):
        graph = self.folder / "gpt.yaml"
        graph.write_text(graph_of(ADAMW % BF16))
        printed = self.succeed("graphc", graph, "--emit=graph")
        heads = f"bf16[{ROWS}, {LENGTH}, {HEADS}, {WIDTH // HEADS}]"
        sums = f"f32[{ROWS}, {HEADS}, {LENGTH}]"
        self.assertRegex(printed, re.escape(f": {heads}, {sums}"))
        packed = f"bf16[{ROWS}, {LENGTH}, {3 * HEADS}, {WIDTH // HEADS}]"
        self.assertRegex(printed, r"= packed_attention_grad\(.*: " + re.escape(packed))
        # Gradients of the weights are not rounded on their way from the one product to the three.
        self.assertRegex(printed, rf": f32\[{WIDTH}, {3 * WIDTH}\]\n")

    def test_outputs_have_the_types_of_what_they_are(self):
        plan = self.dump(self.plan_of("bf16", ADAMW % BF16))
        types = {output["name"]: plan["buffers"][output["value"]["buffer"]]["type"]
                 for output in plan["outputs"]}
        self.assertEqual(types, {"loss": "f32[]", "right": "f32[]",
                                 "h2": f"bf16[{ROWS * LENGTH}, {WIDTH}]"})

    def test_what_is_kept_between_nodes_takes_half_the_bytes(self):
        sizes = []
        for name, train in (("f32", ADAMW % ""), ("bf16", ADAMW % BF16)):
            plan = self.dump(self.plan_of(name, train))
            scratch = {instruction["scratch"] for instruction in plan["instructions"]}
            kept = {state for entry in plan["states"] for state in entry["buffers"]}
            sizes.append(sum(buffer["size_bytes"] for number, buffer in enumerate(plan["buffers"])
                             if number not in scratch | kept))
        self.assertLess(sizes[1], 0.65 * sizes[0])

    def test_gradients_are_those_of_f32_to_a_few_percent(self):
        # One step of plain descent changes a parameter by its gradient.
        rate = "{loss: loss, optimizer: sgd, learning_rate: 1%s}"
        _, before = self.train("start", rate % "", steps=0)
        before = read_safetensors(before)
        wide = read_safetensors(self.train("f32", rate % "", steps=1)[1])
        short = read_safetensors(self.train("bf16", rate % BF16, steps=1)[1])
        for name, start in before.items():
            expected, found = wide[name] - start, short[name] - start
            error = np.linalg.norm(found - expected) / np.linalg.norm(expected)
            self.assertLess(error, 0.03, name)
            self.assertGreater(error, 0, name)

    def test_gradients_of_a_weight_with_several_readers_add_up_in_f32(self):
        # In bf16, which has 8 bits, 513 + 258 + 1 would be 768 or 776.
        rows = np.array([[512, 1], [1, 0]], np.float32)
        np.save(self.folder / "x.npy", rows)
        graph = self.folder / "tied.yaml"
        graph.write_text("""graph: tied
inputs: {x: {type: "f32[2, 2]", feed: x.npy}}
state: {w: {type: "f32[2, 1]", init: zeros}}
nodes:
  - {name: one, op: matmul, inputs: [x, w]}
  - {name: half, op: scale, inputs: [x], factor: 0.5}
  - {name: two, op: matmul, inputs: [half, w]}
  - {name: sum_of_one, op: sum, inputs: [one]}
  - {name: sum_of_two, op: sum, inputs: [two]}
  - {name: sum_of_weights, op: sum, inputs: [w]}
  - {name: both, op: add, inputs: [sum_of_one, sum_of_two]}
  - {name: loss, op: add, inputs: [both, sum_of_weights]}
train: {loss: loss, optimizer: sgd, learning_rate: 1, precision: PRECISION}
outputs: [loss]
""")
        text = graph.read_text()
        expected = -(1.5 * rows.sum(axis=0) + 1).reshape(2, 1)
        for precision in ("f32", "bf16", "f16, loss_scale: 1024"):
            graph.write_text(text.replace("PRECISION", precision))
            states = self.folder / "tied.safetensors"
            self.succeed("graphrun", self.compile(graph), "--check", f"--save-state={states}")
            np.testing.assert_array_equal(read_safetensors(states)["w"], expected, precision)

    def test_a_node_of_its_own_precision_is_computed_in_it(self):
        graph = self.folder / "mixed.yaml"
        graph.write_text(graph_of(ADAMW % BF16).replace("{name: logits,",
                                                        "{name: logits, precision: f32,"))
        printed = self.succeed("graphc", graph, "--emit=graph")
        tokens = ROWS * LENGTH
        self.assertIn(f": f32[{tokens}, {CHARACTERS}]", printed)
        self.assertIn(f": bf16[{tokens}, {WIDTH}]", printed)
        self.assertNotIn(f": f32[{tokens}, {4 * WIDTH}]", printed)
        plan = self.compile(graph)
        self.assertIn("equal the reference", self.succeed("graphrun", plan, "--steps=2", "--check"))


if __name__ == "__main__":
    unittest.main()
