"""Small graphs and what they compute in PyTorch: gradients_test.py compares the two.

What PyTorch found is kept in data/torch_gradients.npz, which data/make_torch_gradients.py writes; so
the test needs no PyTorch. Formulas here take `t`, the torch module, and are only called there.
"""

from dataclasses import dataclass, field
from typing import Callable
import zlib

import numpy as np


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


def _unary(op, formula, positive=()):
    nodes = f"{{name: y, op: {op}, inputs: [a]}}\n" + WEIGHTED_SUM
    return Case(op, {"a": [4, 5]}, nodes, lambda t, v: (formula(t, v["a"]) * v["c"]).sum(),
                {"c": [4, 5]}, positive)


# A gradient that differs from element to element arrives at y.
WEIGHTED_SUM = "{name: yc, op: mul, inputs: [y, c]}\n{name: loss, op: sum, inputs: [yc]}"


def _causal_attention(t, v):
    scores = v["x"] @ v["wq"] @ (v["x"] @ v["wk"]).transpose(-1, -2) * 0.5
    mask = t.triu(t.ones(5, 5, dtype=t.bool, device=scores.device), diagonal=1)
    weights = t.softmax(scores.masked_fill(mask, -float("inf")), -1)
    return (weights @ (v["x"] @ v["wv"]) * v["c"]).sum()


def _causal_softmax(t, v):
    mask = t.triu(t.ones(4, 4, dtype=t.bool, device=v["a"].device), diagonal=1)
    return (t.softmax(v["a"].masked_fill(mask, -float("inf")), -1) * v["c"]).sum()


def _rms_norm(t, v):
    x = v["x"]
    normal = x / t.sqrt((x * x).mean(-1, keepdim=True) + 1e-6)
    return (normal * v["gamma"] * v["c"]).sum()


CASES = [
    _unary("relu", lambda t, a: t.relu(a)),
    _unary("tanh", lambda t, a: t.tanh(a)),
    _unary("sigmoid", lambda t, a: t.sigmoid(a)),
    _unary("gelu", lambda t, a: t.nn.functional.gelu(a)),
    _unary("exp", lambda t, a: t.exp(a)),
    _unary("log", lambda t, a: t.log(a), ("a",)),
    _unary("sqrt", lambda t, a: t.sqrt(a), ("a",)),
    Case(
        "arithmetic",
        {"a": [4, 5], "b": [5], "d": [4, 1]},
        """{name: s, op: add, inputs: [a, b]}
{name: p, op: mul, inputs: [s, d]}
{name: q, op: div, inputs: [a, d]}
{name: r, op: scale, inputs: [q], factor: -1.5}
{name: y, op: sub, inputs: [p, r]}
""" + WEIGHTED_SUM,
        lambda t, v: (((v["a"] + v["b"]) * v["d"] + 1.5 * v["a"] / v["d"]) * v["c"]).sum(),
        {"c": [4, 5]},
        ("d",),
    ),
    Case(
        "matmul",
        {"a": [3, 4], "b": [5, 4], "bias": [5], "d": [2, 3]},
        """{name: z, op: matmul, inputs: [a, b, bias], transpose_b: true}
{name: h, op: relu, inputs: [z]}
{name: y, op: matmul, inputs: [h, d], transpose_a: true, transpose_b: true}
""" + WEIGHTED_SUM,
        lambda t, v: ((t.relu(v["a"] @ v["b"].T + v["bias"]).T @ v["d"].T) * v["c"]).sum(),
        {"c": [5, 2]},
    ),
    Case(
        "batched_matmul",
        {"a": [2, 3, 4], "b": [2, 4, 5]},
        "{name: y, op: matmul, inputs: [a, b]}\n" + WEIGHTED_SUM,
        lambda t, v: (v["a"] @ v["b"] * v["c"]).sum(),
        {"c": [2, 3, 5]},
    ),
    Case(
        "reductions",
        {"a": [4, 5], "b": [4, 5], "d": [4, 5], "e": [4, 5]},
        """{name: s, op: sum, inputs: [a], axes: [0], keepdims: true}
{name: m, op: mean, inputs: [b], axes: [-1], keepdims: true}
{name: x, op: max, inputs: [d], axes: [1], keepdims: true}
{name: sm, op: add, inputs: [s, m]}
{name: y, op: mul, inputs: [sm, x]}
{name: yc, op: mul, inputs: [y, c]}
{name: total, op: sum, inputs: [yc]}
{name: squares, op: sum_of_squares, inputs: [e]}
{name: loss, op: add, inputs: [total, squares]}""",
        lambda t, v: ((v["a"].sum(0, keepdim=True) + v["b"].mean(-1, keepdim=True))
                      * v["d"].amax(1, keepdim=True) * v["c"]).sum() + (v["e"] ** 2).sum(),
        {"c": [4, 5]},
    ),
    Case(
        "movement",
        {"a": [2, 3, 4], "b": [4, 3], "d": [4, 1]},
        """{name: at, op: transpose, inputs: [a], axes: [2, 0, 1]}
{name: ar, op: reshape, inputs: [at], shape: [4, 6]}
{name: as, op: slice, inputs: [ar], axis: 1, begin: 1, end: 5}
{name: bp, op: pad, inputs: [b], axis: 1, before: 1, after: 0}
{name: both, op: concat, inputs: [as, bp], axis: 1}
{name: db, op: broadcast, inputs: [d], shape: [4, 8]}
{name: y, op: mul, inputs: [both, db]}
""" + WEIGHTED_SUM,
        lambda t, v: (t.cat([v["a"].permute(2, 0, 1).reshape(4, 6)[:, 1:5],
                             t.nn.functional.pad(v["b"], (1, 0))], 1) * v["d"] * v["c"]).sum(),
        {"c": [4, 8]},
    ),
    Case(
        "softmax",
        {"a": [4, 5]},
        "{name: y, op: softmax, inputs: [a]}\n" + WEIGHTED_SUM,
        lambda t, v: (t.softmax(v["a"], -1) * v["c"]).sum(),
        {"c": [4, 5]},
    ),
    Case(
        "softmax_of_columns",
        {"a": [4, 5]},
        "{name: y, op: softmax, inputs: [a], axis: 0}\n" + WEIGHTED_SUM,
        lambda t, v: (t.softmax(v["a"], 0) * v["c"]).sum(),
        {"c": [4, 5]},
    ),
    Case(
        "causal_softmax",
        {"a": [2, 4, 4]},
        "{name: y, op: softmax, inputs: [a], causal: true}\n" + WEIGHTED_SUM,
        _causal_softmax,
        {"c": [2, 4, 4]},
    ),
    Case(
        "softmax_cross_entropy",
        {"a": [6, 4]},
        "{name: loss, op: softmax_cross_entropy, inputs: [a, label]}",
        lambda t, v: t.nn.functional.cross_entropy(v["a"], v["label"].long()),
        {"label": ([6], 4)},
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
    Case(
        "layer_norm",
        {"x": [3, 4, 6], "gamma": [6], "beta": [6]},
        "{name: y, op: layer_norm, inputs: [x, gamma, beta]}\n" + WEIGHTED_SUM,
        lambda t, v: (t.nn.functional.layer_norm(v["x"], [6], v["gamma"], v["beta"])
                      * v["c"]).sum(),
        {"c": [3, 4, 6]},
    ),
    Case(
        "rms_norm",
        {"x": [3, 4, 6], "gamma": [6]},
        "{name: y, op: rms_norm, inputs: [x, gamma]}\n" + WEIGHTED_SUM,
        _rms_norm,
        {"c": [3, 4, 6]},
    ),
    Case(
        "embedding",
        {"table": [5, 3]},
        "{name: y, op: embedding, inputs: [table, index]}\n" + WEIGHTED_SUM,
        lambda t, v: (t.nn.functional.embedding(v["index"].long(), v["table"]) * v["c"]).sum(),
        {"index": ([2, 6], 5), "c": [2, 6, 3]},
    ),
    Case(
        "attention",
        {"x": [2, 5, 4], "wq": [4, 4], "wk": [4, 4], "wv": [4, 4]},
        """{name: xr, op: reshape, inputs: [x], shape: [10, 4]}
{name: qr, op: matmul, inputs: [xr, wq]}
{name: kr, op: matmul, inputs: [xr, wk]}
{name: vr, op: matmul, inputs: [xr, wv]}
{name: q, op: reshape, inputs: [qr], shape: [2, 5, 4]}
{name: k, op: reshape, inputs: [kr], shape: [2, 5, 4]}
{name: v, op: reshape, inputs: [vr], shape: [2, 5, 4]}
{name: qk, op: matmul, inputs: [q, k], transpose_b: true}
{name: scores, op: scale, inputs: [qk], factor: 0.5}
{name: weights, op: softmax, inputs: [scores], causal: true}
{name: y, op: matmul, inputs: [weights, v]}
""" + WEIGHTED_SUM,
        _causal_attention,
        {"c": [2, 5, 4]},
    ),
    Case(
        "used_twice",
        {"w": [4, 4]},
        """{name: h, op: matmul, inputs: [c, w]}
{name: r, op: tanh, inputs: [h]}
{name: y, op: matmul, inputs: [r, w]}
""" + WEIGHTED_SUM,
        lambda t, v: (t.tanh(v["c"] @ v["w"]) @ v["w"] * v["c"]).sum(),
        {"c": [3, 4]},
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
