"""Training for real: epochs, shuffled rows, evaluation, metrics, checkpoints, and runs that end early."""

import csv
import random
import re
import signal
import subprocess
import time
import unittest

import numpy as np

from support import BIN_DIR, GRAPHS, TIMEOUT_S, EndToEndTest, read_safetensors

OK, BAD_INPUT, BAD_USAGE, BAD_MACHINE, BAD_RESULT = range(5)
DIGITS = GRAPHS / "data" / "digits"
CPU = GRAPHS / "machines" / "one-cpu.yaml"

# Batches of 4 of rows that say which one they are, twice: as x and as label.
ROWS_GRAPH = """\
graph: rows
inputs:
  x:     {type: "f32[4, 2]", feed: x.npy}
  label: {type: "i32[4]", feed: label.npy}
constants:
  one: {type: "i32[]", value: 1}
nodes:
  - {name: row, op: scale, inputs: [x], factor: 1}
  - {name: number, op: mul, inputs: [label, one]}
  - {name: total, op: sum, inputs: [x]}
outputs: [row, number, total]
"""


class LongRunTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.checkpoint = self.folder / "c.safetensors"
        self.metrics = self.folder / "m.csv"
        self.states = self.folder / "w.safetensors"

    def training_plan(self, name="train.bin", **replacements):
        """The digits on one CPU, with parts of the graph's text replaced."""
        graphs = self.copy_of_graphs(f"graphs-{name}")
        graph = graphs / "mlp_single.yaml"
        text = graph.read_text()
        for old, new in replacements.items():
            self.assertIn(old, text)
            text = text.replace(old, new)
        graph.write_text(text)
        return self.compile(graph, "--machine", CPU, name=f"graphs-{name}/{name}")

    def rows_plan(self, num_rows=10):
        rows = np.arange(num_rows)
        np.save(self.folder / "x.npy", np.stack([rows, rows], axis=1).astype(np.float32))
        np.save(self.folder / "label.npy", rows.astype(np.int32))
        graph = self.folder / "rows.yaml"
        graph.write_text(ROWS_GRAPH)
        return self.compile(graph, "--machine", CPU, name="rows.bin")

    def rows_seen(self, plan, *options):
        """The rows that a run goes through, one after the other."""
        rows, numbers = self.folder / "rows.npy", self.folder / "numbers.npy"
        self.succeed("graphrun", plan, f"--output=row={rows}", f"--output=number={numbers}",
                     *options)
        seen = np.load(numbers).ravel()
        np.testing.assert_array_equal(np.load(rows).reshape(-1, 2)[:, 0], seen)
        return seen

    def table(self):
        """The metrics, a dictionary a line."""
        with self.metrics.open(newline="") as file:
            return list(csv.DictReader(file))

    def start(self, plan, *options):
        """A run that goes on while the test does something else."""
        run = subprocess.Popen([BIN_DIR / "graphrun", plan, *options], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               # In case the tests themselves are to ignore it.
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        self.addCleanup(lambda: (run.kill(), run.communicate()))
        return run

    def wait_for_line(self, line):
        """Until the metrics of a started run have come so far."""
        end = time.monotonic() + TIMEOUT_S
        while time.monotonic() < end:
            if self.metrics.exists() and self.metrics.read_text().count("\n") > line:
                return
            time.sleep(0.01)
        self.fail(f"no line {line} in {TIMEOUT_S} s")


class EpochTest(LongRunTest):
    def test_epochs_are_counted_in_rows(self):
        plan = self.rows_plan()
        for epochs, steps in ((1, 3), (2, 5), (3, 8), (4, 10)):
            seen = self.rows_seen(plan, f"--epochs={epochs}")
            np.testing.assert_array_equal(seen, np.arange(4 * steps) % 10)

    def test_every_shuffled_epoch_has_every_row_once(self):
        seen = self.rows_seen(self.rows_plan(), "--epochs=8", "--shuffle=5").reshape(8, 10)
        np.testing.assert_array_equal(np.sort(seen), np.tile(np.arange(10), (8, 1)))
        self.assertEqual(len(set(map(tuple, seen))), 8)

    def test_the_seed_alone_decides_the_order(self):
        plan = self.rows_plan(1000)
        seen = self.rows_seen(plan, "--epochs=3", "--shuffle=5")
        for options in (["--barrier"], ["--check"]):
            again = self.rows_seen(plan, "--epochs=3", "--shuffle=5", *options)
            np.testing.assert_array_equal(again, seen)
        other = self.rows_seen(plan, "--epochs=3", "--shuffle=6")
        self.assertFalse(np.array_equal(other, seen))
        zero = self.rows_seen(plan, "--epochs=3", "--shuffle=0")
        np.testing.assert_array_equal(self.rows_seen(plan, "--epochs=3", "--shuffle"), zero)

    def test_the_seed_and_the_number_of_steps_are_printed(self):
        run = self.start(self.rows_plan(), "--epochs=3", "--shuffle=77")
        message = run.communicate()[1]
        self.assertIn("seed 77", message)
        self.assertIn("3 epochs of 10 rows are 8 steps of 4", message)

    def test_shuffled_losses_equal_a_numpy_run_over_the_same_rows(self):
        initial, losses = self.folder / "w0.safetensors", self.folder / "loss.npy"
        plan = self.training_plan()
        self.succeed("graphrun", plan, "--steps=0", f"--save-state={initial}")
        self.succeed("graphrun", plan, "--epochs=2", "--shuffle=9", f"--output=loss={losses}")
        # Another graph with as many rows goes through them in the same order.
        order = self.rows_seen(self.rows_plan(1500), "--epochs=2", "--shuffle=9")
        weights = read_safetensors(initial)
        expected = numpy_losses(weights["w1"], weights["w2"], order.reshape(30, 100))
        np.testing.assert_allclose(np.load(losses), expected, rtol=0, atol=1e-4)


def forward(w1, w2, x):
    """Hidden values, and the probabilities of the digits."""
    hidden = np.maximum(x @ w1, 0)
    logits = hidden @ w2
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return hidden, exponentials / exponentials.sum(axis=1, keepdims=True)


def numpy_losses(w1, w2, batches):
    """The losses of plain training in float32, a batch of rows a step."""
    images, labels = np.load(DIGITS / "train_images.npy"), np.load(DIGITS / "train_labels.npy")
    losses = []
    for batch in batches:
        x, label = images[batch], labels[batch]
        rows = np.arange(len(batch))
        hidden, probability = forward(w1, w2, x)
        losses.append(-np.log(probability[rows, label]).mean())
        gradient = probability.copy()
        gradient[rows, label] -= 1
        gradient /= np.float32(len(batch))
        hidden_gradient = (gradient @ w2.T) * (hidden > 0)
        w2 = w2 - np.float32(0.5) * (hidden.T @ gradient)
        w1 = w1 - np.float32(0.5) * (x.T @ hidden_gradient)
    return np.array(losses, dtype=np.float32)


class EvaluationTest(LongRunTest):
    def evaluation_plan(self, batch=297, name="eval.bin"):
        graphs = self.copy_of_graphs(f"graphs-{name}")
        graph = graphs / "mlp_eval.yaml"
        graph.write_text(graph.read_text().replace("[297", f"[{batch}"))
        return self.compile(graph, "--machine", CPU, name=f"graphs-{name}/{name}")

    def test_evaluations_on_the_way_equal_runs_of_the_evaluation_plan(self):
        plan, evaluation = self.training_plan(), self.evaluation_plan()
        printed = self.succeed("graphrun", plan, "--steps=45", f"--eval={evaluation}",
                               "--eval-every=20", f"--metrics={self.metrics}",
                               "--metrics-every=30")
        expected = {}
        for step in (20, 40, 45):
            self.succeed("graphrun", plan, f"--steps={step}", f"--save-state={self.states}")
            expected[str(step)] = self.succeed(
                "graphrun", evaluation, f"--load-state={self.states}").split("loss = ")[1].strip()
        for step, loss in expected.items():
            self.assertIn(f"eval at step {step}: loss = {loss}\n", printed)
        table = self.table()
        self.assertEqual([line["step"] for line in table], ["20", "30", "40", "45"])
        self.assertEqual({line["step"]: line["eval:loss"] for line in table if line["eval:loss"]},
                         expected)

    def test_evaluations_change_nothing_of_the_training(self):
        plan, evaluation = self.training_plan(), self.evaluation_plan()
        other = self.folder / "other.safetensors"
        self.succeed("graphrun", plan, "--steps=30", f"--save-state={self.states}")
        self.succeed("graphrun", plan, "--steps=30", f"--eval={evaluation}", "--eval-every=1",
                     f"--save-state={other}")
        self.assertEqual(self.states.read_bytes(), other.read_bytes())

    def test_the_mean_over_the_steps_is_the_one_that_numpy_computes(self):
        plan, evaluation = self.training_plan(), self.evaluation_plan(batch=50)
        printed = self.succeed("graphrun", plan, "--steps=20", f"--eval={evaluation}",
                               f"--save-state={self.states}")
        weights = read_safetensors(self.states)
        # 297 rows are 6 batches of 50; the last one takes the first 3 rows again.
        rows = np.arange(300) % 297
        images, labels = np.load(DIGITS / "test_images.npy"), np.load(DIGITS / "test_labels.npy")
        probability = forward(weights["w1"], weights["w2"], images[rows])[1]
        expected = -np.log(probability[np.arange(300), labels[rows]]).mean()
        found = float(re.search(r"eval at step 20: loss = (\S+)", printed)[1])
        self.assertAlmostEqual(found, expected, places=4)

    def test_the_first_states_can_be_evaluated(self):
        printed = self.succeed("graphrun", self.training_plan(), "--steps=0",
                               f"--eval={self.evaluation_plan()}")
        self.assertRegex(printed, r"eval at step 0: loss = \d")

    def test_plans_that_cannot_evaluate(self):
        plan, evaluation = self.training_plan(), self.evaluation_plan()
        for bad, says in ((self.rows_plan(), None), (self.training_plan(
                "wide.bin", **{"128": "64"}), "state 'w1' is f32[64, 64]")):
            options = ("--steps=1", f"--eval={bad}")
            if says is None:
                self.succeed("graphrun", plan, *options)  # no state is needed to say a number
                continue
            self.assertIn(says, self.refuse(BAD_INPUT, "graphrun", plan, *options))
        message = self.refuse(BAD_INPUT, "graphrun", self.rows_plan(), "--steps=1",
                              f"--eval={evaluation}")
        self.assertIn("'rows' has no state 'w1' to hand over", message)


class MetricsTest(LongRunTest):
    def test_a_line_every_few_steps_and_one_at_the_end(self):
        plan, losses = self.training_plan(), self.folder / "loss.npy"
        self.succeed("graphrun", plan, "--steps=33", f"--output=loss={losses}",
                     f"--metrics={self.metrics}", "--metrics-every=7")
        table = self.table()
        self.assertEqual(list(table[0]), ["step", "epoch", "loss"])
        self.assertEqual([line["step"] for line in table], ["7", "14", "21", "28", "33"])
        self.assertEqual([line["epoch"] for line in table], ["0", "0", "1", "1", "2"])
        loss = np.load(losses)
        for line in table:
            self.assertEqual(np.float32(line["loss"]), loss[int(line["step"]) - 1])

    def test_another_run_starts_a_new_table(self):
        plan = self.training_plan()
        for steps in (30, 20):
            self.succeed("graphrun", plan, f"--steps={steps}", f"--metrics={self.metrics}",
                         "--metrics-every=10")
        self.assertEqual([line["step"] for line in self.table()], ["10", "20"])


class ResumeTest(LongRunTest):
    def options(self, *more):
        return [f"--checkpoint={self.checkpoint}", "--checkpoint-every=20", "--resume",
                f"--metrics={self.metrics}", "--metrics-every=10", "--shuffle=3",
                f"--save-state={self.states}", *more]

    def results(self):
        return [path.read_bytes() for path in (self.states, self.checkpoint, self.metrics)]

    def test_a_run_that_is_killed_again_and_again_ends_as_if_it_never_was(self):
        seed = 8
        print(f"seed {seed}")
        dice = random.Random(seed)
        plan = self.training_plan()
        options = self.options("--steps=3000")
        self.succeed("graphrun", plan, *options)
        expected = self.results()
        for path in (self.states, self.checkpoint, self.metrics):
            path.unlink()
        # Where it is by then decides when a run is killed, so that a slow machine is no other test.
        num_kills = 0
        for line in sorted(dice.randrange(10, 200) for _ in range(8)):
            run = self.start(plan, *options)
            self.wait_for_line(line)
            time.sleep(dice.uniform(0, 0.02))
            run.kill()
            run.communicate()
            num_kills += run.returncode == -signal.SIGKILL
            if self.checkpoint.exists():
                read_safetensors(self.checkpoint)  # whole at any time
        self.assertGreaterEqual(num_kills, 3)
        self.succeed("graphrun", plan, *options)
        self.assertEqual(self.results(), expected)

    def test_a_longer_run_goes_on_where_a_shorter_one_ended(self):
        plan = self.training_plan()
        self.succeed("graphrun", plan, *self.options("--steps=90"))
        expected = self.results()
        for path in (self.states, self.checkpoint, self.metrics):
            path.unlink()
        losses = self.folder / "loss.npy"
        self.succeed("graphrun", plan, *self.options("--steps=50"))
        self.succeed("graphrun", plan, *self.options("--epochs=6", f"--output=loss={losses}"))
        self.assertEqual(self.results(), expected)
        self.assertEqual(np.load(losses).shape, (40,))  # of the steps of the second run

    def test_nothing_is_left_to_do(self):
        plan, losses = self.training_plan(), self.folder / "loss.npy"
        self.succeed("graphrun", plan, *self.options("--steps=50"))
        expected = self.results()
        run = self.start(plan, *self.options("--steps=50", f"--output=loss={losses}"))
        self.assertIn("no step was left to run", run.communicate()[1])
        self.assertEqual(run.returncode, OK)
        self.assertEqual(self.results(), expected)
        self.assertFalse(losses.exists())

    def test_the_resumed_steps_are_checked_from_where_they_start(self):
        plan = self.training_plan()
        self.succeed("graphrun", plan, *self.options("--steps=50"))
        self.succeed("graphrun", plan, *self.options("--steps=60", "--check"))

    def test_the_first_start_says_that_it_is_one(self):
        run = self.start(self.training_plan(), *self.options("--steps=1"))
        self.assertIn("there is no", run.communicate()[1])
        self.assertEqual(run.returncode, OK)

    def test_a_line_that_was_cut_off_is_written_again(self):
        plan = self.training_plan()
        self.succeed("graphrun", plan, *self.options("--steps=40"))
        expected = self.metrics.read_text()
        self.metrics.write_text(expected + "50,3,0.0\n6")
        self.succeed("graphrun", plan, *self.options("--steps=40"))
        self.assertEqual(self.metrics.read_text(), expected)

    def test_runs_that_cannot_go_on(self):
        plan = self.training_plan()
        self.succeed("graphrun", plan, *self.options("--steps=40"))
        before = self.results()
        other = self.training_plan("other.bin", **{"learning_rate: 0.5": "learning_rate: 0.25"})
        resume = [f"--checkpoint={self.checkpoint}", "--resume", "--steps=50"]
        for arguments, says in (
                ([plan, *resume], "shuffled with seed 3, those of this run are not shuffled"),
                ([plan, *resume, "--shuffle=4"], "seed 4"),
                ([other, *resume, "--shuffle=3"], "another graph"),
                ([plan, f"--checkpoint={self.states}", "--resume"], "it is not a checkpoint"),
                ([plan, f"--checkpoint={plan}", "--resume"], "not a valid safetensors file")):
            self.assertIn(says, self.refuse(BAD_INPUT, "graphrun", *arguments))
        self.metrics.write_text("step,epoch,accuracy\n")
        message = self.refuse(BAD_INPUT, "graphrun", plan, *self.options("--steps=50"))
        self.assertIn("other columns than step,epoch,loss", message)
        self.metrics.write_bytes(before[2])
        self.assertEqual(self.results(), before)


class SignalTest(LongRunTest):
    STEPS = 10_000_000

    def test_a_stopped_run_leaves_what_a_run_of_so_many_steps_leaves(self):
        plan, losses = self.training_plan(), self.folder / "loss.npy"
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            run = self.start(plan, f"--steps={self.STEPS}", f"--metrics={self.metrics}",
                             "--metrics-every=1", f"--checkpoint={self.checkpoint}",
                             f"--save-state={self.states}", f"--output=loss={losses}")
            self.wait_for_line(3)
            run.send_signal(number)
            message = run.communicate(timeout=TIMEOUT_S)[1]
            self.assertEqual(run.returncode, code, message)
            stopped = re.search(rf"stopped by {number.name} after step (\d+) of {self.STEPS};",
                                message)
            num_steps = int(stopped[1])
            self.assertEqual(len(self.table()), num_steps)
            self.assertEqual(np.load(losses).size, num_steps)
            written = [path.read_bytes() for path in (self.states, self.checkpoint, losses,
                                                      self.metrics)]
            self.succeed("graphrun", plan, f"--steps={num_steps}", f"--metrics={self.metrics}",
                         "--metrics-every=1", f"--checkpoint={self.checkpoint}",
                         f"--save-state={self.states}", f"--output=loss={losses}")
            for path, content in zip((self.states, self.checkpoint, losses, self.metrics), written):
                self.assertEqual(path.read_bytes(), content, path.name)
            self.metrics.unlink()

    def test_the_second_signal_ends_the_run_at_once(self):
        plan, losses = self.training_plan(), self.folder / "loss.npy"
        # After the first, the slow reference executor has all steps to check.
        run = self.start(plan, f"--steps={self.STEPS}", f"--metrics={self.metrics}",
                         "--metrics-every=1", "--check", f"--output=loss={losses}")
        self.wait_for_line(2000)
        run.send_signal(signal.SIGINT)
        time.sleep(0.3)
        run.send_signal(signal.SIGINT)
        message = run.communicate(timeout=TIMEOUT_S)[1]
        self.assertEqual(run.returncode, -signal.SIGINT, message)
        self.assertNotIn("stopped", message)
        self.assertFalse(losses.exists())


class DetectNanTest(LongRunTest):
    def diverging_plan(self):
        return self.training_plan("bad.bin", **{"learning_rate: 0.5": "learning_rate: 1.0e30"})

    def test_the_step_and_the_node_are_named_and_the_states_before_are_kept(self):
        plan, losses = self.diverging_plan(), self.folder / "loss.npy"
        self.succeed("graphrun", plan, "--steps=50", f"--output=loss={losses}")
        finite = np.isfinite(np.load(losses))
        self.assertTrue(finite[0])
        first_bad = int(np.argmin(finite))
        message = self.refuse(BAD_RESULT, "graphrun", plan, "--steps=50", "--detect-nan",
                              f"--save-state={self.states}", f"--metrics={self.metrics}",
                              "--metrics-every=1", f"--checkpoint={self.checkpoint}")
        self.assertRegex(message, rf"step {first_bad}: output 'loss' is not finite; "
                                  r"it comes from node '\w+' \(matmul of \w+, \w+\)")
        self.assertEqual(len(self.table()), first_bad)
        self.assertFalse(self.checkpoint.exists())
        before = self.folder / "before.safetensors"
        self.succeed("graphrun", plan, f"--steps={first_bad}", f"--save-state={before}")
        self.assertEqual(self.states.read_bytes(), before.read_bytes())
        for state in read_safetensors(self.states).values():
            self.assertTrue(np.isfinite(state).all())

    def test_a_row_that_is_no_number_is_named_as_an_input(self):
        plan = self.rows_plan()
        rows = np.load(self.folder / "x.npy")
        rows[9, 1] = np.inf
        np.save(self.folder / "x.npy", rows)
        message = self.refuse(BAD_RESULT, "graphrun", plan, "--epochs=2", "--detect-nan")
        self.assertIn("step 2: output 'total' is not finite; it comes from input 'x'", message)

    def test_a_run_that_stays_finite_is_not_changed(self):
        plan, other = self.training_plan(), self.folder / "other.safetensors"
        self.succeed("graphrun", plan, "--steps=60", f"--save-state={self.states}")
        self.succeed("graphrun", plan, "--steps=60", f"--save-state={other}", "--detect-nan")
        self.assertEqual(self.states.read_bytes(), other.read_bytes())


class UsageTest(LongRunTest):
    def test_options_that_contradict_each_other(self):
        plan = self.rows_plan()
        for options, says in (
                (["--steps=3", "--epochs=3"], "--steps and --epochs"),
                (["--eval-every=3"], "--eval-every means nothing without --eval"),
                (["--metrics-every=3"], "without --metrics"),
                (["--checkpoint-every=3"], "without --checkpoint"),
                (["--resume"], "--resume means nothing without --checkpoint"),
                (["--bench", "--epochs=3"], "--bench only measures"),
                (["--bench", "--detect-nan"], "--bench only measures"),
                (["--simulate", f"--metrics={self.metrics}"], "--simulate runs nothing"),
                ([f"--metrics={self.metrics}", f"--checkpoint={self.metrics}"], "both write"),
                (["--epochs=0"], "--epochs"), (["--shuffle=-1"], "--shuffle"),
                (["--shuffle=many"], "--shuffle=many: a seed is")):
            self.assertIn(says, self.refuse(BAD_USAGE, "graphrun", plan, *options))

    def test_files_that_cannot_be_written_are_found_before_the_run(self):
        nowhere = self.folder / "no" / "file"
        for option in ("--metrics", "--checkpoint"):
            message = self.refuse(BAD_MACHINE, "graphrun", self.rows_plan(), f"{option}={nowhere}")
            self.assertIn("no/file", message)

    def test_outputs_that_memory_cannot_hold_are_found_before_the_run(self):
        losses = self.folder / "loss.npy"
        message = self.refuse(BAD_MACHINE, "graphrun", self.training_plan(), f"--steps={2**40}",
                              f"--output=loss={losses}", f"--metrics={self.metrics}")
        self.assertIn("run fewer steps", message)
        self.assertFalse(self.metrics.exists())

    def test_inputs_without_a_common_epoch(self):
        np.save(self.folder / "x.npy", np.zeros((8, 2), np.float32))
        graph = self.folder / "graph.yaml"
        graph.write_text("""\
graph: uneven
inputs:
  a: {type: "f32[4, 2]", feed: x.npy}
  b: {type: "f32[2, 2]", feed: x.npy}
nodes:
  - {name: c, op: concat, inputs: [a, b]}
outputs: [c]
""")
        plan = self.compile(graph, "--machine", CPU, name="uneven.bin")
        message = self.refuse(BAD_INPUT, "graphrun", plan, "--epochs=1")
        self.assertIn("different numbers of rows", message)


if __name__ == "__main__":
    unittest.main()
