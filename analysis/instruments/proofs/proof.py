"""Statements about all prefixes of a network, proved, refuted or left undecided."""

import time
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

import processes
import toy
from processes.structure.supremum import Supremum, supremum
from train.runs.exported import Networks

from ..forward import member
from .largest import Largest, largest
from .words import possible

Outcome = Literal["proved", "refuted", "undecided"]


@dataclass(frozen=True)
class Proof:
    """That a network gives a symbol at most some probability, after whatever prefix: what came of it."""

    seed: int
    at_most: float
    outcome: Outcome
    largest: Largest
    on_support: bool | None
    """Whether the process can emit the worst prefix; None where no process is known."""
    process: Supremum | None
    """The same supremum of an ideal observer of the process, where it is worked out."""

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        plain = asdict(self)
        plain["largest"]["word"] = list(self.largest.word)
        if self.largest.float32 != self.largest.float32:  # JSON has no NaN
            plain["largest"]["float32"] = None
        return plain


def outcome(found: Largest, at_most: float) -> Outcome:
    """Proved by a bound, refuted by a word, undecided where neither is there: never true by sampling."""
    if found.high <= at_most:
        return "proved"
    return "refuted" if found.low > at_most else "undecided"


def prove(
    run: Networks, token: int, at_most: float, *, seconds: float = 60.0, networks: int | None = None
) -> list[Proof]:
    """Whether each network of a finished run (or the first few) gives a symbol at most this probability after
    every prefix: of any length, or of a transformer within its window; all words are meant, impossible ones
    too. `seconds` are shared by them.

    What is proved is about the real-valued function of the stored parameters; `largest.float32` says by how
    much probabilities computed in float32 may differ. Raises `toy.ModelError` for a statement that cannot be
    put to these networks.
    """
    if not 0 < at_most < 1:
        raise toy.ModelError(f"the bound is {at_most}; it must be a probability between 0 and 1")
    config, params = run.recipe.model, run.params()
    seeds = range(run.recipe.seeds)[:networks]
    made = processes.source(run.recipe.process)
    process = made if isinstance(made, processes.Process) else None
    truth = None if process is None else exact(process, token)
    proofs, begun = [], time.monotonic()
    for i in seeds:
        left = (seconds - (time.monotonic() - begun)) / (len(seeds) - i)
        found = largest(config, member(params, i), token, seconds=max(left, 1e-3), at_most=at_most)
        proofs.append(
            Proof(
                run.recipe.first_seed + i,
                at_most,
                outcome(found, at_most),
                found,
                None if process is None else on_support(process, found.word),
                truth,
            )
        )
    return proofs


def on_support(process: processes.Process, word: tuple[int, ...]) -> bool:
    """Whether a process can emit a word."""
    return bool(possible(process, np.array([word], int))[0])


def exact(process: processes.Process, token: int) -> Supremum | None:
    """The supremum of an ideal observer, where it is worked out."""
    try:
        return supremum(process, token)
    except processes.ProcessError:
        return None
