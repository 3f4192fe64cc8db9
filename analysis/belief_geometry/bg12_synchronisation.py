"""BG12: how the loss falls along the context is how the process is synchronised to: by its spectrum, its
Markov order, or a power law.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

import processes
import train
from processes import Process
from processes.structure.components import ergodic_components
from processes.structure.spectrum import spectrum

from ..claim import Claim, Criterion, Setting
from ..controls import learned
from ..instruments.probing.study import Study
from ..recipes import PAPER, SMALL, standard

WINDOW = 6
"""Positions over which the decay is read: whole periods of the oscillations of two and three symbols that
these processes show.
"""
TOLERANCE = 0.1
"""Largest difference of decay rates, nats per position."""
REACHED = 1e-3
"""Excess loss, nats, that counts as none."""
LEARNED = 0.01
"""Excess loss, nats, that an untrained network still has to have above a trained one at the last position."""


Kind = Literal["spectral", "order", "power"]


def kind(process: Process) -> Kind | None:
    """`spectral` (h(L) - h decays by the mixed-state chain), `order` (it stops at the Markov order), `power`
    (not ergodic), or None.
    """
    if len(ergodic_components(process)) > 1:
        return "power"
    states = processes.mixed_states(process)
    if states is None:
        return None
    if spectrum(states).decay() > 0:
        return "spectral"
    return "order" if 2 <= (processes.markov_order(process) or 0) < np.inf else None


def _refusal(process: Process, n_ctx: int) -> str | None:
    if kind(process) is None:
        return (
            "it has infinitely many mixed states, or forgets after one symbol, so no law of synchronisation "
            "is predicted"
        )
    if n_ctx < WINDOW + 2:
        return f"the decay is read over {WINDOW} positions, and a context of {n_ctx} tokens has too few"
    return None


def _rate(excess: np.ndarray, first: int, last: int) -> np.ndarray:
    """Mean decay of the excess loss (..., T) per position; NaN where it is not positive."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.log(excess[..., first] / excess[..., last]) / (last - first)


def slowing(excess: np.ndarray) -> np.ndarray:
    """Decay rate in the second half of the context over that in the first: about 1 for an exponential, near
    1/2 for 1/n, and 0 for a network that stops learning from its context (this lab's operationalisation of a
    power law on ten positions).
    """
    middle, last = (excess.shape[-1] - 1) // 2, excess.shape[-1] - 1
    return _rate(excess, middle, last) / _rate(excess, 0, middle)


def excess_loss(study: Study, *, trained: bool = True) -> np.ndarray:
    """Loss minus the entropy rate, at every position, of every network (seeds, T), nats: h(t+2) - h plus KL
    to the exact predictor.
    """
    above = study.contexts.floor - processes.entropy_rate(study.contexts.process).value
    return above + np.stack([e.excess_by_position for e in (study.trained if trained else study.untrained)])


def _exact(process: Process, n_ctx: int) -> np.ndarray:
    return processes.floor_by_position(process, n_ctx) - processes.entropy_rate(process).value


@dataclass(frozen=True, eq=False)
class Synchronisation:
    """Excess over the entropy rate at every position, nats."""

    trained: Float[np.ndarray, "seeds T"]
    untrained: Float[np.ndarray, "seeds T"]
    exact: Float[np.ndarray, "T"]


def synchronisation(study: Study) -> Synchronisation:
    """The excess loss of every network, and that of the exact predictor."""
    exact = _exact(study.contexts.process, study.contexts.n_ctx)
    return Synchronisation(excess_loss(study), excess_loss(study, trained=False), exact)


def _recipes(process: str, setting: Setting) -> Mapping[str, train.Recipe]:
    # The decay needs the positions.
    model = replace(SMALL, n_ctx=PAPER.n_ctx) if setting.size == "small" else None
    return {"transformer": standard(process, setting, model=model)}


def _decay(process: Process) -> float:
    """Decay per position that the spectrum predicts, nats."""
    states = processes.mixed_states(process)
    assert states is not None
    return -float(np.log(spectrum(states).decay()))


def _first_beyond(process: Process) -> int:
    """First position at which a process of finite Markov order leaves nothing to learn."""
    return int(processes.markov_order(process) or 0) - 1


def _prediction(process: Process, n_ctx: int) -> Mapping[str, Any]:
    which = kind(process)
    if which == "spectral":
        return {"decay per position": _decay(process)}
    if which == "order":
        return {"excess loss from position": _first_beyond(process), "is": 0.0}
    return {
        "rate in the second half over rate in the first": float(slowing(_exact(process, n_ctx)[None])[0]),
        "of an exponential": 1.0,
    }


def _is(study: Study, which: Kind) -> bool:
    return kind(study.contexts.process) == which


def _off_the_spectrum(study: Study) -> Float[np.ndarray, "seeds"]:
    return _decay_of_loss(study) - _decay(study.contexts.process)


def _untrained_off_the_spectrum(study: Study) -> Float[np.ndarray, "seeds"]:
    return np.abs(_decay_of_loss(study, trained=False) - _decay(study.contexts.process))


def _decay_of_loss(study: Study, *, trained: bool = True) -> Float[np.ndarray, "seeds"]:
    last = study.contexts.n_ctx - 1
    return _rate(excess_loss(study, trained=trained), last - WINDOW, last)


def _beyond_the_order(study: Study) -> Float[np.ndarray, "seeds"]:
    return excess_loss(study)[:, _first_beyond(study.contexts.process) :].max(1)


def _slowing(study: Study) -> Float[np.ndarray, "seeds"]:
    return slowing(excess_loss(study))


def _still_to_lose(study: Study) -> Float[np.ndarray, "seeds"]:
    """At the last position: excess of each untrained network above that of every trained one."""
    return excess_loss(study, trained=False)[:, -1] - excess_loss(study)[:, -1].max()


BG12: Claim[Study, Synchronisation] = Claim(
    id="BG12",
    statement=(
        "Loss falls along the context as the process synchronises: at the rate of its spectrum, until its "
        "Markov order, or by a power law."
    ),
    source="A. Shai and P. Riechers, public comments; Riechers et al. 2025 (arXiv:2505.18373)",
    tested_on=("rrxor", "even", "nemo", "random_insertion", "zero_one_random", "uniform_coin"),
    recipes=_recipes,
    prediction=_prediction,
    refusal=_refusal,
    criteria=(
        Criterion(
            "decay of the excess loss minus that of the spectrum",
            _off_the_spectrum,
            above=-TOLERANCE,
            below=TOLERANCE,
            over="most",
            only_if=partial(_is, which="spectral"),
        ),
        Criterion(
            "largest excess loss from the Markov order on",
            _beyond_the_order,
            below=REACHED,
            over="most",
            only_if=partial(_is, which="order"),
        ),
        Criterion(
            "decay in the second half over the first",
            _slowing,
            above=0.4,
            below=0.667,
            over="most",
            only_if=partial(_is, which="power"),
        ),
    ),
    controls=(
        learned(),
        Criterion(
            "untrained networks have lost nothing yet (excess at the last position)",
            _still_to_lose,
            above=LEARNED,
            means="there is nothing at the last position that an observer could still learn",
        ),
        Criterion(
            "untrained networks do not show the rate",
            _untrained_off_the_spectrum,
            above=TOLERANCE,
            only_if=partial(_is, which="spectral"),
            means="any curve would show this rate",
        ),
    ),
    shown=synchronisation,
    would_change=(
        "Networks near the floor whose loss falls along the context at another rate than the process's."
    ),
    revision=2,
    drawn_from=Synchronisation,
    limits=(
        "A network close to the floor shows the floor's decay whatever it does inside: this is a claim about "
        "what is learned, not how. Ten positions are few for a power law; the criterion only says that the "
        "decay slows down as no single exponential does."
    ),
)
