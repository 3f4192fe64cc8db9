"""Weights under TransformerLens's names and in its shapes, and back: those of `HookedTransformer`, and those
of `TransformerBridge.boot_native`.

Every option that both sides know is handed over; what computes otherwise there is refused. Names and settings
are those of TransformerLens 2.18 and 4.3. Nothing is computed but transpositions, so that there and back is
the same to the bit; what theirs have and ours have not (a bias of the unembedding; positions, where ours has
none) is zero.
"""

from collections.abc import Mapping
from typing import Any, Literal

import jax
import numpy as np

from .bridge import Config, Params, network, parameter_shapes
from .checks import fitted
from .inputs import by_path, check_params
from .sites import ModelError
from .transformer import EPSILON, TransformerConfig

Generation = Literal["hooked", "bridge"]
"""`HookedTransformer`, or `TransformerBridge.boot_native`."""
Weights = Mapping[str, np.ndarray]
ACTIVATIONS = {"relu": "relu", "gelu": "gelu_new", "silu": "silu"}
"""Ours by their names: our gelu is the approximation by tanh."""
NORMS = {"layer": "LN", "rms": "RMS", "none": None}
BUFFERS = (".attn.mask", ".attn.IGNORE", ".attn.rotary_sin", ".attn.rotary_cos")
"""What a state of HookedTransformer holds beside its weights."""
Layout = Literal["by head", "from heads", "matrix", "bias by head", "as it is"]
"""How a weight stands in the first generation, beside PyTorch's linear layers: (heads, in, each), (heads,
each, out), (in, out), (heads, each), or the same.
"""
BRIDGED: Mapping[str, tuple[str, Layout]] = {
    **{f"attn.W_{x}": (f"attn.{x.lower()}.weight", "by head") for x in "QKV"},
    "attn.W_O": ("attn.o.weight", "from heads"),
    **{f"attn.b_{x}": (f"attn.{x.lower()}.bias", "bias by head") for x in "QKV"},
    "attn.b_O": ("attn.o.bias", "as it is"),
    "mlp.W_in": ("mlp.in.weight", "matrix"),
    "mlp.b_in": ("mlp.in.bias", "as it is"),
    "mlp.W_out": ("mlp.out.weight", "matrix"),
    "mlp.b_out": ("mlp.out.bias", "as it is"),
    "W_E": ("weight", "as it is"),
    "W_pos": ("weight", "as it is"),
    "W_U": ("weight", "matrix"),
    "b_U": ("bias", "as it is"),
    "w": ("weight", "as it is"),
    "b": ("bias", "as it is"),
}
"""How names of the first generation end, and those of the second: PyTorch's own, with its shapes."""


def transformer_lens_settings(config: Config, generation: Generation = "hooked") -> dict[str, Any]:
    """The arguments of `HookedTransformerConfig`, or of `TransformerBridgeConfig`, for this network.

    Raises `ModelError` for one that TransformerLens cannot compute.
    """
    config = fitted("config", Config, config)
    generation = fitted("generation", Generation, generation)
    if not isinstance(config, TransformerConfig):
        raise ModelError(f"the network is a {config.cell}, but TransformerLens has transformers only")
    if config.mixer != "attention":
        raise ModelError(f"the mixer is {config.mixer!r}, but TransformerLens knows softmax attention only")
    if config.d_mlp and config.activation not in ACTIVATIONS:
        raise ModelError(
            f"the activation is {config.activation!r}, but TransformerLens has, of ours, "
            f"{', '.join(ACTIVATIONS)} only"
        )
    rotary = config.positions == "rotary"
    if rotary and generation == "bridge" and config.d_head > 2:
        raise ModelError(
            "the positions are rotary, but TransformerBridge turns channels 2j and 2j + 1 where ours turns j "
            "and j + d_head/2; HookedTransformer turns them as ours does"
        )
    sizes = ("n_layers", "n_heads", "d_model", "d_head", "n_ctx")
    return {name: getattr(config, name) for name in sizes} | {
        "d_vocab": config.vocab,
        "d_mlp": config.d_mlp or None,
        "attn_only": config.d_mlp == 0,
        "act_fn": ACTIVATIONS.get(config.activation, "relu"),
        "normalization_type": NORMS[config.norm],
        "eps": EPSILON,
        "positional_embedding_type": "rotary" if rotary else "standard",
        **({"rotary_dim": config.d_head, "rotary_base": 10_000} if rotary else {}),
        "default_prepend_bos": False,
    }


def to_transformer_lens(
    config: Config, params: Params, generation: Generation = "hooked"
) -> dict[str, np.ndarray]:
    """The weights of one network by their names there. Raises `ModelError` for what cannot be handed over."""
    transformer_lens_settings(config, generation)
    assert isinstance(config, TransformerConfig)
    check_params(parameter_shapes(config), params)
    ours = {path: np.asarray(leaf) for path, leaf in by_path(params).items()}
    found = {
        "embed.W_E": ours["embed.embedding"],
        "unembed.W_U": ours["embed.embedding"].T if config.tied else ours["unembed.kernel"],
        "unembed.b_U": np.zeros(config.vocab, np.float32),
    }
    if config.positions != "rotary":
        none = np.zeros((config.n_ctx, config.d_model), np.float32)
        found["pos_embed.W_pos"] = ours.get("positions.embedding", none)
    for path, theirs in _same(config).items():
        found[theirs] = ours[path]
    d, h, k = config.d_model, config.n_heads, config.d_head
    for i in range(config.n_layers):
        mixer, there = f"blocks.{i}.attention", f"blocks.{i}.attn"
        kernel = ours[f"{mixer}.qkv.kernel"].reshape(d, 3, h, k).transpose(1, 2, 0, 3)
        bias = ours[f"{mixer}.qkv.bias"].reshape(3, h, k)
        found |= {f"{there}.W_{name}": kernel[j] for j, name in enumerate("QKV")}
        found |= {f"{there}.b_{name}": bias[j] for j, name in enumerate("QKV")}
        found[f"{there}.W_O"] = ours[f"{mixer}.out.kernel"].reshape(h, k, d)
    if generation == "bridge":
        bridged = {name: _bridged(name) for name in found}
        found = {theirs: _as_linear(found[name], layout) for name, (theirs, layout) in bridged.items()}
    return {name: np.ascontiguousarray(found[name]) for name in sorted(found)}


def from_transformer_lens(config: Config, weights: Weights) -> Params:
    """The parameters of a network of ours from weights of either generation.

    Raises `ModelError` if they are not those of such a network, or hold what it cannot: a bias of the
    unembedding, positions where it has none, an unembedding of its own where it is tied.
    """
    transformer_lens_settings(config)
    assert isinstance(config, TransformerConfig)
    weights = fitted("weights", Mapping, weights)
    theirs = {
        str(name): np.asarray(value) for name, value in weights.items() if not str(name).endswith(BUFFERS)
    }
    like = jax.eval_shape(network(config).init, jax.random.key(0))
    zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, np.float32), like)
    generation: Generation = "bridge" if "embed.weight" in theirs else "hooked"
    transformer_lens_settings(config, generation)
    _check(theirs, to_transformer_lens(config, zeros, generation))
    if generation == "bridge":
        heads = (config.n_heads, config.d_head)
        bridged = {name: _bridged(name) for name in to_transformer_lens(config, zeros)}
        theirs = {name: _from_linear(theirs[at], layout, heads) for name, (at, layout) in bridged.items()}
    _check_zero(config, theirs)
    ours = {path: theirs[name] for path, name in _same(config).items()}
    ours["embed.embedding"] = theirs["embed.W_E"]
    if config.positions == "learned":
        ours["positions.embedding"] = theirs["pos_embed.W_pos"]
    if not config.tied:
        ours["unembed.kernel"] = theirs["unembed.W_U"]
    d = config.d_model
    for i in range(config.n_layers):
        mixer, there = f"blocks.{i}.attention", f"blocks.{i}.attn"
        kernel = np.stack([theirs[f"{there}.W_{name}"] for name in "QKV"])
        bias = np.stack([theirs[f"{there}.b_{name}"] for name in "QKV"])
        ours[f"{mixer}.qkv.kernel"] = kernel.transpose(2, 0, 1, 3).reshape(d, -1)
        ours[f"{mixer}.qkv.bias"] = bias.reshape(-1)
        ours[f"{mixer}.out.kernel"] = theirs[f"{there}.W_O"].reshape(-1, d)
    leaves = [np.array(ours[path], np.float32) for path in by_path(like)]
    return jax.tree.unflatten(jax.tree.structure(like), leaves)


def _same(config: TransformerConfig) -> dict[str, str]:
    """Parameters of equal shape here and in HookedTransformer: our path, their name."""
    norm = {"layer": {"scale": "w", "bias": "b"}, "rms": {"scale": "w"}, "none": {}}[config.norm]
    found = {f"norm.{ours}": f"ln_final.{theirs}" for ours, theirs in norm.items()}
    for i in range(config.n_layers):
        pairs = {"attention.out.bias": "attn.b_O"}
        pairs |= {f"attention_norm.{ours}": f"ln1.{theirs}" for ours, theirs in norm.items()}
        if config.d_mlp:
            pairs |= {f"mlp.norm.{ours}": f"ln2.{theirs}" for ours, theirs in norm.items()}
            pairs |= {"mlp.into.kernel": "mlp.W_in", "mlp.into.bias": "mlp.b_in"}
            pairs |= {"mlp.out.kernel": "mlp.W_out", "mlp.out.bias": "mlp.b_out"}
        found |= {f"blocks.{i}.{ours}": f"blocks.{i}.{theirs}" for ours, theirs in pairs.items()}
    return found


def _bridged(name: str) -> tuple[str, Layout]:
    """The name in the second generation of what has this one in the first, and how it stands in that."""
    end = next(end for end in BRIDGED if name.endswith(f".{end}"))
    theirs, layout = BRIDGED[end]
    return name.removesuffix(end) + theirs, layout


def _as_linear(value: np.ndarray, layout: Layout) -> np.ndarray:
    """A weight as PyTorch's linear layers have it: (out, in), heads side by side."""
    match layout:
        case "by head":
            return value.transpose(0, 2, 1).reshape(-1, value.shape[1])
        case "from heads":
            return value.reshape(-1, value.shape[2]).T
        case "matrix":
            return value.T
        case "bias by head":
            return value.reshape(-1)
    return value


def _from_linear(value: np.ndarray, layout: Layout, heads: tuple[int, int]) -> np.ndarray:
    """The reverse."""
    match layout:
        case "by head":
            return value.reshape(*heads, -1).transpose(0, 2, 1)
        case "from heads":
            return value.T.reshape(*heads, -1)
        case "matrix":
            return value.T
        case "bias by head":
            return value.reshape(heads)
    return value


def _check(theirs: Weights, like: Weights) -> None:
    lacking, foreign = sorted(set(like) - set(theirs)), sorted(set(theirs) - set(like))
    for what, names in (("lack", lacking), ("have", foreign)):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            raise ModelError(
                f"the weights {what} {', '.join(map(repr, names[:3]))}{more}, so they are not those of this "
                "network; give them as TransformerLens's state_dict has them, and the configuration they "
                "are of"
            )
    for name, value in theirs.items():
        if value.shape != like[name].shape:
            raise ModelError(
                f"the weights {name!r} have shape {value.shape}, but this network's have {like[name].shape}; "
                "use the configuration that they are of"
            )
        if value.dtype != np.float32:
            raise ModelError(f"the weights {name!r} are {value.dtype}; they must be float32")


def _check_zero(config: TransformerConfig, theirs: Weights) -> None:
    if theirs["unembed.b_U"].any():
        raise ModelError("the weights 'unembed.b_U' are not zero, but our unembedding has no bias")
    if config.positions == "none" and theirs["pos_embed.W_pos"].any():
        raise ModelError("the weights 'pos_embed.W_pos' are not zero, but positions is 'none'; use 'learned'")
    if config.tied and not np.array_equal(theirs["unembed.W_U"], theirs["embed.W_E"].T):
        raise ModelError(
            "the weights 'unembed.W_U' are not the transpose of 'embed.W_E', but tied is True; use False"
        )
