"""What `cmake --install` leaves is enough to build and run a program elsewhere."""

import os
import pathlib
import shutil
import subprocess
import unittest

from support import BIN_DIR, GRAPHS, ROOT, EndToEndTest

BUILD_DIR = BIN_DIR.parent


class InstallTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        if not (BUILD_DIR / "CMakeCache.txt").exists():
            self.skipTest("the programs are not in a build folder")
        self.prefix = self.folder / "prefix"
        self.command("cmake", "--install", BUILD_DIR, "--prefix", self.prefix)

    def command(self, *arguments):
        done = subprocess.run([*map(str, arguments)], cwd=self.folder, text=True,
                              capture_output=True, timeout=300, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def build(self, source):
        """Configures and builds a project that knows the installed copy alone; its build folder."""
        build = source / "build"
        self.command("cmake", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}")
        self.command("cmake", "--build", build)
        return build

    def test_the_example_is_built_and_runs_outside_of_the_tree(self):
        shutil.copytree(ROOT / "tools" / "example", self.folder / "example")
        build = self.build(self.folder / "example")
        plan = self.folder / "plan.bin"
        graphc = self.prefix / "bin" / "graphc"
        self.command(graphc, GRAPHS / "mlp_figure.yaml", "-o", plan)
        self.assertIn("loss: f32[]", self.command(build / "graphrt_example", plan))

    def test_every_installed_header_compiles_by_itself(self):
        include = self.prefix / "include" / "graphc"
        headers = sorted(path.relative_to(include) for path in include.rglob("*.h"))
        self.assertIn(pathlib.Path("runtime/session/session.h"), headers)
        self.assertIn(pathlib.Path("runtime/train/training.h"), headers)
        source = self.folder / "headers"
        source.mkdir()
        for number, header in enumerate(headers):
            (source / f"{number}.cpp").write_text(f'#include "{header}"\n')
        (source / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.25)\n"
            "project(headers LANGUAGES CXX)\n"
            "find_package(graphc REQUIRED)\n"
            "file(GLOB sources *.cpp)\n"
            "add_library(headers OBJECT ${sources})\n"
            "target_compile_options(headers PRIVATE -fsyntax-only)\n"
            "target_link_libraries(headers PRIVATE graphc::graphrt)\n")
        self.command("cmake", "-S", source, "-B", source / "build",
                     f"-DCMAKE_PREFIX_PATH={self.prefix}")
        self.command("cmake", "--build", source / "build", "--", f"-j{os.cpu_count()}")


if __name__ == "__main__":
    unittest.main()
