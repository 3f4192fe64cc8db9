"""What is measured on networks that are taught a part: when they have learned it, when what is held out
follows, and what they add with meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float, Int
from scipy.special import log_softmax

import processes
import toy
import train
from processes.constraints import Addition, addition

from ..claim import Bounds, Setting
from ..instruments.behaviour.generalisation import Curves, curves, never, of_sums, reached, sum_predictions
from ..instruments.decompositions import fourier
from ..instruments.forward import cast_up_params
from ..instruments.untrained import untrained

Arm = Literal["as it is", "without decay", "fewer taught"]
"""Trainings that differ in one thing: decay of weights, or how much is taught."""
ARMS: tuple[Arm, ...] = get_args(Arm)
FEWER = 0.8
"""Of what is taught as it is."""
HALF = 0.5
"""Share of what there is to learn that is left when something has been learned."""
DECAY = 1.0
"""Decay of weights (Nanda et al. 2023), times the step size."""
RATE, WARMUP, B2 = 1e-2, 10, 0.98
STEPS, FEW_STEPS = 6000, 300
CHECKPOINTS = 40
DELAY = "log of the steps until what is held out is learned over what is taught"
LATER = "log of the steps until what is held out is learned, {arm} over as it is"
BY_KEYS = "log of the steps until waves of key frequencies halve the loss held out over the network"
BY_OTHERS = "log of the steps until waves of all other frequencies do over the network"
"""What is said of steps, by which it is known where these are bounds."""
WORDS = 32
"""Of a process that are taught as it is."""
LONGEST_WORD = 8


@dataclass(frozen=True, eq=False)
class Waves:
    """What networks that add make of waves; of curves, the loss as a share of log p."""

    keys: Float[np.ndarray, "seeds"]  # number of key frequencies
    network: Float[np.ndarray, "seeds K"]  # held-out sums by the network
    restricted: Float[np.ndarray, "seeds K"]  # held-out sums by waves of key frequencies alone
    others: Float[np.ndarray, "seeds K"]  # by waves of all other frequencies alone
    excluded: Float[np.ndarray, "seeds K"]  # taught sums without waves of key frequencies
    embedded: Float[np.ndarray, "seeds K"]  # share of the embedding's variance at key frequencies
    untrained: Float[np.ndarray, "seeds"]  # at as many frequencies, its best, of an untrained network


@dataclass(frozen=True, eq=False)
class Grokked:
    """Learning curves by arm, as shares of what there is to learn."""

    steps: Int[np.ndarray, "K"]
    taught: Mapping[Arm, Float[np.ndarray, "seeds K"]]
    held_out: Mapping[Arm, Float[np.ndarray, "seeds K"]]
    waves: Waves | None  # of additions alone

    def learned(self, arm: Arm) -> Float[np.ndarray, "seeds"]:
        """Steps until what is held out has been learned; the last step where it never is."""
        return reached(self.steps, self.held_out[arm], HALF)

    def delay(self, arm: Arm = "as it is") -> Float[np.ndarray, "seeds"]:
        """log of the steps until what is held out has been learned over those until what is taught has."""
        return np.log(self.learned(arm) / reached(self.steps, self.taught[arm], HALF))

    def later(self, arm: Arm) -> Float[np.ndarray, "seeds"]:
        """log of the steps until what is held out has been learned over those as it is."""
        return np.log(self.learned(arm) / self.learned("as it is"))

    def precedes(self, curve: Float[np.ndarray, "seeds K"]) -> Float[np.ndarray, "seeds"]:
        """log of the steps until a loss is half of a guess's over those until the network's is, held out."""
        assert self.waves is not None
        own = reached(self.steps, self.waves.network, HALF)
        return np.log(reached(self.steps, curve, HALF) / own)

    def bounds(self) -> Mapping[str, Bounds]:
        """Of steps over steps, some of which are the last ones because nothing was learned by then."""

        def over(curve: Float[np.ndarray, "seeds K"], other: Float[np.ndarray, "seeds K"]) -> Bounds:
            return Bounds(least=never(curve, HALF), most=never(other, HALF))

        own = self.held_out["as it is"]
        found = {DELAY: over(own, self.taught["as it is"])}
        found |= {LATER.format(arm=arm): over(self.held_out[arm], own) for arm in ARMS if arm != "as it is"}
        if self.waves is not None:
            found[BY_KEYS] = over(self.waves.restricted, self.waves.network)
            found[BY_OTHERS] = over(self.waves.others, self.waves.network)
        return found


def arms(process: str, setting: Setting) -> dict[Arm, train.Recipe]:
    """The trainings, by arm: all sums that are taught in every step, or the same words of a process."""
    return {arm: _recipe(process, arm, setting) for arm in ARMS}


def _recipe(process: str, arm: Arm, setting: Setting) -> train.Recipe:
    source = processes.source(process)
    decay = 0.0 if arm == "without decay" else DECAY
    amount = FEWER if arm == "fewer taught" else 1.0
    shape = toy.TransformerConfig(
        vocab=source.vocab, n_ctx=2, n_layers=1, n_heads=2, d_model=32, d_head=16, d_mlp=128, norm="none"
    )
    how = train.Optimiser("adamw", RATE, warmup=WARMUP, b2=B2, weight_decay=decay, schedule="constant")
    small = setting.size == "small"
    common: dict[str, Any] = dict(
        optimiser=how, steps=FEW_STEPS if small else STEPS, seeds=setting.seeds, checkpoints=CHECKPOINTS
    )
    if isinstance(source, Addition):
        share = source.share if amount == 1 else round(amount * source.share, 4)
        part = addition(p=source.p, share=share, draw=source.draw)
        taught = int(part.taught.sum())
        return train.Recipe(part.name, shape, "sampled", batch=taught, **common)
    words = round(amount * WORDS)
    return train.Recipe(
        process, replace(shape, n_ctx=LONGEST_WORD, n_layers=2), "fixed", batch=words, **common
    )


def grokked(runs: Mapping[Arm, train.Run]) -> Grokked:
    """Learning curves of every arm; of an addition, what its networks make of waves as well."""
    found = {arm: curves(run) for arm, run in runs.items()}
    run = runs["as it is"]
    adds = isinstance(run.recipe.source(), Addition)
    return Grokked(
        steps=found["as it is"].steps,
        taught={arm: c.taught for arm, c in found.items()},
        held_out={arm: c.held_out for arm, c in found.items()},
        waves=_waves(run, found["as it is"]) if adds else None,
    )


def _waves(run: train.Run, found: Curves) -> Waves:
    question = run.recipe.source()
    assert isinstance(question, Addition)
    p, frequencies = question.p, np.arange(question.p // 2)
    keys = [fourier.key_frequencies(logits, p) for logits in sum_predictions(run)]
    others = [np.setdiff1d(frequencies, own) for own in keys]

    def left(logits: np.ndarray, which: np.ndarray) -> float:
        return float(of_sums(question, log_softmax(logits, axis=-1))[which].mean() / np.log(p))

    rows = []
    for step in found.steps:
        embedded = _embeddings(run.params(int(step)))
        row = []
        for logits, own, rest, vectors in zip(
            sum_predictions(run, int(step)), keys, others, embedded, strict=True
        ):
            by_keys = left(fourier.restricted(logits, p, own), ~question.taught)
            by_others = left(fourier.restricted(logits, p, rest), ~question.taught)
            without = left(fourier.excluded(logits, p, own), question.taught)
            plain = left(logits, ~question.taught)
            row.append((plain, by_keys, by_others, without, fourier.shares(vectors)[own].sum()))
        rows.append(row)
    of_fresh = [np.sort(fourier.shares(vectors))[::-1] for vectors in _embeddings(untrained(run.recipe))]
    network, by_key_waves, by_other_waves, without_keys, at_keys = np.array(rows).transpose(2, 1, 0)
    return Waves(
        np.array([float(len(own)) for own in keys]),
        network,
        by_key_waves,
        by_other_waves,
        without_keys,
        at_keys,
        np.array([share[: len(own)].sum() for share, own in zip(of_fresh, keys, strict=True)]),
    )


def _embeddings(params: toy.Params) -> Float[np.ndarray, "seeds p d"]:
    """Vectors of the numbers."""
    return cast_up_params(params)["embed.embedding"]
