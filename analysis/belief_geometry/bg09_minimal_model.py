"""BG9: networks hold the beliefs of the minimal generalised model, where a classical one of finite memory
would be larger and worse.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

import processes
import train
from processes.values.notes import noted

from ..claim import Claim, Criterion, Setting, present, single
from ..controls import ControlStatistics, gain, keep, kept
from ..instruments.contexts import Contexts
from ..instruments.evidence import Evidence
from ..instruments.probe import moments, probe
from ..instruments.study import CONCATENATED, Study, check
from ..recipes import FOUR_HEADS, SMALL, standard
from .features import all_layers
from .wording import RIECHERS

ORDER = 3
"""Order of the Markov chain that the minimal model is compared with."""


@dataclass(frozen=True, eq=False)
class Onto:
    """Held-out R2 from all layers onto the beliefs of two models of the same process."""

    minimal: Float[np.ndarray, "seeds"]
    markov: Float[np.ndarray, "seeds"]
    untrained_minimal: Float[np.ndarray, "seeds"]
    untrained_markov: Float[np.ndarray, "seeds"]
    controls: ControlStatistics

    def preference(self) -> Float[np.ndarray, "seeds"]:
        """R2 onto the minimal model's beliefs minus R2 onto the Markov beliefs."""
        return self.minimal - self.markov

    def gained(self) -> Float[np.ndarray, "seeds"]:
        """What training gains on the minimal model's beliefs minus what it gains on the Markov beliefs, over
        untrained networks.

        Smooth beliefs of few coordinates are easier to read out of any network than one-hot sequences, so a
        difference in their favour says little by itself. Where there is none, there is nothing to explain.
        """
        minimal = gain(self.minimal, self.untrained_minimal.mean())
        return minimal - gain(self.markov, self.untrained_markov.mean())


def onto(study: Study) -> Onto:
    """Probe the same activations for the beliefs of the process and for those of its Markov approximation."""
    return Onto(
        study.r2(CONCATENATED),
        _onto_markov(study, study.trained),
        study.r2(CONCATENATED, trained=False),
        _onto_markov(study, study.untrained),
        keep(study, all_layers),
    )


def _onto_markov(study: Study, networks: Sequence[Evidence]) -> np.ndarray:
    labels = markov_beliefs(study.contexts)
    return np.array([probe(moments(_all_layers(study, n), labels, study.contexts)).r2 for n in networks])


def _all_layers(study: Study, network: Evidence) -> np.ndarray:
    return np.concatenate([network.activations[layer] for layer in study.layers[1:]], axis=1)


@noted(2)
def markov_beliefs(truth: Contexts) -> Float[np.ndarray, "N M"]:
    """Beliefs over the last `ORDER` tokens, of an observer who takes the process for the Markov chain of that
    order.
    """
    return truth.believed(processes.markov(truth.process, ORDER))


def _recipes(process: str, setting: Setting) -> Mapping[str, train.Recipe]:
    return {"transformer": standard(process, setting, model=SMALL if setting.size == "small" else FOUR_HEADS)}


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
    recipes=_recipes,
    evidence=_evidence,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(Criterion("R2 onto minimal minus onto Markov-3 beliefs", Onto.preference, above=0.0),),
    controls=(
        *kept(lambda o: o.controls),
        Criterion(
            "training gains more on minimal than on Markov-3 beliefs",
            Onto.gained,
            above=0.0,
            only_if=present(Onto.preference),
        ),
    ),
    drawn_from=Onto,
    literature={
        "cosine R2 onto minimal-model beliefs": f".99 to 1.00, one seed: {RIECHERS}",
        "cosine R2 onto Markov-order-3 beliefs": f".36 to .88, one seed: {RIECHERS}",
    },
    limits=(
        "After three tokens a Markov-3 belief is the word of the last three, so the comparison asks for a "
        "linear read-out of up to V^3 classes against one of a few coordinates; R2 pools variance over "
        "coordinates and does not reward their number, but the two sets of labels are not of equal "
        "difficulty. Untrained networks show how much of the difference is that. Beliefs of a generalised "
        "process have no preferred coordinates: another gauge of the same model weighs their directions "
        "otherwise and changes this R2, though not what is exactly linear in the activations. Published "
        "values are cosine scores on other splits and do not compare digit by digit."
    ),
)
