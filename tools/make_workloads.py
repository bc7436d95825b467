#!/usr/bin/env python3
"""make_workloads.py [--check]: writes the reference workloads, graphs/workloads/*.yaml.

They are graphs as a user would write them, of many nodes that differ in a number: written by a
program, so that none of them has a slip. The same program gives the same files. With --check
nothing is written. Exit codes: 0 fine, 1 with --check: a file differs, is missing or is not ours.
"""

import argparse
import pathlib
import sys

from workload_file import SMALL, UNIFORM, Workload

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "graphs" / "workloads"


def add_products(graph, prefix, count, size, device):
    """`count` products of one matrix with itself; the results stay on the device."""
    operand = graph.state(f"x_{prefix}", [size, size])
    for i in range(count):
        graph.result(f"{prefix}{i:0{len(str(count - 1))}}", [size, size], "matmul",
                     [operand, operand], device)


def e1(name, comment, devices):
    """Products on a CPU and on a GPU."""
    graph = Workload(name, "h200-x1", comment)
    for device, prefix, size in (("cpu", "c", 2000), ("gpu0", "g", 6000)):
        if device in devices:
            add_products(graph, prefix, 10, size, device)
    return graph


def all_e1():
    """CPU compute beside GPU compute; two GPUs beside each other."""
    yield e1("e1", """Ten products of a 2000x2000 matrix with itself on the CPU and ten of a
        6000x6000 one on a GPU. Nothing is shared: the CPU should compute while the GPU computes,
        and the step should take as long as the longer of e1_cpu and e1_gpu. For the CPU of h200-x2
        (`graphc --machine`) both are about as much work. The results stay where they are computed,
        as states.""", ["cpu", "gpu0"])
    yield e1("e1_cpu", """The CPU's part of e1 alone: ten products of a 2000x2000 matrix with
        itself.""", ["cpu"])
    yield e1("e1_gpu", """The GPU's part of e1 alone: ten products of a 6000x6000 matrix with
        itself.""", ["gpu0"])
    for name, machine, gpus, comment in (
            ("e1b", "h200-x2", 2, """Fifty products of a 4000x4000 matrix with itself on each of two
             GPUs. Nothing is shared: the step should take as long as that of e1b_one."""),
            ("e1b_one", "h200-x1", 1, """One GPU's part of e1b alone: fifty products of a 4000x4000
             matrix with itself.""")):
        graph = Workload(name, machine, comment)
        for gpu in range(gpus):
            add_products(graph, "ab"[gpu], 50, 4000, f"gpu{gpu}")
        yield graph


def e2(name, machine, comment, device, starts_on=None):
    """Products of which all results end in the host's memory; where their operand starts."""
    graph = Workload(name, machine, comment)
    if starts_on:
        # Every device could have a state of its own, filled in before the step.
        operand = graph.node("x", "copy", graph.state("x_before", [6000, 6000]), device=starts_on,
                             keep=True)
    else:
        operand = graph.state("x", [6000, 6000])
    for i in range(10):
        graph.node(f"y{i}", "matmul", [operand, operand], keep=True, device=device)
        graph.deliver(f"{{value: y{i}, device: cpu}}")
    return graph


def all_e2():
    """Compute beside the copies of its results."""
    yield e2("e2", "h200-x1", """Ten products of one 6000x6000 matrix on a GPU, each result
        delivered to the host. A result should travel while the next is computed: the step should
        take as long as e2_compute, and the copy of the last result.""", "gpu0")
    yield e2("e2a", "h200-x2", """The ten results of e2 wanted on the host, the products not pinned:
        the compiler may use both GPUs, both host links and the link between the GPUs, and should
        take about half the time of e2. What is pinned is where x starts: gpu0 makes it in every
        step.""", None, starts_on="gpu0")
    compute = Workload("e2_compute", "h200-x1", """e2 without the copies: ten products of one
        6000x6000 matrix; the results stay on the GPU.""")
    add_products(compute, "y", 10, 6000, "gpu0")
    yield compute


SIZES = {"small": (100, 784, 256, 10), "medium": (4096, 1024, 4096, 1024),
         "large": (16384, 4096, 4096, 4096)}

GIVE = """The arrays are large and random, so they are given at run time: `graphrun
    --input x=x.npy --input label=label.npy`, each with the rows of at least four batches,
    {rows}. No loss comes out, only weights (`--save-state`)."""


def layers(graph, x, label, weights, gradient_scale, suffix, device):
    """Forward and backward pass of a batch or of a part of one; the gradients of both layers."""
    w1, w2 = weights

    def node(name, op, inputs, **keys):
        return graph.node(name + suffix, op, inputs, **keys, device=device)

    fc1 = node("fc1", "matmul", [x, w1])
    h1 = node("h1", "relu", fc1)
    fc2 = node("fc2", "matmul", [h1, w2])
    ograd2 = node("ograd2", "softmax_cross_entropy_grad", [fc2, label], scale=gradient_scale)
    wgrad2 = node("wgrad2", "matmul", [h1, ograd2], transpose_a=True)
    hgrad = node("hgrad", "matmul", [ograd2, w2], transpose_b=True)
    ograd1 = node("ograd1", "relu_grad", [hgrad, h1])
    wgrad1 = node("wgrad1", "matmul", [x, ograd1], transpose_a=True)
    return wgrad1, wgrad2


def e3_graph(name, machine, comment, size):
    """The inputs of a training step; weights and nodes are to be added."""
    batch, num_inputs, _, _ = SIZES[size]
    graph = Workload(name, machine, comment + GIVE.format(rows=4 * batch))
    graph.input("x", [batch, num_inputs])
    graph.input("label", [batch], "i32")
    return graph


def add_weights(graph, size, suffix="", like=None):
    """Weights of both layers, random or with the first values of the weights `like`."""
    _, num_inputs, hidden, num_outputs = SIZES[size]
    names = []
    for layer, shape in ((1, [num_inputs, hidden]), (2, [hidden, num_outputs])):
        init = (f"{{he_normal: {{seed: {layer}}}}}" if like is None
                else f"{{same_as: w{layer}{like}}}")
        names.append(graph.state(f"w{layer}{suffix}", shape, init))
    return names


def add_halves(graph, size, weights):
    """Each GPU computes the gradients of its half of the batch: (wgrad1, wgrad2) by GPU."""
    batch = SIZES[size][0]
    gradients = []
    for gpu in (0, 1):
        graph.note(f"GPU {gpu}: its half of the batch, cut out on the device the compiler chooses.")
        part = dict(begin=gpu * batch // 2, end=(gpu + 1) * batch // 2)
        x = graph.node(f"x_{gpu}", "slice", "x", **part)
        label = graph.node(f"label_{gpu}", "slice", "label", **part)
        gradients.append(layers(graph, x, label, weights[gpu], 1 / batch, f"_{gpu}", f"gpu{gpu}"))
    return gradients


def add_update(graph, weights, gradients, suffix, device):
    """Sums what the GPUs found and updates weights; those of the second layer are ready first."""
    for layer in (2, 1):
        w = weights[layer - 1]
        total = graph.node(f"wgrad{layer}{suffix}", "add", [g[layer - 1] for g in gradients],
                           device=device)
        graph.node(f"{w}_new", "sgd_update", [w, total], learning_rate=0.01, updates=w,
                   device=device)


def e3_figure(size):
    """Weights and sums on the CPU."""
    graph = e3_graph(f"e3_{size}_figure", "h200-x2", """One training step of a two-layer perceptron
        on a CPU and two GPUs: each GPU computes the gradients of its half of the batch, the CPU
        sums them, updates the weights and sends them back. The second layer's sum, update and
        copies should run while the GPUs are still in the first layer's backward pass, and the next
        batch should be read and travel while this one computes. """, size)
    weights = add_weights(graph, size)
    gradients = add_halves(graph, size, [weights, weights])
    graph.note("CPU: sum the gradients and update; copies to the GPUs are never written.")
    add_update(graph, weights, gradients, "", "cpu")
    return graph


def e3_replicated(size):
    """Weights on both GPUs."""
    graph = e3_graph(f"e3_{size}_replicated", "h200-x2", """One training step of a two-layer
        perceptron on two GPUs, each with weights of its own that stay equal: the GPUs send each
        other the gradients of their halves of the batch, and each sums and updates for itself. The
        second layer's exchange should run while the first layer's backward pass computes, and the
        next batch should be read and travel while this one computes. """, size)
    weights = [add_weights(graph, size, "_0"), add_weights(graph, size, "_1", like="_0")]
    gradients = add_halves(graph, size, weights)
    for gpu in (0, 1):
        graph.note(f"GPU {gpu}: sum in the same order on both, so that both get the same bits.")
        add_update(graph, weights[gpu], gradients, f"_sum_{gpu}", f"gpu{gpu}")
    return graph


def e3_single(size):
    """One GPU."""
    graph = e3_graph(f"e3_{size}_single", "h200-x1", """One training step of a two-layer perceptron
        on one GPU. The next batch should be read and travel while this one computes. """, size)
    weights = add_weights(graph, size)
    gradients = layers(graph, "x", "label", weights, 1 / SIZES[size][0], "", "gpu0")
    for layer in (2, 1):
        w = weights[layer - 1]
        graph.node(f"{w}_new", "sgd_update", [w, gradients[layer - 1]], learning_rate=0.01,
                   updates=w, device="gpu0")
    return graph


def e3_auto(size):
    """What the others write out, derived."""
    graph = e3_graph(f"e3_{size}_auto", "h200-x2", f"""The training step of e3_{size}_single,
        e3_{size}_figure and e3_{size}_replicated, as the compiler derives it: gradients and updates
        from `train`, and from `parallel` whether and how the batch is divided over the GPUs. """,
        size)
    w1, w2 = add_weights(graph, size)
    hidden = graph.node("h1", "relu", graph.node("fc1", "matmul", ["x", w1]))
    graph.node("loss", "softmax_cross_entropy", [graph.node("fc2", "matmul", [hidden, w2]),
                                                 "label"])
    graph.end = ["train: {loss: loss, optimizer: sgd, learning_rate: 0.01}", "parallel: auto"]
    return graph


def x1():
    """Ten different operators side by side."""
    graph = Workload("x1", "h200-x1", """Ten different operators on one GPU, none of which needs
        another: they should run on several streams at once. The results stay there, as states.""")
    square = [256, 256]
    graph.state("x", square)
    graph.state("batches", [8, 128, 128])
    graph.result("matmul", square, "matmul", ["x", "x"], "gpu0")
    graph.result("batched", [8, 128, 128], "matmul", ["batches", "batches"], "gpu0",
                 transpose_b=True)
    for op in ("softmax", "gelu", "tanh", "exp", "transpose"):
        graph.result(op, square, op, "x", "gpu0")
    graph.result("add", square, "add", ["x", "x"], "gpu0")
    graph.result("sum", [256], "sum", "x", "gpu0", axes=[0])
    graph.result("argmax", [256], "argmax", "x", "gpu0", element="i32")
    return graph


def x2(size, device):
    """Many small products."""
    graph = Workload(f"x2_{size}_{'cpu' if device == 'cpu' else 'gpu'}", "h200-x1", f"""200 products
        of a {size}x{size} matrix with itself, each of a matrix of its own, on one device: they
        should run beside each other on its lanes. The results stay there, as states.""")
    for i in range(200):
        operand = graph.state(f"x{i:03}", [size, size])
        graph.result(f"y{i:03}", [size, size], "matmul", [operand, operand], device)
    return graph


# What x3 computes and sends, in values of 16 MiB: small enough that filling the pipeline costs
# little. The CPU's products are thick, or the host's memory would be what everybody waits for: it
# carries all copies, too.
X3_PARTS = (("cpu", "gpu0", "c", 256, 12), ("gpu0", "cpu", "g", 2048, 48))


def x3(name, comment, kinds):
    """Products on the CPU and on the GPU, each sent to the other or left where it is."""
    graph = Workload(name, "h200-x1", comment)
    for device, other, prefix, inner, count in X3_PARTS:
        if device not in kinds:
            continue
        left = graph.state(f"left_{device}", [2048, inner])
        right = graph.state(f"right_{device}", [inner, 2048])
        for i in range(count):
            graph.result(f"{prefix}{i:02}", [2048, 2048], "matmul", [left, right], device,
                         other if "copies" in kinds else None)
    return graph


def x3_copies():
    """The copies of x3 with as little compute as gives values to copy."""
    graph = Workload("x3_copies", "h200-x1", """The copies of x3 alone: values of 16 MiB, 12 to the
        GPU and 48 back, both directions at once. What fills them only writes.""")
    for device, other, prefix, _, count in X3_PARTS:
        column = graph.state(f"column_{device}", [2048, 1])
        row = graph.state(f"row_{device}", [2048])
        for i in range(count):
            graph.result(f"{prefix}{i:02}", [2048, 2048], "add", [column, row], device, other)
    return graph


def all_x3():
    """CPU compute, GPU compute and copies both ways."""
    yield x3("x3", """12 products on the CPU, each sent to the GPU, and 48 on the GPU, each sent to
        the CPU: the results are states with a place on the other side. By the figures of the
        machine CPU, GPU and the link back are busy for about as long, 15 to 17 ms. All should be
        busy at once, and the step take little longer than the longest of x3_cpu, x3_gpu and
        x3_copies.""", ["cpu", "gpu0", "copies"])
    yield x3("x3_cpu", "The CPU's part of x3 alone: 12 products that stay there.", ["cpu"])
    yield x3("x3_gpu", "The GPU's part of x3 alone: 48 products that stay there.", ["gpu0"])
    yield x3_copies()


DEVICES = ("cpu", "gpu0", "gpu1")


def x5_diamonds():
    """Fork and join, over and over."""
    graph = Workload("x5_diamonds", "h200-x2", """A chain of diamonds: what forks on one device
        joins on another, and the outer diamond holds them all. Both arms of each should run at
        once.""")
    x = graph.state("x", [64, 128])
    wl, wr = (graph.state(name, [128, 128], SMALL) for name in ("w_left", "w_right"))
    top = x
    for i in range(8):
        left = graph.node(f"left{i}", "matmul", [top, wl], device=DEVICES[(i + 1) % 3])
        right = graph.node(f"right{i}", "matmul", [top, wr], device=DEVICES[(i + 2) % 3])
        both = graph.node(f"both{i}", "add", [left, right], device=DEVICES[i % 3])
        top = graph.node(f"top{i + 1}", "tanh", both, device=DEVICES[i % 3])
    outer = graph.node("outer", "matmul", [x, wl], device="gpu1")
    total = graph.node("total", "add", [top, outer])
    graph.node("x_new", "scale", total, factor=0.5, updates=x)
    graph.deliver(graph.node("result", "mean", total, axes=[0]))
    return graph


def x5_skips():
    """Long edges over a chain."""
    graph = Workload("x5_skips", "h200-x2", """Sixteen layers over three devices, each of which
        reads the layer before it and one from far back; the last reads them all. Values that are
        read late must live long and travel early.""")
    weights = [graph.state(f"w{i}", [128, 128], SMALL) for i in range(4)]
    layer = [graph.state("x", [64, 128])]
    for i in range(16):
        device = DEVICES[i // 2 % 3]
        product = graph.node(f"product{i:02}", "matmul", [layer[-1], weights[i % 4]], device=device)
        skip = graph.node(f"skip{i:02}", "sub", [product, layer[i // 4]], device=device)
        layer.append(graph.node(f"layer{i + 1:02}", "tanh", skip, device=device))
    joined = graph.node("joined", "concat", layer, axis=0)
    graph.node("x_new", "scale", layer[-1], factor=0.5, updates="x")
    graph.deliver(graph.node("result", "mean", joined, axes=[0]))
    return graph


def x5_wide_narrow():
    """All to one to all."""
    graph = Workload("x5_wide_narrow", "h200-x2", """Twenty branches that meet in one value, from
        which twenty start again: the wide parts should use all lanes, the narrow one holds up
        everything.""")
    top = graph.state("x", [64, 128])
    weights = [graph.state(f"w{i:02}", [128, 128], SMALL) for i in range(20)]
    for part in ("a", "b"):
        ends = []
        for i in range(20):
            device = DEVICES[i % 3]
            branch = graph.node(f"{part}{i:02}", "matmul", [top, weights[i]], device=device)
            ends.append(graph.node(f"{part}{i:02}_end", "gelu", branch, device=device))
        wide = graph.node(f"{part}_wide", "concat", ends, axis=1)
        tall = graph.node(f"{part}_tall", "reshape", wide, shape=[64, 20, 128])
        mean = graph.node(f"{part}_mean", "mean", tall, axes=[1])
        top = graph.node(f"{part}_narrow", "softmax", mean)
    graph.node("x_new", "scale", top, factor=64.0, updates="x")
    graph.deliver(top)
    return graph


def x5_shared_input():
    """One value, many readers."""
    graph = Workload("x5_shared_input", "h200-x2", """One state with eighteen readers on three
        devices, which is updated in the same step: all must have read the old value before the new
        one takes its place, and each device should get it in one copy.""")
    x = graph.state("x", [128, 128])
    fixed = graph.state("fixed", [128, 128])
    readers = []
    for i in range(18):
        op, keys = (("matmul", {"transpose_b": True}), ("mul", {}), ("sub", {}))[i // 3 % 3]
        operands = [x, x] if op != "sub" else [x, readers[i - 3]]
        reader = graph.node(f"reader{i:02}", op, operands, **keys, keep=True, device=DEVICES[i % 3])
        readers.append(reader)
    joined = graph.node("joined", "concat", readers, axis=0)
    mean = graph.node("mean", "mean", joined, axes=[0], keepdims=True)
    small = graph.node("small", "scale", mean, factor=0.1)
    moved = graph.node("moved", "sub", [fixed, small])
    graph.node("x_new", "sigmoid", moved, updates=x)
    graph.deliver(mean)
    return graph


def x5_in_place():
    """States that change places and values that are overwritten."""
    graph = Workload("x5_in_place", "h200-x2", """Three states on three devices change places in
        every step, through chains of operators that may write over their operand, while others read
        the values before and after: what is still wanted must not be overwritten.""")
    states = [graph.state(name, [128, 128], init) for name, init in
              (("a", UNIFORM), ("b", SMALL), ("c", "xavier"))]
    for i, state in enumerate(states):
        device = DEVICES[i]
        value = state
        for j in range(6):
            op, keys = (("scale", {"factor": 0.5}), ("tanh", {}), ("sigmoid", {}))[j % 3]
            value = graph.node(f"{state}{j}", op, value, **keys, keep=True, device=device)
        # A second reader in the middle of the chain, and one of the value before the step.
        late = graph.node(f"{state}_late", "sub", [value, f"{state}2"], keep=True, device=device)
        graph.node(f"{state}_old", "mul", [late, state], device=device)
    for i, state in enumerate(states):
        source = states[(i + 1) % 3]
        graph.node(f"{state}_new", "add", [f"{source}5", f"{source}_old"], updates=state,
                   device=DEVICES[i])
        graph.deliver(f"{state}_old")
    return graph


def workloads():
    """All of them."""
    yield from all_e1()
    yield from all_e2()
    for size in SIZES:
        yield from (e3_figure(size), e3_replicated(size), e3_single(size), e3_auto(size))
    yield x1()
    for size in (32, 64, 128, 256, 512):
        yield from (x2(size, "gpu0"), x2(size, "cpu"))
    yield from all_x3()
    yield from (x5_diamonds(), x5_skips(), x5_wide_narrow(), x5_shared_input(), x5_in_place())


def differing(texts):
    """The names of files that are not as they would be written."""
    found = {path.name: path.read_text() for path in FOLDER.glob("*.yaml")}
    names = found.keys() | texts.keys()
    return sorted(name for name in names if found.get(name) != texts.get(name))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    arguments = parser.parse_args()
    texts = {f"{graph.name}.yaml": graph.text() for graph in workloads()}
    if arguments.check:
        wrong = differing(texts)
        for name in wrong:
            print(f"make_workloads: error: graphs/workloads/{name} is not what this program writes",
                  file=sys.stderr)
        return 1 if wrong else 0
    FOLDER.mkdir(exist_ok=True)
    for name, text in texts.items():
        (FOLDER / name).write_text(text)
    print(f"{len(texts)} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
