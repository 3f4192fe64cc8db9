"""The one way in which measurements run networks: a stack of them, on words or a packed tree, read at sites.

A program is compiled once for a shape of network, the sites that are read, whether one position of each word
is read or all are, and the kind of edit. Parameters, tokens, positions and what an edit writes are its
arguments: another run, another process or another vector compiles nothing anew.

Networks compute in float32 and are read as they computed; `cast_up` is where float64 begins again.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float32, Float64, Int
from scipy.special import log_softmax

import toy
import train
from toy.bridge import parameter_shapes
from toy.inputs import by_path, check_stack, read
from toy.sites import Place, Sites, shown

MEMORY = 32 * 2**20
"""Bytes that all sites of the words run at once may fill: about what stays in a processor's caches. Larger
chunks were slower, and what passes a site is the same to the last bit (docs/log.md).
"""
FEWEST = 64
"""Words are filled up to so many: they cost next to nothing, and every other number of them a compilation."""


class Replaced(NamedTuple):
    """An edit: the stream at the one position that is read of each word is another."""

    site: str
    value: Float32[np.ndarray, "M d"]


class Mapped(NamedTuple):
    """An edit: at every position the stream passes an affine map, x -> x - removal (x - mean), one for each
    of some sites.
    """

    sites: tuple[str, ...]
    removal: Float32[np.ndarray, "sites d d"]
    mean: Float32[np.ndarray, "sites d"]


class Added(NamedTuple):
    """An edit: a vector of each network's own is added to the stream from position `first` on."""

    site: str
    vector: Float32[np.ndarray, "nets d"]
    first: int


class Pushed(NamedTuple):
    """An edit: a vector for each network and word is added at one position to the stream, or to what a block
    adds to it.
    """

    site: str
    vector: Float32[np.ndarray, "nets M d"]
    at: Int[np.ndarray, "M"]


Edit = Replaced | Added | Mapped | Pushed


@train.pinned()
def forward(
    config: toy.Config,
    params: toy.Params,
    tokens: Int[np.ndarray | jax.Array, "..."],
    sites: Sequence[str] = ("logits",),
    *,
    tree: toy.Tree | None = None,
    position: Literal["all", "last"] | Int[np.ndarray, "M"] = "all",
    edit: Edit | None = None,
) -> Mapping[str, Float32[np.ndarray, "nets ..."]]:
    """Run every network of a stack (first axis of every leaf of `params`); returns what passes the sites.

    `tokens` are words (M, T), or those of the N nodes of a packed `tree`. A site is (nets, M, T, ...) on
    words, (nets, M, ...) where one position of each is read, its last or a given one, and (nets, N, ...) on a
    tree; attention patterns and scores are rows of the attending positions, (..., heads, T). Raises
    `toy.ModelError` for sites, parameters, tokens or an edit that are not this network's.
    """
    nets = _checked(config, params, sites)
    tokens = np.asarray(tokens)
    if tokens.dtype.kind in "iu":  # cast here: JAX would compile the cast for every number of words
        tokens = tokens.astype(np.int64).clip(-(2**31), 2**31 - 1).astype(np.int32)
    tokens = np.asarray(read(config.vocab, config.n_ctx, tokens, tree))
    at = _positions(position, tokens, tree)
    _check_edit(config, edit, nets, None if at is None else len(at), tokens.shape)
    program = _program(config, tuple(sites), tree is None, at is not None, _kind(edit))
    out: dict[str, np.ndarray] = {}
    for i in range(nets):
        own = member(params, i)
        for here, filled in _chunks(config, tokens, tree, tuple(s for s in sites if s in config.inner_sites)):
            read_at = None if at is None else at[filled]
            passed = program(own, tokens[filled], tree, read_at, _written(edit, i, filled))
            for site, value in jax.device_get(passed).items():
                if site not in out:
                    out[site] = np.empty((nets, len(tokens), *value.shape[1:]), value.dtype)
                out[site][i, here] = value[: here.stop - here.start]
    return {site: out[site] for site in sites}  # in the order asked for; programs sort them


def member(params: toy.Params, i: int) -> toy.Params:
    """Parameters of one network of a stack, which has the networks as the first axis of every leaf."""
    return jax.tree.map(lambda leaf: np.asarray(leaf)[i], params)


def alone(params: toy.Params) -> toy.Params:
    """The parameters of one network as a stack of one."""
    return jax.tree.map(lambda leaf: np.asarray(leaf)[None], params)


def cast_up(computed: Float32[np.ndarray, "*n"]) -> Float64[np.ndarray, "*n"]:
    """What networks computed, where exact numbers go on with it."""
    return np.asarray(computed, np.float64)


def cast_up_params(params: toy.Params) -> dict[str, Float64[np.ndarray, "..."]]:
    """Parameters by dotted path, where what they are made to do is worked out exactly."""
    return {path: np.asarray(leaf, np.float64) for path, leaf in by_path(params).items()}


def log_distribution(logits: Float32[np.ndarray, "*n V"]) -> Float64[np.ndarray, "*n V"]:
    """log P(next token) from a network's logits. Normalised in float64: in float32 its last bits follow the
    number of words that are run at once.
    """
    return np.asarray(log_softmax(cast_up(logits), axis=-1))


@lru_cache(maxsize=128)
def _program(
    config: toy.Config, sites: tuple[str, ...], words: bool, gathers: bool, edited: tuple[Any, ...]
) -> Callable[..., dict[str, jax.Array]]:
    """The compiled pass of one network: (params, tokens, tree, position, what is written) -> what passes."""
    network = toy.network(config)

    def run(params, tokens, tree, position, written):
        at = (jnp.arange(len(tokens)), position)
        match edited:
            case ():
                out = network.apply(params, tokens, tree, sites=sites)
            case ("Replaced", site):
                replace = {site: lambda stream: _set(stream, at, written)}
                out = network.apply(params, tokens, edit=replace, sites=sites)
            case ("Pushed", site):
                vector, there = written
                push = {site: lambda x: x.at[jnp.arange(len(x)), there].add(vector)}
                out = network.apply(params, tokens, edit=push, sites=sites)
            case ("Mapped", *mapped):
                removal, mean = written
                maps = {s: partial(_mapped, removal[k], mean[k]) for k, s in enumerate(mapped)}
                out = network.apply(params, tokens, tree, edit=maps, sites=sites)
            case ("Added", site, first):
                out = train.steered(network, site, first).apply((params, written), tokens, tree, sites)

        def passed(site: str) -> jax.Array:
            value = out[site]
            if words and Place.of(site).of_pairs:
                value = jnp.moveaxis(value, -2, 1)  # positions before heads, as everywhere
            return value[at] if gathers else value

        return {site: passed(site) for site in sites}

    return train.jit(run)


def _set(stream: jax.Array, at: tuple[jax.Array, jax.Array], written: jax.Array) -> jax.Array:
    """The stream with other vectors at one position of each word."""
    if stream.shape[1] == 1:  # nothing of it is left, so that what led to it is compiled away
        return written[:, None]
    return stream.at[at].set(written)


def _mapped(removal: jax.Array, mean: jax.Array, stream: jax.Array) -> jax.Array:
    return stream - (stream - mean) @ removal.T


def _kind(edit: Edit | None) -> tuple[Any, ...]:
    """What a program has to know of an edit."""
    if edit is None:
        return ()
    name = type(edit).__name__
    if isinstance(edit, Mapped):
        return (name, *edit.sites)
    return (name, edit.site, edit.first) if isinstance(edit, Added) else (name, edit.site)


def _written(edit: Edit | None, i: int, rows: np.ndarray) -> Any:
    """What an edit writes into network i on some words."""
    if edit is None:
        return None
    if isinstance(edit, Mapped):
        return np.asarray(edit.removal, np.float32), np.asarray(edit.mean, np.float32)
    if isinstance(edit, Pushed):
        return np.asarray(edit.vector[i][rows], np.float32), np.asarray(edit.at[rows], np.int32)
    return np.asarray(edit.vector[i] if isinstance(edit, Added) else edit.value[rows], np.float32)


def _chunks(
    config: toy.Config, tokens: np.ndarray, tree: toy.Tree | None, inner: tuple[str, ...] = ()
) -> Iterator[tuple[slice, np.ndarray]]:
    """Which rows each pass gives, and which it runs on: all nodes of a tree; of words a power of two, the
    last ones filled up with the first, so that few programs serve all numbers of words.
    """
    M = len(tokens)
    if tree is not None:
        yield slice(0, M), np.arange(M)
        return
    most = max(MEMORY // _bytes(config, tokens.shape[1], inner), FEWEST)
    size = max(FEWEST, min(1 << (most.bit_length() - 1), 1 << (M - 1).bit_length()))
    for first in range(0, M, size):
        yield slice(first, min(first + size, M)), np.arange(first, first + size) % M


@lru_cache(maxsize=128)
def _bytes(config: toy.Config, T: int, inner: tuple[str, ...] = ()) -> int:
    """What all sites of one word of T tokens take, and those inner ones that are read."""
    network, word = toy.network(config), jnp.zeros((1, T), jnp.int32)
    sites = (*config.sites, *inner)
    passed = jax.eval_shape(lambda: network.apply(network.init(train.key(0)), word, sites=sites))
    return sum(4 * value.size for value in passed.values())


def _positions(position: Any, tokens: np.ndarray, tree: toy.Tree | None) -> np.ndarray | None:
    """The position that is read of each word; None for all of them."""
    if isinstance(position, str) and position == "all":
        return None
    if tree is not None or tokens.ndim != 2:
        raise toy.ModelError(
            f"the tokens have shape {tokens.shape}; one position a word is read of words (M, T) only"
        )
    M, T = tokens.shape
    at = np.full(M, T - 1) if isinstance(position, str) and position == "last" else np.asarray(position)
    if at.shape != (M,) or at.dtype.kind != "i" or not ((at >= 0) & (at < T)).all():
        raise toy.ModelError(
            f"the position is {shown(position)}; it must be 'all', 'last', or for each of the {M} words a "
            f"number from 0 to {T - 1}"
        )
    return at.astype(np.int32)


def _checked(config: toy.Config, params: toy.Params, sites: Sequence[str]) -> int:
    """How many networks there are, if these are such networks and sites of them."""
    Sites(config.sites, None, sites, config.inner_sites)  # names the nearest of an unknown one
    return check_stack(parameter_shapes(config), params)


def _check_edit(
    config: toy.Config, edit: Edit | None, nets: int, M: int | None, tokens: tuple[int, ...]
) -> None:
    if edit is None:
        return
    known = config.stream
    if isinstance(edit, Pushed):
        known = (*known, *(s for s in config.sites if Place.of(s).adds))
    for site in edit.sites if isinstance(edit, Mapped) else (edit.site,):
        if site not in known:
            raise toy.ModelError(
                f"{site!r} is not on the residual stream, so nothing can be written there; choose one of "
                f"{', '.join(known)}"
            )
    if isinstance(edit, Pushed):
        shapes, wanted = (np.shape(edit.vector), np.shape(edit.at)), (nets, *tokens[:1], config.d_model)
        inside = (np.asarray(edit.at) >= 0) & (np.asarray(edit.at) < tokens[-1])
        if len(tokens) != 2 or shapes != (wanted, tokens[:1]) or not inside.all():
            raise toy.ModelError(
                f"vectors of shape {shapes[0]} at positions of shape {shapes[1]} are given; give vectors of "
                f"{wanted}, one for each network and word, and a position in each word (M, T)"
            )
        return
    if isinstance(edit, Mapped):
        wanted = (len(edit.sites), config.d_model)
        if (np.shape(edit.removal), np.shape(edit.mean)) != ((*wanted, config.d_model), wanted):
            raise toy.ModelError(
                f"maps of shape {np.shape(edit.removal)} and means of shape {np.shape(edit.mean)} are given "
                f"for {wanted[0]} sites; give one of each for every site, of {config.d_model} dimensions"
            )
        return
    if isinstance(edit, Replaced) and M is None:
        raise toy.ModelError(
            "all positions are read, but a stream is replaced at one of each word; give `position`"
        )
    rows, given = (nets, edit.vector) if isinstance(edit, Added) else (M, edit.value)
    if np.shape(given) != (rows, config.d_model):
        raise toy.ModelError(
            f"what is written at {edit.site!r} has shape {np.shape(given)}; it must be "
            f"{(rows, config.d_model)}: a vector for each {'network' if isinstance(edit, Added) else 'word'}"
        )
