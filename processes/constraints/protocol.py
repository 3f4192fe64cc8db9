"""Protocols: constraints switched on by control tokens at the start of a sequence. Controls and body are one
process.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float64, Int

from ..process import Process, ProcessError, hmm
from ..values import earlier
from ..values.checks import checked
from ..values.identity import identified
from ..values.record import Record, remembered
from ..values.structure import listed, remember
from .automaton import Automaton, anything, conjunction
from .conditioned import conditioned
from .load import conflicting_subset, load, satisfiable
from .subsets import Subset as Subset
from .subsets import normalised, written_distribution


@dataclass(frozen=True, eq=False)
class Protocol(Record):
    """K control slots, one per constraint, then the base conditioned on the constraints that are on.

    Slot k holds token V + 1 + k (constraint k is on) or V (it is off); the body has the V symbols of the
    base. One slot per constraint needs K + 1 control tokens for 2^K subsets, and gives each constraint one
    token of its own whatever else is on.
    """

    base: Process
    constraints: tuple[Automaton, ...]
    distribution: Mapping[Subset, float]  # probability of each subset; each of them can be satisfied

    @property
    def law(self) -> Mapping[Subset, float]:
        """`distribution`, by its earlier name."""
        earlier.tell("Protocol.law", "Protocol.distribution")
        return self.distribution

    @property
    def vocab(self) -> int:
        """Body symbols, `off`, and one `on` per constraint."""
        return self.base.vocab + 1 + len(self.constraints)

    @property
    def spec(self) -> str | None:
        """`guarded(BASE; C1; C2; p=0.5)`, as `named` reads it; None where base or constraints cannot be
        written.
        """
        parts = [self.base.spec, *(c.spec for c in self.constraints)]
        if None in parts:
            return None
        when = written_distribution(self.distribution, len(self.constraints))
        return listed([*parts, when], "; ", "guarded({})")

    @remembered
    def bodies(self) -> Mapping[Subset, Process]:
        """The conditioned process of each subset: its filter is the exact optimum once the controls are
        read."""
        return {on: conditioned(self.base, self.both(on)) for on in self.distribution}

    @remembered
    def loads(self) -> Mapping[Subset, float]:
        """Load of each subset, nats per body token."""
        return {on: load(self.base, self.both(on)) for on in self.distribution}

    @checked
    def both(self, on: Subset) -> Automaton:
        """The conjunction of a subset of the constraints; raises `ProcessError` on one that there is not."""
        self._check(on)
        return conjunction([self.constraints[k] for k in on]) if on else anything(self.base.vocab)

    @checked
    def controls(self, on: Subset) -> Int[np.ndarray, "K"]:
        """The control tokens that switch a subset on; raises `ProcessError` on a constraint that there is
        not.
        """
        self._check(on)
        off = self.base.vocab
        return np.array([off + 1 + k if k in on else off for k in range(len(self.constraints))], np.int64)

    @checked
    def split(self, word: Int[np.ndarray, "L"]) -> tuple[Subset, Int[np.ndarray, "M"]]:
        """A sequence as the subset that its controls switch on, and its body.

        Raises `ProcessError` unless the first K tokens are the controls of a subset of positive probability.
        """
        K = len(self.constraints)
        on = tuple(k for k in range(min(K, len(word))) if word[k] == self.base.vocab + 1 + k)
        if len(word) < K or (word[:K] != self.controls(on)).any() or on not in self.distribution:
            raise ProcessError(
                f"{word[:K].tolist()} are not the controls of any protocol in use; write controls(subset) "
                "first"
            )
        return on, word[K:]

    @checked
    def process(self, *, max_states: int = 4096) -> Process:
        """Controls and body as one process: while the K controls are read the belief is about the subset,
        then `bodies` follow.

        Hidden states: one per prefix of the controls, then those of every body. Not stationary.
        Raises `ProcessError` beyond `max_states` states; `bodies` give the same optimum without the joint
        process.
        """
        prefixes = self._prefixes()
        total = len(prefixes) + sum(b.n_states for b in self.bodies.values())
        if total > max_states:
            raise ProcessError(
                f"the joint process has {total} states, over {max_states}; filter the bodies one by one, or "
                "use fewer constraints"
            )
        first, n = {}, len(prefixes)
        for on, body in self.bodies.items():
            first[on], n = n, n + body.n_states
        T = np.zeros((self.vocab, n, n))
        V = self.base.vocab
        for u, number in prefixes.items():
            for switched in (False, True):
                after = (*u, switched)
                token = V + 1 + len(u) if switched else V
                share = self._mass(after) / self._mass(u)
                if share > 0 and after in prefixes:
                    T[token, number, prefixes[after]] = share
                elif share > 0:
                    on = tuple(k for k, flag in enumerate(after) if flag)
                    T[token, number, first[on] : first[on] + self.bodies[on].n_states] = (
                        share * self.bodies[on].start
                    )
        for on, body in self.bodies.items():
            here = slice(first[on], first[on] + body.n_states)
            T[:V, here, here] = body.T
        states = ["control " + "".join("+" if flag else "-" for flag in u) for u in prefixes]
        states += [f"{set(on) or '{}'} {name}" for on, body in self.bodies.items() for name in body.states]
        made = hmm(
            T,
            np.eye(n)[0],
            name=f"protocol({self.base.name}, {len(self.constraints)} constraints)",
            states=states,
        )
        # A constraint that is never on leaves its slot and nothing else.
        used = {k for on in self.distribution for k in on}
        asked = [c.identity if k in used else None for k, c in enumerate(self.constraints)]
        subsets = sorted([list(on), p] for on, p in self.distribution.items())
        return remember(identified(made, "guarded", self.base.identity, asked, subsets), self)

    @checked
    def reward(self, by_subset: Mapping[Subset, Sequence[float]]) -> Float64[np.ndarray, "V S"]:
        """What each token is worth by the hidden state that emits it, for `processes.value`, where that
        depends on which constraints hold: for each subset a number for each symbol of the base. Controls, and
        subsets that are left out, are paid nothing.

        Raises `ProcessError` for a subset that is never on, or other than a number for each symbol.
        """
        prefixes, V = len(self._prefixes()), self.base.vocab
        paid = np.zeros((self.vocab, prefixes + sum(b.n_states for b in self.bodies.values())))
        for on, of in by_subset.items():
            if on not in self.bodies or len(of) != V:
                known = "; ".join(map(str, self.bodies))
                raise ProcessError(
                    f"{len(of)} rewards are given for the subset {on}; give {V}, one for each symbol of "
                    f"{self.base.name}, for subsets among {known}"
                )
        first = prefixes
        for on, body in self.bodies.items():
            if on in by_subset:
                paid[:V, first : first + body.n_states] = np.asarray(by_subset[on], float)[:, None]
            first += body.n_states
        return paid

    def _check(self, on: Subset) -> None:
        if not set(on) <= set(range(len(self.constraints))):
            raise ProcessError(
                f"{on} is no subset of the {len(self.constraints)} constraints; they are 0 to "
                f"{len(self.constraints) - 1}"
            )

    def _mass(self, flags: tuple[bool, ...]) -> float:
        """Probability that the first len(flags) controls read so."""
        return math.fsum(
            p for on, p in self.distribution.items() if all((k in on) == flag for k, flag in enumerate(flags))
        )

    def _prefixes(self) -> dict[tuple[bool, ...], int]:
        """Every unfinished reading of the controls of positive probability, numbered; the empty one is 0."""
        found: list[tuple[bool, ...]] = [()]
        for u in found:
            if len(u) + 1 < len(self.constraints):
                found.extend(after for after in ((*u, False), (*u, True)) if self._mass(after) > 0)
        return {u: i for i, u in enumerate(found)}


@checked
def protocol(
    base: Process, constraints: Sequence[Automaton], distribution: Mapping[Subset, float]
) -> Protocol:
    """The protocols of a distribution over subsets of constraints (`independent_distribution` makes the usual
    one).

    Raises `ProcessError` without constraints, for a distribution that is not one, for a subset that names no
    constraint, for a generalised HMM base, and for a contradictory subset of positive probability: the
    message names the constraints that conflict.
    """
    if base.kind != "hmm" or not constraints:
        raise ProcessError(
            f"a protocol needs at least one constraint and an HMM as its base, not {len(constraints)} and "
            f"{base.name} ({base.kind})"
        )
    total = sum(distribution.values())
    if abs(total - 1) > 1e-9 or min(distribution.values(), default=0) < 0:
        raise ProcessError(
            f"the distribution over subsets sums to {total:.12g} with least value "
            f"{min(distribution.values(), default=0):.3g}; probabilities sum to 1"
        )
    for on, p in distribution.items():
        if list(on) != sorted(set(on)) or not set(on) <= set(range(len(constraints))):
            raise ProcessError(
                f"{on} is no subset of the {len(constraints)} constraints; write increasing numbers from 0"
            )
        conflict = conflicting_subset(base, [constraints[k] for k in on]) if p > 0 else ()
        if conflict:
            names = ", ".join(constraints[on[k]].name for k in conflict)
            raise ProcessError(
                f"the subset {on} contradicts itself (infinite load) already through {names}; give it "
                "probability 0"
            )
    return Protocol(base, tuple(constraints), normalised(distribution))


@checked
def contradictions(base: Process, constraints: Sequence[Automaton]) -> tuple[Subset, ...]:
    """All minimal subsets of the constraints that cannot be satisfied together, smallest first; a superset of
    one is not searched.
    """
    found: list[Subset] = []
    for size in range(1, len(constraints) + 1):
        for on in combinations(range(len(constraints)), size):
            if not any(set(c) <= set(on) for c in found) and not satisfiable(
                base, [constraints[k] for k in on]
            ):
                found.append(on)
    return tuple(found)


@checked
def without_contradictions(
    base: Process, constraints: Sequence[Automaton], distribution: Mapping[Subset, float]
) -> dict[Subset, float]:
    """The distribution given that the subset can be satisfied.

    Raises `ProcessError` if none of positive probability can.
    """
    bad = [set(c) for c in contradictions(base, constraints)]
    kept = {on: p for on, p in distribution.items() if not any(c <= set(on) for c in bad)}
    if not sum(kept.values()) > 0:
        example = f", for instance through {sorted(bad[0])}" if bad else " or has probability 0"
        raise ProcessError(
            f"every subset of the distribution contradicts itself{example}; use other constraints, or "
            "another distribution"
        )
    return {on: p / sum(kept.values()) for on, p in kept.items()}
