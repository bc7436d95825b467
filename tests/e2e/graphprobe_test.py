"""graphprobe measures the machine it runs on and writes a file that graphc takes.

What the figures are depends on the machine; that they are positive, in order and readable does not.
"""

import os
import re
import unittest

from support import GRAPHS, EndToEndTest

BAD_INPUT, BAD_USAGE, BAD_MACHINE = 1, 2, 3
RATES = {"TFLOP/s": 1e12, "GFLOP/s": 1e9, "MFLOP/s": 1e6, "TB/s": 1e12, "GB/s": 1e9, "MB/s": 1e6}
CPU = re.compile(r"cpu: \{kind: cpu, workers: (\d+), memory: (\d+)(?:GiB|MiB|TiB), "
                 r"rates: \{bytes: ([\d.]+)([A-Z]+/s), matmul_16bit: ([\d.]+)([A-Z]+/s), "
                 r"matmul_f32: ([\d.]+)([A-Z]+/s)\}, "
                 r"launch: (\d+)(?:ns|us)\}")


class GraphprobeTest(EndToEndTest):
    def files(self):
        return sorted(path.name for path in self.folder.iterdir())

    def test_it_writes_a_machine_that_graphc_takes(self):
        machine = self.folder / "machine.yaml"
        machine.write_text("old")
        self.assertEqual(
            self.succeed("graphprobe", "-o", machine, "--workers", "1", "--name", "my machine"), "")
        self.assertEqual(self.files(), ["machine.yaml"])
        text = machine.read_text()
        self.assertRegex(text, r"\A# Measured by graphprobe \S+ with 1 worker on \d+ cores?, and ")
        self.assertIn('\nmachine: "my machine"\n', text)

        figures = CPU.search(text)
        self.assertIsNotNone(figures, text)
        (workers, memory, num_bytes, byte_unit, short_flops, short_unit, flops, flop_unit,
         launch) = figures.groups()
        self.assertEqual(workers, "1")
        self.assertGreater(int(memory), 0)
        self.assertGreater(int(launch), 0)
        # Wide bounds: slower is broken, faster does not exist.
        self.assertTrue(1e7 < float(num_bytes) * RATES[byte_unit] < 1e13, text)
        self.assertTrue(1e8 < float(flops) * RATES[flop_unit] < 1e14, text)
        self.assertTrue(1e8 < float(short_flops) * RATES[short_unit] < 1e14, text)
        for number in (num_bytes, short_flops, flops):
            self.assertLessEqual(len(number.replace(".", "").strip("0")), 3, text)
        if "no GPU" in text:
            self.assertNotIn("links:", text)
            self.assertNotIn("gpu0", text)

        plan = self.compile(GRAPHS / "mlp_single.yaml", "--machine", machine)
        self.succeed("graphrun", plan, "--steps=1")

    def test_what_cannot_be_written_is_known_before_measuring(self):
        nowhere = self.folder / "no" / "machine.yaml"
        self.assertIn("no/machine.yaml", self.refuse(BAD_MACHINE, "graphprobe", "-o", nowhere))
        self.assertIn("folder", self.refuse(BAD_MACHINE, "graphprobe", "-o", self.folder))
        self.assertEqual(self.files(), [])

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_a_folder_without_permission(self):
        locked = self.folder / "locked"
        locked.mkdir(mode=0o500)
        message = self.refuse(BAD_MACHINE, "graphprobe", "-o", locked / "machine.yaml")
        self.assertIn("locked", message)

    def test_algorithms_are_added_to_a_machine_file(self):
        plan = self.compile(GRAPHS / "mlp_single.yaml", "--machine", self.one_cpu())
        given = self.one_cpu()
        # A CPU has no choice of algorithms: the file comes out as it was, its comment included.
        text = self.succeed("graphprobe", "--kernels-for", plan, "--machine", given)
        self.assertEqual(text, given.read_text())
        given.write_text(given.read_text().replace("# Two lines\n# of comment.\n", "#\n"))
        text = self.succeed("graphprobe", "--kernels-for", plan, "--machine", given)
        self.assertTrue(text.startswith("machine: one\n"), text)

    def one_cpu(self):
        machine = self.folder / "one.yaml"
        machine.write_text(
            "# Two lines\n# of comment.\nmachine: one\ndevices:\n"
            "  cpu: {kind: cpu, workers: 1, memory: 1GiB, rates: {bytes: 1GB/s, matmul_f32: "
            "1GFLOP/s}, launch: 100ns}\n")
        return machine

    def test_bad_plans_and_machines(self):
        machine = self.one_cpu()
        nothing = self.folder / "no.bin"
        self.assertIn("no.bin", self.refuse(BAD_INPUT, "graphprobe", "--machine", machine,
                                            "--kernels-for", nothing))
        nothing.write_text("not a plan")
        self.assertIn("no.bin", self.refuse(BAD_INPUT, "graphprobe", "--machine", machine,
                                            "--kernels-for", nothing))
        plan = self.compile(GRAPHS / "mlp_single.yaml", "--machine", machine)
        machine.write_text("machine: m\n")
        self.assertIn("needs", self.refuse(BAD_INPUT, "graphprobe", "--machine", machine,
                                           "--kernels-for", plan))

    def test_bad_usage(self):
        machine = self.folder / "machine.yaml"
        for arguments in (["--frob"], ["--workers", "0"], ["--workers", "many"], ["--name", ""],
                          ["--name", "two\nlines"], ["extra"],
                          ["--machine", GRAPHS / "machines" / "cpu-2gpu.yaml"],
                          ["--machine", GRAPHS / "machines" / "cpu-2gpu.yaml", "--name", "m",
                           "--kernels-for", "plan.bin"]):
            self.refuse(BAD_USAGE, "graphprobe", "-o", machine, *arguments)
        self.assertEqual(self.files(), [])

    def test_help_and_version(self):
        self.assertIn("--workers", self.succeed("graphprobe", "--help"))
        self.assertRegex(self.succeed("graphprobe", "--version"), r"^graphprobe \d")


if __name__ == "__main__":
    unittest.main()
