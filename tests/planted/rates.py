"""How often a claim is supported by evidence that is planted again and again."""

from dataclasses import replace

import numpy as np

import processes
from analysis import claim as rule
from analysis.families import CLAIMS

SEEDS = 8
TRIALS = 20
"""Planted evidence per claim; the measured rate itself must be at least .9, or at most .05."""
MESS3, RRXOR, FANIZZA = (processes.named(name) for name in ("mess3", "rrxor", "fanizza"))


def judged(claim, evidence, process, n_ctx):
    """The verdict of a claim, by its id."""
    return rule.judge(CLAIMS[claim], evidence, process, n_ctx)


def judged_on(claim, evidence, t):
    """The verdict on evidence about these contexts."""
    return judged(claim, evidence, t.process, t.n_ctx)


def judged_study(claim, study):
    """The verdict on a study of its own contexts."""
    return judged_on(claim, study, study.contexts)


def by_rule(claim, evidence, process=MESS3, n_ctx=8):
    """The verdict on the evidence alone; what the process says beforehand is tested by itself."""
    only = replace(CLAIMS[claim], refusal=lambda process, n_ctx: None, prediction=lambda process, n_ctx: {})
    return rule.judge(only, evidence, process, n_ctx)


def verdicts(claim, plant, process=MESS3, n_ctx=8, *, judge=judged, trials=TRIALS):
    """Verdicts on evidence from `plant(rng)`, one for each trial."""
    return [judge(claim, plant(np.random.default_rng(k)), process, n_ctx) for k in range(trials)]


def share(found, outcome="supported"):
    """The part of verdicts that is of an outcome."""
    return sum(v.outcome == outcome for v in found) / len(found)


def rate(claim, plant, process=MESS3, n_ctx=8, **how):
    """The part of planted evidence that supports a claim."""
    return share(verdicts(claim, plant, process, n_ctx, **how))


def rate_on(claim, t, plant):
    """The part of evidence about these contexts that supports a claim."""
    return rate(claim, plant, t.process, t.n_ctx)
