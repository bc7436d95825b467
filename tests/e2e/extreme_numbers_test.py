"""Infinities, NaN and the largest and smallest numbers, from the graph file to the result."""

import unittest

import numpy as np

from support import EndToEndTest

BAD_INPUT = 1

NUMBERS = np.array([0, -0.0, 1e-45, -1e-45, 1e-38, 0.1, 1 - 2.0**-24, 1, -1.5, 3.7, 88, -87, 1e5,
                    -1e5, 1e20, -1e30, 3.4e38, -3.4e38, np.inf, -np.inf, np.nan, 0.3], np.float32)

# Operator, operands and attributes of what rounds once; then of what does not.
EXACT = {
    "add": ("add", "a, b", ""), "sub": ("sub", "a, b", ""), "mul": ("mul", "a, b", ""),
    "div": ("div", "a, b", ""), "equal": ("equal", "a, b", ""), "relu": ("relu", "a", ""),
    "relu_grad": ("relu_grad", "a, b", ""), "sqrt": ("sqrt", "a", ""),
    "scale": ("scale", "a", "factor: 0.1"), "max": ("max", "a", "axes: [0]"),
    "argmax": ("argmax", "a", "axis: 0"),
    "chain": ("elementwise", "a, b", 'formula: "relu(scale(div(x0, x1), 0.3))"'),
}
CLOSE = {
    "exp": ("exp", "a", ""), "log": ("log", "a", ""), "tanh": ("tanh", "a", ""),
    "sigmoid": ("sigmoid", "a", ""), "gelu": ("gelu", "a", ""),
    "gelu_grad": ("gelu_grad", "a, b", ""), "tanh_grad": ("tanh_grad", "a, c", ""),
    "sigmoid_grad": ("sigmoid_grad", "a, c", ""),
    # c is b in [0, 1]. Rows of b and columns of a have equal elements.
    "softmax": ("softmax", "b", ""), "columns": ("softmax", "a", "axis: 0"),
    "causal": ("softmax", "b", "causal: true"), "softmax_grad": ("softmax_grad", "a, c", "axis: 0"),
    "mse_grad": ("mse_grad", "a, b", "scale: 3e38"),
    "binary_grad": ("binary_cross_entropy_grad", "a, c", "scale: 1"),
    "sum": ("sum", "a", "axes: [0]"), "mean": ("mean", "b", "axes: [1]"),
}


class FoldedTest(EndToEndTest):
    """Every operator twice: computed beforehand by the compiler, and by the device."""

    def run_twice(self, uses):
        a, b = np.meshgrid(NUMBERS, NUMBERS)
        for name, array in {"a": a, "b": b, "c": np.clip(b, 0, 1)}.items():
            np.save(self.folder / f"{name}.npy", np.ascontiguousarray(array))
        shape = f"f32[{len(NUMBERS)}, {len(NUMBERS)}]"
        lines = ["graph: twice", "constants:"]
        lines += [f'  {name}: {{type: "{shape}", file: {name}.npy}}' for name in "abc"]
        lines += ["nodes:"]
        for name, (op, operands, attributes) in uses.items():
            node = f"op: {op}, inputs: [{operands}]" + (attributes and f", {attributes}")
            lines += [f"  - {{name: folded.{name}, {node}}}",
                      f"  - {{name: kept.{name}, {node}, keep: true}}",
                      f"  - {{name: beforehand.{name}, op: copy, inputs: [folded.{name}]}}",
                      f"  - {{name: there.{name}, op: copy, inputs: [kept.{name}]}}"]
        outputs = [f"{when}.{name}" for name in uses for when in ("beforehand", "there")]
        lines += [f"outputs: [{', '.join(outputs)}]"]
        graph = self.folder / "graph.yaml"
        graph.write_text("\n".join(lines) + "\n")
        plan = self.compile(graph)
        self.succeed("graphrun", plan, "--check",
                     *[f"--output={name}={self.folder / name}.npy" for name in outputs])
        for name in uses:
            yield name, *(np.load(self.folder / f"{when}.{name}.npy")
                          for when in ("beforehand", "there"))

    def test_what_rounds_once_has_the_same_bits(self):
        for name, beforehand, there in self.run_twice(EXACT):
            with self.subTest(name):
                numbers = ~np.isnan(beforehand)
                np.testing.assert_array_equal(numbers, ~np.isnan(there))
                np.testing.assert_array_equal(beforehand[numbers].view(np.int32),
                                              there[numbers].view(np.int32))

    def test_the_rest_is_close(self):
        for name, beforehand, there in self.run_twice(CLOSE):
            with self.subTest(name):
                np.testing.assert_allclose(there, beforehand, rtol=2e-5, atol=1e-6)


class RefusedTest(EndToEndTest):
    """Numbers that f32 does not hold are refused where they are written."""

    GRAPH = """\
graph: g
inputs: {{x: {{type: "f32[2]"}}}}
state: {{w: {{type: "f32[2]", init: {{constant: {initial}}}}}}}
nodes:
  - {{name: y, op: scale, inputs: [x], factor: {factor}}}
  - {{name: e, op: elementwise, inputs: [y], formula: "scale(x0, {step})"}}
  - {{name: z, op: mul, inputs: [e, w]}}
  - {{name: loss, op: sum, inputs: [z]}}
train: {{loss: loss, optimizer: adam, learning_rate: {rate}, beta2: {beta2}, epsilon: {epsilon},
        clip_norm: {clip}}}
outputs: [loss]
"""
    GOOD = {"initial": 1, "factor": 2, "step": 0.5, "rate": 0.1, "beta2": 0.999, "epsilon": 1e-8,
            "clip": 1}

    def test_each_number(self):
        graph = self.folder / "graph.yaml"
        graph.write_text(self.GRAPH.format(**self.GOOD).replace("elementwise", "relu").replace(
            ', formula: "scale(x0, 0.5)"', ""))
        self.compile(graph)
        lines = {"initial": 3, "factor": 5, "step": 6, "clip": 10}
        for name in self.GOOD:
            for number in ("1e39", "1e-50", "0.99999999999"):
                if number == "0.99999999999" and name != "beta2":
                    continue
                with self.subTest(name=name, number=number):
                    graph.write_text(self.GRAPH.format(**{**self.GOOD, name: number}))
                    plan = self.folder / "refused.bin"
                    message = self.refuse(BAD_INPUT, "graphc", graph, "-o", plan)
                    self.assertRegex(message, rf"graph\.yaml:{lines.get(name, 9)}:\d+: error: ")
                    self.assertRegex(message, "f32|below 1; got")
                    self.assertFalse(plan.exists())


if __name__ == "__main__":
    unittest.main()
