"""How much each attention head responds to a disturbance of one earlier position, of fixed relative size."""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

import toy
import train


class Disturbance(NamedTuple):
    """What is added to the residual stream before a block, word by word."""

    position: Int[np.ndarray, "W"]  # never the last, at which responses are read
    direction: Float[np.ndarray, "L W d"]  # of unit length, one for each block and word
    size: float  # length of what is added over that of the stream it is added to


class Response(NamedTuple):
    """What each head does about it at the last position, one row for each network."""

    output: Float[
        np.ndarray, "nets L H"
    ]  # change of what the head adds to the stream, over that; root mean square over words
    prediction: Float[
        np.ndarray, "nets L H"
    ]  # KL, nats, from the undisturbed prediction to the one in which this head alone changed
    added: Float[np.ndarray, "nets L W"]  # length of what was added over that of the stream there


def disturbance(config: toy.TransformerConfig, words: int, *, size: float, seed: int) -> Disturbance:
    """Uniformly random directions at uniformly random earlier positions."""
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=(config.n_layers, words, config.d_model))
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    return Disturbance(rng.integers(config.n_ctx - 1, size=words), direction, size)


@train.pinned()
def respond(
    config: toy.TransformerConfig, params: toy.Params, words: Int[np.ndarray, "W T"], by: Disturbance
) -> Response:
    """Every head's response in every network of a stack (first axis of `params`) to the disturbance of the
    stream before its block.
    """
    found = _responder(config)(
        params, words, by.position, by.direction.astype(np.float32), np.float32(by.size)
    )
    return Response(*(np.asarray(value, np.float64) for value in found))


def head_outputs(
    network: toy.Network,
    params: toy.Params,
    words: Int[Array, "W T"],
    block: int,
    stream: Float[Array, "W T d"],
) -> Float[Array, "H W d"]:
    """What each head of a block adds to the stream at the last position, given the stream before the block.

    Attention's output is linear in its pattern but for a bias: with all other heads' patterns at zero, minus
    with all at zero.
    """
    assert isinstance(network.config, toy.TransformerConfig)
    name = f"blocks.{block}"

    def only(keep):
        edit = {
            f"{name}.resid_pre": lambda x: stream,
            f"{name}.attn_pattern": lambda p: p * keep[:, None, None],
        }
        return network.apply(params, words, edit=edit)[f"{name}.attn_out"][:, -1]

    heads = network.config.n_heads
    return jax.vmap(only)(jnp.eye(heads)) - only(jnp.zeros(heads))


@lru_cache(maxsize=8)
def _responder(config: toy.TransformerConfig) -> Callable[..., tuple[jax.Array, ...]]:
    network = toy.network(config)

    def one(params, words, position, direction, size):
        rows, clean = jnp.arange(len(words)), network.apply(params, words)
        law = jax.nn.log_softmax(clean["logits"][:, -1])
        output, prediction, added = [], [], []
        for i in range(config.n_layers):
            stream = clean[f"blocks.{i}.resid_pre"]
            at = stream[rows, position]
            there = stream.at[rows, position].add(
                size * jnp.linalg.norm(at, axis=-1, keepdims=True) * direction[i]
            )
            added.append(jnp.linalg.norm(there[rows, position] - at, axis=-1) / jnp.linalg.norm(at, axis=-1))
            before, after = (head_outputs(network, params, words, i, x) for x in (stream, there))
            output.append(jnp.sqrt(((after - before) ** 2).sum((1, 2)) / (before**2).sum((1, 2))))

            def through(change, i=i):
                edit = {f"blocks.{i}.attn_out": lambda out: out.at[:, -1].add(change)}
                q = jax.nn.log_softmax(network.apply(params, words, edit=edit)["logits"][:, -1])
                return (jnp.exp(law) * (law - q)).sum(-1).mean()

            prediction.append(jax.vmap(through)(after - before))
        return jnp.stack(output), jnp.stack(prediction), jnp.stack(added)

    return train.jit(lambda params, *given: jax.lax.map(lambda p: one(p, *given), params))
