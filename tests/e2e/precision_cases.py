"""Models whose training step in bf16 is compared with PyTorch's autocast: autocast_test.py.

What PyTorch found is kept in data/torch_precision.npz, which data/make_torch_precision.py writes; so
the test needs no PyTorch. Formulas take `t`, the torch module, and are only called there.
"""

from gradient_cases import Case

ROWS, LENGTH, WIDTH, HEADS, CHARACTERS = 4, 8, 16, 2, 11
TOKENS = ROWS * LENGTH
IN_HEADS = [ROWS, LENGTH, HEADS, WIDTH // HEADS]


def _mlp(t, v):
    linear = t.nn.functional.linear
    h = t.relu(linear(v["x"], v["w1"].T, v["b1"]))
    h = t.nn.functional.gelu(linear(h, v["w2"].T, v["b2"]))
    return t.nn.functional.cross_entropy(linear(h, v["w3"].T), v["label"].long())


MLP = Case(
    "mlp",
    {"w1": [24, 48], "b1": [48], "w2": [48, 32], "b2": [32], "w3": [32, 10]},
    """{name: z1, op: matmul, inputs: [x, w1, b1]}
{name: h1, op: relu, inputs: [z1]}
{name: z2, op: matmul, inputs: [h1, w2, b2]}
{name: h2, op: gelu, inputs: [z2]}
{name: z3, op: matmul, inputs: [h2, w3]}
{name: loss, op: softmax_cross_entropy, inputs: [z3, label]}""",
    _mlp,
    {"x": [64, 24], "label": ([64], 10)},
)


def _norm(t, x, v, name):
    return t.nn.functional.layer_norm(x, [WIDTH], v[f"{name}_scale"], v[f"{name}_shift"])


def _transformer(t, v):
    f = t.nn.functional
    h = f.embedding(v["token"].long(), v["table"]) + v["position"]
    a = _norm(t, h, v, "outer").reshape(TOKENS, WIDTH)
    q, k, w = (f.linear(a, v[name].T).reshape(IN_HEADS).transpose(1, 2)
               for name in ("wq", "wk", "wv"))
    seen = f.scaled_dot_product_attention(q, k, w, is_causal=True)
    seen = seen.transpose(1, 2).reshape(TOKENS, WIDTH)
    h = h.reshape(TOKENS, WIDTH) + f.linear(seen, v["mix"].T)
    wide = f.gelu(f.linear(_norm(t, h, v, "inner"), v["up"].T, v["up_b"]))
    h = h + f.linear(wide, v["down"].T, v["down_b"])
    logits = f.linear(_norm(t, h, v, "last"), v["table"])
    return f.cross_entropy(logits, v["label"].long(), ignore_index=CHARACTERS, label_smoothing=0.1)


_HEADS = "\n".join(
    f"""{{name: {part}, op: matmul, inputs: [outer, w{part}]}}
{{name: {part}_heads, op: reshape, inputs: [{part}], shape: {IN_HEADS}}}""" for part in "qkv")

# A block with its embedding, whose table gives the logits, too; some labels do not count.
TRANSFORMER = Case(
    "transformer",
    {"table": [CHARACTERS, WIDTH], "position": [LENGTH, WIDTH]}
    | {f"{norm}_{part}": [WIDTH] for norm in ("outer", "inner", "last")
       for part in ("scale", "shift")}
    | {name: [WIDTH, WIDTH] for name in ("wq", "wk", "wv", "mix")}
    | {"up": [WIDTH, 4 * WIDTH], "up_b": [4 * WIDTH], "down": [4 * WIDTH, WIDTH],
       "down_b": [WIDTH]},
    f"""{{name: embedded, op: embedding, inputs: [table, token]}}
{{name: placed, op: add, inputs: [embedded, position]}}
{{name: h0, op: reshape, inputs: [placed], shape: [{TOKENS}, {WIDTH}]}}
{{name: outer, op: layer_norm, inputs: [h0, outer_scale, outer_shift]}}
{_HEADS}
{{name: heads, op: attention, inputs: [q_heads, k_heads, v_heads], causal: true, """
    f"""scale: {(WIDTH // HEADS) ** -0.5!r}}}
{{name: seen, op: reshape, inputs: [heads], shape: [{TOKENS}, {WIDTH}]}}
{{name: mixed, op: matmul, inputs: [seen, mix]}}
{{name: h1, op: add, inputs: [h0, mixed]}}
{{name: inner, op: layer_norm, inputs: [h1, inner_scale, inner_shift]}}
{{name: wide, op: matmul, inputs: [inner, up, up_b]}}
{{name: bent, op: gelu, inputs: [wide]}}
{{name: narrow, op: matmul, inputs: [bent, down, down_b]}}
{{name: h2, op: add, inputs: [h1, narrow]}}
{{name: last, op: layer_norm, inputs: [h2, last_scale, last_shift]}}
{{name: logits, op: matmul, inputs: [last, table], transpose_b: true}}
{{name: loss, op: softmax_cross_entropy, inputs: [logits, label], ignore_index: {CHARACTERS}, """
    f"""label_smoothing: 0.1}}""",
    _transformer,
    {"token": ([ROWS, LENGTH], CHARACTERS), "label": ([TOKENS], CHARACTERS + 1)},
)

CASES = [MLP, TRANSFORMER]
