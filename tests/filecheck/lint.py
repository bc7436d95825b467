"""lint.py FOLDER: finds tests that pass without testing what they seem to test.

A file whose CHECK lines no RUN line hands to FileCheck passes silently, and so does a line whose
prefix is misspelled or not asked for.
"""

import pathlib
import re
import sys

DIRECTIVE = re.compile(r"^\s*#\s*([A-Z][A-Z0-9_-]*?)(?:-(?:NEXT|SAME|NOT|DAG|LABEL|EMPTY|COUNT-\d+))?:")
PREFIX_OPTION = re.compile(r"--?check-prefix(?:es)?[= ]([\w,-]+)")
CALLS_FILECHECK = re.compile(r"FileCheck|%exactly")


def problems(path):
    """What is wrong with one test, as lines of text."""
    prefixes_of_lines = {}
    run_lines = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        match = DIRECTIVE.match(line)
        if match and match.group(1) == "RUN":
            run_lines.append(line)
        elif match:
            prefixes_of_lines.setdefault(match.group(1), number)
    if not run_lines:
        yield f"{path}:1: no RUN line"
    asked_for = set()
    for line in run_lines:
        for call in line.split("|"):
            if not CALLS_FILECHECK.search(call):
                continue
            options = PREFIX_OPTION.findall(call)
            asked_for.update(name for option in options for name in option.split(","))
            if not options:
                asked_for.add("CHECK")
    for prefix, number in sorted(prefixes_of_lines.items()):
        if prefix not in asked_for:
            yield f"{path}:{number}: no FileCheck in a RUN line looks for '{prefix}:'"
    for prefix in sorted(asked_for - prefixes_of_lines.keys()):
        yield f"{path}:1: FileCheck looks for '{prefix}:', which is not there"


def main():
    root = pathlib.Path(sys.argv[1])
    tests = [path for path in sorted(root.rglob("*"))
             if path.suffix in (".yaml", ".graph") and "Inputs" not in path.parts]
    found = [problem for path in tests for problem in problems(path)]
    print("\n".join(found) if found else f"{len(tests)} tests, all checked")
    return 1 if found or not tests else 0


if __name__ == "__main__":
    sys.exit(main())
