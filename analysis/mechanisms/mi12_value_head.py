"""MI12: a trunk that was trained on prediction alone holds what a value head needs.

Where symbols are rewarded, the value of a belief is linear in it. So a network that holds beliefs linearly
has every value function already, and needs no more than a linear head for each. What is not linear in the
joint belief, as the value of a choice, needs heads that the context gates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

import processes
import toy
import train

from ..claim import Claim, Criterion
from ..controls import DETERMINED, LEFT, MEMORY, RIVALS, learned_by
from ..instruments.contexts import Contexts, contexts
from ..instruments.evidence import observe, unlearned_by
from ..instruments.forward import alone, member
from ..instruments.probing.baselines import BASELINES
from ..instruments.probing.label_shuffles import shuffled_r2
from ..instruments.probing.partial import beside, partial_r2
from ..instruments.probing.probe import moments, probe
from ..instruments.probing.ridge import Moments
from ..instruments.probing.study import SHUFFLES, check
from ..instruments.probing.value_heads import DELAYS, TOLD, Values, beyond_next_token, read, rectified
from ..instruments.untrained import untrained
from ..recipes import one_sharp_run

AS_BELIEFS = 0.02
"""R2 by which a head on the trunk may fall short of one on exact beliefs."""
NO_MORE = 0.01
"""R2 that a nonlinear head may add before the linear one is not enough."""
LINEAR = 0.95
"""A guess of whose value one linear head reads so much off exact beliefs needs no gate that could be seen."""


@dataclass(frozen=True, eq=False)
class Valued:
    """How much of V is read by what; R2 held out by history. Networks are read at their last stream."""

    sampled: int | None
    delay: int  # steps by which rewards are late
    beliefs: float  # by exact beliefs
    beliefs_of_guess: float  # the value of a guess by exact beliefs, one linear head
    rivals: Mapping[str, float]  # V by each rival alone
    linear: Float[np.ndarray, "seeds"]
    nonlinear: Float[np.ndarray, "seeds"]
    all_layers: Float[np.ndarray, "seeds"]  # V by a linear head on all layers side by side
    guess: Float[np.ndarray, "seeds"]  # the value of a guess by a linear head
    guess_nonlinear: Float[np.ndarray, "seeds"]
    untrained: Float[np.ndarray, "seeds"]  # V by a linear head on untrained networks
    shuffled: Float[np.ndarray, "seeds"]  # the best of shuffled V
    partial: Mapping[str, Float[np.ndarray, "seeds"]]  # of what a rival leaves of V, what the trunk explains
    gained: Float[np.ndarray, "seeds"]  # by training, of that, given a memory
    gained_wrong: Float[np.ndarray, "seeds"]  # the same of values of wrong processes
    memory_of_wrong: float  # R2 of those by the memory alone
    unlearned: Float[np.ndarray, "seeds"]  # share of what contexts are worth

    def added(self) -> Float[np.ndarray, "seeds"]:
        """R2 of V that a nonlinear head adds."""
        return self.nonlinear - self.linear

    def over_beliefs(self) -> Float[np.ndarray, "seeds"]:
        """R2 of V by a linear head, minus that on exact beliefs."""
        return self.linear - self.beliefs

    def more_to_guess(self) -> Float[np.ndarray, "seeds"]:
        """R2 that a nonlinear head adds to the value of a guess, minus what it adds to V."""
        return self.guess_nonlinear - self.guess - self.added()

    def beyond_untrained(self) -> Float[np.ndarray, "seeds"]:
        """R2 of V minus that of the best untrained network."""
        return self.linear - self.untrained.max()

    def beyond_shuffled(self) -> Float[np.ndarray, "seeds"]:
        """R2 of V minus that of the best shuffle of it."""
        return self.linear - self.shuffled

    def gained_beyond_wrong(self) -> Float[np.ndarray, "seeds"]:
        """What training gains of V given a short memory, minus what it gains of wrong processes' values."""
        return self.gained - self.gained_wrong

    def memory_leaves_some(self) -> bool:
        """Whether a short memory leaves some of V, and of wrong processes' values."""
        return max(self.rivals[MEMORY], self.memory_of_wrong) <= DETERMINED


def valued(runs: Mapping[str, train.Run]) -> Valued:
    """Put heads on the last stream of trained and untrained networks, one network at a time."""
    (run,) = runs.values()
    recipe, config = run.recipe, run.recipe.model
    t = contexts(recipe.ground_truth(), config.n_ctx)
    values = beyond_next_token(t)
    assert values is not None  # or it is refused
    told, params, fresh = _told(values), run.params(), untrained(recipe)
    found = [_of_network(config, member(params, i), values, told) for i in range(recipe.seeds)]
    before = [_before(config, member(fresh, i), values, told) for i in range(recipe.seeds)]
    untold = np.array([row[1:] for row in before]).mean(0)
    return Valued(
        sampled=t.sampled,
        delay=values.delay,
        beliefs=read(t.belief, values.value, t),
        beliefs_of_guess=read(t.belief, values.guess, t),
        rivals=told.value,
        **{name: np.array([f[name] for f in found]) for name in HEADS},
        untrained=np.array([row[0] for row in before]),
        partial={name: np.array([f[name] for f in found]) for name in RIVALS},
        gained=np.array([f[MEMORY] for f in found]) - untold[0],
        gained_wrong=np.array([f["wrong"] for f in found]) - untold[1],
        memory_of_wrong=told.wrong,
        unlearned=unlearned_by(run),
    )


HEADS = ("linear", "nonlinear", "all_layers", "guess", "guess_nonlinear", "shuffled")
"""Fields of `Valued` that are measured network by network."""


class Told(NamedTuple):
    """What rivals tell by themselves, the same for all networks."""

    features: Mapping[str, Float[np.ndarray, "N k"]]
    value: Mapping[str, float]  # R2 of V
    wrong: float  # R2 of values of wrong processes, by the memory


def _told(values: Values) -> Told:
    t = values.contexts
    features = {name: BASELINES[name](t) for name in RIVALS}
    by_memory = probe(moments(features[MEMORY], values.wrong, t)).r2
    return Told(features, {name: read(x, values.value, t) for name, x in features.items()}, by_memory)


def _of_network(config: toy.Config, params: toy.Params, values: Values, told: Told) -> dict[str, float]:
    """`HEADS`, and partial R2 given each rival; of values of wrong processes given a memory."""
    t = values.contexts
    (seen,) = observe(config, alone(params), t, config.stream[1:])
    x = seen.activations[config.stream[-1]]
    both = np.column_stack([values.value, values.guess])
    plain, wide = (moments(of, both, t) for of in (x, rectified(x, t)))
    value = plain[slice(None), slice(0, 1)]
    shuffles = shuffled_r2([x], [value], values.value[:, None], t, n=SHUFFLES)
    right, wrong = _given_memory(x, values, told)
    given = {
        name: _partial(x, told.features[name], told.value[name], values.value[:, None], t)
        for name in RIVALS
        if name != MEMORY
    }
    return {
        "linear": probe(value).r2,
        "nonlinear": _label(wide, 0),
        "guess": _label(plain, 1),
        "guess_nonlinear": _label(wide, 1),
        "all_layers": read(np.concatenate(list(seen.activations.values()), axis=1), values.value, t),
        "shuffled": float(shuffles.max()),
        **given,
        MEMORY: right,
        "wrong": wrong,
    }


def _before(config: toy.Config, params: toy.Params, values: Values, told: Told) -> tuple[float, float, float]:
    """Of an untrained network: R2 of V, and partial R2 of V and of wrong values given a memory."""
    (seen,) = observe(config, alone(params), values.contexts, config.stream[-1:])
    x = seen.activations[config.stream[-1]]
    return read(x, values.value, values.contexts), *_given_memory(x, values, told)


def _label(of: Moments, k: int) -> float:
    return probe(of[slice(None), slice(k, k + 1)]).r2


def _given_memory(x: Float[np.ndarray, "N d"], values: Values, told: Told) -> tuple[float, float]:
    """Partial R2 of V, and of values of wrong processes together, given a short memory."""
    memory, t = told.features[MEMORY], values.contexts
    right = _partial(x, memory, told.value[MEMORY], values.value[:, None], t)
    return right, _partial(x, memory, told.wrong, values.wrong, t)


def _partial(
    x: Float[np.ndarray, "N d"],
    rival: Float[np.ndarray, "N k"],
    without: float,
    labels: Float[np.ndarray, "N m"],
    t: Contexts,
) -> float:
    """Part of what a rival leaves of some labels, of which it tells so much, that features explain."""
    return partial_r2(probe(moments(beside(x, rival, t), labels, t)).r2, without)


def _rival(name: str) -> Criterion[Valued]:
    words = RIVALS[name]
    return Criterion(
        f"V by a linear head: partial R2 given {words}",
        lambda v: v.partial[name],
        above=LEFT,
        rival=words,
        only_if=lambda v: v.rivals[name] <= DETERMINED,
    )


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    t = contexts(process, n_ctx)
    values = beyond_next_token(t)
    if values is None:
        return {}
    return {
        "steps by which the last symbol is rewarded late": values.delay,
        "R2 of V by exact beliefs": read(t.belief, values.value, t),
        "R2 of V by next-token distributions": read(t.next_token, values.value, t),
        "R2 of the value of a guess by exact beliefs, one linear head": read(t.belief, values.guess, t),
    }


def _refusal(process: processes.Source, n_ctx: int) -> str | None:
    if not isinstance(process, processes.Process):
        return "it is a question, with no beliefs to be probed"
    check(process, n_ctx)
    if beyond_next_token(contexts(process, n_ctx)) is None:
        return (
            f"its next-token distributions tell over {TOLD} of what the last symbol is worth, however late "
            f"it is paid (up to {DELAYS - 1} steps), so a value head would show no more than predictions do"
        )
    return None


MI12: Claim[Valued, Valued] = Claim(
    id="MI12",
    statement=(
        "Encoder, decoder, value head: on a trunk that was trained on prediction alone a linear head reaches "
        "the value of rewarded symbols as exact beliefs do, and only what is no linear function of beliefs "
        "needs more than one."
    ),
    source=(
        "public comments on encoder, decoder, value head and on shards; values of beliefs: Smallwood & "
        "Sondik 1973; statistics: this lab's operationalisation"
    ),
    tested_on=("checksum:ternary", "nemo", "random_insertion"),
    recipes=one_sharp_run,
    evidence=valued,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion(
            "R2 of V by a linear head on the last stream, minus that on exact beliefs",
            Valued.over_beliefs,
            above=-AS_BELIEFS,
        ),
        Criterion("R2 of V that a nonlinear head adds", Valued.added, below=NO_MORE),
        Criterion(
            "R2 that a nonlinear head adds to the value of a guess, minus what it adds to V",
            Valued.more_to_guess,
            above=0.0,
            only_if=lambda v: v.beliefs_of_guess <= LINEAR,
        ),
    ),
    controls=(
        learned_by(lambda v: v.unlearned),
        Criterion(
            "R2 of V above every untrained network",
            Valued.beyond_untrained,
            above=0.0,
            rival="the architecture, untrained",
        ),
        Criterion(
            "R2 of V above every shuffle of it",
            Valued.beyond_shuffled,
            above=0.0,
            rival="the capacity of the head",
        ),
        *map(_rival, RIVALS),
        Criterion(
            "training gains more of V than of wrong processes' values, given a short memory",
            Valued.gained_beyond_wrong,
            above=0.0,
            rival="values by any process",
            only_if=Valued.memory_leaves_some,
        ),
    ),
    drawn_from=Valued,
    would_change=(
        "Networks at the floor off whose last stream a linear head reads less of V than off beliefs, or a "
        "nonlinear head more than a linear one."
    ),
    limits=(
        "The last symbol is worth 1, so many steps late, discounted by .9: at the first delay at which "
        f"next-token distributions tell at most {TOLD} of V. Heads are ridge regressions, held out by "
        "history; the nonlinear one sees random rectified features beside the stream, and may miss what a "
        "trained one would find. Heads on all layers are drawn, and not judged. A guess is of the symbol as "
        "many steps ahead, paid if it is right: its value is the largest of as many linear functions of the "
        f"belief as there are symbols; where one linear head reads {LINEAR} of it off exact beliefs, nothing "
        "is asked of it. Rewards that depend on who writes or on which constraint holds are linear in the "
        "joint belief as well, and are not asked of networks here."
    ),
)
