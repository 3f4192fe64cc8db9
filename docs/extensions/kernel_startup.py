"""What kernels run before the first cell of a notebook, so that what is printed comes whole and plain:
IPython hands on the output of a shell in pieces of a hundred bytes, and tells commands to use colours.
"""

import os
import subprocess
import sys

from IPython.core.magic import register_cell_magic

for name in ("FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE"):
    os.environ.pop(name, None)
sys.stdout.flush_interval = 3600.0  # what a cell prints is one output, at its end


@register_cell_magic
def sh(line: str, cell: str) -> None:
    """%%sh, but that the first command which fails is an error, and that stderr is told with it alone."""
    ended = subprocess.run(["sh", "-ec", cell], capture_output=True, text=True)
    print(ended.stdout, end="")
    if ended.returncode:
        raise RuntimeError(f"status {ended.returncode}\n{ended.stdout}\n{ended.stderr}")
