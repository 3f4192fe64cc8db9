"""Text that a network writes itself, a token at a time."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from ..bridge import Network, Params
from ..checks import check_range, fitted
from ..inputs import check_key
from ..sites import ModelError


def generate(net: Network, params: Params, prompt: Any, n: int, key: Any) -> Int[Array, "B n"]:
    """What the network writes after prompts (B, L), L >= 1: n tokens, each drawn from what it predicts after
    all before it, at temperature 1.

    Tokens are read once and kept (`Network.extend`), so a token costs what one position costs. A pure
    function of `key`: may be jitted, vmapped over keys and parameters. Raises `ModelError` for prompts that
    are none, and where the last token drawn would be predicted from more than n_ctx tokens.

    >>> import jax, toy
    >>> net = toy.network(toy.RecurrentConfig(vocab=2, n_ctx=8, n_layers=1, d_model=4, cell="gru"))
    >>> toy.generate(net, net.init(jax.random.key(0)), [[0], [1], [1]], 7, jax.random.key(1)).shape
    (3, 7)
    """
    net = fitted("net", Network, net, remedy="make one with toy.network")
    check_range("n", fitted("n", int, n), 1)
    check_key(key)
    logits, cache = net.extend(params, prompt)
    read = logits.shape[1]
    if read + n - 1 > net.config.n_ctx:
        raise ModelError(
            f"after prompts of {read} tokens {n} more cannot be written: the model reads at most n_ctx = "
            f"{net.config.n_ctx}; ask for {net.config.n_ctx - read + 1} or fewer"
        )

    def write(carry: Any, key: jax.Array) -> Any:
        logits, cache = carry
        token = jax.random.categorical(key, logits)
        logits, cache = net.extend(params, token[:, None], cache)
        return (logits[:, -1], cache), token

    keys = jax.random.split(key, n)
    (logits, _), tokens = jax.lax.scan(write, (logits[:, -1], cache), keys[:-1])
    last = jax.random.categorical(keys[-1], logits)
    return jnp.concatenate([tokens, last[None]]).T.astype(jnp.int32)
