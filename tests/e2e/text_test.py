"""A small transformer, of which only the forward pass is written, learns a text."""

import subprocess
import sys
import unittest

import numpy as np

from support import GRAPHS, EndToEndTest

TEXT = GRAPHS / "data" / "text"
MAKE_TEXT = GRAPHS.parent / "tools" / "make_text.py"


class TextTest(EndToEndTest):
    def test_the_arrays_are_the_text(self):
        subprocess.run([sys.executable, MAKE_TEXT, TEXT / "constitution.txt", "-o", self.folder],
                       check=True, stdout=subprocess.DEVNULL)
        for name in ("x.npy", "next.npy", "characters.txt"):
            self.assertEqual((self.folder / name).read_bytes(), (TEXT / name).read_bytes(), name)

    def test_make_text_refuses_what_does_not_fill_a_row(self):
        short = self.folder / "short.txt"
        short.write_text("too short")
        run = subprocess.run([sys.executable, MAKE_TEXT, short], capture_output=True, text=True)
        self.assertEqual(run.returncode, 1)
        self.assertEqual(run.stderr, "make_text: error: 9 characters do not fill one row of 32\n")

    def test_the_derived_step_equals_the_reference(self):
        plan = self.compile(GRAPHS / "text" / "transformer.yaml")
        report = self.succeed("graphrun", plan, "--steps=2", "--check")
        self.assertIn("equal the reference", report)

    def test_it_learns(self):
        plan = self.compile(GRAPHS / "text" / "transformer.yaml")
        losses = self.folder / "loss.npy"
        self.succeed("graphrun", plan, "--steps=30", f"--output=loss={losses}")
        loss = np.load(losses)
        # Guessing among 66 characters costs log(66) = 4.19; knowing how often each occurs, 3.1.
        self.assertGreater(loss[0], 3.8)
        self.assertLess(loss[-1], 3.1)


if __name__ == "__main__":
    unittest.main()
