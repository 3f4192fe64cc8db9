"""Direct attribution of logits: what each part of a transformer adds to them.

The last stream is the sum of what the embedding and every head and MLP write. The final norm divides it by
its scale in that context, and the unembedding is linear: at the actual scale of each context the logits are
the sum of what the parts add, but for a constant and for the biases of attention, which belong to no head
(`Attributed.missing` says how much that is).
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64

import toy
from toy.inputs import by_path
from toy.sites import Place

from ..contexts import Contexts
from ..evidence import observe
from ..forward import alone, cast_up, cast_up_params

SCALE = "ln_final.scale"
"""Site of what the final norm divides by."""


class Attributed(NamedTuple):
    """What parts of one network add to the logits in some contexts, and the logits, both less their mean over
    symbols.
    """

    parts: tuple[str, ...]
    added: Float64[np.ndarray, "C N V"]
    logits: Float64[np.ndarray, "N V"]

    @property
    def missing(self) -> float:
        """The largest difference of logits from the sum of parts, both less their means over contexts, over
        the spread of the logits.
        """
        left = self.logits - self.added.sum(0)
        return float(np.abs(left - left.mean(0)).max() / self.logits.std())


def parts_of(config: toy.TransformerConfig) -> tuple[str, ...]:
    """The embedding with positions, and each block's heads and MLP."""
    found = ["embed"]
    for i in range(config.n_layers):
        found += [f"blocks.{i}.head {h}" for h in range(config.n_heads)]
        found += [f"blocks.{i}.mlp"] if config.d_mlp else []
    return tuple(found)


def attributed(
    config: toy.TransformerConfig, params: toy.Params, contexts: Contexts, which: Bool[np.ndarray, "N"]
) -> Attributed:
    """Of one network, in some of the contexts."""
    z, out = ([Place(kind, i).name for i in range(config.n_layers)] for kind in ("attn.z", "mlp_out"))
    sites = [config.stream[0], *z, *(out if config.d_mlp else [])]
    sites += [SCALE] if config.norm != "none" else []
    (seen,) = observe(config, alone(params), contexts, sites)
    passed = {site: cast_up(seen.activations[site][which]) for site in sites}
    weights = cast_up_params(params)
    written = [passed[config.stream[0]]]
    for i in range(config.n_layers):
        written += list(head_outputs(config, params, i, passed[z[i]]))
        written += [passed[out[i]]] if config.d_mlp else []
    read = weights["embed.embedding"].T if config.tied else weights["unembed.kernel"]
    if config.norm != "none":
        read = weights["norm.scale"][:, None] * read
    if config.norm == "layer":  # each part less its mean over channels: a map of what the unembedding reads
        read = read - read.mean(0)
    read = read - read.mean(1, keepdims=True)
    scale = passed[SCALE].reshape(-1, 1) if config.norm != "none" else 1.0
    logits = seen.log_prediction[which]
    added = np.stack([x @ read / scale for x in written])
    return Attributed(parts_of(config), added, logits - logits.mean(1, keepdims=True))


def head_outputs(
    config: toy.TransformerConfig, params: toy.Params, block: int, z: Float64[np.ndarray, "N H k"]
) -> Float64[np.ndarray, "H N d"]:
    """What each head of a block of one network adds to the stream, from what it reads (`attn.z`)."""
    kernel = np.asarray(by_path(params)[f"blocks.{block}.attention.out.kernel"], np.float64)
    return z.swapaxes(0, 1) @ kernel.reshape(config.n_heads, config.d_head, config.d_model)


class Sums(NamedTuple):
    """Parts and their sum over contexts, by symbol."""

    shares: Float64[np.ndarray, "C V"]  # variance of each part over that of the sum
    together: Float64[np.ndarray, "V"]  # variance of the sum over the sum of variances: 1 if independent
    effective: Float64[np.ndarray, "V"]  # number of parts, each as large as it is: (sum s)^2 / sum s^2
    kurtosis: Float64[np.ndarray, "V"]  # excess, of the sum
    independent: Float64[np.ndarray, "V"]  # the same if the parts were independent: fourth cumulants add


def sums(added: Float64[np.ndarray, "C N V"], weight: Float64[np.ndarray, "N"]) -> Sums:
    """Variances and fourth cumulants of parts and of their sum.

    With excess kurtosis k_c and share s_c of the variance, independent parts have sum_c s_c^2 k_c. No
    distribution has less than -2, so that is -2 / effective at least: a sum of many independent parts is
    never much flatter than a Gaussian.
    """
    weight = weight / weight.sum()
    variance, fourth = _cumulants(added, weight)
    of_sum, fourth_of_sum = _cumulants(added.sum(0), weight)
    total = variance.sum(0)
    return Sums(
        variance / of_sum,
        of_sum / total,
        total**2 / (variance**2).sum(0),
        fourth_of_sum / of_sum**2,
        fourth.sum(0) / total**2,
    )


def excess_kurtosis(
    values: Float64[np.ndarray, "N V"], weight: Float64[np.ndarray, "N"]
) -> Float64[np.ndarray, "V"]:
    """Fourth cumulant over the squared variance: 0 of a Gaussian, -2 at least."""
    variance, fourth = _cumulants(values, weight / weight.sum())
    return np.asarray(fourth / variance**2)


def _cumulants(x: Float64[np.ndarray, "*C N V"], weight: Float64[np.ndarray, "N"]) -> tuple[np.ndarray, ...]:
    """Second and fourth, over contexts."""
    centred = x - np.einsum("n,...nv->...v", weight, x)[..., None, :]
    variance = np.einsum("n,...nv->...v", weight, centred**2)
    return variance, np.einsum("n,...nv->...v", weight, centred**4) - 3 * variance**2


def dealt_apart(
    added: Float64[np.ndarray, "C N V"], weight: Float64[np.ndarray, "N"], draws: int, *, seed: int = 0
) -> Float64[np.ndarray, "C M V"]:
    """Parts as they are, each of a context of its own, drawn by weight: independent by construction."""
    rng = np.random.default_rng(seed)
    share = weight / weight.sum()
    return np.stack([part[rng.choice(len(share), size=draws, p=share)] for part in added])


def gaussian_over_laplace(
    added: Float64[np.ndarray, "C N V"], weight: Float64[np.ndarray, "N"], fit: Bool[np.ndarray, "N"]
) -> Float64[np.ndarray, "C"]:
    """Log-likelihood of a Gaussian minus that of a Laplace distribution, nats per context, of each part: both
    fitted where `fit` is true and judged elsewhere, means over symbols.
    """
    a, b = (weight * side / (weight * side).sum() for side in (fit, ~fit))
    mean = np.einsum("n,cnv->cv", a, added)[:, None]
    variance = np.maximum(np.einsum("n,cnv->cv", a, (added - mean) ** 2)[:, None], np.finfo(float).tiny)
    middle = _medians(added, a)[:, None]
    spread = np.maximum(np.einsum("n,cnv->cv", a, np.abs(added - middle))[:, None], np.finfo(float).tiny)
    gaussian = -0.5 * (np.log(2 * np.pi * variance) + (added - mean) ** 2 / variance)
    laplace = -np.log(2 * spread) - np.abs(added - middle) / spread
    return np.asarray(np.einsum("n,cnv->cv", b, gaussian - laplace).mean(1))


def _medians(x: Float64[np.ndarray, "C N V"], weight: Float64[np.ndarray, "N"]) -> Float64[np.ndarray, "C V"]:
    order = np.argsort(x, axis=1)
    below = np.cumsum(weight[order], axis=1)
    at = (below < 0.5).sum(1).clip(max=x.shape[1] - 1)
    rows = np.take_along_axis(order, at[:, None], 1)
    return np.asarray(np.take_along_axis(x, rows, 1)[:, 0])
