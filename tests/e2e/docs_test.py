"""The documents tell the truth: the tour's commands work and print what stands there.

`docs_test.py --update` pastes what the programs print now into README.md and the table of operators,
and draws the pictures.
"""

import os
import re
import shutil
import subprocess
import sys
import unittest

from support import BIN_DIR, ROOT, EndToEndTest

README = ROOT / "README.md"
IMAGES = ROOT / "docs" / "images"
PICTURES = {"svg": IMAGES / "mlp_timeline.svg",
            "memory-svg": IMAGES / "mlp_memory.svg"}
CONSOLE = re.compile(r"(?<=^```console\n)(.*?)(?=^```$)", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
# Lines that only a slow machine prints.
PROGRESS = re.compile(r"^\d+ of \d+ steps, .*\n", re.MULTILINE)
# The table of operators.
OPERATORS = re.compile(r"^\| operator \|.*\n(?:\|.*\n)+", re.MULTILINE)
FORMAT = ROOT / "docs" / "graph-format.md"
NUMBER = re.compile(r"\d[\d.,]*(?:e[-+]?\d+)?(?: (?:ns|us|ms|s)\b)?")


def prepare(folder):
    """A folder that looks like the repository with `out/`, as the tour has it."""
    shutil.copytree(ROOT / "graphs", folder / "graphs")
    (folder / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "accuracy.py", folder / "tools")
    (folder / "out").mkdir()


def execute(command, folder):
    """What a command of the tour prints; raises where it fails."""
    environment = {**os.environ, "PATH": f"{BIN_DIR}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", "set -o pipefail\n" + command], cwd=folder, text=True,
                          env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    if done.returncode != 0:
        raise AssertionError(f"$ {command}\n{done.stdout}exit code {done.returncode}")
    return PROGRESS.sub("", done.stdout)


def replay(block, folder):
    """The block again, with the output that its commands have now."""
    text = ""
    for line in block.splitlines():
        if line.startswith("$ "):
            text += f"{line}\n{execute(line[2:], folder)}"
    return text


def without_numbers(text):
    """The text with every number, and the blanks that align it, made equal."""
    return [" ".join(NUMBER.sub("N", line).split()) for line in text.splitlines()]


class DocsTest(EndToEndTest):
    maxDiff = None

    def test_the_tour_prints_what_the_readme_says(self):
        prepare(self.folder)
        blocks = CONSOLE.findall(README.read_text())
        self.assertGreaterEqual(len(blocks), 5)
        for block in blocks:
            self.assertEqual(without_numbers(replay(block, self.folder)), without_numbers(block))

    def test_the_pictures_are_what_the_compiler_draws(self):
        for kind, picture in PICTURES.items():
            drawn = self.succeed("graphc", ROOT / "graphs" / "mlp.yaml", f"--emit={kind}")
            self.assertEqual(drawn, picture.read_text(), picture.name)

    def test_links_lead_to_files(self):
        pages = [README, *sorted((ROOT / "docs").rglob("*.md"))]
        for page in pages:
            for target in LINK.findall(CODE.sub("", page.read_text())):
                self.assertTrue((page.parent / target).exists(), f"{page.name}: {target}")

    def test_the_table_of_operators_is_that_of_the_program(self):
        self.assertEqual(OPERATORS.findall(FORMAT.read_text()),
                         [self.succeed("graphc", "--operators")])


class Update(EndToEndTest):
    """Not a test: replaces the output in the tour, and the pictures."""

    def runTest(self):
        prepare(self.folder)
        pages = CONSOLE.sub(lambda match: replay(match[1], self.folder), README.read_text())
        README.write_text(pages)
        table = self.succeed("graphc", "--operators")
        FORMAT.write_text(OPERATORS.sub(lambda match: table, FORMAT.read_text()))
        for kind, picture in PICTURES.items():
            self.succeed("graphc", ROOT / "graphs" / "mlp.yaml", f"--emit={kind}",
                         "-o", picture)


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        suite = unittest.TestSuite([Update()])
        sys.exit(not unittest.TextTestRunner().run(suite).wasSuccessful())
    unittest.main(defaultTest="DocsTest")
