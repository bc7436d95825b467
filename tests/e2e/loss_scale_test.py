"""Training in f16: the scale of the loss, the steps that are skipped for it, and how it ends."""

import csv
import shutil
import unittest

import numpy as np

from support import GRAPHS, EndToEndTest, read_safetensors, shortened

OK, BAD_INPUT, BAD_USAGE, BAD_MACHINE, BAD_RESULT = range(5)
ROWS, BATCH, INPUTS, HIDDEN, OUTPUTS = 240, 4, 3, 8, 2
STEPS = ROWS // BATCH
FIRST, EVERY = 2.0 ** 24, 4
RATE = 0.01
TWO_GPUS = GRAPHS / "machines" / "cpu-2gpu.yaml"
OF_SCALE = {"train.loss_scale", "train.streak"}
SCALE = f"{{first: {FIRST}, growth: 2, backoff: 0.5, every: {EVERY}}}"

OPTIMIZERS = {
    "sgd": "optimizer: sgd, weight_decay: 0.01",
    "momentum": "optimizer: momentum, weight_decay: 0.01, clip_norm: 0.5",
    "adam": "optimizer: adam, clip_norm: 0.5",
    "adamw": "optimizer: adamw",
}
SCHEDULE = "{schedule: cosine, base: 0.01, warmup: 5, steps: 60}"


def train_of(optimizer="optimizer: sgd", rate=RATE, scale=SCALE, precision="f16"):
    return (f"{{loss: loss, {optimizer}, learning_rate: {rate}, precision: {precision}, "
            f"loss_scale: {scale}}}")


def graph_of(train, parallel="", init="{uniform: {low: -0.5, high: 0.5}}"):
    return f"""graph: scaled
seed: 3
inputs:
  x: {{type: "f32[{BATCH}, {INPUTS}]", feed: x.npy}}
  t: {{type: "f32[{BATCH}, {OUTPUTS}]", feed: t.npy}}
state:
  w1: {{type: "f32[{INPUTS}, {HIDDEN}]", init: {init}}}
  w2: {{type: "f32[{HIDDEN}, {OUTPUTS}]", init: {init}}}
nodes:
  - {{name: fc1, op: matmul, inputs: [x, w1]}}
  - {{name: h, op: relu, inputs: [fc1]}}
  - {{name: y, op: matmul, inputs: [h, w2]}}
  - {{name: loss, op: mse, inputs: [y, t]}}
train: {train}
{parallel}
outputs: [loss]
"""


def rounded(array):
    """To f16 and back; what it does not hold is infinite."""
    with np.errstate(over="ignore"):
        return np.asarray(array).astype(np.float16).astype(np.float64)


class Model:
    """The same network, and the rule of PyTorch's GradScaler, in NumPy."""

    def __init__(self, states):
        self.w1 = states["w1"].astype(np.float64)
        self.w2 = states["w2"].astype(np.float64)
        self.scale = np.float32(FIRST)
        self.num_good = 0
        self.num_taken = 0

    def gradients(self, x, t):
        x, w1, w2 = rounded(x), rounded(self.w1), rounded(self.w2)
        fc1 = rounded(x @ w1)
        h = np.maximum(fc1, 0)
        y = rounded(h @ w2)
        g = rounded(np.float64(self.scale) * 2 / y.size * (y - t))
        with np.errstate(invalid="ignore"):
            return x.T @ np.where(fc1 > 0, rounded(g @ w2.T), 0), h.T @ g

    def step(self, x, t):
        gradients = self.gradients(x, t)
        if not all(np.isfinite(g).all() for g in gradients):
            self.scale *= np.float32(0.5)
            self.num_good = 0
            return
        self.w1 -= RATE * gradients[0] / np.float64(self.scale)
        self.w2 -= RATE * gradients[1] / np.float64(self.scale)
        self.num_taken += 1
        self.num_good += 1
        if self.num_good == EVERY:
            self.scale *= np.float32(2)
            self.num_good = 0


class LossScaleTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        random = np.random.default_rng(7)
        self.x = random.standard_normal((ROWS, INPUTS)).astype(np.float32)
        self.t = random.standard_normal((ROWS, OUTPUTS)).astype(np.float32)
        self.t[100:104] *= 200  # the 26th step and the 41st want what is far away
        self.t[160:164] *= 50
        np.save(self.folder / "x.npy", self.x)
        np.save(self.folder / "t.npy", self.t)

    def plan_of(self, name, train, parallel="", *arguments, **options):
        graph = self.folder / f"{name}.yaml"
        graph.write_text(graph_of(train, parallel, **options))
        return self.compile(graph, *arguments, name=f"{name}.bin")

    def run_to(self, plan, steps, *arguments):
        """The states after so many steps, and what was printed."""
        states = self.folder / "after.safetensors"
        printed = self.succeed("graphrun", plan, f"--steps={steps}", f"--save-state={states}",
                               *arguments)
        return read_safetensors(states), printed

    def trajectory(self, plan, steps=STEPS):
        """The states before each step and after the last, each from a checkpoint of the one before."""
        checkpoint = self.folder / "c.safetensors"
        checkpoint.unlink(missing_ok=True)
        states = []
        for step in range(steps + 1):
            self.succeed("graphrun", plan, f"--steps={step}", f"--checkpoint={checkpoint}",
                         "--resume", "--quiet")
            states.append(read_safetensors(checkpoint))
        return states

    def test_steps_are_skipped_and_scaled_as_by_a_model(self):
        plan = self.plan_of("sgd", train_of())
        states = self.trajectory(plan)
        model = Model(states[0])
        num_skipped = 0
        for step in range(STEPS):
            rows = slice(step * BATCH, (step + 1) * BATCH)
            model.step(self.x[rows], self.t[rows])
            after = states[step + 1]
            self.assertEqual(after["train.loss_scale"], model.scale, step)
            self.assertEqual(after["train.step"], model.num_taken, step)
            np.testing.assert_allclose(after["w1"], model.w1, rtol=1e-3, atol=1e-4)
            np.testing.assert_allclose(after["w2"], model.w2, rtol=1e-3, atol=1e-4)
            if after["train.step"] > states[step]["train.step"]:
                continue
            num_skipped += 1
            for name, value in after.items():
                if name not in OF_SCALE:
                    self.assertEqual(value.tobytes(), states[step][name].tobytes(), name)
        self.assertGreater(num_skipped, 12)
        self.assertLess(num_skipped, STEPS // 2)
        # In one run the same bits, and the report says what came of the scale.
        whole, printed = self.run_to(plan, STEPS)
        for name, value in whole.items():
            self.assertEqual(value.tobytes(), states[-1][name].tobytes(), name)
        self.assertIn(f"loss scale = {int(model.scale)}; {num_skipped} of {STEPS} steps skipped\n",
                      printed)

    def test_every_optimizer_skips_a_step_as_a_whole(self):
        for name, optimizer in OPTIMIZERS.items():
            for rate in (RATE, SCHEDULE):
                with self.subTest(optimizer=name, rate=rate):
                    plan = self.plan_of(name, train_of(optimizer, rate))
                    self.check_skips(self.trajectory(plan, 32))
                    _, printed = self.run_to(plan, 32, "--check")
                    self.assertIn("equal the reference", printed)

    def check_skips(self, states):
        num_skipped = 0
        for before, after in zip(states, states[1:]):
            changed = {name for name in after if after[name].tobytes() != before[name].tobytes()}
            if after["train.streak"] < 0:
                num_skipped += 1
                self.assertEqual(changed, OF_SCALE)
                self.assertEqual(after["train.loss_scale"], before["train.loss_scale"] / 2)
            else:
                self.assertTrue(changed >= {"w1", "w2", "train.step", "train.streak"})
        self.assertGreater(num_skipped, 8)  # the first ones, and the 26th step
        self.assertLess(num_skipped, 24)

    def test_unscaled_gradients_are_those_without_a_scale(self):
        # A power of two changes no bit in f32.
        for name, optimizer in OPTIMIZERS.items():
            if "clip_norm" in optimizer:
                continue  # a quotient of other numbers
            with self.subTest(optimizer=name):
                scaled = self.plan_of("scaled", train_of(optimizer, scale=1024, precision="f32"))
                plain = train_of(optimizer, precision="f32").replace(f", loss_scale: {SCALE}", "")
                wanted, _ = self.run_to(self.plan_of("plain", plain), 20)
                found, printed = self.run_to(scaled, 20)
                self.assertIn("loss scale = 1024; 0 of 20 steps skipped\n", printed)
                for parameter in ("w1", "w2"):
                    np.testing.assert_array_equal(found[parameter], wanted[parameter])

    def test_devices_agree_on_what_is_skipped(self):
        expected = self.trajectory(self.plan_of("one", train_of("optimizer: adamw")), 30)[-1]
        for update_on in ("cpu", "each", "shards"):
            for clip in ("", ", clip_norm: 0.5"):
                with self.subTest(update_on=update_on, clip=clip):
                    parallel = f"parallel: {{batch: [gpu0, gpu1], update_on: {update_on}}}"
                    plan = self.plan_of("two", train_of("optimizer: adamw" + clip), parallel,
                                        "--machine", TWO_GPUS)
                    states, printed = self.run_to(plan, 30, "--devices=emulated", "--check")
                    self.assertIn("equal the reference", printed)
                    for name in OF_SCALE | {"train.step"}:
                        self.assertEqual(states[name], expected[name], name)

    def test_a_run_that_was_stopped_goes_on_with_the_same_bits(self):
        plan = self.plan_of("adam", train_of(OPTIMIZERS["adam"], SCHEDULE))
        whole, _ = self.run_to(plan, STEPS)
        checkpoint = self.folder / "c.safetensors"
        for stop in (3, 27, STEPS):  # while the scale shrinks, behind a skipped step, at the end
            self.succeed("graphrun", plan, f"--steps={stop}", f"--checkpoint={checkpoint}",
                         "--resume")
        for name, value in read_safetensors(checkpoint).items():
            self.assertEqual(value.tobytes(), whole[name].tobytes(), name)

    def hopeless_plan(self):
        """From the fifth step on, inputs are beyond f16."""
        self.x[4 * BATCH:] = 1e6
        np.save(self.folder / "x.npy", self.x)
        return self.plan_of("hopeless", train_of(scale="{first: 1024}"))

    def test_after_twenty_skipped_steps_in_a_row_the_run_ends(self):
        plan = self.hopeless_plan()
        metrics, checkpoint = self.folder / "m.csv", self.folder / "c.safetensors"
        states, four = self.folder / "s.safetensors", self.run_to(plan, 4)[0]
        said = self.refuse(BAD_RESULT, "graphrun", plan, "--steps=50", f"--metrics={metrics}",
                           "--metrics-every=1", f"--checkpoint={checkpoint}",
                           "--checkpoint-every=5", f"--save-state={states}")
        last = 4 + 19
        self.assertIn(f"step {last}: the 20th in a row that is skipped, as its gradients are not "
                      f"finite, with a loss scale of {1024 / 2 ** 19} by now; that comes from node "
                      "'x.f16' (cast of x)", said)
        with metrics.open() as table:
            steps = [int(line["step"]) for line in csv.DictReader(table)]
        self.assertEqual(steps, list(range(1, last + 1)))
        # The last checkpoint that was due, of what was trained before.
        kept = read_safetensors(checkpoint)
        self.assertEqual(kept["train.streak"], -16)
        for name in ("w1", "w2"):
            self.assertEqual(kept[name].tobytes(), four[name].tobytes())
        self.assertFalse(states.exists())
        # One step less is not the end.
        found, printed = self.run_to(plan, last)
        self.assertIn(f"19 of {last} steps skipped", printed)
        self.assertEqual(found["train.streak"], -19)
        # Where the run stood when it went on does not matter.
        again = shutil.copy(checkpoint, self.folder / "again.safetensors")
        self.assertIn(f"step {last}: the 20th", self.refuse(
            BAD_RESULT, "graphrun", plan, "--steps=50", f"--checkpoint={again}", "--resume"))

    def test_a_fixed_scale_gives_up_as_well(self):
        self.x[:] = 1e6
        np.save(self.folder / "x.npy", self.x)
        plan = self.plan_of("fixed", train_of(scale=64))
        said = self.refuse(BAD_RESULT, "graphrun", plan, "--steps=50")
        self.assertIn("step 19: the 20th in a row that is skipped", said)
        self.assertIn("with a loss scale of 64 by now", said)

    def test_digits_are_learnt_as_well_as_in_f32(self):
        graphs = self.copy_of_graphs()
        graph = graphs / "mlp_single.yaml"
        losses = {}
        text = (graphs / "mlp.yaml").read_text()
        for precision in ("f32", "f16"):
            graph.write_text(text.replace("learning_rate: 0.5",
                                          f"learning_rate: 0.5, precision: {precision}"))
            plan = self.compile(graph, name=f"graphs/{precision}.bin")
            out = self.folder / f"{precision}.npy"
            self.succeed("graphrun", plan, f"--steps={shortened(300)}", f"--output=loss={out}")
            losses[precision] = np.load(out)[-20:].mean()
        np.testing.assert_allclose(losses["f16"], losses["f32"], rtol=0.01)


if __name__ == "__main__":
    unittest.main()
