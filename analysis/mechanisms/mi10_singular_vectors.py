"""MI10: singular vectors of weights name what a layer writes.

The MLP of the last block writes into the stream that the unembedding reads. Its largest singular value should
stand out of what a random matrix has, and the direction that belongs to it should be one that moves
predictions; what it writes on data may name that better.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

import processes
import toy
import train

from ..claim import Claim, Criterion
from ..controls import learned_by
from ..instruments.contexts import Contexts, contexts
from ..instruments.decompositions.spectra import (
    channels,
    on_data,
    read_by_unembedding,
    share_in,
    spectrum,
    writes,
)
from ..instruments.evidence import unlearned_by
from ..instruments.forward import member
from ..instruments.untrained import untrained
from ..recipes import one_run

NAMED = 0.1
"""Part of a direction, beyond chance, that moves predictions where it names them."""
AT_EDGE = 0.15
"""Logarithm by which the largest singular value of weights before training may miss the edge."""
AS_WELL = 0.1
"""By which the direction of data may name more before the weights are but a shadow of it."""


@dataclass(frozen=True, eq=False)
class Directions:
    """What MLPs write, by block."""

    chance: float  # part of a random direction that moves predictions
    over_edge: Float[np.ndarray, "L seeds"]  # largest singular value over that of a random matrix
    named: Float[np.ndarray, "L seeds"]  # part of its direction that moves predictions
    on_data: Float[np.ndarray, "L seeds"]  # the same of the direction in which most is written
    beliefs: Float[np.ndarray, "L seeds"]  # part of the singular direction in which beliefs move the stream
    agreement: Float[np.ndarray, "L seeds"]  # squared cosine of the singular direction and that of data
    untrained_over_edge: Float[np.ndarray, "L seeds"]
    untrained_named: Float[np.ndarray, "L seeds"]
    unlearned: Float[np.ndarray, "seeds"]  # share of what contexts are worth

    def stands_out(self) -> Float[np.ndarray, "seeds"]:
        """log of the largest singular value of the last MLP, over a random matrix's."""
        return np.log(self.over_edge[-1])

    def untrained_stands_out(self) -> Float[np.ndarray, "seeds"]:
        """The same of untrained networks."""
        return np.log(self.untrained_over_edge[-1])

    def beyond_chance(self) -> Float[np.ndarray, "seeds"]:
        """Part of the last MLP's direction that moves predictions, beyond a random direction's."""
        return self.named[-1] - self.chance

    def beyond_untrained(self) -> Float[np.ndarray, "seeds"]:
        """That part minus that of the best untrained network."""
        return self.named[-1] - self.untrained_named[-1].max()

    def beyond_data(self) -> Float[np.ndarray, "seeds"]:
        """That part minus that of the direction in which most is written."""
        return self.named[-1] - self.on_data[-1]


def directions(runs: Mapping[str, train.Run]) -> Directions:
    """Of trained networks, from their weights and on all contexts; of untrained ones from their weights."""
    (run,) = runs.values()
    recipe, config = run.recipe, run.recipe.model
    assert isinstance(config, toy.TransformerConfig)
    truth = contexts(recipe.ground_truth(), config.n_ctx)
    params, fresh = run.params(), untrained(recipe)
    weights, random = (
        np.array([_of_weights(config, member(of, i)) for i in range(recipe.seeds)]).transpose(1, 2, 0)
        for of in (params, fresh)
    )
    data = np.array([_of_data(config, member(params, i), truth) for i in range(recipe.seeds)])
    on, beliefs, agreement = data.transpose(1, 2, 0)
    return Directions(
        chance=(config.vocab - 1) / channels(config),
        over_edge=weights[0],
        named=weights[1],
        on_data=on,
        beliefs=beliefs,
        agreement=agreement,
        untrained_over_edge=random[0],
        untrained_named=random[1],
        unlearned=unlearned_by(run),
    )


def _of_weights(config: toy.TransformerConfig, params: toy.Params) -> Float[np.ndarray, "2 L"]:
    """By block, the largest singular value over the edge, and the part of its direction that is read."""
    read = read_by_unembedding(config, params)
    found = [spectrum(writes(config, params, i), rank=channels(config)) for i in range(config.n_layers)]
    return np.array([[s.over_edge[0], share_in(s.directions[0], read)] for s in found]).T


def _of_data(config: toy.TransformerConfig, params: toy.Params, truth: Contexts) -> Float[np.ndarray, "3 L"]:
    """By block, the part of what is written most that is read, the part of the singular direction in which
    beliefs move the last stream, and the squared cosine of both directions.
    """
    read, data = read_by_unembedding(config, params), on_data(config, params, truth)
    found = []
    for i, most in enumerate(data.most_written):
        singular = spectrum(writes(config, params, i)).directions[0]
        beliefs = share_in(singular, data.beliefs)
        found.append((share_in(most, read), beliefs, share_in(singular, most[None])))
    return np.array(found).T


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    return {"over the edge, a random matrix": 1.0}


def _refusal(process: processes.Process, n_ctx: int) -> str | None:
    return "it has one symbol, which nothing predicts" if process.vocab < 2 else None


MI10: Claim[Directions, Directions] = Claim(
    id="MI10",
    statement=(
        "Singular vectors of weights name what a layer writes: the largest of the last MLP stands out of a "
        "random matrix, and the unembedding reads it."
    ),
    source=(
        "Notes on mechanistic interpretability; Millidge & Black 2022 on language models, in words; the null "
        "of Marchenko & Pastur 1967 and statistics are this lab's operationalisation"
    ),
    tested_on=("mess3", "rrxor"),
    recipes=one_run,
    evidence=directions,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion(
            "log of the largest singular value of the last MLP, over a random matrix's",
            Directions.stands_out,
            above=0.0,
        ),
        Criterion(
            "part of its direction that moves predictions, beyond chance",
            Directions.beyond_chance,
            above=NAMED,
        ),
    ),
    controls=(
        learned_by(lambda d: d.unlearned),
        Criterion(
            "log of the largest singular value of untrained networks, over a random matrix's",
            Directions.untrained_stands_out,
            above=-AT_EDGE,
            below=AT_EDGE,
            over="nearly all",
            means="the edge is not where weights are before training",
        ),
        Criterion(
            "part that moves predictions above every untrained network",
            Directions.beyond_untrained,
            above=0.0,
            rival="weights before training",
        ),
        Criterion(
            "part that moves predictions, minus that of the direction most written on data",
            Directions.beyond_data,
            above=-AS_WELL,
            rival="what is written on data",
        ),
    ),
    literature={"language models": "top singular vectors are lists of related words (Millidge & Black 2022)"},
    drawn_from=Directions,
    would_change=(
        "Networks at the floor whose largest singular value is that of a random matrix, or whose direction "
        "the unembedding does not read."
    ),
    limits=(
        "One direction of each matrix, by its largest singular value. The edge is that of independent "
        "entries of one variance; how training with Muon, whose updates have equal singular values, shapes "
        "spectra is part of what is measured. A direction is read where it moves logits while the final norm "
        "divides by the same. The rival is the direction in which what the MLP writes varies most over "
        "contexts: a matrix can act on directions that are none of its singular ones. Earlier blocks are "
        "drawn, and not judged."
    ),
)
