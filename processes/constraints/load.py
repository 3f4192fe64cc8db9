"""Constraint load: what it costs a process to satisfy a constraint, in nats per token, and how constraints
interact.
"""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64
from scipy.sparse import csr_array

from ..process import Process, ProcessError
from ..values.checks import checked
from .automaton import Automaton, conjunction
from .escape import escape
from .restricted import check_alphabet, restricted


@checked
def load(base: Process, constraint: Automaton) -> float:
    """load(C) = -log spectral radius(T_C), the escape rate: -1/n log P(word of length n satisfies C) for long
    words. Nats per token.

    Infinite if no arbitrarily long word of the base satisfies the constraint; zero if long words satisfy it
    at no exponential cost. Only classes of the operator that the start reaches (and that lead to a final
    state) count. Raises `ProcessError` if alphabets differ, and for some generalised HMMs (see `escape`).
    """
    radius = escape(restricted(base, constraint)).radius
    return max(0.0, -math.log(radius)) if radius > 0 else math.inf  # the radius is at most 1, up to rounding


@checked
def finite_load(base: Process, constraint: Automaton, n: int) -> float:
    """-log P(a word of length n satisfies C), nats in total (not per token); infinite if none does.

    Raises `ProcessError` if alphabets differ or `n` is negative.
    """
    check_alphabet(base, constraint)
    if n < 0:
        raise ProcessError(f"a word cannot have length {n}; the length is at least 0")
    shape, zero, w = (constraint.n_states, base.n_states), base.zero, base.w
    enters = _entries(constraint)
    alpha = np.zeros(shape)  # P(automaton state, state, not yet violated), renormalised
    alpha[constraint.start] = base.start
    total = 0.0
    for _ in range(n):
        alpha = enters @ (alpha @ base.T).reshape(-1, shape[1])
        mass = float((alpha @ w).sum())
        if mass <= zero:
            return math.inf
        alpha, total = alpha / mass, total - math.log(mass)
    mass = float((alpha[constraint.final] @ base.w).sum())
    return max(0.0, total - math.log(mass)) if mass > base.zero else math.inf


def _entries(constraint: Automaton) -> csr_array:
    """Which (symbol, automaton state) lead to each allowed automaton state, (A, V A)."""
    after = constraint.next.T.ravel()
    (come_from,) = np.nonzero(constraint.allowed[after])
    return csr_array(
        (np.ones(len(come_from)), (after[come_from], come_from)), (constraint.n_states, len(after))
    )


@checked
def interaction(base: Process, first: Automaton, second: Automaton) -> float:
    """load(A and B) - load(A) - load(B), nats per token: positive = conflict, zero = independent, negative =
    shared work.

    Infinite if each can be satisfied but not both; `nan` if one of them alone cannot, because then there is
    nothing to compare with.
    """
    alone = load(base, first) + load(base, second)
    return math.nan if math.isinf(alone) else load(base, conjunction([first, second])) - alone


@checked
def interactions(base: Process, constraints: Sequence[Automaton]) -> Float64[np.ndarray, "K K"]:
    """The symmetric matrix of all interactions; on the diagonal -load(C), because C and C together are C."""
    single = np.array([load(base, c) for c in constraints])
    matrix = np.full((len(single), len(single)), np.nan)
    for i, first in enumerate(constraints):
        for j, second in enumerate(constraints[: i + 1]):
            if np.isfinite(single[i]) and np.isfinite(single[j]):
                both = single[i] if i == j else load(base, conjunction([first, second]))
                matrix[i, j] = matrix[j, i] = both - single[i] - single[j]
    return matrix


@checked
def conflicting_subset(base: Process, constraints: Sequence[Automaton]) -> tuple[int, ...]:
    """Numbers of a minimal subset of the constraints that is already unsatisfiable together; empty if all can
    be satisfied.

    Minimal: without any one of its members the rest is satisfiable. Found by deleting one constraint after
    the other (Chinneck & Dravnieks 1991), so where several conflicts exist it returns one, preferring late
    constraints.
    """
    kept = list(range(len(constraints)))
    if not kept or satisfiable(base, constraints):
        return ()
    for k in range(len(constraints)):
        rest = [j for j in kept if j != k]
        if rest and not satisfiable(base, [constraints[j] for j in rest]):
            kept = rest
    return tuple(kept)


@checked
def satisfiable(base: Process, constraints: Sequence[Automaton]) -> bool:
    """Whether arbitrarily long words of the base satisfy all the constraints."""
    return math.isfinite(load(base, conjunction(constraints)))
