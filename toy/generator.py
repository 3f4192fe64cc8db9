"""A recurrent generator with noise of its own, whose words have exact probabilities.

At each step it draws one of M values z with probabilities of its own choice, moves its state, and emits a
token, which it reads at the next step:

    z_t ~ softmax(A s_{t-1})
    s_t = tanh(W s_{t-1} + X[x_{t-1}] + Z[z_t] + b)
    x_t ~ softmax(U s_t + c)

Noise of few values is noise whose every path can be followed, so that the probability of a word is a finite
sum, exact and differentiable. With M = 1 there is no noise, and it is a recurrent network that predicts.
"""

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Int, PyTree

from .checks import check_fields
from .sites import ModelError

MOST_STATES = 300_000
"""That one step can follow."""


@dataclass(frozen=True)
class GeneratorConfig:
    """Shape of a generator. Raises `ModelError` where its paths are too many to follow."""

    vocab: int
    """Number of symbols it emits."""
    length: int
    """Symbols of a word."""
    noise: int
    """Values that its noise has at each step; 1 for none."""
    d_model: int
    """Width of its state."""

    def __post_init__(self):
        check_fields(self, {"vocab": 2, "length": 1, "noise": 1, "d_model": 1}, {"length": 64})
        paths = self.vocab ** (self.length - 1) * self.noise**self.length
        if paths > MOST_STATES:
            raise ModelError(
                f"words of {self.length} symbols have {paths} paths of tokens and noise, more than "
                f"{MOST_STATES}; take shorter words or less noise"
            )


class Step(NamedTuple):
    """One step along every path: N paths before it, P = M x N after it, of which noise[m], token read[x] and
    path before [n] stand at m, x, n in C order; x is 1 where nothing has been read.
    """

    noise: Float[Array, "M N"]  # probabilities of its values, after each path before
    state: Float[Array, "d P"]
    token: Float[Array, "V P"]  # probabilities of the token that is emitted


class Generator(nnx.Module):
    """The generator as its steps. All of its parameters are matrices, one column for each symbol or value."""

    def __init__(self, config: GeneratorConfig, rngs: nnx.Rngs):
        self.config = config
        V, M, d = config.vocab, config.noise, config.d_model

        def drawn(*shape: int, variance: float) -> nnx.Param[jax.Array]:
            return nnx.Param(variance**0.5 * jax.random.normal(rngs.params(), shape))

        self.start = drawn(d, 1, variance=0.01)
        self.carry = drawn(d, d, variance=1 / d)
        self.embed = drawn(d, V, variance=1.0)
        self.shake = drawn(d, M, variance=1.0)
        self.choose = drawn(M, d, variance=1 / d)
        self.unembed = drawn(V, d, variance=1 / d)
        self.bias = nnx.Param(jnp.zeros((d, 1)))
        self.marginal = nnx.Param(jnp.zeros((V, 1)))

    def __call__(self) -> list[Step]:
        """All steps of a word, first to last."""
        d, state, steps = self.config.d_model, self.start[...], []
        read = jnp.zeros((d, 1))
        for _ in range(self.config.length):
            noise = jax.nn.softmax(self.choose[...] @ state, axis=0)
            before = self.carry[...] @ state + self.bias[...]
            moved = before[:, None, None, :] + read[:, None, :, None] + self.shake[...][:, :, None, None]
            state = jnp.tanh(moved).reshape(d, -1)
            token = jax.nn.softmax(self.unembed[...] @ state + self.marginal[...], axis=0)
            steps.append(Step(noise, state, token))
            read = self.embed[...]
        return steps


Parameters: TypeAlias = PyTree  # a dict of float32 arrays


def initialised(config: GeneratorConfig, key: jax.Array) -> Parameters:
    """New parameters."""
    return nnx.to_pure_dict(nnx.split(Generator(config, nnx.Rngs(key)), nnx.Param)[1])


def steps(config: GeneratorConfig, params: Parameters) -> list[Step]:
    """The steps of a generator with these parameters, a pure function of them."""
    structure, abstract = nnx.split(
        nnx.eval_shape(lambda: Generator(config, nnx.Rngs(jax.random.key(0)))), nnx.Param
    )
    nnx.replace_by_pure_dict(abstract, dict(params))
    return nnx.merge(structure, abstract)()


def word_distribution(config: GeneratorConfig, params: Parameters) -> Float[Array, "..."]:
    """Probability of every word: (V, ..., V), first symbol first.

    From the last step back, the distribution of what is still to come after each path; noise is summed out
    before the token that was read.
    """
    rest: jax.Array | None = None
    for step in reversed(steps(config, params)):
        M, N = step.noise.shape
        ahead = step.token[None] if rest is None else step.token[None] * rest
        ahead = ahead.reshape(-1, M, step.token.shape[1] // (M * N), N)
        rest = (ahead * step.noise[None, :, None, :]).sum(1)
    assert rest is not None
    backwards = rest.reshape((config.vocab,) * config.length)
    return backwards.transpose(range(config.length)[::-1])


def words_read(config: GeneratorConfig) -> list[Int[np.ndarray, "P"]]:
    """For each step, the number of the word that every path has read, in base V, oldest symbol first."""
    found, before = [], np.zeros(1, np.int64)
    for t in range(config.length):
        read = np.arange(config.vocab if t else 1)[:, None] + before * (config.vocab if t else 1)
        before = np.tile(read.ravel(), config.noise)
        found.append(before)
    return found
