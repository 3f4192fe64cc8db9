"""A stack of recurrent layers with every intermediate returned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Int

from .cache import Past
from .checks import MAX_LAYERS, MAX_TOKENS, check_fields
from .inputs import read
from .layers.recurrence import states
from .packed_tree import Tree
from .sites import Edit, Place, Sites, residual_stream

CELLS = {"rnn": nnx.SimpleCell, "gru": nnx.GRUCell, "lstm": nnx.OptimizedLSTMCell}


@dataclass(frozen=True)
class RecurrentConfig:
    """Shape of a recurrent network."""

    vocab: int
    """Number of symbols it reads and predicts."""
    n_ctx: int
    """Longest context it is given; its weights would read on, but results are about this length."""
    n_layers: int
    """Number of recurrent layers."""
    d_model: int
    """Width of the embedding and of every hidden state."""
    cell: Literal["rnn", "gru", "lstm"]
    """tanh network (Elman 1990), gated recurrent unit (Cho 2014) or long short-term memory (Hochreiter and
    Schmidhuber 1997).
    """
    tied: bool = False
    """Unembed with the transpose of the embedding."""

    def __post_init__(self):
        check_fields(
            self,
            {"vocab": 1, "n_ctx": 1, "n_layers": 1, "d_model": 1},
            {"n_ctx": MAX_TOKENS, "n_layers": MAX_LAYERS},
        )

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of all sites, in the order in which a forward pass meets them."""
        return (
            "embed",
            *(Place(s, i).name for i in range(self.n_layers) for s in ("resid_pre", "state", "resid_post")),
            "logits",
        )

    @property
    def inner_sites(self) -> tuple[str, ...]:
        """None: a cell is one step."""
        return ()

    @property
    def kept(self) -> Mapping[str, tuple[int, ...]]:
        """Shapes of what a cache keeps of a token, by what each block calls it."""
        width = self.d_model * (2 if self.cell == "lstm" else 1)
        return {f"blocks.{i}.state": (width,) for i in range(self.n_layers)}

    @property
    def stream(self) -> tuple[str, ...]:
        """The sites between layers: before the first, then after each."""
        return residual_stream(self.n_layers)


class Recurrent(nnx.Module):
    """Embed, n_layers x cell, unembed.

    `state` is all that a layer carries from one position to the next: the hidden vector, and after it, for an
    LSTM, the cell vector. `resid_post` is the hidden vector as it goes on to the next layer: an edit of it
    does not reach the layer's own next state, one of `state` reaches both.
    """

    def __init__(self, config: RecurrentConfig, rngs: nnx.Rngs):
        self.config = config
        self.embed = nnx.Embed(config.vocab, config.d_model, rngs=rngs)
        self.blocks = nnx.List(
            [CELLS[config.cell](config.d_model, config.d_model, rngs=rngs) for _ in range(config.n_layers)]
        )
        self.unembed = (
            None if config.tied else nnx.Linear(config.d_model, config.vocab, use_bias=False, rngs=rngs)
        )

    def __call__(
        self,
        tokens: Int[Array, "*n"],
        tree: Tree | Past | None = None,
        edit: Edit | None = None,
        sites: Sequence[str] | None = None,
        last: int | None = None,
    ) -> dict[str, Float[Array, "..."]]:
        """Run on sequences (..., T), on the N nodes of a packed `tree`, or on what comes next of sequences
        (B, T) of which a `Past` is kept; returns `config.sites` by name, or the `sites` asked for; logits at
        the `last` so many positions of sequences alone where they are given.
        """
        if not isinstance(tree, Past):
            tokens = read(self.config.vocab, self.config.n_ctx, tokens, tree)
        at, d = Sites(self.config.sites, edit, sites), self.config.d_model
        x = at("embed", self.embed(tokens))
        for i, cell in enumerate(self.blocks):
            x = at(f"blocks.{i}.resid_pre", x)
            step, width = (
                (partial(_lstm, cell), 2 * d) if self.config.cell == "lstm" else (partial(_plain, cell), d)
            )
            x = at(f"blocks.{i}.resid_post", states(step, x, width, tree, at, f"blocks.{i}.state")[..., :d])
        x = x if last is None else x[..., -last:, :]
        at("logits", self.embed.attend(x) if self.unembed is None else self.unembed(x))
        return at.read


def _plain(cell, state: jax.Array, x: jax.Array) -> jax.Array:
    return cell(state, x)[0]


def _lstm(cell, state: jax.Array, x: jax.Array) -> jax.Array:
    hidden, memory = jnp.split(state, 2, axis=-1)
    (memory, hidden), _ = cell((memory, hidden), x)
    return jnp.concatenate([hidden, memory], axis=-1)
