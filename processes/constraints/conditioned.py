"""The process conditioned on satisfying a constraint for ever, as an ordinary process (Doob's transform)."""

from dataclasses import dataclass

import numpy as np

from ..algebra.chain import gauged
from ..algebra.graph import graph, reaching
from ..process import Process, ProcessError, hmm
from ..values.checks import checked
from ..values.identity import identified
from ..values.record import Record
from ..values.structure import listed, remember
from .automaton import Automaton, conjunction
from .escape import escape
from .restricted import Restricted, restricted

RESIDUAL = 1e-8
"""Largest relative error of T_C beta = radius beta that is put down to rounding; rows are normalised after
that.
"""


@dataclass(frozen=True, eq=False)
class Given(Record):
    """What a conditioned process is made of."""

    base: Process
    constraint: Automaton

    @property
    def constraints(self) -> tuple[Automaton, ...]:
        """One by one, where the constraint is a conjunction."""
        return self.constraint.parts or (self.constraint,)

    @property
    def spec(self) -> str | None:
        """`given(BASE; C1; C2)`, as `named` reads it, which has the states of the *conjunction* of what it
        reads; None where that is another automaton, or base or constraint cannot be written.
        """
        whole = self.constraint
        if whole.spec is None or conjunction(self.constraints).identity != whole.identity:
            return None
        return listed([self.base.spec, whole.spec], "; ", "given({})")


@checked
def conditioned(base: Process, constraint: Automaton, *, max_pairs: int = 2000) -> Process:
    """The distribution of the base given that it never violates the constraint, on pairs (hidden state,
    automaton state).

    T~[x] = diag(1/beta) T_C[x] diag(beta) / rho and start~ = start beta / (start . beta), with beta the right
    Perron vector: the limit of the distributions given satisfaction up to a horizon n (`horizon`), n to
    infinity, where that limit exists, and otherwise (a periodic operator on which the survival of words
    oscillates with n) the limit for a random horizon of weight rho^-n. Where several classes dominate, beta
    weighs them as that limit does (see `escape`). Pairs of lower order get probability zero. Its relative
    entropy rate to the base is load(C) (Doob 1957; Chetrite & Touchette 2015).

    The start conditions the first symbol too and is in general *not* stationary; `hmm(process.T)` is the
    stationary version, where that is unique. A generalised HMM stays one: T~ = T_C / rho with w = beta, in
    the same coordinates. Raises `ProcessError` if no arbitrarily long word satisfies the constraint, beyond
    `max_pairs` pairs, or for a generalised HMM without a semisimple positive eigenvalue that words survive
    by.
    """
    r = restricted(base, constraint)
    e = escape(r)
    if e.radius == 0:
        raise ProcessError(
            f"{base.name} cannot satisfy {constraint.name} for ever (infinite load); see conflicting_subset "
            "for what to drop"
        )
    name = f"{base.name} given {constraint.name}"
    how = Given(base, constraint)
    if base.kind == "ghmm":
        signed = _signed(r, e.radius, e.beta, name)
        return remember(identified(signed, "given", base.identity, constraint.identity), how)
    kept = np.flatnonzero(_support(r, e.beta))
    if len(kept) > max_pairs:
        raise ProcessError(
            f"{name} has {len(kept)} pairs of states, over {max_pairs}; use horizon for exact distributions "
            "at a finite length"
        )
    beta = e.beta[kept]
    flow = np.stack([T[kept][:, kept].toarray() for T in r.T]) * beta
    total = flow.sum((0, 2))
    worst = float(np.abs(total / (e.radius * beta) - 1).max())
    if worst > RESIDUAL:
        raise ProcessError(
            f"the Perron vector of {name} is only accurate to {worst:.2g}; its survival probabilities differ "
            "too much for float64"
        )
    start = r.start[kept] * beta
    states = [r.states[k] for k in kept]
    made = hmm(flow / total[:, None], start / start.sum(), name=name, states=states)
    return remember(identified(made, "given", base.identity, constraint.identity), how)


def _support(r: Restricted, beta: np.ndarray) -> np.ndarray:
    """Pairs that the conditioned process visits: reached from the start through pairs of positive beta."""
    i, j = r.chain.nonzero()
    inside = (beta[i] > 0) & (beta[j] > 0)
    return reaching(graph(j[inside], i[inside], len(r)), (r.start > 0) & (beta > 0))


def _signed(r: Restricted, radius: float, beta: np.ndarray, name: str) -> Process:
    """T_C / radius with w = beta, in the gauge sum(w) = P where that is possible."""
    T = np.stack([M.toarray() for M in r.T]) / radius
    largest = np.abs(np.linalg.eigvals(T.sum(0))).max()
    if largest > 1 + 1e-9:
        raise ProcessError(
            f"{name} has an eigenvalue {largest:.6g} times the one words survive by, in directions no word "
            "takes; remove them from the base first"
        )
    w = gauged(beta)
    return Process(T, r.start / (r.start @ w), w, name, r.states, "ghmm")
