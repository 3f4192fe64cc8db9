"""The record of slow tests says what pytest said, and nothing is slow without a quick test of its kind."""

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


def slow_and_quick(source: str) -> tuple[int, int]:
    """Marks of slow tests in a file, and tests without one."""
    tests = [
        f for f in ast.parse(source).body if isinstance(f, ast.FunctionDef) and f.name.startswith("test_")
    ]
    marked = [f for f in tests if any(ast.unparse(d) == "pytest.mark.slow" for d in f.decorator_list)]
    return source.count("mark.slow"), len(tests) - len(marked)


def test_every_file_with_slow_tests_has_quick_ones():
    counted = [
        slow_and_quick(f.read_text()) for f in (ROOT / "tests").rglob("test_*.py") if f != Path(__file__)
    ]
    assert sum(slow > 0 for slow, _ in counted) >= 5
    assert all(quick > 0 for _, quick in counted)
    assert slow_and_quick("@pytest.mark.slow\ndef test_a(): ...\n") == (1, 0)  # what would be refused
