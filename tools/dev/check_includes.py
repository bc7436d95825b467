#!/usr/bin/env python3
"""check_includes.py [ROOT]: who may include whom.

Reads every #include line of the sources under ROOT (default: this repository) and fails on an edge
that the table below does not allow, and on a cycle in the table itself. Exit codes: 0 fine, 1 not.
"""

import pathlib
import re
import sys

# A unit is a folder, without its subfolders where those are units of their own, or a single file.
# To the right stands all that its files may include, beside the unit itself and the system's
# headers.
ALLOWED = {
    # The runtime: one shared library, without the compiler.
    "runtime/base": [],
    "runtime/op": ["runtime/base"],
    "runtime/plan": ["runtime/base", "runtime/op"],
    # What a plan's order is, how long it takes, and why it is safe.
    "runtime/proof": ["runtime/base", "runtime/op", "runtime/plan"],
    # Looks for faults by running plans as badly as they allow; no part of the shared library.
    "runtime/attack": ["runtime/base", "runtime/op", "runtime/plan", "runtime/proof"],
    # The reference executor shares no code with the kernels it is compared with.
    "runtime/kernels/reference": ["runtime/base", "runtime/op", "runtime/plan"],
    "runtime/kernels/cpu": ["runtime/base", "runtime/op"],
    "runtime/kernels/cuda": ["runtime/base", "runtime/op"],
    # Back ends implement the device interface; the registry alone knows which there are.
    "runtime/device": ["runtime/base", "runtime/op", "runtime/plan", "runtime/kernels/cpu"],
    "runtime/device/emulated": ["runtime/base", "runtime/op", "runtime/plan", "runtime/device"],
    "runtime/device/cuda": ["runtime/base", "runtime/op", "runtime/plan", "runtime/device",
                            "runtime/kernels/cuda"],
    "runtime/device/device_registry.cpp": ["runtime/base", "runtime/op", "runtime/plan",
                                           "runtime/device", "runtime/device/emulated"],
    # Moves bytes between hosts, and knows no plan; MPI is seen by a shared object of its own.
    "runtime/remote": ["runtime/base", "runtime/op", "runtime/device"],
    "runtime/remote/mpi": ["runtime/base", "runtime/op", "runtime/device", "runtime/remote"],
    # Order alone: which action runs when. What the actions work on is a session's.
    "runtime/engine": ["runtime/base", "runtime/plan", "runtime/proof", "runtime/device",
                       "runtime/remote"],
    "runtime/session": ["runtime/base", "runtime/plan", "runtime/proof", "runtime/device",
                        "runtime/remote", "runtime/engine", "runtime/kernels/cpu",
                        "runtime/kernels/reference"],
    # Looks on while a session runs, or after it has.
    "runtime/observe": ["runtime/base", "runtime/op", "runtime/plan", "runtime/proof",
                        "runtime/device", "runtime/engine", "runtime/session",
                        "runtime/kernels/reference"],

    # A session for as many steps as it takes to learn something, and what is done between them.
    "runtime/train": ["runtime/base", "runtime/plan", "runtime/session", "runtime/observe"],

    # The compiler: of the runtime it sees the contract only; its folders see earlier stages only.
    "compiler/vocabulary.h": ["runtime/base"],
    "compiler/shared.h": [],
    # Solvers at the bottom, on plain values: no graph, no machine.
    "compiler/solve": ["@contract"],
    "compiler/solve/schedule": ["@contract", "compiler/solve"],
    "compiler/solve/packing": ["@contract", "compiler/solve"],
    "compiler/diagnostics": ["@contract"],
    # Values; all reading of text lies in frontend, where it needs no later stage.
    "compiler/graph": ["@contract", "compiler/diagnostics"],
    "compiler/machine": ["@contract", "compiler/diagnostics", "compiler/graph"],
    "compiler/frontend": ["@contract", "compiler/diagnostics", "compiler/solve", "compiler/graph",
                          "compiler/machine"],
    "compiler/autodiff": ["@contract", "compiler/diagnostics", "compiler/graph"],
    "compiler/parallel": ["@contract", "compiler/diagnostics", "compiler/graph"],
    "compiler/passes": ["@contract", "compiler/diagnostics", "compiler/graph",
                        "compiler/autodiff", "compiler/parallel"],
    # What a constant is worth, the reference executor says; see docs/decisions/0002.
    "compiler/passes/fold_constants.cpp": ["@contract", "compiler/diagnostics", "compiler/graph",
                                           "compiler/passes", "compiler/autodiff",
                                           "compiler/parallel",
                                           "runtime/kernels/reference"],
    "compiler/placement": ["@contract", "compiler/diagnostics", "compiler/graph",
                           "compiler/machine", "compiler/solve"],
    "compiler/schedule": ["@contract", "compiler/diagnostics", "compiler/graph",
                          "compiler/machine", "compiler/placement", "@solve"],
    "compiler/memory": ["@contract", "compiler/diagnostics", "compiler/graph", "compiler/machine",
                        "compiler/placement", "compiler/schedule", "@solve"],
    "compiler/sync": ["@contract", "compiler/diagnostics", "compiler/graph", "compiler/machine",
                      "compiler/placement", "compiler/schedule", "compiler/memory", "@solve"],
    # From placed graph to waits, written once; and what decides how.
    "compiler/lower": ["@contract", "compiler/diagnostics", "compiler/graph", "compiler/machine",
                       "compiler/placement", "compiler/schedule", "compiler/memory",
                       "compiler/sync", "@solve"],
    # What was decided and ordered, as text: read on top of the levels that it is about.
    "compiler/frontend/decisions": ["@contract", "compiler/diagnostics", "compiler/graph",
                                    "compiler/machine", "compiler/frontend", "compiler/placement",
                                    "compiler/schedule", "compiler/lower", "compiler/memory",
                                    "compiler/sync", "@solve"],
    "compiler/search": ["@contract", "compiler/diagnostics", "compiler/graph", "compiler/parallel",
                        "compiler/passes", "compiler/machine", "compiler/placement",
                        "compiler/schedule", "compiler/memory", "compiler/sync", "compiler/lower",
                        "@solve"],
    # What a compilation found out, as one value: printed by emit/, filled in by compile.cpp.
    "compiler/compile.h": ["@contract", "compiler/diagnostics", "compiler/graph",
                           "compiler/machine", "compiler/passes", "compiler/placement",
                           "compiler/lower", "compiler/search", "compiler/schedule",
                           "compiler/memory", "compiler/sync", "@solve"],
    "compiler/emit": ["@contract", "compiler/diagnostics", "compiler/graph", "compiler/machine",
                      "compiler/passes", "compiler/placement", "compiler/lower", "compiler/search",
                      "compiler/schedule", "compiler/memory", "compiler/sync", "@solve",
                      "compiler/compile.h"],
    "compiler/compile.cpp": ["@contract", "@compiler"],

    # Programs. Those that run plans see no compiler.
    "tools/common": ["runtime/base"],
    "tools/graphc": ["@contract", "@compiler", "tools/common"],
    "tools/graph-opt": ["@contract", "@compiler", "tools/common"],
    "tools/graphrun": ["runtime/base", "runtime/plan", "runtime/proof", "runtime/remote",
                       "runtime/session",
                       "runtime/observe", "runtime/train", "tools/common"],
    "tools/graphdump": ["runtime/base", "runtime/op", "runtime/plan", "runtime/proof",
                        "runtime/attack", "tools/common"],
    "tools/example": ["runtime/base", "runtime/op", "runtime/plan", "runtime/session"],
    # Measures what the compiler predicts with, on devices and on plans of its own.
    "tools/graphprobe": ["@contract", "@compiler", "compiler/compile.h", "runtime/device",
                         "runtime/remote", "runtime/session", "tools/common"],

    # It runs products beside each other without a session, which would see to their buffers.
    "tools/graphprobe/measure_cpu.cpp": ["@contract", "@compiler", "runtime/device",
                                         "runtime/kernels/cpu", "tools/graphprobe"],

    # Tests may look into everything.
    "tests": ["@runtime", "@contract", "@compiler"],
    "tests/gpu": ["@runtime", "@contract", "@compiler", "tests"],
    "tests/unit/tools": ["@contract", "@compiler", "compiler/compile.h", "tools/graphprobe",
                         "tests/gpu"],
}

GROUPS = {
    "@contract": ["runtime/base", "runtime/op", "runtime/plan", "runtime/proof",
                  "compiler/vocabulary.h", "compiler/shared.h"],
    "@solve": ["compiler/solve", "compiler/solve/schedule", "compiler/solve/packing"],
    "@compiler": [unit for unit in ALLOWED
                  if unit.startswith("compiler/") and unit != "compiler/compile.cpp"],
    "@runtime": [unit for unit in ALLOWED if unit.startswith("runtime/")],
}

CUDA_HEADER = re.compile(r"^(cuda|cublas|cublasLt|cub/|nvtx3/|cupti|curand|thrust/)")
MPI_HEADER = re.compile(r"^mpi\.h$")
MPI_UNITS = ("runtime/remote/mpi",)
CUDA_UNITS = ("runtime/device/cuda", "runtime/kernels/cuda", "tests/gpu")

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
SOURCE_SUFFIXES = {".h", ".cpp", ".cu", ".cuh", ".inc"}
SOURCE_FOLDERS = ("runtime", "compiler", "tools", "tests")
# Made at build time, of the same folder's schema.
GENERATED = {"plan_generated.h": "runtime/plan"}


def unit_of(path):
    """The unit that a source file belongs to: itself, or the nearest folder in the table."""
    candidate = pathlib.PurePosixPath(path)
    while str(candidate) != ".":
        if str(candidate) in ALLOWED:
            return str(candidate)
        candidate = candidate.parent
    return None


def targets_of(unit):
    """All units that a unit may include, groups written out."""
    targets = {unit}
    for name in ALLOWED[unit]:
        targets.update(GROUPS.get(name, [name]))
    # A file that stands for itself is part of its folder where its folder is allowed, and may
    # include its folder's other files.
    folder = str(pathlib.PurePosixPath(unit).parent)
    if "." in unit and folder in ALLOWED:
        targets.add(folder)
    return targets


def find_cycle():
    """A cycle of units that may include each other, as a list of names; None if there is none.

    A .cpp that stands for itself is included by nobody and cannot be part of one.
    """
    done, path = set(), []

    def visit(unit):
        if unit in path:
            return path[path.index(unit):] + [unit]
        if unit in done:
            return None
        path.append(unit)
        for target in sorted(targets_of(unit) - {unit}):
            cycle = None if target.endswith(".cpp") else visit(target)
            if cycle:
                return cycle
        path.pop()
        done.add(unit)
        return None

    for unit in ALLOWED:
        cycle = visit(unit)
        if cycle:
            return cycle
    return None


def problem_of(path, quote, header):
    """Why the file `path` may not include `header`, or None."""
    unit = unit_of(path)
    if unit is None:
        return "this folder is not in the table of tools/dev/check_includes.py"
    if header.endswith((".cpp", ".cu")):
        return "a source file is compiled, not included"
    if quote == "<":
        if MPI_HEADER.match(header) and unit not in MPI_UNITS:
            return f"MPI's header belongs in {', '.join(MPI_UNITS)}"
        if CUDA_HEADER.match(header) and unit not in CUDA_UNITS:
            return f"CUDA headers belong in {', '.join(CUDA_UNITS)}"
        return None
    if unit == "tests" and "/" not in header:
        return None  # a helper that lies beside the test
    target = GENERATED.get(header) or unit_of(header)
    if target is None:
        return f'"{header}" is no path from the root of the repository'
    if target in targets_of(unit):
        return None
    return f"{unit} may not include {target}"


def problems_in(root):
    """`path:line: include: reason` for every forbidden edge under `root`, sorted by place."""
    for folder in SOURCE_FOLDERS:
        for file in sorted((root / folder).rglob("*")):
            if file.suffix not in SOURCE_SUFFIXES or not file.is_file():
                continue
            path = file.relative_to(root).as_posix()
            for number, line in enumerate(file.read_text().splitlines(), start=1):
                match = INCLUDE.match(line)
                reason = match and problem_of(path, match[1], match[2])
                if reason:
                    yield f'{path}:{number}: {line.strip()}: {reason}'


FORWARD = re.compile(r"^(?:class|struct) (\w+);")
DEFINITION = re.compile(r"^\s*(?:class|struct) (\w+)(?: final)?(?: :[^:]|\s*\{)")
NAMESPACE = re.compile(r"^namespace (?:\w+::)*(\w+) \{")


def forward_declarations_in(root):
    """Reasons for every forward declaration of what is defined in another namespace, or nowhere.

    Namespaces that the repository does not define are those of libraries."""
    defined, declared, ours = set(), [], set()
    for folder in SOURCE_FOLDERS:
        for file in sorted((root / folder).rglob("*")):
            if file.suffix not in SOURCE_SUFFIXES or not file.is_file():
                continue
            namespace, is_template = "", False
            for number, line in enumerate(file.read_text().splitlines(), start=1):
                was_template, is_template = is_template, line.startswith("template")
                if match := NAMESPACE.match(line):
                    namespace = match[1]
                elif match := DEFINITION.match(line):
                    defined.add((namespace, match[1]))
                    ours.add(namespace)
                elif (match := FORWARD.match(line)) and not was_template:
                    declared.append((file.relative_to(root).as_posix(), number, namespace, match[1]))
    for path, number, namespace, name in declared:
        if namespace in ours and (namespace, name) not in defined:
            yield f"{path}:{number}: {name} is not defined in namespace {namespace}"


def main():
    default_root = pathlib.Path(__file__).resolve().parents[2]
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default_root
    problems = list(problems_in(root)) + list(forward_declarations_in(root))
    cycle = find_cycle()
    if cycle:
        problems.append("the table of allowed includes has a cycle: " + " -> ".join(cycle))
    print("\n".join(problems) if problems else f"includes: {len(ALLOWED)} units in order")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
