"""Small graphs and what they compute in PyTorch: gradients_test.py compares the two.

What PyTorch found is kept in data/torch_gradients.npz, which data/make_torch_gradients.py writes; so
the test needs no PyTorch. Formulas here take `t`, the torch module, and are only called there.
"""

from dataclasses import dataclass, field
from typing import Callable
import zlib

import numpy as np

from support import GRAPHS, read_safetensors

TYPES = {"float32": "f32", "int32": "i32"}


@dataclass
class Case:
    """A graph whose nodes lead from parameters and inputs to a node called `loss`."""

    name: str
    parameters: dict  # name: shape
    nodes: str  # in YAML, one a line
    formula: Callable  # (t, values by name) -> the loss
    inputs: dict = field(default_factory=dict)  # name: shape of f32, or (shape, number of classes)
    positive: tuple = ()  # what must be above 0


@dataclass
class OptimizerCase:
    """Some steps of one optimizer on the same least squares problem."""

    name: str
    train: str  # settings behind `optimizer:`, in YAML
    optimizer: Callable  # (t, parameters) -> torch's optimizer
    clip_norm: float = 0


def _weighted(name, parameters, nodes, formula, c, inputs=None, positive=()):
    """A case whose nodes and formula give `y`, of the shape `c`; its loss is a weighted sum.

    So a gradient that differs from element to element arrives at y.
    """
    nodes += """
{name: yc, op: mul, inputs: [y, c]}
{name: loss, op: sum, inputs: [yc]}"""
    return Case(name, parameters, nodes, lambda t, v: (formula(t, v) * v["c"]).sum(),
                (inputs or {}) | {"c": c}, positive)


def _unary(op, formula, positive=()):
    return _weighted(op, {"a": [4, 5]}, f"{{name: y, op: {op}, inputs: [a]}}",
                     lambda t, v: formula(t, v["a"]), [4, 5], positive=positive)


def _causal_weights(t, scores):
    mask = t.triu(t.ones(scores.shape[-2:], dtype=t.bool), diagonal=1)
    return t.softmax(scores.masked_fill(mask, -float("inf")), -1)


def _causal_attention(t, v):
    scores = v["x"] @ v["wq"] @ (v["x"] @ v["wk"]).transpose(-1, -2) * 0.5
    return _causal_weights(t, scores) @ (v["x"] @ v["wv"])


def _packed_attention(t, v):
    """Two heads of queries, one of keys, and one of values."""
    q, k, u = (v["x"] @ v["w"]).reshape(1, 4, 4, 4).transpose(1, 2).split([2, 1, 1], 1)
    heads = _causal_weights(t, q @ k.transpose(-1, -2) * 0.25) @ u
    return heads.transpose(1, 2).reshape(1, 4, 8)


def _rms_norm(t, v):
    x = v["x"]
    return x / t.sqrt((x * x).mean(-1, keepdim=True) + 1e-6) * v["gamma"]


def _cross_entropy(name, num_labels, settings):
    attributes = "".join(f", {key}: {value}" for key, value in settings.items())
    return Case(
        name,
        {"a": [6, 4]},
        f"{{name: loss, op: softmax_cross_entropy, inputs: [a, label]{attributes}}}",
        lambda t, v: t.nn.functional.cross_entropy(v["a"], v["label"].long(), **settings),
        {"label": ([6], num_labels)},
    )


CASES = [
    _unary("relu", lambda t, a: t.relu(a)),
    _unary("tanh", lambda t, a: t.tanh(a)),
    _unary("sigmoid", lambda t, a: t.sigmoid(a)),
    _unary("gelu", lambda t, a: t.nn.functional.gelu(a)),
    _unary("exp", lambda t, a: t.exp(a)),
    _unary("log", lambda t, a: t.log(a), ("a",)),
    _unary("sqrt", lambda t, a: t.sqrt(a), ("a",)),
    _unary("abs", lambda t, a: t.abs(a)),
    _unary("cos", lambda t, a: t.cos(a)),
    _unary("expm1", lambda t, a: t.expm1(a)),
    _unary("log1p", lambda t, a: t.log1p(a), ("a",)),
    _unary("sin", lambda t, a: t.sin(a)),
    _unary("elu", lambda t, a: t.nn.functional.elu(a)),
    _unary("gelu_tanh", lambda t, a: t.nn.functional.gelu(a, approximate="tanh")),
    _unary("hard_sigmoid", lambda t, a: t.clamp(0.2 * a + 0.5, 0, 1)),
    _unary("hard_swish", lambda t, a: t.nn.functional.hardswish(a)),
    _unary("leaky_relu", lambda t, a: t.nn.functional.leaky_relu(a, 0.01)),
    _unary("mish", lambda t, a: t.nn.functional.mish(a)),
    _unary("reciprocal", lambda t, a: t.reciprocal(a), ("a",)),
    _unary("silu", lambda t, a: t.nn.functional.silu(a)),
    _unary("softplus", lambda t, a: t.nn.functional.softplus(a)),
    _unary("softsign", lambda t, a: t.nn.functional.softsign(a)),
    _unary("square", lambda t, a: t.square(a)),
    _weighted(
        "larger_and_smaller",
        {"a": [4, 5], "b": [5], "d": [4, 1]},
        """{name: m, op: maximum, inputs: [a, b]}
{name: y, op: minimum, inputs: [d, m]}""",
        lambda t, v: t.minimum(v["d"], t.maximum(v["a"], v["b"])),
        [4, 5],
    ),
    _weighted(
        "arithmetic",
        {"a": [4, 5], "b": [5], "d": [4, 1]},
        """{name: s, op: add, inputs: [a, b]}
{name: p, op: mul, inputs: [s, d]}
{name: q, op: div, inputs: [a, d]}
{name: r, op: scale, inputs: [q], factor: -1.5}
{name: y, op: sub, inputs: [p, r]}""",
        lambda t, v: (v["a"] + v["b"]) * v["d"] + 1.5 * v["a"] / v["d"],
        [4, 5],
        positive=("d",),
    ),
    _weighted(
        "matmul",
        {"a": [3, 4], "b": [5, 4], "bias": [5], "d": [2, 3]},
        """{name: z, op: matmul, inputs: [a, b, bias], transpose_b: true}
{name: h, op: relu, inputs: [z]}
{name: y, op: matmul, inputs: [h, d], transpose_a: true, transpose_b: true}""",
        lambda t, v: t.relu(v["a"] @ v["b"].T + v["bias"]).T @ v["d"].T,
        [5, 2],
    ),
    _weighted(
        "batched_matmul",
        {"a": [2, 3, 4], "b": [2, 4, 5]},
        "{name: y, op: matmul, inputs: [a, b]}",
        lambda t, v: v["a"] @ v["b"],
        [2, 3, 5],
    ),
    _weighted(
        "reductions",
        {"a": [4, 5], "b": [4, 5], "d": [4, 5], "e": [4, 5]},
        """{name: s, op: sum, inputs: [a], axes: [0], keepdims: true}
{name: m, op: mean, inputs: [b], axes: [-1], keepdims: true}
{name: x, op: max, inputs: [d], axes: [1], keepdims: true}
{name: squares, op: sum_of_squares, inputs: [e]}
{name: sm, op: add, inputs: [s, m]}
{name: smx, op: mul, inputs: [sm, x]}
{name: y, op: add, inputs: [smx, squares]}""",
        lambda t, v: (v["a"].sum(0, keepdim=True) + v["b"].mean(-1, keepdim=True))
        * v["d"].amax(1, keepdim=True) + (v["e"] ** 2).sum(),
        [4, 5],
    ),
    _weighted(
        "movement",
        {"a": [2, 3, 4], "b": [4, 3], "d": [4, 1]},
        """{name: ac, op: copy, inputs: [a]}
{name: at, op: transpose, inputs: [ac], axes: [2, 0, 1]}
{name: ar, op: reshape, inputs: [at], shape: [4, 6]}
{name: as, op: slice, inputs: [ar], axis: 1, begin: 1, end: 5}
{name: bp, op: pad, inputs: [b], axis: 1, before: 1, after: 0}
{name: both, op: concat, inputs: [as, bp], axis: 1}
{name: db, op: broadcast, inputs: [d], shape: [4, 8]}
{name: y, op: mul, inputs: [both, db]}""",
        lambda t, v: t.cat([v["a"].permute(2, 0, 1).reshape(4, 6)[:, 1:5],
                            t.nn.functional.pad(v["b"], (1, 0))], 1) * v["d"],
        [4, 8],
    ),
    _unary("softmax", lambda t, a: t.softmax(a, -1)),
    _weighted(
        "softmax_of_columns",
        {"a": [4, 5]},
        "{name: y, op: softmax, inputs: [a], axis: 0}",
        lambda t, v: t.softmax(v["a"], 0),
        [4, 5],
    ),
    _weighted(
        "causal_softmax",
        {"a": [2, 4, 4]},
        "{name: y, op: softmax, inputs: [a], causal: true}",
        lambda t, v: _causal_weights(t, v["a"]),
        [2, 4, 4],
    ),
    Case(
        "softmax_cross_entropy",
        {"a": [6, 4]},
        "{name: loss, op: softmax_cross_entropy, inputs: [a, label]}",
        lambda t, v: t.nn.functional.cross_entropy(v["a"], v["label"].long()),
        {"label": ([6], 4)},
    ),
    # Of five labels for four classes, the last names none and is left out.
    _cross_entropy("ignored_labels", 5, {"ignore_index": 4}),
    _cross_entropy("ignored_class", 4, {"ignore_index": 1}),
    _cross_entropy("smoothed_labels", 4, {"label_smoothing": 0.2}),
    _cross_entropy("evenly_smoothed_labels", 4, {"label_smoothing": 1.0}),
    _cross_entropy("smoothed_and_ignored_labels", 5, {"ignore_index": 4, "label_smoothing": 0.1}),
    _cross_entropy("summed_losses", 5,
                   {"ignore_index": 4, "label_smoothing": 0.1, "reduction": "sum"}),
    _cross_entropy("summed_plain_losses", 4, {"reduction": "sum"}),
    _cross_entropy("no_label_counts", 1, {"ignore_index": 0}),
    # The gradient that arrives at the losses is no constant.
    Case(
        "product_of_losses",
        {"a": [6, 4], "b": [6, 4]},
        """{name: m, op: softmax_cross_entropy, inputs: [a, label], ignore_index: 4}
{name: n, op: softmax_cross_entropy, inputs: [b, class], label_smoothing: 0.3}
{name: loss, op: mul, inputs: [m, n]}""",
        lambda t, v: t.nn.functional.cross_entropy(v["a"], v["label"].long(), ignore_index=4)
        * t.nn.functional.cross_entropy(v["b"], v["class"].long(), label_smoothing=0.3),
        {"label": ([6], 5), "class": ([6], 4)},
    ),
    # A table that is looked up, and multiplied with to give the logits, as language models have it.
    Case(
        "tied_weights",
        {"table": [7, 4], "w": [4, 4]},
        """{name: e, op: embedding, inputs: [table, index]}
{name: h, op: matmul, inputs: [e, w]}
{name: y, op: tanh, inputs: [h]}
{name: logits, op: matmul, inputs: [y, table], transpose_b: true}
{name: loss, op: softmax_cross_entropy, inputs: [logits, label], ignore_index: 7}""",
        lambda t, v: t.nn.functional.cross_entropy(
            t.tanh(t.nn.functional.embedding(v["index"].long(), v["table"]) @ v["w"])
            @ v["table"].T, v["label"].long(), ignore_index=7),
        {"index": ([9], 7), "label": ([9], 8)},
    ),
    Case(
        "mse",
        {"a": [4, 5], "b": [4, 5]},
        "{name: loss, op: mse, inputs: [a, b]}",
        lambda t, v: t.nn.functional.mse_loss(v["a"], v["b"]),
    ),
    Case(
        "binary_cross_entropy",
        {"a": [4, 5]},
        "{name: s, op: sigmoid, inputs: [c]}\n"
        "{name: loss, op: binary_cross_entropy, inputs: [a, s]}",
        lambda t, v: t.nn.functional.binary_cross_entropy_with_logits(v["a"], t.sigmoid(v["c"])),
        {"c": [4, 5]},
    ),
    _weighted(
        "layer_norm",
        {"x": [3, 4, 6], "gamma": [6], "beta": [6]},
        "{name: y, op: layer_norm, inputs: [x, gamma, beta]}",
        lambda t, v: t.nn.functional.layer_norm(v["x"], [6], v["gamma"], v["beta"]),
        [3, 4, 6],
    ),
    _weighted(
        "rms_norm",
        {"x": [3, 4, 6], "gamma": [6]},
        "{name: y, op: rms_norm, inputs: [x, gamma]}",
        _rms_norm,
        [3, 4, 6],
    ),
    _weighted(
        "embedding",
        {"table": [5, 3]},
        "{name: y, op: embedding, inputs: [table, index]}",
        lambda t, v: t.nn.functional.embedding(v["index"].long(), v["table"]),
        [2, 6, 3],
        {"index": ([2, 6], 5)},
    ),
    _weighted(
        "attention",
        {"x": [2, 5, 4], "wq": [4, 4], "wk": [4, 4], "wv": [4, 4]},
        """{name: xr, op: reshape, inputs: [x], shape: [10, 4]}
{name: qr, op: matmul, inputs: [xr, wq]}
{name: kr, op: matmul, inputs: [xr, wk]}
{name: vr, op: matmul, inputs: [xr, wv]}
{name: q, op: reshape, inputs: [qr], shape: [2, 5, 1, 4]}
{name: k, op: reshape, inputs: [kr], shape: [2, 5, 1, 4]}
{name: v, op: reshape, inputs: [vr], shape: [2, 5, 1, 4]}
{name: heads, op: attention, inputs: [q, k, v], scale: 0.5, causal: true}
{name: y, op: reshape, inputs: [heads], shape: [2, 5, 4]}""",
        _causal_attention,
        [2, 5, 4],
    ),
    _weighted(
        "packed_attention",
        {"x": [1, 4, 4], "w": [4, 16]},
        """{name: xr, op: reshape, inputs: [x], shape: [4, 4]}
{name: r, op: matmul, inputs: [xr, w]}
{name: qkv, op: reshape, inputs: [r], shape: [1, 4, 4, 4]}
{name: heads, op: packed_attention, inputs: [qkv], key_heads: 1, scale: 0.25, causal: true}
{name: y, op: reshape, inputs: [heads], shape: [1, 4, 8]}""",
        _packed_attention,
        [1, 4, 8],
    ),
    _weighted(
        "used_twice",
        {"w": [4, 4]},
        """{name: h, op: matmul, inputs: [c, w]}
{name: r, op: tanh, inputs: [h]}
{name: y, op: matmul, inputs: [r, w]}""",
        lambda t, v: t.tanh(v["c"] @ v["w"]) @ v["w"],
        [3, 4],
    ),
]

NUM_STEPS = 5

OPTIMIZER_CASES = [
    OptimizerCase("sgd", "sgd, learning_rate: 0.1, weight_decay: 0.01",
                  lambda t, p: t.optim.SGD(p, lr=0.1, weight_decay=0.01)),
    OptimizerCase("momentum", "momentum, learning_rate: 0.05, momentum: 0.8, weight_decay: 0.01",
                  lambda t, p: t.optim.SGD(p, lr=0.05, momentum=0.8, weight_decay=0.01)),
    OptimizerCase("adam", "adam, learning_rate: 0.02, beta1: 0.8, beta2: 0.99",
                  lambda t, p: t.optim.Adam(p, lr=0.02, betas=(0.8, 0.99))),
    OptimizerCase("adamw", "adamw, learning_rate: 0.02, weight_decay: 0.1",
                  lambda t, p: t.optim.AdamW(p, lr=0.02, weight_decay=0.1)),
    OptimizerCase("clipped", "sgd, learning_rate: 0.1, clip_norm: 0.25",
                  lambda t, p: t.optim.SGD(p, lr=0.1), 0.25),
    OptimizerCase("clipped_decayed", "sgd, learning_rate: 0.1, weight_decay: 0.02, clip_norm: 0.25",
                  lambda t, p: t.optim.SGD(p, lr=0.1, weight_decay=0.02), 0.25),
    OptimizerCase("clipped_momentum",
                  "momentum, learning_rate: 0.05, momentum: 0.8, weight_decay: 0.01, "
                  "clip_norm: 0.25",
                  lambda t, p: t.optim.SGD(p, lr=0.05, momentum=0.8, weight_decay=0.01), 0.25),
    OptimizerCase("clipped_adam",
                  "adam, learning_rate: 0.02, beta1: 0.8, beta2: 0.99, epsilon: 0.001, "
                  "clip_norm: 0.25",
                  lambda t, p: t.optim.Adam(p, lr=0.02, betas=(0.8, 0.99), eps=0.001), 0.25),
    OptimizerCase("clipped_adamw",
                  "adamw, learning_rate: 0.02, weight_decay: 0.1, epsilon: 0.001, clip_norm: 0.25",
                  lambda t, p: t.optim.AdamW(p, lr=0.02, weight_decay=0.1, eps=0.001), 0.25),
]

# The problem the optimizers work on.
REGRESSION = Case(
    "regression",
    {"w": [3, 2], "b": [2]},
    """{name: z, op: matmul, inputs: [x, w, b]}
{name: loss, op: mse, inputs: [z, y]}""",
    lambda t, v: t.nn.functional.mse_loss(v["x"] @ v["w"] + v["b"], v["y"]),
    {"x": [8, 3], "y": [8, 2]},
)


# A batch with labels that do not count, of which parts have different numbers.
LABELLED_BATCH = Case(
    "labels_of_parts",
    {"w": [3, 4], "b": [4]},
    """{name: logits, op: matmul, inputs: [x, w, b]}
{name: loss, op: softmax_cross_entropy, inputs: [logits, label], ignore_index: 4, label_smoothing: 0.1}""",
    lambda t, v: t.nn.functional.cross_entropy(v["x"] @ v["w"] + v["b"], v["label"].long(),
                                               ignore_index=4, label_smoothing=0.1),
    {"x": [8, 3], "label": ([8], 5)},
)


def make_values(case):
    """Numbers for parameters and inputs, the same in every run."""
    random = np.random.default_rng(zlib.crc32(case.name.encode()))
    values = {}
    for name, shape in (case.parameters | case.inputs).items():
        if isinstance(shape, tuple):
            values[name] = random.integers(0, shape[1], shape[0], dtype=np.int32)
        elif name in case.positive:
            values[name] = random.uniform(0.5, 2, shape).astype(np.float32)
        else:
            values[name] = random.standard_normal(shape).astype(np.float32)
    return values


def values_in(figures, case):
    """What an .npz of figures has for the parameters and inputs of a case."""
    return {name: figures[f"{case.name}/value/{name}"] for name in case.parameters | case.inputs}


def run_case(test, name, case, values, train, num_steps, parallel=""):
    """The state after some steps of a case, trained as `optimizer: TRAIN`, and the losses."""
    folder = test.folder / name
    folder.mkdir()

    def declarations(names, init=""):
        lines = []
        for each in names:
            value = values[each]
            np.save(folder / f"{each}.npy", value)
            kind = f"{TYPES[str(value.dtype)]}{list(value.shape)}"
            lines.append(f'  {each}: {{type: "{kind}"{init.format(each)}}}')
        return lines

    graph, plan = folder / "graph.yaml", folder / "plan.bin"
    graph.write_text("\n".join([
        f"graph: {name}",
        f"machine: {GRAPHS}/machines/cpu-2gpu.yaml" if parallel else "",
        "inputs:", *declarations(case.inputs),
        "state:", *declarations(case.parameters, ", init: {{file: {}.npy}}"),
        "nodes:", *(f"  - {node}" for node in case.nodes.splitlines()),
        f"train: {{loss: loss, optimizer: {train}}}",
        f"parallel: {parallel}" if parallel else "",
        "outputs: [loss]\n",
    ]))
    test.succeed("graphc", graph, "-o", plan)
    state, losses = folder / "state.safetensors", folder / "loss.npy"
    test.succeed("graphrun", plan, f"--steps={num_steps}",
                 *(f"--input={each}={folder / each}.npy" for each in case.inputs),
                 f"--save-state={state}", f"--output=loss={losses}")
    return read_safetensors(state), np.load(losses)
