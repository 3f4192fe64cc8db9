"""A measure of the lab does not change in silence: golden numbers of every claim on planted evidence, and
what is said when they move.
"""

import json
from dataclasses import replace

import measures
import numpy as np
import pytest
from measures import GOLDEN, PLANTED, changed, drawn_from, main, record, same, verdict_on

from analysis import controls
from analysis.claim import Criterion
from analysis.families import CLAIMS

KEPT = json.loads(GOLDEN.read_text())
QUICK = "BG11"  # a claim whose evidence is planted at once


@pytest.mark.thorough
@pytest.mark.parametrize("name", CLAIMS)
def test_measures_come_to_what_they_came_to(name):
    assert name in PLANTED, f"plant evidence for {name} in tests/analysis/measures.py"
    wrong = verdict_on(name, KEPT.get(name), record(CLAIMS[name], PLANTED[name]))
    assert wrong is None, wrong


def test_every_claim_has_golden_numbers_that_say_something():
    assert list(KEPT) == list(CLAIMS)
    for name, kept in KEPT.items():
        measured = [values for _, applies, values in kept["values"] if applies]
        assert all(measured) and len(measured) >= 2 and any(map(any, measured)), name


@pytest.mark.thorough
def test_what_is_recorded_does_not_depend_on_what_was_recorded_before():
    name = "BG16"  # whose census the lab remembers
    assert record(CLAIMS[name], PLANTED[name]) == record(CLAIMS[name], PLANTED[name])


def scaled(claim, by):
    """The claim with its first criterion measured a little otherwise."""
    first, *rest = claim.criteria
    return replace(claim, criteria=(replace(first, measure=lambda e: first.measure(e) * by), *rest))


@pytest.mark.parametrize("by", [1 + 1e-4, 1.01, -1.0])
@pytest.mark.parametrize("name", [QUICK, "CL7", "BG8"])
def test_a_planted_change_of_a_measure_is_found_and_named(name, by):
    claim = CLAIMS[name]
    wrong = verdict_on(name, KEPT[name], record(scaled(claim, by), PLANTED[name]))
    assert (
        f"{claim.criteria[0].name!r} of {name}" in wrong
        and "raise its `revision`" in wrong
        and f"python tests/analysis/measures.py {name}" in wrong
    )
    assert (
        verdict_on(name, KEPT[name], record(scaled(claim, 1 + 1e-9), PLANTED[name])) is None
    )  # rounding of another machine


@pytest.mark.thorough
def test_a_planted_change_of_what_measures_call_is_found(monkeypatch):
    full = controls.beyond

    def scaled_up(*asked, **how):
        found = full(*asked, **how)
        return found._replace(both=found.both * 1.001)

    monkeypatch.setattr(controls, "beyond", scaled_up)
    told = verdict_on("BG1", KEPT["BG1"], record(CLAIMS["BG1"], PLANTED["BG1"]))
    assert "partial R2" in told and "training gains more" in told


def test_other_parts_of_a_verdict_count_as_well():
    claim, plant = CLAIMS[QUICK], PLANTED[QUICK]
    other = {
        "the prediction": replace(
            claim, prediction=lambda process, n_ctx: claim.prediction(process, n_ctx) | {"more": 1.0}
        ),
        "of its figure": replace(
            claim,
            shown=lambda e: {n: np.flip(x) for n, x in drawn_from(claim, e).items()},
            drawn_from=None,
        ),
    }
    for what, changed_claim in other.items():
        assert what in verdict_on(QUICK, KEPT[QUICK], record(changed_claim, plant))


def test_rules_are_in_the_keys_already_and_names_of_functions_are_nothing():
    claim, plant = CLAIMS[QUICK], PLANTED[QUICK]
    first, *rest = claim.criteria
    renamed = replace(
        claim,
        criteria=(
            Criterion(
                "another name",
                first.measure,
                above=first.above,
                below=first.below,
                over=first.over,
            ),
            *rest,
        ),
    )
    told = verdict_on(QUICK, KEPT[QUICK], record(renamed, plant))
    assert (
        changed(KEPT[QUICK], record(renamed, plant)) == ["the rules"]
        and "rules" in told
        and "older verdicts" not in told
    )

    def of_another_name(evidence):
        return first.measure(evidence)

    assert (
        verdict_on(
            QUICK,
            KEPT[QUICK],
            record(replace(claim, criteria=(replace(first, measure=of_another_name), *rest)), plant),
        )
        is None
    )


def test_a_claim_without_golden_numbers_is_named():
    assert verdict_on("NEW", None, {}).startswith("NEW has no golden numbers")


def test_numbers_are_compared_within_the_largest_beside_them():
    assert (
        same([1.0, 1e-9], [1.0, 0.0])
        and not same([1.0, 1e-4], [1.0, 0.0])
        and not same([1e-4], [0.0])
        and not same([1.0], [1.0, 1.0])
    )
    assert (
        same({"a": 1e-17}, {"a": 0.0})
        and not same("0.1", "0.2")
        and not same(1, True)
        and not same({"a": 1}, {"b": 1})
    )


def test_the_command_refuses_to_overwrite_changed_numbers_of_one_revision(monkeypatch, tmp_path, capsys):
    file = tmp_path / "golden" / "measures.json"
    monkeypatch.setattr(measures, "GOLDEN", file)
    monkeypatch.setattr(measures, "CLAIMS", {QUICK: CLAIMS[QUICK]})
    assert main([]) == 0 and json.loads(file.read_text()) == {QUICK: KEPT[QUICK]}
    before = file.read_text()
    monkeypatch.setattr(measures, "CLAIMS", {QUICK: scaled(CLAIMS[QUICK], 1.01)})
    assert main([QUICK]) == 1 and file.read_text() == before and "--same-meaning" in capsys.readouterr().out
    assert (
        main([QUICK, "--same-meaning", "another unit"]) == 0
        and json.loads(file.read_text())[QUICK]["same meaning"] == "another unit"
    )
    file.write_text(before)
    monkeypatch.setattr(
        measures, "CLAIMS", {QUICK: replace(scaled(CLAIMS[QUICK], 1.01), revision=CLAIMS[QUICK].revision + 1)}
    )
    assert main([]) == 0 and file.read_text() != before
