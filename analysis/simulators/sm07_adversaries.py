"""SM7: what likelihood and adversaries make of one generator: the beliefs of whoever reads, or the states of
what writes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

import processes
import toy
import train
from toy.generator import GeneratorConfig, Parameters, word_distribution
from train.rules.generators import Aim, generators

from ..claim import Claim, Criterion, Setting
from ..controls import learned_by
from ..instruments.behaviour.disagreement import jensen_shannon
from ..instruments.behaviour.own_text import Truth
from ..instruments.contexts import enumerated
from ..instruments.evidence import log_of, observe, unlearned
from ..instruments.forward import cast_up
from ..instruments.statistics import systematic
from ..recipes import standard
from .sm07_generator_states import (
    NEAR,
    Cloud,
    dimension,
    each,
    near,
    of_generator,
    of_hidden_states,
    of_predictors,
    own,
    r2,
    vertices,
    word_length,
)

WIDTH = 8
"""Of the states of generators and predictors."""
STEPS, RATE, FINISH = 500, 1e-2, 200
"""Of the training of generators: steps of Adam, their size, and steps of L-BFGS afterwards."""
ARMS: Mapping[str, tuple[Aim, bool]] = {
    "likelihood": ("likelihood", True),
    "adversary": ("adversary", True),
    "adversary, no noise": ("adversary", False),
}
"""What generators are trained for, and whether they have noise; predictors come after them."""
LIKELIHOOD, ADVERSARY, SILENT, PREDICTOR = range(4)
DRAWN = 400
"""States of each network that are drawn, by systematic sampling."""
SHORTEST = 4
"""Symbols of the shortest words on which generators are trained."""
UNLEARNED = 1e-3
"""Share of what contexts are worth that may be left: generators with noise learn slowly (pilot: 4e-5)."""
HELD = 0.95
"""R2 of beliefs from which on a predictor holds them."""
OVERLAP = 0.05
"""Share of a reader's predictions that may be near a vertex."""
ORDERS = range(5)
"""Of Markov chains whose divergence from the process is told."""


@dataclass(frozen=True, eq=False)
class Structures:
    """What the states of generators and predictors are; A: those of `ARMS`, then predictors."""

    near: Float[np.ndarray, "A seeds"]  # share at the vertices of the process
    r2: Float[np.ndarray, "A seeds"]  # of beliefs given history, in-sample
    dimension: Float[np.ndarray, "A seeds"]
    own: Float[np.ndarray, "A seeds"]  # share of variance of predictions that history does not tell
    left: Float[np.ndarray, "A seeds"]  # share of what contexts are worth
    r2_of_states: float  # of the process itself as generator, and what an ideal reader comes to
    own_of_states: float
    dimension_of_beliefs: float
    token: Float[np.ndarray, "A seeds P V"]  # states that are drawn, by what they predict
    belief: Float[np.ndarray, "A seeds P S"]  # given their histories
    vertices: Float[np.ndarray, "S V"]

    def minus(self, statistic: str, one: int, other: int) -> Float[np.ndarray, "seeds"]:
        """A statistic of one arm less that of another."""
        value: Float[np.ndarray, "A seeds"] = getattr(self, statistic)
        return value[one] - value[other]

    def farther(self) -> Float[np.ndarray, "seeds"]:
        """log of how many times farther from the process adversaries leave a generator than likelihood."""
        return np.log(self.left[ADVERSARY] / self.left[LIKELIHOOD])


@train.pinned()
def structures(runs: Mapping[str, train.Run]) -> Structures:
    """Train generators of the same seeds as the predictors of a run, and read all of them."""
    (run,) = runs.values()
    recipe, process = run.recipe, run.recipe.ground_truth()
    config = recipe.model
    assert isinstance(config, toy.RecurrentConfig)
    n = config.n_ctx + 1
    exact = Truth(process, n).distribution.reshape((process.vocab,) * n)
    at = vertices(process)
    assert at is not None
    clouds: list[list[Cloud]] = []
    left = []
    for aim, noisy in ARMS.values():
        shape = GeneratorConfig(process.vocab, n, process.n_states if noisy else 1, WIDTH)
        made = generators(
            shape,
            exact,
            aim,
            seeds=recipe.seeds,
            first_seed=recipe.first_seed,
            steps=STEPS,
            learning_rate=RATE,
            finish=FINISH,
        )
        one_by_one = each(made.params, recipe.seeds)
        clouds.append([of_generator(shape, params) for params in one_by_one])
        left.append([_left(shape, params, exact) for params in one_by_one])
    every = enumerated(process, n - 1)
    clouds.append(of_predictors(config, run.params(), process))
    left.append(list(unlearned(observe(config, run.params(), every, ()))))
    belief, states, ideal = every.belief, of_hidden_states(process, n), _reader(process, n)
    drawn = [[(c, systematic(c.weight, DRAWN)) for c in arm] for arm in clouds]
    return Structures(
        np.array([[near(c, at) for c in arm] for arm in clouds]),
        np.array([[r2(c, belief) for c in arm] for arm in clouds]),
        np.array([[dimension(c) for c in arm] for arm in clouds]),
        np.array([[own(c) for c in arm] for arm in clouds]),
        np.array(left),
        r2(states, belief),
        own(states),
        dimension(ideal),
        np.array([[c.token[rows] for c, rows in arm] for arm in drawn]),
        np.array([[belief[c.word[rows]] for c, rows in arm] for arm in drawn]),
        at,
    )


def _left(shape: GeneratorConfig, params: Parameters, exact: np.ndarray) -> float:
    """KL of the process to a generator over that to independent symbols, both on words."""
    one = exact.reshape(shape.vocab, -1).sum(1)
    gained = np.log(exact)
    for axis in range(shape.length):
        gained = gained - np.expand_dims(np.log(one), [a for a in range(shape.length) if a != axis])
    left = np.log(exact) - np.log(cast_up(np.asarray(word_distribution(shape, params))))
    return float((exact * left).sum() / (exact * gained).sum())


def _reader(process: processes.Process, n: int) -> Cloud:
    """Beliefs of an ideal reader of words, with what it predicts."""
    every = enumerated(process, n - 1)
    return Cloud(every.belief, every.next_token, np.arange(len(every.weight)), every.weight)


def markov_js(process: processes.Process, k: int, n: int) -> float:
    """Jensen-Shannon divergence of words of n symbols of a process from those of its Markov chain of order k,
    nats.
    """
    truth = Truth(process, n)
    independent = Truth(process, 1).distribution[truth.words].prod(1)
    other = Truth(processes.markov(process, k), n).distribution if k else independent
    return float(jensen_shannon(log_of(truth.distribution), log_of(other)))


def _recipes(process: str, setting: Setting) -> Mapping[str, train.Recipe]:
    truth = processes.named(process)
    model = toy.RecurrentConfig(
        truth.vocab, n_ctx=max(word_length(truth) - 1, 1), n_layers=1, d_model=WIDTH, cell="rnn"
    )
    return {"predictor": standard(process, setting, model=model, population=True)}


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    n = n_ctx + 1
    at, every = vertices(process), enumerated(process, n_ctx)
    assert at is not None
    states, reader = of_hidden_states(process, n), _reader(process, n)
    told: dict[str, Any] = {}
    for name, cloud in (("hidden states", states), ("beliefs", reader)):
        told[f"{name}: share at vertices"] = near(cloud, at)
        told[f"{name}: R2 of beliefs"] = r2(cloud, every.belief)
        told[f"{name}: dimension"] = dimension(cloud)
    for k in ORDERS:
        told[f"JS of words of 6 from those of order {k}, nats"] = markov_js(process, k, 6)
    return told


def _refusal(process: processes.Process, n_ctx: int) -> str | None:
    if process.kind != "hmm" or (process.T < 0).any():
        return "it is a generalised process, which has no hidden states to be found"
    if process.n_states == 1:
        return "it has one hidden state, so that there is nothing to believe"
    at, n = vertices(process), word_length(process)
    if at is None:
        return "what it emits hangs on the state before as well, so that its states emit by no distribution"
    if n < SHORTEST:
        return (
            f"with noise of {process.n_states} values the paths of words of {SHORTEST} symbols are too many "
            "to follow"
        )
    everything = sum(process.vocab**i for i in range(1, n + 1))
    if processes.count_words(process, n, most=everything) != everything:
        return f"some words of {n} symbols are impossible, and a generator gives every word a probability"
    if (found := near(_reader(process, n), at)) > OVERLAP:
        return (
            f"{found:.2g} of what a reader predicts is within {NEAR} of what a hidden state emits, so that "
            "one is not told from the other"
        )
    return None


SM7: Claim[Structures, Structures] = Claim(
    id="SM7",
    statement=(
        "Likelihood shows predictive structure, adversaries generative: of the same generator with noise of "
        "its own, training against the best adversary makes states that are mostly the hidden states of the "
        "process, and training by likelihood more those beliefs that a reader of its words would hold."
    ),
    source=(
        "Public comments on generative against predictive structure; the best adversary: Goodfellow et al. "
        "2014; generator and statistics: this lab's operationalisation"
    ),
    tested_on=("mess3",),
    recipes=_recipes,
    evidence=structures,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion(
            "adversary: share of states at what hidden states emit",
            lambda e: e.near[ADVERSARY],
            above=0.5,
        ),
        Criterion(
            "that share, adversary minus likelihood",
            lambda e: e.minus("near", ADVERSARY, LIKELIHOOD),
            above=0.0,
        ),
        Criterion(
            "R2 of beliefs given history, likelihood minus adversary",
            lambda e: e.minus("r2", LIKELIHOOD, ADVERSARY),
            above=0.0,
        ),
        Criterion(
            "dimension of the cloud, likelihood minus adversary",
            lambda e: e.minus("dimension", LIKELIHOOD, ADVERSARY),
            above=0.0,
        ),
    ),
    controls=(
        learned_by(lambda e: e.left.max(0), UNLEARNED),
        Criterion(
            "predictor: R2 of beliefs given history",
            lambda e: e.r2[PREDICTOR],
            above=HELD,
            means="beliefs are not read even where nothing else can be",
        ),
        Criterion(
            "log of what adversaries leave to learn over what likelihood leaves",
            Structures.farther,
            above=-float(np.log(2)),
            below=float(np.log(2)),
            means="one of the two came nearer to the process than the other",
        ),
        Criterion(
            "share of states at hidden states', adversary with noise minus without",
            lambda e: e.minus("near", ADVERSARY, SILENT),
            above=0.0,
            rival="adversaries, with or without noise",
        ),
    ),
    drawn_from=Structures,
    would_change=(
        "Generators trained against adversaries whose states are the hidden states of the process, where the "
        "same generators trained by likelihood are not so."
    ),
    limits=(
        f"One recurrent generator of width {WIDTH}, on words of five symbols, whose noise has a value for "
        "each hidden state, with probabilities of the generator's own choice: both the process itself and a "
        "reader of its own words, which ignores noise, can be written in it exactly, and both are optima of "
        "either loss. So the claim is about what training finds. The adversary is the best there is, in "
        "closed form; one that is trained, or the other loss of generators that is used with it (which then "
        "has the gradient of KL(Q || P) - 2 JS: Arjovsky & Bottou 2017), may lead elsewhere. Near the "
        "process the two losses are one up to a factor of four, to which Adam is blind, so that they can "
        f"differ on the way alone. At a hidden state means within {NEAR} in total variation of what it "
        "emits; that half of the states are there is asked after pilots: of 2000 steps of Adam alone (a "
        "third to a half), of L-BFGS alone (likelihood, .28 and .59), and of this training (under .01). "
        "R2 is that of a linear map in-sample: there are two thousand times as many paths as coordinates. "
        "States before the first token are not asked, as predictors have none."
    ),
)
