"""What the end-to-end tests share: calling the programs and reading what they write."""

import json
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import unittest

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN_DIR = pathlib.Path(os.environ.get("GRAPHC_BIN_DIR", ROOT / "build" / "release" / "bin"))
# What compiles a graph where a test only wants its plan: under sanitizers, a program that is not
# slowed down. What is asked of graphc itself, BIN_DIR's answers.
COMPILER = os.environ.get("GRAPHC_COMPILER", "graphc")
IS_SANITIZED = "GRAPHC_IS_SANITIZED" in os.environ
GRAPHS = ROOT / "graphs"
EXAMPLES = sorted(GRAPHS.glob("*.yaml"))

# A program that hangs fails its test, also when a sanitizer makes it slow.
TIMEOUT_S = 600


def shortened(number):
    """How many of many steps or compiles: under sanitizers a tenth, elsewhere all."""
    return number // 10 if IS_SANITIZED else number


def call(program, *arguments, cwd=None, env=None):
    """Runs one of our programs; what it printed and how it ended."""
    command = [str(BIN_DIR / program), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env={**os.environ, **(env or {})}, text=True,
                          capture_output=True, timeout=TIMEOUT_S, check=False)


def read_safetensors(path):
    """The float32 and int32 tensors of a safetensors file, read by hand.

    Layout: 8 bytes length of the header (little-endian), the header as JSON, the data.
    """
    content = pathlib.Path(path).read_bytes()
    (header_bytes,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8:8 + header_bytes])
    data = content[8 + header_bytes:]
    dtypes = {"F32": np.float32, "I32": np.int32}
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] not in dtypes:
            continue
        begin, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[begin:end], dtypes[entry["dtype"]]).reshape(
            entry["shape"])
    return tensors


class EndToEndTest(unittest.TestCase):
    """A test with a folder of its own, and programs that are expected to succeed."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="graphc-e2e-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def succeed(self, program, *arguments, **options):
        """Runs a program and asserts exit code 0; returns what it printed to stdout."""
        done = call(program, *arguments, **options)
        self.assertEqual(done.returncode, 0, f"{done.args}\n{done.stdout}{done.stderr}")
        return done.stdout

    def refuse(self, code, program, *arguments, **options):
        """Runs a program and asserts its exit code; returns what it printed to stderr."""
        done = call(program, *arguments, **options)
        self.assertEqual(done.returncode, code, f"{done.args}\n{done.stdout}{done.stderr}")
        return done.stderr

    def compile(self, graph, *arguments, name="plan.bin", compiler=COMPILER):
        """Compiles a graph into the test's folder; the path of the plan."""
        plan = self.folder / name
        self.succeed(compiler, graph, "-o", plan, *arguments)
        return plan

    def dump(self, plan):
        """The plan as Python values."""
        return json.loads(self.succeed("graphdump", plan, "--json"))

    def copy_of_graphs(self, name="graphs"):
        """A copy of the examples with their machines and data, to change or to move."""
        return pathlib.Path(shutil.copytree(GRAPHS, self.folder / name))

    def inputs_for(self, plan):
        """`--input` options with random arrays for the inputs that have no feed."""
        random = np.random.default_rng(1)
        options = []
        for given in self.dump(plan)["inputs"]:
            if given["feed_path"] is not None:
                continue
            element, dimensions = given["type"].rstrip("]").split("[")
            shape = [int(size) for size in dimensions.split(",") if size]
            array = (random.standard_normal(shape).astype(np.float32) if element == "f32"
                     else random.integers(0, 2, shape).astype(np.int32))
            path = self.folder / f"{given['name']}.npy"
            np.save(path, array)
            options.append(f"--input={given['name']}={path}")
        return options
