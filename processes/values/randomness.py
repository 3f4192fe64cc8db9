"""Where randomness comes from: a generator, or a seed that makes one."""

import numpy as np

from .arrays import ProcessError


def generator(rng: np.random.Generator | None, seed: int | None, what: str) -> np.random.Generator:
    """The generator that is given, or that of the seed; raises `ProcessError` unless one of the two is there,
    and on a negative seed.
    """
    if (rng is None) == (seed is None):
        raise ProcessError(
            f"{what} needs either rng, a random generator, or seed, a whole number; give one of them"
        )
    if seed is None:
        assert rng is not None
        return rng
    if seed < 0:
        raise ProcessError(f"the seed of {what} is {seed}; it must be 0 or more")
    return np.random.default_rng(seed)
