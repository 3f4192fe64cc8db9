"""The rule of evidence after a look: what would decide, what comes out again, and looks joined to one."""

import math
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest

import processes
from analysis.claim import Claim, Criterion, joined, judged, measure, rule

from .test_rule import LOOKS, MEAN, MOST, NEARLY, SHARE, networks, state

COIN = processes.named("coin")
OUTCOMES = ("supported", "undecided", "explained", "refuted", "invalid")


# What would decide


def findings(*asked_of, look=0):
    return tuple(rule.find(asked, values, LOOKS, look) for asked, values in asked_of)


def test_the_number_of_networks_that_would_decide():
    values = np.array([-1.0, 1.0] * 16) + 0.2
    (vague,) = findings((MEAN, values), look=2)
    n = rule.needed((vague,), (), LOOKS)
    assert vague.state == "open" and n is not None and n > 32

    def decided(n):
        """Of so many that are like these."""
        half = rule._quantile(LOOKS.error(2), n) * values.std(ddof=1) / math.sqrt(n)
        return values.mean() - half > 0

    assert decided(n) and not decided(math.floor(n / 1.03) - 1)
    (sure,) = findings((MEAN, values + 9), look=2)
    assert rule.needed((sure,), (), LOOKS) is None and rule.needed((), (sure, vague), LOOKS) == n
    (never,) = findings((MEAN, np.array([-1.0, 1.0] * 16)), look=2)
    assert rule.needed((never,), (), LOOKS) is None and rule.needed((vague, never), (), LOOKS) is None


def test_the_number_of_networks_that_would_decide_a_share():
    (vague,) = findings((SHARE, networks(7, 8)))
    n = rule.needed((vague,), (), LOOKS)
    count = round(7 / 8 * n)
    tail = sum(math.comb(n, k) * MOST**k * (1 - MOST) ** (n - k) for k in range(count, n + 1))
    assert n > 8 and tail <= LOOKS.share_errors(2)[0]


def alike(asked, values, n):
    """So many networks with the share on the claimed side, or the mean and the deviation, of these."""
    if asked.over != "mean":
        inside = asked.inside(values)
        count = round(float(inside.mean()) * n)
        return np.concatenate([np.full(count, values[inside][0]), np.full(n - count, values[~inside][0])])
    drawn = np.random.default_rng(n).normal(size=n)
    drawn = (drawn - drawn.mean()) / drawn.std(ddof=1)
    return values.mean() + values.std(ddof=1) * drawn


@pytest.mark.parametrize("among", [1, 3])
@pytest.mark.parametrize(
    ("asked", "values"),
    [
        (MEAN, np.array([-1.0, 1.0] * 4) + 0.2),
        (MEAN, np.array([-1.0, 1.0] * 4) - 0.2),
        (SHARE, networks(7, 8)),
        (SHARE, networks(4, 8)),
        (NEARLY, networks(7, 8)),
        (NEARLY, networks(14, 16)),
    ],
)
def test_so_many_networks_are_decided_by_the_rule_itself(asked, values, among):
    """As they are found where there are so many: with few enough others, and with its share of the error."""
    found = rule.find(asked, values, LOOKS, 0, among)
    criteria = (found,) * among
    n = rule.needed(criteria, (), LOOKS)
    assert found.state == "open" and n is not None

    def decided(n):
        return rule.find(asked, alike(asked, values, n), LOOKS, 2, among).state != "open"

    tried = [len(values) + 1]
    while tried[-1] < n:
        tried.append(math.ceil(1.02 * tried[-1] + 1))
    assert tried[-1] == n and [k for k in tried if decided(k)] == [n]


# Whether it would come out again


def again(criteria, controls, outcome, **how):
    return rule.again(criteria, controls, LOOKS, outcome, **how)


def test_overwhelming_evidence_comes_out_again():
    rng = np.random.default_rng(0)
    up, down = (findings((MEAN, sign + 0.1 * rng.normal(size=8))) for sign in (1, -1))
    assert again(up, (), "supported") == 1.0 and again(down, (), "refuted") == 1.0
    assert again(up, (), "refuted") == 0.0
    vague = findings((MEAN, 0.2 + rng.normal(size=8)))
    assert 0 < again(vague, (), "undecided") < 1
    assert again(vague, (), "undecided") == again(vague, (), "undecided")
    assert again(findings((MEAN, None)), (), "invalid") is None


def test_networks_are_drawn_together():
    """What holds of the same networks holds together; drawn apart it would do so less often."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=8)
    values += 0.4 - values.mean()
    once, sure = findings((MEAN, values), (MEAN, 9 + values))
    (against,) = findings((MEAN, 2 * values.mean() - values))
    assert again((once, once), (), "supported") == again((once, sure), (), "supported")
    assert again((once, against), (), "supported") < again((once, once), (), "supported")


@pytest.mark.thorough
@pytest.mark.parametrize(("rival", "ends"), [(0.6, "supported"), (-0.4, "explained")])
def test_it_is_the_share_of_whole_tests_that_end_so(rival, ends):
    """Every look of every test, one by one."""
    rng = np.random.default_rng(3)
    asked = (MEAN, SHARE, MEAN._replace(rival="luck"))
    effect, other = (
        mean + x - x.mean() for mean, x in ((0.6, rng.normal(size=8)), (rival, rng.normal(size=8)))
    )
    values = (effect, networks(8, 8), other)
    found = findings(*zip(asked, values, strict=True))
    with mock.patch.object(rule, "DRAWS", 60):
        shares = {o: again(found[:2], found[2:], o) for o in OUTCOMES}
    drawn, counts = np.random.default_rng(0).integers(8, size=(60, 32)), dict.fromkeys(shares, 0)
    for row in drawn:
        for look, n in enumerate(LOOKS.networks):
            seen = zip(asked, values, (2, 2, 1), strict=True)
            told = [(a, state(a, v[row[:n]], look, among)) for a, v, among in seen]
            outcome, _ = rule.decide(told[:2], told[2:])
            if outcome != "undecided":
                break
        counts[outcome] += 1
    assert {o: n / 60 for o, n in counts.items()} == shares
    assert shares[ends] > 0.1 and shares["undecided"] > 0.1


# Verdicts on several looks

ABOUT = Claim(
    id="ABOUT",
    statement="It is so.",
    source="a test",
    prediction=lambda process, n: {},
    criteria=(
        Criterion("mean", lambda e: e, above=0.0),
        Criterion("most", lambda e: e, above=-1.0, over="most"),
        Criterion("elsewhere", lambda e: None),
    ),
    controls=(
        Criterion("valid", lambda e: e + 5, above=0.0),
        Criterion("rival", lambda e: e + 4, above=0.0, rival="luck"),
    ),
)


@pytest.mark.thorough
def test_joined_blocks_are_one_block_of_all():
    values = 1 + np.random.default_rng(0).normal(size=32)
    blocks = [measure(ABOUT, part) for part in np.split(values, [8, 16])]
    whole = measure(ABOUT, values)
    for look, n in enumerate(LOOKS.networks):
        parts, one = blocks[: look + 1], measure(ABOUT, values[:n])
        first, second = (judged(ABOUT, b, COIN, 5, LOOKS, look).to_json() for b in (parts, [one]))
        assert first == second and first["networks"] == n
    assert judged(ABOUT, blocks, COIN, 5).to_json() == judged(ABOUT, [whole], COIN, 5).to_json()


def test_what_does_not_apply_to_one_look_does_not_apply():
    blocks = [measure(ABOUT, np.ones(8)), measure(ABOUT, np.ones(8))._replace(controls=(None, np.ones(8)))]
    found = joined(blocks)
    assert found.controls[0] is None and len(found.controls[1]) == len(found.criteria[0]) == 16


def test_too_few_networks_decide_nothing():
    verdict = judged(ABOUT, [measure(ABOUT, np.arange(5.0) + 9)], COIN, 5)
    assert (verdict.outcome, verdict.again) == ("undecided", None) and "5 trained networks" in verdict.reason
    more = replace(ABOUT, seeds=5, criteria=ABOUT.criteria[:1])
    enough = judged(more, [measure(more, np.arange(5.0) + 9)], COIN, 5)
    assert enough.outcome == "supported" and enough.again == 1
