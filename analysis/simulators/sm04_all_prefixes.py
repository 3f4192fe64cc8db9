"""SM4: what a network does after any prefix at all can be proved, and is worst where the process never
goes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

import processes
import toy
import train
from processes.structure.supremum import supremum

from ..claim import Claim, Criterion, Setting
from ..controls import learned_by
from ..instruments.evidence import unlearned_by
from ..instruments.forward import member
from ..instruments.proofs.largest import largest
from ..instruments.proofs.recurrent_maps import recurrent_maps
from ..instruments.proofs.refine import highest_drawn
from ..instruments.proofs.words import all_words
from ..instruments.untrained import untrained
from ..recipes import FOUR_HEADS, PAPER, SMALL, standard

RECURRENT, TRANSFORMER = "recurrent", "transformer"
CELL: Literal["rnn"] = "rnn"
WIDTH = 8
"""Of the networks of which bounds over all lengths are asked."""
SECONDS = 300.0
"""For one network. Attempts end by the number of sets long before, so that no verdict hangs on a clock."""
TIGHT, GAP = 0.01, 0.05
"""Largest slack of a bound that says something; and by how much more probable than on the support."""
CERTAIN = 0.99
"""Of a symbol that the process itself makes this probable, no bound says anything."""


def symbol(process: processes.Process) -> int:
    """The symbol that the process makes least probable where it is most."""
    return int(np.argmin([supremum(process, x).high for x in range(process.vocab)]))


@dataclass(frozen=True, eq=False)
class Extremes:
    """The largest probability of one symbol after any prefix."""

    exact: float  # of an ideal observer of the process
    impossible: bool  # whether there are words that the process cannot emit
    high: Float[np.ndarray, "seeds"]  # recurrent networks, all lengths: proved bound, 1 where there is none
    enumerated: Float[np.ndarray, "seeds"]  # and after all words of up to a length
    proved: Float[np.ndarray, "seeds"]  # 1 where a bound is proved
    drawn: Float[np.ndarray, "seeds"]  # after long words that were drawn
    on: Float[np.ndarray, "seeds"]  # transformers, all words of the window: those that the process can emit
    off: Float[np.ndarray, "seeds"]  # and all others; NaN where there are none
    untrained_on: Float[np.ndarray, "seeds"]
    untrained_off: Float[np.ndarray, "seeds"]
    unlearned: Float[np.ndarray, "seeds"]  # share of what contexts are worth, of the worse of both networks

    @property
    def slack(self) -> Float[np.ndarray, "seeds"]:
        """Proved bound minus the largest probability after enumerated words."""
        return self.high - self.enumerated

    @property
    def gap(self) -> Float[np.ndarray, "seeds"]:
        """Largest probability off the support minus that on it."""
        return self.off - self.on


def _recipes(process: str, setting: Setting) -> Mapping[str, train.Recipe]:
    vocab = processes.named(process).vocab
    short, longer = SMALL.n_ctx, SMALL.n_ctx
    if vocab == 2 and setting.size != "small":
        short, longer = FOUR_HEADS.n_ctx, PAPER.n_ctx
    models: dict[str, toy.Config] = {
        RECURRENT: toy.RecurrentConfig(vocab, longer, 1, WIDTH, CELL),
        TRANSFORMER: replace(SMALL, n_ctx=short),
    }
    return {role: standard(process, setting, model=model) for role, model in models.items()}


def _bounds(run: train.Run, asked: int) -> dict[str, np.ndarray]:
    found = [
        largest(run.recipe.model, member(run.params(), i), asked, seconds=SECONDS)
        for i in range(run.recipe.seeds)
    ]
    assert isinstance(run.recipe.model, toy.RecurrentConfig)
    maps = [recurrent_maps(run.recipe.model, member(run.params(), i)) for i in range(run.recipe.seeds)]
    return {
        "high": np.array([f.high for f in found]),
        "enumerated": np.array([f.enumerated for f in found]),
        "proved": np.array([float(f.method == "closed cover") for f in found]),
        "drawn": np.array([highest_drawn(m, asked) for m in maps]),
    }


def _by_support(config: toy.Config, params: toy.Params, seeds: int, process: processes.Process, asked: int):
    """Largest probability of a symbol after words on the support, and off it."""
    pairs = []
    for i in range(seeds):
        words = all_words(config, member(params, i))
        on, given = words.possible(process), words.probability[:, asked]
        pairs.append((given[on].max(), np.max(given[~on], initial=-np.inf)))
    on, off = np.array(pairs).T
    return on, np.where(np.isfinite(off), off, np.nan)


def extremes(runs: Mapping[str, train.Run]) -> Extremes:
    """Bounds of recurrent networks over all lengths, and all words of transformers."""
    recurrent, transformer = runs[RECURRENT], runs[TRANSFORMER]
    process, recipe = transformer.recipe.ground_truth(), transformer.recipe
    asked = symbol(process)
    on, off = _by_support(recipe.model, transformer.params(), recipe.seeds, process, asked)
    fresh = _by_support(recipe.model, untrained(recipe), recipe.seeds, process, asked)
    return Extremes(
        exact=supremum(process, asked).high,
        impossible=bool(np.isfinite(off).all()),
        **_bounds(recurrent, asked),
        on=on,
        off=off,
        untrained_on=fresh[0],
        untrained_off=fresh[1],
        unlearned=np.maximum(unlearned_by(recurrent), unlearned_by(transformer)),
    )


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    asked = symbol(process)
    return {
        "symbol": asked,
        "its largest probability by an ideal observer": supremum(process, asked).high,
    }


def _refusal(process: processes.Process, n_ctx: int) -> str | None:
    if process.kind != "hmm":
        return "its beliefs may be negative, so the supremum of an ideal observer is not worked out"
    if (high := supremum(process, symbol(process)).high) > CERTAIN:
        return (
            "every symbol is certain after some prefix (the least certain one has probability "
            f"{high:.3f}), so no bound says anything"
        )
    return None


SM4: Claim[Extremes, Extremes] = Claim(
    id="SM4",
    statement=(
        "What a small network does after any prefix of any length can be proved, and its worst prefix is one "
        "that the process never emits."
    ),
    source="Public comments on simulators and prompts; proofs and thresholds as operationalised here",
    tested_on=("golden_mean", "even", "mess3"),
    recipes=_recipes,
    evidence=extremes,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion(
            "a bound is proved for all prefixes of any length (1 if so)",
            lambda e: e.proved,
            above=0.5,
            over="most",
        ),
        Criterion(
            "proved bound minus largest probability after enumerated words",
            lambda e: e.slack,
            below=TIGHT,
            over="most",
        ),
        Criterion(
            "largest probability off the support minus on it, transformers",
            lambda e: e.gap,
            above=GAP,
            only_if=lambda e: e.impossible,
        ),
    ),
    controls=(
        learned_by(lambda e: e.unlearned),
        Criterion(
            "proved bound minus largest probability after long drawn words",
            lambda e: e.high - e.drawn,
            above=-1e-6,
            over="nearly all",
            means="what was proved is false, so the proof is",
        ),
        Criterion(
            "gap between words off and on the support, minus that of the untrained network of most",
            lambda e: e.gap - (e.untrained_off - e.untrained_on).max(),
            above=0.0,
            rival="the number of words, trained or not",
            only_if=lambda e: e.impossible,
        ),
    ),
    drawn_from=Extremes,
    would_change=(
        "Networks at the floor whose reachable states no finite cover closes on, or whose predictions after "
        "impossible prefixes stay within those after possible ones."
    ),
    limits=(
        "Proved is meant of the real-valued function of the stored parameters, for tanh networks of one "
        f"layer and {WIDTH} units; docs/proofs.md says by what and what float32 adds. A network whose "
        "sets do not shrink may obey a bound all the same: nothing is said of it. The symbol is the one "
        "that the process makes least probable where it is most. Transformers are asked about their "
        "window alone, where all words are enumerated; off the support the largest of many values is "
        "compared with the largest of fewer, for which untrained networks are the rival."
    ),
)
