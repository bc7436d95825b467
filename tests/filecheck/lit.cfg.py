"""Configuration of lit: what a test is and which programs its RUN lines may call.

The programs are found in the folder given by `-D bin_dir=...` or the environment's GRAPHC_BIN_DIR,
FileCheck in the one given by `-D llvm_bin_dir=...` or LLVM_BIN_DIR.
"""

import os
import sys

import lit.formats

config.name = "graphc"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".yaml", ".graph"]
config.excludes = ["Inputs"]
config.test_source_root = os.path.dirname(__file__)


def folder(parameter, variable, otherwise):
    """A folder from lit's parameters or the environment; ends the run if it is not there."""
    path = lit_config.params.get(parameter) or os.environ.get(variable) or otherwise
    if not os.path.isdir(path):
        lit_config.fatal(f"no folder '{path}': give it with -D {parameter}=... or {variable}=...")
    return os.path.abspath(path)


bin_dir = folder("bin_dir", "GRAPHC_BIN_DIR", os.path.join("build", "bin"))
llvm_bin_dir = folder("llvm_bin_dir", "LLVM_BIN_DIR", "/usr/lib/llvm-19/bin")
config.test_exec_root = os.path.join(os.path.dirname(bin_dir), "filecheck")
config.environment["PATH"] = os.pathsep.join([bin_dir, llvm_bin_dir, os.environ["PATH"]])

# lit's own shell knows no $?: `%exits 1 graphc bad.yaml` asserts the exit code.
exits = os.path.join(config.test_source_root, "Inputs", "exits.py")
config.substitutions.append(("%exits", f'"{sys.executable}" "{exits}"'))
config.substitutions.append(("%machines", os.path.join(config.test_source_root, "..", "..", "graphs",
                                                       "machines")))
# Diagnostics are checked to the blank: the caret must stand under what is wrong.
config.substitutions.append(("%exactly", "FileCheck --strict-whitespace --match-full-lines"))
