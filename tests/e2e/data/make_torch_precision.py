#!/usr/bin/env python3
"""Writes torch_precision.npz: losses and gradients of precision_cases.py, by PyTorch, on a CPU.

    python3 tests/e2e/data/make_torch_precision.py [FILE]

`exact` is computed in double precision, `autocast` in f32 with torch.autocast(bfloat16).
"""

import pathlib
import sys

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import gradient_cases  # noqa: E402
import precision_cases  # noqa: E402


def step_of(case, values, element, is_autocast):
    """The loss, and the gradients of the parameters by name."""
    tensors = {}
    for name, value in values.items():
        tensors[name] = torch.from_numpy(value.copy())
        if value.dtype == np.float32:
            tensors[name] = tensors[name].to(element)
        if name in case.parameters:
            tensors[name].requires_grad_(True)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=is_autocast):
        loss = case.formula(torch, tensors)
    loss.backward()
    return loss.item(), {name: tensors[name].grad.numpy() for name in case.parameters}


def main():
    default = pathlib.Path(__file__).resolve().parent / "torch_precision.npz"
    arrays = {}
    for case in precision_cases.CASES:
        # Activations near 1: products of unscaled normal numbers would grow from layer to layer.
        values = gradient_cases.make_values(case)
        for name, shape in case.parameters.items():
            scale = shape[0] ** -0.5 if len(shape) > 1 else 0.5
            values[name] = (values[name] * np.float32(scale)).astype(np.float32)
        for name, value in values.items():
            arrays[f"{case.name}/value/{name}"] = value
        for kind, element, is_autocast in (("exact", torch.float64, False),
                                           ("autocast", torch.float32, True)):
            loss, gradients = step_of(case, values, element, is_autocast)
            arrays[f"{case.name}/{kind}/loss"] = np.float64(loss)
            for name, gradient in gradients.items():
                arrays[f"{case.name}/{kind}/gradient/{name}"] = gradient.astype(np.float32)
    arrays["torch_version"] = np.array(torch.__version__)
    np.savez_compressed(sys.argv[1] if len(sys.argv) > 1 else default, **arrays)
    print(f"{len(precision_cases.CASES)} models, PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
