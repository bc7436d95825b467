"""There is no barrier between steps: a step starts before the one before it has ended.

    step s     ......[gpu0.stream0 ]......[cpu.worker0 ]
    step s+1        [cpu->gpu0]   [cpu.worker1]
                    ^ starts before the last instruction of step s has ended
"""

import json
import unittest

from support import GRAPHS, EndToEndTest


def events_by_step(trace):
    """Per step: (lane, start in us, end in us) of every instruction, from Chrome trace events."""
    lanes = {event["tid"]: event["args"]["name"] for event in trace["traceEvents"]
             if event["name"] == "thread_name"}
    steps = {}
    for event in trace["traceEvents"]:
        if event["ph"] != "X":
            continue
        span = (lanes[event["tid"]], event["ts"], event["ts"] + event["dur"])
        steps.setdefault(event["args"]["step"], []).append(span)
    return steps


def early_lanes(trace):
    """Lanes on which an instruction of a step starts before the step before it has ended."""
    steps = events_by_step(trace)
    found = set()
    for step, events in steps.items():
        if step - 1 not in steps:
            continue
        end = max(end for _, _, end in steps[step - 1])
        found.update(lane for lane, start, _ in events if start < end)
    return found


class OverlapTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.graph = GRAPHS / "mlp_figure.yaml"

    def expect_overlap(self, lanes):
        self.assertTrue(any("->" in lane for lane in lanes), f"on no link, only on {lanes}")
        self.assertTrue(any(lane.startswith("cpu.") for lane in lanes),
                        f"on no CPU worker, only on {lanes}")
        self.assertIn("feed", lanes)

    def test_the_predicted_schedule_overlaps_steps_on_links_and_on_the_cpu(self):
        trace = self.succeed("graphc", self.graph, "--emit=trace", "--steps=6")
        self.expect_overlap(early_lanes(json.loads(trace)))

    def test_a_run_overlaps_steps_on_links_and_on_the_cpu(self):
        path = self.folder / "trace.json"
        self.succeed("graphrun", self.compile(self.graph), "--steps=200", f"--trace={path}")
        self.expect_overlap(early_lanes(json.loads(path.read_text())))

    def test_with_a_barrier_no_step_starts_early(self):
        path = self.folder / "trace.json"
        self.succeed("graphrun", self.compile(self.graph), "--steps=20", "--barrier",
                     f"--trace={path}")
        self.assertEqual(early_lanes(json.loads(path.read_text())), set())


if __name__ == "__main__":
    unittest.main()
