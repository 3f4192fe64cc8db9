"""How much arithmetic a training step is, and how much of it a second this machine can do at most."""

import jax
import jax.numpy as jnp
import numpy as np

import toy

SIZE = 2048
"""Side of the matrices that the peak is measured with: large enough for every library to be at its best."""


def forward(config: toy.TransformerConfig, batch: int) -> int:
    """Floating-point operations of all matrix products of a forward pass: two for each multiply-add.

    Per token and block: 2 d 3 h d_head for queries, keys and values, 4 T h d_head for scores and mixing (over
    all T positions: the causal half that is masked is computed as well), 2 h d_head d to project back, 4 d
    d_mlp for the MLP; once, 2 d V for the logits. Norms, softmax, nonlinearities, embeddings, the optimiser
    and sampling are not counted: the figure is useful work.
    """
    inner, d, t = config.n_heads * config.d_head, config.d_model, config.n_ctx
    block = 2 * d * 3 * inner + 4 * t * inner + 2 * inner * d + 4 * d * config.d_mlp
    return batch * t * (config.n_layers * block + 2 * d * config.vocab)


def training(config: toy.TransformerConfig, batch: int) -> int:
    """Of a training step: the backward pass does each product twice more, once for the input's gradient and
    once for the weights'.
    """
    return 3 * forward(config, batch)


def peak_numpy() -> float:
    """GFLOP of one large float32 product, made by NumPy's BLAS on all the cores that it takes."""
    _NUMPY @ _NUMPY
    return 2 * SIZE**3 / 1e9


def peak_xla() -> float:
    """GFLOP of one large float32 product, made by XLA."""
    _product(_ones()).block_until_ready()
    return 2 * SIZE**3 / 1e9


_NUMPY = np.ones((SIZE, SIZE), np.float32)
_product = jax.jit(lambda a: a @ a)
_ones = jax.jit(lambda: jnp.ones((SIZE, SIZE), jnp.float32))
