"""What is believed about the factors of a process."""

from collections.abc import Sequence

import numpy as np

from processes import Coupled, Process, Product


def sizes(process: Process) -> tuple[int, ...]:
    """Hidden states of each factor; (S,) if it is made of none."""
    made = process.made_of
    if isinstance(made, Coupled):
        return made.sizes
    return tuple(p.n_states for p in made.factors) if isinstance(made, Product) else (process.n_states,)


def marginals(belief: np.ndarray, sizes: Sequence[int]) -> list[np.ndarray]:
    """Belief about each factor, (N, S_k), from the joint belief (N, prod S_k)."""
    joint = belief.reshape(-1, *sizes)
    return [joint.sum(tuple(1 + j for j in range(len(sizes)) if j != k)) for k in range(len(sizes))]
