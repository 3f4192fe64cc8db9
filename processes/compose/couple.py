"""What couples processes: structures as the literature has them, each a rule for every factor."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from ..process import Process, ProcessError, hmm
from ..values.arrays import integers, real, rectangular
from ..values.checks import checked, refuse
from .coupled import Coupled, Rule

CYCLE = (
    "where every symbol is chosen by all the others of its step, the product of the conditional "
    "distributions has to be divided by its sum, which is another for every belief: no finite set of hidden "
    "states does that. Use 'sequential', or 'conditional_transitions', where symbols are emitted first"
)
"""Why fully conditional factors are no process of this room."""


@checked
def coupled(
    factors,
    structure: Literal["independent", "sequential", "conditional_transitions", "hidden", "fully_conditional"],
    *,
    maps=None,
    parents=None,
    emission=None,
    coupling: float = 1.0,
    tokens=None,
) -> Coupled:
    """Processes side by side in one token that have a say in what the others do.

    `factors`: of each its variants, a list of processes on the same symbols and states or an array (K, V, S,
    S); or one process. It starts as its first variant does, and the factors independently. `structure`:

    `independent`              variants are fixed, `maps[i] = [k]`; the first ones if `maps` is left out
    `sequential`               the variant of factor i is chosen by the symbol of factor i - 1 of the same
                               step, `maps[i][symbol]`; of another earlier factor `parents[i]`, or of none, -1
    `conditional_transitions`  symbols are emitted by the variants `emission[i]`, or by
                               `emission[i][symbol of factor i - 1]` (the first ones if it is left out); then
                               the variant by which factor i moves on is chosen by the symbols of all others,
                               `maps[i][their number in mixed radix]`
    `hidden`                   the variant of factor i is chosen by the state of factor i - 1 before the step,
                               or of any other one `parents[i]`: beliefs do not factor then

    A map that is left out is 0, 1, 2, .. where a factor has as many variants as its choosers have values.
    In each step a factor heeds its choosers with probability `coupling` and else acts as its first variant:
    0 is independent, 1 fully coupled. `tokens` lists the symbols of every token, where they are not all
    combinations in mixed radix with factor 0 most significant.

    Raises `ProcessError` on variants of different sizes, on maps of the wrong length or without such a
    variant, on generalised factors where that makes probabilities no linear function of beliefs, and on
    `fully_conditional`, which is no finite process.
    """
    if structure == "fully_conditional":
        raise ProcessError(f"a fully conditional structure is no finite process: {CYCLE}")
    if not 0 <= coupling <= 1:
        raise ProcessError(f"coupling is {coupling:g}; it must be a probability, 0 for independent factors")
    if isinstance(factors, str | dict | Process) or not hasattr(factors, "__len__") or not len(factors):
        refuse(factors, "factors of coupled", "a sequence of factors, each the list of its variants")
    families = tuple(_variants(given, i) for i, given in enumerate(factors))
    if structure == "hidden" and any(p.kind == "ghmm" for family in families for p in family):
        raise ProcessError(
            "states of a generalised HMM are no events, so they cannot choose; couple by symbols"
        )
    radices = [family[0].n_states if structure == "hidden" else family[0].vocab for family in families]
    counts, n = [len(family) for family in families], len(families)
    choosers = _choosers(structure, parents, emission, n)
    emits = _emission(emission, radices, counts) if structure == "conditional_transitions" else None
    given_maps = _each(maps, "maps", n)
    moves = tuple(_rule(given_maps[i], choosers[i], radices, counts[i], f"maps[{i}]", i) for i in range(n))
    return Coupled(families, structure, emits or moves, moves, coupling, _tokens(tokens, families))


def _variants(given, i: int) -> tuple[Process, ...]:
    """The variants of a factor, checked to be of one shape."""
    what = f"factors[{i}] of coupled"
    if isinstance(given, Process):
        given = [given]
    elif isinstance(given, np.ndarray) or not all(isinstance(p, Process) for p in _sequence(given, what)):
        array = real(rectangular(given, what), what)
        if array.ndim != 4:
            raise ProcessError(
                f"{what} has shape {array.shape}; it must be a list of processes, or an array (variants, "
                "symbols, states, states)"
            )
        given = [hmm(T, name=f"factor {i}, variant {k}") for k, T in enumerate(array)]
    if not len(given):
        raise ProcessError(f"{what} has no variant; give at least one process")
    first = given[0]
    for k, p in enumerate(given):
        if (p.T.shape, p.kind) != (first.T.shape, first.kind):
            raise ProcessError(
                f"variant {k} of factor {i} has {p.vocab} symbols and {p.n_states} states ({p.kind}) and "
                f"variant 0 has {first.vocab} and {first.n_states} ({first.kind}); variants share both"
            )
        if not np.allclose(p.w, first.w, rtol=0, atol=1e-9):
            raise ProcessError(
                f"variant {k} of factor {i} has another right vector w than variant 0, so probabilities are "
                "no linear function of one belief; bring both to the same w first (see `similar`)"
            )
    return tuple(given)


def _choosers(structure: str, parents, emission, n: int) -> list[tuple[int, ...]]:
    """The factors that choose among the variants of each one."""
    named = structure in ("sequential", "hidden")
    if parents is not None and not named:
        raise ProcessError(
            f"parents are for sequential and hidden structures, not for {structure}; leave them out"
        )
    if emission is not None and structure != "conditional_transitions":
        raise ProcessError(
            f"emission is for conditional_transitions alone, not for {structure}; leave it out"
        )
    if named:
        return _parents(parents, structure, n)
    others = [tuple(j for j in range(n) if j != i) for i in range(n)]
    return others if structure == "conditional_transitions" else [()] * n


def _parents(parents, structure: str, n: int) -> list[tuple[int, ...]]:
    """By which factor each one is chosen."""
    found = integers([*range(-1, n - 1)] if parents is None else parents, "parents of coupled")
    if found.shape != (n,):
        raise ProcessError(f"parents has shape {found.shape}; give one for each of the {n} factors, or -1")
    for i, p in enumerate(found.tolist()):
        most = i if structure == "sequential" else n
        if not -1 <= p < most or p == i:
            raise ProcessError(
                f"parents[{i}] is {p}; it must be "
                + (
                    "an earlier factor, so that symbols come in order, "
                    if structure == "sequential"
                    else "another factor "
                )
                + "or -1 for none"
            )
    return [(p,) if p >= 0 else () for p in found.tolist()]


def _emission(emission, radices: Sequence[int], counts: Sequence[int]) -> tuple[Rule, ...]:
    """Which variants emit: fixed ones, or by the symbol of the factor before, or by those of all before."""
    rules = []
    for i, given in enumerate(_each(emission, "emission", len(counts))):
        fixed = (
            given is None
            or isinstance(given, int | np.integer)
            or len(_sequence(given, f"emission[{i}]")) == 1
        )
        if given is not None and not isinstance(given, int | np.integer) and not len(given):
            fixed, given = True, None
        choosers = () if fixed else (i - 1,) if i and len(given) == radices[i - 1] else tuple(range(i))
        variants = [0] if given is None else [given] if isinstance(given, int | np.integer) else given
        rules.append(_rule(variants, choosers, radices, counts[i], f"emission[{i}]", i))
    return tuple(rules)


def _rule(given, choosers: tuple[int, ...], radices: Sequence[int], K: int, what: str, i: int) -> Rule:
    """The rule of a factor of K variants, whose map may be left out where there is one natural one."""
    n = math.prod(radices[j] for j in choosers)
    if given is None or not len(_sequence(given, what)):
        if K not in (1, n) and choosers:
            raise ProcessError(
                f"factor {i} has {K} variants and its choosers have {n} values; give {what}, a variant for "
                "each"
            )
        given = [0] * n if K == 1 or not choosers else range(n)
    variants = integers(given, f"{what} of coupled")
    if variants.shape != (n,):
        raise ProcessError(
            f"{what} has shape {variants.shape}; it must give a variant for each of the {n} values of what "
            f"chooses for factor {i}"
        )
    if variants.min() < 0 or variants.max() >= K:
        raise ProcessError(f"{what} is {variants.tolist()}; factor {i} has the variants 0 to {K - 1}")
    return Rule(choosers, tuple(variants.tolist()))


def _tokens(tokens, families) -> tuple[tuple[int, ...], ...] | None:
    if tokens is None:
        return None
    found = integers(tokens, "tokens of coupled")
    radices = [family[0].vocab for family in families]
    if found.ndim != 2 or found.shape[1] != len(radices) or not len(found):
        raise ProcessError(
            f"tokens has shape {found.shape}; give a symbol of each of the {len(radices)} factors for every "
            "token"
        )
    if (found < 0).any() or (found >= radices).any():
        raise ProcessError(f"tokens has a symbol that its factor has not; factors have {radices} symbols")
    rows = tuple(map(tuple, found.tolist()))
    if len(set(rows)) < len(rows):
        twice = next(row for row in rows if rows.count(row) > 1)
        raise ProcessError(f"tokens lists {list(twice)} twice; every combination is one token")
    return rows


def _each(given, what: str, n: int) -> list:
    """One entry for each factor, all None where nothing is given."""
    if given is None:
        return [None] * n
    if len(_sequence(given, what)) != n:
        raise ProcessError(f"{what} has {len(given)} entries; give one for each of the {n} factors, or None")
    return list(given)


def _sequence(given, what: str):
    if (
        isinstance(given, str | bytes | dict | set)
        or not hasattr(given, "__len__")
        or getattr(given, "ndim", 1) == 0
    ):
        refuse(given, what, "a sequence")
    return given
