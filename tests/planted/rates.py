"""How often a claim is supported by networks that are planted again and again, looked at as the lab does."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

import numpy as np

import processes
from analysis import claim as rule
from analysis.claim import Looks, measure
from analysis.claim.verdict import rule as of_evidence
from analysis.families import CLAIMS

SEEDS = 8
"""Networks in a block, and at the first look."""
LOOKS = Looks.doubling(SEEDS)
TRIALS = 20
"""Planted evidence per claim; the measured rate itself must be at least .9, or at most .05."""
MESS3, RRXOR, FANIZZA = (processes.named(name) for name in ("mess3", "rrxor", "fanizza"))


@dataclass(frozen=True)
class Alike:
    """A plant whose networks have something in common: what is drawn when it is begun."""

    begin: Callable[[np.random.Generator], Callable[[np.random.Generator], Any]]

    def __call__(self, rng):
        return self.begin(rng)(rng)


def judged(claim, evidence, process, n_ctx):
    """The verdict of a claim, by its id, on one look at the evidence."""
    return rule.judge(CLAIMS[claim], evidence, process, n_ctx)


def judged_on(claim, evidence, t):
    """The verdict on one look at evidence about these contexts."""
    return judged(claim, evidence, t.process, t.n_ctx)


def judged_study(claim, study):
    """The verdict on one look at a study of its own contexts."""
    return judged_on(claim, study, study.contexts)


def _silent(claim):
    """A claim, by its id, that says nothing of the process beforehand; what it says is tested by itself."""
    return replace(CLAIMS[claim], refusal=lambda process, n_ctx: None, prediction=lambda process, n_ctx: {})


def by_rule(claim, evidence, process=MESS3, n_ctx=8):
    """The verdict of a claim on one look at the evidence alone."""
    return rule.judge(_silent(claim), evidence, process, n_ctx)


def looked(claim, plant, process=MESS3, n_ctx=8, *, alone=False, trial=0):
    """The verdict of a claim, by its id, on blocks of eight networks from `plant(rng)`: at 8, 16 and 32 of
    them, until it is decided; on the evidence `alone` where the process says nothing beforehand.

    How probably it comes out again is not asked: that changes no outcome, and takes longer than all else.
    """
    asked, rng = _silent(claim) if alone else CLAIMS[claim], np.random.default_rng(trial)
    block = plant.begin(rng) if isinstance(plant, Alike) else plant
    blocks = []
    with mock.patch.object(of_evidence, "again", lambda *findings: None):
        for look, networks in enumerate(LOOKS.networks):
            while len(blocks) * SEEDS < networks:
                blocks.append(measure(asked, block(rng)))
            verdict = rule.judged(asked, blocks, process, n_ctx, LOOKS, look)
            if verdict.outcome != "undecided":
                break
    return verdict


def verdicts(claim, plant, process=MESS3, n_ctx=8, *, alone=False, trials=TRIALS):
    """Verdicts on networks from `plant(rng)`, all looks included, one for each trial."""
    return [looked(claim, plant, process, n_ctx, alone=alone, trial=k) for k in range(trials)]


def share(found, outcome="supported"):
    """The part of verdicts that is of an outcome."""
    return sum(v.outcome == outcome for v in found) / len(found)


def rate(claim, plant, process=MESS3, n_ctx=8, **how):
    """The part of planted evidence that supports a claim."""
    return share(verdicts(claim, plant, process, n_ctx, **how))


def rate_on(claim, t, plant):
    """The part of evidence about these contexts that supports a claim."""
    return rate(claim, plant, t.process, t.n_ctx)
