"""Labels and tokens may come in any type of integers, if the input's holds every value."""

import unittest

import numpy as np

from support import EndToEndTest

GRAPH = """\
graph: sums
inputs:
  label: {type: "TYPE[2, 3]"FEED}
nodes:
  - {name: wide, op: cast, inputs: [label], to: i64}
  - {name: same, op: add, inputs: [label, label]}
outputs: [wide]
"""


class IntegerFeedsTest(EndToEndTest):
    def plan_of(self, element, feed=""):
        graph = self.folder / "graph.yaml"
        text = GRAPH.replace("TYPE", element).replace("FEED", feed)
        if element == "bool":
            text = text.replace("  - {name: same, op: add, inputs: [label, label]}\n", "")
        graph.write_text(text)
        return self.compile(graph)

    def rows(self, values, dtype):
        path = self.folder / "label.npy"
        np.save(path, np.array(values, dtype=dtype).reshape(-1, 3))
        return path

    def test_every_type_of_integers_that_fits_is_taken(self):
        values = [0, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1]
        for element in ("i32", "i64", "i8", "u8", "bool"):
            plan = self.plan_of(element)
            for dtype in (np.int32, np.int64, np.int8, np.uint8, np.bool_):
                with self.subTest(input=element, feed=dtype.__name__):
                    found = self.folder / "wide.npy"
                    rows = self.rows(values, dtype)
                    self.succeed("graphrun", plan, "--steps=2", f"--input=label={rows}",
                                 f"--output=wide={found}")
                    np.testing.assert_array_equal(np.load(found).ravel(), values)

    def test_a_feed_of_the_graph_is_converted_too(self):
        self.rows([[2 ** 31 - 1, -2 ** 31, 5], [6, 7, 8]], np.int64)
        plan = self.plan_of("i32", ", feed: label.npy")
        found = self.folder / "wide.npy"
        self.succeed("graphrun", plan, f"--output=wide={found}")
        np.testing.assert_array_equal(np.load(found)[0],
                                      [[2 ** 31 - 1, -2 ** 31, 5], [6, 7, 8]])

    def test_a_value_that_does_not_fit_is_named_with_its_row(self):
        plan = self.plan_of("i32")
        path = self.rows([[0, 1, 2], [3, 4, 5], [6, 2 ** 31, 7], [0, 0, 0]], np.int64)
        self.assertIn(f"{path}: row 2 has 2147483648, which no i32 is; input 'label' is i32[2, 3]",
                      self.refuse(1, "graphrun", plan, f"--input=label={path}"))
        path = self.rows([[0, 1, -1], [3, 4, 5]], np.int32)
        self.assertIn(f"{path}: row 0 has -1, which no u8 is",
                      self.refuse(1, "graphrun", self.plan_of("u8"), f"--input=label={path}"))

    def test_a_feed_of_the_graph_that_does_not_fit_is_refused_when_it_is_read(self):
        self.rows([[0, 1, 2], [3, -2 ** 31 - 1, 5]], np.int64)
        plan = self.plan_of("i32", ", feed: label.npy")
        error = self.refuse(1, "graphrun", plan)
        self.assertIn("feed of input 'label'", error)
        self.assertIn("row 1 has -2147483649, which no i32 is", error)

    def test_floats_stay_refused(self):
        path = self.rows([[0, 1, 2], [3, 4, 5]], np.float32)
        self.assertIn(".astype('int32')",
                      self.refuse(1, "graphrun", self.plan_of("i32"), f"--input=label={path}"))


if __name__ == "__main__":
    unittest.main()
