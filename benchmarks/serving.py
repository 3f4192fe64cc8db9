"""Tokens a second that a network writes: python -m benchmarks.serving

The paper's transformer, untrained, with contexts of ten tokens and of more: reading all again for every
token, reading on from what was kept, and with drafts of a Markov chain's on Mess3 (one and three ahead),
which an untrained network keeps as its predictions overlap with them. Interleaved in one process,
compilation apart; the best of five.
"""

import time
from collections.abc import Callable
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np

import processes
import toy
import train
from analysis.instruments.serving import markov_draft, speculate
from analysis.recipes import PAPER

LENGTHS = (10, 64, 256)
TEXTS, ROUNDS = 64, 5


def main() -> None:
    print(f"{TEXTS} texts side by side; thousand tokens a second, and how many times the first\n")
    print("| context | all again | from what was kept | drafts, one ahead | drafts, three ahead |")
    print("|---|---|---|---|---|")
    for n_ctx in LENGTHS:
        rates = measured(replace(PAPER, vocab=3, n_ctx=n_ctx))
        cells = [f"{rate / 1e3:.1f} ({rate / rates[0]:.1f})" for rate in rates]
        print(f"| {n_ctx} | " + " | ".join(cells) + " |", flush=True)


def measured(config: toy.Config) -> list[float]:
    """Tokens a second, in the order of the columns."""
    network = toy.network(config)
    params = network.init(jax.random.key(0))
    prompt, n = np.zeros((TEXTS, 1), np.int32), config.n_ctx
    kept = train.jit(lambda params, prompt, key: toy.generate(network, params, prompt, n, key))
    again = train.jit(lambda params, prompt, key: _again(network, params, prompt, n, key))
    draft = markov_draft(processes.named("mess3"), 3)
    ways: list[Callable[[int], object]] = [
        lambda seed: again(params, prompt, jax.random.key(seed)),
        lambda seed: kept(params, prompt, jax.random.key(seed)),
        lambda seed: speculate(config, params, draft, prompt, n, ahead=1, seed=seed).tokens,
        lambda seed: speculate(config, params, draft, prompt, n, ahead=3, seed=seed).tokens,
    ]
    for way in ways:
        jax.block_until_ready(way(0))
    best = np.full(len(ways), np.inf)
    for turn in range(1, ROUNDS + 1):
        for i, way in enumerate(ways):
            begun = time.perf_counter()
            jax.block_until_ready(way(turn))
            best[i] = min(best[i], time.perf_counter() - begun)
    return [TEXTS * n / seconds for seconds in best]


def _again(network: toy.Network, params: toy.Params, prompt: jax.Array, n: int, key: jax.Array) -> jax.Array:
    """The same text, but every token is read anew for every other."""

    def write(text: jax.Array, step: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        t, key = step
        logits = network.apply(params, text[:, :n], sites=("logits",))["logits"][:, t]
        return text.at[:, t + 1].set(jax.random.categorical(key, logits)), None

    text = jnp.zeros((len(prompt), n + 1), jnp.int32).at[:, :1].set(prompt)
    return jax.lax.scan(write, text, (jnp.arange(n), jax.random.split(key, n)))[0][:, 1:]


if __name__ == "__main__":
    main()
