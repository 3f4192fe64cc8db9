"""MI13: learning by relaxation, with local updates alone, ends where backpropagation does.

One recurrent network is trained twice from the same parameters, on the same contexts, by as many steps of one
optimiser: on the gradient that backpropagation finds, and on that of an energy in which its states have
settled. How near both come to the floor, and how much of beliefs they hold, is compared network by network.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

import processes
import toy
import train
from train.rules.relaxation import Gradients, agreement, by_relaxation, gradients

from ..claim import Claim, Criterion, Setting
from ..controls import learned_by
from ..instruments.contexts import HISTORY, contexts
from ..instruments.evidence import Evidence, observe, unlearned
from ..instruments.probing.study import Study, check

WIDTH = 16
"""Of the state."""
STEPS, RATE = 1500, 1e-2
"""Of Adam, with a cosine."""
BETA = 1.0
"""Weight with which the output is held."""
WEAKLY = 0.001
"""The weight with which it is held where the gradient is compared with backpropagation's, before training."""
AT_LENGTH = 5000
"""Steps of relaxation that what training takes is compared with."""
MOST, LONGEST = 1400, 9
"""Contexts that networks are trained on, at most, and tokens of the longest ones."""
UNLEARNED = 0.02
"""Share of what contexts are worth that backpropagation may leave: a small network, and Adam without a
finish.
"""
AS_FAR = np.log(2)
"""Most that may be left after relaxation, over what backpropagation leaves; logarithm."""
AS_WELL = 0.02
"""R2 that may be lost."""
SAME = 0.999
"""Cosine of two gradients that are one up to rounding and what is left of relaxation."""
AT_REST = 0.1
"""Part of the weight gradient that more relaxation may change."""
POINTS = 60
"""Of the course of training that are kept."""


@dataclass(frozen=True, eq=False)
class Rules:
    """What two rules of learning make of the same networks: backpropagation, then relaxation."""

    left: Float[np.ndarray, "2 seeds"]  # share of what contexts are worth
    r2: Float[np.ndarray, "2 seeds"]  # of beliefs from the state, held out by history
    untrained: Float[np.ndarray, "seeds"]  # the same before training
    shuffled: Float[np.ndarray, "seeds"]  # of the best of shuffled beliefs, after backpropagation
    token_window: float  # of the tokens themselves
    unrest: Float[np.ndarray, "2 seeds"]
    """Part of relaxation's weight gradient that `AT_LENGTH` steps of it change, before training and after."""
    agreement: Float[np.ndarray, "2 seeds"]
    """Cosine of relaxation's gradient, at length, to backpropagation's before training: held as in training,
    then weakly.
    """
    settled: Float[np.ndarray, "seeds"]  # steps of relaxation for each of the weights, mean over training
    step: Float[np.ndarray, "K"]
    course: Float[np.ndarray, "2 seeds K"]  # share that is left before each of these steps

    def log_ratio(self) -> Float[np.ndarray, "seeds"]:
        """What relaxation leaves to learn over what backpropagation leaves, logarithm."""
        return np.log(self.left[1] / self.left[0])

    def holds_more(self) -> Float[np.ndarray, "seeds"]:
        """R2 of beliefs after relaxation minus that after backpropagation."""
        return self.r2[1] - self.r2[0]

    def most_unrest(self) -> Float[np.ndarray, "seeds"]:
        """The larger part of the weight gradient that longer relaxation changes."""
        return self.unrest.max(0)

    def beyond_untrained(self) -> Float[np.ndarray, "seeds"]:
        """R2 after backpropagation minus that of the best untrained network."""
        return self.r2[0] - self.untrained.max()

    def beyond_shuffled(self) -> Float[np.ndarray, "seeds"]:
        """The same minus that of the best shuffle of the labels."""
        return self.r2[0] - self.shuffled


@train.pinned()
def rules(runs: Mapping[str, train.Run]) -> Rules:
    """Train the networks of a run once more from where they started, by relaxation, and read both."""
    (run,) = runs.values()
    recipe, config, process = run.recipe, run.recipe.model, run.recipe.ground_truth()
    assert isinstance(config, toy.RecurrentConfig)
    start, truth = run.params(0), contexts(process, config.n_ctx)
    made = by_relaxation(
        config,
        start,
        process,
        steps=recipe.steps,
        learning_rate=recipe.optimiser.learning_rate,
        beta=BETA,
    )

    def read(params: toy.Params) -> list[Evidence]:
        return observe(config, params, truth, config.stream)

    def at_length(params: toy.Params, beta: float = BETA) -> Gradients:
        return gradients(config, params, process, beta=beta, tolerance=0.0, settling=AT_LENGTH)

    fully, weakly, after = at_length(start), at_length(start, WEAKLY), at_length(made.params)
    fresh, site = read(start), config.stream[-1]
    by = [Study(truth, config.stream, read(params), fresh) for params in (run.params(), made.params)]
    step = np.unique(np.geomspace(1, recipe.steps, POINTS).round().astype(int)) - 1
    course = np.array([run.history()["excess"], made.left]) / truth.worth
    return Rules(
        np.array([unlearned(study.trained) for study in by]),
        np.array([study.r2(site) for study in by]),
        by[0].r2(site, trained=False),
        by[0].shuffled(site).max(1),
        by[0].baseline("token_window").r2,
        np.array(
            [
                _changed(gradients(config, params, process, beta=BETA), rest)
                for params, rest in ((start, fully), (made.params, after))
            ]
        ),
        np.array([agreement(*held) for held in (fully, weakly)]),
        made.settled.mean(1),
        step.astype(float),
        course[:, :, step].astype(float),
    )


def _changed(short: Gradients, rest: Gradients) -> Float[np.ndarray, "seeds"]:
    """Part of relaxation's weight gradient, by length, that longer relaxation changes."""
    return np.linalg.norm(short[0] - rest[0], axis=1) / np.linalg.norm(rest[0], axis=1)


def n_ctx(process: processes.Process) -> int:
    """Length of the longest contexts, such that those of up to that length are at most `MOST`."""
    length = 1
    while length < LONGEST and processes.count_words(process, length + 1, most=MOST) is not None:
        length += 1
    return length


def _recipes(process: str, setting: Setting) -> Mapping[str, train.Recipe]:
    truth = processes.named(process)
    return {
        "recurrent": train.Recipe(
            process=process,
            model=toy.RecurrentConfig(truth.vocab, n_ctx(truth), n_layers=1, d_model=WIDTH, cell="rnn"),
            objective="population",
            optimiser=train.Optimiser("adam", RATE, schedule="cosine"),
            steps=STEPS,
            batch=None,
            seeds=setting.seeds,
        )
    }


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    return {"share left, relaxation over backpropagation": 1.0}


def _refusal(process: processes.Process, n_ctx: int) -> str | None:
    if n_ctx <= HISTORY:
        return (
            f"networks would read {n_ctx} tokens, since contexts of one more are over {MOST} and all relax "
            f"together; histories are held out by their first {HISTORY}, so that is too few"
        )
    try:
        check(process, n_ctx)
    except processes.ProcessError as reason:
        return str(reason)
    return None


MI13: Claim[Rules, Rules] = Claim(
    id="MI13",
    statement=(
        "A recurrent network that learns by relaxation, with updates that are local in time, comes as near "
        "to the floor of the loss as the same network by backpropagation through time, and holds as much of "
        "beliefs."
    ),
    source=(
        "Public comments on predictive processing, in words; Whittington & Bogacz 2017 "
        "(doi:10.1162/NECO_a_00949) on relaxation in the place of backpropagation; the energy on a tree of "
        "contexts and statistics are this lab's operationalisation"
    ),
    tested_on=("mess3", "rrxor"),
    recipes=_recipes,
    evidence=rules,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion(
            "log of what relaxation leaves to learn, over what backpropagation leaves",
            Rules.log_ratio,
            below=AS_FAR,
        ),
        Criterion(
            "held-out R2 of beliefs, relaxation minus backpropagation",
            Rules.holds_more,
            above=-AS_WELL,
        ),
    ),
    controls=(
        learned_by(lambda r: r.left[0], UNLEARNED),
        Criterion(
            "cosine of the gradients where the output is held weakly",
            lambda r: r.agreement[1],
            above=SAME,
            over="nearly all",
            means="what is called relaxation does not tend to backpropagation, as it must, so it is none",
        ),
        Criterion(
            "part of the weight gradient that longer relaxation changes, before training or after it",
            Rules.most_unrest,
            below=AT_REST,
            over="nearly all",
            means="states are not at rest when weights are moved, so what is tested is no relaxation",
        ),
        Criterion(
            "backpropagation: R2 above every untrained network",
            Rules.beyond_untrained,
            above=AS_WELL,
            means="training gives no more than may be lost, so that an untrained network would do as well",
        ),
        Criterion(
            "backpropagation: R2 above every shuffle of the labels",
            Rules.beyond_shuffled,
            above=0.0,
            means="the capacity of the probe gives the score, whatever the labels",
        ),
    ),
    literature={
        "networks forward in depth": (
            "accuracies of predictive coding like those of backpropagation, on small images (Whittington & "
            "Bogacz 2017)"
        ),
    },
    drawn_from=Rules,
    revision=2,
    would_change=(
        "Networks that end well above what backpropagation leaves, or hold less of beliefs, though their "
        "states were at rest and their gradient is backpropagation's where the output is held weakly."
    ),
    limits=(
        f"One layer of {WIDTH} tanh units, contexts of at most {MOST} in all, Adam without a finish, and the "
        f"output held with beta = {BETA:g}; held more weakly, relaxation is backpropagation in the limit and "
        "takes more steps to rest. States relax by descent with momentum from a forward pass. Both rules "
        "see every context at every step, so that nothing is said of noise, nor of updates while states "
        "still move."
    ),
)
