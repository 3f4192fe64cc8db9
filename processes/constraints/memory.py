"""How much more an observer has to carry: dimensions of the beliefs of a conditioned process against those of
its base.
"""

import numpy as np
from jaxtyping import Float

from ..process import Process
from ..values.checks import checked
from .automaton import Automaton
from .conditioned import conditioned

INDEPENDENT = 1e-9
"""A unit direction whose image leaves the span by less than this share of its length stays in it: rounding is
about 1e-15.
"""


@checked
def belief_rank(process: Process) -> int:
    """Dimension of the span of the beliefs after all words (the empty one included): the least space that
    holds `start` and is closed under every T[x]. Between 1 and the number of hidden states; the beliefs'
    affine dimension is one less.
    """
    return len(_closure(process.start, process.T))


@checked
def predictive_rank(process: Process) -> int:
    """Rank of the Hankel matrix P(past future): the dimensions of belief that some future depends on.

    Unlike `belief_rank` it belongs to the word law and not to its presentation (Ito, Amari & Kobayashi 1992).
    """
    reached = _closure(process.start, process.T)
    seen = _closure(process.w, process.T.transpose(0, 2, 1))
    values = np.linalg.svd(reached @ seen.T, compute_uv=False)
    return int((values > INDEPENDENT * values[0]).sum())


@checked
def memory_cost(base: Process, constraint: Automaton) -> int:
    """predictive_rank(base given C) - predictive_rank(base): dimensions an exact predictor must add to
    satisfy C; may be negative.

    Ranks of the belief spans, less the directions that no future depends on: automaton states that differ
    without consequence cost nothing, and a constraint that the base satisfies already has cost 0 (with
    `belief_rank` neither would hold). Raises `ProcessError` where there is no conditioned process.
    """
    return predictive_rank(conditioned(base, constraint)) - predictive_rank(base)


def _closure(vector: Float[np.ndarray, "S"], T: Float[np.ndarray, "V S S"]) -> Float[np.ndarray, "R S"]:
    """Orthonormal basis of the least space of row vectors that holds `vector` and is closed under every T[x].

    New directions are sought among the images of the orthonormal basis, not of the beliefs: these converge, a
    basis does not.
    """
    basis = (vector / np.linalg.norm(vector))[None]
    done = 0
    while done < len(basis) < len(vector):
        for image in T.transpose(0, 2, 1) @ basis[done]:
            length = float(np.linalg.norm(image))
            rest = image - (image @ basis.T) @ basis
            rest -= (rest @ basis.T) @ basis  # twice is enough (Kahan, in Parlett 1980)
            size = np.linalg.norm(rest)
            if size > INDEPENDENT * max(length, INDEPENDENT):
                basis = np.vstack([basis, rest / size])
        done += 1
    return basis
