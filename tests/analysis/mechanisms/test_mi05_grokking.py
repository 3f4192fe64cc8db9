"""MI5 on planted evidence, and its measures on trainings of few steps."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from planted.grokking import grokking
from planted.rates import RRXOR, by_rule, looked, rate

import processes
import train
from analysis.claim import Setting
from analysis.families import CLAIMS, panels
from analysis.figures.style import NULL, style
from analysis.figures.verdict import figure
from analysis.instruments.behaviour.generalisation import of_sums, sum_predictions
from analysis.mechanisms import mi05_grokked as grokked
from analysis.mechanisms.mi05_grokking import LONG_AFTER

SUMS = processes.source("addition(p=23, share=0.75)")


def changed(**how):
    return lambda rng: grokking(rng, **how)


@pytest.mark.thorough
def test_power_and_size():
    """At ten times as many steps that differ by a third between networks; at thresholds, and beyond."""
    assert rate("MI5", grokking, SUMS, 2) >= 0.9
    assert rate("MI5", changed(waves=False), RRXOR, 8) >= 0.9
    for nothing in (
        {"held_out": 150.0},
        {"left": 0.25},
        {"without_decay": 1.0},
        {"fewer": 1.0},
        {"key": 1.05},
        {"embedded": 0.4},
        {"other": 0.95},
    ):
        assert rate("MI5", changed(**nothing), SUMS, 2) <= 0.05, nothing


@pytest.mark.parametrize(
    ("how", "outcome", "told"),
    [
        ({"held_out": 60.0}, "refuted", "over what is taught"),
        ({"left": 0.5}, "refuted", "at the end"),
        ({"without_decay": 0.5}, "refuted", "without decay"),
        ({"key": 2.0}, "refuted", "waves of key"),
        ({"embedded": 0.25}, "refuted", "embedding"),
        ({"known": 0.3}, "invalid", "in any training"),
        ({"other": 0.5}, "explained", "any frequencies"),
    ],
)
def test_outcomes(how, outcome, told):
    found = looked("MI5", changed(**how), SUMS, 2)
    assert found.outcome == outcome and told in found.reason


def test_thresholds_are_not_moved():
    assert [(c.above, c.below, c.over) for c in CLAIMS["MI5"].criteria] == [
        (np.log(3), np.inf, "mean"),
        (-np.inf, 0.25, "most"),
        (0.0, np.inf, "mean"),
        (0.0, np.inf, "mean"),
        (-np.inf, 0.0, "mean"),
        (0.2, np.inf, "mean"),
    ]
    assert np.log(3) == LONG_AFTER


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("addition(p=24, share=0.7)", "p is 24"),
        ("addition(p=5, share=0.7)", "p is 5"),
        ("xorsat(n=5, k=3, m=6)", "no addition"),
        ("coin(p=0.5)", "are worth"),
    ],
)
def test_where_nothing_can_be_asked(name, why):
    assert why in CLAIMS["MI5"].refusal(processes.source(name), 8)


def test_trainings_differ_in_one_thing():
    recipes = CLAIMS["MI5"].recipes("addition(p=23, share=0.75)", Setting())
    taught = {arm: r.source().taught.sum() for arm, r in recipes.items()}
    assert all(r.batch == taught[arm] for arm, r in recipes.items())
    assert taught["fewer taught"] < taught["as it is"] == taught["without decay"]
    assert [r.optimiser.value("weight_decay") for r in recipes.values()] == [1.0, 0.0, 1.0]
    words = {arm: r.batch for arm, r in CLAIMS["MI5"].recipes("rrxor", Setting()).items()}
    assert words == {"as it is": 32, "without decay": 32, "fewer taught": 26}


@pytest.mark.thorough
def test_what_is_measured_on_networks(tmp_path, monkeypatch):
    """In few steps: what is taught is learned, what is held out is not."""
    monkeypatch.setattr(grokked, "FEW_STEPS", 60)
    monkeypatch.setattr(grokked, "CHECKPOINTS", 6)
    monkeypatch.setattr(grokked, "ARMS", ("as it is",))
    recipes = CLAIMS["MI5"].recipes("addition(p=7, share=0.6)", Setting(seeds=2, size="small"))
    found = grokked.grokked({arm: train.obtain(r, tmp_path) for arm, r in recipes.items()})
    (taught,), (held_out,) = found.taught.values(), found.held_out.values()
    assert taught.shape == held_out.shape == (2, len(found.steps)) == found.waves.restricted.shape
    assert (taught[:, -1] < 0.3).all() and (held_out[:, -1] > 0.5).all()
    assert ((found.waves.embedded > 0) & (found.waves.embedded <= 1 + 1e-9)).all()
    run = train.obtain(recipes["as it is"], tmp_path)
    plain, question = sum_predictions(run), run.recipe.source()
    np.testing.assert_allclose(  # by another way: the loss before the first step
        of_sums(question, sum_predictions(run, 0))[:, question.taught].mean(1),
        run.history()["loss"][:, 0],
        rtol=1e-4,
    )
    np.testing.assert_allclose(
        of_sums(question, plain)[:, ~question.taught].mean(1) / np.log(7), found.waves.network[:, -1]
    )


@pytest.mark.thorough
def test_what_is_measured_on_words_of_a_process(tmp_path, monkeypatch):
    monkeypatch.setattr(grokked, "FEW_STEPS", 20)
    monkeypatch.setattr(grokked, "CHECKPOINTS", 3)
    monkeypatch.setattr(grokked, "ARMS", ("as it is",))
    recipes = CLAIMS["MI5"].recipes("rrxor", Setting(seeds=2, size="small"))
    found = grokked.grokked({arm: train.obtain(r, tmp_path) for arm, r in recipes.items()})
    assert found.waves is None and found.taught["as it is"].shape == (2, 3)
    assert (found.held_out["as it is"][:, -1] > found.taught["as it is"][:, -1]).all()


def test_steps_that_never_came_are_drawn_as_bounds():
    """Held out never, without decay never either: of the first it is known that it is more, of the second
    nothing; what was learned is drawn as it is.
    """
    shown = grokking(np.random.default_rng(0), held_out=1e9, left=0.8, waves=False)
    bounds = shown.bounds()
    assert bounds[grokked.DELAY].least.all() and not bounds[grokked.DELAY].most.any()
    assert set(bounds) <= {c.name for c in CLAIMS["MI5"].criteria}
    with style():
        fig = figure(by_rule("MI5", shown, RRXOR), shown, panels())
    rows = {ax.get_title(loc="left").replace("\n", " "): ax for ax in fig.findobj(Axes)}
    said = {name: [text.get_text() for text in ax.texts] for name, ax in rows.items()}
    assert said[grokked.DELAY] == ["▷ at least: 8 of 8"]
    assert said[grokked.LATER.format(arm="without decay")] == ["◇ unknown: 8 of 8"]
    assert {line.get_color() for line in rows[grokked.DELAY].lines} == {NULL}
    own = fig.subfigs[0].findobj(Axes)[0].get_legend_handles_labels()[1]
    assert own == ["taught", "held out, ▷ never: 8 of 8"]


def test_steps_that_came_are_drawn_as_they_are():
    shown = grokking(np.random.default_rng(0))
    bounds = shown.bounds()
    assert not any(side.any() for of in (grokked.DELAY, grokked.BY_KEYS) for side in bounds[of])
    with style():
        fig = figure(by_rule("MI5", shown, SUMS), shown, panels(), only="findings")
    rows = {ax.get_title(loc="left").replace("\n", " "): ax for ax in fig.findobj(Axes)}
    assert not rows[grokked.DELAY].texts
