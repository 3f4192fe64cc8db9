"""The cast down: a float64 process as float32 tables on the device, and what training steps compute with them."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

import processes
import toy


class Tables(NamedTuple):
    """A process as a compiled step needs it."""

    T: Float[Array, "V S S"]
    start: Float[Array, "S"]
    emission: Float[Array, "S V"]  # P(next symbol | state)
    start_cdf: Float[Array, "S"]  # cumulative law of the first state
    cdf: Float[Array, "S E"]  # cumulative law over a state's edges (symbol, next state), E = most edges any state has
    edge_token: Int[Array, "S E"]
    edge_state: Int[Array, "S E"]


def tables(process: processes.Process) -> Tables:
    """Device tables of a process. Only edges of positive probability are listed, so impossible words are never drawn."""
    S = process.n_states
    edges = [np.argwhere(process.T[:, i, :] > 0) for i in range(S)]
    most = max(map(len, edges))
    cdf, token, state = np.full((S, most), 2.0), np.zeros((S, most), np.int32), np.zeros((S, most), np.int32)
    for i, listed in enumerate(edges):
        n = len(listed)
        token[i, :n], state[i, :n] = listed.T
        cdf[i, :n] = _cdf(process.T[token[i, :n], i, state[i, :n]])
    return Tables(
        T=jnp.asarray(process.T, jnp.float32),
        start=jnp.asarray(process.start, jnp.float32),
        emission=jnp.asarray((process.T @ process.w).T, jnp.float32),
        start_cdf=jnp.asarray(_cdf(process.start), jnp.float32),
        cdf=jnp.asarray(cdf, jnp.float32),
        edge_token=jnp.asarray(token),
        edge_state=jnp.asarray(state),
    )


def _cdf(p: np.ndarray) -> np.ndarray:
    """Cumulative sums that reach 2 at the last positive entry: a uniform in [0, 1) can then never fall past it by rounding."""
    c = np.cumsum(p)
    c[np.flatnonzero(p > 0)[-1] :] = 2.0
    return c


def sample(tables: Tables, key: PRNGKeyArray, batch: int, length: int) -> Int[Array, "batch length"]:
    """Draw words by walking the hidden state along precomputed cumulative laws: one uniform per symbol."""
    uniform = jax.random.uniform(key, (length + 1, batch))
    state = _invert(tables.start_cdf[None], uniform[0])

    def step(state, u):
        edge = _invert(tables.cdf[state], u)
        return tables.edge_state[state, edge], tables.edge_token[state, edge]

    return jax.lax.scan(step, state, uniform[1:])[1].T


def _invert(cdf: Float[Array, "*b E"], uniform: Float[Array, "b"]) -> Int[Array, "b"]:
    return (cdf <= uniform[:, None]).sum(-1)


def next_token_laws(tables: Tables, words: Int[Array, "batch T"]) -> Float[Array, "batch T V"]:
    """Exact law of the next symbol at every position of the words, by filtering on the device (float32)."""

    def step(belief, x):
        joint = jnp.einsum("bi,bij->bj", belief, tables.T[x])
        belief = joint / joint.sum(-1, keepdims=True)
        return belief, belief @ tables.emission

    start = jnp.broadcast_to(tables.start, (len(words), len(tables.start)))
    return jax.lax.scan(step, start, words.T)[1].swapaxes(0, 1)


class Packed(NamedTuple):
    """A prefix tree as a network reads it: the nodes that have a position, root left out."""

    tokens: Int[Array, "N"]
    ancestors: Int[Array, "N C"]


def packed(tree: processes.PrefixTree, n_ctx: int) -> Packed:
    """All words of the tree as one packed batch. Raises `toy.ModelError` if the tree is deeper than the model's context."""
    if tree.depth > n_ctx:
        raise toy.ModelError(f"the prefix tree has depth {tree.depth} but the model reads at most n_ctx = {n_ctx} tokens; use a tree of that depth")
    above = tree.ancestors[1:]
    return Packed(jnp.asarray(tree.token[1:], jnp.int32), jnp.asarray(np.where(above >= 0, above - 1, -1), jnp.int32))
