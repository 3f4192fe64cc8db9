"""The epsilon-machine: the smallest unifilar machine that generates a process."""

import numpy as np

from ..process import Process, ProcessError, hmm
from ..values.checks import checked
from ..values.identity import identified
from .endless import endless_word
from .machine import finite_machine


@checked
def epsilon_machine(process: Process) -> Process:
    """The HMM over the causal states: T[x, c, c'] = P(x | c) if x leads from c to c', one successor per state
    and symbol.

    Causal states are the recurrent mixed states, those with equal futures made one; they start in their
    long-run distribution, so that the word distribution is that of `process`, H(start) is C_mu, and every
    hidden state is a function of the state before and the symbol (Crutchfield & Young 1989; Shalizi &
    Crutchfield 2001). State names are shortest words that can lead there. Raises `ProcessError` if the mixed
    states are infinite or the start is not stationary.

    >>> import processes
    >>> rrxor = processes.named("rrxor")  # 36 beliefs, of which 5 recur
    >>> processes.epsilon_machine(rrxor).n_states
    5
    """
    ms = finite_machine(process)
    if ms is None:
        found = endless_word(process)
        why = (
            "no finite set of mixed states was found"
            if found is None
            else f"{process.name} has infinitely many mixed states (repeating {list(found[1])} after "
            f"{list(found[0])} proves it)"
        )
        raise ProcessError(
            f"{why}, hence no finite epsilon-machine of {process.name}; `mixed_states` says more"
        )
    if not process.is_stationary:
        raise ProcessError(
            f"{process.name} does not start stationary; the epsilon-machine belongs to a stationary "
            "distribution: "
            "pass its stationary start"
        )
    weight = np.bincount(ms.causal_class, weights=ms.limit[0])
    kept = np.flatnonzero(weight > 0)
    number = np.full(len(weight), -1)
    number[kept] = np.arange(len(kept))
    words, T = shortest_words(ms.next), np.zeros((process.vocab, len(kept), len(kept)))
    names = [""] * len(kept)
    for m in np.flatnonzero(ms.limit[0] > 0)[::-1]:  # the earliest found names the class
        c = number[ms.causal_class[m]]
        names[c] = words[m] or "*"
        for x in np.flatnonzero(ms.next[m] >= 0):
            T[x, c] = 0
            T[x, c, number[ms.causal_class[ms.next[m, x]]]] = ms.probability[m, x]
    T /= T.sum((0, 2))[None, :, None]  # rounding only
    made = hmm(T, weight[kept] / weight[kept].sum(), name=f"epsilon_machine({process.name})", states=names)
    return identified(made, "epsilon_machine", process.identity)


def shortest_words(following: np.ndarray) -> list[str]:
    """A shortest word from state 0 to every state; states are numbered in order of discovery."""
    words: list[str | None] = ["", *[None] * (len(following) - 1)]
    for m in range(len(following)):
        for x, after in enumerate(following[m]):
            if after >= 0 and words[after] is None:
                words[after] = f"{words[m]}{x}"
    return [w or "" for w in words]
