"""What a population loss on a pruned tree says of the whole one."""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from scipy.special import log_softmax

import processes
import toy

from .machine import numerics
from .tables import packed


class Bounds(NamedTuple):
    """The loss over all contexts lies between `lower` and `upper`; nats per token."""

    kept: float  # what the pruned tree contributes to it
    left_out: float  # mean over positions of the probability of the contexts that are not in the tree
    lower: float
    upper: float  # infinite where the network has no final norm


def loss_bounds(network: toy.Network, params: toy.Params, tree: processes.PrefixTree) -> Bounds:
    """Bounds on the loss over all contexts up to the tree's depth, from those that a pruned tree holds.

    With m the left-out mass and F, F_kept the entropy floors of all and of the kept contexts,

        kept + (F - F_kept)  <=  L  <=  kept + m log(1 + (V - 1) e^R).

    Below: a cross-entropy is at least the entropy, with equality where the network is exact on all that is
    left out. Above: R bounds the difference of any two logits on any input, and -log q <= log(1 + (V - 1)
    e^R). A layer or RMS norm leaves a vector of length at most sqrt(d_model) before its scale s and offset b,
    so R = max_{x,y} sqrt(d_model) |s (W_x - W_y)| + b (W_x - W_y). Both are rigorous up to float32 rounding
    of the network; the upper one grows with the weights and says little of trained networks. Raises
    `processes.ProcessError` where F is out of reach: infinitely many mixed states and a deep tree.
    """
    n_ctx, batch = tree.depth, packed(tree, network.config.n_ctx)
    read = numerics.jit(network.apply)(params, batch.tokens, batch.tree)  # compiled once for a network
    log_q = log_softmax(np.asarray(read["logits"], np.float64), axis=-1)
    weight, exact = tree.probability[1:] / n_ctx, tree.next_token[1:]
    kept = -float(weight @ (exact * log_q).sum(1))
    floor = float(processes.floor_by_position(tree.process, n_ctx).mean() - weight @ processes.entropy(exact))
    mass = float(tree.left_out[1:].mean())
    return Bounds(
        kept,
        mass,
        kept + max(floor, 0.0),
        kept + mass * worst_surprise(network.config, params) if mass > 0 else kept,
    )


def worst_surprise(config: toy.Config, params: toy.Params) -> float:
    """log(1 + (V - 1) e^R): the most that -log q(x | c) can be for any symbol and context, nats. Infinite
    without a final norm.
    """
    if not isinstance(config, toy.TransformerConfig) or config.norm == "none":
        return float("inf")
    W = np.asarray(params["embed"]["embedding"].T if config.tied else params["unembed"]["kernel"], np.float64)
    scale, offset = (
        np.asarray(params["norm"]["scale"], np.float64),
        np.asarray(params["norm"].get("bias", jnp.zeros(len(W))), np.float64),
    )
    between = W[:, :, None] - W[:, None, :]
    reach = np.sqrt(config.d_model) * np.linalg.norm(scale[:, None, None] * between, axis=0) + np.einsum(
        "d,dxy->xy", offset, between
    )
    return float(np.logaddexp(0.0, np.log(max(config.vocab - 1, 1)) + reach.max()))
