"""Accuracies and kinds of failure over a grid of loads and widths, and budgets of ranks: CL1, CL4, CL8."""

from functools import lru_cache

import numpy as np
from scipy.special import expit, logit

import processes
from analysis.constraint_load import bottleneck
from analysis.constraint_load.cl4_parities import CHECKS, Held
from analysis.constraint_load.cl4_rank_budget import Budget
from analysis.constraint_load.cl4_steering_subspaces import WAYS, Allocated
from analysis.constraint_load.cl8_ledger_failures import Failures
from analysis.constraint_load.ledger_design import CURVES, ONSETS
from analysis.constraint_load.ledger_grid import LoadGrid

from .rates import SEEDS, TRIALS

WIDTH = np.array([8, 16, 32])
LEDGER = processes.source("ledger(K=128, g=4, p=0.5)")
BODIES = processes.source("ledger(K=32, g=2, p=0.5, n=4, stay=0.5)")


def grid(curve, rng, *, noise=0.01, at_transition=0.03, untrained=0.5, still=0.02):
    """Networks whose accuracy at K constraints in B dimensions is `curve(K, B)`, with more spread where it is
    near .9, and of which twice the steps take `still` of what they have left.
    """
    K = (WIDTH[:, None] * np.array(CURVES.loads)).astype(int)
    B = WIDTH - 1.0
    mean = curve(K, B[:, None])
    spread = noise + at_transition * np.exp(-(((mean - 0.85) / 0.1) ** 2))
    shape = (*K.shape, SEEDS)
    accuracy = np.clip(mean[..., None] + spread[..., None] * rng.normal(size=shape), 0, 1)
    return LoadGrid(
        WIDTH,
        K,
        B,
        accuracy,
        np.full(shape, 0.5),
        1 - accuracy,
        1 - accuracy,
        bottleneck.accuracy(K, B[:, None]),
        still + 0.005 * rng.normal(size=(len(K), SEEDS)),
        np.full((len(K), 1, SEEDS), untrained),
    )


def failing(kinds, rng, *, untrained_fine=0.0, still=0.02):
    """Networks of which `kinds(load)` are the shares of each kind at a load, within a twentieth of both."""
    K = (WIDTH[:, None] * np.array(ONSETS.loads)).astype(int)
    shape = (*K.shape, SEEDS)
    share = kinds((K / WIDTH[:, None])[..., None] * np.exp(0.05 * rng.normal(size=shape)))
    share = share * np.exp(0.05 * rng.normal(size=share.shape))
    fresh = np.array([untrained_fine, 0, 0, 0, 0, 1 - untrained_fine])
    return Failures(
        WIDTH,
        K,
        share / share.sum(-1, keepdims=True),
        still + 0.005 * rng.normal(size=(len(K), SEEDS)),
        np.broadcast_to(fresh, (len(K), SEEDS, len(fresh))).copy(),
    )


def transition(K, B, s):
    """Accuracy .9 at K = 1.6 B, and so sharp."""
    return 0.5 + 0.5 * expit(-(np.log(K / B) - np.log(1.6)) * s + logit(0.8))


def sharp(K, B):
    """A transition that narrows as 1 / B."""
    return transition(K, B, B / 2)


def wide(K, B):
    """Sharper than the bottleneck, and equally wide for every width."""
    return transition(K, B, 9.0 + 0 * B)


def smooth(K, B):
    """A crossover smoother than the bottleneck's."""
    return transition(K, B, 1.2 + 0 * B)


def fixed_count(K, B):
    """Whatever the width, 44 constraints are too many."""
    return 0.5 + 0.5 * expit(-(np.log(K) - np.log(44)) * B * 0.5)


def loops_first(x):
    """Loops from a load of 1.2 on, which give way to collapse at 2.5."""
    loop, collapse = expit(6 * np.log(x / 1.2)), expit(6 * np.log(x / 2.5))
    return np.stack([1 - loop, 0 * x, 0 * x, loop * (1 - collapse), 0 * x, loop * collapse], -1)


def collapse_only(x):
    c = expit(6 * np.log(x / 1.5))
    return np.stack([1 - c, *4 * [0.025 * c], 0.9 * c], -1)


def one_mixture(x):
    """Failures of one mixture at every load, most of them generic: it crosses first because it is common."""
    c = expit(6 * np.log(x / 1.5))
    return np.stack([1 - c, 0.6 * c, 0 * x, 0 * x, 0 * x, 0.4 * c], -1)


@lru_cache
def one_of_many(curve, k):
    """Fitting curves takes most of a trial, so trials share grids."""
    return grid(curve, np.random.default_rng(k))


def budget(
    rng, *, curve=sharp, random=0.4, same=0.8, jointly=0.5, dimension=lambda r: r, alone=0.03, between=0.6
):
    """Vectors fitted apart leave a fifth of the violation in orthogonal subspaces; those fitted jointly a
    tenth, but `jointly` in a shared one; the others what is given, within a tenth.
    """

    def about(value):
        return value * np.exp(0.1 * rng.normal(size=SEEDS))

    ways = Allocated(
        {"orthogonal": about(0.2), "random": about(random), "same": about(same)},
        {"orthogonal": about(0.1), "random": about(0.1), "same": about(jointly)},
        {way: about(alone) for way in WAYS},
        about(1.0),
    )

    def states(dimensions, between):
        return Held(np.asarray(dimensions, float), between + 0.02 * rng.normal(size=SEEDS), about(1e-5))

    on = [states(dimension(r) - (rng.random(SEEDS) < 0.2), between) for r in CHECKS]
    return Budget(
        one_of_many(curve, int(rng.integers(TRIALS))),
        ways,
        np.array(CHECKS),
        Held.stacked(on),
        Held.stacked([states(np.ones(SEEDS), 0.0) for _ in CHECKS]),
    )
