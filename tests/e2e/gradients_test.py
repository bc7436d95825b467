"""Derived gradients and optimizers compute what PyTorch computes, to float32's rounding."""

import pathlib
import re
import unittest

import numpy as np

import gradient_cases
from gradient_cases import run_case, values_in
from support import EndToEndTest

WANTED = np.load(pathlib.Path(__file__).parent / "data" / "torch_gradients.npz")
TOLERANCE = {"rtol": 1e-5, "atol": 2e-6}


class GradientsTest(EndToEndTest):
    def run_graph(self, name, case, train, num_steps, parallel=""):
        """The state after some steps, and the losses."""
        return run_case(self, name, case, values_in(WANTED, case), train, num_steps, parallel)

    def test_gradients_are_those_of_pytorch(self):
        for case in gradient_cases.CASES:
            with self.subTest(graph=case.name):
                # Velocities start at zero: after one step they are the gradients, bit for bit.
                state, losses = self.run_graph(
                    case.name, case, "momentum, learning_rate: 1, momentum: 0.9", 1)
                np.testing.assert_allclose(losses[0], WANTED[f"{case.name}/loss"], **TOLERANCE)
                for name in case.parameters:
                    np.testing.assert_allclose(state[f"{name}.momentum"],
                                               WANTED[f"{case.name}/gradient/{name}"], **TOLERANCE)

    def test_a_divided_batch_has_the_gradients_of_pytorch(self):
        case = gradient_cases.LABELLED_BATCH
        for first in range(1, 8):
            label = WANTED[f"{case.name}/value/label"]
            counts = [int((part != 4).sum()) for part in (label[:first], label[first:])]
            for place in ("", ", update_on: each"):
                with self.subTest(first=first, counts=counts, place=place):
                    state, losses = self.run_graph(
                        f"{case.name}{first}{len(place)}", case,
                        "momentum, learning_rate: 1, momentum: 0.9", 1,
                        f"{{batch: {{gpu0: {first}, gpu1: {8 - first}}}{place}}}")
                    np.testing.assert_allclose(losses[0], WANTED[f"{case.name}/loss"], **TOLERANCE)
                    for name in case.parameters:
                        np.testing.assert_allclose(state[f"{name}.momentum"],
                                                   WANTED[f"{case.name}/gradient/{name}"],
                                                   **TOLERANCE)
        # In the first of these ways, the first device had no label that counts.
        self.assertEqual(WANTED[f"{case.name}/value/label"][0], 4)

    def test_optimizers_take_the_steps_of_pytorch(self):
        for case in gradient_cases.OPTIMIZER_CASES:
            with self.subTest(optimizer=case.name):
                state, _ = self.run_graph(case.name, gradient_cases.REGRESSION, case.train,
                                          gradient_cases.NUM_STEPS)
                for name in gradient_cases.REGRESSION.parameters:
                    np.testing.assert_allclose(state[name], WANTED[f"{case.name}/after/{name}"],
                                               **TOLERANCE)

    def test_every_operator_with_a_gradient_is_compared(self):
        root = pathlib.Path(__file__).parents[2]
        rules = (root / "compiler" / "autodiff" / "gradient_rules.cpp").read_text()
        functions = (root / "runtime" / "op" / "element_functions.def").read_text()
        composites = (root / "runtime" / "op" / "composites.def").read_text()
        differentiable = {
            *re.findall(r'GradientRow\{"(\w+)"', rules),
            # Those whose first gradient is not empty.
            *re.findall(r'^GRAPHC_ELEMENT_FUNCTION\((\w+),[^"]*"[^"]', functions, re.MULTILINE),
            *re.findall(r"^GRAPHC_COMPOSITE\((\w+)", composites, re.MULTILINE)}
        self.assertGreater(len(differentiable), 40)
        text = "\n".join(case.nodes for case in gradient_cases.CASES)
        compared = {part.split(",")[0].strip() for part in text.split("op:")[1:]}
        # What dropout drops is a matter of its random numbers. What casts and selects do is exact:
        # finite differences see to them.
        self.assertEqual(differentiable - compared, {"cast", "dropout", "select"})


if __name__ == "__main__":
    unittest.main()
