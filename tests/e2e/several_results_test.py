"""A node with several results: its first may be a state's next value, wherever it runs."""

import unittest

import numpy as np

from support import GRAPHS, EndToEndTest, read_safetensors

GRAPH = """\
graph: several
machine: {machine}
inputs:
  k: {{type: "f32[4, 7, 2, 8]"}}
  v: {{type: "f32[4, 7, 2, 8]"}}
state:
  q: {{type: "f32[4, 5, 2, 8]", init: {{uniform: {{low: -1, high: 1, seed: 3}}}}}}
nodes:
  - {{name: a, op: attention, inputs: [q, k, v], updates: q{pin}}}
  - {{name: twice, op: add, inputs: [a.log_sum, a.log_sum]}}
  - {{name: both, op: add, inputs: [a, a]}}
outputs: [{outputs}]
{parallel}
"""


def attention(q, k, v):
    """The result, and the logarithms of the sums, in double."""
    scores = np.einsum("bthd,bshd->bhts", q, k) / np.sqrt(8)
    powers = np.exp(scores)
    sums = powers.sum(-1)
    return np.einsum("bhts,bshd->bthd", powers / sums[..., None], v), np.log(sums)


class SeveralResultsTest(EndToEndTest):
    def test_the_first_is_the_next_value_and_the_others_are_values(self):
        random = np.random.default_rng(1)
        k, v = (random.standard_normal((4, 7, 2, 8)).astype(np.float32) for _ in range(2))
        np.save(self.folder / "k.npy", k)
        np.save(self.folder / "v.npy", v)
        shards = "parallel: {batch: [gpu0, gpu1], update_on: shards}"
        for pin, outputs, parallel in (
                ("", "twice, both, a, a.log_sum", ""), (", device: cpu", "twice, both", ""),
                (", device: gpu0", "both, twice, a.log_sum, a", ""), ("", "twice, both", shards)):
            with self.subTest(pin=pin, outputs=outputs, parallel=parallel):
                graph = self.folder / "graph.yaml"
                graph.write_text(GRAPH.format(machine=GRAPHS / "machines" / "cpu-2gpu.yaml",
                                              pin=pin, outputs=outputs, parallel=parallel))
                plan = self.compile(graph)
                inputs = [f"--input={name}={self.folder / name}.npy" for name in "kv"]
                self.assertIn("equal the reference",
                              self.succeed("graphrun", plan, "--steps=4", "--check", *inputs))
                before = self.folder / "before.safetensors"
                self.succeed("graphrun", plan, "--steps=0", f"--save-state={before}", *inputs)
                found = {name: self.folder / f"{name}.npy" for name in ("twice", "both")}
                self.succeed("graphrun", plan, "--steps=4", *inputs,
                             *(f"--output={name}={path}" for name, path in found.items()))
                found = {name: np.load(path) for name, path in found.items()}
                q = read_safetensors(before)["q"].astype(np.float64)
                for step in range(4):
                    q, log_sums = attention(q, k, v)
                    np.testing.assert_allclose(found["both"][step], 2 * q, rtol=1e-4, atol=1e-5)
                    np.testing.assert_allclose(found["twice"][step], 2 * log_sums, rtol=1e-4,
                                               atol=1e-5)


if __name__ == "__main__":
    unittest.main()
