"""Same input, same bytes; same plan, same bits, however it is run."""

import random
import re
import unittest

from support import EXAMPLES, GRAPHS, EndToEndTest, shortened

GRAPH = GRAPHS / "mlp_figure.yaml"
# Nothing of this may show in a plan.
ENVIRONMENTS = [
    {"LC_ALL": "C", "TZ": "UTC"},
    {"LC_ALL": "C.UTF-8", "LANG": "de_DE.UTF-8", "OMP_NUM_THREADS": "1"},
    {"OMP_NUM_THREADS": "7", "OPENBLAS_NUM_THREADS": "3", "HOME": "/nonexistent"},
    {"MALLOC_PERTURB_": "165", "TZ": "Asia/Tokyo", "COLUMNS": "40", "TMPDIR": "/nonexistent"},
]


class CompilerDeterminismTest(EndToEndTest):
    def test_many_compiles_in_two_places_give_the_same_bytes(self):
        plans = set()
        places = [self.copy_of_graphs("first"), self.copy_of_graphs("second/further/down")]
        for i in range(shortened(100)):
            place, environment = places[i % 2], ENVIRONMENTS[i % len(ENVIRONMENTS)]
            self.succeed("graphc", "mlp_figure.yaml", "-o", "plan.bin", cwd=place, env=environment)
            plans.add((place / "plan.bin").read_bytes())
        self.assertEqual(len(plans), 1)

    def test_how_the_paths_are_written_does_not_matter(self):
        graphs = self.copy_of_graphs()
        plan = graphs / "plan.bin"
        calls = [
            (graphs, "mlp_figure.yaml", "plan.bin"),
            (graphs, "./mlp_figure.yaml", plan),
            (graphs.parent, "graphs/mlp_figure.yaml", "graphs/plan.bin"),
            (graphs / "data", "../mlp_figure.yaml", "../plan.bin"),
            (graphs / "data", graphs / "mlp_figure.yaml", plan),
        ]
        plans = []
        for cwd, graph, output in calls:
            self.succeed("graphc", graph, "-o", output, cwd=cwd)
            plans.append(plan.read_bytes())
        for (_, graph, output), content in zip(calls, plans):
            self.assertEqual(content, plans[0], f"graphc {graph} -o {output}")

    def test_no_absolute_path_enters_a_plan(self):
        plan = self.compile(GRAPH)
        self.assertNotIn(str(self.folder).encode(), plan.read_bytes())
        for given in self.dump(plan)["inputs"]:
            self.assertFalse(given["feed_path"].startswith("/"), given)

    def test_node_order_changes_the_step_time_by_less_than_1_percent(self):
        seed = 20
        print(f"seed {seed}")
        shuffle = random.Random(seed).shuffle
        graphs = self.copy_of_graphs()
        for example in EXAMPLES:
            lines = example.read_text().splitlines()
            places = [i for i, line in enumerate(lines) if re.match(r"\s*- \{name:", line)]
            self.assertGreater(len(places), 1, example.name)
            expected = self.interval_ns(example)
            for _ in range(shortened(10)):
                order = list(places)
                shuffle(order)
                shuffled = list(lines)
                for to, source in zip(places, order):
                    shuffled[to] = lines[source]
                path = graphs / example.name
                path.write_text("\n".join(shuffled) + "\n")
                self.assertLess(abs(self.interval_ns(path) - expected), 0.01 * expected,
                                f"{example.name}, seed {seed}")

    def interval_ns(self, graph):
        return self.dump(self.compile(graph))["predicted_interval_ns"]


class RunDeterminismTest(EndToEndTest):
    def results(self, plan, *options, steps=60, env=None):
        """Losses and final weights of a run, as bytes."""
        loss, weights = self.folder / "loss.npy", self.folder / "w.safetensors"
        self.succeed("graphrun", plan, f"--steps={steps}", f"--output=loss={loss}",
                     f"--save-state={weights}", *options, env=env)
        return loss.read_bytes(), weights.read_bytes()

    def test_pipelined_steps_and_as_many_with_a_barrier_give_the_same_bits(self):
        plan = self.compile(GRAPH)
        stages = {instruction["stage"] for instruction in self.dump(plan)["instructions"]}
        self.assertGreater(len(stages), 1, "the plan overlaps steps, or this compares nothing")
        steps = shortened(1000)
        expected = self.results(plan, steps=steps)
        self.assertEqual(self.results(plan, steps=steps), expected)
        self.assertEqual(self.results(plan, "--barrier", steps=steps), expected)

    def test_one_operation_at_a_time_gives_the_same_bits(self):
        for example in (GRAPH, GRAPHS / "mlp.yaml"):
            beside = self.compile(example)
            serial = self.compile(example, "--serial", name="serial.bin")
            self.assertGreater(self.dump(serial)["predicted_interval_ns"],
                               self.dump(beside)["predicted_interval_ns"])
            self.assertEqual(self.results(serial), self.results(beside), example.name)

    def test_every_run_gives_the_same_bits(self):
        plan = self.compile(GRAPH)
        expected = self.results(plan)
        for environment in ENVIRONMENTS:
            self.assertEqual(self.results(plan, env=environment), expected, environment)

    def test_the_number_of_cpu_workers_changes_no_bit(self):
        machine = (GRAPHS / "machines" / "cpu-2gpu.yaml").read_text()
        results = set()
        for workers in (1, 2, 4):
            path = self.folder / f"workers{workers}.yaml"
            path.write_text(re.sub(r"workers: \d+", f"workers: {workers}", machine))
            plan = self.compile(GRAPH, "--machine", path)
            lanes = [lane["name"] for lane in self.dump(plan)["lanes"]]
            self.assertEqual(sum(name.startswith("cpu.worker") for name in lanes), workers)
            results.add(self.results(plan))
        self.assertEqual(len(results), 1)


if __name__ == "__main__":
    unittest.main()
