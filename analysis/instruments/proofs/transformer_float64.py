"""A transformer in float64, on a packed tree: what the stored parameters say in real numbers, but for
rounding that is ten thousand times smaller than what float32 does.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.special import expit, softmax

import processes
import toy
from toy.layers.rotary import BASE
from toy.transformer import EPSILON

from ..forward import cast_up

ROWS = 4096
"""Nodes whose attention is worked out at once."""


def _gelu(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


ACTIVATIONS: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "relu": lambda x: np.maximum(x, 0.0),
    "gelu": _gelu,
    "silu": lambda x: x * expit(x),
    "tanh": np.tanh,
}


def logits(
    config: toy.TransformerConfig, params: toy.Params, tree: processes.PrefixTree
) -> Float[np.ndarray, "N V"]:
    """Logits after every word of a tree but the empty one."""
    p: Any = params
    x = cast_up(p["embed"]["embedding"])[tree.token[1:]]
    position = tree.length[1:] - 1
    if config.positions == "learned":
        x = x + cast_up(p["positions"]["embedding"])[position]
    for _, block in sorted(p["blocks"].items(), key=lambda item: int(item[0])):
        normed = _norm(config, block.get("attention_norm"), x)
        x = x + _dense(block["attention"]["out"], _mixed(config, block["attention"], normed, tree))
        if config.d_mlp:
            mlp = block["mlp"]
            hidden = _dense(mlp["into"], _norm(config, mlp.get("norm"), x))
            x = x + _dense(mlp["out"], ACTIVATIONS[config.activation](hidden))
    x = _norm(config, p.get("norm"), x)
    return x @ (cast_up(p["embed"]["embedding"]).T if config.tied else cast_up(p["unembed"]["kernel"]))


def _dense(layer: Any, x: Float[np.ndarray, "N d"]) -> Float[np.ndarray, "N e"]:
    return x @ cast_up(layer["kernel"]) + cast_up(layer["bias"])


def _norm(config: toy.TransformerConfig, layer: Any, x: Float[np.ndarray, "N d"]) -> Float[np.ndarray, "N d"]:
    if config.norm == "none":
        return x
    x = x - x.mean(-1, keepdims=True) if config.norm == "layer" else x
    scaled = x / np.sqrt(np.square(x).mean(-1, keepdims=True) + EPSILON) * cast_up(layer["scale"])
    return scaled + cast_up(layer["bias"]) if config.norm == "layer" else scaled


def _mixed(
    config: toy.TransformerConfig, layer: Any, x: Float[np.ndarray, "N d"], tree: processes.PrefixTree
) -> Float[np.ndarray, "N e"]:
    N, H, d = len(x), config.n_heads, config.d_head
    q, k, v = np.split(_dense(layer["qkv"], x).reshape(N, 3 * H, d), 3, axis=1)
    position, above = tree.length[1:] - 1, tree.ancestors[1:] - 1
    if config.mixer == "decay":
        kept = expit(cast_up(layer["log_odds"]))[..., None]
        return _decayed(kept, q / np.sqrt(d), k, v, position, above)
    if config.positions == "rotary":
        q, k = _turned(q, position), _turned(k, position)
    mixed = np.empty((N, H * d))
    for first in range(0, N, ROWS):
        rows = slice(first, first + ROWS)
        past = above[rows]
        score = np.einsum("nhd,nchd->nhc", q[rows] / np.sqrt(d), k[past])
        score = np.where(past[:, None, :] >= 0, score, -np.inf)
        mixed[rows] = np.einsum("nhc,nchd->nhd", softmax(score, -1), v[past]).reshape(-1, H * d)
    return mixed


def _turned(x: np.ndarray, position: np.ndarray) -> np.ndarray:
    half = x.shape[-1] // 2
    angle = position[:, None, None] * BASE ** (-np.arange(half) / half)
    a, b = x[..., :half], x[..., half:]
    return np.concatenate([a * np.cos(angle) - b * np.sin(angle), a * np.sin(angle) + b * np.cos(angle)], -1)


def _decayed(
    kept: np.ndarray, q: np.ndarray, k: np.ndarray, v: np.ndarray, position: np.ndarray, above: np.ndarray
) -> np.ndarray:
    state = k[..., None] * v[..., None, :]
    for t in range(1, position.max() + 1):
        here = np.flatnonzero(position == t)
        state[here] += kept * state[above[here, t - 1]]
    return np.einsum("nhk,nhkv->nhv", q, state).reshape(len(q), -1)
