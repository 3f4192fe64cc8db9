"""Hypothesis strategies: random constraints that some long word satisfies."""

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from ..process import ProcessError
from .automaton import Automaton, automaton


@st.composite
def automata(draw, *, vocab: int, max_states: int = 3) -> Automaton:
    """A random constraint on `vocab` symbols: up to `max_states` allowed states and one forbidden one, every
    allowed state final.
    """
    n = draw(st.integers(1, max_states))
    table = np.array(draw(st.lists(st.integers(0, n), min_size=n * vocab, max_size=n * vocab))).reshape(
        n, vocab
    )
    try:
        return automaton(np.vstack([table, np.full(vocab, n)]), [n], name="random constraint")
    except ProcessError:  # an empty language
        assume(False)
        raise
