"""BG9: networks hold the beliefs of the minimal generalised model, where a classical one of finite memory
would be larger and worse.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

import processes
import train

from ..claim import Claim, Criterion, Setting, single
from ..controls import LEFT, ControlStatistics, beyond_rival, keep, kept, validity
from ..instruments.evidence import Evidence
from ..instruments.probing.baselines import FUTURES, future_by_markov
from ..instruments.probing.partial import beyond
from ..instruments.probing.probe import moments, probe
from ..instruments.probing.study import CONCATENATED, Study, check
from ..recipes import FOUR_HEADS, SMALL, sharper, standard
from .features import all_layers
from .wording import RIECHERS

ORDER = 3
"""Order of the Markov chain that the minimal model is compared with."""
LABELS = "next_4"
"""The future by which models are compared, by its name in `FUTURES`."""
ENOUGH = 1e-3
"""Share of what contexts are worth that may be left to learn: of moon and the Bloch walk more is left at the
floor's effort than of others.
"""


@dataclass(frozen=True, eq=False)
class Onto:
    """Held-out R2, from all layers, of the distribution of the next `FUTURE` tokens as two models of the same
    process predict it: a form of their beliefs that no gauge changes.
    """

    minimal: Float[np.ndarray, "seeds"]
    markov: Float[np.ndarray, "seeds"]
    untrained_minimal: Float[np.ndarray, "seeds"]
    untrained_markov: Float[np.ndarray, "seeds"]
    partial: Float[
        np.ndarray, "seeds"
    ]  # part of what the Markov model leaves of the minimal one's that they explain
    controls: ControlStatistics

    def preference(self) -> Float[np.ndarray, "seeds"]:
        """R2 onto the minimal model's distribution minus R2 onto the Markov model's."""
        return self.minimal - self.markov


def onto(study: Study) -> Onto:
    """Probe the same activations for what the process makes of the future and for what its Markov
    approximation does.
    """
    return Onto(
        study.r2(CONCATENATED, labels=LABELS),
        _onto_markov(study, study.trained),
        study.r2(CONCATENATED, labels=LABELS, trained=False),
        _onto_markov(study, study.untrained),
        beyond(study, CONCATENATED, f"markov_{ORDER}", labels=LABELS).partial,
        keep(study, all_layers, _controls),
    )


def _onto_markov(study: Study, networks: Sequence[Evidence]) -> np.ndarray:
    t = study.contexts
    labels = future_by_markov(t, ORDER, FUTURES[LABELS])
    return np.array([probe(moments(study.features_of(n, CONCATENATED), labels, t)).r2 for n in networks])


def _controls(features: Callable[[Study], str]) -> tuple[Criterion[Study], ...]:
    """The instrument works, and nothing shorter than the Markov model in question does as well."""
    shorter = ("token_window", "next_token", "markov_1", "markov_2")
    return *validity(features, ENOUGH), *(beyond_rival(features, name, labels=LABELS) for name in shorter)


def _recipes(process: str, setting: Setting) -> Mapping[str, train.Recipe]:
    """Where words are drawn, sharply: of the Bloch walk the default training leaves percents to learn."""
    shape = SMALL if setting.size == "small" else FOUR_HEADS
    usual = standard(process, setting, model=shape)
    if usual.batch is not None:
        usual = standard(process, sharper(setting), model=shape)
    return {"transformer": usual}


def _evidence(runs: Mapping[str, train.Run]) -> Onto:
    return onto(single(runs))


def _refusal(process: processes.Process, n_ctx: int) -> str | None:
    check(process, n_ctx)
    if processes.equivalent(process, processes.markov(process, ORDER)):
        return f"it is a Markov chain of order {ORDER} or less, so the two models are one"
    smallest = processes.minimal_dimension(process)
    if smallest < process.n_states:
        return (
            f"it is given by {process.n_states} states and {smallest} dimensions suffice, so its beliefs are "
            "not those of the minimal model"
        )
    return None


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    return {
        "dimensions of the minimal model's beliefs": processes.minimal_dimension(process) - 1,
        "dimensions of the Markov beliefs": len(processes.belief_span(processes.markov(process, ORDER))) - 1,
        "R2 onto minimal minus onto Markov beliefs": "positive",
    }


BG9: Claim[Onto, Onto] = Claim(
    id="BG9",
    statement=(
        "Networks represent the beliefs of the minimal generalised model rather than those of a Markov chain "
        "of order three."
    ),
    source=RIECHERS,
    tested_on=("fanizza", "bloch_walk", "moon"),
    runs=2,
    recipes=_recipes,
    evidence=_evidence,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion(
            "R2 of the next 4 tokens by the minimal model minus by Markov-3", Onto.preference, above=0.0
        ),
        Criterion("partial R2 of the next 4 tokens given Markov-3 beliefs", lambda o: o.partial, above=LEFT),
    ),
    controls=kept(lambda o: o.controls, _controls(all_layers)),
    would_change=(
        "Networks that tell less than a tenth of what a memory of three tokens leaves untold of the next "
        "four, or hold its predictions better than the process's."
    ),
    revision=2,
    drawn_from=Onto,
    literature={
        "cosine R2 onto minimal-model beliefs": f".99 to 1.00, one seed: {RIECHERS}",
        "cosine R2 onto Markov-order-3 beliefs": f".36 to .88, one seed: {RIECHERS}",
    },
    limits=(
        "Beliefs of a generalised process have no preferred coordinates, so both models are compared by "
        "what they say of the next four tokens, which no gauge changes. Of the process that is a few "
        "coordinates; of the Markov model up to V^3 classes, so the two sets of labels are not of equal "
        "difficulty: that networks explain what the Markov beliefs leave is asked beside. Published values "
        "are cosine scores of beliefs on other splits and do not compare digit by digit."
    ),
)
