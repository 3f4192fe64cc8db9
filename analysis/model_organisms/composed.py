"""What the process of an organism is made of: its components and their states, out of the process itself."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

import processes
from processes.values.structure import Built

from ..instruments.contexts import Contexts


class Composed(NamedTuple):
    """A process of components that hand over to each other, in names of its own."""

    components: tuple[processes.Process, ...]
    switch: Float[np.ndarray, "K K"]
    first: Float[np.ndarray, "K"]
    symbols: Int[np.ndarray, "W"]  # what the tokens V symbols and K triggers are called
    vocab: int

    def of(self, components: tuple[processes.Process, ...]) -> processes.Process:
        """The same of other components."""
        made = processes.triggered(components, self.switch, first=self.first)
        return processes.relabelled(made, self.symbols, vocab=self.vocab)

    def within(self, contexts: Contexts, k: int) -> Float[np.ndarray, "N"]:
        """Weights of the contexts after which component k is at work, summing to one; zero elsewhere.

        Raises `processes.ProcessError` if there are none.
        """
        offset = np.cumsum([0, *(p.n_states for p in self.components)])
        here = contexts.belief[:, offset[k] : offset[k + 1]] @ self.components[k].w > 0.5
        weight = contexts.weight * here
        if not weight.any():
            raise processes.ProcessError(
                f"{self.components[k].name} is at work after no context; use longer ones, or a switch to it"
            )
        return np.asarray(weight / weight.sum())


def composed(process: processes.Process) -> Composed:
    """The parts of a process that `triggered` made, whatever its tokens are called.

    Raises `processes.ProcessError` for any other.
    """
    made, symbols, vocab = process.made_of, np.arange(process.vocab), process.vocab
    while isinstance(made, Built) and made.function == "relabelled":
        inner = made.arguments["process"]
        symbols = symbols[np.array(made.arguments["symbols"])]
        made = inner.made_of
    if not isinstance(made, Built) or made.function != "triggered":
        raise processes.ProcessError(
            f"{process.name} has no trigger; write it as triggered(.., ..; switch=..; first=..)"
        )
    given = made.arguments
    return Composed(given["components"], np.array(given["switch"]), np.array(given["first"]), symbols, vocab)
