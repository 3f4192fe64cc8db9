"""The cast down: a float64 process as float32 tables on the device, and what training steps compute with
them.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32, Float64, Int, Int32, PRNGKeyArray

import processes
import toy
from processes.values import earlier
from toy.checks import check_range, fitted
from toy.inputs import check_key

from .errors import RecipeError

ROUNDED_ZERO = 1e-6
"""Probability below which a float32 sum of signed terms is the rounding of zero."""


class Tables(NamedTuple):
    """A process (float64 NumPy) as a compiled step needs it: the cast down to float32 on the device."""

    T: Float32[Array, "V S S"]
    start: Float32[Array, "S"]
    w: Float32[Array, "S"]
    emission: Float32[Array, "S V"]  # belief @ emission = next-token distribution
    walk: "Walk | None"  # how to draw by hidden state; None for a generalised HMM, which is drawn by belief


class Walk(NamedTuple):
    """The edges (symbol, next state) that leave each state with positive probability; E = most edges that any
    state has.
    """

    start_cdf: Float32[Array, "S"]  # cumulative, of the first state
    cdf: Float32[Array, "S E"]  # cumulative, over a state's edges
    token: Int32[Array, "S E"]
    state: Int32[Array, "S E"]


def tables(process: processes.Process) -> Tables:
    """Device tables of a process. Raises `processes.ProcessError` if it is none."""
    process = fitted(
        "process",
        processes.Process,
        process,
        processes.ProcessError,
        "get one of its name by processes.named",
    )
    return Tables(
        T=jnp.asarray(process.T, jnp.float32),
        start=jnp.asarray(process.start, jnp.float32),
        w=jnp.asarray(process.w, jnp.float32),
        emission=jnp.asarray((process.T @ process.w).T, jnp.float32),
        walk=_walk(process) if process.kind == "hmm" else None,
    )


def _walk(process: processes.Process) -> Walk:
    """Only edges of positive probability are listed, so impossible words are never drawn."""
    edges = [np.argwhere(process.T[:, i, :] > 0) for i in range(process.n_states)]
    shape = (process.n_states, max(map(len, edges)))
    cdf, token, state = np.full(shape, 2.0), np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    for i, listed in enumerate(edges):
        n = len(listed)
        token[i, :n], state[i, :n] = listed.T
        cdf[i, :n] = _cdf(process.T[token[i, :n], i, state[i, :n]])
    return Walk(
        jnp.asarray(_cdf(process.start), jnp.float32),
        jnp.asarray(cdf, jnp.float32),
        jnp.asarray(token),
        jnp.asarray(state),
    )


def _cdf(p: Float64[np.ndarray, "n"]) -> Float64[np.ndarray, "n"]:
    """Cumulative sums that reach 2 at the last positive entry: a uniform in [0, 1) can then never fall past
    it by rounding.
    """
    cdf = np.cumsum(p)
    cdf[np.flatnonzero(p > 0)[-1] :] = 2.0
    return cdf


def sample(tables: Tables, key: PRNGKeyArray, batch: int, length: int) -> Int[Array, "batch length"]:
    """Draw words: by walking the hidden state along precomputed cumulative distributions, one uniform per
    symbol; by belief where signed transition probabilities admit no walk. Raises `RecipeError` for tables, a
    key or sizes that are none.
    """
    tables = fitted("tables", Tables, tables, RecipeError, "make them with train.tables")
    check_key(key, RecipeError)
    batch, length = fitted("batch", int, batch, RecipeError), fitted("length", int, length, RecipeError)
    check_range("batch", batch, 1, error=RecipeError)
    check_range("length", length, 1, error=RecipeError)
    if tables.walk is None:
        return _sample_by_belief(tables, key, batch, length)
    walk, uniform = tables.walk, jax.random.uniform(key, (length + 1, batch))
    state = _invert(walk.start_cdf[None], uniform[0])

    def step(state, u):
        edge = _invert(walk.cdf[state], u)
        return walk.state[state, edge], walk.token[state, edge]

    return jax.lax.scan(step, state, uniform[1:])[1].T


def _sample_by_belief(
    tables: Tables, key: PRNGKeyArray, batch: int, length: int
) -> Int[Array, "batch length"]:
    def step(belief, u):
        x = _next(tables, belief, u)
        return _update(tables, belief, x), x

    start = jnp.broadcast_to(tables.start, (batch, len(tables.start)))
    return jax.lax.scan(step, start, jax.random.uniform(key, (length, batch)))[1].T


def stratified(
    tables: Tables, key: PRNGKeyArray, batch: int, length: int
) -> tuple[Int[Array, "batch length"], Float32[Array, "batch length V"]]:
    """Words drawn together, in lexicographic order, and the exact next-token distribution at each of
    their positions.

    The n words that share a prefix are dealt out over its continuations systematically, by (i + v) / n for i
    = 0..n-1 with one uniform v: each symbol x gets n p(x) of them rounded up or down, and n p(x) on average.
    So the number of words through a context c has the mean batch P(c), as for independent words, but near the
    top of the tree next to no variance; where a word has parted from all others it goes on as an independent
    one. (Systematic sampling, Madow & Madow 1944, at every node.)
    """
    index = jnp.arange(batch)

    def step(carry, v):
        belief, first = carry  # first: the first of the words that share a word's prefix
        size = jnp.zeros(batch, jnp.int32).at[first].add(1)[first]
        x = _next(tables, belief, (index - first + v[first]) / size)
        belief = _update(tables, belief, x)
        parts = (first != jnp.roll(first, 1)) | (x != jnp.roll(x, 1))
        return (belief, jax.lax.cummax(jnp.where(parts, index, 0))), (
            x,
            _times(belief, tables.emission).clip(0),
        )

    start = jnp.broadcast_to(tables.start, (batch, len(tables.start))), jnp.zeros(batch, jnp.int32)
    words, distributions = jax.lax.scan(step, start, jax.random.uniform(key, (length, batch)))[1]
    return words.T, distributions.swapaxes(0, 1)


def _next(tables: Tables, belief: Float32[Array, "b S"], uniform: Float32[Array, "b"]) -> Int[Array, "b"]:
    """The next symbol of each word, drawn from its distribution by inversion."""
    p = _times(belief, tables.emission).clip(0)
    if tables.walk is None:
        p = jnp.where(p > ROUNDED_ZERO, p, 0)  # zeros of an HMM are exact
    cdf = jnp.cumsum(p, -1) / p.sum(-1, keepdims=True)
    last = (
        p.shape[-1] - 1 - jnp.argmax(p[:, ::-1] > 0, axis=-1)
    )  # of positive probability: a rounded cdf may end early
    return jnp.minimum(_invert(cdf, uniform), last)


def _invert(cdf: Float32[Array, "*b E"], uniform: Float32[Array, "b"]) -> Int[Array, "b"]:
    return (cdf <= uniform[:, None]).sum(-1)


def _update(tables: Tables, belief: Float32[Array, "b S"], x: Int[Array, "b"]) -> Float32[Array, "b S"]:
    joint = jnp.einsum("bi,bij->bj", belief, tables.T[x], precision="highest")
    return joint / _times(joint, tables.w)[:, None]


def _times(a: Array, b: Array) -> Array:
    """a @ b in full float32: accelerators would round the factors, and the error would grow along the
    filter."""
    return jnp.matmul(a, b, precision="highest")


def next_token_distributions(tables: Tables, words: Int[Array, "batch T"]) -> Float32[Array, "batch T V"]:
    """Exact next-token distribution at every position of the words, by filtering on the device (float32)."""

    def step(belief, x):
        belief = _update(tables, belief, x)
        return belief, _times(belief, tables.emission).clip(0)  # clipped: signed sums may round below zero

    start = jnp.broadcast_to(tables.start, (len(words), len(tables.start)))
    return jax.lax.scan(step, start, words.T)[1].swapaxes(0, 1)


class Packed(NamedTuple):
    """A prefix tree as a network reads it: the nodes that have a position, root left out."""

    tokens: Int[Array, "N"]
    tree: toy.Tree


def packed(tree: processes.PrefixTree, n_ctx: int) -> Packed:
    """All words of the tree as one packed batch. Raises `toy.ModelError` if the tree is deeper than the
    model's context.
    """
    tree = fitted("tree", processes.PrefixTree, tree, remedy="make one with processes.prefix_tree")
    check_range("n_ctx", n_ctx := fitted("n_ctx", int, n_ctx), 1)
    if tree.depth > n_ctx:
        raise toy.ModelError(
            f"the prefix tree has depth {tree.depth} but the model reads at most n_ctx = {n_ctx} tokens; use "
            "a tree of that depth"
        )
    above = tree.ancestors[1:]
    widths = tuple(np.bincount(tree.length[1:], minlength=tree.depth + 1)[1:].tolist())
    return Packed(
        jnp.asarray(tree.token[1:], jnp.int32),
        toy.Tree(jnp.asarray(np.where(above >= 0, above - 1, -1), jnp.int32), widths),
    )


__getattr__ = earlier.names(__name__, {"next_token_laws": "next_token_distributions"})
