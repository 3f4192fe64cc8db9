"""Heads, torques and energies: CL5, CL6, CL7."""

import numpy as np

from analysis.constraint_load.cl5_inertia import Heads, Inertia
from analysis.constraint_load.cl6_drawn_constraints import COUNT, KINDS
from analysis.constraint_load.cl6_torque import Strain
from analysis.constraint_load.cl7_hamiltonian import Energy, Terms

from .rates import SEEDS


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


def strains(
    by_torque=1.0,
    by_load=0.5,
    by_norm=0.5,
    untrained=0.0,
    again=1.0,
    followed=1.0,
    learned=1e-4,
    like_load=0.0,
    like_norm=0.0,
):
    """Damage that follows torque, load and the gradient's norm so much, all standardised, and noise. Torque
    may be like load or norm, and untrained torque like what damage follows; every network has constraints of
    its own.
    """

    def networks(rng):
        load, norm, own, noise, fresh, other = rng.normal(size=(6, SEEDS, COUNT))
        norm = 0.6 * load + 0.8 * norm  # heavy constraints have long gradients
        strength = like_load * load + like_norm * norm + (1 - like_load - like_norm) * own
        cause = by_torque * strength + by_load * load + by_norm * norm
        return Strain(
            kinds=tuple(KINDS),
            kind=rng.integers(len(KINDS), size=(SEEDS, COUNT)),
            load=np.exp(load - 2),
            torque=0.3 + 0.05 * (strength + 0.3 * rng.normal(size=(SEEDS, COUNT))),
            again=0.3 + 0.05 * (again * strength + 0.3 * other),
            untrained=0.3 + 0.05 * (untrained * strength + 0.3 * fresh),
            norm=np.exp(norm),
            damage=np.exp(cause + 0.5 * noise),
            conflict=np.full(SEEDS, 0.3),
            unlearned=learned * np.exp(0.1 * rng.normal(size=SEEDS)),
            followed=followed + 0.1 * rng.normal(size=SEEDS),
            null=0.04,
        )

    return networks


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
