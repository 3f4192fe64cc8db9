"""From NNX, which defines networks, to pure functions, which run them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import jax
from flax import nnx
from jaxtyping import PyTree

from .cache import Cache, Past, empty
from .checks import check_range, fitted
from .inputs import Shapes, by_path, check_cache, check_key, check_params, read
from .recurrent import Recurrent, RecurrentConfig
from .sites import ModelError
from .transformer import Transformer, TransformerConfig

Config = TransformerConfig | RecurrentConfig
Params: TypeAlias = PyTree  # a nested dict of float32 arrays


@dataclass(frozen=True, eq=False)
class Network:
    """A network as pure functions, which may be jitted, differentiated, vmapped over keys or parameters."""

    config: Config
    init: Callable[[jax.Array], Params]  # key -> params
    apply: Callable[
        ..., dict[str, jax.Array]
    ]  # (params, tokens, tree=None, edit=None, sites=None, last=None) -> {site: value}
    extend: Callable[
        ..., tuple[jax.Array, Cache]
    ]  # (params, tokens, cache=None) -> logits, cache: reading on, at the cost of the new tokens alone


class Blueprint:
    """What the functions of a network share; it is pickled as its configuration."""

    def __init__(self, config: Config):
        self.config = config
        self.structure, self.abstract = nnx.split(
            nnx.eval_shape(lambda: self.model(jax.random.key(0))), nnx.Param
        )
        self.shapes: Shapes = {
            path: leaf.shape for path, leaf in by_path(nnx.to_pure_dict(self.abstract)).items()
        }

    def __reduce__(self):
        return Blueprint, (self.config,)

    def model(self, key: jax.Array) -> Transformer | Recurrent:
        """The NNX module, newly initialised."""
        rngs = nnx.Rngs(key)
        return (
            Transformer(self.config, rngs)
            if isinstance(self.config, TransformerConfig)
            else Recurrent(self.config, rngs)
        )

    def init(self, key: Any) -> Params:
        """New parameters. Raises `ModelError` if `key` is no JAX key."""
        check_key(key)
        return nnx.to_pure_dict(nnx.split(self.model(key), nnx.Param)[1])

    def apply(
        self,
        params: Params,
        tokens: Any,
        tree: Any = None,
        edit: Any = None,
        sites: Any = None,
        last: Any = None,
    ) -> dict[str, jax.Array]:
        """Every one of `config.sites` by name, or the `sites` asked for, inner ones too; with `last`, from
        the last block on at the last so many positions of sequences alone. Raises `ModelError` for parameters
        of another network, and for tokens, edits, sites and a `last` that are none.
        """
        check_params(self.shapes, params)
        tokens = read(self.config.vocab, self.config.n_ctx, tokens, tree)
        if last is not None:
            check_range("last", fitted("last", int, last), 1, tokens.shape[-1])
            if tree is not None:
                raise ModelError(f"last is {last}, but a tree has no last positions; leave it out")
        return self.module(params)(tokens, tree, edit, sites, last)

    def extend(self, params: Params, tokens: Any, cache: Any = None) -> tuple[jax.Array, Cache]:
        """Read the tokens (B, T) that come next of B sequences of which a `cache` is kept, or begin with
        them: logits (B, T, V), and what is kept then. Sequences of a cache may differ in length.

        Raises `ModelError` as `apply` does, and for a cache of another network or of other sequences. A
        length that is known only when the program runs is not checked: no sequence may grow beyond n_ctx.
        """
        check_params(self.shapes, params)
        tokens = read(self.config.vocab, self.config.n_ctx, tokens)
        if tokens.ndim != 2:
            raise ModelError(f"the tokens have shape {tokens.shape}; give (B, T), a row for each sequence")
        if cache is None:
            cache = empty(self.config.kept, self.config.n_ctx, len(tokens))
        check_cache(self.config.kept, self.config.n_ctx, cache, tokens)
        past = Past(cache, tokens.shape[1])
        logits = self.module(params)(tokens, past, None, ("logits",))["logits"]
        return logits, past.after

    def module(self, params: Params) -> Transformer | Recurrent:
        """The module with these parameters."""
        state = jax.tree.map(
            lambda leaf: leaf, self.abstract
        )  # a fresh container: the next line writes into it
        nnx.replace_by_pure_dict(state, params)
        return nnx.merge(self.structure, state)


def network(config: Config) -> Network:
    """The pure functions of the network that `config` describes. Raises `ModelError` if it is no
    configuration.

    >>> import jax
    >>> import toy
    >>> config = toy.RecurrentConfig(vocab=3, n_ctx=8, n_layers=1, d_model=16, cell="gru")
    >>> net = toy.network(config)
    >>> params = net.init(jax.random.key(0))
    >>> net.apply(params, [[0, 1, 2, 0]])["logits"].shape  # words, positions, symbols
    (1, 4, 3)
    """
    blueprint = Blueprint(fitted("config", Config, config))
    return Network(config, blueprint.init, blueprint.apply, blueprint.extend)


@lru_cache(maxsize=64)
def parameter_shapes(config: Config) -> Mapping[str, tuple[int, ...]]:
    """Shapes of a network's parameters, by dotted path."""
    return Blueprint(config).shapes
