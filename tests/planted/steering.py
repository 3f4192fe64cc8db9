"""Networks that can be steered, and cannot: MI3."""

import numpy as np

import processes
from analysis.instruments.decompositions.mixtures import POSSIBLE, the_mixture
from analysis.instruments.evidence import log_of
from analysis.instruments.interventions.intervention import Site
from analysis.instruments.interventions.steering import Steerable
from analysis.mechanisms.mi03_steered import SHIFTS, Steered, measured, steered

from .networks import LAYERS
from .rates import SEEDS

LEAKY = "mixture(leak(even, 0.1), leak(golden_mean, 0.1))"
WIDTH = 12
UNIT = 4.0
"""Nats of log odds that are one in the stream."""
STEP = 1e-4
"""Of the differences that stand for a gradient."""


def holding(t, rng, holds="odds"):
    """The log odds of two components, or the posterior of the first, and the beliefs within both, in random
    orthogonal directions; a head that reads the next token off these, or hears nothing of the stream.
    """
    mixture = the_mixture(t.process)
    first = mixture.posterior(t.belief)[:, 0].clip(POSSIBLE, 1 - POSSIBLE)
    odds = np.log(first / (1 - first))
    within = [mixture.within(t.belief, k) for k in range(2)]
    held = np.column_stack([first if holds == "posterior" else odds / UNIT, *within])
    axes = np.linalg.qr(rng.normal(size=(WIDTH, held.shape[1])))[0].T
    stream = held @ axes + 0.003 * rng.normal(size=(len(held), WIDTH))
    cuts = 1 + np.cumsum([0, *(w.shape[1] for w in within)])

    def predict(x, rows):
        if holds == "nothing":
            return log_of(t.next_token[rows])
        read = x @ axes.T
        p = read[:, 0] if holds == "posterior" else 1 / (1 + np.exp(-UNIT * read[:, 0]))
        distribution = 0.0
        for k, share in enumerate((p.clip(1e-3, 1 - 1e-3), 1 - p.clip(1e-3, 1 - 1e-3))):
            belief = read[:, cuts[k] : cuts[k + 1]].clip(1e-9)
            belief = belief / belief.sum(1, keepdims=True)
            distribution = distribution + share[:, None] * processes.predict(mixture.components[k], belief)
        return log_of(distribution)

    def slope(vector, rows, exact, weight):
        def loss(v):
            return -float(weight @ (exact * predict(stream[rows] + v, rows)).sum(1))

        e = STEP * np.eye(WIDTH)
        return loss(vector), np.array([loss(vector + d) - loss(vector - d) for d in e]) / (2 * STEP)

    def everywhere(text, vector):
        return predict(stream[text.rows] + vector, text.rows)

    return Steerable(Site(LAYERS[-1], stream, predict), slope, everywhere)


def steered_thrice(t):
    """What is measured of three networks that hold log odds."""
    rows = [measured([holding(t, np.random.default_rng(k))], t, seed=k) for k in range(3)]
    return steered(rows, t, LAYERS[-1:], np.full(3, 0.1), np.full(3, 1e-5))


def steerings(
    share=0.8,
    *,
    random=0.02,
    aside=0.05,
    logits=0.2,
    swap=0.9,
    untrained=0.1,
    slope=0.8,
    noise=0.08,
    unlearned=1e-5,
):
    """Networks that are steered so far, more or less, by each way of doing it."""

    def plant(rng):
        def about(mean, by=noise, more=()):
            return mean + by * rng.normal(size=(SEEDS, *more))

        none = 0.018 * np.exp(about(0.0, 0.05))
        ways = {"contrastive": share, "covariance": share, "learned": share + 0.05, "random": random}
        shares = {"none": 0.0, **ways, "written": share, "logits": logits, "swap": swap}
        moved = about(slope, 0.1)[:, None] * SHIFTS + about(0.0, 0.02, SHIFTS.shape)
        unsteered = none[:, None] * (SHIFTS / 2) ** 2
        return Steered(
            sampled=None,
            sites=LAYERS,
            chosen=rng.integers(0, len(LAYERS), SEEDS),
            left={kind: none * (1 - (about(s) if s else 0.0)) for kind, s in shares.items()},
            length=about(0.7, 0.05),
            by_site=about(share / 2, noise, (len(LAYERS),)),
            everywhere=about(share),
            away=unsteered * (1 - share),
            unsteered=unsteered,
            moved=moved,
            outside=np.broadcast_to((np.abs(SHIFTS) / 10).clip(0, 0.9), moved.shape).copy(),
            moved_random=about(aside, 0.02)[:, None] * SHIFTS,
            outside_random=np.broadcast_to((np.abs(SHIFTS) / 6).clip(0, 1), moved.shape).copy(),
            untrained=about(untrained, 0.05),
            unlearned=unlearned * np.exp(about(0.0, 0.1)),
        )

    return plant
