"""What a network is given: a key, parameters and tokens, checked before it computes.

Shapes and types are known when a program is compiled, so they are checked there as well and cost it nothing;
values are looked at only where they are there to look at, outside of all transformations.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .cache import Cache
from .packed_tree import Tree
from .sites import ModelError, shown

Shapes = Mapping[str, tuple[int, ...]]
"""Of parameters, by dotted path."""


def check_key(key: Any, error: type[ValueError] = ModelError) -> None:
    """Raise `error` unless `key` is one JAX key, typed or raw."""
    dtype, shape = getattr(key, "dtype", None), getattr(key, "shape", None)
    typed = dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key)
    if not (typed and shape == ()) and not (dtype == np.uint32 and len(shape or ()) == 1):
        kind = f"holds keys of shape {shape}" if typed else f"is {shown(key)}"
        raise error(f"the key {kind}; give one JAX key, such as jax.random.key(0)")


def by_path(params: Any) -> dict[str, Any]:
    """The leaves of a tree by dotted path, as "blocks.0.attention.qkv.kernel"."""
    return {dotted(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(params)}


def within(path: str, names: Iterable[str]) -> bool:
    """Whether a dotted path is one of the names or lies below one: "embed", "blocks.0.attention"."""
    return any(path == name or path.startswith(name + ".") for name in names)


def marked(tree: Any, names: Iterable[str]) -> Any:
    """The same tree with, for each leaf, whether its path lies `within` the names."""
    return jax.tree.unflatten(jax.tree.structure(tree), [within(path, names) for path in by_path(tree)])


def dotted(path: Any) -> str:
    """A path of JAX through a tree as it is written, "blocks.0.attention.qkv.kernel"."""
    return jax.tree_util.keystr(path, simple=True, separator=".")


def check_params(shapes: Shapes, params: Any, stack: tuple[int, ...] = ()) -> None:
    """Raise `ModelError` unless these are parameters of those shapes, of one network or of a `stack` of so
    many.
    """
    leaves = by_path(params)
    lacking, foreign = (
        [name for name in shapes if name not in leaves],
        [name for name in leaves if name not in shapes],
    )
    if lacking or foreign:
        parts = [
            f"{what} {_listed(names)}" for what, names in (("lack", lacking), ("have", foreign)) if names
        ]
        raise ModelError(
            f"the parameters {' and '.join(parts)}, so they are not those of this network; give those that "
            "its `init` made or its run kept"
        )
    for name, shape in shapes.items():
        there = getattr(leaves[name], "shape", ())
        if there != (*stack, *shape):
            if there[1:] == shape and not stack:
                cure = "take one network of the stack, by jax.tree.map(lambda leaf: leaf[0], params)"
            else:
                cure = (
                    "stack the networks along a first axis"
                    if stack and there == shape
                    else "use the model that they are of"
                )
            raise ModelError(
                f"the parameters {name!r} have shape {there}, but this network's have {(*stack, *shape)}; "
                f"{cure}"
            )
        if not jnp.issubdtype(leaves[name].dtype, jnp.floating):
            raise ModelError(f"the parameters {name!r} are {leaves[name].dtype}; they must be float32")


def check_stack(shapes: Shapes, params: Any) -> int:
    """How many networks a stack holds, which are the first axis of every leaf. Raises as `check_params`
    does.
    """
    leaves = jax.tree.leaves(params)
    nets = np.shape(leaves[0])[0] if leaves and np.ndim(leaves[0]) else 0
    check_params(shapes, params, stack=(nets,))
    return nets


def read(vocab: int, n_ctx: int, tokens: Any, tree: Any = None) -> jax.Array:
    """Tokens as a network of this vocabulary and context reads them: sequences (..., T), or one for each node
    of a `tree`.

    Raises `ModelError` if they are no such tokens, or more than n_ctx in a row.
    """
    tokens = _array(tokens)
    if tree is None and (tokens.ndim == 0 or tokens.size == 0):
        raise ModelError(
            f"the tokens have shape {tokens.shape}; they must be sequences (..., T) of at least one token"
        )
    if not jnp.issubdtype(tokens.dtype, jnp.integer):
        raise ModelError(
            f"the tokens are {tokens.dtype}, as in {shown(tokens)}; they must be integers from 0 to "
            f"{vocab - 1}"
        )
    if tree is not None:
        _check_tree(tree, tokens)
    depth = tokens.shape[-1] if tree is None else tree.depth
    if depth > n_ctx:
        raise ModelError(
            f"the context has {depth} tokens but the model reads at most n_ctx = {n_ctx}; shorten it or "
            "raise n_ctx"
        )
    for worst in _ends(tokens):
        if not 0 <= worst < vocab:
            raise ModelError(
                f"a token is {worst}, but the model reads the symbols 0 to {vocab - 1}; give it words of its "
                "own vocabulary"
            )
    return jnp.asarray(tokens, jnp.int32)


def check_cache(shapes: Mapping[str, tuple[int, ...]], n_ctx: int, cache: Any, tokens: jax.Array) -> None:
    """Raise `ModelError` unless a network that keeps so much of a token, by block, can read on from the
    cache, and has room for these tokens.
    """
    if not isinstance(cache, Cache):
        raise ModelError(f"the cache is {shown(cache)}; give the one that `extend` returned, or None")
    there = {name: tuple(leaf.shape) for name, leaf in cache.blocks.items()}
    needed = {name: (len(tokens), n_ctx, *shape) for name, shape in shapes.items()}
    if there != needed or cache.length.shape != (len(tokens),):
        raise ModelError(
            f"the cache keeps {there} of {cache.length.shape} sequences, but this network needs {needed} for "
            f"tokens of shape {tokens.shape}; give the cache of the same network and sequences"
        )
    for longest in _ends(cache.length)[1:]:
        if longest + tokens.shape[1] > n_ctx:
            raise ModelError(
                f"a sequence of {longest} tokens cannot be read on by {tokens.shape[1]}: the model reads at "
                f"most n_ctx = {n_ctx}; begin anew with its last tokens"
            )


def _ends(values: Any) -> tuple[int, ...]:
    """The least and the greatest of the values, where they are there to look at."""
    if (
        isinstance(values, jax.core.Tracer)
        or not getattr(values, "is_fully_addressable", True)
        or values.size == 0
    ):
        return ()
    known = np.asarray(values)  # not jnp's own: under a transformation they would be traced
    return int(known.min()), int(known.max())


def _array(tokens: Any) -> Any:
    if isinstance(tokens, jax.Array | np.ndarray):
        return tokens
    try:
        return np.asarray(tokens)
    except ValueError:  # rows of unequal length
        raise ModelError(f"the tokens are {shown(tokens)}; they must be sequences of one length") from None


def _check_tree(tree: Any, tokens: Any) -> None:
    if not isinstance(tree, Tree):
        raise ModelError(
            f"the tree is {shown(tree)}; it must be a toy.Tree, as train.packed makes one, beside the tokens "
            "of its nodes"
        )
    nodes = sum(tree.widths)
    if not isinstance(tree.ancestors, jax.Array | np.ndarray) or tree.ancestors.shape != (nodes, tree.depth):
        raise ModelError(
            f"the tree's ancestors are {shown(tree.ancestors)}; they must be an array of shape "
            f"{(nodes, tree.depth)}"
        )
    if tokens.shape != (nodes,):
        raise ModelError(
            f"the tokens have shape {tokens.shape} but the tree has {nodes} nodes; give one token for each"
        )
    for worst in _ends(tree.ancestors):
        if not -1 <= worst < nodes:
            raise ModelError(
                f"an ancestor in the tree is {worst}; it must be a node, 0 to {nodes - 1}, or -1 for none"
            )


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names[:3])) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
