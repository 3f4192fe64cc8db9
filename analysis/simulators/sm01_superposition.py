"""SM1: before it knows which of several sources writes, a network holds the posterior over all of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float

import processes

from ..claim import Claim, Criterion, Published
from ..controls import DETERMINED, LEFT, beyond_shuffles, learned
from ..instruments.decompositions.mixtures import mixture_of, the_mixture
from ..instruments.probing.study import CONCATENATED, Study, check
from ..recipes import one_sharp_run
from .sources import FEATURES, TOGETHER, Name, Within, alone, labels, rival_r2, told

GIVEN = "partial R2 given next tokens, window and pair counts"
NO_WORSE = 0.05
"""Partial R2 by which other groupings of hidden states may be read better and count as read alike. Where a
network holds all of its belief, every grouping is read completely, and none is preferred.
"""
NAMES: Mapping[str, str] = {
    "next_token": "next-token distributions",
    "token_window": "a window of tokens",
    "pair_counts": "counts of pairs",
    "markov_3": "a memory of three tokens",
}
"""What else tells which component writes, in words."""


@dataclass(frozen=True, eq=False)
class Superposition:
    """Held-out R2 of the posterior and of what else is read, by label, from all layers."""

    trained: Mapping[str, Float[np.ndarray, "seeds"]]
    untrained: Mapping[str, Float[np.ndarray, "seeds"]]
    given: Mapping[str, Float[np.ndarray, "seeds"]]  # partial R2 given `TOGETHER`
    given_untrained: Mapping[str, Float[np.ndarray, "seeds"]]
    rivals: Mapping[str, Float[np.ndarray, "labels"]]  # R2 of each rival, in the order of `trained`


def _all_layers(study: Study) -> str:
    return CONCATENATED


def read(study: Study, label: Name, *, trained: bool = True) -> Float[np.ndarray, "seeds"] | None:
    """Partial R2 of a label given all rivals together; None where they tell it, or nothing is to tell."""
    known = rival_r2(study, label)
    if known is None or known > DETERMINED:
        return None
    return told(study, label, trained=trained).partial


def gained(study: Study, label: Name) -> Float[np.ndarray, "seeds"] | None:
    """Partial R2 of a label minus that of the best untrained network."""
    both = [read(study, label, trained=trained) for trained in (True, False)]
    return None if both[0] is None or both[1] is None else both[0] - both[1].max()


def within(study: Study) -> Float[np.ndarray, "seeds"] | None:
    """The same of beliefs about the states of a component on its own text: mean over the components where
    there is anything to tell. (A component's belief may be its last symbol, which any network shows.)
    """
    mixture = the_mixture(study.contexts.process)
    each = [gained(study, Within(k)) for k in range(len(mixture.components))]
    there = [values for values in each if values is not None]
    return np.mean(there, axis=0) if there else None


def preferred(study: Study) -> Float[np.ndarray, "seeds"] | None:
    """Partial R2 of the ergodic grouping of hidden states minus that of all others of equal weights."""
    both = [read(study, label) for label in ("posterior", "regrouped")]
    return None if both[0] is None or both[1] is None else both[0] - both[1]


def superposition(study: Study) -> Superposition:
    """All that is read, for the figure."""
    names = [name for name in labels(study.contexts) if (rival_r2(study, name) or 0) <= DETERMINED]
    return Superposition(
        {str(name): alone(study, name) for name in names},
        {str(name): alone(study, name, trained=False) for name in names},
        {str(name): told(study, name).partial for name in names},
        {str(name): told(study, name, trained=False).partial for name in names},
        {r: np.array([rival_r2(study, name, (r,)) for name in names]) for r in TOGETHER},
    )


def _rival(name: str) -> Criterion[Study]:
    """Whether a rival alone tells as much of the posterior as networks do."""

    def measure(study: Study) -> Float[np.ndarray, "seeds"]:
        return told(study, "posterior", (name,)).partial

    def discriminates(study: Study) -> bool:
        known = rival_r2(study, "posterior", (name,))
        return known is not None and known <= DETERMINED

    words = NAMES[name]
    return Criterion(
        f"posterior: partial R2 given {words}", measure, above=LEFT, rival=words, only_if=discriminates
    )


def _in_sample(study: Study, *, trained: bool = True) -> Float[np.ndarray, "seeds"]:
    probes = study.probes(study.final_layer, trained=trained)
    return np.array([p.r2_in_sample for p in probes])


def _prediction(process: processes.Process, n_ctx: int) -> Mapping[str, Any]:
    left = processes.component_entropies(the_mixture(process), n_ctx)
    return {f"H(component | {L} tokens), nats": float(left[L]) for L in (0, n_ctx // 2, n_ctx)}


def _refusal(process: processes.Process, n_ctx: int) -> str | None:
    if mixture_of(process) is None:
        return "it is not a mixture of several components; write one, as mixture(even, golden_mean)"
    check(process, n_ctx)
    return None


def _asked(name: str, measure: Callable[[Study], Float[np.ndarray, "seeds"] | None]) -> Criterion[Study]:
    return Criterion(f"{name}: {GIVEN}", measure, above=0.0)


SM1: Claim[Study, Superposition] = Claim(
    id="SM1",
    statement=(
        "A superposition of simulacra: the posterior over the components of a mixture is linear in the "
        "residual stream, beyond what next tokens, windows and pair counts tell of it."
    ),
    source="public comments on simulators; formula: this lab's operationalisation",
    tested_on=(
        "mixture(even, golden_mean)",
        "mixture(rrxor, even)",
        "mixture(rrxor, coin)",
        "mixture(mess3, mess3(x=0.15, a=0.6))",
    ),
    recipes=one_sharp_run,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        _asked("posterior", partial(read, label="posterior")),
        _asked("log odds", partial(read, label="log odds")),
        Criterion(
            "posterior: the same, above every untrained network",
            partial(gained, label="posterior"),
            above=0.0,
        ),
        Criterion("belief within a component: the same, above every untrained network", within, above=0.0),
    ),
    controls=(
        learned(),
        beyond_shuffles(_all_layers),
        *(_rival(name) for name in FEATURES),
        Criterion(
            "posterior minus other groupings of hidden states of equal weights: the same partial R2",
            preferred,
            above=-NO_WORSE,
            rival="any grouping of hidden states",
        ),
    ),
    published=(
        Published(
            "in sample: R2 of beliefs about all states, last stream",
            ".95 and more where next tokens tell them, on single processes (Shai et al. 2024)",
            _in_sample,
            partial(_in_sample, trained=False),
        ),
    ),
    shown=superposition,
    drawn_from=Superposition,
    literature={
        "mixtures": "loss falls in context as the posterior over components narrows (Riechers et al. 2025)"
    },
    would_change=(
        "Networks at the floor that tell no more of the posterior than next tokens, windows and pair counts "
        "do."
    ),
    limits=(
        "Read from all layers at one position. Log odds count where no component is excluded, beliefs "
        "within a component on its own text. A stationary process has one decomposition into ergodic parts, "
        "but hidden states can be grouped otherwise into as many sources of equal weights; which groups "
        "there are depends on the presentation. Decompositions that garble the components (each new source "
        "a blend of the old) have posteriors that are linear in this one, so no linear reader could prefer "
        "one to the other, and none is asked to. Partial R2 says how much is added, not that it is used: "
        "SM2 asks for that."
    ),
)
