#!/usr/bin/env python3
"""make_batches.py SIZE...: random batches for graphs/workloads/e3_SIZE_*.yaml.

Writes x_SIZE.npy and label_SIZE.npy to the current folder: four batches each, from a fixed seed.
Sizes: small, medium, large.
"""

import sys

import numpy

# batch, inputs, outputs: those of tools/make_workloads.py
SIZES = {"small": (100, 784, 10), "medium": (4096, 1024, 1024), "large": (16384, 4096, 4096)}
NUM_BATCHES = 4
SEED = 1


def main():
    if len(sys.argv) < 2 or any(size not in SIZES for size in sys.argv[1:]):
        sys.exit(__doc__)
    for size in sys.argv[1:]:
        batch, num_inputs, num_outputs = SIZES[size]
        random = numpy.random.default_rng(SEED)
        rows = NUM_BATCHES * batch
        numpy.save(f"x_{size}.npy", random.random((rows, num_inputs), dtype=numpy.float32))
        labels = random.integers(0, num_outputs, rows, dtype=numpy.int32)
        numpy.save(f"label_{size}.npy", labels)


if __name__ == "__main__":
    main()
