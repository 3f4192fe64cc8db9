"""A norm in which the maps of a network shrink differences, as nearly as one norm can: chosen by what is seen
along words; whatever is chosen, what is proved with it holds.
"""

import numpy as np
from jaxtyping import Float

from .recurrent_maps import RecurrentMaps
from .tubes import Metric

SEEN, ROUNDS = 512, 60
"""States at which slopes are taken; and how many symbols ahead differences are counted."""
MOST = 100.0
"""By how much differences may grow on average before what becomes of them is no longer counted."""


def seen_states(maps: RecurrentMaps, length: int, rng: np.random.Generator) -> Float[np.ndarray, "N D"]:
    """States after random words of up to so many symbols."""
    state, found = np.zeros((SEEN // length + 1, maps.width)), []
    for _ in range(length):
        token = rng.integers(maps.vocab, size=len(state))
        state = maps.step(state, np.zeros_like(state), token).value.mid
        found.append(state)
    return np.concatenate(found)


def adapted(maps: RecurrentMaps, *, seed: int = 0) -> Metric:
    """The metric v' X v with X = sum_k E[J_k' J_k], J_k the slopes of k symbols: in it a difference counts by
    what becomes of it, and shrinks on average. No difference of length 1 is below 1.
    """
    rng = np.random.default_rng(seed)
    states = seen_states(maps, 24, rng)
    token = rng.integers(maps.vocab, size=len(states))
    slope = maps.step(states, np.zeros_like(states), token, slope=True).slope
    assert slope is not None
    J, X = slope.mid, np.eye(maps.width)
    term = X
    for _ in range(ROUNDS):
        term = np.einsum("bij,ik,bkl->jl", J, term, J, optimize=True) / len(J)
        if not np.trace(term) < MOST * maps.width:  # nothing shrinks on average
            break
        X = X + term
    return Metric.of(np.linalg.inv(np.linalg.cholesky((X + X.T) / 2)).T)
