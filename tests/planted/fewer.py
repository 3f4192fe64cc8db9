"""Fewer of what is only compared with, for time, where it is far from everything planted."""

import contextlib
from functools import lru_cache
from unittest import mock

from analysis.instruments.probing import baselines, study
from analysis.instruments.probing.study import Study


@contextlib.contextmanager
def few_shuffles(few=5):
    """The null is far below everything planted, so that 5 shuffles bound it as 1000 do."""
    full = Study.shuffled

    def shuffled(self, features, n=few, networks=None):
        return full(self, features, min(n, few), networks)

    with mock.patch.object(Study, "shuffled", shuffled):
        yield


@contextlib.contextmanager
def one_decoy():
    """Finding a decoy takes a quarter of a second. Nothing of this number is remembered."""
    beliefs = lru_cache(study.wrong_beliefs.__wrapped__)
    with mock.patch.object(baselines, "DECOYS", 1), mock.patch.object(study, "wrong_beliefs", beliefs):
        baselines.baseline.cache_clear()  # what a probe of more decoys came to, in a test before this one
        try:
            yield
        finally:
            baselines.baseline.cache_clear()
