"""How ledgers are made: of matrices, which are checked, and by name."""

import numpy as np

from ..process import ProcessError
from ..values.arrays import binary, not_a_distribution, real
from ..values.checks import checked
from .ledger import MOST, Ledger

LONGEST = 1024
"""Most symbols of a body."""


@checked
def ledger(
    base,
    forbids,
    *,
    p: float,
    g: int,
    name: str | int | float = "ledger",
    n: int = 1,
    stay: float = 0.0,
) -> Ledger:
    """A ledger from the body's distribution (V,), the 0/1 matrix of forbidden symbols (K, V), P(on), the
    constraints announced a slot, the symbols of a body and P(its base repeats one).

    Raises `ProcessError` if `base` is no distribution, shapes disagree, `forbids` is not 0/1, p is no
    probability, g does not divide K, n is not 1 to `LONGEST`, stay is not in [0, 1), or all constraints
    together leave no symbol (then so do some subsets of positive probability; the message names a smallest
    part of them that already conflicts: without any one of its members a symbol is left).
    """
    given, base, forbids = base, real(base, "the base of a ledger"), binary(forbids, "forbids")
    if base.ndim != 1 or base.min(initial=1) < 0:
        raise ProcessError(
            f"the base of a ledger has shape {base.shape} and least entry {base.min(initial=1):g}; it must "
            "be one distribution on its symbols"
        )
    if abs(base.sum() - 1) > 1e-9:
        raise not_a_distribution(given, f"the base of a ledger has shape {base.shape} and", base.sum(), "it")
    if forbids.ndim != 2 or forbids.shape[1] != len(base) or 0 in forbids.shape:
        raise ProcessError(
            f"forbids has shape {forbids.shape}; it must be 0 or 1, a row a constraint and a column for each "
            f"of {len(base)} symbols"
        )
    if not 0 <= p <= 1:
        raise ProcessError(f"p is {p}; it is the probability of each constraint to be on, from 0 to 1")
    if not 1 <= g <= 16 or len(forbids) % g:
        raise ProcessError(
            f"g is {g}; a slot announces 1 to 16 constraints, and g must divide their number, {len(forbids)}"
        )
    if not 1 <= n <= LONGEST:
        raise ProcessError(f"n is {n}; a body has 1 to {LONGEST} symbols")
    if not 0 <= stay < 1:
        raise ProcessError(f"stay is {stay}; it is a probability below 1, so that symbols still change")
    made = Ledger(base, forbids, p, g, str(name), n, stay if n > 1 else 0.0)
    conflict = _conflict(made)
    if conflict and p > 0:
        raise ProcessError(
            f"constraints {', '.join(map(str, conflict))} together forbid every symbol (infinite load); "
            "leave one of them out"
        )
    return made


def _conflict(made: Ledger) -> tuple[int, ...]:
    """A minimal set of constraints that forbids every symbol of the base; empty if all of them leave one
    (deletion filter).
    """
    forbids = made.forbids[:, made.base > 0]
    if not forbids.any(0).all():
        return ()
    count, kept = forbids.sum(0), []
    for k, row in enumerate(forbids):
        if (count - row > 0).all():
            count = count - row
        else:
            kept.append(k)
    return tuple(kept)


@checked
def disjoint_ledger(*, K: int, g: int, p: float, n: int = 1, stay: float = 0.0) -> Ledger:
    """The ledger of K + 1 symbols, equally likely, whose constraint k forbids symbol k + 1; nothing forbids
    symbol 0. Bodies have n symbols, each repeated with probability `stay`.

    Raises `ProcessError` unless 1 <= K <= `MOST`, and where `ledger` does.
    """
    if not 1 <= K <= MOST:
        raise ProcessError(f"K is {K}; a ledger by name has 1 to {MOST} constraints")
    name = f"ledger(K={K}, g={g}, p={p:g}{'' if (n, stay) == (1, 0) else f', n={n}, stay={stay:g}'})"
    return ledger(np.full(K + 1, 1 / (K + 1)), np.eye(K, K + 1, 1), p=p, g=g, name=name, n=n, stay=stay)
