#!/usr/bin/env python3
"""tidy.py BUILD_FOLDER [-j N] [--plan]: clang-tidy over every file, many folders at a time.

Reads the compile_commands.json of a build that compiles the files of a folder together. Most of what
clang-tidy does is the same for every file, libraries' headers, so folders are put together, too, as
far as names that are local to them are different. What does not compile together after all is read
folder by folder: names decide how long this takes, not what is found.

  --plan    print what is read together, and read nothing

Exit codes: 0 nothing was found, 1 something was.
"""

import argparse
import concurrent.futures
import functools
import json
import pathlib
import re
import subprocess
import sys

# Left out are checks that mind what else is in sight (check_includes.py refuses source files that
# are included, and forward declarations of what is nowhere), and the analyzer (analyze.py).
CLANG_TIDY = ["clang-tidy-19", "-quiet", "-checks=-clang-analyzer-*,-bugprone-suspicious-include,"
              "-bugprone-forward-declaration-namespace"]
# Bytes of sources that are read at once, without headers.
MAX_BYTES = 250_000

INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
COMMENT = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:[^"\\\n]|\\.)*"', re.DOTALL)
NAMESPACE = re.compile(r"namespace\s*([\w:]*)\s*\{")
TEST = re.compile(r"(?:TEST\w*|INSTANTIATE_TEST_SUITE_P|MATCHER\w*)\((\w+)(?:, (\w+))?")
USING = re.compile(r"using\s+[\w:]*::(\w+);")
TYPE = re.compile(r"(?:enum\s+)?(?:struct|class|enum|union|using)\s+(\w+)")
# The name that a declaration introduces stands before its parameters, value or end.
NAME = re.compile(r"(?:^|[\s*&])(\w+)\s*(?:\(|\{|=|;|\[)")
# Where functions of one name and several files are overloads, since it is all one program.
OVERLOADED = re.compile(r"(compiler|runtime)/")
ROOT = pathlib.Path(__file__).resolve().parents[2]


class Names:
    """What a file declares outside of functions and classes: names with their namespaces."""

    def __init__(self, path):
        text = path.read_text()
        self.local, self.shared, self.used = set(), set(), set()
        self.macros = set(re.findall(r"^\s*#\s*define (\w+)", text, re.MULTILINE))
        self.words = set(re.findall(r"\w+", text))
        namespaces = []
        text = re.sub(r"^\}  // namespace", "}namespace", text, flags=re.MULTILINE)
        for line in COMMENT.sub('""', text).splitlines():
            opened = NAMESPACE.match(line)
            if opened:
                namespaces.append(opened.group(1))
            elif line.startswith("}namespace"):
                namespaces.pop()
            elif line and not line[0].isspace() and line[0] not in "#}{/)":
                self.add(line, namespaces)

    def add(self, line, namespaces):
        where = "::".join(name for name in namespaces if name)
        test, used = TEST.match(line), USING.match(line)
        if used:
            self.used.add((where, used.group(1)))
            return
        if test:
            name = "_".join(part for part in test.groups() if part)
        else:
            line = re.sub(r"^(template|requires)\b.*>$", "", line)
            match = TYPE.match(line) or NAME.search(line)
            if not match or re.fullmatch(r"(struct|class) \w+;", line):
                return
            name = match.group(1)
        is_local = "" in namespaces or line.startswith("static ")
        (self.local if is_local else self.shared).add((where, name))


@functools.cache
def names_of(path):
    return Names(path)


class Unit:
    """Files that the build compiles together, and what they and their headers declare."""

    def __init__(self, entry, seen):
        """Takes the files of an entry that are not in `seen`, and adds them."""
        # What warnings the compiler gives is no matter here, and clang does not know all of GCC's.
        words = entry["command"].replace('\\"', '"').replace("-isystem ", "-isystem").split()
        self.flags = [word for word in words if re.match(r"-(D|I|isystem|std=|f)", word)]
        path = pathlib.Path(entry["file"])
        self.is_alone = path.suffix == ".cpp"
        files = [path] if self.is_alone else [pathlib.Path(name) for name in INCLUDE.findall(path.read_text())]
        self.files = [path for path in files if path not in seen]
        seen.update(self.files)
        self.num_bytes = sum(path.stat().st_size for path in self.files)
        self.local, self.used, self.macros, self.words = set(), set(), set(), set()
        # The file that declares a name; overloads in several files stand together.
        self.declared = {}
        for path in with_headers(self.files):
            names = names_of(path)
            self.local |= names.local
            self.used |= names.used
            if path in self.files:
                self.macros |= names.macros
                self.words |= names.words
            for name in names.local | names.shared:
                self.declared.setdefault(name, set()).add(path)

    def name(self):
        return str(self.files[0].parent.relative_to(ROOT))

    def fits(self, other):
        """Whether both can be read at once, as far as names tell."""
        if self.macros & other.words or other.macros & self.words:
            return False
        for name in self.declared.keys() & other.declared.keys():
            if self.declared[name] == other.declared[name]:
                continue
            if name in self.local | other.local or not OVERLOADED.match(self.place(name)) or \
                    not OVERLOADED.match(other.place(name)):
                return False
        return not (self.used & other.declared.keys() or other.used & self.declared.keys())

    def place(self, name):
        return min(str(path.relative_to(ROOT)) for path in self.declared[name])


def with_headers(files):
    """Files with all headers of ours that they include, in no order."""
    found, open_files = set(files), list(files)
    while open_files:
        path = open_files.pop()
        for name in INCLUDE.findall(path.read_text()):
            for target in (ROOT / name, path.parent / name):
                if target.is_file() and target not in found:
                    found.add(target)
                    open_files.append(target)
    return found


def batches_of(units):
    """Units that are read together: the first that has room for one takes it."""
    batches = []
    for unit in units:
        for batch in batches:
            if not unit.is_alone and not batch[0].is_alone and \
                    sum(other.num_bytes for other in batch) + unit.num_bytes <= MAX_BYTES and \
                    all(unit.fits(other) for other in batch):
                batch.append(unit)
                break
        else:
            batches.append([unit])
    return batches


def run(file, units):
    """Runs clang-tidy over units at once; gives what it says, or nothing where it is content."""
    file.write_text("".join(f'#include "{path}"\n' for unit in units for path in unit.files))
    flags = dict.fromkeys(flag for unit in units for flag in unit.flags)
    result = subprocess.run([*CLANG_TIDY, str(file), "--", *flags], cwd=ROOT, capture_output=True,
                            text=True, check=False)
    if result.returncode == 0:
        return ""
    return result.stdout or f"{file}: clang-tidy ended with {result.returncode}\n{result.stderr}"


def check(number, units, folder):
    """What clang-tidy says of a batch. If that does not compile, of its units one by one."""
    found = run(folder / f"batch_{number}.cxx", units)
    if len(units) > 1 and "[clang-diagnostic-error]" in found:
        print("tidy: not together, but one by one:", *sorted({unit.name() for unit in units}), flush=True)
        found = "".join(run(folder / f"batch_{number}_{index}.cxx", [unit])
                        for index, unit in enumerate(units))
    return found


def main():
    parser = argparse.ArgumentParser(description="clang-tidy over every file, many folders at a time")
    parser.add_argument("folder", type=pathlib.Path, metavar="BUILD_FOLDER")
    parser.add_argument("-j", type=int, default=1, metavar="N", help="batches at a time (default: 1)")
    parser.add_argument("--plan", action="store_true", help="print what is read together, and end")
    arguments = parser.parse_args()
    seen = set()
    units = [Unit(entry, seen)
             for entry in json.loads((arguments.folder / "compile_commands.json").read_text())
             if re.search(r"\.(cpp|cxx)$", entry["file"])]
    batches = batches_of([unit for unit in units if unit.files])
    # The long ones first, so that none is alone at the end: what no build puts together has large
    # headers of libraries.
    batches.sort(key=lambda batch: (not batch[0].is_alone, -sum(unit.num_bytes for unit in batch)))
    if arguments.plan:
        for batch in batches:
            print(sum(unit.num_bytes for unit in batch), *[unit.name() for unit in batch])
        return 0
    folder = arguments.folder.resolve() / "batches"
    folder.mkdir(exist_ok=True)
    num_failed = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.j) as pool:
        for found in pool.map(lambda item: check(*item, folder), enumerate(batches)):
            num_failed += found != ""
            print(found, end="", flush=True)
    print(f"tidy: {len(seen)} files in {len(batches)} batches, {num_failed} with findings")
    return 1 if num_failed else 0


if __name__ == "__main__":
    sys.exit(main())
