"""States of one type of floats in a plan, and of another in a file: refused, or cast with --cast."""

import json
import struct
import unittest

import numpy as np

from support import EndToEndTest, read_safetensors

OK, BAD_INPUT, BAD_USAGE = range(3)

GRAPH = """graph: states
inputs: {x: {type: "f32[1, 3]", feed: x.npy}}
state:
  w: {type: "TYPE[1, 3]", init: zeros}
  v: {type: "f32[1, 3]", init: zeros}
nodes:
  - {name: x_as_w, op: cast, inputs: [x], to: TYPE}
  - {name: w_next, op: add, inputs: [w, x_as_w], updates: w}
  - {name: v_next, op: add, inputs: [v, x], updates: v}
  - {name: total, op: sum, inputs: [w_next]}
outputs: [total]
"""


def bf16_bits(array):
    """Of f32, rounded to the nearest, of two equally near to the even one."""
    bits = np.asarray(array, np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def bits_in(path, name):
    """Of a tensor of 16 bits in a safetensors file."""
    content = path.read_bytes()
    (header_bytes,) = struct.unpack("<Q", content[:8])
    begin, end = json.loads(content[8:8 + header_bytes])[name]["data_offsets"]
    return np.frombuffer(content[8 + header_bytes:][begin:end], np.uint16)


class StateTypesTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        np.save(self.folder / "x.npy", np.array([[1, 257, 1 / 3]], np.float32).repeat(4, axis=0))
        self.wide = self.plan_of("f32")
        self.short = self.plan_of("bf16")
        self.half = self.plan_of("f16")
        self.states = self.folder / "s.safetensors"
        self.after = self.folder / "after.safetensors"

    def plan_of(self, element):
        graph = self.folder / f"{element}.yaml"
        graph.write_text(GRAPH.replace("TYPE", element))
        return self.compile(graph, name=f"{element}.bin")

    def test_states_of_another_type_are_refused(self):
        self.succeed("graphrun", self.short, f"--save-state={self.states}")
        said = self.refuse(BAD_INPUT, "graphrun", self.wide, f"--load-state={self.states}")
        self.assertIn(f"{self.states}: state 'w' is f32[1, 3] in the plan and bf16[1, 3] in the file; "
                      "--cast converts it", said)
        self.assertNotIn("'v'", said)

    def test_states_are_cast_to_more_bits_exactly(self):
        self.succeed("graphrun", self.short, f"--save-state={self.states}")
        done = self.succeed("graphrun", self.wide, "--steps=0", f"--load-state={self.states}",
                            "--cast", f"--save-state={self.after}")
        self.assertEqual(done, "")
        bits = bits_in(self.states, "w").astype(np.uint32) << 16
        np.testing.assert_array_equal(read_safetensors(self.after)["w"][0], bits.view(np.float32))

    def test_states_are_rounded_to_fewer_bits(self):
        self.succeed("graphrun", self.wide, "--steps=3", f"--save-state={self.states}")
        wide = read_safetensors(self.states)["w"][0]
        self.succeed("graphrun", self.short, "--steps=0", f"--load-state={self.states}", "--cast",
                     f"--save-state={self.after}")
        np.testing.assert_array_equal(bits_in(self.after, "w"), bf16_bits(wide))
        self.succeed("graphrun", self.half, "--steps=0", f"--load-state={self.states}", "--cast",
                     f"--save-state={self.after}")
        np.testing.assert_array_equal(bits_in(self.after, "w"),
                                      wide.astype(np.float16).view(np.uint16))

    def test_one_line_says_how_many_were_cast(self):
        self.succeed("graphrun", self.wide, f"--save-state={self.states}")
        for plan, line in ((self.short, f"1 state of {self.states} is cast"), (self.wide, None)):
            done = self.call_ok(plan, "--steps=1", f"--load-state={self.states}", "--cast")
            if line:
                self.assertIn(line, done)
            else:
                self.assertNotIn("cast", done)

    def call_ok(self, plan, *arguments):
        """What a run says on standard error."""
        return self.refuse(OK, "graphrun", plan, *arguments)

    def test_a_checkpoint_of_other_types_goes_on_with_cast_alone(self):
        checkpoint = self.folder / "c.safetensors"
        for plan, other in ((self.short, self.wide), (self.wide, self.short)):
            checkpoint.unlink(missing_ok=True)
            self.succeed("graphrun", plan, "--steps=2", f"--checkpoint={checkpoint}")
            resume = (f"--checkpoint={checkpoint}", "--resume", "--steps=4")
            said = self.refuse(BAD_INPUT, "graphrun", other, *resume)
            self.assertRegex(said, rf"cannot resume from '{checkpoint}': state 'w' is b?f\d+\[1, 3\] "
                                   r"in the plan and b?f\d+\[1, 3\] in the file; --cast converts it")
            said = self.call_ok(other, *resume, "--cast")
            self.assertIn("at step 2", said)
            self.assertIn("1 state of", said)
            np.testing.assert_allclose(read_safetensors(checkpoint)["v"], [[4, 1028, 4 / 3]], 1e-6)

    def test_numbers_beyond_the_type_are_refused(self):
        np.save(self.folder / "x.npy", np.array([[1, 7e4, 1]], np.float32))
        self.succeed("graphrun", self.wide, f"--save-state={self.states}")
        said = self.refuse(BAD_INPUT, "graphrun", self.half, f"--load-state={self.states}", "--cast")
        self.assertIn(f"{self.states}: state 'w' has numbers that f16 does not hold, the first at "
                      "element 1", said)

    def test_cast_belongs_to_states(self):
        self.assertIn("--cast means nothing without --load-state=FILE or --resume",
                      self.refuse(BAD_USAGE, "graphrun", self.wide, "--cast"))


if __name__ == "__main__":
    unittest.main()
