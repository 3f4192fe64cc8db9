"""Segmentation by entropy: F1 by brute force and as published beforehand; boundaries by hand."""

import numpy as np
import pytest

import processes
from analysis.instruments.behaviour import segmentation as sg
from analysis.instruments.contexts import contexts

FOUR = "checksum(P=[[.5,.5],[.5,.5],[.5,.5],[.5,.5]])"
BIASED = processes.hmm([[[0, 0.9], [0.5, 0]], [[0, 0.1], [0.5, 0]]], name="a biased coin, then a fair one")
LONG = 40  # tokens after which what is left of the beginning is nothing


@pytest.mark.parametrize(
    ("process", "everywhere", "threshold", "rise"),
    [
        ("rrxor", 0.5, 0.667, 1.0),
        ("checksum:ternary", 0.5, 1.0, 1.0),
        (FOUR, 0.333, 0.4, 1.0),
        (BIASED, 0.667, 0.667, 0.667),
        ("zero_one_random", 0.5, 0.5, 0.5),
    ],
)
def test_f1_of_who_has_found_the_phase(process, everywhere, threshold, rise):
    process = processes.named(process) if isinstance(process, str) else process
    found = sg.scores(sg.steps_after(process, LONG, state_known=True))
    assert {k: round(v, 3) for k, v in found.items()} == {
        "everywhere": everywhere,
        "threshold": threshold,
        "rise": rise,
        "posterior": 1.0,
    }


def test_f1_where_the_phase_is_lost_again():
    found = sg.scores(sg.steps_after(processes.named("leak(rrxor, 0.1)"), 12))
    assert [round(found[k], 2) for k in ("everywhere", "threshold", "rise", "posterior")] == [
        0.5,
        0.56,
        0.63,
        0.67,
    ]


def test_the_long_run_of_a_leaky_process_by_sampling():
    process, rng = processes.named("leak(rrxor, 0.1)"), np.random.default_rng(0)
    belief = processes.filter(process, processes.sample(process, (500, 220), rng)).belief[:, 19:]
    entropy = processes.entropy(processes.predict(process, belief))
    one = np.ones(entropy[:, 1:].size)
    steps = sg.Steps(entropy[:, 1:].ravel(), entropy[:, :-1].ravel(), belief[:, 1:, 0].ravel(), one)
    found = sg.scores(steps)
    for name, value in (("threshold", 0.55), ("rise", 0.627), ("posterior", 0.675)):
        assert found[name] == pytest.approx(value, abs=0.01)  # four standard errors of 100 000 tokens


def test_steps_are_those_of_the_prefix_tree():
    """After five tokens: every word, by brute force."""
    process = processes.named("rrxor")
    tree = processes.prefix_tree(process, 5)
    level = tree.level(5)
    entropy = processes.entropy(tree.next_token)
    by_hand = sg.Steps(
        entropy[level], entropy[tree.parent[level]], tree.belief[level, 0], tree.probability[level]
    )
    merged = sg.steps_after(process, 5)
    for rule in sg.RULES:
        a, b = (sg.best_cut(s.signal(rule), s.begins, s.weight) for s in (by_hand, merged))
        assert a == pytest.approx(b)
    assert len(merged.weight) < len(by_hand.weight) and merged.weight.sum() == pytest.approx(1)


def test_the_best_cut_by_trying_all():
    rng = np.random.default_rng(0)
    for _ in range(20):
        values = rng.integers(6, size=40).astype(float)
        begins, weight = rng.uniform(size=40), rng.uniform(size=40)
        tried = [sg.f1(values > t, begins, weight) for t in (-np.inf, *np.unique(values)[:-1])]
        cut = sg.best_cut(values, begins, weight)
        assert cut.f1 == pytest.approx(max(tried))
        assert sg.f1(values > cut.threshold, begins, weight) == pytest.approx(cut.f1)


def test_no_rule_exceeds_the_posterior():
    for name in ("rrxor", "leak(rrxor, 0.1)", "zero_one_random"):
        t = contexts(processes.named(name), 8)
        found = sg.scores(sg.steps_of(t, processes.entropy(t.next_token)))
        assert max(found.values()) == found["posterior"]


def test_boundaries_of_predictions_of_ones_own():
    p = np.array([[0.5, 0.5], [0.9, 0.1], [0.5, 0.5], [1 - 1e-6, 1e-6]])
    log = np.log(p)
    np.testing.assert_array_equal(sg.boundaries(log, threshold=0.2), [False, False, True, False])
    np.testing.assert_array_equal(
        sg.boundaries(log, threshold=0.5, rule="threshold"), [True, False, True, False]
    )
    logits = 3 + np.stack([log, log[::-1]])  # of any shift, in words side by side
    np.testing.assert_array_equal(
        sg.boundaries(logits, threshold=0.2), [[False, False, True, False], [False, True, False, True]]
    )


@pytest.mark.parametrize("wrong", [np.zeros(3), np.zeros((0, 2)), np.zeros((3, 1)), np.full((3, 2), np.nan)])
def test_what_is_no_prediction_is_refused(wrong):
    with pytest.raises(ValueError, match="two symbols or more"):
        sg.boundaries(wrong, threshold=0.1)
    with pytest.raises(ValueError, match="'threshold' or 'rise'"):
        sg.boundaries(np.zeros((3, 2)), threshold=0.1, rule="falls")


def test_a_memory_of_all_tokens_is_exact_and_one_of_none_knows_nothing():
    t = contexts(processes.named("rrxor"), 6)
    all_of_it = sg.last_tokens(t, 6)
    assert all_of_it.loss == pytest.approx(t.weight @ processes.entropy(t.next_token))
    assert sg.last_tokens(t, 0).loss == pytest.approx(np.log(2)) and all_of_it.tokens == pytest.approx(3.5)
    never = sg.since_boundary(t, np.zeros(len(t.length), bool))
    always = sg.since_boundary(t, np.ones(len(t.length), bool))
    assert never == pytest.approx(all_of_it) and always == pytest.approx(sg.last_tokens(t, 0))


def test_patches_that_are_blocks_are_all_that_one_need_remember():
    """A checksum that begins in phase: cut where its blocks end, the rest is worth nothing."""
    process = processes.named("rrxor")
    process = processes.hmm(process.T, [1.0, 0, 0, 0, 0], name="rrxor in phase")
    t = contexts(process, 6)
    patches = sg.since_boundary(t, t.length % 3 == 0)
    assert patches.loss == pytest.approx(t.weight @ processes.entropy(t.next_token))
    assert patches.tokens == pytest.approx(1.0)
    assert sg.gain(t, t.length % 3 == 0) == pytest.approx(sg.last_tokens(t, 1).loss - patches.loss)
    assert sg.gain(t, t.length % 3 == 0) > 0.1


def test_drawn_contexts_follow_each_other_too():
    from analysis.instruments.contexts import drawn

    t = drawn(processes.named("rrxor"), 6, 50)
    before = sg.previous(t)
    assert ((before == -1) == (t.length == 1)).all()
    later = np.flatnonzero(t.length > 1)
    np.testing.assert_array_equal(t.words[before[later], 0], t.words[later, 0])
    np.testing.assert_array_equal(t.length[before[later]], t.length[later] - 1)


@pytest.mark.parametrize(
    ("name", "starts"),
    [
        ("rrxor", [0]),
        ("checksum:ternary", [0]),
        ("zero_one_random", [0]),
        ("leak(rrxor, 0.1)", [0]),
        ("rrxor * even", [0, 1]),
        ("cycle(n=4, p=0.5)", [0, 2]),
    ],
)
def test_where_blocks_begin(name, starts):
    assert np.flatnonzero(processes.block_starts(processes.named(name))).tolist() == starts


def test_phases_follow_each_other_whatever_the_order_of_states():
    process = processes.permuted(processes.named("checksum:ternary"), [3, 0, 4, 1, 2, 5, 6])
    starts, chain = processes.block_starts(process), process.T.sum(0)
    here = starts.astype(float) / starts.sum()
    for step in range(1, 7):
        here = here @ chain
        assert here[starts].sum() == pytest.approx(1.0 if step % 3 == 0 else 0.0)


@pytest.mark.parametrize(
    ("name", "why"),
    [("even", "no period"), ("moon", "generalised HMM"), ("mixture(rrxor, even)", "components")],
)
def test_what_has_no_blocks_is_refused(name, why):
    with pytest.raises(processes.ProcessError, match=why):
        processes.block_starts(processes.named(name))
