"""Clouds of activations that hold beliefs in their plane, or hold something else: MI15."""

import numpy as np

import processes
from analysis.instruments.blind.beliefs import belief_distribution
from analysis.instruments.contexts import contexts
from analysis.mechanisms.mi15_laid_clouds import EXPLAINS, WithoutInputs, of_activations

from .networks import last_token, networks
from .rates import SEEDS

NAMES = ("mess3", *(f"another {i}" for i in range(9)))


def image(belief, rng, *, width=16, noise=0.02, beside=0.0):
    """Beliefs under a random affine map, in noise, beside what has more variance and is none of theirs."""
    held = belief @ rng.normal(size=(belief.shape[1], width)) + rng.normal(size=width)
    return (
        held
        + beside * rng.normal(size=width) * rng.normal(size=(len(held), 1))
        + noise * rng.normal(size=held.shape)
    )


def few(name="mess3", *others, n_ctx=6, seeds=2):
    """Networks that hold beliefs, untrained ones that know the last token, and distributions of a few
    candidates.
    """
    t, rng = contexts(processes.named(name), n_ctx), np.random.default_rng(0)
    distributions = [belief_distribution(processes.named(p), n_ctx) for p in (name, *others)]
    both = (
        networks(t, rng, lambda _, held=held: held, layers=("last",), noise=0.02, constant=1.0, seeds=seeds)
        for held in (t.belief, last_token(t))
    )
    return t, distributions, *both, np.arange(seeds), "last"


def laid_on_few():
    """What such networks come to."""
    return of_activations(*few("mess3", "mess3(x=0.15, a=0.6)", "nemo"))


def laying(share=0.98, *, margin=0.1, untrained=-0.4, known=1.0, loose=1.0, partial=0.5, spread=0.01):
    """What blind matches come to: share of a probe's R2, margin to the nearest wrong candidate, R2 of
    untrained networks, share where beliefs are known to be there, log distances of clouds without structure,
    partial R2 given rivals.
    """

    def plant(rng):
        def around(mean, size=spread):
            return mean + size * rng.normal(size=SEEDS)

        own = 0.08 * np.exp(around(0, 0.1))
        nearest = own * np.exp(around(margin, 0.03))
        far = own * np.exp(1 + rng.uniform(size=(8, SEEDS)))
        found = 0.06 * np.exp(around(0, 0.05))
        return WithoutInputs(
            candidates=NAMES,
            same=(True, *(False,) * 9),
            symmetries=6,
            gaussian=0.06 * np.exp(loose),
            distance=np.stack([own, nearest, *far]),
            r2=np.minimum(around(share), 0.9999),
            supervised=np.ones(SEEDS),
            in_plane=around(share),
            sought_distance=own,
            sought_r2=around(share),
            untrained_distance=around(0.3),
            untrained_r2=around(untrained, 0.1),
            shuffled_distance=found * np.exp(around(loose, 0.2)),
            known_distance=found,
            known_r2=np.minimum(around(known, 0.002), 1.0),
            known_supervised=np.ones(SEEDS),
            partial={name: around(partial, 0.05) for name in EXPLAINS},
            rivals={"token_window": 0.966, "next_token": 1.0, "markov_3": 0.98},
            unlearned=1e-5 * rng.uniform(1, 2, SEEDS),
            exact=np.full((4, 3), 1 / 3),
            mapped=np.full((4, 3), 1 / 3),
            weight=np.ones(4),
        )

    return plant
