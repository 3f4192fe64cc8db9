"""Networks that hold what they are told to, as studies see it: BG1 to BG5, BG9, BG10, BG12, BG17, BG18."""

import numpy as np

import processes
from analysis.belief_geometry.bg10_factored import Geometry, geometry, sizes
from analysis.instruments.evidence import Evidence
from analysis.instruments.probing.study import Study

from .rates import SEEDS

LAYERS = ("blocks.0.resid_pre", "blocks.0.resid_post", "blocks.1.resid_post")


def last_token(t):
    """What an untrained network knows."""
    return np.eye(t.process.vocab)[t.words[np.arange(len(t.words)), t.position]]


def networks(t, rng, features, *, layers=LAYERS, noise=None, constant=None, width=16, seeds=SEEDS):
    """Networks whose layers are random linear images of features, with noise and a constant direction where
    asked for.

    `features(rng)` is what a network holds: an array, in all its layers, or one for layer i as a function of
    it.
    """

    def network():
        held, acts = features(rng), {}
        for i, name in enumerate(layers):
            f = held(i) if callable(held) else held
            image = f @ rng.normal(size=(f.shape[1], width))
            if noise is not None:
                image = image + noise * rng.normal(size=image.shape)
            if constant is not None:
                image = image + constant * rng.normal(size=width)
            acts[name] = image.astype(np.float32)
        return Evidence(t, acts, np.log(np.maximum(t.next_token, 1e-12)))

    return [network() for _ in range(seeds)]


def planted(t, rng, layer, *, noise=0.02, constant=1.0, width=16, seeds=SEEDS):
    """Networks of which layer i holds `layer(i)`, in noise and beside a constant direction."""
    how = {"noise": noise, "constant": constant, "width": width, "seeds": seeds}
    return networks(t, rng, lambda rng: layer, **how)


def study_of(t, rng, layer, *, width=16, seeds=SEEDS, **how):
    """Trained networks as planted; untrained ones that know the last token only."""
    trained = planted(t, rng, layer, width=width, seeds=seeds, **how)
    return Study(
        t, LAYERS, trained, planted(t, rng, lambda i: last_token(t), noise=0.3, width=width, seeds=seeds)
    )


def two_layers(t, rng, features, *, noise=None, seeds=SEEDS):
    """Networks of two layers that hold `features(rng)` in both."""
    return networks(t, rng, features, layers=LAYERS[:2], noise=noise, width=12, seeds=seeds)


def study_of_two(t, rng, trained, untrained, *, noise=None, seeds=SEEDS):
    """A study of networks of two layers."""
    both = (two_layers(t, rng, features, noise=noise, seeds=seeds) for features in (trained, untrained))
    return Study(t, LAYERS[:2], *both)


def split_beliefs(t):
    """Each layer holds a part of the belief's coordinates, so only all of them together hold it."""
    return lambda i: t.belief[:, [[0, 1], [0, 1], [2, 3, 4]][i]]


LAYERED = {
    "BG1": ("mess3", lambda t: lambda i: t.belief, lambda t: lambda i: last_token(t)),
    "BG2": ("mess3", lambda t: lambda i: t.belief, lambda t: lambda i: t.belief - t.belief.mean(0)),
    "BG3": ("rrxor", split_beliefs, lambda t: lambda i: t.belief),
    "BG4": ("rrxor", lambda t: lambda i: t.belief, lambda t: lambda i: t.next_token),
}


def log_probability_of(p):
    p = np.maximum(p, 1e-3)
    return np.log(p / p.sum(1, keepdims=True))


def merging(t, rng, apart):
    """Beliefs in random directions at every layer, and each word's own random vector, louder or fainter."""

    def network():
        image = [t.belief @ rng.normal(size=(t.belief.shape[1], 16)) for _ in LAYERS]
        own = rng.normal(size=(len(t.belief), 16))
        return Evidence(
            t,
            {name: x + a * own for name, x, a in zip(LAYERS, image, apart, strict=True)},
            np.log(np.maximum(t.next_token, 1e-12)),
        )

    return [network() for _ in range(SEEDS)]


FLAT = (0.3, 0.3, 0.3)


def merging_study(t, apart, untrained=FLAT):
    return lambda rng: Study(t, LAYERS, merging(t, rng, apart), merging(t, rng, untrained))


def predicting(t, distribution, rng, *, noise, seeds=SEEDS):
    """Networks whose logits are those of a distribution of the next token, with noise."""

    def network():
        logits = np.log(np.maximum(distribution, 1e-12)) + noise * rng.normal(size=distribution.shape)
        return Evidence(t, {}, logits - np.log(np.exp(logits).sum(1, keepdims=True)))

    return [network() for _ in range(seeds)]


def synchronising(t, distribution, noise, seeds=SEEDS):
    """Networks that predict so, and untrained ones that predict nothing."""
    uniform = np.full((len(t.weight), t.process.vocab), 1 / t.process.vocab)

    def plant(rng):
        trained = predicting(t, distribution(t), rng, noise=noise, seeds=seeds)
        return Study(t, (), trained, predicting(t, uniform, rng, noise=0.1, seeds=seeds))

    return plant


def exact(t):
    return t.next_token


def markov(t):
    """What a memory of two symbols predicts: it stops gaining at once."""
    observer = processes.markov(t.process, 2)
    return processes.predict(observer, t.believed(observer)).clip(1e-9)


def networks_on(t, features, rng, noise=0.002, seeds=SEEDS):
    """Geometry of networks whose residual stream is a random orthogonal image of features."""
    rows = []
    for _ in range(seeds):
        image = np.linalg.qr(rng.normal(size=(32, features.shape[1])))[0].T
        rows.append(
            geometry(features @ image + noise * rng.normal(size=(len(features), 32)), t, sizes(t.process))
        )
    return Geometry(*(np.array(column) for column in zip(*rows, strict=True)))
