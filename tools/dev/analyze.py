#!/usr/bin/env python3
"""analyze.py BUILD_FOLDER [-j N]: clang's static analyzer over every file by itself.

Reads the folder's compile_commands.json. A file that includes too little does not compile here, but
for headers of the language and of GoogleTest: those are compiled once, for all files together, and
check_std_includes.py sees to it that every file names those it uses.

Exit codes: 0 nothing was found, 1 something was.
"""

import argparse
import concurrent.futures
import json
import pathlib
import re
import subprocess
import sys

CLANG = "clang++-19"
# The analyzer follows the paths of a function up to a number of states: by default ten times as
# many, which takes five times as long.
ANALYZER = ["--analyze", "--analyzer-no-default-checks", "-Xclang", "-analyzer-checker=core,cplusplus",
            "-Xclang", "-analyzer-disable-checker=core.NonNullParamChecker",
            "-Xclang", "-analyzer-config", "-Xclang", "max-nodes=20000",
            "-Xclang", "-analyzer-werror", "-Xclang", "-analyzer-output=text"]
# Names that the language keeps to itself are the one warning that GCC lacks. Position independence
# and errno have to be those of the compiled headers.
FLAGS = ["-fPIC", "-fmath-errno", "-Wno-everything", "-Wreserved-identifier", "-Wunused-result", "-Werror"]
TOOLS = pathlib.Path(__file__).resolve().parent


def compile_headers(folder):
    """Compiles the libraries' headers into the build folder; gives the path to the result."""
    header = folder / "libraries.h"
    header.write_text(subprocess.run([sys.executable, TOOLS / "check_std_includes.py", "--header"],
                                     check=True, capture_output=True, text=True).stdout)
    compiled = folder / "libraries.pch"
    subprocess.run([CLANG, "-std=c++20", "-O3", "-DNDEBUG", "-D__clang_analyzer__", "-fPIC",
                    "-x", "c++-header", header, "-o", compiled], check=True)
    return compiled


def command_for(entry, compiled):
    """The compiler's command line of an entry, as one for the analyzer."""
    words = re.sub(r" -(o|MF|MT) \S+", "", entry["command"]).split()
    while words[0].endswith("ccache"):
        words.pop(0)
    words = [word.replace('\\"', '"') for word in words[1:] if word != "-MD" and
             not word.startswith("-W")]
    return [CLANG, *words, *FLAGS, "-include-pch", str(compiled), *ANALYZER]


def main():
    parser = argparse.ArgumentParser(description="clang's static analyzer over every file")
    parser.add_argument("folder", type=pathlib.Path, metavar="BUILD_FOLDER")
    parser.add_argument("-j", type=int, default=1, metavar="N", help="files at a time (default: 1)")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    entries = [entry for entry in json.loads((folder / "compile_commands.json").read_text())
               if entry["file"].endswith(".cpp")]
    compiled = compile_headers(folder)

    def analyze(entry):
        return subprocess.run(command_for(entry, compiled), cwd=entry["directory"],
                              capture_output=True, text=True, check=False)

    num_failed = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.j) as pool:
        for entry, run in zip(entries, pool.map(analyze, entries)):
            if run.returncode != 0:
                num_failed += 1
                print(run.stdout + run.stderr, end="")
    print(f"analyze: {len(entries)} files, {num_failed} with findings")
    return 1 if num_failed else 0


if __name__ == "__main__":
    sys.exit(main())
