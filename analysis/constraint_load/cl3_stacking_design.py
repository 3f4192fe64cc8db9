"""The pairs of constraints of CL3: matched in what each costs by itself, different in how they meet."""

import numpy as np

import processes
from processes import constraints
from processes.constraints import Protocol, constraint, independent_distribution
from processes.values.notes import noted

from .regimes import BOTH

BASE = "mess(x=0.454, a=0.85, s=3)"
"""Symmetric in its symbols. At this x, found by hand along x = .05 to .46 (a = .85), a forbidden word of two
different symbols, brackets and a parity cost the same.
"""
PAIRS = (
    ("odd number of 0 in every 4", "odd number of 0 in every 4"),
    ("no 01", "no 10"),
    ("depth of 0/1 at most 2", "odd number of 2 in every 4"),
    ("depth of 0/1 at most 2", "no 12"),
    ("no 01", "no 21"),
)
"""From shared work by way of none to conflict: words, parities and an order (no 1 without a 0 before it, at
most two of them waiting). Of all pairs of these on `BASE`, five whose interactions are far apart, in which
each kind occurs and each but the parities meets another kind.
"""
MATCHED = 0.01
"""Single loads that differ by less than this share of their mean are equal, and an interaction of less than
this share of it is none.
"""
INTERACTIONS = 5
"""Different interactions that a design must have."""


@noted(8)
def design(base: processes.Process) -> tuple[tuple[tuple[str, str], Protocol], ...]:
    """The pairs with their protocols on a base, from the least interaction to the largest; none if it has not
    three symbols, or cannot obey both of a pair.
    """
    if base.vocab < 3:
        return ()
    on = independent_distribution(2, p=0.5)
    try:
        made = [constraints.protocol(base, [constraint(c, base.vocab) for c in pair], on) for pair in PAIRS]
    except processes.ProcessError:
        return ()
    found = [(pair, p) for pair, p in zip(PAIRS, made, strict=True) if np.isfinite(p.loads[BOTH])]
    return tuple(sorted(found, key=lambda of: interaction(of[1]))) if len(found) == len(PAIRS) else ()


def interaction(p: Protocol) -> float:
    """Exact interaction of the two constraints, nats per token."""
    return p.loads[BOTH] - p.loads[(0,)] - p.loads[(1,)]


def refusal(process: processes.Process, n_ctx: int) -> str | None:
    """Whether the pairs have not matched single loads and different interactions on it."""
    found = [p for _, p in design(process)]
    if not found:
        return (
            f"its {process.vocab} symbols are too few for the pairs of constraints, or it cannot obey both "
            f"of one; use {BASE}"
        )
    single = np.array([p.loads[(k,)] for p in found for k in range(2)])
    least = MATCHED * single.mean()
    if np.ptp(single) > least:
        return (
            f"single loads go from {single.min():.4f} to {single.max():.4f} nats per token, so they are not "
            f"matched within {MATCHED:.0%}; use a base on which they are, like {BASE}"
        )
    gaps = np.array([interaction(p) for p in found])
    apart = 1 + int((np.diff(gaps) > least).sum())
    if apart < INTERACTIONS or gaps[0] > -least or gaps[-1] < least or np.abs(gaps).min() > least:
        return (
            f"its pairs have the interactions {', '.join(f'{g:+.4f}' for g in gaps)} nats per token; the "
            f"claim asks for {INTERACTIONS} different ones, some of them negative, none and positive: use "
            f"{BASE}"
        )
    return None
