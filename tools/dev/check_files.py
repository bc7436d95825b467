#!/usr/bin/env python3
"""check_files.py [ROOT]: house rules that hold for every text file under ROOT.

No source file over 500 lines, no notes to self, no code that is switched off, no path of somebody's
machine. Exit codes: 0 fine, 1 not.
"""

import pathlib
import re
import sys

MAX_LINES = 500
# Files that may be longer, each with the reason.
LONGER = {}

TEXT_SUFFIXES = {".h", ".cpp", ".cu", ".fbs", ".py", ".sh", ".cmake", ".txt", ".md", ".yaml",
                 ".graph", ".json"}
SOURCE_SUFFIXES = {".h", ".cpp", ".cu", ".py", ".sh"}
SKIPPED_FOLDERS = re.compile(r"^(\.git|\.cache|__pycache__|out|build.*)$")

# In pieces, so that this file does not find itself.
RULES = [
    (re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b"), "a note to self"),
    (re.compile(r"^\s*#\s*if\s+" r"0\b"), "code that is switched off"),
    (re.compile(r"(?<![\w.])/(home|root|Users|mnt)/\w"), "a path of one machine"),
]


def text_files(root):
    """All text files under `root`, sorted, build output left out."""
    for entry in sorted(root.iterdir()):
        if entry.is_dir() and not SKIPPED_FOLDERS.match(entry.name):
            yield from text_files(entry)
        elif entry.is_file() and entry.suffix in TEXT_SUFFIXES:
            yield entry


def problems_in(root):
    """`path:line: reason` for every broken rule, sorted by place."""
    own_path = re.compile(re.escape(str(root)) + r"(/|\b)")
    rules = list(RULES)
    if len(root.parts) > 2:  # "/" and "/src" may stand for anything
        rules.append((own_path, "the path of this checkout"))
    for file in text_files(root):
        path = file.relative_to(root).as_posix()
        lines = file.read_text().splitlines()
        if file.suffix in SOURCE_SUFFIXES and len(lines) > MAX_LINES and path not in LONGER:
            yield f"{path}: {len(lines)} lines, more than {MAX_LINES}"
        for number, line in enumerate(lines, start=1):
            for pattern, reason in rules:
                if pattern.search(line):
                    yield f"{path}:{number}: {reason}: {line.strip()}"


def main():
    default_root = pathlib.Path(__file__).resolve().parents[2]
    root = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else default_root
    problems = list(problems_in(root))
    print("\n".join(problems) if problems else "files: house rules kept")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
