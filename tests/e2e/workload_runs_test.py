"""The reference workloads that are small compute what they should."""

import unittest

import numpy as np
from support import GRAPHS, EndToEndTest

WORKLOADS = sorted((GRAPHS / "workloads").glob("*.yaml"))


class WorkloadRunsTest(EndToEndTest):
    def check(self, plan, steps, *options):
        """Runs a plan on emulated GPUs, compared with the reference executor."""
        report = self.succeed("graphrun", plan, f"--steps={steps}", "--check",
                              "--devices=emulated", *options)
        self.assertIn("equal the reference", report)

    def test_operators_and_awkward_dependencies_give_the_results_of_the_reference_executor(self):
        small = [workload for workload in WORKLOADS if workload.stem.startswith(("x1", "x5_"))]
        self.assertEqual(len(small), 6)
        for workload in small:
            with self.subTest(workload=workload.name):
                self.check(self.compile(workload), 4)

    def test_a_small_training_step_gives_the_results_of_the_reference_executor(self):
        random = np.random.default_rng(1)
        arrays = {"x": random.random((400, 784), np.float32),
                  "label": random.integers(0, 10, 400).astype(np.int32)}
        for name, array in arrays.items():
            np.save(self.folder / f"{name}.npy", array)
        given = [f"--input={name}={self.folder / name}.npy" for name in arrays]
        for form in ("figure", "replicated", "single", "auto"):
            with self.subTest(form=form):
                self.check(self.compile(GRAPHS / "workloads" / f"e3_small_{form}.yaml"), 2, *given)


if __name__ == "__main__":
    unittest.main()
