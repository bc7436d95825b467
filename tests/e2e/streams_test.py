"""What the programs print and write, where that cannot be done.

Full, closed and broken streams, outputs that are inputs, limits of sizes.
"""

import errno
import fcntl
import os
import pathlib
import resource
import signal
import stat
import subprocess
import threading
import time
import unittest

import numpy as np

from support import BIN_DIR, TIMEOUT_S, EndToEndTest

OK, BAD_INPUT, BAD_USAGE, BAD_MACHINE, BAD_RESULT = range(5)
BROKEN_PIPE = 128 + signal.SIGPIPE
PROGRAMS = ("graphc", "graphrun", "graphdump", "graph-opt", "graphprobe")

TRAINING = """\
graph: training
machine: machine.yaml
inputs:
  x: {type: "f32[4, 2]", feed: x.npy}
  y: {type: "i32[4]", feed: y.npy}
state:
  w: {type: "f32[2, 10]", init: {file: w.npy}}
nodes:
  - {name: xs, op: scale, inputs: [x], factor: 0.01}
  - {name: z, op: matmul, inputs: [xs, w]}
  - {name: loss, op: softmax_cross_entropy, inputs: [z, y]}
train: {loss: loss, optimizer: adam, learning_rate: 0.1}
outputs: [loss]
"""
MACHINE = """\
machine: gpu
devices:
  cpu: {kind: cpu, workers: 2, memory: 1GiB, launch: 1us,
        rates: {matmul_f32: 20GFLOP/s, bytes: 10GB/s}}
  gpu0: {kind: cuda, memory: 1GiB, streams: 1, launch: 0.5us,
         rates: {matmul_f32: 49TFLOP/s, bytes: 2TB/s}}
links:
  - {between: [cpu, gpu0], to: 51GB/s, back: 54GB/s, latency: 7us}
"""


class StreamsTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        np.save(self.folder / "x.npy", np.arange(20, dtype=np.float32).reshape(10, 2))
        np.save(self.folder / "y.npy", np.arange(10, dtype=np.int32))
        np.save(self.folder / "w.npy", np.zeros((2, 10), np.float32))
        self.write("machine.yaml", MACHINE)
        self.write("train.yaml", TRAINING)
        self.write("eval.yaml", TRAINING.replace("train: {", "# {"))
        self.ok("graphc", "train.yaml", "-o", "p.bin")
        self.ok("graphc", "eval.yaml", "-o", "e.bin")

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def content(self, name):
        return (self.folder / name).read_bytes()

    def start(self, program, *arguments, **streams):
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
        run = subprocess.Popen([BIN_DIR / program, *arguments], cwd=self.folder, text=True,
                               **streams)
        self.addCleanup(lambda: (run.kill(), run.communicate()))
        return run

    def run_in_folder(self, program, *arguments, **streams):
        """Exit code, standard output, standard error."""
        run = self.start(program, *arguments, **streams)
        out, err = run.communicate(timeout=TIMEOUT_S)
        return run.returncode, out, err

    def ok(self, program, *arguments, **streams):
        code, out, err = self.run_in_folder(program, *arguments, **streams)
        self.assertEqual(code, OK, err)
        return out

    def files(self):
        return sorted(path.name for path in self.folder.iterdir())


@unittest.skipUnless(pathlib.Path("/dev/full").exists(), "no /dev/full here")
class FullStreamTest(StreamsTest):
    REPORTS = [
        *((program, option) for program in PROGRAMS for option in ("--help", "--version")),
        *(command.split() for command in (
            "graphc train.yaml", "graphc train.yaml --emit=svg", "graphc train.yaml --explain",
            "graphc train.yaml --emit=svg -o /dev/stdout",
            "graphdump p.bin", "graphdump p.bin --json", "graphdump p.bin --verify",
            "graph-opt train.yaml", "graph-opt --list-passes", "graph-opt --machine machine.yaml",
            "graphrun p.bin --simulate", "graphrun p.bin --check", "graphrun p.bin --bench=2",
            "graphrun p.bin --eval=e.bin -q")),
    ]

    def test_a_report_that_is_lost_is_an_error_at_the_end(self):
        with open("/dev/full", "w") as full:
            for command in self.REPORTS:
                code, _, err = self.run_in_folder(*command, stdout=full)
                self.assertEqual(code, BAD_MACHINE, command)
                self.assertIn("No space left on device", err)

    def test_a_difference_that_is_lost_is_none_that_was_found(self):
        with open("/dev/full", "w") as full:
            code = self.run_in_folder("graphdump", "p.bin", "--diff", "e.bin", stdout=full)[0]
        self.assertEqual(code, BAD_MACHINE)

    def test_a_plan_is_written_all_the_same(self):
        with open("/dev/full", "w") as full:
            code = self.run_in_folder("graphc", "train.yaml", "-o", "q.bin", stdout=full)[0]
        self.assertEqual(code, BAD_MACHINE)
        self.assertEqual(self.content("q.bin"), self.content("p.bin"))

    def test_dumps_that_were_asked_for_are_reports(self):
        with open("/dev/full", "w") as full:
            for command in ("graphc train.yaml --dump-after=all", "graphc train.yaml --time-passes",
                            "graph-opt train.yaml --passes=differentiate --dump-after=all"):
                code = self.run_in_folder(*command.split(), stderr=full)[0]
                self.assertEqual(code, BAD_MACHINE, command)

    def test_notes_that_are_lost_change_nothing(self):
        self.ok("graphrun", "p.bin", "--devices=emulated", "--steps=30", "--checkpoint=want",
                "--shuffle=1")
        with open("/dev/full", "w") as full:
            for name, streams in (("full", {"stderr": full}),
                                  ("closed", {"preexec_fn": lambda: os.close(2), "stderr": None})):
                self.ok("graphrun", "p.bin", "--devices=emulated", "--steps=30",
                        f"--checkpoint={name}", "--shuffle=1", **streams)
                self.assertEqual(self.content(name), self.content("want"))
            self.assertEqual(self.run_in_folder("graphc", "none.yaml", stderr=full)[0], BAD_INPUT)

    def test_a_run_ends_with_all_its_files(self):
        options = ("p.bin", "--steps=30", "--eval=e.bin", "--eval-every=10", "--metrics-every=10")
        files = ("checkpoint", "metrics", "trace", "save-state")
        self.ok("graphrun", *options, *(f"--{file}=want.{file}" for file in files))
        with open("/dev/full", "w") as full:
            code, _, err = self.run_in_folder("graphrun", *options,
                                              *(f"--{file}=got.{file}" for file in files),
                                              stdout=full, stderr=subprocess.PIPE)
        self.assertEqual(code, BAD_MACHINE)
        self.assertIn("cannot write to standard output", err)
        for file in ("checkpoint", "metrics", "save-state"):
            self.assertEqual(self.content(f"got.{file}"), self.content(f"want.{file}"))
        # One file that cannot be written takes no other with it.
        code, _, err = self.run_in_folder("graphrun", "p.bin", "--steps=30",
                                          "--output=loss=/dev/full", "--save-state=s2",
                                          "--trace=/dev/full", "--output-last=loss=last.npy")
        self.assertEqual((code, err.count("/dev/full")), (BAD_MACHINE, 2))
        self.assertEqual(self.content("s2"), self.content("want.save-state"))
        self.assertTrue((self.folder / "last.npy").exists())

    def test_closed_descriptors_are_no_files(self):
        options = ("p.bin", "--steps=30", "--eval=e.bin", "--eval-every=10", "--metrics-every=10")
        self.ok("graphrun", *options, "--metrics=want")
        run = self.start("graphrun", *options, "--metrics=got", "--checkpoint=c", stdout=None,
                         stderr=None,
                         preexec_fn=lambda: os.closerange(0, 3))
        self.assertEqual(run.wait(TIMEOUT_S), BAD_MACHINE)
        self.assertEqual(self.content("got"), self.content("want"))
        self.ok("graphrun", *options, "--metrics=got", "--checkpoint=c", "--resume")


class PipeTest(StreamsTest):
    def broken_pipe(self):
        reader, writer = os.pipe()
        os.close(reader)
        self.addCleanup(os.close, writer)
        return writer

    def test_a_reader_that_leaves_ends_a_report_without_a_word(self):
        for command in FullStreamTest.REPORTS[:-1]:
            code, _, err = self.run_in_folder(*command, stdout=self.broken_pipe())
            self.assertEqual(code, BROKEN_PIPE, command)
            self.assertNotIn("error", err)

    def test_a_reader_that_leaves_ends_training_as_ctrl_c_does(self):
        self.ok("graphrun", "p.bin", "--steps=25", "--checkpoint=want", "--eval=e.bin",
                "--eval-every=25")
        options = ("p.bin", "--steps=1000000000", "--checkpoint=c", "--eval=e.bin",
                   "--eval-every=25")
        code, _, err = self.run_in_folder("graphrun", *options, stdout=self.broken_pipe())
        self.assertEqual(code, BROKEN_PIPE)
        self.assertIn("stopped by SIGPIPE after step 25 of", err)
        self.assertEqual(self.content("c"), self.content("want"))
        self.ok("graphrun", "p.bin", "--steps=50", "--checkpoint=c", "--resume")
        # The table goes through a pipe, or notes do.
        code, _, err = self.run_in_folder("graphrun", *options, "--metrics=/dev/stdout", "-q",
                                          stdout=self.broken_pipe())
        self.assertEqual(code, BROKEN_PIPE, err)
        (self.folder / "c").unlink()
        code, _, _ = self.run_in_folder("graphrun", *options, "--devices=emulated", "--shuffle=1",
                                        stderr=self.broken_pipe())
        self.assertEqual(code, BROKEN_PIPE)
        self.assertTrue((self.folder / "c").exists())

    def test_a_terminal_that_is_closed_ends_training_as_ctrl_c_does(self):
        run = self.start("graphrun", "p.bin", "--steps=1000000000", "--checkpoint=c", "--metrics=m",
                         preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL))
        end = time.monotonic() + TIMEOUT_S
        while not (self.folder / "m").exists() or self.content("m").count(b"\n") < 2:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)
        for _ in range(2):
            run.send_signal(signal.SIGHUP)
        self.assertIn("stopped by SIGHUP", run.communicate()[1])
        self.assertEqual(run.returncode, 128 + signal.SIGHUP)
        self.assertTrue((self.folder / "c").exists())

    def test_a_reader_that_does_not_read_holds_up_nothing(self):
        """Both pipes are full from the start: all is written before anybody reads."""
        pipes = [os.pipe() for _ in range(2)]
        for reader, writer in pipes:
            fcntl.fcntl(writer, fcntl.F_SETFL, os.O_NONBLOCK)
            try:
                while True:
                    os.write(writer, b"." * 4096)
            except BlockingIOError:
                fcntl.fcntl(writer, fcntl.F_SETFL, 0)
        run = self.start("graphrun", "p.bin", "--steps=40", "--eval=e.bin", "--eval-every=10",
                         "--shuffle=1",
                         "--checkpoint=c", "--save-state=s", stdout=pipes[0][1], stderr=pipes[1][1])
        for _, writer in pipes:
            os.close(writer)
        end = time.monotonic() + TIMEOUT_S
        while not (self.folder / "s").exists() and time.monotonic() < end:
            time.sleep(0.01)
        self.assertTrue((self.folder / "c").exists())
        self.assertIsNone(run.poll())
        texts = ["", ""]

        def read(index):
            with os.fdopen(pipes[index][0]) as stream:
                texts[index] = stream.read()

        readers = [threading.Thread(target=read, args=(index,)) for index in range(2)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(TIMEOUT_S)
        self.assertEqual(run.wait(TIMEOUT_S), OK)
        self.assertEqual(texts[0].count("eval at step"), 4)
        self.assertIn("shuffled with seed 1", texts[1])

    def test_outputs_go_through_pipes(self):
        whole = self.ok("graphrun", "p.bin", "--steps=30", "-q", "--metrics=/dev/stdout",
                        "--metrics-every=10")
        self.ok("graphrun", "p.bin", "--steps=30", "--metrics=m.csv", "--metrics-every=10")
        self.assertEqual(whole, self.content("m.csv").decode())
        with open(self.folder / "out", "w") as file:
            self.ok("graphrun", "p.bin", "--steps=30", "-q", "--metrics=/dev/stdout",
                    "--metrics-every=10",
                    stdout=file)
        self.assertEqual(self.content("out"), self.content("m.csv"))
        os.mkfifo(self.folder / "fifo")
        run = self.start("graphrun", "p.bin", "--steps=30", "--metrics=fifo", "--metrics-every=10")
        self.assertEqual((self.folder / "fifo").read_text(), whole)
        self.assertEqual(run.wait(TIMEOUT_S), OK)
        self.assertTrue(stat.S_ISFIFO((self.folder / "fifo").stat().st_mode))

    def test_a_plan_on_standard_output_is_alone_there(self):
        with open(self.folder / "q.bin", "w") as file:
            code, _, err = self.run_in_folder("graphc", "train.yaml", "-o", "/dev/stdout",
                                              stdout=file)
        self.assertEqual(code, OK)
        self.assertIn("step time", err)
        self.assertEqual(self.content("q.bin"), self.content("p.bin"))


class SameFileTest(StreamsTest):
    def expect_refused(self, *command, says="", **streams):
        before = {name: self.content(name) for name in self.files()}
        code, _, err = self.run_in_folder(*command, **streams)
        self.assertEqual(code, BAD_USAGE, (command, err))
        self.assertIn(says, err)
        self.assertEqual({name: self.content(name) for name in self.files()}, before)

    def test_no_output_replaces_an_input(self):
        inputs = ("train.yaml", "machine.yaml", "x.npy", "w.npy")
        (self.folder / "link").symlink_to("x.npy")
        os.link(self.folder / "w.npy", self.folder / "other_name")
        for name in (*inputs, f"{self.folder}/x.npy", "link", "other_name"):
            self.expect_refused("graphc", "train.yaml", "-o", name, says="which this call reads")
            self.expect_refused("graphc", "train.yaml", "--emit=svg", "-o", name)
            if name != "machine.yaml":
                self.expect_refused("graph-opt", "train.yaml", "-o", name)
        self.expect_refused("graph-opt", "--machine", "machine.yaml", "-o", "machine.yaml")
        self.write("t.schedule", self.ok("graphc", "train.yaml", "--emit=schedule"))
        self.expect_refused("graphc", "train.yaml", "--schedule=t.schedule", "-o", "t.schedule")
        self.expect_refused("graphprobe", "--kernels-for=p.bin", "--machine=machine.yaml", "-o",
                            "p.bin")
        self.ok("graphprobe", "--kernels-for=p.bin", "--machine=machine.yaml", "-o", "machine.yaml")

    def test_no_output_of_a_run_replaces_an_input(self):
        self.ok("graphrun", "p.bin", "--save-state=s")
        np.save(self.folder / "a.npy", np.zeros((4, 2), np.float32))
        options = ("--eval=e.bin", "--load-state=s", "--input=x=a.npy")
        for output in ("--output=loss=", "--output-last=loss=", "--save-state=", "--metrics=",
                       "--checkpoint=",
                       "--trace="):
            for name in ("p.bin", "e.bin", "s", "a.npy", "y.npy"):
                self.expect_refused("graphrun", "p.bin", *options, output + name,
                                    says="which this call reads")
        # Of the evaluation plan; the training plan's is not read.
        self.expect_refused("graphrun", "p.bin", *options, "--metrics=x.npy",
                            says="the feed of input 'x'")

    def test_no_output_replaces_another_one(self):
        (self.folder / "z2").symlink_to("z")
        for other in (f"{self.folder}/z", "./z", "z2"):
            self.expect_refused_outputs("--save-state=z", f"--output=loss={other}")
            self.expect_refused_outputs("--metrics=z", f"--checkpoint={other}", "--resume")
        self.ok("graphrun", "p.bin", "--trace=/dev/null", "--metrics=/dev/null",
                "--save-state=/dev/null")

    def expect_refused_outputs(self, *options):
        code, _, err = self.run_in_folder("graphrun", "p.bin", *options)
        self.assertEqual(code, BAD_USAGE, err)
        self.assertIn("would both write", err)
        self.assertFalse((self.folder / "z").exists())

    def test_what_a_shell_redirects_to_is_an_output(self):
        with open(self.folder / "train.yaml", "a") as file:
            self.expect_refused("graphc", "train.yaml", says="standard output", stdout=file)
        with open(self.folder / "p.bin", "a") as file:
            self.expect_refused("graphdump", "p.bin", says="standard output", stdout=file)
        with open(self.folder / "log", "w") as file:
            self.expect_refused("graphrun", "p.bin", "--metrics=log", says="standard output",
                                stdout=file)

    def test_a_run_that_goes_on_writes_what_it_reads(self):
        options = ("p.bin", "--checkpoint=c", "--metrics=m", "--metrics-every=5", "--resume")
        self.ok("graphrun", *options, "--steps=10")
        self.ok("graphrun", *options, "--steps=20")
        self.assertEqual(self.content("m").count(b"\n"), 5)

    def test_mode_and_links_are_kept(self):
        os.chmod(self.folder / "p.bin", 0o640)
        os.link(self.folder / "e.bin", self.folder / "e2.bin")
        (self.folder / "link").symlink_to("later.bin")
        for name in ("p.bin", "e.bin", "link"):
            self.ok("graphc", "train.yaml", "-o", name)
        self.assertEqual(stat.S_IMODE((self.folder / "p.bin").stat().st_mode), 0o640)
        self.assertEqual(self.content("e2.bin"), self.content("p.bin"))
        self.assertTrue((self.folder / "link").is_symlink())
        self.assertEqual(self.content("later.bin"), self.content("p.bin"))


class LimitTest(StreamsTest):
    def limited(self, *command):
        before = self.files()

        def set_limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))

        code, out, err = self.run_in_folder(*command, preexec_fn=set_limit)
        self.assertEqual(code, BAD_MACHINE, err)
        self.assertIn(os.strerror(errno.EFBIG), err)
        self.assertEqual(set(self.files()) - {"m.csv"} - set(before), set())
        return out

    def test_a_limit_of_sizes_is_an_error(self):
        self.ok("graphrun", "p.bin", "--steps=5", "--checkpoint=c", "--save-state=s")
        checkpoint = self.content("c")
        self.limited("graphc", "train.yaml", "-o", "new.bin")
        self.limited("graphc", "train.yaml", "--emit=svg", "-o", "new.svg")
        self.limited("graph-opt", "train.yaml", "-o", "new.graph")
        self.limited("graphrun", "p.bin", "--steps=9", "--checkpoint=c")
        for option in ("--save-state=new", "--trace=new"):
            self.limited("graphrun", "p.bin", option)
        self.assertEqual(self.content("c"), checkpoint)

    def test_a_table_that_cannot_grow_ends_no_run(self):
        want = self.ok("graphrun", "p.bin", "--steps=100")
        self.assertEqual(self.limited("graphrun", "p.bin", "--steps=100", "--metrics=m.csv",
                                      "--metrics-every=1"), want)
        code, out, err = self.run_in_folder("graphrun", "p.bin", "--steps=100",
                                            "--metrics=/dev/full")
        self.assertEqual(code, BAD_MACHINE, err)  # as it starts
        self.assertEqual(out, "")

    def test_what_killed_runs_left_is_in_nobody_s_way(self):
        for i in range(100):
            self.write(f"c.tmp{i}-{i}", "")
        self.ok("graphrun", "p.bin", "--checkpoint=c")
        self.assertEqual([name for name in self.files() if name.startswith("c.tmp")], [])


if __name__ == "__main__":
    unittest.main()
