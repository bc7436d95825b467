"""One plan over several hosts: all in one process, under mpirun, and what happens when one dies."""

import os
import re
import shutil
import signal
import subprocess
import time
import unittest

import numpy as np

from support import BIN_DIR, GRAPHS, IS_SANITIZED, TIMEOUT_S, EndToEndTest, read_safetensors

BAD_INPUT, BAD_USAGE, BAD_MACHINE = 1, 2, 3

MACHINE = """\
machine: hosts
hosts:
  h0:
    devices:
      cpu:  {kind: cpu, workers: 1, memory: 8GiB, rates: {matmul_f32: 40GFLOP/s, bytes: 10GB/s}, launch: 0.1us}
      gpu0: {kind: cuda, streams: 1, memory: 8GiB, rates: {matmul_f32: 400GFLOP/s, bytes: 100GB/s}, launch: 2us}
    links:
      - {between: [cpu, gpu0], to: 10GB/s, back: 10GB/s, latency: 5us}
"""
NETWORK = "network: {to: 5GB/s, both: 8GB/s, latency: 15us, message: 2us}\n"
AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
ON_ONE_MACHINE = ["--oversubscribe", "--bind-to", "none"]


def why_no_mpi():
    """Why nothing can run under mpirun here; empty if it can."""
    if IS_SANITIZED:
        return "MPI leaks, and sanitizers see what is in one process"
    if shutil.which("mpirun") is None:
        return "there is no mpirun"
    if not list((BIN_DIR.parent / "lib").glob("libgraphrt_mpi.so*")):
        return "this build has no MPI"
    return ""


NO_MPI = why_no_mpi()


def is_running(pid):
    """Whether there is such a process, which may not have been waited for yet."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class HostsTest(EndToEndTest):
    def plan(self, num_hosts, graph="mlp", devices="cpu", update_on="shards", name="plan.bin"):
        """A graph of the examples, its batch divided among the hosts' CPUs or GPUs."""
        graphs = self.copy_of_graphs(f"graphs-{name}")
        machine = graphs / "machines" / "hosts.yaml"
        machine.write_text(
            MACHINE + "".join(f"  h{k}: {{like: h0}}\n" for k in range(1, num_hosts)) + NETWORK)
        text = (graphs / f"{graph}.yaml").read_text()
        lines = [line for line in text.splitlines() if not line.startswith("parallel:")]
        batch = ", ".join(f"h{k}/{devices}" for k in range(num_hosts))
        update = update_on if update_on == "shards" else f"h0/{update_on}"
        lines.append(f"parallel: {{batch: [{batch}], update_on: {update}}}")
        path = graphs / f"{graph}.yaml"
        path.write_text("\n".join(lines) + "\n")
        return self.compile(path, "--machine", machine, name=f"graphs-{name}/{name}")

    def states(self, plan, *arguments, name="w.safetensors"):
        """What a run in one process leaves behind."""
        self.succeed("graphrun", plan, "--emulate", "--devices=emulated", "--save-state",
                     self.folder / name, *arguments)
        return read_safetensors(self.folder / name)

    def mpirun(self, num_ranks, *arguments, cwd=None):
        """A run under mpirun; how it ended."""
        command = ["mpirun", "-n", str(num_ranks), *ON_ONE_MACHINE, str(BIN_DIR / "graphrun"),
                   "--devices=emulated", *map(str, arguments)]
        return subprocess.run(command, env={**os.environ, **AS_ROOT}, text=True, cwd=cwd,
                              capture_output=True, timeout=TIMEOUT_S, check=False)

    def run_ranks(self, num_ranks, *arguments):
        done = self.mpirun(num_ranks, *arguments)
        self.assertEqual(done.returncode, 0, f"{done.args}\n{done.stdout}{done.stderr}")
        return done

    def assert_equal_states(self, one, other):
        self.assertEqual(sorted(one), sorted(other))
        for name, value in one.items():
            np.testing.assert_array_equal(value.view(np.uint32), other[name].view(np.uint32), name)


class EmulatedHostsTest(HostsTest):
    def test_the_default_without_mpirun_is_all_hosts_here_and_says_so(self):
        plan = self.plan(2)
        done = subprocess.run([str(BIN_DIR / "graphrun"), str(plan), "--devices=emulated"],
                              text=True, capture_output=True, timeout=TIMEOUT_S, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("without mpirun, all 2 hosts of the plan run in this process", done.stderr)
        quiet = subprocess.run(
            [str(BIN_DIR / "graphrun"), str(plan), "--devices=emulated", "--emulate"], text=True,
            capture_output=True, timeout=TIMEOUT_S, check=False)
        self.assertNotIn("without mpirun", quiet.stderr)

    def test_results_equal_the_reference(self):
        for num_hosts, devices in [(2, "cpu"), (2, "gpu0"), (4, "cpu")]:
            plan = self.plan(num_hosts, devices=devices, name=f"{num_hosts}{devices}.bin")
            self.succeed("graphrun", plan, "--emulate", "--devices=emulated", "--steps=5",
                         "--check")

    def test_pieces_barriers_and_repetitions_give_the_same_bits(self):
        plan = self.plan(2)
        whole = self.states(plan, "--steps=50")
        self.assert_equal_states(whole, self.states(plan, "--steps=50"))
        self.assert_equal_states(whole, self.states(plan, "--steps=50", "--barrier"))
        self.assert_equal_states(
            whole, self.states(plan, "--steps=50", "--checkpoint", self.folder / "c.safetensors",
                               "--checkpoint-every=7"))

    def test_a_rank_that_no_process_has(self):
        message = self.refuse(BAD_USAGE, "graphrun", self.plan(2), "--devices=emulated",
                              "--rank-map=h0=1")
        self.assertIn("--rank-map h0=1", message)


@unittest.skipIf(NO_MPI, NO_MPI)
class MpiTest(HostsTest):
    def test_bits_are_those_of_one_process(self):
        saved = self.folder / "m.safetensors"
        for graph, num_hosts, devices in [("mlp", 2, "cpu"), ("mlp", 4, "cpu"),
                                          ("autoencoder", 2, "cpu"), ("mlp", 2, "gpu0")]:
            plan = self.plan(num_hosts, graph, devices, name=f"{graph}{num_hosts}{devices}.bin")
            emulated = self.states(plan, "--steps=50")
            done = self.run_ranks(num_hosts, plan, "--steps=50", "--save-state", saved)
            self.assertEqual(done.stdout.count("loss = "), 1, done.stdout)
            self.assert_equal_states(emulated, read_safetensors(saved))

    def test_results_equal_the_reference(self):
        done = self.run_ranks(2, self.plan(2), "--steps=5", "--check")
        self.assertEqual(done.stdout.count("check: "), 1, done.stdout)

    def test_any_rank_stands_for_any_host(self):
        plan = self.plan(2)
        saved = self.folder / "m.safetensors"
        self.run_ranks(2, plan, "--steps=20", "--save-state", saved, "--rank-map=h0=1")
        self.assert_equal_states(self.states(plan, "--steps=20"), read_safetensors(saved))

    def test_outputs_metrics_and_traces_are_written_once(self):
        plan = self.plan(2)
        files = {name: self.folder / name for name in ["m.csv", "loss.npy", "t.json"]}
        options = ["--steps=20", "--metrics", files["m.csv"], "--metrics-every=5", "--output",
                   f"loss={files['loss.npy']}", "--trace", files["t.json"]]
        self.run_ranks(2, plan, *options)
        metrics, loss = files["m.csv"].read_bytes(), np.load(files["loss.npy"])
        self.succeed("graphrun", plan, "--emulate", "--devices=emulated", *options)
        self.assertEqual(metrics, files["m.csv"].read_bytes())
        np.testing.assert_array_equal(loss, np.load(files["loss.npy"]))

    def test_pieces_and_resumed_runs_give_the_same_bits(self):
        plan = self.plan(2)
        checkpoint = self.folder / "c.safetensors"
        whole = self.states(plan, "--steps=60")
        options = [plan, "--checkpoint", checkpoint, "--checkpoint-every=9", "--resume"]
        self.run_ranks(2, *options, "--steps=25")
        self.run_ranks(2, *options, "--steps=60")
        self.assert_equal_states(whole, read_safetensors(checkpoint))

    def test_a_wrong_number_of_ranks(self):
        done = self.mpirun(3, self.plan(2))
        self.assertEqual(done.returncode, BAD_INPUT)
        self.assertEqual(done.stderr.count("the plan is for 2 hosts, mpirun started 3"), 1)

    def test_ranks_with_different_plans(self):
        one, other = self.plan(2, name="a.bin"), self.plan(2, update_on="cpu", name="b.bin")
        graphrun = str(BIN_DIR / "graphrun")
        command = ["mpirun", *ON_ONE_MACHINE, "-n", "1", graphrun, str(one), ":", "-n", "1",
                   graphrun, str(other)]
        done = subprocess.run(command, env={**os.environ, **AS_ROOT}, text=True,
                              capture_output=True, timeout=TIMEOUT_S, check=False)
        self.assertEqual(done.returncode, BAD_INPUT)
        self.assertRegex(done.stderr, r"rank 1 \(.*\) has another plan than rank 0")

    def test_a_feed_that_one_rank_lacks(self):
        plan = self.plan(2)
        other = self.folder / "other"
        shutil.copytree(plan.parent, other)
        (other / "data" / "digits" / "train_images.npy").unlink()
        graphrun = str(BIN_DIR / "graphrun")
        common = ["--devices=emulated", "--steps=5", f"--checkpoint={self.folder / 'c'}"]
        command = ["mpirun", *ON_ONE_MACHINE, "-n", "1", graphrun, str(plan), *common, ":", "-n",
                   "1", graphrun, str(other / plan.name), *common]
        done = subprocess.run(command, env={**os.environ, **AS_ROOT}, text=True,
                              capture_output=True, timeout=TIMEOUT_S, check=False)
        self.assertEqual(done.returncode, BAD_INPUT, done.stderr)
        self.assertRegex(done.stderr, r"h1 \(.*\): feed of input 'x'")
        self.assertFalse((self.folder / "c").exists())

    def test_a_host_twice(self):
        done = self.mpirun(2, self.plan(2), "--rank-map=h0=0,h0=1")
        self.assertEqual(done.returncode, BAD_USAGE)
        self.assertIn("--rank-map names 'h0' twice", done.stderr)


@unittest.skipIf(NO_MPI, NO_MPI)
class FailureTest(HostsTest):
    TIMEOUT = 3

    def start(self, plan, checkpoint):
        command = ["mpirun", "-n", "2", *ON_ONE_MACHINE, str(BIN_DIR / "graphrun"), str(plan),
                   "--devices=emulated", "--steps=1000000000", f"--timeout={self.TIMEOUT}",
                   f"--checkpoint={checkpoint}", "--checkpoint-every=50", "--quiet"]
        return subprocess.Popen(command, env={**os.environ, **AS_ROOT}, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def ranks_of(self, mpirun):
        """Process ids by rank."""
        ranks = {}
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(mpirun.pid)], text=True,
                                  capture_output=True, check=False).stdout.split()
        for pid in children:
            with open(f"/proc/{pid}/environ", "rb") as file:
                environment = file.read().decode()
            found = re.search(r"\0OMPI_COMM_WORLD_RANK=(\d+)\0", environment)
            if found:
                ranks[int(found.group(1))] = int(pid)
        return ranks

    def wait_for(self, path):
        end = time.monotonic() + TIMEOUT_S
        while not path.exists():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)

    def hit(self, sent, rank):
        """Sends a signal to one rank of a run; its exit code, its words, how long it took."""
        plan = self.plan(2, name=f"{sent}.{rank}.bin")
        checkpoint = self.folder / f"{sent}.{rank}.safetensors"
        run = self.start(plan, checkpoint)
        self.wait_for(checkpoint)
        ranks = self.ranks_of(run)
        self.assertEqual(sorted(ranks), [0, 1])
        start = time.monotonic()
        os.kill(ranks[rank], sent)
        _, words = run.communicate(timeout=TIMEOUT_S)
        seconds = time.monotonic() - start
        while any(map(is_running, ranks.values())):
            self.assertLess(time.monotonic() - start, self.TIMEOUT + 3, words)
            time.sleep(0.05)
        # What was written is whole, and a run can go on from it.
        saved = read_safetensors(checkpoint)
        self.run_ranks(2, plan, "--steps=1", "--checkpoint", checkpoint, "--resume")
        self.assertTrue(all(np.isfinite(value).all() for value in saved.values()))
        return run.returncode, words, seconds

    def test_a_rank_that_is_killed(self):
        for rank in [0, 1]:
            _, words, seconds = self.hit(signal.SIGKILL, rank)
            self.assertLess(seconds, self.TIMEOUT + 3)
            self.assertRegex(words, rf"host h{1 - rank} \(.*\): .*host h{rank} \(.*\) has not")

    def test_a_rank_that_is_frozen(self):
        for rank in [0, 1]:
            code, words, seconds = self.hit(signal.SIGSTOP, rank)
            self.assertEqual(code, BAD_MACHINE, words)
            self.assertLess(seconds, self.TIMEOUT + 3)
            self.assertRegex(words, rf"host h{1 - rank} \(.*\): .*host h{rank} \(.*\) has not")

    def test_a_signal_to_one_rank_stops_all_after_whole_steps(self):
        code, words, _ = self.hit(signal.SIGTERM, 1)
        self.assertEqual(code, 128 + signal.SIGTERM, words)
        self.assertIn("stopped by SIGTERM after step", words)


if __name__ == "__main__":
    unittest.main()
