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


if __name__ == "__main__":
    unittest.main()
