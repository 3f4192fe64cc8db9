"""Verdicts that are carried on: what was measured is kept, what is decided stands, and a kill loses a look at
most.
"""

import contextlib
import json
import warnings
from dataclasses import dataclass, replace

import flat
import numpy as np
import pytest
from jaxtyping import Float
from measures import PLANTED, small
from pictures import write_picture

import train
from analysis import lab
from analysis.claim import Claim, ClaimError, Criterion, Setting, measure
from analysis.claim.shown import LayoutError, arrays, joined_arrays
from analysis.families import CLAIMS
from analysis.instruments.overview import Measurements
from analysis.lab import Trial, kept, shown, verdict
from analysis.trial import FIRST_SEED, trials

FIRST, SECOND, THIRD = (1000, 8), (1008, 8), (1016, 16)


class Killed(BaseException):
    """As SIGKILL: nothing after it runs."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """A number for each network, and one that is the same for all."""

    value: Float[np.ndarray, "seeds"]
    exact: float


def claim_of(value, *, over="mean", id="LOOKS"):
    """A claim about `value(seed)`."""

    def evidence(runs):
        (recipe,) = (run.recipe for run in runs.values())
        return Drawn(np.array([value(recipe.first_seed + i) for i in range(recipe.seeds)], float), 0.5)

    return Claim(
        id=id,
        statement="It is so.",
        source="a test",
        prediction=lambda process, n: {},
        criteria=(Criterion("c", lambda e: e.value, above=0.0, over=over),),
        controls=(Criterion("d", lambda e: np.ones(len(e.value)), above=0.0),),
        evidence=evidence,
        drawn_from=Drawn,
    )


def sure(seed):
    return 1 + 1e-3 * seed


def back(seed):
    return -1 - 1e-3 * seed


def vague(seed):
    return (-1) ** seed


def plainly(trial, store):
    """Its verdict as it is written."""
    return json.loads(json.dumps(verdict(trial, store).to_json()))


@pytest.fixture
def asked(monkeypatch):
    """Which networks are obtained, by first seed and number; none is trained."""
    there: list[tuple[int, int]] = []

    def obtained(trial, role, recipe, store, announce, accept_other_bits):
        there.append((recipe.first_seed, recipe.seeds))
        return train.open_run(store / recipe.hash, recipe)

    monkeypatch.setattr(lab, "_obtain", obtained)
    return there


@pytest.fixture
def put(recipe, tmp_path):
    """Puts a claim to a process, on the networks of one recipe."""

    def trial(claim, **setting):
        networks = {"transformer": train.reseeded(recipe, FIRST_SEED, 8)}
        return Trial(claim, recipe.process, Setting(**setting), networks)

    return trial


def test_what_is_decided_is_not_carried_on(asked, put, tmp_path):
    for value, outcome in ((sure, "supported"), (back, "refuted")):
        asked.clear()
        trial = put(claim_of(value))
        first = plainly(trial, tmp_path)
        assert (first["outcome"], first["networks"], first["look"]) == (outcome, 8, 1) and asked == [FIRST]
        assert plainly(trial, tmp_path) == first and asked == [FIRST]
        assert verdict(trial, tmp_path, fresh=True).outcome == outcome and asked == [FIRST, FIRST]


@pytest.mark.thorough
def test_what_is_undecided_is_carried_on_to_the_last_look(asked, put, tmp_path):
    trial = put(claim_of(vague))
    found = plainly(trial, tmp_path)
    assert (found["outcome"], found["networks"], found["look"]) == ("undecided", 32, 3)
    assert asked == [FIRST, SECOND, THIRD]
    assert found["criteria"][0]["values"] == [vague(seed) for seed in range(1000, 1032)]
    assert found["looks"] == [8, 16, 32] and len(found["made"]) == 3
    drawn = shown(trial, tmp_path)
    assert drawn.value.tolist() == found["criteria"][0]["values"] and drawn.exact == 0.5
    verdict(trial, tmp_path)
    assert asked == [FIRST, SECOND, THIRD]


@pytest.mark.thorough
def test_a_share_is_decided_at_the_second_look(asked, put, tmp_path):
    """Eight of eight leave it open, sixteen of sixteen do not."""
    trial = put(claim_of(sure, over="most"))
    early = verdict(put(claim_of(sure, over="most"), looks=1), tmp_path)
    assert (early.outcome, early.networks) == ("undecided", 8) and early.needed is not None
    found = verdict(trial, tmp_path)
    assert (found.outcome, found.networks, found.look) == ("supported", 16, 2)
    assert asked == [FIRST, SECOND]  # the first eight are not measured again


def test_how_many_looks_are_taken_is_not_part_of_the_key(put):
    claim = claim_of(vague)
    assert put(claim, looks=1).key == put(claim, looks=3).key != put(claim, seeds=9).key
    assert put(claim).looks.networks == (8, 16, 32)
    assert put(replace(claim, id="OTHER")).key != put(claim).key


def test_looks_ask_for_networks_of_their_own(put, recipe):
    trial = put(claim_of(vague))
    asked = [trial.added(look)["transformer"] for look in range(3)]
    assert [(r.first_seed, r.seeds) for r in asked] == [FIRST, SECOND, THIRD]
    assert len({r.hash for r in asked}) == 3
    own = Trial(CLAIMS["BG1"], "rrxor")
    assert all(r.first_seed == FIRST_SEED for r in own.recipes.values())


@pytest.mark.thorough
def test_a_second_run_is_of_networks_that_no_look_of_the_first_has_seen(put):
    first, second = put(claim_of(vague)), put(claim_of(vague), run=2)
    for one, two in ((first, second), tuple(trials(CLAIMS["BG1"]))[:2]):
        assert one.key != two.key
        seeds = [
            {r.first_seed + i for look in range(3) for r in t.added(look).values() for i in range(r.seeds)}
            for t in (one, two)
        ]
        assert len(seeds[0]) == len(seeds[1]) == 32 and not seeds[0] & seeds[1]


def test_headline_claims_are_run_twice_on_every_process():
    twice = {"BG1", "BG3", "BG4", "BG5", "BG9", "BG11", "BG13", "CL1", "CL3"}
    assert {claim.id for claim in CLAIMS.values() if claim.runs == 2} == twice
    asked = [(t.process, t.setting.run) for t in trials(CLAIMS["BG13"])]
    assert asked == [(p, run) for p in CLAIMS["BG13"].tested_on for run in (1, 2)]


@pytest.mark.parametrize("name", ["seeds", "looks", "run"])
def test_a_setting_of_nothing_is_refused(name):
    with pytest.raises(ClaimError, match=f"{name} is 0; it must be at least 1"):
        Setting(**{name: 0})


@pytest.mark.parametrize(
    ("name", "choices"), [("size", "small, default, large"), ("training", "short, floor, sharp")]
)
def test_a_setting_that_there_is_not_is_refused(name, choices):
    made = Setting()
    object.__setattr__(made, name, "tiny")  # past the annotations, which only tests enforce
    with pytest.raises(ClaimError, match=f"{name} is 'tiny'; it must be one of {choices}"):
        made.__post_init__()


def test_a_process_of_one_belief_is_refused_without_a_warning():
    """Its R2 is 0 / 0, which was worked out before anybody asked."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "is the same after every history" in str(Trial(CLAIMS["BG1"], "coin").refusal())


@pytest.mark.thorough
def test_a_call_that_is_killed_between_looks_goes_on(asked, put, tmp_path, monkeypatch):
    trial, look = put(claim_of(vague)), lab._look
    whole = plainly(trial, tmp_path / "whole")
    for taken in (1, 2):
        asked.clear()
        calls = []

        def killed(*args, calls=calls, taken=taken):
            if len(calls) == taken:
                raise Killed
            calls.append(args)
            return look(*args)

        store = tmp_path / str(taken)
        with monkeypatch.context() as patch, contextlib.suppress(Killed):
            patch.setattr(lab, "_look", killed)
            verdict(trial, store)
        there = kept(trial.folder(store))
        assert (there.outcome, there.look) == ("undecided", taken)
        asked.clear()
        assert plainly(trial, store) | {"seconds": 0} == whole | {"seconds": 0}
        assert asked == [FIRST, SECOND, THIRD][taken:]


@pytest.mark.thorough
def test_numbers_of_a_later_look_than_the_verdict_are_not_joined_twice(asked, put, tmp_path, monkeypatch):
    """Killed after the numbers of a look were written and before its verdict."""
    trial, write = put(claim_of(vague)), lab.write_json
    whole = plainly(trial, tmp_path / "whole")
    written = []

    def killed(*args):
        if written:
            raise Killed
        written.append(args)
        return write(*args)

    with monkeypatch.context() as patch, contextlib.suppress(Killed):
        patch.setattr(lab, "write_json", killed)
        verdict(trial, tmp_path)
    assert kept(trial.folder(tmp_path)) is None
    assert plainly(trial, tmp_path) | {"seconds": 0} == whole | {"seconds": 0}
    assert shown(trial, tmp_path).value.tolist() == shown(trial, tmp_path / "whole").value.tolist()


@pytest.mark.thorough
def test_networks_that_are_given_are_those_of_the_first_look(asked, put, tmp_path):
    trial = put(claim_of(vague))
    given = Measurements({"transformer": train.open_run(tmp_path / "run", trial.recipes["transformer"])})
    assert verdict(trial, tmp_path, measurements=given).look == 3 and asked == [SECOND, THIRD]


@pytest.mark.thorough
def test_seconds_of_all_looks_are_added(asked, put, tmp_path):
    one = verdict(put(claim_of(vague), looks=1), tmp_path).seconds
    three = verdict(put(claim_of(vague)), tmp_path).seconds
    assert set(one) == {"training", "measuring"} and all(three[name] > one[name] for name in one)


@pytest.mark.thorough
def test_a_refusal_is_told_before_anything_is_obtained(asked, put, tmp_path):
    refused = replace(claim_of(vague), refusal=lambda process, n: "it cannot be")
    with pytest.raises(ClaimError, match="it cannot be"):
        verdict(put(refused), tmp_path)
    assert asked == []


# What figures are drawn from


def test_arrays_are_joined_along_networks_alone():
    first, second = Drawn(np.arange(2.0), 0.5), Drawn(np.arange(3.0), 0.7)
    joined = joined_arrays(Drawn, arrays(first), arrays(second))
    assert joined["value"].tolist() == [0, 1, 0, 1, 2] and joined["exact"] == 0.5
    assert joined_arrays(Drawn, {}, arrays(second)) == arrays(second)
    assert joined_arrays(None, arrays(first), arrays(second)) == arrays(first)
    for bad in ({"value": np.zeros(2)}, arrays(second) | {"more": np.zeros(2)}):
        with pytest.raises(LayoutError):
            joined_arrays(Drawn, arrays(first), bad)


@pytest.mark.parametrize("claim", [name for name in flat.flat(0.5, "abc") if name != "BG16"])
def test_every_array_of_networks_is_joined(claim, monkeypatch):
    """BG16 has no networks."""
    one = arrays(flat.flat(0.5, "abc")[claim]())
    monkeypatch.setattr(flat, "S", 2 * flat.S)
    two = arrays(flat.flat(0.5, "abc")[claim]())
    joined = joined_arrays(CLAIMS[claim].drawn_from, one, one)
    assert {name: x.shape for name, x in joined.items()} == {name: x.shape for name, x in two.items()}


DRAWN = ("BG1", "BG5", "BG13", "BG19", "CL2", "CL7")
"""One of each kind of record is drawn at every call: flat, with clouds, by edits, by curves, by roles, of
many axes.
"""


@pytest.mark.thorough
@pytest.mark.parametrize(
    "claim", [pytest.param(id, marks=() if id in DRAWN else pytest.mark.slow) for id in CLAIMS]
)
def test_figures_of_several_looks_draw(claim, tmp_path):
    asked = replace(CLAIMS[claim], refusal=lambda process, n: None)
    with small():
        evidence, process, n_ctx = PLANTED[claim]()
        block, numbers = measure(asked, evidence), asked.numbers(evidence)
        verdict = lab.judged(asked, [block, block], process, n_ctx)
    joined = joined_arrays(asked.drawn_from, numbers, numbers)
    assert write_picture(verdict, asked.drawing(joined), tmp_path) > 10_000
