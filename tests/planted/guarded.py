"""Violation of guarded processes that follows load, number or interaction of constraints: CL2, CL3."""

import numpy as np

from analysis.constraint_load import cl2_load_decides, cl3_intervention_paradox
from analysis.constraint_load.cl3_intervention_paradox import Paradox
from analysis.constraint_load.subset_violation import SubsetViolation

from .rates import SEEDS, Alike


def subsets(loads, *, by_load=0.0, by_count=0.0, untrained=0.0, noise=0.7, level=-4.0):
    """Networks whose log relative violation follows load (per nat) and count (per constraint), with noise
    over subsets and networks, half of it common to all networks.
    """
    load, count = loads

    def begin(rng):
        alike = {role: rng.normal(size=len(load)) for role in cl2_load_decides.ROLES}
        return lambda rng: {role: one(rng, common) for role, common in alike.items()}

    def one(rng, common):
        rest = noise * (rng.normal(size=(SEEDS, len(load))) + common) / np.sqrt(2)
        relative = np.exp(level + by_load * (load - load.mean()) + by_count * (count - count.mean()) + rest)
        fresh = np.exp(-0.5 + untrained * load + 0.1 * rng.normal(size=(SEEDS, len(load))))
        on = np.arange(count.max()) < count[:, None]  # so many, whichever they are
        mass = relative * (1 - np.exp(-1.5 * load))
        return SubsetViolation(on, load, count, mass, relative, relative, fresh)

    return Alike(begin)


def stacks(gaps, rng, *, rises, together=0.0, composed=0.05, leaks=0.05, learned=0.05, noise=0.06):
    """Networks whose relative violation rises with interaction by so much per nat, in each stacked regime and
    together; that of single constraints composed by so much, and of single vectors (which leak ten times as
    much) by `leaks`.
    """

    def table(level, by, spread):
        return level + by * (gaps - gaps.min()) + spread * rng.normal(size=(SEEDS, len(gaps)))

    def one():
        relative = {r: table(0.1, rises, noise) for r in cl3_intervention_paradox.STACKED} | {
            "together": table(0.02, together, noise / 4)
        }
        parts = {
            "composed": {r: table(0.02, composed, 0.01) for r in relative}
            | {"steering": table(0.5, leaks, 0.01)},
            "learned": {r: table(learned, 0.0, 0.01) for r in relative} | {"steering": table(0.5, 0.0, 0.01)},
            "mass": relative,
            "divergence": relative,
            "satisfied": {r: 1 - y for r, y in relative.items()},
        }
        return Paradox(
            gaps, np.full((len(gaps), 2), 0.167), relative=relative, **parts, base=table(1.0, 0.0, 0.01)
        )

    return {role: one() for role in cl3_intervention_paradox.MODELS}
