#!/usr/bin/env python3
"""analyze.py BUILD_FOLDER [-j N]: clang's static analyzer over every file by itself.

Reads the folder's compile_commands.json. A file that includes too little does not compile here, but
for headers of the language and of GoogleTest: those are compiled once, for all files together, and
check_std_includes.py sees to it that every file names those it uses.

Headers of ours are compiled beforehand, too, in groups that many files share. A file gets a group
only if it includes all of it, itself or through headers of ours: so it sees nothing that it would
not see alone. What a group might hide, a header that needs another one before it, is found as every
header of ours is compiled by itself.

Exit codes: 0 nothing was found, 1 something was.
"""

import argparse
import concurrent.futures
import functools
import heapq
import itertools
import json
import pathlib
import re
import subprocess
import sys

CLANG = "clang++-19"
ANALYZER = ["--analyze", "--analyzer-no-default-checks", "-Xclang", "-analyzer-checker=core,cplusplus",
            "-Xclang", "-analyzer-disable-checker=core.NonNullParamChecker",
            "-Xclang", "-analyzer-werror", "-Xclang", "-analyzer-output=text"]
# The analyzer follows the paths of a function up to a number of states: by default ten times as
# many, which takes five times as long. Tests run line by line, with few paths that are not short.
MAX_STATES = 20000
MAX_STATES_OF_TESTS = 5000
# Names that the language keeps to itself are the one warning that GCC lacks. Position independence
# and errno have to be those of the compiled headers.
FLAGS = ["-fPIC", "-fmath-errno", "-Wno-everything", "-Wreserved-identifier", "-Wunused-result", "-Werror"]
# For headers: what their templates are used for is done once, not in every file.
HEADER_FLAGS = ["-std=c++20", "-O3", "-DNDEBUG", "-D__clang_analyzer__", *FLAGS,
                "-fpch-instantiate-templates", "-x", "c++-header"]
TOOLS = pathlib.Path(__file__).resolve().parent
ROOT = TOOLS.parents[1]

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
LIBRARY = re.compile(r"^\s*#\s*include\s*<([^>]+)>", re.MULTILINE)
CONDITION = re.compile(r"^\s*#\s*(if|el|endif)", re.MULTILINE)
# Libraries' headers that a group may have inside: they compile alike for all files.
GROUPED_LIBRARIES = re.compile(r"[a-z_0-9]+|g(test|mock)/g(test|mock)\.h|tl/expected\.hpp")
# Both in bytes of headers: what a group costs beside its headers, and each header beside its text.
COST_OF_GROUP = 12000
COST_OF_HEADER = 1000


class Headers:
    """Headers of ours: what each brings along."""

    def __init__(self, macros):
        """`macros`: names that some files' command lines define."""
        self.macros = re.compile(r"\b(" + "|".join(sorted(macros)) + r")\b")
        # Everything is asked for again and again, and a file is read once.
        self.text = functools.cache(pathlib.Path.read_text)
        self.included = functools.cache(self.included)
        self.closure = functools.cache(self.closure)
        self.means_the_same = functools.cache(self.means_the_same)

    def included(self, path):
        """Headers of ours that a file names, in its order."""
        found = []
        for name in INCLUDE.findall(self.text(path)):
            targets = [target for target in (ROOT / name, path.parent / name)
                       if target.suffix == ".h" and target.is_file()]
            found += targets[:1]
        return found

    def closure(self, path):
        """What a file brings along of ours, the file itself left out: a set of headers."""
        found = set()
        if not CONDITION.search(self.text(path)):
            for header in self.included(path):
                found |= {header} | self.closure(header)
        return frozenset(found)

    def means_the_same(self, header):
        """Whether the text of a header means the same everywhere: no macro, no special library."""
        text = self.text(header)
        return not CONDITION.search(text) and not self.macros.search(text) and \
            all(GROUPED_LIBRARIES.fullmatch(name) for name in LIBRARY.findall(text))

    def can_be_grouped(self, header):
        return all(self.means_the_same(each) for each in {header} | self.closure(header))

    def all_of(self, path):
        """All headers that a file brings along, if only on a condition."""
        found, open_files = set(), [path]
        while open_files:
            for header in self.included(open_files.pop()):
                if header not in found:
                    found.add(header)
                    open_files.append(header)
        return found

    def to_group(self, path):
        """What a file brings along and groups may have: each header with all that it includes."""
        return frozenset(header for header in self.closure(path) if self.can_be_grouped(header))


def choose_groups(wanted, size):
    """Sets of headers to compile beforehand, for files that may have `wanted` each.

    A file uses the heaviest set that it may have all of. Taken is what spares most beside what is
    taken already, as long as it spares more than it costs.
    """
    bits = {header: 1 << number for number, header in enumerate(sorted(size))}
    masks = [sum(bits[header] for header in group) for group in wanted]
    distinct = sorted(set(masks))
    weights = {mask: sum(size[header] for header, bit in bits.items() if mask & bit)
               for mask in {one & other for one in distinct for other in distinct}}
    spared = [0] * len(masks)

    def gain(group):
        weight = weights[group]
        return sum(weight - has for has, mask in zip(spared, masks)
                   if weight > has and group & ~mask == 0) - weight - COST_OF_GROUP

    # What a set gains only shrinks as others are taken: of the best, a look at the first will do.
    heap = [(-gain(group), group) for group in sorted(weights)]
    heapq.heapify(heap)
    chosen = []
    while heap:
        before, group = heapq.heappop(heap)
        now = gain(group)
        if now <= 0:
            continue
        if heap and -heap[0][0] > now:
            heapq.heappush(heap, (-now, group))
            continue
        chosen.append(group)
        spared = [max(has, weights[group]) if group & ~mask == 0 else has
                  for has, mask in zip(spared, masks)]
    return [frozenset(header for header, bit in bits.items() if group & bit) for group in chosen]


def best_group(groups, wanted, size):
    """The number of the heaviest group that a file may have all of; None where there is none."""
    return max((number for number, group in enumerate(groups) if group <= wanted), default=None,
               key=lambda number: sum(size[header] for header in groups[number]))


def run(command, folder):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def compile_libraries(folder):
    """Compiles the libraries' headers into the build folder; gives the path to the result."""
    header = folder / "libraries.h"
    headers = subprocess.run([sys.executable, TOOLS / "check_std_includes.py", "--header"],
                             check=True, capture_output=True, text=True).stdout
    header.write_text(f'{headers}#include "{ROOT / "tests" / "analyzed_assertions.h"}"\n')
    compiled = folder / "libraries.pch"
    subprocess.run([CLANG, *HEADER_FLAGS, header, "-o", compiled], check=True)
    return compiled


def group_command(folder, libraries, number, headers):
    """The command that compiles a group of headers on top of the libraries', and its result."""
    header = folder / f"group_{number}.h"
    header.write_text("".join(f'#include "{path.relative_to(ROOT)}"\n' for path in sorted(headers)))
    compiled = folder / f"group_{number}.pch"
    return [CLANG, *HEADER_FLAGS, f"-I{ROOT}", "-include-pch", str(libraries), str(header), "-o",
            str(compiled)], compiled


def file_command(entry, compiled):
    """The compiler's command line of an entry, as one for clang on top of compiled headers."""
    words = re.sub(r" -(o|MF|MT) \S+", "", entry["command"]).split()
    while words[0].endswith("ccache"):
        words.pop(0)
    words = [word.replace('\\"', '"') for word in words[1:] if word != "-MD" and
             not word.startswith("-W")]
    return [CLANG, *words, *FLAGS, "-include-pch", str(compiled)]


def analyzer_command(entry, compiled):
    """The command that analyzes an entry's file."""
    is_test = pathlib.Path(entry["file"]).is_relative_to(ROOT / "tests")
    max_states = MAX_STATES_OF_TESTS if is_test else MAX_STATES
    return [*file_command(entry, compiled), *ANALYZER,
            "-Xclang", "-analyzer-config", "-Xclang", f"max-nodes={max_states}"]


def header_command(header, entry, compiled):
    """The command that reads a header by itself, as an entry that includes it would."""
    words = ["-fsyntax-only" if word == "-c" else word
             for word in file_command(entry, compiled) if word != entry["file"]]
    return [*words, "-D__clang_analyzer__", "-x", "c++", str(header)]


def macros_of(entry):
    """What an entry's command line defines."""
    return re.findall(r" -D(\w+)", entry["command"])


def entries_of(folder):
    """Every file once, but for files that differ by macros of ours."""
    entries = {}
    for entry in json.loads((folder / "compile_commands.json").read_text()):
        if entry["file"].endswith(".cpp"):
            macros = frozenset(name for name in macros_of(entry) if name.startswith("GRAPH"))
            entries.setdefault((entry["file"], macros), entry)
    return list(entries.values())


def main():
    parser = argparse.ArgumentParser(description="clang's static analyzer over every file")
    parser.add_argument("folder", type=pathlib.Path, metavar="BUILD_FOLDER")
    parser.add_argument("-j", type=int, default=1, metavar="N", help="files at a time (default: 1)")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    entries = entries_of(folder)
    headers = Headers({macro for entry in entries for macro in macros_of(entry)})
    files = [pathlib.Path(entry["file"]) for entry in entries]
    wanted = [headers.to_group(path) for path in files]
    reader_of = {}  # of a header: an entry that includes it
    for entry, path in zip(entries, files):
        for header in headers.all_of(path):
            reader_of.setdefault(header, entry)
    alone = sorted(reader_of)
    size = {header: COST_OF_HEADER + len(headers.text(header)) for header in set().union(*wanted)}
    groups = choose_groups(wanted, size)
    wanted += [headers.to_group(header) for header in alone]
    group_of = [best_group(groups, each, size) for each in wanted]

    libraries = compile_libraries(folder)
    with concurrent.futures.ThreadPoolExecutor(arguments.j) as pool:
        commands = [group_command(folder, libraries, *group) for group in enumerate(groups)]
        results = list(pool.map(lambda each: run(each[0], folder), commands))
        # A group that does not compile is a finding; its files do without.
        compiled = [libraries if number is None or results[number].returncode != 0 else
                    commands[number][1] for number in group_of]
        tasks = [(analyzer_command(entry, pch), entry["directory"])
                 for entry, pch in zip(entries, compiled)]
        tasks += [(header_command(header, reader_of[header], pch), folder)
                  for header, pch in zip(alone, compiled[len(entries):])]
        num_failed = 0
        for result in itertools.chain(results, pool.map(lambda task: run(*task), tasks)):
            if result.returncode != 0:
                num_failed += 1
                print(result.stdout + result.stderr, end="")
    print(f"analyze: {len(entries)} files and {len(alone)} headers, {num_failed} with findings")
    return 1 if num_failed else 0


if __name__ == "__main__":
    sys.exit(main())
