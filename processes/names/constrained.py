"""Processes that sentences constrain: `given(coin; no 11)`, `guarded(mess3; no 00; never 2; p=0.5)`."""

from collections.abc import Sequence
from dataclasses import replace

from ..constraints.automaton import Automaton, conjunction
from ..constraints.conditioned import conditioned
from ..constraints.load import conflicting_subset
from ..constraints.protocol import Protocol, protocol
from ..constraints.sentences import constraint
from ..constraints.subsets import Subset, equal_distribution, independent_distribution, read_subset
from ..process import Process, ProcessError
from .grammar import keyword, number, pieces
from .tree import Place

EXACT = 1e-12
"""Probabilities of subsets whose sum is this close to one are taken as they are written."""
EARLIER = ("law",)
"""What subsets with probabilities were written with, where it is `on` now; goes with the next release."""
WHEN = "end it with p=PROBABILITY, on=none,0,01 (subsets by number) or on=none:0.25,01:0.75"


def given(base: Process, sentences: Sequence[Place]) -> Process:
    """The base conditioned on all of these constraints for ever (`conditioned`).

    Raises `ProcessError` where a sentence cannot be read, and for contradictory constraints, naming those
    that conflict.
    """
    constraints = _read(base, sentences)
    if conflict := conflicting_subset(base, constraints):
        names = ", ".join(constraints[k].name for k in conflict)
        raise ProcessError(
            f"{base.name} cannot satisfy {names} for ever (infinite load); drop "
            f"{'one of them' if len(conflict) > 1 else 'it'}"
        )
    return conditioned(base, conjunction(constraints))


def guarded(base: Process, sentences: Sequence[Place]) -> Process:
    """Control tokens, then the base conditioned on what they switch on (`protocol`). The last sentence says
    how often that is:

    `p=0.5`                   each constraint with this probability, independently
    `on=none,0,01`            these subsets of constraints, by number, equally likely
    `on=none:0.25,01:0.75`    these subsets, with these probabilities

    Raises `ProcessError` where a sentence cannot be read, and where `protocol` does.
    """
    *texts, last = sentences
    when = keyword(last)
    if when is None or when[0] not in ("p", "on", *EARLIER):
        last.refuse(f"it does not say when its constraints are on; {WHEN}")
    if not texts:
        last.refuse("it names no constraint before it; write the base, then constraints, then this")
    return _protocol(base, _read(base, texts), *when).process()


def _read(base: Process, sentences: Sequence[Place]) -> list[Automaton]:
    found = []
    for place in sentences:
        try:
            found.append(constraint(place.text, base.vocab))
            continue
        except ProcessError as error:
            problem = str(error)
        place.refuse(problem)
    return found


def _protocol(base: Process, constraints: Sequence[Automaton], kind: str, value: Place) -> Protocol:
    if kind == "p":
        p = number(value)
        if p is None or not 0 <= p <= 1:
            value.refuse(
                f"p is {value.text!r}; it is the probability of each constraint to be on, from 0 to 1"
            )
        return protocol(base, constraints, independent_distribution(len(constraints), p=p))
    said = f"{kind} is {value.text!r}"
    if ":" not in value.text and kind not in EARLIER:
        listed = [_subset(part, said, part.text) for part in pieces(value, ",")]
        return protocol(base, constraints, equal_distribution(listed))
    distribution: dict[Subset, float] = {}
    for part in pieces(value, ","):
        on, *share = pieces(part, ":")
        p = number(share[0]) if len(share) == 1 else None
        if p is None or p < 0:
            part.refuse(f"{said}; give every subset its probability, like none:0.25,01:0.75, or none of them")
        subset = _subset(part, said, on.text)
        distribution[subset] = distribution.get(subset, 0.0) + p
    made = protocol(base, constraints, distribution)
    exact = {on: p for on, p in distribution.items() if p > 0}
    return replace(made, distribution=exact) if abs(sum(exact.values()) - 1) <= EXACT else made


def _subset(place: Place, said: str, text: str) -> Subset:
    on = read_subset(text)
    if on is None:
        place.refuse(f"{said}; write subsets of constraints by number, like none,0,01")
    return on
