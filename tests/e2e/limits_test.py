"""Programs that get less than they need: memory, threads, a path that cannot be looked at, time."""

import os
import resource
import signal
import subprocess
import time

import numpy as np

from support import BIN_DIR, TIMEOUT_S, EndToEndTest, call

MEBIBYTE = 1 << 20

TRAINING = """graph: t
inputs:
  x: {type: "f32[4, 2]", feed: x.npy}
state:
  w: {type: "f32[2, 10]", init: {he_normal: {seed: 1}}}
nodes:
  - {name: z, op: matmul, inputs: [x, w]}
  - {name: l, op: mean, inputs: [z]}
train: {loss: l, optimizer: adam, learning_rate: 0.1}
outputs: [l]
"""

MACHINE = """machine: m
devices:
  cpu: {kind: cpu, workers: 2, memory: 1GiB, rates: {matmul_f32: 20GFLOP/s, bytes: 10GB/s}, launch: 1us}
"""

PRODUCTS = """graph: g
state:
  x: {type: "f32[256, 256]", init: {uniform: {low: -0.01, high: 0.01}}}
  v: {type: "f32[256, 256]", init: {uniform: {low: -0.02, high: 0.01}}}
nodes:
  - {name: a, op: matmul, inputs: [x, v], updates: v}
  - {name: b, op: matmul, inputs: [v, x], updates: x}
outputs: [a]
"""


class LimitsTest(EndToEndTest):

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    def training_plan(self):
        np.save(self.folder / "x.npy", np.arange(20, dtype=np.float32).reshape(10, 2))
        return self.compile(self.write("t.yaml", TRAINING))

    def call_within(self, mebibytes, program, *arguments):
        """Runs a program within so much address space."""
        size = mebibytes * MEBIBYTE
        return subprocess.run(
            [str(BIN_DIR / program), *map(str, arguments)], text=True, capture_output=True,
            timeout=TIMEOUT_S, check=False, cwd=self.folder,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (size, size)))

    def least_to_start(self, program):
        """The least address space in which the program starts, to a MiB."""
        too_little, enough = 1, 4096
        while enough - too_little > 1:
            middle = (too_little + enough) // 2
            if self.call_within(middle, program, "--version").returncode == 0:
                enough = middle
            else:
                too_little = middle
        if enough > 2000:
            self.skipTest("a sanitizer needs the address space itself")
        return enough

    def peak_bytes(self, *arguments):
        """The most memory that a run of graphc had at once; skips the test under a sanitizer."""
        self.least_to_start("graphc")
        program = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, "
                   "stdout=subprocess.DEVNULL); "
                   "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)")
        run = subprocess.run(["/usr/bin/python3", "-c", program, BIN_DIR / "graphc", *arguments],
                             cwd=self.folder, check=True, capture_output=True, text=True)
        return int(run.stdout)

    def test_the_compiler_takes_little_memory_of_its_own(self):
        (self.folder / "g.yaml").write_text(
            'graph: g\ninputs: {x: {type: "f32[4]"}}\n'
            "nodes: [{name: y, op: relu, inputs: [x]}]\noutputs: [y]\n")
        self.assertLess(self.peak_bytes("g.yaml", "-o", "g.bin"), 30 * MEBIBYTE)

    def test_arrays_in_files_are_not_copied(self):
        array = np.random.default_rng(1).random((2048, 8192), dtype="f")  # 64 MiB
        np.save(self.folder / "c.npy", array)
        np.save(self.folder / "s.npy", array[:, ::-1].copy())
        (self.folder / "g.yaml").write_text(
            'graph: g\ninputs: {x: {type: "f32[8192]"}}\n'
            'constants: {c: {type: "f32[2048, 8192]", file: c.npy}}\n'
            'state: {s: {type: "f32[2048, 8192]", init: {file: s.npy}}}\n'
            "nodes:\n  - {name: a, op: add, inputs: [c, s], updates: s}\n"
            "  - {name: y, op: sum, inputs: [a]}\noutputs: [y]\n")
        num_bytes = 2 * array.nbytes
        self.assertLess(self.peak_bytes("g.yaml", "-o", "g.bin"), 2 * num_bytes + 60 * MEBIBYTE)

    def test_a_compiler_without_memory(self):
        """Wherever it starts it compiles, or says that memory is out, and leaves no plan."""
        lines = "".join(f"  - {{name: n{i}, op: scale, factor: 0.999, "
                        f"inputs: [{f'n{i - 1}' if i else 'x'}]}}\n" for i in range(3000))
        graph = self.write("chain.yaml", 'graph: g\ninputs:\n  x: {type: "f32[2]"}\nnodes:\n' +
                           lines + "outputs: [n2999]\n")
        plan = self.folder / "chain.bin"
        codes = []
        least = self.least_to_start("graphc")
        for mebibytes in range(least, least + 200):
            done = self.call_within(mebibytes, "graphc", graph, "-o", plan)
            codes.append(done.returncode)
            self.assertIn(done.returncode, (0, 3), f"{mebibytes} MiB: {done.stderr[-500:]}")
            if done.returncode == 0:
                break
            self.assertIn("out of memory", done.stderr, f"{mebibytes} MiB")
            self.assertEqual(list(self.folder.glob("chain.bin*")), [], f"{mebibytes} MiB")
        self.assertEqual(codes[-1], 0)
        self.assertGreater(len(codes), 3, "memory was never out")

    def test_a_run_without_address_space(self):
        """OpenBLAS has its buffers and lanes their threads before a step, or there is none."""
        machine = self.write("m.yaml", MACHINE)
        plan = self.compile(self.write("g.yaml", PRODUCTS), "--machine", machine)
        least = self.least_to_start("graphrun")
        codes = []
        for mebibytes in range(least, least + 1200, 20):
            done = self.call_within(mebibytes, "graphrun", plan, "--steps=20")
            codes.append(done.returncode)
            self.assertIn(done.returncode, (0, 3), f"{mebibytes} MiB: {done.stderr[-500:]}")
            if done.returncode == 0:
                break
            self.assertRegex(done.stderr, "memory|thread", f"{mebibytes} MiB")
            self.assertNotIn("no progress", done.stderr, f"{mebibytes} MiB")
        self.assertEqual(codes[-1], 0)

    def test_paths_that_cannot_be_looked_at(self):
        plan = self.training_plan()
        os.symlink("loop", self.folder / "loop")
        for path in (self.folder / "loop", self.folder / ("z" * 300)):
            for options in ([f"--checkpoint={path}"],
                            [f"--checkpoint={self.folder}/c", f"--metrics={path}"]):
                done = call("graphrun", plan, "--resume", *options)
                self.assertIn(done.returncode, (1, 3), done.stderr)
                self.assertIn(str(path), done.stderr)

    def test_a_working_folder_that_is_gone(self):
        """Absolute paths need none."""
        self.training_plan()
        gone = self.folder / "gone"
        gone.mkdir()
        done = subprocess.run(
            ["/bin/sh", "-c", f'cd {gone} && rmdir {gone} && exec "$@"', "sh",
             str(BIN_DIR / "graphc"), str(self.folder / "t.yaml"), "-o",
             str(self.folder / "again.bin")],
            text=True, capture_output=True, timeout=TIMEOUT_S, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.folder / "again.bin").read_bytes(),
                         (self.folder / "plan.bin").read_bytes())

    def test_numbers_without_end(self):
        plan = self.training_plan()
        for option in ("--steps=9223372036854775807", "--epochs=9223372036854775807",
                       "--timeout=9223372036854775807", "--metrics-every=9223372036854775807",
                       "--bench=99999999999", "--steps=1e30"):
            self.refuse(2, "graphrun", plan, option, f"--metrics={self.folder}/m.csv")

    def test_a_process_that_is_stopped_has_not_stalled(self):
        """Each stop is longer than the timeout."""
        plan = self.training_plan()
        process = subprocess.Popen(
            [str(BIN_DIR / "graphrun"), str(plan), "--steps=1000000000", "--timeout=1",
             f"--checkpoint={self.folder}/c.safetensors"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        time.sleep(0.3)
        for _ in range(3):
            process.send_signal(signal.SIGSTOP)
            time.sleep(1.3)
            process.send_signal(signal.SIGCONT)
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=TIMEOUT_S)
        self.assertNotIn("no progress", said)
        self.assertEqual(process.returncode, 143, said)
        self.assertTrue((self.folder / "c.safetensors").exists())


if __name__ == "__main__":
    import unittest

    unittest.main()
