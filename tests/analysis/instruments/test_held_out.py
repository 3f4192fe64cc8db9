"""What a held-out score hangs on: by position it is a part of the whole, by history the same score where four
tokens are held out.
"""

from dataclasses import replace

import numpy as np
import pytest
from planted.networks import LAYERS, study_of

import processes
from analysis.instruments.contexts import HISTORY, contexts
from analysis.instruments.probing.held_out import HISTORIES, by_history, by_position
from analysis.instruments.probing.study import CONCATENATED


@pytest.fixture(scope="module")
def study():
    t, rng = contexts(processes.named("mess3"), 7), np.random.default_rng(0)
    return study_of(t, rng, lambda i: t.belief)


@pytest.mark.thorough
@pytest.mark.parametrize("features", [LAYERS[-1], CONCATENATED])
def test_four_tokens_are_what_decides(study, features):
    found = by_history(study, features)
    assert set(found) <= set(HISTORIES) and len(found) >= 3
    np.testing.assert_allclose(found[HISTORY], study.r2(features), rtol=1e-12)
    fresh = by_history(study, features, trained=False)
    np.testing.assert_allclose(fresh[HISTORY], study.r2(features, trained=False), rtol=1e-12)


def test_positions_make_up_the_whole(study):
    """Errors of all positions add up to that of the whole score, each weighing as much as any other."""
    t, layer = study.contexts, LAYERS[-1]
    found = by_position(study, layer)
    assert list(found) == t.scored_lengths.tolist()
    scored = t.fold >= 0
    weight = t.weight[scored] / t.weight[scored].sum()
    whole = weight @ ((t.belief[scored] - weight @ t.belief[scored]) ** 2).sum(1)
    missed = np.zeros(len(study.trained))
    for length, r2 in found.items():
        here = t.length == length
        w = t.weight[here] / t.weight[here].sum()
        missed += (1 - r2) * (w @ ((t.belief[here] - w @ t.belief[here]) ** 2).sum(1)) * t.weight[here].sum()
    np.testing.assert_allclose(1 - missed / t.weight[scored].sum() / whole, study.r2(layer), rtol=1e-9)


def test_longer_histories_leave_longer_contexts_only(study):
    t = study.contexts
    for k in (3, 4, 5):
        held = replace(t, history=k)
        assert ((held.fold >= 0) == ((t.length > k) & np.isin(t.length, held.scored_lengths))).all()
        first = {tuple(w[:k]): set() for w in t.words[t.length > k]}
        for word, fold in zip(t.words, held.fold, strict=True):
            if fold >= 0:
                first[tuple(word[:k])].add(fold)
        assert all(len(folds) <= 1 for folds in first.values())
    assert set(by_history(study, LAYERS[-1])) == {k for k in HISTORIES if k < t.n_ctx}


def test_few_histories_are_left_out():
    t, rng = contexts(processes.named("golden_mean"), 5), np.random.default_rng(0)
    s = study_of(t, rng, lambda i: t.belief)
    assert 5 not in by_history(s, LAYERS[-1]) and HISTORY in by_history(s, LAYERS[-1])
