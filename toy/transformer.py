"""A decoder-only transformer with every intermediate returned."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, Int

from .cache import Past
from .checks import MAX_LAYERS, MAX_TOKENS, check_fields, fitted
from .inputs import read
from .layers.attention import Attention
from .layers.decay import Decay
from .layers.fast_layers import LayerNorm, Linear, RMSNorm
from .packed_tree import Tree
from .sites import Edit, ModelError, Place, Sites, residual_stream

EPSILON = 1e-5
"""Added to the variance in norms."""
ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "relu": jax.nn.relu,
    "gelu": jax.nn.gelu,
    "silu": jax.nn.silu,
    "tanh": jnp.tanh,
}


@dataclass(frozen=True)
class TransformerConfig:
    """Shape of a transformer.

    >>> from toy import TransformerConfig
    >>> config = TransformerConfig(vocab=3, n_ctx=8, n_layers=1, n_heads=2, d_model=16, d_head=8, d_mlp=32)
    >>> config.sites[:3], config.sites[-2:]
    (('embed', 'blocks.0.resid_pre', 'blocks.0.attn_pattern'), ('final_norm', 'logits'))
    """

    vocab: int
    """Number of symbols it reads and predicts."""
    n_ctx: int
    """Longest context it can read."""
    n_layers: int
    """Number of blocks."""
    n_heads: int
    """Attention heads per block."""
    d_model: int
    """Width of the residual stream."""
    d_head: int
    """Width of a head's queries, keys and values; need not be d_model / n_heads."""
    d_mlp: int
    """Hidden width of the MLP; 0 makes an attention-only network."""
    activation: Literal["relu", "gelu", "silu", "tanh"] = "relu"
    """Nonlinearity of the MLP."""
    norm: Literal["layer", "rms", "none"] = "layer"
    """Normalisation before attention, before the MLP and before the unembedding."""
    positions: Literal["learned", "rotary", "none"] = "learned"
    """Absolute position embedding, rotation of queries and keys by position, or none."""
    mixer: Literal["attention", "decay"] = "attention"
    """How the past is mixed in: softmax attention, or linear attention with a decaying state (which has no
    attention pattern).
    """
    myopic: bool = False
    """Let no gradient reach the keys and values of earlier positions, so that no position is trained to help
    later ones.
    """
    tied: bool = False
    """Unembed with the transpose of the embedding."""

    def __post_init__(self):
        least = {"vocab": 1, "n_ctx": 1, "n_layers": 1, "n_heads": 1, "d_model": 1, "d_head": 1, "d_mlp": 0}
        check_fields(self, least, {"n_ctx": MAX_TOKENS, "n_layers": MAX_LAYERS})
        if self.positions == "rotary" and self.d_head % 2:
            raise ModelError(
                f"d_head is {self.d_head}; rotary positions turn pairs of channels, so it must be even"
            )
        if self.positions == "rotary" and self.mixer == "decay":
            raise ModelError(
                "positions is 'rotary' but the channels of a 'decay' mixer forget at rates of their own; use "
                "learned or none"
            )

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of all sites, in the order in which a forward pass meets them."""
        mixed = "attn_pattern" if self.mixer == "attention" else "state"
        block = [
            "resid_pre",
            mixed,
            "attn_out",
            "resid_mid",
            *(["mlp_out"] if self.d_mlp else []),
            "resid_post",
        ]
        return (
            "embed",
            *(Place(s, i).name for i in range(self.n_layers) for s in block),
            "final_norm",
            "logits",
        )

    @property
    def inner_sites(self) -> tuple[str, ...]:
        """Names of the sites inside norms, heads and MLPs, which are read if asked for; in the same order."""

        def norm(name: str) -> list[str]:
            return [f"{name}.scale", f"{name}.normalized"] if self.norm != "none" else []

        block = [
            *norm("ln1"),
            *("attn.q", "attn.k", "attn.v"),
            *(("attn.rot_q", "attn.rot_k") if self.positions == "rotary" else ()),
            *(("attn.attn_scores",) if self.mixer == "attention" else ()),
            "attn.z",
            *((*norm("ln2"), "mlp.pre", "mlp.post") if self.d_mlp else ()),
        ]
        return (
            *(Place(s, i).name for i in range(self.n_layers) for s in block),
            *norm("ln_final")[:1],  # what comes of it is `final_norm`
        )

    @property
    def kept(self) -> Mapping[str, tuple[int, ...]]:
        """Shapes of what a cache keeps of a token, by what each block calls it."""
        if self.mixer == "decay":
            return {f"blocks.{i}.state": (self.n_heads * self.d_head**2,) for i in range(self.n_layers)}
        return {f"blocks.{i}": (2 * self.n_heads, self.d_head) for i in range(self.n_layers)}

    @property
    def stream(self) -> tuple[str, ...]:
        """The sites along the residual stream: before the first block, then after each."""
        return residual_stream(self.n_layers)


class Transformer(nnx.Module):
    """Pre-norm decoder: embed, n_layers x (attention, MLP), norm, unembed."""

    def __init__(self, config: TransformerConfig, rngs: nnx.Rngs):
        self.config = config = fitted("config", TransformerConfig, config)
        self.embed = nnx.Embed(config.vocab, config.d_model, rngs=rngs)
        self.positions = (
            nnx.Embed(config.n_ctx, config.d_model, rngs=rngs) if config.positions == "learned" else None
        )
        self.blocks = nnx.List([Block(config, rngs) for _ in range(config.n_layers)])
        self.norm = _norm(config, rngs)
        self.unembed = (
            None if config.tied else Linear(config.d_model, config.vocab, use_bias=False, rngs=rngs)
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
        (B, T) of which a `Past` is kept; returns `config.sites` by name, or the `sites` asked for.

        With `last`, what follows the last block's keys and values is worked out at the last so many positions
        of sequences alone, which are all that sites hold from there on.
        """
        if not isinstance(tree, Past):
            tokens = read(self.config.vocab, self.config.n_ctx, tokens, tree)
        at = Sites(self.config.sites, edit, sites, self.config.inner_sites)
        x = at("embed", self.embed(tokens))
        if self.positions is not None:
            x = x + self.positions(
                jnp.arange(tokens.shape[-1]) if tree is None else jnp.asarray(tree.position)
            )
        for i, block in enumerate(self.blocks):
            x = block(x, tree, at, f"blocks.{i}", last if i == self.config.n_layers - 1 else None)
        x = at("final_norm", self.norm(x, at=at, name="ln_final"))
        at("logits", self.embed.attend(x) if self.unembed is None else self.unembed(x))
        return at.read


class Block(nnx.Module):
    """Attention (or its linear, decaying kind), then an MLP unless d_mlp is 0, each added to the residual
    stream.
    """

    def __init__(self, config: TransformerConfig, rngs: nnx.Rngs):
        self.attention_norm = _norm(config, rngs)
        shape = (config.d_model, config.n_heads, config.d_head)
        self.attention: Attention | Decay = (
            Attention(*shape, config.positions == "rotary", config.myopic, rngs=rngs)
            if config.mixer == "attention"
            else Decay(*shape, config.n_ctx, config.myopic, rngs=rngs)
        )
        self.mlp = MLP(config, rngs) if config.d_mlp else None

    def __call__(
        self,
        x: Float[Array, "*n d"],
        tree: Tree | Past | None,
        at: Sites,
        name: str,
        last: int | None = None,
    ) -> Float[Array, "*m d"]:
        """Residual stream in, residual stream out, at the `last` positions alone where they are given;
        records the sites of block `name` with `at`.
        """
        x = at(f"{name}.resid_pre", x)
        mixed = at(f"{name}.attn_out", self._mixed(x, tree, at, name, last))
        x = at(f"{name}.resid_mid", (x if last is None else x[..., -last:, :]) + mixed)
        if self.mlp is not None:
            x = x + at(f"{name}.mlp_out", self.mlp(x, at, name))
        return at(f"{name}.resid_post", x)

    def _mixed(
        self, x: Float[Array, "*n d"], tree: Tree | Past | None, at: Sites, name: str, last: int | None
    ) -> Float[Array, "*m d"]:
        x = self.attention_norm(x, at=at, name=f"{name}.ln1")
        if isinstance(self.attention, Attention):
            return self.attention(x, tree, at, name, last)
        mixed = self.attention(x, tree, at, name)
        return mixed if last is None else mixed[..., -last:, :]


class MLP(nnx.Module):
    """Norm, one hidden layer."""

    def __init__(self, config: TransformerConfig, rngs: nnx.Rngs):
        self.norm = _norm(config, rngs)
        self.into = Linear(config.d_model, config.d_mlp, rngs=rngs)
        self.out = Linear(config.d_mlp, config.d_model, rngs=rngs)
        self.activation = ACTIVATIONS[config.activation]

    def __call__(self, x: Float[Array, "*n d"], at: Sites, name: str) -> Float[Array, "*n d"]:
        """What is added to the residual stream x (..., d_model); records the inner sites with `at`."""
        before = at(f"{name}.mlp.pre", self.into(self.norm(x, at=at, name=f"{name}.ln2")))
        return self.out(at(f"{name}.mlp.post", self.activation(before)))


def _norm(config: TransformerConfig, rngs: nnx.Rngs) -> Callable[..., jax.Array]:
    if config.norm == "layer":
        return LayerNorm(config.d_model, epsilon=EPSILON, rngs=rngs)
    if config.norm == "rms":
        return RMSNorm(config.d_model, epsilon=EPSILON, rngs=rngs)
    return lambda x, at, name: x
