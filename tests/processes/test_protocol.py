"""Protocols: a constraint-conditioned process after its control prefix."""

import itertools

import numpy as np
import pytest
from oracles.constraints import (
    FAIR,
    ROUNDING,
)

from processes import (
    ProcessError,
    filter,
    named,
    prefix_tree,
    probability,
)
from processes.constraints import (
    contradictions,
    forbidden_word,
    independent_distribution,
    load,
    parity,
    protocol,
    without_contradictions,
)
from processes.filter import predict

# -- protocols
# ----------------------------------------------------------------------------------------------------

RULES = [
    forbidden_word([1, 1], vocab=2),
    parity(1, vocab=2, odd=True, period=3),
    parity(1, vocab=2, odd=False, period=3),
]


@pytest.mark.thorough
@pytest.mark.parametrize("member", ["coin", "nemo"])
def test_a_protocol_is_one_process(member):
    """The ordinary filter of the joint process reads the controls and then predicts as the conditioned body
    does.
    """
    base = named(member)
    distribution = without_contradictions(base, RULES, independent_distribution(3, p=0.4))
    p = protocol(base, RULES, distribution)
    joint = p.process()
    assert sum(distribution.values()) == pytest.approx(1, abs=1e-14) and (1, 2) not in distribution
    for on, body in p.bodies.items():
        controls = p.controls(on)
        tree = prefix_tree(body, 4)
        last = tree.level(4)
        words = np.hstack([np.tile(controls, (last.stop - last.start, 1)), tree.words[last][:, :4]])
        seen = filter(joint, words)
        assert (
            np.abs(np.exp(seen.log_probability[:, -1]) - distribution[on] * tree.probability[last]).max()
            < ROUNDING
        )
        assert (
            np.abs(predict(joint, seen.belief[:, -1])[:, : base.vocab] - tree.next_token[last]).max()
            < ROUNDING
        )
        assert (predict(joint, seen.belief[:, 2:])[..., base.vocab :] == 0).all()  # no controls in the body
        read, rest = p.split(words[0])
        assert read == on and np.array_equal(rest, words[0, 3:])
        assert p.loads[on] == load(base, p.both(on))
    total = sum(probability(joint, w) for w in itertools.product(range(2, 6), repeat=3))
    assert total == pytest.approx(1, abs=ROUNDING)


def test_a_wrong_body_is_seen_by_the_filter():
    """The planted violation: with the control of another constraint, the joint process predicts otherwise."""
    p = protocol(FAIR, RULES[:2], independent_distribution(2, p=0.5))
    joint = p.process()
    rows = [
        predict(joint, filter(joint, np.array([[*p.controls(on), 1]])).belief[0, -1:])[0] for on in ((), (0,))
    ]
    assert rows[0][1] == pytest.approx(0.5) and rows[1][1] == 0


def test_contradictory_protocols_are_named():
    with pytest.raises(
        ProcessError, match="odd number of 1 in every 3, even number of 1 in every 3"
    ) as caught:
        protocol(FAIR, RULES, independent_distribution(3, p=0.5))
    assert "no 11" not in str(caught.value)
    assert contradictions(FAIR, RULES) == ((1, 2),)
    with pytest.raises(ProcessError, match="every subset"):
        without_contradictions(FAIR, RULES, {(1, 2): 1.0})


@pytest.mark.parametrize(
    ("distribution", "message"),
    [
        ({(): 0.5}, "sums to 0.5"),
        ({(): 1.5, (0,): -0.5}, "least value -0.5"),
        ({(1, 0): 1.0}, "increasing"),
        ({(7,): 1.0}, "no subset"),
    ],
)
def test_protocols_need_a_distribution_over_subsets(distribution, message):
    with pytest.raises(ProcessError, match=message):
        protocol(FAIR, RULES, distribution)


def test_protocols_refuse_foreign_controls_and_giant_tables():
    p = protocol(FAIR, RULES[:2], {(): 0.5, (0,): 0.5})
    for word in ([2], [3, 4, 0], [4, 3, 0]):
        with pytest.raises(ProcessError, match="not the controls"):
            p.split(np.array(word))
    with pytest.raises(ProcessError, match="over 3"):
        p.process(max_states=3)
