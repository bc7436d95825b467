#!/usr/bin/env python3
"""check_std_includes.py [ROOT]: every file gets the library headers that it uses.

For names of the standard library and of GoogleTest: the header that declares a name is included by
the file itself or by a header of ours that it includes. So a file does not compile by luck, because
another library header brings the name along, or another file that is compiled together with it.

  --header    print a header with all of these library headers instead, to compile them once

Exit codes: 0 fine, 1 not.
"""

import functools
import pathlib
import re
import sys

# What names stand for their header. Of names that several headers declare, all are named.
NAMES = {
    "algorithm": "sort stable_sort partial_sort find find_if find_if_not any_of all_of none_of"
                 " count count_if max_element min_element minmax_element transform copy_n fill"
                 " fill_n reverse rotate unique remove_if lower_bound upper_bound equal_range"
                 " binary_search is_sorted clamp shuffle adjacent_find mismatch set_difference"
                 " max min for_each nth_element replace equal next_permutation copy copy_if",
    "array": "array",
    "atomic": "atomic atomic_flag memory_order_relaxed memory_order_acquire memory_order_release",
    "bit": "bit_cast countr_zero countl_zero popcount has_single_bit bit_ceil bit_width endian",
    "bitset": "bitset",
    "charconv": "from_chars to_chars",
    "chrono": "chrono",
    "cmath": "sqrt exp log tanh pow isfinite isnan isinf fma hypot floor ceil round nextafter erf",
    "compare": "strong_ordering partial_ordering",
    "condition_variable": "condition_variable",
    "cstring": "memcpy memset memcmp memchr strlen strerror",
    "exception": "exception_ptr current_exception set_terminate",
    "filesystem": "filesystem",
    "fstream": "ifstream ofstream",
    "functional": "function greater less hash plus",
    "latch": "latch",
    "limits": "numeric_limits",
    "map": "map multimap",
    "memory": "unique_ptr shared_ptr weak_ptr make_unique make_shared",
    "mutex": "mutex lock_guard unique_lock scoped_lock once_flag call_once",
    "new": "bad_alloc nothrow align_val_t",
    "numbers": "numbers",
    "numeric": "accumulate iota reduce inner_product partial_sum gcd lcm",
    "optional": "optional nullopt",
    "queue": "queue priority_queue",
    "random": "mt19937 mt19937_64 minstd_rand uniform_int_distribution normal_distribution"
              " uniform_real_distribution",
    "set": "set multiset",
    "span": "span as_bytes as_writable_bytes",
    "sstream": "ostringstream istringstream stringstream",
    "string": "string to_string stoll getline",
    "string_view": "string_view",
    "system_error": "errc error_code system_error",
    "thread": "thread jthread this_thread",
    "tuple": "tuple tie make_tuple forward_as_tuple",
    "unordered_map": "unordered_map",
    "unordered_set": "unordered_set",
    "utility": "pair move forward swap exchange index_sequence",
    "variant": "variant visit get_if holds_alternative monostate",
    "vector": "vector",
}
# Other headers that bring a name along because they are made of it, by the standard.
ALSO_IN = {
    "string": {"fstream", "sstream", "filesystem", "gtest/gtest.h", "gmock/gmock.h"},
    "vector": {"gtest/gtest.h", "gmock/gmock.h", "queue"},
    "tuple": {"gtest/gtest.h", "gmock/gmock.h"},
    "utility": {"map", "tuple", "vector", "string", "optional", "variant", "memory", "algorithm",
                "set", "span", "array", "functional", "queue", "string_view", "tl/expected.hpp",
                "gtest/gtest.h", "gmock/gmock.h"},
    "string_view": {"string"},
    "compare": {"utility", "string", "vector"},
    "cmath": set(),
    "new": {"memory"},
    "functional": {"memory", "string", "optional", "variant"},  # hash
    "system_error": {"filesystem", "charconv", "thread", "mutex"},
    "memory": {"gtest/gtest.h", "gmock/gmock.h"},
    "exception": {"stdexcept"},
}
TESTS = re.compile(r"\b(TEST|TEST_F|TEST_P|EXPECT_[A-Z_]+|ASSERT_[A-Z_]+)\(")

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.MULTILINE)
COMMENT = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"', re.DOTALL)
FOLDERS = ("runtime", "compiler", "tools", "tests")
LIBRARY = re.compile(r"[a-z_0-9]+$")

HEADER_OF = {name: header for header, names in NAMES.items() for name in names.split()}
USE = re.compile(r"\bstd::(?:ranges::)?(" + "|".join(sorted(HEADER_OF, key=len, reverse=True)) + r")\b")


def sources(root):
    """All C++ sources of the repository, but for those for nvcc, in order."""
    return sorted(path for folder in FOLDERS for path in (root / folder).rglob("*")
                  if path.suffix in (".h", ".cpp"))


@functools.cache
def text_of(path):
    return path.read_text()


def library_headers(root, path):
    """Library headers that a file of ours includes, itself or through files of ours."""
    found, open_paths, seen = set(), [path], {path}
    while open_paths:
        here = open_paths.pop()
        for kind, name in INCLUDE.findall(text_of(here)):
            if kind == "<":
                found.add(name)
                continue
            for target in (root / name, here.parent / name):
                if target.is_file() and target not in seen:
                    seen.add(target)
                    open_paths.append(target)
    return found


def problems(root):
    """One line for every header that is missing."""
    for path in sources(root):
        code = COMMENT.sub(" ", text_of(path))
        included = library_headers(root, path)
        missing = {}
        for match in USE.finditer(code):
            header = HEADER_OF[match.group(1)]
            if included & ({header} | ALSO_IN.get(header, set())):
                continue
            missing.setdefault(header, "std::" + match.group(1))
        if TESTS.search(code) and not included & {"gtest/gtest.h", "gmock/gmock.h"}:
            missing["gtest/gtest.h"] = TESTS.search(code).group(1)
        for header, name in sorted(missing.items()):
            yield f"{path.relative_to(root)}: {name} without <{header}>"


def print_header(root):
    """All library headers that are in use, of the language and of GoogleTest."""
    used = {name for path in sources(root) for kind, name in INCLUDE.findall(text_of(path))
            if kind == "<" and LIBRARY.fullmatch(name)}
    for name in sorted(used) + ["gmock/gmock.h", "gtest/gtest.h"]:
        print(f"#include <{name}>")


def main(arguments):
    root = pathlib.Path(__file__).resolve().parents[2]
    if arguments == ["--header"]:
        print_header(root)
        return 0
    if arguments:
        root = pathlib.Path(arguments[0])
    lines = list(problems(root))
    for line in lines:
        print(line)
    if not lines:
        print("library headers: all are included")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
