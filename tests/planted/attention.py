"""Heads, torques and energies: CL5, CL6, CL7."""

from functools import partial

import numpy as np

from analysis.constraint_load.cl5_inertia import Heads, Inertia
from analysis.constraint_load.cl6_torque import CANDIDATES, Strain
from analysis.constraint_load.cl7_hamiltonian import Energy, Terms

from .rates import SEEDS, Alike

K = len(CANDIDATES)
LOADS = np.geomspace(0.01, 1.5, K)


def terms(rng, balanced, own, shuffled, spread):
    """Eight networks whose sum varies by so much, more or less."""

    def one():
        scatter = np.exp(spread * rng.normal(size=3))
        kinetic, potential = (
            4 * scatter[0] * np.array([1.0, 0.8, 0.9, 1.2]),
            np.array([1.1, 1.0, 0.9, 0.8, 0.7]),
        )
        varies = np.array([balanced, own, shuffled]) * scatter
        return Terms(kinetic, potential, np.array(0.2), *(np.array(v) for v in varies))

    return Terms.stacked([one() for _ in range(SEEDS)])


def energies(trained=0.2, own=0.3, shuffled=0.4, untrained=0.26, own_untrained=0.39, spread=0.1):
    return lambda rng: Energy(
        terms(rng, trained, own, shuffled, spread), terms(rng, untrained, own_untrained, 0.4, spread)
    )


def strains(by_torque=1.0, by_load=0.5, untrained=0.0, followed=1.0, learned=0.02, alike=0.0, other=0.0):
    """Damage that follows torque, load and something else so much, all standardised and alike in all
    networks, and noise in each network.

    The torque may be like the load.
    """
    level = (np.log(LOADS) - np.log(LOADS).mean()) / np.log(LOADS).std()

    def begin(rng):
        strength, cause = rng.normal(size=(2, K))
        return partial(networks, alike * level + (1 - alike) * strength, cause)

    def networks(strength, cause, rng):
        torque = strength + 0.3 * rng.normal(size=(SEEDS, K))
        damage = np.exp(
            by_torque * strength + by_load * level + other * cause + 0.5 * rng.normal(size=(SEEDS, K))
        )
        fresh = untrained * strength + rng.normal(size=(SEEDS, K))
        return Strain(
            CANDIDATES,
            LOADS,
            0.3 + 0.05 * torque,
            0.3 + 0.05 * fresh,
            np.exp(rng.normal(size=(SEEDS, K))),
            np.eye(K),
            damage,
            learned * np.exp(0.1 * rng.normal(size=SEEDS)),
            followed + 0.1 * rng.normal(size=SEEDS),
            0.04,
        )

    return Alike(begin)


def heads(rng, by_mass, by_rows, by_depth=0.0, L=4, H=4):
    """Responses that follow mass, row entropy and depth so much, all standardised, and noise."""
    mass, rows, noise = rng.normal(size=(3, SEEDS, L, H))
    rows = 0.7 * mass + 0.7 * rows  # heads that look at many positions look at different ones
    depth = np.linspace(-1.3, 1.3, L)[:, None] + np.zeros((L, H))
    seen = 0.6 * mass + by_depth * depth
    output = np.exp(0.3 * (by_mass * mass + by_rows * rows - by_depth * depth + 0.5 * noise))
    by_load = 0.5 + 0.03 * np.arange(4)[:, None, None] + 0.05 * rng.normal(size=(4, SEEDS, L))
    return Heads(0.5 + 0.1 * seen, 1 + 0.1 * rows, output, 0.01 * output, 0.45 + 0.1 * seen, by_load)


def inertias(by_mass=-0.6, by_rows=-0.5, untrained=0.0, by_depth=0.0, added=1.0, still=0.0, learned=0.02):
    return lambda rng: Inertia(
        heads(rng, by_mass, by_rows, by_depth),
        heads(rng, untrained, by_rows),
        added + 1e-5 * rng.normal(size=SEEDS),
        np.full(SEEDS, still),
        learned * np.exp(0.1 * rng.normal(size=SEEDS)),
    )
