"""Digests as they once were: hashes of the numbers as this machine's LAPACK gave them, by which earlier runs
and verdicts are known again.

`python -m processes.names.former SPEC ...` prints {SPEC: digest}. It is a program of its own because it has
processes made as they were made then.
"""

import hashlib
import json
import sys

import numpy as np

from .. import process
from . import reading


def digest(made: process.Process) -> str:
    """The digest of the numbers of a process, start and all, and of its kind."""
    numbers = [
        np.array(made.T.shape, np.float64),
        made.T.ravel(),
        made.start,
        np.ones(int(made.kind == "ghmm")),
    ]
    return hashlib.sha256((np.concatenate(numbers) + 0.0).astype("<f8").tobytes()).hexdigest()[:12]


def stationary(chain: np.ndarray) -> np.ndarray:
    """The stationary distribution by least squares: pi (P - I) = 0 and sum(pi) = 1."""
    (c,) = process.closed_classes(chain)
    A = np.vstack([chain[np.ix_(c, c)].T - np.eye(len(c)), np.ones(len(c))])
    pi = np.zeros(len(chain))
    pi[c] = np.abs(np.linalg.lstsq(A, np.r_[np.zeros(len(c)), 1.0], rcond=None)[0])
    return pi / pi.sum()


def main(specs: list[str]) -> dict[str, str | None]:
    """Former digests; None of what cannot be read any more."""
    process.stationary = stationary
    process._unrounded = lambda chain, start: start
    found: dict[str, str | None] = {}
    for spec in specs:
        try:
            made = reading.source(spec)
            found[spec] = digest(made) if isinstance(made, process.Process) else made.digest
        except ValueError:
            found[spec] = None
    return found


if __name__ == "__main__":
    json.dump(main(sys.argv[1:]), sys.stdout)
