"""Values of every element type, from file to file, against NumPy."""

import unittest

import numpy as np

from support import EndToEndTest

GRAPH = """\
graph: types
inputs:
  x: {type: "f32[4, 64]"}
  n: {type: "i64[4, 64]"}
nodes:
  - {name: half, op: cast, inputs: [x], to: f16}
  - {name: coarse, op: cast, inputs: [x], to: bf16}
  - {name: small, op: cast, inputs: [x], to: i8}
  - {name: byte, op: cast, inputs: [n], to: u8}
  - {name: truth, op: cast, inputs: [n], to: bool}
  - {name: wide, op: cast, inputs: [coarse], to: f32}
  - {name: twice, op: add, inputs: [half, half]}
  - {name: sum, op: add, inputs: [n, n]}
  - {name: below, op: less, inputs: [x, wide]}
  - {name: both, op: logical_and, inputs: [below, truth]}
  - {name: chosen, op: select, inputs: [both, x, wide]}
  - {name: turned, op: transpose, inputs: [half]}
  - {name: part, op: slice, inputs: [small], axis: 1, begin: 3, end: 60}
  - {name: curve, op: gelu, inputs: [half]}
  - {name: bent, op: silu, inputs: [coarse]}
outputs: [OUTPUTS]
"""
OUTPUTS = ["half", "coarse", "small", "byte", "truth", "twice", "sum", "below", "both", "chosen",
           "turned", "part", "curve", "bent"]

SUMS_GRAPH = """\
graph: sums
inputs:
  x: {type: "f32[96, 80]"}
  label: {type: "i64[96]"}
state:
  w: {type: "f32[80, 48]", init: {uniform: {low: -0.25, high: 0.25, seed: 1}}}
  b: {type: "f32[48]", init: {uniform: {low: -1, high: 1, seed: 2}}}
nodes:
  - {name: half, op: cast, inputs: [x], to: TYPE}
  - {name: w_half, op: cast, inputs: [w], to: TYPE}
  - {name: b_half, op: cast, inputs: [b], to: TYPE}
  - {name: normal, op: layer_norm, inputs: [half, ones, zeros]}
  - {name: logits, op: matmul, inputs: [normal, w_half, b_half], keep: true}
  - {name: shares, op: softmax, inputs: [logits]}
  - {name: loss, op: softmax_cross_entropy, inputs: [logits, label]}
  - {name: d_logits, op: softmax_cross_entropy_grad, inputs: [logits, label]}
  - {name: d_w, op: matmul, inputs: [normal, d_logits], transpose_a: true, to: f32}
  - {name: d_b, op: sum, inputs: [d_logits], axes: [0], to: f32}
  - {name: rows, op: embedding, inputs: [normal, label]}
  - {name: table, op: embedding_grad, inputs: [normal, label], rows: 48}
  - {name: small, op: mean, inputs: [normal], axes: [1]}
  - {name: next_b, op: sgd_update, inputs: [b, b_half], learning_rate: 0.5}
constants:
  ones: {type: "f32[80]", value: 1}
  zeros: {type: "f32[80]", value: 0}
outputs: [OUTPUTS, w, b]
"""
SUMS = ["normal", "logits", "shares", "loss", "d_logits", "d_w", "d_b", "rows", "table", "small",
        "next_b"]
MACHINE = """\
machine: m
devices:
  cpu: {kind: cpu, workers: WORKERS, memory: 1GiB, launch: 1us,
        rates: {matmul_f32: 1GFLOP/s, bytes: 1GB/s}}
"""


def to_bfloat16(x):
    """The bits of f32 numbers rounded to the nearest bf16, ties to even."""
    bits = x.view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)


def of_bfloat16(bits):
    return (bits.astype(np.uint32) << 16).view(np.float32)


class ElementTypesTest(EndToEndTest):
    def test_values_of_every_type_are_those_of_numpy(self):
        random = np.random.default_rng(20261130)
        x = (random.standard_normal((4, 64)) * 3).astype(np.float32)
        n = random.integers(-(2 ** 62), 2 ** 62, (4, 64), dtype=np.int64)
        n[:, ::3] = 0
        np.save(self.folder / "x.npy", x)
        np.save(self.folder / "n.npy", n)
        (self.folder / "types.yaml").write_text(GRAPH.replace("OUTPUTS", ", ".join(OUTPUTS)))
        self.succeed("graphc", self.folder / "types.yaml", "-o", self.folder / "p.bin")
        self.succeed("graphrun", self.folder / "p.bin", "--check", "--steps=1",
                     f"--input=x={self.folder}/x.npy", f"--input=n={self.folder}/n.npy",
                     *(f"--output-last={name}={self.folder}/{name}.npy" for name in OUTPUTS))
        found = {name: np.load(self.folder / f"{name}.npy") for name in OUTPUTS}

        coarse = to_bfloat16(x)
        half = x.astype(np.float16)
        wide = of_bfloat16(coarse)
        wanted = {
            "half": half,
            "small": np.trunc(x).astype(np.int8),
            "byte": n.astype(np.uint8),
            "truth": n != 0,
            "twice": half + half,
            "sum": n + n,
            "below": x < wide,
            "both": (x < wide) & (n != 0),
            "chosen": np.where((x < wide) & (n != 0), x, wide),
            "turned": half.T,
            "part": np.trunc(x).astype(np.int8)[:, 3:60],
        }
        for name, value in wanted.items():
            with self.subTest(output=name):
                self.assertEqual(found[name].dtype, value.dtype)
                np.testing.assert_array_equal(found[name].reshape(value.shape), value)
        self.assertEqual(found["coarse"].dtype, np.dtype("V2"))
        np.testing.assert_array_equal(found["coarse"].view(np.uint16).reshape(x.shape), coarse)
        wide64 = wide.astype(np.float64)
        bent = of_bfloat16(found["bent"].view(np.uint16)).reshape(x.shape)
        np.testing.assert_allclose(bent, wide64 / (1 + np.exp(-wide64)), rtol=2 ** -7)

    def run_sums(self, element, workers):
        """What the outputs of SUMS_GRAPH are, as f32 where they are of `element`."""
        names = [*SUMS, "w", "b"]
        graph = SUMS_GRAPH.replace("OUTPUTS", ", ".join(SUMS)).replace("TYPE", element)
        (self.folder / "sums.yaml").write_text(graph)
        (self.folder / "m.yaml").write_text(MACHINE.replace("WORKERS", str(workers)))
        self.succeed("graphc", self.folder / "sums.yaml", "--machine", self.folder / "m.yaml",
                     "-o", self.folder / "p.bin")
        self.succeed("graphrun", self.folder / "p.bin", "--check", "--steps=1",
                     f"--input=x={self.folder}/x.npy", f"--input=label={self.folder}/label.npy",
                     *(f"--output-last={name}={self.folder}/{name}.npy" for name in names))
        found = {}
        for name in names:
            array = np.load(self.folder / f"{name}.npy")
            is_coarse = array.dtype == np.dtype("V2")
            found[name] = of_bfloat16(array.view(np.uint16)) if is_coarse else array
        return found

    def test_sums_are_those_of_numpy_whoever_adds_them_up(self):
        random = np.random.default_rng(20261201)
        np.save(self.folder / "x.npy", (random.standard_normal((96, 80)) * 3).astype(np.float32))
        label = random.integers(0, 48, 96, dtype=np.int64)
        np.save(self.folder / "label.npy", label)
        for element, step, workers in (("bf16", 2 ** -8, 1), ("bf16", 2 ** -8, 3),
                                       ("f16", 2 ** -11, 1), ("f16", 2 ** -11, 3)):
            found = self.run_sums(element, workers)
            values = {name: value.astype(np.float64) for name, value in found.items()}
            short = (lambda x: of_bfloat16(to_bfloat16(x.astype(np.float32)))) \
                if element == "bf16" else (lambda x: x.astype(np.float16))
            x = short(np.load(self.folder / "x.npy")).astype(np.float64)
            w, b = (short(found[name]).astype(np.float64) for name in ("w", "b"))
            deviation = x - x.mean(1, keepdims=True)
            powers = np.exp(values["logits"])
            shares = powers / powers.sum(1, keepdims=True)
            d_logits = (shares - np.eye(48)[label]) / 96
            table = np.zeros((48, 80))
            np.add.at(table, label, values["normal"])
            wanted = {
                "normal": deviation / np.sqrt((deviation ** 2).mean(1, keepdims=True) + 1e-5),
                "logits": values["normal"] @ w + b,
                "shares": shares,
                "loss": -np.log(shares[np.arange(96), label]).mean(),
                "d_logits": d_logits,
                "d_w": values["normal"].T @ values["d_logits"],
                "d_b": values["d_logits"].sum(0),
                "rows": values["normal"][label],
                "table": table,
                "small": values["normal"].mean(1),
                "next_b": values["b"] - 0.5 * b,
            }
            wide = {"loss", "d_w", "d_b", "next_b"}
            for name, value in wanted.items():
                with self.subTest(element=element, workers=workers, output=name):
                    self.assertEqual(found[name].dtype == np.float16,
                                     element == "f16" and name not in wide)
                    np.testing.assert_allclose(values[name].reshape(value.shape), value,
                                               rtol=1e-5 if name in wide else 1.01 * step,
                                               atol=1e-6)


if __name__ == "__main__":
    unittest.main()
