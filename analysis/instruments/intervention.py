"""Interventions: what a network predicts after a context when its residual stream at that context's last
token is another.

The estimand, at every site: the stream at the last position alone is replaced, and only the prediction made
there is read. Earlier positions run unedited, so their keys, values and states are those of the real context.
After the last block nothing of the past is read any more.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

import toy
import train

from .contexts import Contexts
from .evidence import member, observe
from .study import untrained

CHUNK = 4096
"""Contexts run at once."""


@dataclass(frozen=True, eq=False)
class Site:
    """One network at one place of its residual stream: what stands there in every context, and what would
    follow from something else.
    """

    name: str
    stream: Float[np.ndarray, "N d"]  # of every context of the truth, as the network computes it
    predict: Callable[[np.ndarray, np.ndarray], np.ndarray]
    """(x (M, d), contexts (M,)) -> log P(next token), (M, V): the stream is x after the last token of these
    contexts.
    """


@train.pinned()
def subjects(
    run: train.Run, truth: Contexts, sites: Sequence[str], *, trained: bool = True
) -> list[list[Site]]:
    """The networks of a finished run, or as many untrained ones, each at the given sites of its residual
    stream.

    Raises `toy.ModelError` for a site that is not on the residual stream.
    """
    config = run.recipe.model
    for site in sites:
        if site not in config.stream:
            raise toy.ModelError(
                f"{site!r} is not on the residual stream, so nothing can be written there; choose one of "
                f"{', '.join(config.stream)}"
            )
    params = run.params() if trained else untrained(run.recipe)
    continuation = {site: _continuation(config, site, last=site == config.stream[-1]) for site in sites}
    return [
        [
            Site(site, seen.activations[site], _predict(continuation[site], member(params, i), truth))
            for site in sites
        ]
        for i, seen in enumerate(observe(config, params, truth, sites))
    ]


def _continuation(config: toy.Config, site: str, *, last: bool) -> Callable[..., jax.Array]:
    network = toy.network(config)

    @train.jit
    def run(params, words, position, x):
        rows = jnp.arange(len(words))
        out = network.apply(params, words, edit={site: lambda value: value.at[rows, position].set(x)})[
            "logits"
        ]
        return jax.nn.log_softmax(out[rows, position])

    @train.jit
    def unembed(params, words, position, x):
        # The past is not read after the last block, so one position is enough, and all that comes before it
        # is compiled away.
        return jax.nn.log_softmax(
            network.apply(params, words[:, :1], edit={site: lambda value: x[:, None]})["logits"][:, 0]
        )

    return unembed if last else run


def _predict(
    continuation: Callable[..., jax.Array], params: toy.Params, truth: Contexts
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    @train.pinned()
    def predict(x: np.ndarray, contexts: np.ndarray) -> np.ndarray:
        out = np.empty((len(x), truth.process.vocab))
        for first in range(0, len(x), CHUNK):
            rows = np.arange(first, min(first + CHUNK, len(x)))
            filled = np.resize(
                rows, min(CHUNK, len(x))
            )  # the last chunk is filled up, so that one program serves all
            read = contexts[filled]
            words = np.maximum(truth.words[read], 0).astype(
                np.int32
            )  # what pads a short word comes after it, so nothing sees it
            found = continuation(
                params, words, truth.position[read].astype(np.int32), x[filled].astype(np.float32)
            )
            out[rows] = np.asarray(found, np.float64)[: len(rows)]
        return out

    return predict
