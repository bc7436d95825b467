"""The reference workloads compile, and their plans verify."""

import re
import subprocess
import sys
import unittest

from support import GRAPHS, ROOT, EndToEndTest

WORKLOADS = sorted((GRAPHS / "workloads").glob("*.yaml"))
# Nodes that are equal, or whose results nobody reads, and that must be computed all the same.
NUM_KERNELS = {"e1": 20, "e1_cpu": 10, "e1_gpu": 10, "e1b": 100, "e1b_one": 50, "e2": 10,
               "e2_compute": 10, "e2a": 11, "x1": 10, "x3": 60, "x3_cpu": 12, "x3_gpu": 48,
               "x3_copies": 60}
NUM_KERNELS |= {f"x2_{size}_{device}": 200 for size in (32, 64, 128, 256, 512)
                for device in ("cpu", "gpu")}


class WorkloadsTest(EndToEndTest):
    def test_the_files_are_what_the_generator_writes(self):
        generator = ROOT / "tools" / "make_workloads.py"
        done = subprocess.run([sys.executable, generator, "--check"], text=True,
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_every_workload_compiles_and_its_plan_verifies(self):
        self.assertLess(NUM_KERNELS.keys(), {workload.stem for workload in WORKLOADS})
        for workload in WORKLOADS:
            with self.subTest(workload=workload.name):
                plan = self.compile(workload, compiler="graphc")
                self.succeed("graphdump", plan, "--verify")
                if workload.stem in NUM_KERNELS:
                    # A kernel in blocks of rows, `mm0[0:248]`, counts once.
                    kernels = {instruction["name"].split("[")[0]
                               for instruction in self.dump(plan)["instructions"]
                               if instruction["kind"] == "kernel"}
                    self.assertEqual(len(kernels), NUM_KERNELS[workload.stem])

    def test_workers_are_as_full_as_each_other_where_the_gpu_sets_the_pace(self):
        workload, plan = GRAPHS / "workloads" / "x3.yaml", self.folder / "x3.bin"
        machine = GRAPHS / "machines" / "h200-x2.yaml"
        summary = self.succeed("graphc", workload, "--machine", machine, "--verbose", "-o", plan)
        self.assertIn("gap 0.0 %: gpu0 is busy all the time", summary)
        busy = [int(percent) for percent in
                re.findall(r"cpu\.worker\d+ +\d+ +(\d+) %", summary)]
        self.assertEqual(len(busy), 31)
        # A block of 120 rows is 11 % of a step.
        self.assertLessEqual(max(busy) - min(busy), 12)


if __name__ == "__main__":
    unittest.main()
