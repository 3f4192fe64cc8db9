"""BG14: erase the belief and the prediction goes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Float, Int

import processes
import toy
import train

from ..claim import Claim, Criterion
from ..controls import learned_by
from ..instruments.behaviour.recalibration import recalibrated
from ..instruments.contexts import Contexts, contexts
from ..instruments.contexts import worth as worth_of_all
from ..instruments.evidence import Evidence, divergence, observe, unlearned_by
from ..instruments.forward import Mapped, alone, member
from ..instruments.interventions.erasure import Eraser, leace, random_eraser
from ..instruments.probing.probe import moments
from ..instruments.probing.ridge import Moments
from ..instruments.untrained import untrained
from ..recipes import one_run

Kind = Literal["nothing", "belief", "law", "random", "everything"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""What is erased: nothing; the belief; the exact next-token distribution alone; a random subspace of the
belief's rank; all but the mean.
"""
UNTRAINED: tuple[Kind, ...] = ("nothing", "belief")
"""What is erased in untrained networks."""
RANDOM = 2
"""Random subspaces, of which the costlier counts."""
LEAST_WORTH = 0.005
"""Where beliefs are worth less (nats per token), there is hardly anything to lose."""
HALF = 0.5
"""Share of what beliefs are worth that erasing them costs at least."""
MANY, DEPTH = 20_000, 8
"""Of more contexts than this those of so many tokens are looked at: networks run once for every block."""
Choose = Callable[[Moments, Moments, Int[np.ndarray, "n"]], Eraser]
"""(moments with beliefs, moments with next-token distributions, folds to fit on) -> what to erase at a site.
"""


def looked_at(process: processes.Process, n_ctx: int) -> Contexts:
    """The contexts on which erasures are measured."""
    t = contexts(process, n_ctx)
    return t if len(t.weight) <= MANY else contexts(process, min(n_ctx, DEPTH))


def worth(truth: Contexts) -> float:
    """What beliefs are worth on the held-out contexts, nats per token."""
    scored = truth.fold >= 0
    return worth_of_all(truth.next_token[scored], truth.weight[scored] / truth.weight[scored].sum())


@dataclass(frozen=True, eq=False)
class Subject:
    """One network whose stream may pass affine maps at some sites: what stands at a site once the sites
    before it are mapped, and what is predicted then.
    """

    sites: tuple[str, ...]
    stream: Callable[[Mapped | None, str], Float[np.ndarray, "N d"]]
    predict: Callable[[Mapped], Float[np.ndarray, "N V"]]


def subject(config: toy.Config, network: toy.Params, truth: Contexts) -> Subject:
    """A network (a stack of one), mapped after every block."""

    def seen(edit: Mapped | None, *sites: str) -> Evidence:
        return observe(config, network, truth, sites, edit=edit)[0]

    return Subject(
        config.stream[1:],
        lambda edit, site: seen(edit, site).activations[site],
        lambda edit: seen(edit).log_prediction,
    )


def excess_when_erased(
    network: Subject, truth: Contexts, kinds: Sequence[Kind], *, seed: int
) -> Float[np.ndarray, "K"]:
    """KL to the exact predictor, nats per token, on the held-out contexts, of one network after each erasure.

    What is erased is erased after every block, at every position, block after block: each eraser is fitted on
    what the earlier ones have left (concept scrubbing, Belrose et al. 2023), so that later positions cannot
    read from earlier ones what is gone. Contexts of one half of the folds pass erasers fitted on the other
    half, and on those too short to be held out. Of `RANDOM` random subspaces the costlier is given.
    """
    rng = np.random.default_rng(seed)

    def scrubbed(choose: Choose) -> float:
        return _scrubbed(network, truth, choose)

    def nothing(belief: Moments, next_token: Moments, folds: np.ndarray) -> Eraser:
        mean = belief.feature_moments(folds)[0]
        return Eraser(np.zeros((len(mean), len(mean))), mean)

    def everything(belief: Moments, next_token: Moments, folds: np.ndarray) -> Eraser:
        mean = belief.feature_moments(folds)[0]
        return Eraser(np.eye(len(mean)), mean)

    def random(belief: Moments, next_token: Moments, folds: np.ndarray) -> Eraser:
        return random_eraser(belief, folds, leace(belief, folds).rank, rng)

    how: Mapping[Kind, Choose] = {
        "nothing": nothing,
        "belief": lambda belief, next_token, folds: leace(belief, folds),
        "law": lambda belief, next_token, folds: leace(next_token, folds),
        "everything": everything,
    }
    return np.array(
        [
            max(scrubbed(random) for _ in range(RANDOM)) if kind == "random" else scrubbed(how[kind])
            for kind in kinds
        ]
    )


def _scrubbed(network: Subject, truth: Contexts, choose: Choose) -> float:
    halves = np.arange(truth.fold.max() + 1) % 2
    total = 0.0
    scored = truth.weight * (truth.fold >= 0)
    for half in (0, 1):
        fitted = np.append(np.flatnonzero(halves != half), truth.fold.max() + 1)  # the last: in no fold
        erasers: list[Eraser] = []
        for site in network.sites:
            x = network.stream(_edit(network.sites, erasers), site)
            next_token = moments(x, truth.next_token, truth)
            erasers.append(choose(moments(x, truth.belief, truth), next_token, fitted))
        edit = _edit(network.sites, erasers)
        assert edit is not None
        here = scored * (np.append(halves, -1)[truth.fold] == half)
        told = recalibrated(network.predict(edit), truth.next_token, scored - here)
        total += float(here @ divergence(truth.next_token, told))
    return total / float(scored.sum())


def _edit(sites: Sequence[str], erasers: Sequence[Eraser]) -> Mapped | None:
    """The maps of the first sites, as many as there are."""
    if not erasers:
        return None
    removal, mean = (np.stack([getattr(e, part) for e in erasers]) for part in ("removal", "mean"))
    return Mapped(tuple(sites[: len(erasers)]), removal, mean)


@dataclass(frozen=True, eq=False)
class Erasing:
    """KL to the exact predictor, nats per token, after each of the erasures at every block, on histories that
    no eraser has seen.
    """

    sampled: int | None  # sequences drawn, where contexts are too many to enumerate
    worth: float  # of beliefs, on the same histories
    trained: Float[np.ndarray, "seeds K"]  # by `KINDS`
    untrained: Float[np.ndarray, "seeds 2"]  # by `UNTRAINED`
    unlearned: Float[np.ndarray, "seeds"]  # share of what contexts are worth

    def cost(self, kind: Kind, *, trained: bool = True) -> Float[np.ndarray, "seeds"]:
        """What an erasure costs, as a share of what beliefs are worth."""
        values, kinds = (self.trained, KINDS) if trained else (self.untrained, UNTRAINED)
        return (values[:, kinds.index(kind)] - values[:, kinds.index("nothing")]) / self.worth

    def cost_of_belief(self) -> Float[np.ndarray, "seeds"]:
        """What erasing the belief costs."""
        return self.cost("belief")

    def beyond_random(self) -> Float[np.ndarray, "seeds"]:
        """The same minus the cost of the costliest random subspace."""
        return self.cost("belief") - self.cost("random")

    def beyond_untrained(self) -> Float[np.ndarray, "seeds"]:
        """The same minus every untrained network's."""
        return self.cost("belief") - self.cost("belief", trained=False).max()


def erasing(runs: Mapping[str, train.Run]) -> Erasing:
    """Beliefs, random subspaces and everything erased at every block of every trained network, and beliefs in
    untrained ones.
    """
    (run,) = runs.values()
    config = run.recipe.model
    t = looked_at(run.recipe.ground_truth(), config.n_ctx)

    def measured(params: toy.Params, kinds: Sequence[Kind]) -> np.ndarray:
        return np.stack(
            [
                excess_when_erased(subject(config, alone(member(params, s)), t), t, kinds, seed=s)
                for s in range(run.recipe.seeds)
            ]
        )

    fresh = measured(untrained(run.recipe), UNTRAINED)
    return Erasing(t.sampled, worth(t), measured(run.params(), KINDS), fresh, unlearned_by(run))


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    return {
        "worth of beliefs on held-out histories, nats per token": worth(looked_at(process, n_ctx)),
        "share of it lost when beliefs are erased": 1.0,
        "share lost when a random subspace is erased": 0.0,
    }


def _worthless(process: processes.Process, n_ctx: int) -> str | None:
    value = worth(looked_at(process, n_ctx))
    if value < LEAST_WORTH:
        return (
            f"its beliefs are worth {value:.1e} nats per token beyond the marginal distribution, so erasing "
            "them can cost hardly anything"
        )
    return None


BG14: Claim[Erasing, Erasing] = Claim(
    id="BG14",
    statement="Erase the belief and the prediction goes: it costs at least half of what beliefs are worth.",
    source=(
        "causal extension of Shai et al. 2024 (arXiv:2405.15943), eraser of Belrose et al. 2023; the "
        "statistic is this lab's operationalisation"
    ),
    tested_on=("mess3", "rrxor", "nemo"),
    recipes=one_run,
    prediction=_prediction,
    refusal=_worthless,
    evidence=erasing,
    criteria=(
        Criterion("cost of erasing the belief, as a share of its worth", Erasing.cost_of_belief, above=HALF),
    ),
    controls=(
        learned_by(lambda e: e.unlearned),
        Criterion(
            "erasing everything costs nearly all of it",
            lambda e: e.cost("everything"),
            above=0.9,
            means="what is predicted does not come from this stream, so erasing says nothing",
        ),
        Criterion(
            "beyond every untrained network",
            Erasing.beyond_untrained,
            above=0.0,
            rival="the architecture alone",
        ),
        Criterion(
            "beyond the costlier random subspace of equal rank",
            Erasing.beyond_random,
            above=0.0,
            rival="any subspace of equal rank",
        ),
    ),
    drawn_from=Erasing,
    would_change=(
        "Networks that predict as well as before, or nearly, when no linear probe finds the belief any more."
    ),
    revision=2,
    limits=(
        "What is erased is erased at every position after every block, so that the next block cannot read it "
        "from earlier positions; with it goes what else lies in its directions, which the random subspaces "
        "stand for: where a stream has few directions, any few of them carry much. The erasers leave nothing "
        "for a linear probe of the histories they were fitted on; what a nonlinear reader, or a linear one "
        "on new histories, still finds is not bounded. An erased stream is one the network has never met, so "
        "what its prediction still tells is measured after an affine map of log probabilities, fitted on the "
        "other half of the histories. Of more than 20 000 contexts those of up to eight tokens are looked "
        "at."
    ),
)
