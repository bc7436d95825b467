"""Every example compiles, verifies and computes what the reference executor computes."""

import pathlib
import re
import shutil
import subprocess
import unittest

from support import BIN_DIR, EXAMPLES, GRAPHS, EndToEndTest

MACHINES = sorted((GRAPHS / "machines").glob("*.yaml"))
EMITTED = ("graph", "placed", "tasks", "schedule", "memory", "memory-svg", "memory-json", "sync",
           "dot", "svg", "trace")


def accepts(machine, graph):
    """Whether the machine has the devices that the graph is pinned to."""
    return all(f"{device}:" in machine.read_text() or device not in graph.read_text()
               for device in ("gpu0", "gpu1"))


class ExamplesTest(EndToEndTest):
    def test_results_equal_the_reference_executor(self):
        for graph in EXAMPLES:
            with self.subTest(graph=graph.name):
                plan = self.compile(graph)
                given = self.inputs_for(plan)
                steps = 1 if given else 5
                report = self.succeed("graphrun", plan, f"--steps={steps}", "--check", *given)
                self.assertIn("equal the reference", report)

    def test_plans_for_every_machine_verify(self):
        num_plans = 0
        for graph in EXAMPLES:
            for machine in MACHINES:
                if not accepts(machine, graph):
                    continue
                plan = self.compile(graph, "--machine", machine, compiler="graphc")
                self.succeed("graphdump", plan, "--verify")
                num_plans += 1
        self.assertGreaterEqual(num_plans, len(EXAMPLES))

    def test_the_plan_of_a_derived_transformer_verifies(self):
        plan = self.compile(GRAPHS / "text" / "transformer.yaml", compiler="graphc")
        self.succeed("graphdump", plan, "--verify")

    def test_every_level_can_be_printed_and_graph_and_schedule_read_back(self):
        for graph in EXAMPLES:
            for level in EMITTED:
                self.assertTrue(self.succeed("graphc", graph, f"--emit={level}"), level)
            schedule = self.folder / "printed.schedule"
            self.succeed("graphc", graph, "--emit=schedule", "-o", schedule)
            again = self.succeed("graphc", graph, "--schedule", schedule, "--emit=schedule")
            # Lane, order and stage are taken from the text; times are computed again.
            self.assertEqual(re.sub(r"start=.*", "", again),
                             re.sub(r"start=.*", "", schedule.read_text()))
            printed = self.folder / "printed.graph"
            self.succeed("graph-opt", graph, "-o", printed)
            self.assertEqual(self.succeed("graph-opt", printed), printed.read_text())

    @unittest.skipUnless(shutil.which("dot"), "Graphviz is not installed")
    def test_graphviz_draws_the_placed_graph(self):
        for graph in EXAMPLES:
            dot = self.succeed("graphc", graph, "--emit=dot")
            drawn = subprocess.run(["dot", "-Tsvg"], input=dot, text=True, capture_output=True,
                                   check=True)
            self.assertIn("</svg>", drawn.stdout)

    def test_a_plan_runs_where_it_is_moved_with_its_data(self):
        before = self.copy_of_graphs("before")
        self.succeed("graphc", before / "mlp_figure.yaml", "-o", before / "plan.bin")
        first = self.succeed("graphrun", before / "plan.bin", "--steps=3")
        after = pathlib.Path(shutil.move(before, self.folder / "after"))
        self.assertEqual(self.succeed("graphrun", after / "plan.bin", "--steps=3"), first)
        self.assertEqual(self.succeed("graphrun", "plan.bin", "--steps=3", cwd=after), first)

    def test_a_program_of_thirty_lines_runs_a_plan(self):
        if not (BIN_DIR / "graphrt_example").exists():
            self.fail("the example program is not built")
        printed = self.succeed("graphrt_example", self.compile(GRAPHS / "mlp_figure.yaml"))
        self.assertEqual(printed, "loss: f32[]\n")

    def test_every_program_has_help_and_a_version(self):
        for program in ("graphc", "graphrun", "graphdump", "graph-opt"):
            self.assertIn("--version", self.succeed(program, "--help"))
            self.assertRegex(self.succeed(program, "--version"), rf"^{program} \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    unittest.main()
