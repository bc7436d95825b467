"""What users get wrong: a message that names it, the exit code, and nothing half-written.

The diagnostics of graph files, word by word, are in tests/filecheck.
"""

import os
import pathlib
import unittest

import numpy as np

from support import GRAPHS, EndToEndTest

OK, BAD_INPUT, BAD_USAGE, BAD_MACHINE = range(4)

GRAPH = """\
graph: doubled
inputs:
  x: {type: "f32[2, 3]", feed: x.npy}
nodes:
  - {name: y, op: scale, inputs: [x], factor: 2}
outputs: [y]
"""


class BadInputTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.graph = self.folder / "graph.yaml"
        self.graph.write_text(GRAPH)
        self.feed = self.folder / "x.npy"
        self.plan = self.folder / "plan.bin"
        self.save(np.arange(12, dtype=np.float32).reshape(4, 3))

    def save(self, array):
        np.save(self.feed, array)

    def files(self):
        return sorted(path.name for path in self.folder.iterdir())

    def expect_refused(self, code, program, *arguments, says=(), leaves=None, **options):
        """The program ends with `code`, says all of `says`, and leaves no new file."""
        before = self.files() if leaves is None else leaves
        message = self.refuse(code, program, *arguments, **options)
        for text in says:
            self.assertIn(text, message)
        self.assertEqual(self.files(), before)


class CompileTest(BadInputTest):
    def expect_no_plan(self, *says, code=BAD_INPUT):
        self.expect_refused(code, "graphc", self.graph, "-o", self.plan, says=says)

    def test_a_missing_feed(self):
        self.feed.unlink()
        self.expect_no_plan("graph.yaml:3:", "x.npy", "No such file")

    def test_a_feed_of_another_row_shape(self):
        self.save(np.zeros((4, 5), np.float32))
        self.expect_no_plan("graph.yaml:3:", "f32[4, 5]", "needs rows of f32[N, 3]")

    def test_a_feed_of_another_type_gets_the_cast_as_a_hint(self):
        self.save(np.zeros((4, 3), np.float64))
        self.expect_no_plan("graph.yaml:3:", "float64", ".astype('float32')")

    def test_a_feed_that_is_cut_off(self):
        self.feed.write_bytes(self.feed.read_bytes()[:-4])
        self.expect_no_plan("graph.yaml:3:", "44 bytes follow")

    def test_a_feed_that_is_no_npy_file(self):
        self.feed.write_text("1,2,3\n")
        self.expect_no_plan("graph.yaml:3:", "is not an .npy file")

    def test_several_errors_in_one_run(self):
        self.graph.write_text(GRAPH.replace("op: scale", "op: scal").replace("[y]", "[y, z]"))
        self.expect_no_plan("graph.yaml:5:", "did you mean 'scale'?",
                            "graph.yaml:6:", "'z' is not defined")

    def test_a_missing_graph(self):
        self.graph.unlink()
        self.expect_no_plan("graph.yaml", "No such file")

    def test_a_missing_machine(self):
        self.expect_refused(BAD_INPUT, "graphc", self.graph, "-o", self.plan, "--machine",
                            self.folder / "no.yaml", says=["no.yaml", "No such file"])

    def test_a_graph_that_is_not_text(self):
        self.graph.write_bytes(bytes(range(256)))
        self.expect_no_plan("graph.yaml")

    def test_a_machine_with_too_little_memory(self):
        machine = self.folder / "small.yaml"
        machine.write_text("machine: small\ndevices:\n  cpu: {kind: cpu, workers: 1, memory: 100B, "
                           "rates: {matmul_f32: 1GFLOP/s, bytes: 1GB/s}, launch: 1us}\n")
        self.expect_refused(BAD_MACHINE, "graphc", self.graph, "-o", self.plan, "--machine",
                            machine, says=["cpu", "memory"])

    def test_an_output_in_a_folder_that_is_not_there(self):
        self.expect_refused(BAD_MACHINE, "graphc", self.graph, "-o", self.folder / "no" / "p.bin",
                            says=["no/p.bin"])

    def test_an_output_that_is_a_folder(self):
        self.plan.mkdir()
        self.expect_no_plan("plan.bin", "folder", code=BAD_MACHINE)

    def test_a_failed_compile_leaves_the_old_plan(self):
        self.plan.write_text("old")
        self.feed.unlink()
        self.expect_no_plan("x.npy")
        self.assertEqual(self.plan.read_text(), "old")

    def test_a_map_of_devices_that_the_plan_does_not_have(self):
        training = self.compile(GRAPHS / "mlp_figure.yaml", name="train.bin")
        self.expect_refused(BAD_USAGE, "graphrun", training, "--devices=emulated", "--map=gpu9=0",
                            says=["gpu9", "gpu0, gpu1"])

    def test_bad_usage(self):
        for arguments in ([], ["--frob", self.graph], [self.graph, "--emit=nothing"],
                          [self.graph, self.graph], [self.graph, "--steps=0", "--emit=svg"]):
            self.expect_refused(BAD_USAGE, "graphc", *arguments)


class RunTest(BadInputTest):
    def setUp(self):
        super().setUp()
        self.succeed("graphc", self.graph, "-o", self.plan)

    def expect_refused_run(self, code, *options, says=()):
        self.expect_refused(code, "graphrun", self.plan, *options, says=says)

    def test_the_run_itself_is_right(self):
        output = self.folder / "y.npy"
        self.succeed("graphrun", self.plan, "--steps=3", f"--output=y={output}")
        rows = 2 * np.load(self.feed).reshape(2, 2, 3)
        np.testing.assert_array_equal(np.load(output), rows[[0, 1, 0]])

    def test_a_missing_plan(self):
        self.plan.unlink()
        self.expect_refused_run(BAD_INPUT, says=["plan.bin", "No such file"])

    def test_plans_that_are_cut_off(self):
        whole = self.plan.read_bytes()
        for length in (0, 1, 7, 8, 63, 64, 65, len(whole) // 3, len(whole) // 2, len(whole) - 1):
            self.plan.write_bytes(whole[:length])
            self.expect_refused_run(BAD_INPUT, says=["plan.bin"])
            self.expect_refused(BAD_INPUT, "graphdump", self.plan, says=["plan.bin"])

    def test_plans_with_more_bytes_than_they_should_have(self):
        self.plan.write_bytes(self.plan.read_bytes() + b"\0")
        self.expect_refused_run(BAD_INPUT, says=["plan.bin"])

    def test_plans_with_a_flipped_bit(self):
        whole = self.plan.read_bytes()
        for i in range(0, len(whole), max(1, len(whole) // 40)):
            damaged = bytearray(whole)
            damaged[i] ^= 1 << (i % 8)
            self.plan.write_bytes(damaged)
            self.expect_refused_run(BAD_INPUT, says=["plan.bin"])

    def test_a_file_that_is_no_plan(self):
        self.expect_refused(BAD_INPUT, "graphrun", self.graph, says=["not a plan file"])

    def test_a_feed_that_is_gone(self):
        self.feed.unlink()
        self.expect_refused_run(BAD_INPUT, says=["x.npy", "No such file"])

    def test_a_feed_that_changed_its_shape_or_type(self):
        self.save(np.zeros((4, 5), np.float32))
        self.expect_refused_run(BAD_INPUT, says=["'x'", "f32[2, 3]", "f32[4, 5]"])
        self.save(np.zeros((4, 3), np.int32))
        self.expect_refused_run(BAD_INPUT, says=["'x'", "f32[2, 3]", "i32[4, 3]", "float32"])
        self.save(np.zeros((4, 3), np.float64))
        self.expect_refused_run(BAD_INPUT, says=["x.npy", "float64"])

    def test_unknown_names_get_the_nearest(self):
        for option in ("--output", "--output-last", "--input"):
            name = "xx" if option == "--input" else "yy"
            self.expect_refused_run(BAD_INPUT, f"{option}={name}={self.feed}",
                                    says=[f"'{name}'", "did you mean"])

    def test_an_input_without_a_feed_must_be_given(self):
        self.graph.write_text(GRAPH.replace(", feed: x.npy", ""))
        self.succeed("graphc", self.graph, "-o", self.plan)
        self.expect_refused_run(BAD_INPUT, says=["'x'", "--input x="])

    def test_a_given_array_that_does_not_fit(self):
        array = self.folder / "a.npy"
        np.save(array, np.zeros((2, 4), np.float32))
        self.expect_refused_run(BAD_INPUT, f"--input=x={array}", says=["a.npy", "f32[2, 4]"])

    def test_outputs_that_cannot_be_written(self):
        nowhere = self.folder / "no" / "file"
        for option in (f"--output=y={nowhere}", f"--output-last=y={nowhere}",
                       f"--save-state={nowhere}", f"--trace={nowhere}"):
            self.expect_refused_run(BAD_MACHINE, option, says=["no/file"])
        self.expect_refused_run(BAD_MACHINE, f"--output=y={self.folder}", says=["folder"])

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_a_folder_without_permission(self):
        locked = self.folder / "locked"
        locked.mkdir(mode=0o500)
        self.expect_refused_run(BAD_MACHINE, f"--output=y={locked / 'y.npy'}", says=["locked"])

    def test_a_full_disk(self):
        if not pathlib.Path("/dev/full").exists():
            self.skipTest("no /dev/full here")
        self.expect_refused_run(BAD_MACHINE, "--output=y=/dev/full", says=["/dev/full"])

    def test_states_that_do_not_fit(self):
        self.expect_refused_run(BAD_INPUT, f"--load-state={self.folder / 'no.safetensors'}",
                                says=["no.safetensors"])
        self.expect_refused_run(BAD_INPUT, f"--load-state={self.graph}", says=["graph.yaml"])
        training = self.compile(GRAPHS / "mlp_figure.yaml", name="train.bin")
        states = self.folder / "w.safetensors"
        self.succeed("graphrun", self.plan, f"--save-state={states}")
        self.expect_refused(BAD_INPUT, "graphrun", training, f"--load-state={states}",
                            says=["w1", "w2"])
        self.succeed("graphrun", training, f"--load-state={states}", "--partial")

    def test_a_machine_without_the_devices(self):
        training = self.compile(GRAPHS / "mlp_figure.yaml", name="train.bin")
        self.expect_refused(BAD_MACHINE, "graphrun", training, "--devices=cuda",
                            says=["cuda", "--devices=emulated"])

    def test_a_plan_that_is_larger_than_the_memory(self):
        self.graph.write_text("""\
graph: large
state:
  w: {type: "f32[1000000, 1000000]", init: zeros}
nodes:
  - {name: y, op: scale, inputs: [w], factor: 2, updates: w}
""")
        machine = self.folder / "machine.yaml"
        machine.write_text("""\
machine: large
devices:
  cpu: {kind: cpu, workers: 1, memory: 100TiB, launch: 1us,
        rates: {matmul_f32: 1GFLOP/s, bytes: 1GB/s}}
""")
        self.succeed("graphc", self.graph, "--machine", machine, "-o", self.plan)
        self.expect_refused_run(BAD_MACHINE, says=["needs 3.64 TiB of host memory", "are free"])

    def test_a_map_of_devices_that_the_plan_does_not_have(self):
        training = self.compile(GRAPHS / "mlp_figure.yaml", name="train.bin")
        self.expect_refused(BAD_USAGE, "graphrun", training, "--devices=emulated", "--map=gpu9=0",
                            says=["gpu9", "gpu0, gpu1"])

    def test_bad_usage(self):
        y = f"y={self.folder / 'y.npy'}"
        for arguments in (
                [], ["--frob"], ["--steps=-1"], ["--steps=many"], ["--devices=abacus"],
                [self.plan, "--map=gpu0"], [self.plan, "--map=gpu0=first"], [self.plan, "--map==1"],
                [self.plan, "--map=gpu0=0,gpu0=1"], [self.plan, "--launch=rocket"],
                [self.plan, "--timeout=-1"],
                [self.plan, self.plan], [self.plan, "--output=y"], [self.plan, "--output==y.npy"],
                [self.plan, f"--output={y}", f"--output={y}"],
                [self.plan, f"--output={y}", f"--output-last={y}"],
                [self.plan, "--steps=0", "--check"], [self.plan, "--bench", "--check"],
                [self.plan, "--bench", f"--output={y}"], [self.plan, "--simulate", "--check"],
                [self.plan, "--partial"]):
            self.expect_refused(BAD_USAGE, "graphrun", *arguments)
        self.expect_refused(BAD_USAGE, "graphdump")
        self.expect_refused(BAD_USAGE, "graph-opt", "--passes=nothing", self.graph)


if __name__ == "__main__":
    unittest.main()
