"""From NNX, which defines networks, to pure functions, which run them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from .recurrent import Recurrent, RecurrentConfig
from .transformer import Transformer, TransformerConfig

Config = TransformerConfig | RecurrentConfig
Params = Any  # a nested dict of float32 arrays


@dataclass(frozen=True, eq=False)
class Network:
    """A network as two pure functions; both may be jitted, differentiated, vmapped over keys or parameters."""

    config: Config
    init: Callable[[jax.Array], Params]  # key -> params
    apply: Callable[..., dict[str, jax.Array]]  # (params, tokens, tree=None, edit=None) -> {site: value}


def network(config: Config) -> Network:
    """The pure functions of the network that `config` describes."""

    def model(key):
        rngs = nnx.Rngs(key)
        return Transformer(config, rngs) if isinstance(config, TransformerConfig) else Recurrent(config, rngs)

    structure, abstract = nnx.split(nnx.eval_shape(lambda: model(jax.random.key(0))), nnx.Param)

    def init(key):
        return nnx.to_pure_dict(nnx.split(model(key), nnx.Param)[1])

    def apply(params, tokens, tree=None, edit=None):
        state = jax.tree.map(lambda leaf: leaf, abstract)  # a fresh container: the next line writes into it
        nnx.replace_by_pure_dict(state, params)
        return nnx.merge(structure, state)(jnp.asarray(tokens), tree, edit)

    return Network(config, init, apply)
