"""BG6: the geometry appears while the loss falls.

At every kept step: what a probe finds, and how far the predictions are from the truth.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Int

import processes
import train

from ..claim import Claim, Criterion, Setting
from ..controls import ControlStatistics, keep, kept, rivals
from ..instruments.contexts import Contexts, contexts, shuffled_beliefs
from ..instruments.evidence import Evidence, observe
from ..instruments.probing.baselines import wrong_beliefs
from ..instruments.probing.probe import moments, probe
from ..instruments.probing.study import Study, check
from ..instruments.statistics import rank_correlation, unit_ranks
from ..recipes import descent, standard
from .features import final_layer
from .wording import SHAI

DEPTH = 8
"""Longest contexts observed: a tenth of those of ten tokens, at every step of every network."""
SHUFFLES = 200
"""Shuffles of time behind the null."""


@dataclass(frozen=True, eq=False)
class Emergence:
    """Held-out R2 of the final layer onto several labels, and KL to the exact predictor, at the kept steps of
    every network.
    """

    step: Int[np.ndarray, "K"]
    divergence: Float[np.ndarray, "seeds K"]  # nats per token
    belief: Float[np.ndarray, "seeds K"]
    decoy: Float[np.ndarray, "seeds K"]  # onto the beliefs of a wrong process
    shuffled: Float[np.ndarray, "seeds K"]
    """Onto beliefs shuffled among contexts of equal length, the same at every step."""
    rivals: ControlStatistics
    """What else could be read at the last step, networks as they began standing for untrained ones."""

    def with_own_loss(self) -> Float[np.ndarray, "seeds"]:
        """Spearman's rank correlation of the two curves of each network; zero where one of them is
        constant.
        """
        return rank_correlation(self.belief, self.divergence)

    def with_loss_of_others(self) -> Float[np.ndarray, "seeds"]:
        """Each network's R2 against the losses of the other networks: what two trends have in common that
        only share their direction.
        """
        belief, divergence = unit_ranks(self.belief), unit_ranks(self.divergence)
        rolled = [(belief * np.roll(divergence, k, axis=0)).sum(-1) for k in range(1, len(belief))]
        return np.mean(rolled, axis=0)

    def below_time_shuffles(self) -> Float[np.ndarray, "seeds"]:
        """Minus what the same curves reach at best when the steps of one are shuffled."""
        rng = np.random.default_rng(0)
        belief, divergence = unit_ranks(self.belief), unit_ranks(self.divergence)
        orders = (rng.permutation(len(self.step)) for _ in range(SHUFFLES))
        shuffled = np.stack([(belief * divergence[:, order]).sum(-1) for order in orders])
        return self.with_own_loss() - shuffled.min(0)

    def beyond_shuffled_beliefs(self) -> Float[np.ndarray, "seeds"]:
        """By how much more R2 moves than that of shuffled beliefs."""
        return np.ptp(self.belief, axis=1) - np.ptp(self.shuffled, axis=1)


def emergence(run: train.Run) -> Emergence:
    """Observe the networks of a finished run at all kept steps, on contexts of up to `DEPTH` tokens."""
    config, steps = run.recipe.model, run.checkpoint_steps
    t = contexts(run.recipe.ground_truth(), min(config.n_ctx, DEPTH))
    # All steps as one stack of networks, so that one program is compiled.
    params = jax.tree.map(lambda *leaves: np.concatenate(leaves), *map(run.params, steps))
    final = config.stream[-1]
    networks = observe(config, params, t, (final,))
    shape = (len(steps), run.recipe.seeds)
    scores = _scores(networks, final, t).reshape(*shape, 3)
    divergence = np.array([n.excess for n in networks]).reshape(shape)
    seeds = run.recipe.seeds
    ends = Study(t, (final,), networks[-seeds:], networks[:seeds])
    right, wrong, shuffled = (scores[..., k].T for k in range(3))
    others = keep(ends, final_layer, rivals)
    return Emergence(np.array(steps), divergence.T, right, wrong, shuffled, others)


def _evidence(runs: Mapping[str, train.Run]) -> Emergence:
    (run,) = runs.values()
    return emergence(run)


def _scores(networks: list[Evidence], site: str, truth: Contexts) -> Float[np.ndarray, "networks 3"]:
    """R2 onto beliefs, a wrong process's beliefs and shuffled beliefs."""
    labels = [truth.belief, wrong_beliefs(truth), shuffled_beliefs(truth, np.random.default_rng(0))]
    ends = np.cumsum([0, *(x.shape[1] for x in labels)])
    columns = [slice(int(a), int(b)) for a, b in zip(ends[:-1], ends[1:], strict=True)]
    every = [moments(n.activations[site], np.concatenate(labels, axis=1), truth) for n in networks]
    return np.array([[probe(m[slice(None), c]).r2 for c in columns] for m in every])


def _recipes(process: str, setting: Setting) -> Mapping[str, train.Recipe]:
    """The descent alone: in a finish there is little left that could appear."""
    return {"transformer": descent(standard(process, setting))[0]}


def _refusal(process: processes.Process, n_ctx: int) -> str | None:
    check(process, min(n_ctx, DEPTH))
    return None


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    return {"rank correlation of R2 and KL over kept steps": "near -1"}


BG6: Claim[Emergence, Emergence] = Claim(
    id="BG6",
    statement="The belief geometry appears as the loss falls.",
    source=SHAI,
    tested_on=("mess3", "rrxor"),
    recipes=_recipes,
    evidence=_evidence,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion(
            "rank correlation of held-out R2 and KL over training",
            Emergence.with_own_loss,
            below=-0.8,
            over="most",
        ),
    ),
    controls=(
        Criterion(
            "minus the lowest of 200 shuffles of time",
            Emergence.below_time_shuffles,
            below=0.0,
            rival="any two curves over training",
        ),
        Criterion(
            "R2 moves more than that of shuffled beliefs",
            Emergence.beyond_shuffled_beliefs,
            above=0.0,
            means="any labels would seem to appear as the loss falls",
        ),
        *kept(lambda e: e.rivals, rivals(final_layer)),
    ),
    would_change="Networks whose loss falls while what a probe reads of their beliefs does not rise.",
    revision=2,
    drawn_from=Emergence,
    limits=(
        "Any two curves that go one way are perfectly rank-correlated, whatever makes them; the correlation "
        "with the losses of the other networks, given in the figure, says how much of it that is. What "
        "speaks for the geometry are the controls: other labels do not follow. Steps are log-spaced from the "
        "first update, so the earliest, before the learning rate has risen, weigh as much as the fall "
        "itself. Contexts are of at most eight tokens, and the score is that of the final layer, which on "
        "RRXOR holds a part of the geometry only."
    ),
)
