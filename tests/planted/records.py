"""What is measured on trainings, families of networks, random processes: BG5 to BG9, BG11, BG15, BG16."""

import numpy as np

import processes
from analysis import controls
from analysis.belief_geometry import bg16_random_hmms as random_hmms
from analysis.belief_geometry.bg05_fractal_dimension import SHARP, Clouds, Probed, Scaling
from analysis.belief_geometry.bg06_appears_with_loss import Emergence
from analysis.belief_geometry.bg07_capacity_knee import WIDTHS, Capacity
from analysis.belief_geometry.bg08_any_architecture import RATES, Architectures, Fidelity
from analysis.belief_geometry.bg09_minimal_model import Onto
from analysis.belief_geometry.bg09_minimal_model import _controls as shorter
from analysis.belief_geometry.bg11_constrained_update import Layer, Read, Update, rate
from analysis.belief_geometry.bg15_transfer import LEFT, Transfer, worth
from analysis.belief_geometry.bg16_random_hmms import Census
from analysis.belief_geometry.bg19_complete_at_floor import Completeness
from analysis.instruments.contexts import contexts

from .rates import FANIZZA, MESS3, RRXOR, SEEDS


def fine(rng, which=controls.standard):
    """Controls that behave, the standard ones or some."""
    return {
        c.name: 0.2 + 0.01 * rng.normal(size=SEEDS) if np.isinf(c.below) else np.full(SEEDS, c.below / 2)
        for c in which(lambda s: s.final_layer)
    }


def measured(rng, off, spread, control=0.4):
    """Dimensions as a claim sees them: probed clouds off by `off`, controls by `control`."""
    values = [
        0.57 + off + spread * rng.normal(size=SEEDS),
        *(0.57 + control + 0.05 * rng.normal(size=SEEDS) for _ in range(2)),
    ]
    box = 2.0 ** (-0.5 * np.arange(3, 12))
    kinds = (
        kind(x, np.cumsum(np.ones((len(x), 9)), axis=1))
        for kind, x in zip((Clouds, Probed, Probed, Probed), (np.array([0.57]), *values), strict=True)
    )
    known = 0.57 + 0.002 * rng.normal(size=SEEDS)
    return Scaling(*kinds, box, box > 0.1, known, np.full(SEEDS, SHARP / 2))


STEPS = np.array([0, 1, 2, 3, 5, 8, 14, 23, 39, 66, 111, 186, 312, 525, 800, 1200])


def training(rng, *, follows=True, noise=0.02, decoy=0.1):
    """Curves of a training in which the loss falls in two stages; R2 rises with it, or drifts by itself."""
    fall = 1 / (1 + np.exp(-(np.log(STEPS + 1) - 2.5))) + 1 / (1 + np.exp(-3 * (np.log(STEPS + 1) - 5.5)))
    progress = fall + noise * rng.normal(size=(SEEDS, len(STEPS)))
    other = np.cumsum(rng.normal(size=(SEEDS, len(STEPS))), axis=1)
    r2 = 0.3 + 0.3 * (
        progress + noise * rng.normal(size=progress.shape)
        if follows
        else other / np.ptp(other, axis=1, keepdims=True)
    )
    flat = 0.01 * rng.normal(size=r2.shape)
    return Emergence(
        STEPS, np.exp(-3 * progress), r2, 0.3 + decoy * fall + flat, flat, fine(rng, controls.rivals)
    )


def grown(rng, knee_at, dimension=3, *, noise=0.01, untrained=0.1, best=0.95):
    """R2 that rises linearly with the width up to `knee_at` dimensions."""
    width = np.array(WIDTHS)
    curve = np.minimum(width / knee_at, 1) * best
    trained = curve[:, None] + noise * rng.normal(size=(len(width), SEEDS))
    base = np.minimum(width / 64, 1) * untrained
    return Capacity(
        width,
        trained,
        base[:, None] + noise * rng.normal(size=trained.shape),
        np.minimum(width / dimension, 1),
        dimension,
        fine(rng),
    )


def architectures(rng, *, short=0.0, which="rnn", base=0.9, untrained=0.3):
    """R2 of every architecture, of which one falls short."""

    def one(name):
        r2 = base - short * (name == which) + 0.008 * rng.normal(size=SEEDS)
        found = fine(rng) | {
            "R2 above every untrained network": r2 - untrained,
            "partial R2 given next-token distributions": None,
        }
        return Fidelity(r2, untrained + 0.01 * rng.normal(size=SEEDS), 1e-4 * rng.uniform(1, 2, SEEDS), found)

    return Architectures({name: one(name) for name in ("transformer", *RATES)})


def rivals(rng, minimal, markov, untrained=(0.3, 0.1), left=0.5):
    """R2 onto what the minimal model and a Markov chain make of the future, and the part of what the latter
    leaves of the former's that networks explain.
    """

    def around(mean):
        return mean + 0.02 * rng.normal(size=SEEDS)

    held, fresh = (around(minimal), around(markov)), (around(untrained[0]), around(untrained[1]))
    found = fine(rng, shorter) | {"R2 above every untrained network": held[0] - fresh[0].max()}
    return Onto(*held, *fresh, around(left), found)


def counted(rng, infinite=0.7, share=0.5, known=1.0, positive=0.995, unresolved=0.0):
    """A census in which these fractions of the HMMs have infinitely many mixed states: `positive` where all
    transitions are possible, `infinite` of the others.
    """
    shape = (len(random_hmms.FORBIDDEN), random_hmms.BATCHES, random_hmms.EACH)
    endless = rng.random(shape) < np.array([positive, *[infinite] * (len(shape))])[:, None, None]
    return Census(
        endless,
        ~endless & (rng.random(shape) >= unresolved),
        share + 0.1 * rng.random(shape),
        np.full(shape, 0.01),
        rng.integers(27, size=shape),
        rng.random(shape[1:]) < known,
        vocab=3,
        n_states=3,
    )


def one_layer(attention_slope, mid, post, rng, seeds=SEEDS):
    """Evidence in which attention falls at a slope and the preference for full beliefs is `mid` after
    attention, `post` after the MLP.
    """
    t = contexts(processes.named("mess3"), 6)
    lag = np.arange(6)

    def attention(slope):
        a = np.exp(slope * lag + 0.02 * rng.normal(size=(seeds, 6)))
        return a / a.sum(1, keepdims=True)

    def r2(mid, post):
        noise = lambda: 0.001 * rng.normal(size=seeds)  # noqa: E731
        base = 0.97
        return {
            Read("blocks.0.resid_mid", "constrained"): base + noise(),
            Read("blocks.0.resid_mid", "full"): base + mid + noise(),
            Read("blocks.0.resid_post", "constrained"): base + noise(),
            Read("blocks.0.resid_post", "full"): base + post + noise(),
        }

    def layer(slope, *margins):
        return Layer(attention(slope), attention(slope), np.ones(seeds), r2(*margins))

    trained = layer(attention_slope, mid, post)
    return t, Update(rate(t.process), t.sampled, trained, layer(0.0, 0.0, -0.3))


def histories(t, rng, arrival, spread=0.3, steps=400):
    """Excess that falls exponentially and is enough after `arrival` batches, in most roles."""
    start, step = worth(t.process, t.n_ctx), np.arange(steps)
    roles = {
        "source": 60,
        "decoy": 60,
        "same structure": 60,
        "other process": 150,
        "random": 300,
        "scratch": 200,
    } | arrival
    time = {role: at * np.exp(spread * rng.normal(size=(SEEDS, 1))) for role, at in roles.items()}
    noise = {role: np.exp(0.2 * rng.normal(size=(SEEDS, steps))) for role in roles}
    return Transfer(
        {role: start * np.exp(np.log(LEFT) * step / time[role]) * noise[role] for role in roles},
        dict.fromkeys(roles, LEFT * start),
    )


def complete(rng, *, r2=0.98, spread=0.008, loss=3e-8, untrained=0.2):
    """Networks at the floor that hold so much of the belief, and how they came there."""

    def around(mean):
        return mean + spread * rng.normal(size=SEEDS)

    found, course = around(r2), np.geomspace(1e-2, loss, 6)
    return Completeness(
        1e-7,
        loss * np.exp(0.2 * rng.normal(size=SEEDS)),
        found,
        around(untrained),
        found + 0.005,
        found - untrained,
        found - 0.01,
        np.tile(course, (SEEDS, 1)),
        np.linspace(untrained, found, 6).T,
    )


RECORDS = {
    "BG5": lambda rng: (measured(rng, 0.04, 0.04), MESS3),
    "BG6": lambda rng: (training(rng), MESS3),
    "BG7": lambda rng: (grown(rng, 3), processes.named("mess:four")),
    "BG8": lambda rng: (architectures(rng), RRXOR),
    "BG9": lambda rng: (rivals(rng, 0.95, 0.8), FANIZZA),
    "BG16": lambda rng: (MESS3, MESS3),
    "BG19": lambda rng: (complete(rng), RRXOR),
}
"""Evidence on which a claim is supported, and the process that it is about."""
