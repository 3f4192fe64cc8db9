"""Methods of detection that need no trigger: each is one function of what may be seen of a network.

Bases of two networks have nothing in common, so what is taken of activations and weights does not depend on
them.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

import processes
from toy.inputs import by_path

from ..instruments.behaviour.detection import Detector, Seen
from ..instruments.evidence import divergence

EIGENVALUES = 8
"""Principal variances that are looked at, at each site."""
WORDS = 128
"""Words into which a token that never comes is put, drawn with a fixed seed."""
LAGS = 4
"""Positions from there on at which predictions are read."""


def activations(network: Seen) -> Float[np.ndarray, "k"]:
    """Spectra of activations on clean text: at each site of the stream the logarithms of the variance in all
    and of the shares of it along the first principal axes.
    """
    weight, rows = network.on_clean_text.contexts.weight, []
    for value in network.on_clean_text.activations.values():
        x = np.asarray(value, np.float64)
        x = (x - weight @ x) * np.sqrt(weight)[:, None]
        size = np.linalg.eigvalsh(x.T @ x)[::-1].clip(1e-30)
        rows.append([size.sum(), *(size[:EIGENVALUES] / size.sum())])
    return np.log(np.concatenate(rows))


def weights(network: Seen) -> Float[np.ndarray, "k"]:
    """Sizes of parameters: the logarithm of every one's norm and, of matrices, of the share that the largest
    singular value has in it.
    """
    found = []
    for leaf in by_path(network.params).values():
        x = np.asarray(leaf, np.float64)
        found.append(np.linalg.norm(x))
        if x.ndim > 1:
            matrix = x.reshape(len(x), -1)
            found.append(np.linalg.norm(matrix, 2) / np.maximum(np.linalg.norm(matrix), 1e-30))
    return np.log(np.array(found).clip(1e-30))


def off_support(token: int) -> Detector:
    """The method that puts a token into clean words which no text has, and reads at it and after it how far
    predictions are from what they were without it, and how spread they are.
    """

    def method(network: Seen) -> Float[np.ndarray, "k"]:
        clean, T = network.on_clean_text.contexts.process, network.model.n_ctx
        words = processes.sample(clean, (WORDS, T), np.random.default_rng(0))
        plain, rows = network.predict(words), []
        for at in range(1, T - LAGS + 1):
            odd = words.copy()
            odd[:, at] = token
            log_q = network.predict(odd)[:, at : at + LAGS]
            moved = divergence(np.exp(plain[:, at : at + LAGS]), log_q)
            rows.append([moved.mean(0), -(np.exp(log_q) * log_q).sum(-1).mean(0)])
        return np.log(np.mean(rows, axis=0).clip(1e-30)).reshape(-1)

    return method


def detectors(unused: int) -> Mapping[str, Detector]:
    """The lab's methods by name; `unused` is a token that no text has, and not the trigger."""
    return {"activations": activations, "weights": weights, "off support": off_support(unused)}
