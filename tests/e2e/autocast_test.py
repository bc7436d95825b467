"""A training step in bf16 is that of PyTorch's autocast, to the rounding of bf16."""

import pathlib
import unittest

import numpy as np

import precision_cases
from gradient_cases import run_case, values_in
from support import EndToEndTest

WANTED = np.load(pathlib.Path(__file__).parent / "data" / "torch_precision.npz")
BF16_ROUNDING = 2.0 ** -9  # of one number, at most, relative to it


def distance(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


class AutocastTest(EndToEndTest):
    def step(self, case, precision):
        """The loss, and the gradients of the parameters by name."""
        # Velocities start at zero: after one step they are the gradients, bit for bit.
        train = f"momentum, learning_rate: 1, momentum: 0.9, precision: {precision}"
        state, losses = run_case(self, f"{case.name}_{precision}", case, values_in(WANTED, case),
                                 train, 1)
        return losses[0], {name: state[f"{name}.momentum"] for name in case.parameters}

    def test_a_step_in_f32_is_the_exact_one_to_rounding(self):
        for case in precision_cases.CASES:
            loss, gradients = self.step(case, "f32")
            np.testing.assert_allclose(loss, WANTED[f"{case.name}/exact/loss"], rtol=1e-6)
            for name, gradient in gradients.items():
                with self.subTest(model=case.name, gradient=name):
                    exact = WANTED[f"{case.name}/exact/gradient/{name}"]
                    self.assertLess(distance(gradient, exact), 2e-6)

    def test_a_step_in_bf16_is_that_of_autocast_to_rounding(self):
        for case in precision_cases.CASES:
            loss, gradients = self.step(case, "bf16")
            # Autocast rounds the logarithms of the probabilities to bf16, which are near 3.
            for kind in ("exact", "autocast"):
                np.testing.assert_allclose(loss, WANTED[f"{case.name}/{kind}/loss"],
                                           rtol=2 * BF16_ROUNDING)
            for name, gradient in gradients.items():
                with self.subTest(model=case.name, gradient=name):
                    exact, autocast = (WANTED[f"{case.name}/{kind}/gradient/{name}"]
                                       for kind in ("exact", "autocast"))
                    theirs = distance(autocast, exact)
                    ours = distance(gradient, exact)
                    # It is bf16. Autocast keeps sums and norms in f32; we store those in bf16, too.
                    self.assertGreater(ours, BF16_ROUNDING / 10)
                    self.assertLess(ours, 2 * theirs + 2 * BF16_ROUNDING)
                    self.assertLess(distance(gradient, autocast), 1.5 * (ours + theirs))


if __name__ == "__main__":
    unittest.main()
