#!/usr/bin/python3
"""make_text.py TEXT [--length T] [-o FOLDER]: a text as arrays to learn from, character by character.

Writes FOLDER/characters.txt, every character of the text once, in the order of their codes: its
index there is a character's number; FOLDER/x.npy, i32[N, T], the text cut into rows of T
characters, what is left at the end dropped; and FOLDER/next.npy, i32[N, T], for every one of them
the character that follows.
"""

import argparse
import pathlib
import sys

import numpy as np


def to_arrays(text, length):
    """The characters, and both arrays."""
    characters = "".join(sorted(set(text)))
    numbers = {character: number for number, character in enumerate(characters)}
    codes = np.array([numbers[character] for character in text], dtype=np.int32)
    num_rows = (len(codes) - 1) // length
    if num_rows < 1:
        raise ValueError(f"{len(text)} characters do not fill one row of {length}")
    used = num_rows * length
    return characters, codes[:used].reshape(-1, length), codes[1 : used + 1].reshape(-1, length)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=pathlib.Path, help="UTF-8")
    parser.add_argument("--length", type=int, default=32, metavar="T", help="characters of a row")
    parser.add_argument("-o", "--output", type=pathlib.Path, default=pathlib.Path("."))
    arguments = parser.parse_args()
    if arguments.length < 1:
        parser.error("--length must be at least 1")
    try:
        text = arguments.text.read_text(encoding="utf-8")
        characters, x, following = to_arrays(text, arguments.length)
        arguments.output.mkdir(parents=True, exist_ok=True)
        (arguments.output / "characters.txt").write_text(characters, encoding="utf-8")
        np.save(arguments.output / "x.npy", x)
        np.save(arguments.output / "next.npy", following)
    except (OSError, ValueError) as error:
        print(f"make_text: error: {error}", file=sys.stderr)
        return 1
    print(f"{len(x)} rows of {arguments.length}, {len(characters)} characters")
    return 0


if __name__ == "__main__":
    sys.exit(main())
