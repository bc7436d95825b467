#!/usr/bin/env python3
"""How long graphc takes on large graphs, and how that grows: for every shape n, 2n, 4n .. nodes, the
CPU seconds of one compilation, its largest memory, and the ratio to half as many nodes.

usage: bench_compile.py [--graphc PROGRAM] [--machine FILE] [--shapes A,B] [--first N] [--last N]
"""

import argparse
import pathlib
import random
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
STATE = '{type: "f32[8, 8]", init: {uniform: {low: -0.5, high: 0.5}}}'
LAYER = 100
THREE_INPUTS = ', formula: "add(mul(x0, x1), x2)"'


class Graph:
    def __init__(self):
        self.states, self.nodes, self.outputs = [f"x: {STATE}"], [], []

    def add(self, op, *inputs, extra=""):
        name = f"n{len(self.nodes)}"
        self.nodes.append(f"{{name: {name}, op: {op}, inputs: [{', '.join(inputs)}]{extra}}}")
        return name

    def different(self, value):
        """A node that no other is equal to."""
        return self.add("scale", value, extra=f", factor: {1 + len(self.nodes) / 7:.4f}")

    def text(self):
        lines = ["graph: g", "state:"] + [f"  {state}" for state in self.states]
        lines += ["nodes:"] + [f"  - {node}" for node in self.nodes]
        return "\n".join(lines) + f"\noutputs: [{', '.join(self.outputs)}]\n"


def chain(graph, n, _):
    last = "x"
    for i in range(n):
        last = graph.add("matmul", last, "x") if i % 2 else graph.add("softmax", last)
    graph.outputs = [last]


def fan_out(graph, n, _):
    first = graph.add("softmax", "x")
    graph.outputs = [graph.different(first) for _ in range(n - 1)]


def fan_in(graph, n, _):
    parts = [graph.different("x") for _ in range((n + 1) // 2)]
    last = parts[0]
    for part in parts[1:]:
        last = graph.add("matmul", last, part)
    graph.outputs = [last]


def states(graph, n, _):
    for i in range(n):
        graph.states.append(f'w{i}: {{type: "f32[8]", init: zeros}}')
        graph.add("scale", f"w{i}", extra=f", factor: 0.5, updates: w{i}")
    graph.outputs = ["n0"]


def independent(graph, n, _):
    for i in range(n):
        graph.states.append(f"w{i}: {STATE}")
        graph.outputs.append(graph.add("matmul", f"w{i}", "x"))


def layered(graph, n, choose, num_inputs=3):
    before = []
    while len(graph.nodes) < n:
        layer = []
        for _ in range(min(LAYER, n - len(graph.nodes))):
            inputs = [choose.choice(before) for _ in range(num_inputs)] if before else ["x"]
            if not before:
                layer.append(graph.different("x"))
            elif num_inputs == 2:
                layer.append(graph.add("matmul", *inputs))
            else:
                layer.append(graph.add("elementwise", *inputs, extra=THREE_INPUTS))
        before = layer
    graph.outputs = before


def wide(graph, n, choose):
    layered(graph, n, choose, num_inputs=2)


SHAPES = {shape.__name__: shape
          for shape in (chain, fan_out, fan_in, states, wide, independent, layered)}


def measure(command):
    """CPU seconds and MiB of a program that succeeds."""
    program = ("import resource, subprocess, sys\n"
               "code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode\n"
               "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
               "print(code, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024)")
    run = subprocess.run([sys.executable, "-c", program, *command], check=True, text=True,
                         capture_output=True)
    code, seconds, mebibytes = run.stdout.split()
    if code != "0":
        sys.exit(f"{' '.join(map(str, command))}: exit code {code}\n{run.stderr}")
    return float(seconds), int(mebibytes)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graphc", type=pathlib.Path,
                        default=ROOT / "build" / "release" / "bin" / "graphc")
    parser.add_argument("--machine", type=pathlib.Path)
    parser.add_argument("--shapes", default=",".join(SHAPES))
    parser.add_argument("--first", type=int, default=2500)
    parser.add_argument("--last", type=int, default=10000)
    options = parser.parse_args()
    print(f"{'shape':12}{'nodes':>8}{'CPU s':>8}{'MiB':>7}{'ratio':>7}")
    with tempfile.TemporaryDirectory() as folder:
        path, plan = pathlib.Path(folder) / "g.yaml", pathlib.Path(folder) / "g.bin"
        for name in options.shapes.split(","):
            before, n = None, options.first
            while n <= options.last:
                graph = Graph()
                SHAPES[name](graph, n, random.Random(1))
                path.write_text(graph.text())
                command = [options.graphc, path, "-o", plan]
                if options.machine:
                    command += ["--machine", options.machine]
                seconds, mebibytes = measure(command)
                ratio = f"{seconds / before:7.2f}" if before else ""
                print(f"{name:12}{n:8}{seconds:8.2f}{mebibytes:7}{ratio}", flush=True)
                before, n = seconds, 2 * n


if __name__ == "__main__":
    main()
