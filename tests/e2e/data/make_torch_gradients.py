#!/usr/bin/env python3
"""Writes torch_gradients.npz: values, losses and gradients of gradient_cases.py, by PyTorch.

    python3 tests/e2e/data/make_torch_gradients.py [FILE]

Computed in double precision from float32 numbers, so that what differs is ours.
"""

import pathlib
import sys

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import gradient_cases  # noqa: E402


def tensors_of(case, values):
    tensors = {}
    for name, value in values.items():
        tensor = torch.from_numpy(value)
        tensors[name] = tensor.double() if value.dtype == np.float32 else tensor
        if name in case.parameters:
            tensors[name].requires_grad_(True)
    return tensors


def main():
    default = pathlib.Path(__file__).resolve().parent / "torch_gradients.npz"
    arrays = {}
    for case in [*gradient_cases.CASES, gradient_cases.LABELLED_BATCH]:
        values = gradient_cases.make_values(case)
        tensors = tensors_of(case, values)
        loss = case.formula(torch, tensors)
        loss.backward()
        for name, value in values.items():
            arrays[f"{case.name}/value/{name}"] = value
        arrays[f"{case.name}/loss"] = np.float32(loss.item())
        for name in case.parameters:
            arrays[f"{case.name}/gradient/{name}"] = tensors[name].grad.numpy().astype(np.float32)
    problem = gradient_cases.REGRESSION
    values = gradient_cases.make_values(problem)
    for name, value in values.items():
        arrays[f"{problem.name}/value/{name}"] = value
    for case in gradient_cases.OPTIMIZER_CASES:
        tensors = tensors_of(problem, values)
        parameters = [tensors[name] for name in problem.parameters]
        optimizer = case.optimizer(torch, parameters)
        for _ in range(gradient_cases.NUM_STEPS):
            optimizer.zero_grad()
            problem.formula(torch, tensors).backward()
            if case.clip_norm:
                torch.nn.utils.clip_grad_norm_(parameters, case.clip_norm)
            optimizer.step()
        for name in problem.parameters:
            arrays[f"{case.name}/after/{name}"] = tensors[name].detach().numpy().astype(np.float32)
    arrays["torch_version"] = np.array(torch.__version__)
    np.savez_compressed(sys.argv[1] if len(sys.argv) > 1 else default, **arrays)
    print(f"{len(gradient_cases.CASES)} graphs, {len(gradient_cases.OPTIMIZER_CASES)} optimizers, "
          f"PyTorch {torch.__version__}")


if __name__ == "__main__":
    main()
