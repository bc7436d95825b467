#!/usr/bin/env python3
"""bench_gpu.py [--only PREFIX,...] [--no-peers] [--peer-timeout S]: times a bundle's workloads beside its peers.

Run it in a folder that tools/gpu_bundle.sh made, on a machine with GPUs. Every figure is from this
run on this machine: compare ratios, not milliseconds. Ours is the median of graphrun --bench; a
peer's is what its script prints. Writes bench.txt and bench.json beside itself.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent

# Steps between two synchronisations, and repetitions: one isolated run for what stands alone, the
# steady state for training steps.
ISOLATED = (1, 15)
STEADY = {"small": (200, 5), "medium": (100, 5), "large": (20, 5)}

PEER_SCRIPTS = ["torch_baseline.py", "jax_baseline.py", "steady_torch.py", "steady_jax.py"]

# Our workload: what its time is compared with. A list is peers' lines, by pattern, of which the
# fastest counts; a text names other workloads of ours, of which the slowest counts.
COMPARISONS = {
    "e1": [r"E1 (cpu then gpu|gpu then cpu)|jax E1 (cpu & gpu|gpu & cpu)"],
    "e1_cpu": [r"E1 cpu alone"],
    "e1_gpu": [r"E1 gpu alone"],
    "e1b": [r"E1b gpu0 & gpu1", "e1b_one"],
    "e1b_one": [r"E1b gpu0( 50x.*)?$"],
    "e2": [r"E2 run\+copy", "e2_compute"],
    "e2_compute": [r"E2 run on gpu"],
    "e2a": [r"E2 run\+copy"],
    "e3_small_single": [r"100x784x256x10 (one|1) GPU.*(fed|4 steps)"],
    "e3_medium_single": [r"4096x1024x4096x1024 (one|1) GPU.*fed"],
    "e3_large_single": [r"16384x4096x4096x4096 (one|1) GPU.*fed"],
    "e3_small_replicated": [r"100x784x256x10 (two|2) GPU.*fed"],
    "e3_medium_replicated": [r"4096x1024x4096x1024 (two|2) GPU.*(fed|prefetching)"],
    "e3_large_replicated": [r"16384x4096x4096x4096 (two|2) GPU.*(fed|prefetching)"],
    "e3_medium_figure": [r"4096x1024x4096x1024 figure"],
    "e3_large_figure": [r"16384x4096x4096x4096 figure"],
    **{f"e3_{size}_auto": [rf"{shape} (one|1|two|2) GPU.*(fed|4 steps|prefetching)",
                           f"e3_{size}_single", f"e3_{size}_replicated", f"e3_{size}_figure"]
       for size, shape in (("small", "100x784x256x10"), ("medium", "4096x1024x4096x1024"),
                           ("large", "16384x4096x4096x4096"))},
    "x1": ["x1_serial"],
    "x3": ["x3_cpu,x3_gpu,x3_copies", "x3_serial"],
    **{f"x5_{name}": [f"x5_{name}_serial"]
       for name in ("diamonds", "in_place", "shared_input", "skips", "wide_narrow")},
    **{f"x2_{n}_gpu": [rf"X2 200 indep {n}\^3 matmul (?!cpu)"] for n in (32, 64, 128, 256, 512)},
    **{f"x2_{n}_cpu": [rf"X2 200 indep {n}\^3 matmul cpu"] for n in (32, 64, 128, 256, 512)},
}

PEER_LINE = re.compile(r"^(.+?)\s+(?:med\s+)?([0-9.]+)\s+(?:min|ms a step).*$")
OWN_LINE = re.compile(r"^\S+: ([0-9.]+) (ns|us|ms|s) a step \(median\)")
LAUNCH_LINE = re.compile(r"^launched as recorded graphs: (\d+) of (\d+) nodes for (\d+) steps, "
                         r"([0-9.]+) (ns|us|ms|s) of the host", re.MULTILINE)
MILLISECONDS = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3}


def run(command, timeout):
    """The output of a command; what went wrong, if it failed."""
    try:
        done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=timeout,
                              check=False)
    except subprocess.TimeoutExpired as late:
        return (late.stdout or b"").decode(), f"took more than {timeout} s"
    return done.stdout, "" if done.returncode == 0 else done.stderr.strip()[-400:]


def own_time(plan, launches):
    """Milliseconds a step, or why there are none; what launching cost goes into `launches`."""
    name = plan.stem
    steps, repetitions = ISOLATED
    inputs = []
    if name.startswith("e3_"):
        size = name.split("_")[1]
        steps, repetitions = STEADY[size]
        if not (HERE / f"x_{size}.npy").exists():
            run([sys.executable, "make_batches.py", size], 120)
        inputs = ["--input", f"x=x_{size}.npy", "--input", f"label=label_{size}.npy"]
    output, problem = run(["bin/graphrun", str(plan), "--devices=cuda", f"--steps={steps}",
                           f"--bench={repetitions}", *inputs], 120)
    found = OWN_LINE.match(output)
    if problem or not found:
        return None, problem or output[:200]
    launched = LAUNCH_LINE.search(output)
    if launched:
        launches[name] = {"launches": int(launched[1]), "nodes": int(launched[2]),
                          "steps": int(launched[3]),
                          "us": float(launched[4]) * MILLISECONDS[launched[5]] * 1e3}
    return float(found[1]) * MILLISECONDS[found[2]], ""


def peer_times(timeout_s):
    """Milliseconds by the name that a peer's script prints, in the order printed."""
    times = {}
    for script in PEER_SCRIPTS:
        if not (HERE / "peers" / script).exists():
            continue
        output, problem = run([sys.executable, f"peers/{script}"], timeout_s)
        if problem:
            print(f"peers/{script}: {problem}", flush=True)
        for line in output.splitlines():
            found = PEER_LINE.match(line)
            if found:
                times[found[1].strip()] = float(found[2])
                print(line, file=sys.stderr, flush=True)
    return times


def baseline(comparison, ours, peers):
    """The name and time that a workload is compared with; None without one."""
    if comparison.split(",")[0] in ours:
        names = [name for name in comparison.split(",") if ours.get(name)]
        return max(((ours[name], name) for name in names), default=None)
    matches = [(time, name) for name, time in peers.items() if re.search(comparison, name)]
    return min(matches, default=None)


def table(ours, peers):
    """A line for each comparison of each workload."""
    lines = [f"{'workload':24} {'ms':>10}  {'ratio':>6}  compared with"]
    for name, time in ours.items():
        if time is None:
            continue
        rows = [baseline(item, ours, peers) for item in COMPARISONS.get(name, [])]
        rows = [row for row in rows if row] or [None]
        for row in rows:
            against = f"{time / row[0]:6.3f}  {row[1]} ({row[0]:.4g} ms)" if row else ""
            lines.append(f"{name:24} {time:10.4f}  {against}".rstrip())
    return "\n".join(lines)


def launch_table(launches):
    """What one launch of a recorded graph costs the host, beside 5 us + 0.01 us a node."""
    lines = [f"{'workload':24} {'steps':>6} {'nodes':>7} {'us':>8} {'allowed':>8}   a launch"]
    for name, cost in launches.items():
        steps, nodes, us = (cost[key] / cost["launches"] for key in ("steps", "nodes", "us"))
        lines.append(f"{name:24} {steps:6.1f} {nodes:7.0f} {us:8.1f} {5 + 0.01 * nodes:8.1f}")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="prefixes of workloads, with commas between")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--peer-timeout", type=float, default=150, metavar="S",
                        help="seconds for each peer's script; what it printed until then counts")
    arguments = parser.parse_args()
    prefixes = tuple(arguments.only.split(","))
    os.environ.setdefault("CUDA_MODULE_LOADING", "EAGER")
    ours, launches = {}, {}
    left_out = []
    for plan in sorted((HERE / "plans").glob("*.bin")):
        if not plan.stem.startswith(prefixes) or plan.stem == "mlp_figure":
            continue
        ours[plan.stem], problem = own_time(plan, launches)
        print(f"{plan.stem}: {ours[plan.stem]} ms", file=sys.stderr, flush=True)
        if "and this machine has" in problem:
            left_out.append(plan.stem)
        elif problem:
            print(f"{plan.stem}: {problem}", flush=True)
    if left_out:
        print("need more GPUs than this machine has: " + ", ".join(left_out), flush=True)
    peers = {} if arguments.no_peers else peer_times(arguments.peer_timeout)
    text = table(ours, peers) + "\n\n" + launch_table(launches)
    print(text)
    (HERE / "bench.txt").write_text(text + "\n")
    measured = {"ours": ours, "peers": peers, "launches": launches}
    (HERE / "bench.json").write_text(json.dumps(measured, indent=1) + "\n")


if __name__ == "__main__":
    main()
