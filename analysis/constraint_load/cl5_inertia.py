"""CL5: contextual mass as inertia, whether heads of larger mass respond less to the same disturbance.

The response of a head is measured to a disturbance of one earlier position, of fixed relative size; its mass
is the effective rank of its attention (`cl5_attention_rank`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64, Int

import processes
import toy
import train
from processes.constraints import Protocol
from toy.sites import Place

from ..claim import Claim, Criterion, Setting
from ..instruments.decompositions.attribution import head_outputs
from ..instruments.evidence import divergence
from ..instruments.forward import Pushed, cast_up, forward, log_distribution, member
from ..instruments.statistics import partial_rank_correlation, ranks, unit_ranks
from ..instruments.untrained import untrained
from ..recipes import PAPER, SMALL, standard
from .cl5_attention_rank import contextual_mass, patterns, row_entropy, shuffled_tokens, uniform

GUARDED = "guarded(mess(x=0.05, a=0.85, s=4); never 0; no 11; no 23; p=0.5)"
"""Three constraints, each switched on by a token of its own in half of all words."""
WORDS = 512
"""Words on which masses and responses are averaged, the same for all networks."""
SIZE = 0.3
"""Length of the disturbance over that of the stream it is added to."""
SHUFFLES = 1000
"""Permutations of the masses among the heads behind the null."""


def recipes(process: str, setting: Setting) -> Mapping[str, train.Recipe]:
    """One network with four heads in every block."""
    shape = replace(SMALL, n_heads=4) if setting.size == "small" else replace(PAPER, n_heads=4, d_head=16)
    return {"transformer": standard(process, setting, model=shape)}


class Disturbance(NamedTuple):
    """What is added to the residual stream before a block, word by word."""

    position: Int[np.ndarray, "W"]  # never the last, at which responses are read
    direction: Float[np.ndarray, "L W d"]  # of unit length, one for each block and word
    size: float  # length of what is added over that of the stream it is added to


class Response(NamedTuple):
    """What each head does about it at the last position, one row for each network."""

    output: Float[np.ndarray, "nets L H"]  # change of what the head adds over that, rms over words
    prediction: Float[np.ndarray, "nets L H"]  # KL, nats, to the one in which this head alone changed
    added: Float[np.ndarray, "nets L W"]  # length of what was added over that of the stream there


def disturbance(config: toy.TransformerConfig, words: int, *, size: float, seed: int) -> Disturbance:
    """Uniformly random directions at uniformly random earlier positions."""
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=(config.n_layers, words, config.d_model))
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    return Disturbance(rng.integers(config.n_ctx - 1, size=words), direction, size)


def respond(
    config: toy.TransformerConfig, params: toy.Params, words: Int[np.ndarray, "W T"], by: Disturbance
) -> Response:
    """Every head's response in every network of a stack (first axis of `params`) to the disturbance of the
    stream before its block.
    """
    before = forward(config, params, words, config.stream[:-1], position=by.position)
    output, prediction, added = [], [], []
    for i, site in enumerate(config.stream[:-1]):
        x = cast_up(before[site])
        length = np.linalg.norm(x, axis=-1)
        push = by.size * length[..., None] * by.direction[i]
        # What is left as it is takes the same way, so that programs that round otherwise are no response.
        (still, at), (moved, there) = (
            _heads(config, params, words, i, Pushed(site, v, by.position)) for v in (0 * push, push)
        )
        change = moved - still
        output.append(np.sqrt((change**2).sum((2, 3)) / (still**2).sum((2, 3))))
        prediction.append(_through(config, params, words, i, change))
        added.append(np.linalg.norm(there - at, axis=-1) / length)
    return Response(*(np.stack(of, 1) for of in (output, prediction, added)))


def _heads(
    config: toy.TransformerConfig, params: toy.Params, words: np.ndarray, block: int, edit: Pushed
) -> tuple[Float64[np.ndarray, "nets H W d"], Float64[np.ndarray, "nets W d"]]:
    """What each head of a block adds to the stream at the last position under an edit, and what the edit
    makes of the stream where it is.
    """
    z = Place("attn.z", block).name
    passed = forward(config, params, words, (z, edit.site), edit=edit)
    added = [
        head_outputs(config, member(params, i), block, cast_up(own[:, -1])) for i, own in enumerate(passed[z])
    ]
    return np.stack(added), cast_up(passed[edit.site][:, np.arange(len(words)), edit.at])


def _through(
    config: toy.TransformerConfig,
    params: toy.Params,
    words: np.ndarray,
    block: int,
    change: Float64[np.ndarray, "nets H W d"],
) -> Float64[np.ndarray, "nets H"]:
    """KL, nats, to the prediction at the last position in which what one head adds there has changed."""
    site, last = Place("attn_out", block).name, np.full(len(words), words.shape[1] - 1)

    def predicted(vector: np.ndarray) -> np.ndarray:
        edit = Pushed(site, vector, last)
        return log_distribution(forward(config, params, words, position="last", edit=edit)["logits"])

    log_p = predicted(0 * change[:, 0])
    heads = change.swapaxes(0, 1)
    return np.stack([divergence(np.exp(log_p), predicted(head)).mean(1) for head in heads], 1)


@dataclass(frozen=True, eq=False)
class Heads:
    """Every head of some networks."""

    mass: Float[np.ndarray, "seeds L H"]  # contextual mass, mean over words
    rows: Float[np.ndarray, "seeds L H"]  # row entropy, nats, likewise
    output: Float[np.ndarray, "seeds L H"]  # response of the head's output
    prediction: Float[np.ndarray, "seeds L H"]  # response of the prediction through the head, nats
    shuffled: Float[np.ndarray, "seeds L H"]  # mass on words with shuffled tokens
    # Mass by the number of constraints that are on, mean over heads.
    by_load: Float[np.ndarray, "counts seeds L"]

    def given_rows(
        self, response: str = "output", *, within_blocks: bool = False
    ) -> Float[np.ndarray, "seeds"]:
        """Partial rank correlation of mass and response over heads, given row entropy; of ranks within each
        block if so asked.
        """
        values = (self.mass, getattr(self, response), self.rows)
        ranked = [ranks(v) if within_blocks else v for v in values]
        return partial_rank_correlation(*(v.reshape(len(v), -1) for v in ranked))

    def permuted(self) -> Float[np.ndarray, "seeds"]:
        """The same with the masses permuted among the heads, mean over `SHUFFLES` permutations."""
        mass, output, rows = (v.reshape(len(v), -1) for v in (self.mass, self.output, self.rows))
        often = (SHUFFLES, 1, 1)
        permuted = np.random.default_rng(0).permuted(np.tile(mass, often), axis=-1)
        return (unit_ranks(permuted, np.tile(rows, often)) * unit_ranks(output, rows)).sum(-1).mean(0)


@dataclass(frozen=True, eq=False)
class Inertia:
    """Heads of trained and of untrained networks, and what the disturbances were."""

    trained: Heads
    untrained: Heads
    added: Float[np.ndarray, "seeds"]  # mean length of the disturbances over the one asked for
    still: Float[np.ndarray, "seeds"]  # largest response to a disturbance of no length
    learned: Float[np.ndarray, "seeds"]  # excess at the end of training over that at its beginning

    def correlation(self) -> Float[np.ndarray, "seeds"]:
        """Rank correlation of mass and response in trained networks, given row entropy."""
        return self.trained.given_rows()

    def beyond_untrained(self) -> Float[np.ndarray, "seeds"]:
        """The same minus that of untrained networks."""
        return self.correlation() - self.untrained.given_rows()


def inertia(runs: Mapping[str, train.Run]) -> Inertia:
    """Masses and responses of all heads, trained and untrained, on the same words and disturbances."""
    (run,) = runs.values()
    model, process = run.recipe.model, run.recipe.ground_truth()
    assert isinstance(model, toy.TransformerConfig)
    words = processes.sample(process, (WORDS, model.n_ctx), np.random.default_rng(0))
    permuted = shuffled_tokens(words, np.random.default_rng(1))
    count = switched_on(process, words)
    by = disturbance(model, WORDS, size=SIZE, seed=2)

    def heads(params: toy.Params) -> tuple[Heads, Float[np.ndarray, "nets L W"]]:
        pattern, found = patterns(model, params, words), respond(model, params, words, by)
        mass = contextual_mass(pattern)
        by_load = np.stack([mass[..., count == n].mean((2, 3)) for n in np.unique(count)])
        shuffled = contextual_mass(patterns(model, params, permuted)).mean(-1)
        return Heads(
            mass.mean(-1), row_entropy(pattern).mean(-1), found.output, found.prediction, shuffled, by_load
        ), found.added

    params = run.params()
    trained, added = heads(params)
    still = respond(model, params, words, by._replace(size=0.0)).output.max((1, 2))
    excess = np.asarray(run.history()["excess"], np.float64)
    last = min(50, excess.shape[1])
    return Inertia(
        trained,
        heads(untrained(run.recipe))[0],
        added.mean((1, 2)) / SIZE,
        still,
        excess[:, -last:].mean(1) / excess[:, 0],
    )


def switched_on(process: processes.Process, words: Int[np.ndarray, "W T"]) -> Int[np.ndarray, "W"]:
    """Number of constraints that the control tokens of each word switch on; zero where the process is not a
    guarded one.
    """
    guarded = process.made_of
    if not isinstance(guarded, Protocol):
        return np.zeros(len(words), np.int64)
    return (words[:, : len(guarded.constraints)] > guarded.base.vocab).sum(1)


def prediction(process: processes.Process, n_ctx: int) -> Mapping[str, str | float]:
    """The sign that the claim asks for, and what attention that has learned nothing comes to."""
    return {
        "partial rank correlation of mass and response, given row entropy": "negative",
        "mass of attention that looks at all it sees alike": float(contextual_mass(uniform(n_ctx))),
        "its row entropy, nats": float(row_entropy(uniform(n_ctx))),
    }


CL5: Claim[Inertia, Inertia] = Claim(
    id="CL5",
    statement=(
        "Contextual mass is inertia: heads of larger mass respond less to the same disturbance, beyond what "
        "row entropy explains."
    ),
    source=(
        "contextual mass as a theory has it, in words; the formula (Roy & Vetterli 2007) and the statistic "
        "are this lab's operationalisation"
    ),
    tested_on=(GUARDED, "mess3"),
    recipes=recipes,
    prediction=prediction,
    evidence=inertia,
    criteria=(
        Criterion("rank correlation of mass and response, given row entropy", Inertia.correlation, below=0.0),
        Criterion("the same minus that of untrained networks", Inertia.beyond_untrained, below=0.0),
    ),
    controls=(
        Criterion(
            "the same among the heads of one block: not depth alone",
            lambda e: e.trained.given_rows(within_blocks=True),
            below=0.0,
            rival="depth alone",
        ),
        Criterion(
            "masses shuffled among heads: mean correlation",
            lambda e: e.trained.permuted(),
            above=-0.1,
            below=0.1,
            means="the correlation does not hang on which head has which mass",
        ),
        Criterion(
            "length of the disturbances over the one asked for",
            lambda e: e.added,
            above=0.999,
            below=1.001,
            means="disturbances are not as long as they are said to be",
        ),
        Criterion(
            "largest response to a disturbance of no length",
            lambda e: e.still,
            above=-1e-6,
            below=1e-6,
            means="something moves without any disturbance",
        ),
        Criterion(
            "the task was learned: share of the excess at the start",
            lambda e: e.learned,
            below=0.2,
            means="networks have not learned the task",
        ),
    ),
    drawn_from=Inertia,
    limits=(
        "Mass is the logarithm of the effective rank of a head's attention matrix over that of the number of "
        "positions. The disturbance is random, 0.3 of the length of the stream that it is added to, at one "
        "earlier position before the head's own block; the response is read at the last position, so a head "
        "that looks at its own position only has full mass and no response whatever the network has learned. "
        "Row entropy does not tell such a head from one that looks at one earlier position, which is why "
        "untrained networks are the comparison. Sixteen heads a network leave a wide interval in each. The "
        "response of the prediction through one head alone is kept with the verdict and is not judged."
    ),
)
