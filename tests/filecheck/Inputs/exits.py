"""exits.py CODE COMMAND...: runs the command and succeeds if it ends with that exit code."""

import subprocess
import sys

expected = int(sys.argv[1])
actual = subprocess.run(sys.argv[2:], check=False).returncode
if actual != expected:
    sys.exit(f"exits.py: {sys.argv[2]} ended with {actual}, not with {expected}")
