"""Sparse dictionaries: autoencoders of which few latents are active at a time, fitted to activations.

With x the activations about their mean and of mean square one, W the encoder, D the decoder (unit rows) and
c a learned centre,

    z = s((x - c) W + b),    x' = z D + c,

where s keeps the k largest of relu(.) (TopK: Gao et al. 2024, arXiv:2406.04093), or what is above a threshold
of each latent (JumpReLU: Rajamanoharan et al. 2024, arXiv:2407.14435), they minimise E |x - x'|^2; JumpReLU
with a penalty (E |z|_0 / k - 1)^2 for its number of active latents. Thresholds get their gradients as if
steps were logistic; those of a rectangular window, as in the paper, left thresholds where no value was near.
What dictionaries are worth is scored in `analysis.instruments.decompositions.features`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jaxtyping import Array, Float

import toy
import train

from ..statistics import systematic

Kind = Literal["topk", "jumprelu"]
KINDS: tuple[Kind, ...] = get_args(Kind)
STEPS, BATCH, RATE = 3000, 256, 3e-3
"""Of Adam, with a cosine; rows of a batch are drawn by their weights."""
DRAWN = 16_384
"""Rows that batches are taken from, drawn beforehand."""
WINDOW = 0.1
"""Of the logistic step, in units of the activations' root mean square."""
THRESHOLD = 0.05
"""Of JumpReLU to begin with."""
PENALTY = 1.0
"""Of a relative error of one in the number of active latents, in units of the variance."""


class Autoencoder(nnx.Module):
    """The encoder, the decoder, and what decides which latents are active; as initialised a random dictionary
    whose encoder is its decoder's transpose.
    """

    def __init__(self, d: int, latents: int, k: int, kind: Kind, *, rngs: nnx.Rngs):
        self.k, self.kind = k, kind
        directions = jax.random.normal(rngs.params(), (latents, d))
        directions = directions / jnp.linalg.norm(directions, axis=1, keepdims=True)
        self.decoder = nnx.Param(directions)
        self.encoder = nnx.Param(directions.T)
        self.offset = nnx.Param(jnp.zeros(latents))
        self.centre = nnx.Param(jnp.zeros(d))
        self.log_threshold = nnx.Param(jnp.full(latents, jnp.log(THRESHOLD)))

    def __call__(self, x: Float[Array, "N d"]) -> tuple[Array, Array, Array]:
        """Latents (N, m), reconstruction (N, d), and the number of active latents of each row."""
        pre = (x - self.centre[...]) @ self.encoder[...] + self.offset[...]
        if self.kind == "topk":
            least = jax.lax.top_k(pre, self.k)[0][:, -1:]
            z = jnp.where(pre >= least, jax.nn.relu(pre), 0.0)
            active = (z > 0).sum(1).astype(jnp.float32)
        else:
            threshold = jnp.exp(self.log_threshold[...])
            z, active = _jump(pre, threshold), _above(pre, threshold).sum(1)
        rows = self.decoder[...]
        back = z @ (rows / jnp.linalg.norm(rows, axis=1, keepdims=True)) + self.centre[...]
        return z, back, active


def _near(pre: Array, threshold: Array) -> Array:
    """The density through which a step is seen: logistic, so that thresholds that are far from all values are
    told where to go as well.
    """
    at = jax.nn.sigmoid((pre - threshold) / WINDOW)
    return at * (1 - at) / WINDOW


@jax.custom_vjp
def _jump(pre: Array, threshold: Array) -> Array:
    return pre * (pre > threshold)


@jax.custom_vjp
def _above(pre: Array, threshold: Array) -> Array:
    return (pre > threshold).astype(jnp.float32)


def _kept(function: Callable[..., Array]) -> Callable[..., Any]:
    return lambda pre, threshold: (function(pre, threshold), (pre, threshold))


def _jump_back(kept: tuple[Array, Array], g: Array) -> tuple[Array, Array]:
    pre, threshold = kept
    return g * (pre > threshold), (-threshold * _near(pre, threshold) * g).sum(0)


def _above_back(kept: tuple[Array, Array], g: Array) -> tuple[Array, Array]:
    pre, threshold = kept
    return jnp.zeros_like(pre), (-_near(pre, threshold) * g).sum(0)


_jump.defvjp(_kept(_jump), _jump_back)
_above.defvjp(_kept(_above), _above_back)


@dataclass(frozen=True, eq=False)
class Dictionary:
    """A fitted dictionary: from activations (N, d) to latents (N, m), and back."""

    kind: Kind
    k: int
    mean: Float[np.ndarray, "d"]
    scale: float
    params: Any

    def __call__(self, x: Float[np.ndarray, "N d"]) -> Float[np.ndarray, "N m"]:
        """Latents."""
        return self._passed(x)[0]

    def explained(self, x: Float[np.ndarray, "N d"], weight: Float[np.ndarray, "N"]) -> float:
        """Share of the variance of activations that the reconstruction has."""
        centred = np.asarray(x, np.float64) - self.mean
        w = weight / weight.sum()
        left = w @ ((centred - self.scale * self._passed(x)[1]) ** 2).sum(1)
        return 1 - float(left / (w @ ((centred - w @ centred) ** 2).sum(1)))

    def _passed(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows = jnp.asarray((np.asarray(x, np.float64) - self.mean) / self.scale, jnp.float32)
        z, back = _encode(self.kind, self.k)(self.params, rows)
        return np.asarray(z, np.float64), np.asarray(back, np.float64)


@train.pinned()
def dictionary(
    x: np.ndarray,
    weight: np.ndarray,
    *,
    latents: int,
    k: int,
    kind: str = "topk",
    seed: int = 0,
    steps: int = STEPS,
) -> Dictionary:
    """Fit a dictionary of so many latents, k of them active at a time (JumpReLU: on average), to activations
    (N, d) of weights (N,). With no steps, a random one.

    Raises `toy.ModelError` for activations or numbers that make none.
    """
    x, weight, which = np.asarray(x, np.float64), np.asarray(weight, np.float64), _kind(kind)
    _check(x, weight, latents, k)
    w = weight / weight.sum()
    mean = w @ x
    scale = float(np.sqrt(w @ ((x - mean) ** 2).sum(1)))
    if not scale > 0:
        raise toy.ModelError("the activations do not vary, so there is nothing that a dictionary could say")
    drawn = systematic(w, DRAWN, np.random.default_rng(seed).random())
    rows = jnp.asarray((x[drawn] - mean) / scale, jnp.float32)
    params = _fit(which, latents, k, steps)(train.key(seed), rows)
    return Dictionary(which, k, mean, scale, jax.device_get(params))


def _kind(kind: str) -> Kind:
    for known in KINDS:
        if kind == known:
            return known
    raise toy.ModelError(f"the kind of dictionary is {kind!r}; choose one of {', '.join(KINDS)}")


def _check(x: np.ndarray, weight: np.ndarray, latents: int, k: int) -> None:
    if x.ndim != 2 or weight.shape != x.shape[:1]:
        raise toy.ModelError(
            f"activations have shape {x.shape} and weights {weight.shape}; they must be (N, d) and (N,)"
        )
    if not (np.isfinite(x).all() and (weight >= 0).all() and weight.sum() > 0):
        raise toy.ModelError(
            "activations must be finite, and weights at least zero and not all of them zero; leave out what "
            "is not"
        )
    if not 1 <= k <= latents:
        raise toy.ModelError(f"{k} of {latents} latents are to be active; ask for 1 to {latents} of them")


@lru_cache(maxsize=32)
def _encode(kind: str, k: int) -> Callable[..., tuple[Array, Array]]:
    def passed(params, x):
        model = _model(params, kind, k)
        return model(x)[:2]

    return train.jit(passed)


def _model(params: Any, kind: str, k: int) -> Autoencoder:
    m, d = params["decoder"].shape
    made = nnx.eval_shape(lambda: Autoencoder(d, m, k, _kind(kind), rngs=nnx.Rngs(train.key(0))))
    structure, abstract = nnx.split(made, nnx.Param)
    nnx.replace_by_pure_dict(abstract, params)
    return nnx.merge(structure, abstract)


@lru_cache(maxsize=32)
def _fit(kind: str, latents: int, k: int, steps: int) -> Callable[..., Any]:
    """The compiled fit: (key, rows) -> parameters."""
    tx = optax.adam(optax.cosine_decay_schedule(RATE, max(steps, 1)))

    def loss(params, x):
        _, back, active = _model(params, kind, k)(x)
        error = ((x - back) ** 2).sum(1).mean()
        return error + (PENALTY * (active.mean() / k - 1) ** 2 if kind == "jumprelu" else 0.0)

    def run(key, rows):
        begin, shuffle = jax.random.split(key)
        new = Autoencoder(rows.shape[1], latents, k, _kind(kind), rngs=nnx.Rngs(begin))
        params = nnx.to_pure_dict(nnx.state(new, nnx.Param))

        def step(carry, key):
            params, state = carry
            batch = rows[jax.random.randint(key, (BATCH,), 0, len(rows))]
            updates, state = tx.update(jax.grad(loss)(params, batch), state)
            return (optax.apply_updates(params, updates), state), None

        (params, _), _ = jax.lax.scan(step, (params, tx.init(params)), jax.random.split(shuffle, steps))
        return params

    return train.jit(run)
