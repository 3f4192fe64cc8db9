"""Quantisation: matrices of a network rounded to so many bits, as they are or so that errors make up for each
other.

Every output channel of a matrix has a grid of its own, of 2^b equal steps from its least to its largest
number, zero among them. Rounding to the nearest treats every number alone. Error-compensated rounding takes
inputs one after another, and lets those that are not rounded yet make up, by least squares on what passes the
layer, for what rounding the last one did: closed form (Frantar et al. 2022, arXiv:2210.17323; optimal brain
surgery before it).
"""

from collections.abc import Mapping
from typing import Any, Literal, get_args

import jax
import numpy as np
from jaxtyping import Float

import toy
from toy.inputs import by_path, dotted
from toy.sites import Place

from ..contexts import Contexts
from ..evidence import observe
from ..forward import alone

Way = Literal["nearest", "compensated"]
WAYS: tuple[Way, ...] = get_args(Way)
"""How matrices are rounded."""
MOST_BITS = 16
DAMPING = 0.01
"""Added to the second moments of inputs, as a share of their mean (Frantar et al. 2022)."""
KERNEL = "kernel"
"""What a matrix is called in a tree of parameters; tables that are looked up, norms and biases are kept."""


def nearest(matrix: Float[np.ndarray, "I O"], bits: int) -> Float[np.ndarray, "I O"]:
    """Every number of a matrix (inputs, outputs) rounded to the grid of its output. Raises `toy.ModelError`
    for other numbers of bits than 1 to 16, and for what is no matrix.
    """
    wide = _matrix(matrix, bits)
    return _on_grid(wide, *_grid(wide, bits))


def compensated(
    matrix: Float[np.ndarray, "I O"], moments: Float[np.ndarray, "J J"], bits: int
) -> Float[np.ndarray, "I O"]:
    """The same grid, but what rounding one input does to the outputs is made up for by the inputs after it.

    `moments` are the second moments E[x x^T] of what the layer is given, about zero. The grid is that of the
    matrix as it was. Inputs come in the order of their second moments, the largest first. Raises
    `toy.ModelError` as `nearest` does, and for moments of another size.
    """
    wide = _matrix(matrix, bits)
    I = len(wide)  # noqa: E741
    if np.shape(moments) != (I, I):
        raise toy.ModelError(
            f"the second moments have shape {np.shape(moments)}; for a matrix of {I} inputs it must be "
            f"{(I, I)}"
        )
    moments = np.asarray(moments, np.float64)
    size = np.diag(moments)
    order = np.argsort(-size, kind="stable")
    damped = moments[np.ix_(order, order)] + np.eye(I) * max(DAMPING * size.mean(), np.finfo(float).tiny)
    # Row i of the upper factor of the inverse says how the inputs after i make up for an error in i.
    upper = np.linalg.cholesky(np.linalg.inv(damped)).T
    low, step, levels = _grid(wide, bits)
    left, out = wide[order].copy(), np.empty_like(wide)
    for i in range(I):
        out[i] = _on_grid(left[i], low, step, levels)
        error = (left[i] - out[i]) / upper[i, i]
        left[i + 1 :] -= upper[i, i + 1 :, None] * error
    return out[np.argsort(order)]


def quantised(
    params: toy.Params,
    bits: int,
    moments: Mapping[str, Float[np.ndarray, "I I"]] | None = None,
) -> toy.Params:
    """Parameters of one network with every matrix rounded to so many bits: leaves of two axes called `kernel`
    in whatever tree; all others are kept.

    With `moments`, by dotted path (`input_moments`), those matrices are rounded error-compensated.
    """

    def rounded(path: Any, leaf: Any) -> Any:
        name = dotted(path)
        if name.rpartition(".")[2] != KERNEL or np.ndim(leaf) != 2:
            return leaf
        known = None if moments is None else moments.get(name)
        found = nearest(leaf, bits) if known is None else compensated(leaf, known, bits)
        return found.astype(np.asarray(leaf).dtype)

    return jax.tree_util.tree_map_with_path(rounded, params)


def matrices(params: toy.Params) -> int:
    """How many numbers `quantised` rounds, in each of the networks of a stack, or in a single one."""
    found = 0
    for name, leaf in by_path(params).items():
        if name.rpartition(".")[2] == KERNEL and np.ndim(leaf) >= 2:
            found += int(np.prod(np.shape(leaf)[-2:]))
    return found


def input_moments(
    config: toy.Config, params: toy.Params, truth: Contexts
) -> Mapping[str, Float[np.ndarray, "I I"]]:
    """Second moments, over all contexts, of what each matrix of one network is given, by dotted path.

    They are those of the network as it is, not of one whose earlier layers are rounded already.
    """
    sites = _inputs(config)
    (seen,) = observe(config, alone(params), truth, tuple(dict.fromkeys(sites.values())))
    found = {}
    wide = {name: np.shape(leaf)[0] for name, leaf in by_path(params).items() if np.ndim(leaf) == 2}
    for name, site in sites.items():
        x = np.asarray(seen.activations[site], np.float64).reshape(len(truth.weight), -1)
        x = _before(x, truth) if Place.of(site).carries else x
        x = x[:, : wide[name]] * np.sqrt(truth.weight)[:, None]  # of an LSTM's state, the hidden vector
        found[name] = x.T @ x
    return found


def _inputs(config: toy.Config) -> dict[str, str]:
    """The site that passes into each matrix."""
    if isinstance(config, toy.RecurrentConfig):
        into = {"dense_i": "resid_pre", "dense_h": "state"}
    else:
        normed = config.norm != "none"
        into = {"attention.qkv": "ln1.normalized" if normed else "resid_pre", "attention.out": "attn.z"}
        if config.d_mlp:
            into |= {"mlp.into": "ln2.normalized" if normed else "resid_mid", "mlp.out": "mlp.post"}
    found = {
        f"blocks.{i}.{layer}.{KERNEL}": Place(kind, i).name
        for i in range(config.n_layers)
        for layer, kind in into.items()
    }
    last = config.sites[-2]  # what the unembedding is given
    return found if config.tied else found | {"unembed.kernel": last}


def _before(state: Float[np.ndarray, "N d"], truth: Contexts) -> Float[np.ndarray, "N d"]:
    """The state that each context's last step began from: its parent's, zeros at first."""
    if truth.tree is None:
        by_word = state.reshape(-1, truth.n_ctx, state.shape[1])
        return np.concatenate([np.zeros_like(by_word[:, :1]), by_word[:, :-1]], 1).reshape(state.shape)
    with_root = np.concatenate([np.zeros_like(state[:1]), state])
    return with_root[truth.tree.parent[1:]]


def _matrix(matrix: Any, bits: int) -> Float[np.ndarray, "I O"]:
    if not isinstance(bits, int | np.integer) or isinstance(bits, bool) or not 1 <= bits <= MOST_BITS:
        raise toy.ModelError(f"bits is {bits!r}; it must be a whole number from 1 to {MOST_BITS}")
    wide = np.asarray(matrix, np.float64)
    if wide.ndim != 2 or not wide.size:
        raise toy.ModelError(f"a matrix of shape {wide.shape} is given; it must be (inputs, outputs)")
    return wide


def _grid(wide: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Least number, step and number of steps of each output's grid, which has zero on it."""
    levels = 2**bits - 1
    low, high = np.minimum(wide.min(0), 0), np.maximum(wide.max(0), 0)
    step = np.where(high > low, high - low, 1.0) / levels
    return step * np.round(low / step), step, levels


def _on_grid(x: np.ndarray, low: np.ndarray, step: np.ndarray, levels: int) -> np.ndarray:
    return np.asarray(low + step * np.clip(np.round((x - low) / step), 0, levels))
