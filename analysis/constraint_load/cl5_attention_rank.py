"""Contextual mass: how many independent directions an attention matrix mixes.

The theory speaks of the spectral entropy of attention as an inertia, without a formula. The one here is this
lab's operationalisation: the effective rank of Roy & Vetterli (2007), on a logarithmic scale from 0 (every
row the same) to 1 (all singular values equal).
"""

import numpy as np
from jaxtyping import Float, Float64, Int

import processes
import toy
from toy.sites import Place

from ..instruments.forward import cast_up, forward


def effective_rank(matrix: Float[np.ndarray, "*n T U"]) -> Float[np.ndarray, "*n"]:
    """exp(H(s)), s = singular values divided by their sum: between 1 (rank one) and min(T, U) (all equal).
    Roy & Vetterli 2007.
    """
    size = np.linalg.svd(np.asarray(matrix, np.float64), compute_uv=False)
    share = size / size.sum(-1, keepdims=True)
    return np.asarray(np.exp(processes.entropy(share)))


def contextual_mass(pattern: Float[np.ndarray, "*n T T"]) -> Float[np.ndarray, "*n"]:
    """log(effective rank) / log(T) of attention over T > 1 positions: from 0 to 1."""
    return np.asarray(np.log(effective_rank(pattern)) / np.log(pattern.shape[-1]))


def row_entropy(pattern: Float[np.ndarray, "*n T T"]) -> Float[np.ndarray, "*n"]:
    """Mean over rows of the entropy of attention, nats: how widely positions look, whether or not they look
    alike.
    """
    return np.asarray(processes.entropy(np.asarray(pattern, np.float64)).mean(-1))


def uniform(n_ctx: int) -> Float[np.ndarray, "T T"]:
    """Attention that looks at all that it sees alike."""
    return np.tri(n_ctx) / np.arange(1, n_ctx + 1)[:, None]


def patterns(
    config: toy.TransformerConfig, params: toy.Params, words: Int[np.ndarray, "W T"]
) -> Float64[np.ndarray, "nets L H W T T"]:
    """Attention of every head of every network of a stack (first axis of `params`), on every word."""
    sites = [Place("attn_pattern", i).name for i in range(config.n_layers)]
    passed = forward(config, params, words, sites)  # (nets, W, T, H, T) each
    return cast_up(np.stack([passed[site].transpose(0, 3, 1, 2, 4) for site in sites], axis=1))


def shuffled_tokens(words: Int[np.ndarray, "W T"], rng: np.random.Generator) -> Int[np.ndarray, "W T"]:
    """The tokens of each position permuted among the words: the marginals of positions are kept, their
    dependence is destroyed.
    """
    return rng.permuted(words, axis=0)
