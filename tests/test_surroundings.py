"""The environment of a command: no variable of this table changes a number or a figure, ends the command, or
makes it talk.
"""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOWHERE = "/dev/null/nowhere"  # below a file nobody can make a folder, whoever he is
SETTINGS = "SETTINGS"  # stands for a file of odd settings for matplotlib
VALUES = {
    "COLUMNS": ("abc", "0", "-5"),
    "LINES": ("abc", "0"),
    "NO_COLOR": ("1",),
    "TERM": ("dumb", "", "nonsense"),
    "MPLBACKEND": ("nonsense", "TkAgg"),
    "MPLCONFIGDIR": (NOWHERE,),
    "MATPLOTLIBRC": (SETTINGS, NOWHERE),
    "PYTHONWARNINGS": ("error", "always"),
    "PYTHONIOENCODING": ("ascii", "latin-1", "ascii:strict"),
    "LC_ALL": ("C", "POSIX"),
    "HOME": (NOWHERE, ""),
    "XDG_CACHE_HOME": (NOWHERE,),
    "XDG_CONFIG_HOME": (NOWHERE,),
    "TMPDIR": (NOWHERE,),
    "PYTHON_TYRO_BACKEND": ("x", "argparse"),
    "PYTHON_TYRO_UTF8_BOXES": ("0",),
    "PYTHON_TYRO_GLOBAL_MARKERS": ("x",),
    "PYTHON_TYRO_ENABLE_TIMING": ("True",),
    "SOURCE_DATE_EPOCH": ("x",),
    "PYTHONOPTIMIZE": ("2",),
    "PYTHONDEVMODE": ("1",),
}
CASES = max(map(len, VALUES.values()))


def shown(folder, **variables):
    """What `toylab process` prints and draws of a process with a rounded figure, under the environment."""
    (folder / "rc").write_text(
        "text.usetex: True\nfont.size: many\nlines.linewidth: 9\nnonsense\nbackend: nonsense\n"
    )
    kept = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
    env = (
        kept
        | {"PYTHONPATH": str(ROOT)}
        | {k: str(folder / "rc") if v == SETTINGS else v for k, v in variables.items()}
    )
    command = [sys.executable, "-m", "analysis", "process", "even", "--figure", str(folder / "f.png")]
    done = subprocess.run(command, capture_output=True, env=env, cwd=folder)
    return (
        done.returncode,
        done.stdout,
        done.stderr,
        (folder / "f.png").read_bytes() if (folder / "f.png").exists() else b"",
    )


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return shown(tmp_path_factory.mktemp("plain"))


@pytest.mark.parametrize("case", range(CASES))
def test_the_environment_changes_nothing(case, plain, tmp_path):
    """Every variable at once, each at one of its values; a variable with fewer values takes turns."""
    assert plain[0] == 0 and plain[2] == b"" and plain[3]
    assert shown(tmp_path, **{name: values[case % len(values)] for name, values in VALUES.items()}) == plain


def test_every_value_is_tried():
    tried = {
        (name, values[case % len(values)])
        for case, (name, values) in itertools.product(range(CASES), VALUES.items())
    }
    assert tried == {(name, value) for name, values in VALUES.items() for value in values}


def test_a_variable_that_matters_would_be_seen(plain, tmp_path):
    assert shown(tmp_path, COLUMNS="50")[1] != plain[1]
