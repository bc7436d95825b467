"""How many files know an operator: what docs/adding-an-operator.md promises."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEFINITIONS = ROOT / "runtime" / "op"
# The line of the definition, and a function for the reference, for CPUs and for CUDA.
MAX_FILES = 4
# Of functions that CPUs compute in vectors by hand: their declaration and their code besides.
MAX_FILES_WITH_VECTORS = 6
# Products take relu along while they write their result, and softmax is made of exp.
KNOWN_ELSEWHERE = {"relu", "exp"}


def sources():
    """Every source file of the product, with its text."""
    for folder in ("compiler", "runtime", "tools"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".h", ".cpp", ".cu", ".cuh", ".def"):
                yield path.relative_to(ROOT).as_posix(), path.read_text()


SOURCES = dict(sources())


def files_with(pattern):
    return [path for path, text in SOURCES.items() if re.search(pattern, text)]


class OperatorsTest(unittest.TestCase):
    def test_a_function_of_one_element_is_known_to_four_files(self):
        text = (DEFINITIONS / "element_functions.def").read_text()
        functions = re.findall(r"^GRAPHC_ELEMENT_FUNCTION\((\w+), (\w+), Map,", text, re.MULTILINE)
        self.assertGreater(len(functions), 10)
        for name, functor in functions:
            if name in KNOWN_ELSEWHERE:
                continue
            files = files_with(rf'"{name}"|(?<!hn::)\bk?{functor}\b|\b(of|prepare|op)_{name}\b'
                               rf"|\b{name}_each\b|\({name}, {functor},")
            with self.subTest(operator=name):
                self.assertIn("runtime/op/element_functions.def", files)
                has_vectors = bool(files_with(rf"\b{name}_each\b"))
                self.assertLessEqual(len(files),
                                     MAX_FILES_WITH_VECTORS if has_vectors else MAX_FILES, files)

    def test_a_composite_operator_is_known_to_one(self):
        text = (DEFINITIONS / "composites.def").read_text()
        names = re.findall(r"^GRAPHC_COMPOSITE\((\w+),", text, re.MULTILINE)
        self.assertGreater(len(names), 10)
        for name in names:
            with self.subTest(operator=name):
                self.assertEqual(files_with(rf'"{name}"|\({name}, \d'),
                                 ["runtime/op/composites.def"])

    def test_no_pass_knows_an_operator_that_a_trait_describes(self):
        # Of what the batch is divided by, rules are asked for, never names.
        self.assertEqual(re.findall(r'name == "\w+"', SOURCES["compiler/parallel/part_rules.cpp"]),
                         [])


if __name__ == "__main__":
    unittest.main()
