"""Claims about causes on planted evidence: beliefs used and not used, transfer and none, merging and none."""

from dataclasses import replace

import numpy as np
import pytest

import processes
from analysis import claim as rule
from analysis.belief_geometry import bg17_merging as merging_claim
from analysis.belief_geometry.bg13_write_belief import EDITS, Writing, moved
from analysis.belief_geometry.bg14_erase_belief import KINDS, Erasing, excess_when_erased
from analysis.belief_geometry.bg14_erase_belief import worth as worth_of_beliefs
from analysis.belief_geometry.bg15_transfer import LEFT, TARGETS, Transfer, worth
from analysis.belief_geometry.bg17_merging import belief_classes, redundant, separation
from analysis.claim import ClaimError, Setting
from analysis.families import CLAIMS, panels
from analysis.figures.verdict import draw
from analysis.instruments.contexts import contexts
from analysis.instruments.evidence import Evidence
from analysis.instruments.intervention import Site
from analysis.instruments.study import Study

SEEDS, TRIALS, WIDTH = 8, 20, 24
LAYERS = ("blocks.0.resid_pre", "blocks.0.resid_post", "blocks.1.resid_post")


@pytest.fixture(scope="module")
def rrxor():
    return contexts(processes.named("rrxor"), 8)


def judge(claim, evidence, t):
    return rule.judge(CLAIMS[claim], evidence, t.process, t.n_ctx)


def supported(claim, t, plant):
    return (
        sum(judge(claim, plant(np.random.default_rng(k)), t).outcome == "supported" for k in range(TRIALS))
        / TRIALS
    )


def log_law(p):
    p = np.maximum(p, 1e-3)
    return np.log(p / p.sum(1, keepdims=True))


# Planted networks: a stream, and what is predicted from whatever is written there.


def using(t, rng):
    """The belief in random directions, in noise, and a head that reads the next-token law off these
    directions.
    """
    directions = rng.normal(size=(t.belief.shape[1], WIDTH))
    emission = np.linalg.pinv(directions) @ (t.process.T @ t.process.w).T
    stream = t.belief @ directions + 0.02 * rng.normal(size=(len(t.belief), WIDTH))
    return Site(LAYERS[-1], stream, lambda x, contexts: log_law(x @ emission))


def ignoring(t, rng):
    """The same belief, loud; but the head looks the context's mixed state up in a code that no linear map
    reads.
    """
    states, label = np.unique(np.round(t.belief, 9), axis=0, return_inverse=True)
    code = np.sign(rng.normal(size=(len(states), 2 * WIDTH)))
    law = log_law(states @ (t.process.T @ t.process.w).T)
    belief = 10 * t.belief @ rng.normal(size=(t.belief.shape[1], 8))
    stream = np.column_stack([belief, code[label.reshape(-1)]]) + 0.02 * rng.normal(
        size=(len(t.belief), 8 + 2 * WIDTH)
    )
    return Site(LAYERS[-1], stream, lambda x, contexts: law[np.argmax(x[:, 8:] @ code.T, axis=1)])


def untrained(t, rng):
    """The last token in random directions, and a faint random head."""
    last = np.eye(t.process.vocab)[t.words[np.arange(len(t.words)), t.position]]
    stream = last @ rng.normal(size=(t.process.vocab, WIDTH)) + 0.3 * rng.normal(size=(len(last), WIDTH))
    head = 0.02 * rng.normal(size=(WIDTH, t.process.vocab))
    return Site(LAYERS[-1], stream, lambda x, contexts: log_law(np.exp(x @ head)))


@pytest.fixture(scope="module")
def measured(rrxor):
    """What is measured on a planted network of each kind."""
    rng = np.random.default_rng(0)
    sites = {kind.__name__: [kind(rrxor, rng) for _ in range(1)] for kind in (using, ignoring, untrained)}
    return {
        kind: (
            np.stack([moved([s], rrxor, seed=0) for s in found]),
            np.stack([excess_when_erased(s, rrxor, seed=0) for s in found]),
        )
        for kind, found in sites.items()
    }


def like(values, rng, spread):
    """Eight networks that scatter about the mean of those measured, by a share of it."""
    mean = values.mean(0)
    return mean * np.exp(spread * rng.normal(size=(SEEDS, *mean.shape)))


def written(t, measured, kind, other="untrained", spread=0.05):
    return lambda rng: Writing(
        t.sampled, LAYERS[-1:], like(measured[kind][0], rng, spread), like(measured[other][0], rng, spread)
    )


def erased(t, measured, kind, other="untrained", spread=0.05):
    return lambda rng: Erasing(
        t.sampled,
        worth_of_beliefs(t),
        like(measured[kind][1], rng, spread),
        like(measured[other][1], rng, spread),
    )


PLANTED = {"BG13": written, "BG14": erased}


@pytest.mark.parametrize("claim", PLANTED)
def test_power_and_size_of_interventions(claim, rrxor, measured):
    assert supported(claim, rrxor, PLANTED[claim](rrxor, measured, "using")) >= 0.9
    assert supported(claim, rrxor, PLANTED[claim](rrxor, measured, "ignoring")) <= 0.05


def test_power_at_small_effects(rrxor, measured):
    """A prediction .25 nats nearer to the counterfactual law, .1 nats of spread over networks; 65 % of the
    worth lost, 8 % of spread.

    (At 60 % the power of BG14 is .8.)
    """

    def moves(rng):
        w = written(rrxor, measured, "using")(rng)
        w.trained[:, EDITS.index("belief"), -1] = np.column_stack(
            [0.7 + 0.1 * rng.normal(size=SEEDS), np.full(SEEDS, 0.45)]
        )
        return w

    def costs(rng):
        e = erased(rrxor, measured, "using", spread=0.02)(rng)
        e.trained[:, KINDS.index("belief")] = e.trained[:, KINDS.index("nothing")] + e.worth * (
            0.65 + 0.08 * rng.normal(size=SEEDS)
        )
        return e

    assert supported("BG13", rrxor, moves) >= 0.9 and supported("BG14", rrxor, costs) >= 0.9


def test_beliefs_that_are_not_used_refute(rrxor, measured):
    rng = np.random.default_rng(0)
    moves, costs = (PLANTED[claim](rrxor, measured, "ignoring")(rng) for claim in ("BG13", "BG14"))
    moves.trained[:, EDITS.index("random")] = moves.trained[:, EDITS.index("none")]
    assert (
        judge("BG14", costs, rrxor).outcome == "inconclusive"
    )  # this head mistakes rare states whatever is erased, which a control notices
    costs.trained[:, KINDS.index("random")] = costs.trained[:, KINDS.index("nothing")]
    assert judge("BG13", moves, rrxor).outcome == judge("BG14", costs, rrxor).outcome == "refuted"


@pytest.mark.parametrize("claim", PLANTED)
def test_untrained_networks_that_do_as_well_make_an_intervention_inconclusive(claim, rrxor, measured):
    verdict = judge(
        claim, PLANTED[claim](rrxor, measured, "using", "using", 0.2)(np.random.default_rng(0)), rrxor
    )
    assert verdict.outcome == "inconclusive" and "untrained" in verdict.reason
    assert (
        judge(claim, PLANTED[claim](rrxor, measured, "untrained")(np.random.default_rng(0)), rrxor).outcome
        != "supported"
    )


def test_a_measure_that_a_random_edit_moves_as_much_is_no_evidence(rrxor, measured):
    found = written(rrxor, measured, "using")(np.random.default_rng(0))
    found.trained[:, EDITS.index("random")] = found.trained[:, EDITS.index("belief")]
    assert judge("BG13", found, rrxor).outcome == "inconclusive"
    cost = erased(rrxor, measured, "using")(np.random.default_rng(0))
    cost.trained[:, KINDS.index("random")] = cost.trained[:, KINDS.index("belief")]
    assert judge("BG14", cost, rrxor).outcome == "inconclusive"


def test_what_interventions_come_to_on_planted_networks(rrxor, measured):
    moves, costs = measured["using"]
    share = dict(
        zip(KINDS, ((costs - costs[:, :1]) / Erasing(None, 1.0, costs, costs).worth).mean(0), strict=True)
    )
    assert (
        share["nothing"] == 0
        and share["law"] == pytest.approx(share["belief"], rel=0.3)
        and share["everything"] > 2 * share["random"]
    )
    kl = dict(zip(EDITS, moves[:, :, 0].mean(0), strict=True))
    assert (
        kl["none"][0] < 0.05 < kl["none"][1]
        and kl["belief"][1] < 0.05 < kl["belief"][0]
        and kl["logits"][1] < 1e-4
    )
    assert kl["covariance"][1] < 0.05 and kl["random"][0] < kl["random"][1]


# Transfer


def histories(t, rng, arrival, spread=0.3, steps=400):
    """Excess that falls exponentially and is enough after `arrival` batches, in most roles."""
    start, step = worth(t.process, t.n_ctx), np.arange(steps)
    roles = {
        "source": 60,
        "decoy": 60,
        "same structure": 60,
        "other process": 150,
        "random": 300,
        "scratch": 200,
    } | arrival
    time = {role: at * np.exp(spread * rng.normal(size=(SEEDS, 1))) for role, at in roles.items()}
    noise = {role: np.exp(0.2 * rng.normal(size=(SEEDS, steps))) for role in roles}
    return Transfer(
        {role: start * np.exp(np.log(LEFT) * step / time[role]) * noise[role] for role in roles},
        dict.fromkeys(roles, LEFT * start),
    )


def test_power_and_size_of_transfer(rrxor):
    """At two and a half times the batches on the decoy's trunk, networks scattering by 30 %."""
    assert supported("BG15", rrxor, lambda rng: histories(rrxor, rng, {})) >= 0.9
    assert supported("BG15", rrxor, lambda rng: histories(rrxor, rng, {"other process": 60})) <= 0.05
    assert (
        judge("BG15", histories(rrxor, np.random.default_rng(0), {"other process": 20}), rrxor).outcome
        == "refuted"
    )


@pytest.mark.parametrize(
    ("role", "reason"),
    [("random", "random trunk"), ("decoy", "decoy's network"), ("scratch", "from scratch")],
)
def test_controls_of_transfer(rrxor, role, reason):
    """A random trunk that is as good; a decoy, or the words themselves, that were never learned."""
    verdict = judge(
        "BG15",
        histories(rrxor, np.random.default_rng(0), {role: 60 if role == "random" else 5000}, 0.05),
        rrxor,
    )
    assert verdict.outcome == "inconclusive" and reason in verdict.reason


def test_a_training_that_never_arrives_counts_whole(rrxor):
    t = histories(rrxor, np.random.default_rng(0), {"other process": 1e6})
    assert (
        (t.steps("other process") == 400).all()
        and (t.steps("same structure") < 400).all()
        and (t.later("other process") > 0).all()
    )
    by_hand = [int(np.flatnonzero(row <= t.enough["scratch"])[0]) + 1 for row in t.smooth("same structure")]
    assert t.steps("same structure").tolist() == by_hand
    np.testing.assert_allclose(
        t.smooth("scratch")[0, [3, 99]],
        [t.excess["scratch"][0, :4].mean(), t.excess["scratch"][0, 75:100].mean()],
    )


# Merging


def layered(t, rng, apart):
    """Beliefs in random directions at every layer, and each word's own random vector, louder or fainter."""

    def network():
        image = [t.belief @ rng.normal(size=(t.belief.shape[1], 16)) for _ in LAYERS]
        own = rng.normal(size=(len(t.belief), 16))
        return Evidence(
            t,
            {name: x + a * own for name, x, a in zip(LAYERS, image, apart, strict=True)},
            log_law(t.next_token),
        )

    return [network() for _ in range(SEEDS)]


FLAT = (0.3, 0.3, 0.3)


@pytest.fixture
def few_shuffles(monkeypatch):
    monkeypatch.setattr(merging_claim, "SHUFFLES", 2)


def merging_study(t, apart, untrained=FLAT):
    return lambda rng: Study(t, LAYERS, layered(t, rng, apart), layered(t, rng, untrained))


def test_power_and_size_of_merging(few_shuffles):
    """At a rise and a fall of .3; not where the ratio is flat, only rises or only falls."""
    t = contexts(processes.named("rrxor"), 6)
    assert supported("BG17", t, merging_study(t, (0.2, 0.5, 0.2))) >= 0.9
    for false in (FLAT, (0.1, 0.3, 0.5), (0.5, 0.3, 0.1)):
        assert supported("BG17", t, merging_study(t, false)) <= 0.05
    assert judge("BG17", merging_study(t, (0.1, 0.3, 0.6))(np.random.default_rng(0)), t).outcome == "refuted"
    verdict = judge("BG17", merging_study(t, (0.2, 0.5, 0.2), (0.2, 0.5, 0.2))(np.random.default_rng(0)), t)
    assert verdict.outcome == "inconclusive" and "untrained" in verdict.reason


def test_separation_is_the_ratio_of_distances_over_all_pairs():
    t = contexts(processes.named("rrxor"), 5)
    x, label = np.random.default_rng(0).normal(size=(len(t.words), 3)), belief_classes(t)
    sums = np.zeros((2, 2))
    for i in range(len(x)):
        for j in range(len(x)):
            if i != j and t.length[i] == t.length[j]:
                kind = int(np.abs(t.belief[i] - t.belief[j]).max() > 1e-9)
                sums[kind] += t.weight[i] * t.weight[j] * np.array([((x[i] - x[j]) ** 2).sum(), 1])
    assert separation(x, label, t) == pytest.approx(
        np.sqrt(sums[0, 0] / sums[0, 1] / (sums[1, 0] / sums[1, 1])), abs=1e-12
    )
    assert redundant(t) == pytest.approx(sums[0, 1] * t.n_ctx, abs=1e-12)
    assert separation(t.belief, label, t) < 1e-6 and np.isnan(
        separation(x, t.length, t)
    )  # equal beliefs are one point; one class has no others


# All of them

PINNED = {
    "BG13": [(0.0, np.inf), (0.0, np.inf)],
    "BG14": [(0.5, np.inf), (0.0, np.inf)],
    "BG15": [(0.0, np.inf)],
    "BG17": [(0.0, np.inf), (0.0, np.inf)],
}


@pytest.mark.parametrize("claim", PINNED)
def test_thresholds_are_not_moved(claim):
    assert [(c.above, c.below) for c in CLAIMS[claim].criteria] == PINNED[claim] and CLAIMS[claim].seeds == 8


@pytest.mark.parametrize("claim", PINNED)
@pytest.mark.parametrize("size", ["small", "default", "large"])
def test_what_is_trained_can_be(claim, size):
    for process in CLAIMS[claim].tested_on:
        found = CLAIMS[claim].recipes(process, Setting(size=size))
        assert all(recipe.hash and recipe.seeds == 8 for recipe in found.values())
        if claim == "BG15":
            assert len({recipe.hash for recipe in found.values()}) == 6
            assert [found[role].origin.recipe.process for role in TARGETS[:2]] == [
                process,
                f"decoy({process})",
            ]
            assert (
                found["scratch"].process == f"synonyms({process}, 2)"
                and "embed" in found["same structure"].origin.fresh
            )


@pytest.mark.parametrize(
    ("claim", "process", "reason"),
    [
        ("BG13", "quantum_rrxor:blind", "differ by 0.05"),
        ("BG14", "quantum_rrxor:blind", "worth"),
        ("BG15", "quantum_rrxor:blind", "worth"),
        ("BG17", "mess3", "equal beliefs with probability"),
    ],
)
def test_refusals(claim, process, reason):
    with pytest.raises(ClaimError, match=reason):
        CLAIMS[claim].check(processes.named(process), 6)
    assert all(CLAIMS[claim].refusal(processes.named(p), 7) is None for p in CLAIMS[claim].tested_on)


@pytest.mark.parametrize("claim", PINNED)
def test_figures_draw(claim, rrxor, measured, tmp_path, few_shuffles):
    evidence = evidence_to_draw(claim, rrxor, measured)
    values = judge(claim, evidence, rrxor).to_json()
    draw(
        values,
        CLAIMS[claim].drawing(CLAIMS[claim].numbers(evidence)),
        tmp_path,
        panels(),
    )
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def evidence_to_draw(claim, t, measured):
    rng = np.random.default_rng(0)
    if claim == "BG13":  # five sites, at the last of which the belief is used
        found = written(t, measured, "using")(rng)
        fade = np.linspace(0, 1, 5)[None, None, :, None]
        trained = found.trained * fade + found.trained[:, :1] * (1 - fade)
        return replace(
            found,
            sites=("blocks.0.resid_pre", *(f"blocks.{i}.resid_post" for i in range(4))),
            trained=trained,
        )
    if claim == "BG14":
        return erased(t, measured, "using")(rng)
    return histories(t, rng, {}) if claim == "BG15" else merging_study(t, (0.2, 0.5, 0.2))(rng)
