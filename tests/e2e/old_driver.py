"""A driver that is too old for this build: said before anything starts, with what to do.

usage: old_driver.py FOLDER, which holds a libcuda.so.1 that stands for that driver
"""

import os
import sys
import unittest

from support import GRAPHS, EndToEndTest

BAD_MACHINE = 3


class OldDriverTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.plan = self.compile(GRAPHS / "mlp_single.yaml", "--machine",
                                 GRAPHS / "machines" / "cpu-1gpu.yaml")
        os.environ["LD_LIBRARY_PATH"] = FOLDER

    def test_every_program_says_so(self):
        for command in (["graphrun", self.plan, "--devices=cuda"], ["graphrun", self.plan],
                        ["graphprobe", "-o", self.folder / "machine.yaml"]):
            message = self.refuse(BAD_MACHINE, *command)
            self.assertIn("driver supports CUDA 12.4, and this build needs 13.", message)
            self.assertIn("update the driver", message)
        self.assertFalse((self.folder / "machine.yaml").exists())

    def test_emulated_gpus_need_no_driver(self):
        self.succeed("graphrun", self.plan, "--devices=emulated", "--steps=1", "--check")


if __name__ == "__main__":
    FOLDER = sys.argv.pop(1)
    unittest.main()
