"""The claim about random processes, BG16, on a planted census."""

import numpy as np
import pytest
from planted.rates import MESS3, TRIALS, by_rule
from planted.records import counted

import processes
from analysis.belief_geometry import bg16_random_hmms as random_hmms
from analysis.claim import ClaimError
from analysis.families import CLAIMS
from analysis.lab import Trial, shown, verdict
from processes.ensembles.hmms import certainly_infinite, dense, resetting, sparse


@pytest.mark.thorough
def test_bg16_power_and_size(monkeypatch):
    def rate_of(**plant):
        outcomes = []
        for k in range(TRIALS):
            monkeypatch.setattr(
                random_hmms, "_census", lambda *shape, k=k: counted(np.random.default_rng(k), **plant)
            )
            outcomes.append(by_rule("BG16", MESS3).outcome)
        return outcomes.count("supported") / TRIALS

    assert rate_of(infinite=0.7) >= 0.9
    assert rate_of(infinite=0.5) <= 0.05
    assert rate_of(positive=0.9) == 0.0  # what must be infinite is not found to be
    assert rate_of(infinite=0.6, unresolved=0.5) == 0.0
    assert rate_of(share=1.0) == 0.0  # sets that fill the simplex are infinite and no fractals
    assert rate_of(known=0.5) == 0.0  # an enumeration that cannot find finite sets proves nothing


@pytest.mark.thorough
def test_bg16_finds_what_is_known_of_its_ensembles():
    rng = np.random.default_rng(0)
    for _ in range(5):
        assert certainly_infinite(dense(3, 3, rng)) and processes.mixed_states(dense(3, 3, rng)) is None
        assert 1 <= len(processes.mixed_states(resetting(3, 3, rng))) <= 4 and not certainly_infinite(
            resetting(3, 3, rng)
        )
    two_steps = processes.hmm(
        np.array([[[0.0, 0.5], [0.3, 0.2]], [[0.4, 0.1], [0.0, 0.5]]])
    )  # no symbol is positive, 00 is
    assert certainly_infinite(two_steps) and processes.mixed_states(two_steps) is None
    assert not any(
        certainly_infinite(processes.named(name))
        for name in ("rrxor", "even", "nemo", "zero_one_random", "random_insertion")
    )
    assert 0.3 < np.mean([np.mean(sparse(3, 3, rng).T == 0) for _ in range(50)]) < 0.6
    # A singular positive operator maps every belief to one: finitely many, and the proof must not apply.
    p = np.array([0.2, 0.8])
    independent = processes.hmm(np.stack([q * np.full((2, 2), 0.5) for q in p]))
    assert not certainly_infinite(independent) and len(processes.mixed_states(independent)) == 1
    fixed = processes.hmm(
        np.stack([q * np.array([[0.7, 0.3], [0.3, 0.7]]) for q in p])
    )  # invertible, but the start does not move
    assert not certainly_infinite(fixed) and len(processes.mixed_states(fixed)) == 1


@pytest.mark.thorough
@pytest.mark.parametrize(("vocab", "n_states"), [(2, 3), (3, 3), (2, 5)])
@pytest.mark.parametrize("forbidden", [0.25, 0.5, 0.75])
def test_no_set_that_is_enumerated_to_the_end_is_shown_infinite_and_nearly_all_are_one_or_the_other(
    vocab, n_states, forbidden
):
    rng = np.random.default_rng([vocab, n_states])
    drawn = [sparse(vocab, n_states, rng, forbidden=forbidden) for _ in range(40)]
    endless = np.array([certainly_infinite(process) for process in drawn])
    finite = np.array([processes.mixed_states(process) is not None for process in drawn])
    assert not (endless & finite).any() and (endless | finite).mean() >= 0.95
    assert abs(np.mean([np.mean(process.T == 0) for process in drawn]) - forbidden) < 0.12


def test_an_endless_orbit_is_found_where_no_word_leaves_every_state_possible():
    """Two coins told apart for ever: both words are diagonal, so beliefs move towards one coin and never come
    round.
    """
    T = np.stack([np.diag([0.3, 0.6]), np.diag([0.7, 0.4])])
    coins = processes.hmm(T, start=[0.5, 0.5])
    assert certainly_infinite(coins) and processes.mixed_states(coins) is None
    rotating = processes.hmm(np.roll(np.eye(3), 1, axis=1)[None], start=[0.5, 0.3, 0.2])
    assert not certainly_infinite(rotating) and len(processes.mixed_states(rotating)) == 3


@pytest.mark.parametrize("forbidden", [-0.1, 1.0])
def test_a_share_of_forbidden_transitions_that_is_none_is_refused(forbidden):
    with pytest.raises(processes.ProcessError, match=f"forbidden is {forbidden}"):
        sparse(2, 2, seed=0, forbidden=forbidden)


@pytest.mark.thorough
def test_bg16_is_judged_without_networks(monkeypatch, tmp_path):
    monkeypatch.setattr(
        random_hmms, "_census", lambda *shape: counted(np.random.default_rng(0), infinite=1.0)
    )
    test = Trial(CLAIMS["BG16"], "mess3")
    assert verdict(test, tmp_path).outcome == "supported"
    assert shown(test, tmp_path).share.shape == (4, random_hmms.BATCHES, random_hmms.EACH)


@pytest.mark.thorough
def test_bg16_is_counted_by_batches(monkeypatch):
    monkeypatch.setattr(random_hmms, "BATCHES", 2)
    monkeypatch.setattr(random_hmms, "EACH", 2)
    c = random_hmms._census.__wrapped__(2, 3)
    assert c.infinite.shape == c.share.shape == c.zeros.shape == (len(random_hmms.FORBIDDEN), 2, 2)
    assert c.infinite[0].all() and c.finite_where_known.all() and (c.share[0] > 0).all()
    assert not c.zeros[0].any() and (c.zeros[1:] > 0).any()
    assert not (c.infinite & c.finite).any()
    with pytest.raises(ClaimError, match="one symbol or one state"):
        CLAIMS["BG16"].check(processes.named("coin"), 8)
