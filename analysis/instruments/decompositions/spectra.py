"""Singular vectors of what layers write, beside what a random matrix would have, what the unembedding reads,
and what is written on data.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Float64

import toy
from processes.algebra.span import row_space
from toy.sites import Place

from ..contexts import Contexts
from ..evidence import observe
from ..forward import alone, cast_up, cast_up_params
from ..statistics import principal

FAINT = 1e-6
"""Directions fainter than this beside the strongest are rounding of float32, in which networks are."""


class Spectrum(NamedTuple):
    """The singular values of a matrix (m, d), as multiples of the largest that a random one would have, and
    the directions in which it writes, a row each.
    """

    over_edge: Float[np.ndarray, "k"]
    directions: Float[np.ndarray, "k d"]


def spectrum(matrix: Float64[np.ndarray, "m d"], *, rank: int | None = None) -> Spectrum:
    """Beside the edge of Marchenko and Pastur (1967): sigma (sqrt(m) + sqrt(rank)) for independent entries of
    the same mean square, whose rows fill `rank` dimensions, by default all.
    """
    m, d = matrix.shape
    rank = d if rank is None else rank
    _, values, directions = np.linalg.svd(matrix, full_matrices=False)
    sigma = np.sqrt((values**2).sum() / (m * rank))
    return Spectrum(values / (sigma * (np.sqrt(m) + np.sqrt(rank))), directions)


def writes(config: toy.TransformerConfig, params: toy.Params, block: int) -> Float[np.ndarray, "m d"]:
    """What the MLP of a block of one network writes for each of its neurons; with layer norm the mean over
    channels, which no layer reads, is left out.
    """
    kernel = cast_up_params(params)[f"blocks.{block}.mlp.out.kernel"]
    return kernel - kernel.mean(1, keepdims=True) if config.norm == "layer" else kernel


def channels(config: toy.TransformerConfig) -> int:
    """Dimensions of the residual stream that are read."""
    return config.d_model - (config.norm == "layer")


def read_by_unembedding(config: toy.TransformerConfig, params: toy.Params) -> Float[np.ndarray, "r d"]:
    """An orthonormal basis of the directions of the last stream that move predictions, while the final norm
    divides by the same.
    """
    weights = cast_up_params(params)
    scale = weights["norm.scale"] if config.norm != "none" else np.ones(config.d_model)
    into = weights["embed.embedding"] if config.tied else weights["unembed.kernel"].T
    reads = (into - into.mean(0)) * scale  # adding to all logits alike changes nothing
    if config.norm == "layer":
        reads = reads - reads.mean(1, keepdims=True)
    return row_space(reads, FAINT)


def share_in(direction: Float[np.ndarray, "d"], of: Float[np.ndarray, "r d"]) -> float:
    """Which part of a direction's squared length lies in a subspace, given by an orthonormal basis: r / d for
    one drawn at random.
    """
    return float(((of @ direction) ** 2).sum() / (direction @ direction))


class OnData(NamedTuple):
    """Directions in which most is written, by block, and those in which beliefs move the last stream."""

    most_written: Float[np.ndarray, "L d"]
    beliefs: Float[np.ndarray, "r d"]


def on_data(config: toy.TransformerConfig, params: toy.Params, truth: Contexts) -> OnData:
    """Of one network, over all contexts: the direction in which what each MLP writes varies most; and an
    orthonormal basis of the covariances of the last stream with beliefs.
    """
    sites = [Place("mlp_out", i).name for i in range(config.n_layers)]
    (seen,) = observe(config, alone(params), truth, (*sites, config.stream[-1]))
    most = [
        principal(_centred(seen.activations[site], truth.weight), truth.weight).axes[:, -1] for site in sites
    ]
    stream = _centred(seen.activations[config.stream[-1]], truth.weight)
    return OnData(np.stack(most), row_space((truth.weight[:, None] * truth.belief).T @ stream, FAINT))


def _centred(written: Any, weight: Float[np.ndarray, "N"]) -> Float[np.ndarray, "N d"]:
    """Without its mean over contexts, and over channels."""
    wide = cast_up(written)
    wide = wide - weight @ wide
    return wide - wide.mean(1, keepdims=True)
