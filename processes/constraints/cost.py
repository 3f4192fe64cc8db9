"""What the constraints of a process cost, as plain values for its card."""

import math
from collections.abc import Sequence
from typing import Any

from ..process import Process
from ..values.checks import checked
from .automaton import Automaton, conjunction
from .conditioned import Given
from .load import interactions, load
from .memory import memory_cost
from .protocol import Protocol, Subset

MOST_SUBSETS = 16
"""Subsets of a protocol that are listed, in the order of its distribution."""


@checked
def costs(process: Process) -> dict[str, Any] | None:
    """Loads and interactions in nats per token (None where infinite) and memory cost in dimensions; None
    unless the process is conditioned (`given`) or a protocol (`guarded`).

    Of a protocol, also every subset with its probability: load, interaction (load minus the sum of single
    loads), memory cost.
    """
    how = process.made_of
    if isinstance(how, Given):
        alone, together = _alone(how.base, how.constraints), range(len(how.constraints))
        return alone | {"kind": "given", **_together(how.base, how.constraints, together)}
    if isinstance(how, Protocol):
        return _alone(how.base, how.constraints) | {
            "kind": "guarded",
            "subsets_in_all": len(how.distribution),
            "subsets": _subsets(how),
        }
    return None


def _alone(base: Process, constraints: Sequence[Automaton]) -> dict[str, Any]:
    return {
        "base": base.name,
        "constraints": [c.name for c in constraints],
        "single_loads": [_finite(load(base, c)) for c in constraints],
        "interactions": [[_finite(v) for v in row] for row in interactions(base, constraints)],
    }


def _together(base: Process, constraints: Sequence[Automaton], on: Sequence[int]) -> dict[str, Any]:
    chosen = [constraints[k] for k in on]
    if not chosen:
        return {"load": 0.0, "interaction": 0.0, "memory_cost": 0}
    both = conjunction(chosen)
    total = load(base, both)
    return {
        "load": _finite(total),
        "interaction": _finite(total - math.fsum(load(base, c) for c in chosen)),
        "memory_cost": memory_cost(base, both) if math.isfinite(total) else None,
    }


def _subsets(protocol: Protocol) -> list[dict[str, Any]]:
    listed: list[tuple[Subset, float]] = list(protocol.distribution.items())[:MOST_SUBSETS]
    return [
        {"on": list(on), "probability": p, **_together(protocol.base, protocol.constraints, on)}
        for on, p in listed
    ]


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
