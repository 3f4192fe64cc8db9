"""The record of slow tests says what pytest said, and no file is left to longer commands alone."""

import ast
import json
from pathlib import Path

import pytest

from benchmarks import slow_tests

ROOT = Path(__file__).parents[1]
SAID = """..s.F                                                                    [100%]
=========================== short test summary info ============================
FAILED tests/train/test_engine.py::test_two_hosts - AssertionError
1 failed, 3 passed, 1 skipped, 12 deselected in 61.20s (0:01:01)
"""


def test_counts_are_those_of_the_last_line():
    assert slow_tests.counts(SAID) == {"failed": 1, "passed": 3, "skipped": 1}
    assert slow_tests.counts("no tests ran in 0.01s\n") == {} == slow_tests.counts("killed\n")


@pytest.mark.parametrize(("status", "outcome"), [(0, "passed"), (1, "failed"), (5, "failed"), (-9, "failed")])
def test_a_row_says_what_failed(status, outcome):
    row = json.loads(json.dumps(slow_tests.row(SAID, status, 61.7)))
    assert row["seconds"] == 62 and row["outcome"] == outcome
    assert row["failed"] == ["tests/train/test_engine.py::test_two_hosts"]


def test_the_history_holds_rows():
    lines = slow_tests.HISTORY.read_text().splitlines()
    assert lines
    for line in lines:
        assert {"date", "commit", "machine", "seconds", "tests", "outcome"} <= json.loads(line).keys()


def marked_and_quick(source: str) -> tuple[int, int]:
    """Marks of slow and thorough tests in a file, and tests without one."""
    tests = [
        f for f in ast.parse(source).body if isinstance(f, ast.FunctionDef) and f.name.startswith("test_")
    ]
    marks = {"pytest.mark.slow", "pytest.mark.thorough"}
    marked = [f for f in tests if any(ast.unparse(d) in marks for d in f.decorator_list)]
    return source.count("mark.slow") + source.count("mark.thorough"), len(tests) - len(marked)


def test_every_file_with_marked_tests_has_quick_ones():
    files = {str(f): f.read_text() for f in (ROOT / "tests").rglob("test_*.py") if f != Path(__file__)}
    assert sum("mark.slow" in source for source in files.values()) >= 5
    assert sum("mark.thorough" in source for source in files.values()) >= 50
    assert [name for name, source in files.items() if marked_and_quick(source)[1] == 0] == []
    assert marked_and_quick("@pytest.mark.slow\ndef test_a(): ...\n") == (1, 0)  # what would be refused
    assert marked_and_quick("@pytest.mark.thorough\ndef test_a(): ...\n") == (1, 0)
