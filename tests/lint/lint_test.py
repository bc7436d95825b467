"""The style checks find what they are for: each is given a small tree with one fault in it."""

import pathlib
import sys
import tempfile
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools" / "dev"))
import analyze
import check_files
import check_includes
import check_std_includes
import tidy


class Tree(unittest.TestCase):
    """A temporary folder that stands for the repository."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name).resolve()

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


class IncludesTest(Tree):
    def expect_problem(self, path, line, reason):
        self.write(path, "#pragma once\n\n" + line + "\n")
        self.assertEqual(list(check_includes.problems_in(self.root)),
                         [f"{path}:3: {line}: {reason}"])

    def test_the_runtime_does_not_see_the_compiler(self):
        self.expect_problem("runtime/plan/a.h", '#include "compiler/graph/graph.h"',
                            "runtime/plan may not include compiler/graph")

    def test_what_is_declared_is_defined_in_the_same_namespace(self):
        self.write("compiler/graph/a.h", "namespace graphc {\nstruct A;\nstruct B {};\n}\n")
        self.write("runtime/base/a.h", "namespace graphrt {\nstruct A {};\n}\n")
        self.assertEqual(list(check_includes.forward_declarations_in(self.root)),
                         ["compiler/graph/a.h:2: A is not defined in namespace graphc"])

    def test_a_stage_does_not_see_a_later_one(self):
        self.expect_problem("compiler/placement/a.cpp", '#include "compiler/schedule/schedule.h"',
                            "compiler/placement may not include compiler/schedule")

    def test_the_reference_executor_shares_nothing_with_the_cpu_kernels(self):
        self.expect_problem("runtime/kernels/cpu/a.cpp", '#include "runtime/kernels/reference/b.h"',
                            "runtime/kernels/cpu may not include runtime/kernels/reference")

    def test_one_pass_may_see_the_reference_kernels_and_no_other(self):
        line = '#include "runtime/kernels/reference/reference_kernels.h"\n'
        self.write("compiler/passes/fold_constants.cpp", line)
        self.assertEqual(list(check_includes.problems_in(self.root)), [])
        self.expect_problem("compiler/passes/other.cpp", line.strip(),
                            "compiler/passes may not include runtime/kernels/reference")

    def test_a_program_that_runs_plans_does_not_see_the_compiler(self):
        self.expect_problem("tools/graphrun/main.cpp", '#include "compiler/compile.h"',
                            "tools/graphrun may not include compiler/compile.h")

    def test_back_ends_are_known_to_the_registry_alone(self):
        line = '#include "runtime/device/emulated/emulated_device.h"\n'
        self.write("runtime/device/device_registry.cpp", line)
        self.assertEqual(list(check_includes.problems_in(self.root)), [])
        self.expect_problem("runtime/device/device.h", line.strip(),
                            "runtime/device may not include runtime/device/emulated")

    def test_cuda_headers_stay_in_the_cuda_folders(self):
        self.write("runtime/device/cuda/a.cpp", "#include <cuda_runtime.h>\n")
        self.expect_problem("runtime/engine/a.cpp", "#include <cuda_runtime.h>",
                            "CUDA headers belong in runtime/device/cuda, runtime/kernels/cuda, tests/gpu")

    def test_a_new_folder_needs_a_row(self):
        self.expect_problem("runtime/network/a.cpp", '#include "runtime/base/result.h"',
                            "this folder is not in the table of tools/dev/check_includes.py")

    def test_source_files_are_not_included(self):
        self.expect_problem("runtime/base/a.cpp", '#include "runtime/base/b.cpp"',
                            "a source file is compiled, not included")

    def test_paths_start_at_the_root(self):
        self.expect_problem("runtime/base/a.cpp", '#include "file.h"',
                            '"file.h" is no path from the root of the repository')

    def test_the_table_has_no_cycle(self):
        self.assertIsNone(check_includes.find_cycle())

    def test_a_cycle_in_the_table_is_found(self):
        check_includes.ALLOWED["runtime/base"].append("runtime/plan")
        self.addCleanup(check_includes.ALLOWED["runtime/base"].pop)
        self.assertEqual(check_includes.find_cycle(),
                         ["runtime/base", "runtime/plan", "runtime/base"])


class StdIncludesTest(Tree):
    def problems(self):
        check_std_includes.text_of.cache_clear()
        return list(check_std_includes.problems(self.root))

    def test_a_name_needs_its_header(self):
        self.write("compiler/a.cpp", "std::vector<int> a;\nint b = std::max(1, 2);\n")
        self.assertEqual(self.problems(), ["compiler/a.cpp: std::max without <algorithm>",
                                           "compiler/a.cpp: std::vector without <vector>"])

    def test_a_header_of_ours_may_bring_it(self):
        self.write("compiler/a.h", "#include <vector>\n")
        self.write("compiler/a.cpp", '#include "compiler/a.h"\nstd::vector<int> a;\n')
        self.assertEqual(self.problems(), [])

    def test_comments_and_texts_use_nothing(self):
        self.write("tools/a.cpp", '// std::map\nconst char* a = "std::map";  /* std::map */\n')
        self.assertEqual(self.problems(), [])

    def test_a_test_needs_googletest(self):
        self.write("tests/a.cpp", "TEST(A, B) {}\n")
        self.assertEqual(self.problems(), ["tests/a.cpp: TEST without <gtest/gtest.h>"])


class FilesTest(Tree):
    def problems(self):
        return list(check_files.problems_in(self.root))

    def test_a_clean_file_passes(self):
        self.write("runtime/a.h", "#pragma once\n")
        self.assertEqual(self.problems(), [])

    def test_long_files(self):
        self.write("runtime/a.cpp", "int x;\n" * 501)
        self.assertEqual(self.problems(), ["runtime/a.cpp: 501 lines, more than 500"])

    def test_notes_to_self(self):
        self.write("docs/a.md", "first\n" + "TO" + "DO: more\n")
        self.assertEqual(self.problems(), ["docs/a.md:2: a note to self: TO" + "DO: more"])

    def test_code_that_is_switched_off(self):
        self.write("runtime/a.cpp", "#if " + "0\nint x;\n#endif\n")
        self.assertEqual(len(self.problems()), 1)

    def test_paths_of_one_machine(self):
        self.write("docs/a.md", "see /ho" + "me/somebody/x\n" + f"and {self.root}/out\n")
        self.assertEqual([problem.split(":")[1] for problem in self.problems()], ["1", "2"])

    def test_build_output_is_not_looked_at(self):
        self.write("build/release/a.cpp", "TO" + "DO\n")
        self.write("out/a.md", "TO" + "DO\n")
        self.assertEqual(self.problems(), [])


class HeaderGroupsTest(Tree):
    """What analyze.py compiles beforehand hides nothing from it."""

    def setUp(self):
        super().setUp()
        patch = unittest.mock.patch.object(analyze, "ROOT", self.root)
        patch.start()
        self.addCleanup(patch.stop)
        self.headers = analyze.Headers({"FOLDER"})

    def in_groups(self, path):
        return {header.name for header in self.headers.to_group(self.root / path)}

    def test_a_file_gets_what_it_includes_itself_or_through_headers(self):
        self.write("base/a.h", "#include <vector>\n")
        self.write("base/b.h", '#include "base/a.h"\n')
        self.write("base/c.h", "\n")
        self.write("base/b.cpp", '#include "base/b.h"\n')
        self.assertEqual(self.in_groups("base/b.cpp"), {"a.h", "b.h"})

    def test_a_header_that_asks_a_macro_or_a_special_library_is_in_no_group(self):
        self.write("base/a.h", "#if defined(X)\nint x;\n#endif\n")
        self.write("base/b.h", "const char* folder = FOLDER;\n")
        self.write("base/c.h", "#include <cuda_runtime.h>\n")
        self.write("base/d.h", '#include "base/c.h"\n')
        self.write("base/e.cpp", "".join(f'#include "base/{name}.h"\n' for name in "abcd"))
        self.assertEqual(self.in_groups("base/e.cpp"), set())

    def test_a_group_is_for_files_that_include_all_of_it(self):
        one, other = frozenset("ab"), frozenset("ac")
        size = {header: analyze.COST_OF_GROUP for header in "abc"}
        groups = analyze.choose_groups([one] * 9 + [other], size)
        self.assertIn(one, groups)
        self.assertEqual(groups[analyze.best_group(groups, one, size)], one)
        for wanted in (other, frozenset("b"), frozenset()):
            number = analyze.best_group(groups, wanted, size)
            self.assertTrue(number is None or groups[number] <= wanted)


class TidyBatchesTest(Tree):
    """What tidy.py reads at once has no names that do not go together."""

    def fits(self, one, other):
        self.write("base/a.cpp", one)
        self.write("op/b.cpp", other)
        with unittest.mock.patch.object(tidy, "ROOT", self.root):
            tidy.names_of.cache_clear()
            units = [tidy.Unit({"command": "c++ -std=c++20", "file": str(self.root / path)}, set())
                     for path in ("base/a.cpp", "op/b.cpp")]
            return units[0].fits(units[1])

    def local(self, text, namespace="graphrt"):
        return f"namespace {namespace} {{\nnamespace {{\n{text}\n}}  // namespace\n}}  // namespace\n"

    def test_a_local_name_is_one_file_s(self):
        one = self.local("int size(int x) {\n  return x;\n}")
        self.assertFalse(self.fits(one, one))
        self.assertFalse(self.fits(one, "namespace graphrt {\nstruct size {\n};\n}  // namespace\n"))
        self.assertTrue(self.fits(one, self.local("int length(int x) {\n  return size;\n}")))
        self.assertTrue(self.fits(one, self.local("int size(int x) {\n  return x;\n}", "graphc")))

    def test_programs_have_a_main_each(self):
        self.assertFalse(self.fits("int main() {\n}\n", "int main() {\n}\n"))

    def test_a_macro_is_used_by_one_file(self):
        self.assertFalse(self.fits("#define SIZE 1\n", "int x = SIZE;\n"))


if __name__ == "__main__":
    unittest.main()
