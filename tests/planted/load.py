"""Accuracies and kinds of failure over a grid of loads and widths, and budgets of ranks: CL1, CL4, CL8."""

from functools import lru_cache

import numpy as np
from scipy.special import expit, logit

import processes
from analysis.constraint_load.cl4_rank_budget import CHECKS, Budget, Held
from analysis.constraint_load.ledger_design import LOADS
from analysis.constraint_load.ledger_grid import LoadGrid
from analysis.constraint_load.steering_subspaces import WAYS, Allocated

from .rates import SEEDS, TRIALS

WIDTH = np.array([8, 16, 32])
LEDGER = processes.source("ledger(K=128, g=4, p=0.5)")


def grid(curve, rng, *, noise=0.01, at_transition=0.03, kinds=None, untrained=0.5, untrained_fine=0.0):
    """Networks whose accuracy at K constraints in B dimensions is `curve(K, B)`, with more spread where it is
    near .9.
    """
    K = (WIDTH[:, None] * np.array(LOADS)).astype(int)
    B = WIDTH - 1.0
    mean = curve(K, B[:, None])
    spread = noise + at_transition * np.exp(-(((mean - 0.85) / 0.1) ** 2))
    shape = (*K.shape, SEEDS)
    accuracy = np.clip(mean[..., None] + spread[..., None] * rng.normal(size=shape), 0, 1)
    if kinds is None:
        kinds = lambda x: np.stack([1 - expit(4 * np.log(x)), 0 * x, 0 * x, expit(4 * np.log(x))], -1)  # noqa: E731
    share = kinds((K / B[:, None])[..., None] * np.exp(0.05 * rng.normal(size=shape)))
    flat = np.broadcast_to(np.array([untrained_fine, 0, 1 - untrained_fine, 0]), (*shape, 4))
    share = share * np.exp(0.05 * rng.normal(size=share.shape))
    share = share / share.sum(-1, keepdims=True)
    rest = np.full(shape, untrained), flat
    return LoadGrid(WIDTH, K, B, accuracy, np.full(shape, 0.5), 1 - accuracy, 1 - accuracy, share, *rest)


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


def generic_first(x):
    generic, collapse = expit(6 * np.log(x / 1.2)), expit(6 * np.log(x / 2.5))
    return np.stack([1 - generic, 0 * x, generic * (1 - collapse), generic * collapse], -1)


def collapse_only(x):
    c = expit(6 * np.log(x / 1.5))
    return np.stack([1 - c, 0.05 * c, 0.05 * c, 0.9 * c], -1)


def one_mixture(x):
    """Failures of one mixture at every load, most of them generic: it crosses first because it is common."""
    c = expit(6 * np.log(x / 1.5))
    return np.stack([1 - c, 0.6 * c, 0 * x, 0.4 * c], -1)


@lru_cache
def one_of_many(curve, k):
    """Fitting curves takes most of a trial, so trials share grids."""
    return grid(curve, np.random.default_rng(k))


def budget(rng, *, curve=sharp, random=0.7, same=1.0, dimension=lambda r: r, alone=0.3, between=0.6):
    """Orthogonal subspaces leave half of the violation; the others what is given, within a tenth."""

    def about(value):
        return value * np.exp(0.1 * rng.normal(size=SEEDS))

    joint = {"orthogonal": about(0.5), "random": about(random), "same": about(same)}
    ways = Allocated(joint, {way: about(alone) for way in WAYS}, about(1.0))

    def states(dimensions, between):
        return Held(np.asarray(dimensions, float), between + 0.02 * rng.normal(size=SEEDS), about(0.001))

    on = [states(dimension(r) - (rng.random(SEEDS) < 0.2), between) for r in CHECKS]
    return Budget(
        one_of_many(curve, int(rng.integers(TRIALS))),
        ways,
        np.array(CHECKS),
        Held.stacked(on),
        Held.stacked([states(np.ones(SEEDS), 0.0) for _ in CHECKS]),
    )
