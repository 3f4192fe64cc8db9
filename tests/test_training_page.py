"""What docs/training.md says of how far networks are trained is what was measured."""

import runpy
from pathlib import Path

import pytest

from analysis.claim import Setting
from analysis.recipes import EFFORTS, TRAINED

ROOT = Path(__file__).parents[1]
GENERATE = runpy.run_path(str(ROOT / "docs" / "generate.py"))


def rows(table: str) -> list[list[str]]:
    """The cells below the head."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def planted(worst: float, effort, **more) -> list[dict]:
    """The lines of a descent and, where the effort has one, of its finish."""
    base = {
        "process": "even",
        "batch": effort.words,
        "worth": 1.0,
        "highest": 1.0,
        "cpu_seconds_a_network": 1,
    }
    made = effort.optimiser.to_json() | more
    lines = [base | {"optimiser": made, "steps": effort.steps, "kl": [worst / 2, worst]}]
    if effort.finish:
        lines.append(
            base | {"optimiser": {"name": "lbfgs"}, "steps": effort.finish, "kl": [worst / 4, worst / 2]}
        )
    return lines


@pytest.fixture
def tried(monkeypatch):
    """The tables of these trials in place of those kept."""

    def these(lines, table):
        monkeypatch.setitem(GENERATE[table].__globals__, "_trials", lambda: lines)
        return rows(GENERATE[table]())

    return these


@pytest.mark.parametrize(("name", "population"), EFFORTS)
def test_a_training_is_told_by_its_name(name, population, tried):
    effort = EFFORTS[name, population]
    ((*_, training, kl, _, _),) = tried(planted(1e-6, effort), "efforts")
    assert training == name and float(kl) == (5e-7 if effort.finish else 1e-6)


def test_another_training_is_shown_as_such_where_none_has_a_name(tried):
    effort = EFFORTS["floor", False]
    other = planted(1e-6, effort._replace(steps=effort.steps + 400))
    (row,) = tried(other, "efforts")
    assert row[2] == f"{effort.steps + 400} steps of {effort.words} words"
    (row,) = tried([*other, *planted(1e-5, effort)], "efforts")
    assert row[2] == "floor" and float(row[3]) == 1e-5


def test_the_same_steps_with_other_fields_of_muon_are_another_training(tried):
    effort = EFFORTS["floor", False]
    (row,) = tried(planted(1e-6, effort, momentum=0.5), "efforts")
    assert row[2] == f"{effort.steps} steps of {effort.words} words, momentum 0.5"
    (row,) = tried(planted(1e-6, effort, clip=1.0), "efforts")
    assert row[2] == f"{effort.steps} steps of {effort.words} words, clip 1"


def test_most_networks_say_how_near_a_training_comes(tried):
    effort = EFFORTS["floor", False]
    few = [line | {"kl": [1e-9]} for line in planted(1e-9, effort)]
    (row,) = tried([*planted(1e-5, effort), *planted(1e-6, effort), *few], "efforts")
    assert float(row[3]) == 1e-6


@pytest.mark.parametrize(("worst", "bold"), [(TRAINED * 0.99, False), (TRAINED * 1.05, True)])
def test_what_is_not_trained_is_in_bold(worst, bold, tried):
    (row,) = tried(planted(worst, EFFORTS["floor", False]), "efforts")
    assert row[4].startswith("**") == bold


def test_other_ways_down_stand_beside_the_labs_in_as_many_steps(tried):
    effort = EFFORTS["floor", False]
    lines = [
        *planted(2e-6, effort),
        *planted(1e-6, effort, clip=1.0),
        *planted(1e-7, effort._replace(steps=7)),
    ]
    assert [(row[2], float(row[5])) for row in tried(lines, "ways_down")] == [
        ("muon, cosine, clip 1", 1e-6),
        ("muon, cosine", 2e-6),
    ]


def test_nothing_is_shown_that_nothing_stands_beside(tried):
    alone = planted(1e-6, EFFORTS["floor", False], momentum=0.8)
    assert tried(alone, "ways_down") == []


def test_a_finish_says_what_else_muon_was_given(tried):
    lines = planted(1e-4, EFFORTS["floor", True])
    other = [lines[0], lines[1] | {"optimiser": {"name": "gauss_newton"}}]
    late = planted(1e-5, EFFORTS["floor", True], momentum=0.8)
    assert {row[1] for row in tried([*lines, *other, *late], "finishes")} == {"1000", "1000, momentum 0.8"}


def test_finishes_are_compared_where_more_than_the_labs_was_tried(tried):
    lines = planted(1e-4, EFFORTS["floor", True])
    other = [lines[0], lines[1] | {"optimiser": {"name": "gauss_newton"}, "steps": 9, "kl": [1e-9]}]
    mess3 = [line | {"process": "mess3"} for line in lines]
    found = tried([*lines, *other, *mess3], "finishes")
    assert [(row[0], row[3], row[4], float(row[6])) for row in found] == [
        ("`even`", "Gauss-Newton", "9", 1e-9),
        ("`even`", "L-BFGS", "150", 5e-5),
    ]
    assert tried(mess3, "finishes") == []
    # In no training, so the table of these does not know it.
    assert [row[2] for row in tried([*lines, *other], "efforts")] == ["floor"]


def test_the_page_names_the_default_training_of_claims():
    default = next(
        line for line in (ROOT / "docs" / "training.md").read_text().splitlines() if "and `claim`" in line
    )
    assert default.startswith(f"| `{Setting().training}` |")
