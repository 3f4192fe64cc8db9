"""Records that the panels of constraint load are drawn from, every number of which is the same."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from analysis.constraint_load import cl2_load_decides, cl3_intervention_paradox
from analysis.constraint_load.cl1_phase_transition import Transition
from analysis.constraint_load.cl3_intervention_paradox import MODELS, Paradox
from analysis.constraint_load.cl4_rank_budget import Held, Spent
from analysis.constraint_load.cl5_inertia import Heads, Inertia
from analysis.constraint_load.cl6_torque import Strain
from analysis.constraint_load.cl7_hamiltonian import Energy, Terms
from analysis.constraint_load.ledger_grid import LoadGrid
from analysis.constraint_load.regimes import MEASURES, REGIMES
from analysis.constraint_load.steering_subspaces import WAYS, Allocated
from analysis.constraint_load.subset_violation import SubsetViolation

S = 3  # networks


def flat(value: float, odd: Sequence[str]) -> dict[str, Callable[[], Any]]:
    """By id of the claim; `odd` are names where names are drawn."""

    def of(*shape: int) -> np.ndarray:
        return np.full(shape, value)

    def grid() -> LoadGrid:
        width, K = np.array([2, 4]), np.array([[2, 4, 8]] * 2)
        cells = [of(2, 3, S) for _ in range(4)]
        return LoadGrid(width, K, np.array([2.0, 4.0]), *cells, of(2, 3, S, 4), of(2, 1, S), of(2, 1, S, 4))

    def subsets() -> SubsetViolation:
        load, count = np.array([0.1, 0.2]), np.array([1.0, 2.0])
        return SubsetViolation(np.eye(2, dtype=bool), load, count, *(of(S, 2) for _ in range(4)))

    def pairs() -> Paradox:
        tables = {name: {regime: of(S, 2) for regime in REGIMES} for name in MEASURES}
        return Paradox(np.array([-0.1, 0.2]), of(2, 2), **tables, base=of(S, 2))

    def budget() -> Spent:
        ways = Allocated({way: of(S) for way in WAYS}, {way: of(S) for way in WAYS}, of(S))
        parities = [Held(of(2, S), of(2, S), of(2, S)) for _ in range(2)]
        return Spent(np.array([2.0, 4.0]), of(2, S), ways, np.array([2, 3]), *parities)

    def heads() -> Heads:
        return Heads(*(of(S, 2, 2) for _ in range(5)), of(2, S, 2))

    def strain() -> Strain:
        K = len(odd)
        tables = {name: of(S, K) for name in ("torque", "untrained", "norm", "damage")}
        rest = {"load": of(K), "cosine": of(K, K), "learned": of(S), "followed": of(S)}
        return Strain(tuple(odd), **tables, **rest, null=value)

    def terms() -> Terms:
        return Terms(of(S, 2), of(S, 3), of(S), of(S), of(S), of(S))

    return {
        "CL1": lambda: Transition(grid(), of(2, S), of(2), of(2, S)),
        "CL2": lambda: cl2_load_decides.Architectures({model: subsets() for model in MODELS}),
        "CL3": lambda: cl3_intervention_paradox.Architectures({model: pairs() for model in MODELS}),
        "CL4": budget,
        "CL5": lambda: Inertia(heads(), heads(), of(S), of(S), of(S)),
        "CL6": strain,
        "CL7": lambda: Energy(terms(), terms()),
        "CL8": grid,
    }
