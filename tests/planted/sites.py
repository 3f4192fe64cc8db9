"""Networks as a stream and what is predicted from whatever is written there: BG13, BG14."""

import numpy as np

from analysis.belief_geometry.bg13_write_belief import Writing
from analysis.belief_geometry.bg14_erase_belief import UNTRAINED, Erasing, Subject, worth
from analysis.instruments.interventions.intervention import Site

from .networks import LAYERS, last_token, log_probability_of
from .rates import SEEDS

WIDTH = 24
LEARNED = np.full(SEEDS, 1e-5)
"""Share of what contexts are worth that planted networks leave unlearned."""


def using(t, rng):
    """The belief in random directions, in noise, and a head that reads the next-token distribution off these
    directions.
    """
    directions = rng.normal(size=(t.belief.shape[1], WIDTH))
    emission = np.linalg.pinv(directions) @ (t.process.T @ t.process.w).T
    stream = t.belief @ directions + 0.02 * rng.normal(size=(len(t.belief), WIDTH))
    return Site(LAYERS[-1], stream, lambda x, contexts: log_probability_of(x @ emission))


def ignoring(t, rng):
    """The same belief, loud; but the head looks the context's mixed state up in a code that no linear map
    reads.
    """
    states, label = np.unique(np.round(t.belief, 9), axis=0, return_inverse=True)
    code = np.sign(rng.normal(size=(len(states), 2 * WIDTH)))
    distribution = log_probability_of(states @ (t.process.T @ t.process.w).T)
    belief = 10 * t.belief @ rng.normal(size=(t.belief.shape[1], 8))
    stream = np.column_stack([belief, code[label.reshape(-1)]]) + 0.02 * rng.normal(
        size=(len(t.belief), 8 + 2 * WIDTH)
    )
    return Site(LAYERS[-1], stream, lambda x, contexts: distribution[np.argmax(x[:, 8:] @ code.T, axis=1)])


def deaf(t, rng):
    """The same, with what a linear map of the belief tells taken out of the code: whatever is written or
    erased along the belief, and whatever goes along with it, the head does not hear.
    """
    states, label = np.unique(np.round(t.belief, 9), axis=0, return_inverse=True)
    label = label.reshape(-1)
    root = np.sqrt(np.bincount(label, weights=t.weight * (t.fold >= 0)))[:, None]
    code = np.sign(rng.normal(size=(len(states), 2 * WIDTH)))
    code = code - states @ np.linalg.lstsq(states * root, code * root, rcond=1e-9)[0]
    distribution = log_probability_of(states @ (t.process.T @ t.process.w).T)
    belief = 10 * t.belief @ rng.normal(size=(t.belief.shape[1], 8))
    stream = np.column_stack([belief, code[label]]) + 0.02 * rng.normal(size=(len(label), 8 + 2 * WIDTH))

    def nearest(x):
        return np.argmin((code**2).sum(1) - 2 * x[:, 8:] @ code.T, axis=1)

    return Site(LAYERS[-1], stream, lambda x, contexts: distribution[nearest(x)])


def untrained(t, rng):
    """The last token in random directions, and a faint random head."""
    last = last_token(t)
    stream = last @ rng.normal(size=(t.process.vocab, WIDTH)) + 0.3 * rng.normal(size=(len(last), WIDTH))
    head = 0.02 * rng.normal(size=(WIDTH, t.process.vocab))
    return Site(LAYERS[-1], stream, lambda x, contexts: log_probability_of(np.exp(x @ head)))


def scrubbed(site):
    """A planted network of one site, as erasures see it."""
    every = np.arange(len(site.stream))

    def predict(edit):
        (removal,), (mean,) = edit.removal, edit.mean
        return site.predict(site.stream - (site.stream - mean) @ removal.T, every)

    return Subject((site.name,), lambda edit, name: site.stream, predict)


def like(values, rng, spread):
    """Eight networks that scatter about the mean of those measured, by a share of it."""
    mean = values.mean(0)
    return mean * np.exp(spread * rng.normal(size=(SEEDS, *mean.shape)))


def written(t, measured, kind, other="untrained", spread=0.05):
    return lambda rng: Writing(
        t.sampled,
        LAYERS[-1:],
        like(measured[kind][0], rng, spread),
        like(measured[other][0], rng, spread),
        LEARNED,
    )


def erased(t, measured, kind, other="untrained", spread=0.05):
    return lambda rng: Erasing(
        t.sampled,
        worth(t),
        like(measured[kind][1], rng, spread),
        like(measured[other][1][:, : len(UNTRAINED)], rng, spread),
        LEARNED,
    )


INTERVENTIONS = {"BG13": written, "BG14": erased}
"""What is planted from what was `measured` on a network of each kind, by claim."""
