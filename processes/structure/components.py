"""Ergodic components: the stationary processes that a process becomes in the long run."""

from dataclasses import replace

import numpy as np

from ..algebra import gth
from ..algebra.chain import closed_classes, stationary
from ..process import Process, ghmm
from ..values.identity import identified


def ergodic_components(process: Process) -> list[tuple[float, Process]]:
    """The stationary ergodic processes that `process` becomes in the long run, each with its probability.

    One per closed class of hidden states that the start can reach; a generalised HMM has one, its stationary
    mean (Gray & Kieffer 1980: the entropy rate of an asymptotically mean stationary process is that of the
    mean).
    """
    if process.kind != "hmm":
        return [(1.0, process if process.is_stationary else ghmm(process.T, name=process.name))]
    chain = process.T.sum(0)
    classes = closed_classes(chain)
    transient = np.setdiff1d(np.arange(process.n_states), np.concatenate(classes))
    absorbed = gth.absorption(chain, transient, classes)
    parts = []
    for k, c in enumerate(classes):
        mass = process.start[c].sum() + process.start[transient] @ absorbed[:, k]
        if mass > 0:  # exactly zero where it is never: nothing is subtracted on the way
            T = process.T[:, c][:, :, c]
            names = tuple(process.states[i] for i in c)
            part = replace(process, T=T, start=stationary(T.sum(0)), w=np.ones(len(c)), states=names)
            parts.append((float(mass), identified(part, "component", process.identity, c)))
    return parts
