"""Addition modulo p by waves: which frequencies a network adds with, and what it says with these alone, or
without (Nanda et al. 2023).

With w_k = 2 pi k / p, k = 1 .. (p - 1) / 2, a function of pairs is made of waves in a and in b; those that
depend on a + b alone are cos(w_k (a + b)) and sin(w_k (a + b)).
"""

import numpy as np
from jaxtyping import Float, Int

MOST_OF = 0.95
"""Share of what logits have in waves of a + b that key frequencies hold."""


def waves(p: int) -> Float[np.ndarray, "F 2 p"]:
    """cos(w_k n) and sin(w_k n) of unit length for n = 0 .. p - 1; p is odd."""
    angle = 2 * np.pi * np.arange(1, (p + 1) // 2)[:, None] * np.arange(p) / p
    return np.sqrt(2 / p) * np.stack([np.cos(angle), np.sin(angle)], 1)


def in_sum(logits: Float[np.ndarray, "*n P V"], p: int) -> Float[np.ndarray, "*n F 2 V"]:
    """What logits on all pairs, in lexicographic order, have of each wave of a + b."""
    total = np.divmod(np.arange(p * p), p)
    of_pairs = waves(p)[..., (total[0] + total[1]) % p] / np.sqrt(p)
    return np.einsum("fwp,...pv->...fwv", of_pairs, logits)


def key_frequencies(logits: Float[np.ndarray, "P V"], p: int) -> Int[np.ndarray, "k"]:
    """The frequencies, from 0 for k = 1, of most energy in waves of a + b: as few as hold `MOST_OF` of it."""
    energy = (in_sum(logits, p) ** 2).sum((1, 2))
    order = np.argsort(-energy, kind="stable")
    held = energy[order].cumsum() / energy.sum()
    return np.sort(order[: int((held < MOST_OF).sum()) + 1])


def restricted(
    logits: Float[np.ndarray, "*n P V"], p: int, keys: Int[np.ndarray, "k"]
) -> Float[np.ndarray, "*n P V"]:
    """Logits of which nothing is left but their mean over pairs and their waves of a + b at some
    frequencies.
    """
    return logits.mean(-2, keepdims=True) + _part(logits, p, keys)


def excluded(
    logits: Float[np.ndarray, "*n P V"], p: int, keys: Int[np.ndarray, "k"]
) -> Float[np.ndarray, "*n P V"]:
    """Logits without these waves."""
    return logits - _part(logits, p, keys)


def _part(logits: np.ndarray, p: int, keys: np.ndarray) -> np.ndarray:
    a, b = np.divmod(np.arange(p * p), p)
    of_pairs = waves(p)[keys][..., (a + b) % p] / np.sqrt(p)
    return np.einsum("fwp,...fwv->...pv", of_pairs, in_sum(logits, p)[..., keys, :, :])


def shares(embedding: Float[np.ndarray, "p d"]) -> Float[np.ndarray, "F"]:
    """Share of the variance of vectors of numbers, about their mean, that each frequency holds; they sum to
    one.
    """
    power = (np.einsum("fwp,pd->fwd", waves(len(embedding)), embedding) ** 2).sum((1, 2))
    return power / power.sum()
