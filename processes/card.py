"""The ground-truth card of a process: everything exact that one would want to know before training on it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .alignment import floor_orders
from .constraints.cost import costs
from .entropy import entropy
from .filter import predict
from .geometry.lyapunov import lyapunov
from .information.breadcrumbs import WORTHLESS, breadcrumbs
from .information.rates import (
    crypticity,
    entropy_rate,
    excess_entropy,
    excess_entropy_bounds,
    h,
    markov_order,
    statistical_complexity,
    transient_information,
)
from .interchange.process_file import record
from .process import Process, ProcessError
from .structure.components import ergodic_components
from .structure.endless import endless_word
from .structure.machine import finite_mixed_states
from .structure.realisation import minimal_dimension
from .structure.synchronisation import synchronisation
from .values.checks import checked

AFFORDABLE = 20_000_000
"""Probabilities of next symbols, over all beliefs of one length, for which a card still asks h(L): seconds in
all.
"""


@checked
def card(process: Process, *, n_ctx: int = 10) -> dict[str, Any]:
    """Plain values (numbers, lists, None where infinite, undefined or too costly), ready for JSON; entropies
    in nats. `why` tells these apart: `infinite` where that is proved, `not found`, `not stationary`, `too
    costly`, `contexts are worth nothing`.

    `worth` is what there is to learn, nats per token: the loss of who knows no context minus the mean loss
    floor, H(mean p) - mean H(p) over next-token distributions p (of a stationary process h(1) minus it).

    `n_ctx` is the context length for which h(L) and the loss floor by position are listed, with None where
    beliefs of that length are infinitely many in the long run and too many already (see `AFFORDABLE`). Raises
    `ProcessError` if it is not positive.
    """
    if n_ctx < 1:
        raise ProcessError(f"n_ctx is {n_ctx}; it must be at least 1")
    rate, ms, order = entropy_rate(process), finite_mixed_states(process), markov_order(process)
    excess, known = excess_entropy_bounds(process), synchronisation(process, n_ctx)
    counts = (
        None
        if ms is None
        else {"transient": int((~ms.recurrent).sum()), "recurrent": int(ms.recurrent.sum())}
    )
    orders = floor_orders(n_ctx)
    entropies: list[float | None] = h(process, orders[-1], most=AFFORDABLE).tolist()
    entropies += [None] * (orders[-1] - len(entropies))
    floor = entropies[orders[0] - 1 :]
    worth = _worth(process, floor)
    found = {
        **record(process),  # so that the card is a file of the process as well
        "vocab": process.vocab,
        "stationary": process.is_stationary,
        "units": "nats",
        "entropy_rate": rate.value,
        "entropy_rate_bounds": [rate.lower, rate.upper],
        "excess_entropy": excess_entropy(process),
        "excess_entropy_bounds": None if excess is None else [excess.lower, excess.upper],
        "statistical_complexity": statistical_complexity(process),
        "crypticity": crypticity(process),
        "transient_information": transient_information(process),
        "minimal_dimension": minimal_dimension(process),
        "markov_order": None if order is None or math.isinf(order) else int(order),
        "mixed_states": counts,
        "transient_modulus": None if ms is None else ms.transient_modulus,
        "synchronisation": None if known is None else known.tolist(),
        "information_dimension": None if ms is not None else _dimension(process),
        "h": entropies[:n_ctx],
        "loss_floor_by_position": floor,
        "worth": worth,
        "breadcrumb_price": _price(process, n_ctx) if worth else None,
        "constraints": costs(process),
    }
    found["why"] = _unknown(process, found)
    return {name: _unsigned(value) for name, value in found.items()}


def _unknown(process: Process, found: Mapping[str, Any]) -> dict[str, str]:
    """Why what is None is not known: infinite and proved so, not defined without a stationary start, or not
    found.
    """
    stationary = process.is_stationary
    proved = found["mixed_states"] is None and endless_word(process) is not None
    many = "infinitely many causal states" if proved else "not found"
    machine = found["statistical_complexity"] is not None
    reasons = {
        "mixed_states": "infinite" if proved else "not found",
        "statistical_complexity": many,
        "markov_order": "infinite" if machine or proved else "not found",
        "worth": "too costly",
        "breadcrumb_price": "contexts are worth nothing" if found["worth"] == 0 else "too costly",
        **dict.fromkeys(("excess_entropy", "crypticity", "transient_information"), many),
    }
    needs_start = ("markov_order", "excess_entropy", "crypticity", "transient_information")
    return {
        name: "not stationary" if name in needs_start and not stationary else reason
        for name, reason in reasons.items()
        if found[name] is None
    }


def _worth(process: Process, floor: Sequence[float | None]) -> float | None:
    """What contexts are worth, nats per token; 0 where that is rounding, None where a floor is not known."""
    known = [loss for loss in floor if loss is not None]
    if len(known) < len(floor):
        return None
    reached, mean = process.start, np.zeros(process.n_states)
    for _ in known:
        reached = reached @ process.T.sum(0)
        mean += reached / len(known)
    worth = float(entropy(predict(process, mean)) - np.mean(known))
    return worth if worth > WORTHLESS else 0.0


def _price(process: Process, n_ctx: int) -> float | None:
    """The breadcrumb price; None where a card does not wait for it."""
    try:
        return breadcrumbs(process, n_ctx, most=AFFORDABLE).price
    except ProcessError:
        return None


def _unsigned(value: Any) -> Any:
    """0 for -0, which rounding leaves of entropies of certain symbols."""
    if isinstance(value, list):
        return [_unsigned(v) for v in value]
    return value + 0.0 if isinstance(value, float) else value


def _dimension(process: Process) -> list[float] | None:
    """Kaplan-Yorke dimension of infinitely many mixed states and its standard error; None where that would
    not be quick, does not apply, or only says that the set is no larger than its space.
    """
    if (
        not 2 <= minimal_dimension(process) <= 3
        or not process.is_stationary
        or len(ergodic_components(process)) > 1
    ):
        return None
    found = lyapunov(process, chains=64, steps=300, seed=0)
    return [found.dimension, found.dimension_error] if found.dimension < len(found.exponent) else None
