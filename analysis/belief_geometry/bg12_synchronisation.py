"""How the loss falls along the context is how the process is synchronised to: by its spectrum, its Markov
order, or a power law.
"""

from dataclasses import replace

import numpy as np

import processes
from processes import Process
from processes.information.rates import ergodic_components
from processes.structure.spectrum import spectrum

from ..claim import Claim, Criterion, Setting
from ..instruments.study import Study
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


def kind(process: Process) -> str | None:
    """`spectral` (h(L) - h decays by the mixed-state chain), `order` (it stops at the Markov order), `power`
    (not ergodic), or None.
    """
    if len(ergodic_components(process)) > 1:
        return "power"
    found = processes.mixed_states(process)
    if found is None:
        return None
    if spectrum(found).decay() > 0:
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


def _recipes(process: str, setting: Setting):
    model = (
        replace(SMALL, n_ctx=PAPER.n_ctx) if setting.size == "small" else None
    )  # the decay needs the positions
    return {"transformer": standard(process, setting, model=model)}


def _prediction(process: Process, n_ctx: int):
    which = kind(process)
    if which == "spectral":
        found = processes.mixed_states(process)
        assert found is not None
        return {"decay per position": -float(np.log(spectrum(found).decay()))}
    if which == "order":
        return {"excess loss from position": int(processes.markov_order(process) or 0) - 1, "is": 0.0}
    return {
        "rate in the second half over rate in the first": float(slowing(_exact(process, n_ctx)[None])[0]),
        "of an exponential": 1.0,
    }


def _only(which: str, measure):
    return lambda s: measure(s) if kind(s.contexts.process) == which else None


def _off_the_spectrum(study: Study, *, trained: bool = True) -> np.ndarray:
    predicted = _prediction(study.contexts.process, study.contexts.n_ctx)["decay per position"]
    last = study.contexts.n_ctx - 1
    return _rate(excess_loss(study, trained=trained), last - WINDOW, last) - predicted


def _beyond_the_order(study: Study, *, trained: bool = True) -> np.ndarray:
    first = int(processes.markov_order(study.contexts.process) or 0) - 1
    return excess_loss(study, trained=trained)[:, first:].max(1)


BG12 = Claim(
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
            _only("spectral", _off_the_spectrum),
            above=-TOLERANCE,
            below=TOLERANCE,
        ),
        Criterion(
            "largest excess loss from the Markov order on", _only("order", _beyond_the_order), below=REACHED
        ),
        Criterion(
            "decay in the second half over the first",
            _only("power", lambda s: slowing(excess_loss(s))),
            above=0.4,
            below=0.667,
        ),
    ),
    controls=(
        Criterion(
            "untrained networks have lost nothing yet (excess at the last position)",
            lambda s: excess_loss(s, trained=False)[:, -1] - excess_loss(s)[:, -1].max(),
            above=LEARNED,
            every_seed=True,
        ),
        Criterion(
            "untrained networks do not show the rate",
            _only("spectral", lambda s: np.abs(_off_the_spectrum(s, trained=False))),
            above=TOLERANCE,
            every_seed=True,
        ),
    ),
    shown=lambda s: {
        "trained": excess_loss(s),
        "untrained": excess_loss(s, trained=False),
        "exact": _exact(s.contexts.process, s.contexts.n_ctx),
    },
    limits="A network close to the floor shows the floor's decay whatever it does inside: this is a claim "
    "about "
    "what is learned, not how. Ten "
    "positions are few for a power law; the criterion only says that the decay slows down as no single "
    "exponential does.",
)
