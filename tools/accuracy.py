#!/usr/bin/python3
"""accuracy.py PREDICTED.npy EXPECTED.npy [--at-least PERCENT]: how many classes are right.

Prints `test accuracy: 98.3 %`. Exit codes: 0 enough are right, 1 fewer, or arrays that do not fit.
"""

import argparse
import sys

import numpy as np


def accuracy_percent(predicted, expected):
    """Percentage of equal elements.

    Both are flattened: `graphrun --output` puts the steps in front, and one step over all rows
    gives [1, N].
    """
    predicted, expected = predicted.ravel(), expected.ravel()
    if predicted.shape != expected.shape or expected.size == 0:
        raise ValueError(f"{predicted.size} predictions for {expected.size} labels")
    return 100.0 * float(np.mean(predicted == expected))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("predicted", help="classes that a network gave, .npy")
    parser.add_argument("expected", help="the right classes, .npy")
    parser.add_argument("--at-least", type=float, default=0.0, metavar="PERCENT")
    arguments = parser.parse_args()
    try:
        percent = accuracy_percent(np.load(arguments.predicted), np.load(arguments.expected))
    except (OSError, ValueError) as error:
        print(f"accuracy: error: {error}", file=sys.stderr)
        return 1
    print(f"test accuracy: {percent:.1f} %")
    if percent >= arguments.at_least:
        return 0
    print(f"accuracy: error: {percent:.2f} % is below {arguments.at_least:g} %", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
