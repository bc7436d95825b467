"""A real network learns real digits, and every loss on the way is the one that NumPy computes."""

import re
import unittest

import numpy as np

from support import COMPILER, GRAPHS, EndToEndTest, read_safetensors, shortened

DIGITS = GRAPHS / "data" / "digits"
BATCH = 100
LEARNING_RATE = np.float32(0.5)


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def numpy_losses(w1, w2, num_steps):
    """The losses of plain training in float32 on the whole batch, not divided among devices."""
    images = np.load(DIGITS / "train_images.npy")
    labels = np.load(DIGITS / "train_labels.npy")
    rows = np.arange(BATCH)
    losses = []
    for step in range(num_steps):
        # Step s of a feed with N rows reads rows (s B + i) mod N.
        batch = (step * BATCH + rows) % len(images)
        x, label = images[batch], labels[batch]
        hidden = np.maximum(x @ w1, 0)
        probability = softmax(hidden @ w2)
        losses.append(-np.log(probability[rows, label]).mean())
        output_gradient = probability.copy()
        output_gradient[rows, label] -= 1
        output_gradient /= np.float32(BATCH)
        hidden_gradient = (output_gradient @ w2.T) * (hidden > 0)
        w2 = w2 - LEARNING_RATE * (hidden.T @ output_gradient)
        w1 = w1 - LEARNING_RATE * (x.T @ hidden_gradient)
    return np.array(losses, dtype=np.float32)


class TrainingTest(EndToEndTest):
    def test_450_steps_reach_97_percent_on_images_that_training_has_not_seen(self):
        weights, digits = self.folder / "w.safetensors", self.folder / "digit.npy"
        plan = self.compile(GRAPHS / "mlp_figure.yaml")
        self.succeed("graphrun", plan, "--steps=450", f"--save-state={weights}")
        evaluation = self.compile(GRAPHS / "mlp_eval.yaml", name="eval.bin")
        self.succeed("graphrun", evaluation, f"--load-state={weights}", f"--output=digit={digits}")
        right = np.load(digits).ravel() == np.load(DIGITS / "test_labels.npy")
        self.assertEqual(right.size, 297)
        self.assertGreaterEqual(right.mean(), 0.97)

    def test_the_first_50_losses_equal_a_numpy_run_from_the_same_weights(self):
        initial, losses = self.folder / "w0.safetensors", self.folder / "loss.npy"
        plan = self.compile(GRAPHS / "mlp_figure.yaml")
        self.succeed("graphrun", plan, "--steps=0", f"--save-state={initial}")
        self.succeed("graphrun", plan, "--steps=50", f"--output=loss={losses}")
        weights = read_safetensors(initial)
        expected = numpy_losses(weights["w1"], weights["w2"], 50)
        self.assertLess(expected[-1], expected[0])  # it learns at all
        np.testing.assert_allclose(np.load(losses), expected, rtol=0, atol=1e-4)

    def test_a_derived_backward_pass_trains_as_the_one_written_by_hand(self):
        summaries, losses = [], []
        graphs = self.copy_of_graphs("undivided")
        derived = graphs / "mlp.yaml"
        derived.write_text(re.sub(r"parallel: .*", "", derived.read_text()))
        for name in ("mlp", "mlp_single"):
            plan, loss = self.folder / f"{name}.bin", self.folder / f"{name}.npy"
            summary = self.succeed(COMPILER, graphs / f"{name}.yaml", "-o", plan)
            summaries.append(summary.removeprefix(name))
            self.succeed("graphrun", plan, "--steps=200", f"--output=loss={loss}")
            losses.append(np.load(loss))
        # As many tasks, as long a step, as busy lanes, as much memory.
        self.assertEqual(*summaries)
        self.assertLess(losses[0][-1], losses[0][0] / 2)
        np.testing.assert_array_equal(*losses)

    def test_a_divided_batch_trains_as_the_whole_one(self):
        graphs = self.copy_of_graphs("divided")
        text = (graphs / "mlp.yaml").read_text()
        forms = {"whole": "", "figure": "parallel: {batch: [gpu0, gpu1], update_on: cpu}",
                 "each": "parallel: {batch: [gpu0, gpu1], update_on: each}",
                 "shards": "parallel: {batch: [gpu0, gpu1], update_on: shards}",
                 "uneven": "parallel: {batch: {gpu1: 70, gpu0: 30}}",
                 "auto": "parallel: auto",
                 "layers": "parallel: {layers: {gpu0: [fc1, h1], gpu1: [fc2, loss]}}"}
        losses, weights = {}, {}
        for form, line in forms.items():
            graph, plan = graphs / f"{form}.yaml", self.folder / f"{form}.bin"
            graph.write_text(re.sub(r"parallel: .*", line, text))
            self.succeed(COMPILER, graph, "-o", plan)
            loss, state = self.folder / f"{form}.npy", self.folder / f"{form}.safetensors"
            report = self.succeed("graphrun", plan, f"--steps={shortened(200)}", "--check",
                                  f"--output=loss={loss}", f"--save-state={state}")
            self.assertIn("equal the reference", report)
            losses[form], weights[form] = np.load(loss), state.read_bytes()
        for form in forms:
            np.testing.assert_allclose(losses[form], losses["whole"], rtol=1e-3, err_msg=form)
            # The same names, so one form can go on where another stopped.
            self.assertEqual(len(weights[form]), len(weights["whole"]))
        self.assertNotEqual(weights["figure"], weights["whole"])

    def test_losses_are_those_of_the_reference_executor(self):
        # --check compares every loss and, at the end, every weight, to 1e-4.
        steps = shortened(200)
        for name in ("mlp", "mlp_figure"):
            report = self.succeed("graphrun", self.compile(GRAPHS / f"{name}.yaml"),
                                  f"--steps={steps}", "--check")
            self.assertRegex(report, rf"tensors of {steps} steps equal the reference")

    def test_every_optimizer_learns_and_computes_what_the_reference_computes(self):
        step = "{schedule: step, base: 0.1, warmup: 10, every: 40, factor: 0.5}"
        cosine = "{schedule: cosine, base: 0.01, warmup: 10, steps: 90, final: 0.001}"
        cases = {
            "sgd": "learning_rate: 0.5, weight_decay: 0.0001, clip_norm: 1",
            "momentum": f"learning_rate: {step}",
            "adam": "learning_rate: 0.01",
            "adamw": f"learning_rate: {cosine}, clip_norm: 1",
        }
        graphs = self.copy_of_graphs("optimizers")
        text = (graphs / "mlp.yaml").read_text()
        for optimizer, settings in cases.items():
            with self.subTest(optimizer=optimizer):
                train = f"train: {{loss: loss, optimizer: {optimizer}, {settings}}}"
                graph = graphs / f"{optimizer}.yaml"
                graph.write_text(re.sub(r"train: .*", train, text))
                plan, loss = self.folder / f"{optimizer}.bin", self.folder / f"{optimizer}.npy"
                self.succeed(COMPILER, graph, "-o", plan)
                report = self.succeed("graphrun", plan, "--steps=3", "--check")
                self.assertIn("equal the reference", report)
                self.succeed("graphrun", plan, "--steps=100", f"--output=loss={loss}")
                losses = np.load(loss)
                self.assertLess(losses[-10:].mean(), losses[0] / 4)

    def test_a_difference_says_when_rounding_moves_the_number(self):
        # The gradient of a number that is added to all scores is zero, and rounding; Adam divides
        # it by its own size.
        graph, plan = self.folder / "shift.yaml", self.folder / "shift.bin"
        graph.write_text("""graph: shift
inputs: {x: {type: "f32[64, 32]"}, label: {type: "i32[64]"}}
state:
  w: {type: "f32[32, 10]", init: xavier}
  s: {type: "f32[1]", init: zeros}
nodes:
  - {name: scores, op: matmul, inputs: [x, w]}
  - {name: shifted, op: add, inputs: [scores, s]}
  - {name: loss, op: softmax_cross_entropy, inputs: [shifted, label]}
train: {loss: loss, optimizer: adam, learning_rate: 0.05}
outputs: [loss]
""")
        random = np.random.default_rng(1)
        np.save(self.folder / "x.npy", random.random((256, 32), np.float32))
        np.save(self.folder / "label.npy", random.integers(0, 10, 256).astype(np.int32))
        self.succeed(COMPILER, graph, "-o", plan)
        error = self.refuse(4, "graphrun", plan, "--steps=20", "--check",
                            f"--input=x={self.folder / 'x.npy'}",
                            f"--input=label={self.folder / 'label.npy'}")
        self.assertIn("state 's' after step 19 at [0]: the plan gives ", error)
        self.assertRegex(error, r"rounding moves this number: with its results rounded otherwise "
                                r"the reference gives -?[\d.e-]+ to [\d.e-]+")

    def test_the_size_of_a_gradient_does_not_matter_to_adam_and_to_clipping(self):
        # Of gradients of 5e19 f32 does not hold the squares, nor of 1e-24.
        for size, step in (("5e19", 0.5), ("3e37", 0.5), ("1e3", 0.5), ("1e-24", 1e-31)):
            for optimizer in (f"sgd, learning_rate: 0.1, clip_norm: {20 * step}",
                              f"adam, learning_rate: {step}, epsilon: 1e-35"):
                with self.subTest(optimizer=optimizer, size=size):
                    graph = self.folder / "large.yaml"
                    graph.write_text(f"""graph: large
state:
  c: {{type: "f32[3]", init: {{constant: {size}}}}}
  w: {{type: "f32[3]", init: zeros}}
  v: {{type: "f32[]", init: zeros}}
nodes:
  - {{name: p, op: mul, inputs: [c, w]}}
  - {{name: q, op: sum, inputs: [p]}}
  - {{name: r, op: scale, inputs: [v], factor: {size}}}
  - {{name: loss, op: add, inputs: [q, r]}}
  - {{name: moved, op: scale, inputs: [v], factor: {-1 / step}}}
train: {{loss: loss, optimizer: {optimizer}, parameters: [v, w]}}
outputs: [moved]
""")
                    plan, end = self.compile(graph), self.folder / "end.safetensors"
                    self.succeed("graphrun", plan, "--steps=4", "--check", "--detect-nan",
                                 f"--save-state={end}")
                    for name in ("v", "w"):
                        moved = read_safetensors(end)[name] / np.float32(-step)
                        np.testing.assert_allclose(moved, 4, rtol=1e-5)

    def test_saved_weights_continue_a_run_where_it_stopped(self):
        plan = self.compile(GRAPHS / "mlp_figure.yaml")
        # 15 steps of 100 rows are one pass over the 1500 images, so a second run starts with the
        # rows that step 15 of a longer one reads.
        middle, end, whole = (self.folder / f"{name}.safetensors" for name in ("a", "b", "c"))
        self.succeed("graphrun", plan, "--steps=15", f"--save-state={middle}")
        self.succeed("graphrun", plan, "--steps=15", f"--load-state={middle}",
                     f"--save-state={end}")
        self.succeed("graphrun", plan, "--steps=30", f"--save-state={whole}")
        self.assertEqual(end.read_bytes(), whole.read_bytes())


if __name__ == "__main__":
    unittest.main()
