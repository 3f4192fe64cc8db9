"""SM5: a transformer that writes its own text is a finite Markov chain, and its errors last as long as the
process's own memory, no longer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

import processes
import toy
import train
from processes.algebra.chain import closed_classes

from ..claim import Claim, Criterion, Setting
from ..controls import learned_by
from ..instruments.behaviour.own_text import MOST_WORDS, Truth, markov_chain, network_chain, total_variation
from ..instruments.evidence import unlearned_by
from ..instruments.forward import member
from ..instruments.untrained import untrained
from ..recipes import FOUR_HEADS, SMALL, sharper, standard

MEMORY = 3
"""Symbols that the rival remembers."""
RATE = 0.01
"""Largest difference of entropy rates, nats per symbol."""
EXACT = 1e-12
"""Largest total variation of the exact chain's stationary distribution from the process's own that is
rounding."""
LEAST = 1e-18
"""In place of none at all, where logarithms are taken."""
LASTS = 1.25
"""Longest stay among impossible words, in windows, of who leaves them once the window has passed."""


@dataclass(frozen=True, eq=False)
class OwnText:
    """Networks as chains on words of n symbols, beside the exact chain."""

    n: int
    h: float  # entropy of a symbol after n, nats
    second: float  # modulus of the exact chain's second eigenvalue
    amplification: float  # of errors, by the exact chain
    markov: float  # total variation of the text of a memory of three symbols
    exact_error: float  # of the exact chain's stationary distribution from the process's own
    impossible: bool  # whether some words of n symbols are
    step: Float[np.ndarray, "seeds"]  # total variation that one step from the true distribution adds
    stationary: Float[np.ndarray, "seeds"]  # of the stationary distribution from the true one
    rate: Float[np.ndarray, "seeds"]  # entropy rate of the text, nats
    eigenvalue: Float[np.ndarray, "seeds"]  # modulus of the second
    mass: Float[np.ndarray, "seeds"]  # of impossible words, in the long run
    leak: Float[np.ndarray, "seeds"]  # probability a symbol to leave the possible ones, in the long run
    untrained_stationary: Float[np.ndarray, "seeds"]
    untrained_rate: Float[np.ndarray, "seeds"]
    unlearned: Float[np.ndarray, "seeds"]  # share of what contexts are worth

    @property
    def over_predicted(self) -> Float[np.ndarray, "seeds"]:
        """log2 of the measured amplification over the predicted one."""
        return np.log2(self.stationary / self.step / self.amplification)

    @property
    def stay(self) -> Float[np.ndarray, "seeds"]:
        """Mean stay among impossible words, in windows of n symbols: mass over leak."""
        mass, leak = self.mass, self.leak
        return np.divide(mass, leak, out=np.zeros_like(mass), where=leak > 0) / self.n


def of_networks(config: toy.Config, params: toy.Params, seeds: int, truth: Truth) -> dict[str, np.ndarray]:
    """What chains of a stack of networks come to."""
    found, possible = [], truth.possible
    for i in range(seeds):
        chain = network_chain(config, member(params, i), truth.n)
        stationary = chain.stationary
        stays = possible[chain.next]
        step = total_variation(truth.distribution @ chain.matrix, truth.distribution)
        leak = float((stationary[:, None] * chain.probability * (possible[:, None] & ~stays)).sum())
        found.append(
            (
                step,
                total_variation(stationary, truth.distribution),
                chain.entropy_rate,
                chain.second_eigenvalue,
                float(stationary[~possible].sum()),
                leak,
            )
        )
    names = ("step", "stationary", "rate", "eigenvalue", "mass", "leak")
    return dict(zip(names, np.array(found).T, strict=True))


def own_text(runs: Mapping[str, train.Run]) -> OwnText:
    """The chains of trained networks, of untrained ones, and the exact one."""
    (run,) = runs.values()
    recipe, config = run.recipe, run.recipe.model
    truth = Truth(recipe.ground_truth(), config.n_ctx)
    trained = of_networks(config, run.params(), recipe.seeds, truth)
    fresh = of_networks(config, untrained(recipe), recipe.seeds, truth)
    return OwnText(
        n=truth.n,
        h=truth.h,
        second=truth.chain.second_eigenvalue,
        amplification=truth.amplification,
        markov=float(total_variation(markov_chain(truth, MEMORY).stationary, truth.distribution)),
        exact_error=float(total_variation(truth.chain.stationary, truth.distribution)),
        impossible=not truth.possible.all(),
        **trained,
        untrained_stationary=fresh["stationary"],
        untrained_rate=fresh["rate"],
        unlearned=unlearned_by(run),
    )


def _recipes(process: str, setting: Setting) -> Mapping[str, train.Recipe]:
    """Small networks, trained sharply: of RRXOR the default training leaves a third of these too much."""
    shape = SMALL if setting.size == "small" else replace(SMALL, n_ctx=FOUR_HEADS.n_ctx)
    while processes.named(process).vocab ** shape.n_ctx > MOST_WORDS:
        shape = replace(shape, n_ctx=shape.n_ctx - 1)
    return {"transformer": standard(process, sharper(setting), model=shape)}


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    truth = Truth(process, n_ctx)
    return {
        "entropy rate of the text, nats": truth.h,
        "second eigenvalue": truth.chain.second_eigenvalue,
        "amplification of errors": truth.amplification,
    }


def _refusal(process: processes.Process, n_ctx: int) -> str | None:
    if process.vocab**n_ctx > MOST_WORDS:
        return (
            f"its words of {n_ctx} symbols are more than {MOST_WORDS}, too many for one system of equations"
        )
    if len(closed_classes(process.T.sum(0))) > 1:
        return "it is not ergodic, so its text has no one stationary distribution"
    return None


def _impossible(e: OwnText) -> bool:
    return e.impossible


SM5: Claim[OwnText, OwnText] = Claim(
    id="SM5",
    statement=(
        "A transformer that writes its own text is a finite Markov chain close to that of exact "
        "conditionals: its errors last as long as they stay in sight, and do not compound."
    ),
    source="Public comments on simulators and on errors that compound; statistics as operationalised here",
    tested_on=("rrxor", "even", "nemo", "golden_mean"),
    recipes=_recipes,
    evidence=own_text,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion(
            "log2 of the amplification of one step's error, over that of the exact chain",
            lambda e: e.over_predicted,
            above=-1.0,
            below=1.0,
        ),
        Criterion(
            "entropy rate of its own text minus h(n+1), nats",
            lambda e: e.rate - e.h,
            above=-RATE,
            below=RATE,
        ),
        Criterion(
            "mean stay among impossible words, in windows",
            lambda e: e.stay,
            below=LASTS,
            only_if=_impossible,
        ),
    ),
    controls=(
        learned_by(lambda e: e.unlearned),
        Criterion(
            "log10 of the total variation of the exact chain's text from the process",
            lambda e: np.full(len(e.step), np.log10(max(e.exact_error, LEAST))),
            below=np.log10(EXACT),
            over="nearly all",
            means="the chain of the process itself does not write its text",
        ),
        Criterion(
            "untrained networks' text is further from the process (least log2 ratio)",
            lambda e: np.log2(e.untrained_stationary.min() / e.stationary),
            above=1.0,
            means="any network writes text as near to the process",
        ),
        Criterion(
            "log2 of how much further the text of a memory of three symbols is",
            lambda e: np.log2(e.markov / e.stationary),
            above=1.0,
            rival="a memory of three symbols",
            only_if=lambda e: e.markov > EXACT,
        ),
    ),
    drawn_from=OwnText,
    would_change=(
        "Networks at the floor whose stationary text is further from the process than their errors of "
        "one step, followed by the exact chain, account for."
    ),
    limits=(
        "The chain sees exactly n symbols, as many as the network reads; nothing is said of text with a "
        "growing context. The predicted amplification is that of symbols put in place at random now and "
        "then, to first order; networks err in their own directions, which is why a factor of two either "
        "way is allowed. After an impossible word the exact chain goes on as after its longest possible "
        "end."
    ),
)
