"""Figures: what the artists hold, and that equal values give equal bytes."""

import json
from dataclasses import replace

import matplotlib
import numpy as np
import pytest

import processes
from analysis.belief_geometry.panels import overview
from analysis.claim import Verdict
from analysis.claim.latest import PUBLISHED, read
from analysis.figures import draw
from analysis.figures.beliefs import beliefs
from analysis.figures.clouds import clouds
from analysis.figures.layers import layers_of_run
from analysis.figures.letters import shortened, told_apart
from analysis.figures.loss import loss
from analysis.figures.record import Record
from analysis.figures.simplex import CORNER_POSITIONS, simplex_of_run
from analysis.figures.style import mixture, placed, style, write
from analysis.figures.verdict import figure as verdict_figure
from analysis.instruments.contexts import contexts
from analysis.report import EXPERIMENTS
from train.runs.sealed import write_npz


def fake(folder, name, n_ctx=6):
    """A run folder's values, drawn at random: figures need no training."""
    rng, t = np.random.default_rng(0), contexts(processes.named(name), n_ctx)
    n, s = len(t.weight), t.process.n_states
    finite = processes.mixed_states(t.process)
    arrays = {"state_belief": finite.belief} if finite else {}
    state = np.abs(t.belief[:, None] - finite.belief).max(2).argmin(1) if finite else np.full(n, -1)
    for which in ("trained", "untrained"):
        arrays[f"{which}_excess_by_position"] = rng.uniform(1e-5, 1e-3, (3, n_ctx))
        for layer in ("final", "concatenated"):
            arrays[f"{which}_points_{layer}"] = (t.belief + 0.1 * rng.normal(size=(3, n, s))).astype(
                np.float32
            )
    axes = np.linalg.svd(t.belief - t.belief.mean(0), full_matrices=False)[2]
    write_npz(
        folder / "evidence.npz",
        belief=t.belief,
        weight=t.weight,
        fold=t.fold,
        state=state,
        mean=t.belief.mean(0),
        axes=axes,
        **arrays,
    )

    def layer(name):
        return {
            "features": name,
            "trained": {"r2": rng.uniform(0.8, 0.99, 3).tolist()},
            "untrained": {"r2": rng.uniform(0.1, 0.3, 3).tolist()},
            "shuffled": {"n": 100, "low": -0.05, "high": 0.01},
        }

    report = {
        "process": t.process.name,
        "recipe": EXPERIMENTS["rrxor"].recipe.to_json(),
        "layers": [layer(f) for f in ("blocks.0.resid_pre", "blocks.0.resid_post", "concatenated")],
        "baselines": {
            b: {"r2": float(rng.uniform(0, 1))}
            for b in ("token_window", "next_token", "markov_1", "markov_2", "markov_3")
        },
        "excess": {"trained": [1e-4] * 3},
        "floor_by_position": t.floor.tolist(),
        "training": {"step": [1, 10, 100], "excess": [[0.1, 0.01, 0.001]] * 3},
    }
    (folder / "report.json").write_text(json.dumps(report))
    return Record(folder)


@pytest.fixture(params=["mess3", "rrxor"])
def record(request, tmp_path):
    return fake(tmp_path, request.param)


@pytest.mark.thorough
def test_figures_are_equal_to_the_byte_and_leave_no_trace(record):
    before = dict(matplotlib.rcParams)
    names = draw(record.folder, overview)
    first = {p.name: p.read_bytes() for p in (record.folder / "figures").iterdir()}
    matplotlib.rcParams["font.size"] = 30  # a user's own taste changes nothing
    draw(record.folder, overview)
    matplotlib.rcParams["font.size"] = before["font.size"]
    assert first == {p.name: p.read_bytes() for p in (record.folder / "figures").iterdir()}
    assert len(first) == 2 * len(names) == 6
    assert dict(matplotlib.rcParams) == before


def test_the_simplex_shows_truth_and_probed_points(tmp_path):
    record = fake(tmp_path, "mess3")
    with style():
        fig = simplex_of_run(record)
    shown = record.evidence["fold"] >= 0
    order = np.argsort(record.evidence["weight"][shown])
    exact, probed, _ = (ax.collections[0].get_offsets() for ax in fig.axes)
    np.testing.assert_allclose(
        exact, (record.evidence["belief"][shown] @ CORNER_POSITIONS)[order], atol=1e-12
    )
    seed = Record.typical(record.final["trained"]["r2"])
    np.testing.assert_allclose(
        probed, (record.evidence["trained_points_final"][seed][shown] @ CORNER_POSITIONS)[order], atol=1e-6
    )
    assert f"{record.final['trained']['r2'][seed]:.4f}" in fig.axes[1].get_title()


def test_clouds_show_every_state_and_every_held_out_context(tmp_path):
    record = fake(tmp_path, "rrxor")
    with style():
        fig = clouds(record)
    assert len(fig.axes) == 6
    assert len(fig.axes[0].collections[0].get_offsets()) == 36
    assert len(fig.axes[1].collections[0].get_offsets()) == (record.evidence["fold"] >= 0).sum()


DRAWN = {
    "mess3": "simplex",
    "rrxor": "clouds",
    "mess(x=0.05, a=0.85, s=4)": "beliefs",
    "mess(x=0.1, a=0.7, s=6)": "beliefs",
    "mess3 * coin": "simplex",
    "mess3 * sns": "beliefs",
    "sns": "beliefs",
    "even": "beliefs",
    "golden_mean": "beliefs",
    "bloch_walk": "beliefs",
    "quantum_rrxor:blind": "beliefs",
}


@pytest.mark.thorough
@pytest.mark.parametrize("name", DRAWN)
def test_beliefs_of_any_process_are_drawn(name, tmp_path):
    """Any number of states, finitely many beliefs or not, generalised or not; without a warning."""
    record = fake(tmp_path, name, n_ctx=5)
    drawn = overview(record)
    assert set(drawn) == {"layers", DRAWN[name]}
    with style():
        write(drawn[DRAWN[name]](record), tmp_path / "drawn.png")
    assert (tmp_path / "drawn.png").stat().st_size > 3000


@pytest.mark.parametrize("name", ["mess(x=0.05, a=0.85, s=4)", "bloch_walk"])
def test_beliefs_lie_on_their_principal_axes(name, tmp_path):
    """Distances on paper are those of the beliefs where two axes hold all of the variance, at most those
    elsewhere; probed points lie on the same axes, and every axis is labelled with its share.
    """
    record = fake(tmp_path, name)
    with style():
        fig = beliefs(record)
    e = record.evidence
    shown = np.flatnonzero(e["fold"] >= 0)
    order = shown[np.argsort(e["weight"][shown], kind="stable")]
    exact, probed, untrained = (ax.collections[0].get_offsets() for ax in fig.axes[:3])
    pairs = np.random.default_rng(0).integers(0, len(order), (200, 2))
    far = np.linalg.norm(e["belief"][order][pairs[:, 0]] - e["belief"][order][pairs[:, 1]], axis=1)
    near = np.linalg.norm(exact[pairs[:, 0]] - exact[pairs[:, 1]], axis=1)
    if name == "bloch_walk":
        np.testing.assert_allclose(near, far, rtol=0, atol=1e-9)
        assert not fig.axes[0].texts  # no states that could be corners
    else:
        assert (near < far + 1e-9).all() and (near < far - 0.01).any()
        assert [text.get_text() for text in fig.axes[0].texts] == ["0", "1", "2", "3"] and len(fig.axes) == 6
    seed = Record.typical(record.layer("concatenated")["trained"]["r2"])
    points = e["trained_points_concatenated"][seed][order]
    off = np.linalg.norm(points - e["belief"][order], axis=1)
    assert (np.linalg.norm(probed - exact, axis=1) < off + 1e-6).all()
    assert f"{record.layer('concatenated')['trained']['r2'][seed]:.4f}" in fig.axes[1].get_title()
    assert "%" in fig.axes[0].get_xlabel() and len(untrained) == len(order)


@pytest.mark.thorough
def test_beliefs_about_two_states_are_probed_against_exact(tmp_path):
    record = fake(tmp_path, "sns")
    record.report["states"] = ["on", "off"]
    with style():
        fig = beliefs(record)
    e = record.evidence
    shown = np.flatnonzero(e["fold"] >= 0)
    order = shown[np.argsort(e["weight"][shown], kind="stable")]
    x, y = fig.axes[1].collections[0].get_offsets().T
    seed = Record.typical(record.layer("concatenated")["trained"]["r2"])
    np.testing.assert_allclose(x, e["belief"][order, 1], atol=1e-9)
    points = e["trained_points_concatenated"][seed][order]
    np.testing.assert_allclose(y, (1 + points[:, 1] - points[:, 0]) / 2, atol=1e-6)
    assert fig.axes[0].get_xlabel() == "P(state off)" and fig.axes[1].get_ylabel() == "probed"
    heights = sum(patch.get_height() for patch in fig.axes[0].patches)
    assert heights == pytest.approx(1)


def test_names_of_states_stand_at_the_corners(tmp_path):
    record = fake(tmp_path, "mess3")
    record.report["states"] = ["rain", "clouds", "sun"]
    with style():
        assert [t.get_text() for t in simplex_of_run(record).axes[0].texts] == ["rain", "clouds", "sun"]


def test_colours_of_many_states_tell_places_apart():
    """Opposite ends of every axis differ, and mixtures of few states keep their colours."""
    place = np.vstack([np.eye(3), -np.eye(3)])
    colour = placed(np.full((6, 9), 1 / 9), place)
    assert np.abs(colour[:3] - colour[3:]).max(1).min() > 0.2 and (colour >= 0).all() and (colour <= 1).all()
    belief = np.random.default_rng(0).dirichlet(np.ones(4), size=5)
    np.testing.assert_array_equal(placed(belief, place[:5]), mixture(belief))


def test_layers_show_the_scores_and_every_control(record):
    with style():
        (ax,) = layers_of_run(record).axes
    trained = np.array([layer["trained"]["r2"] for layer in record.report["layers"]])
    np.testing.assert_allclose(ax.lines[0].get_ydata(), trained.mean(1))
    constant = sorted(float(line.get_ydata()[0]) for line in ax.lines if len(set(line.get_ydata())) == 1)
    np.testing.assert_allclose(constant, sorted(b["r2"] for b in record.report["baselines"].values()))
    words = {text.get_text() for text in ax.texts}
    assert {"token window", "next token", "Markov 1", "Markov 2", "Markov 3"} <= words
    heights = sorted(text.get_position()[1] for text in ax.texts)
    assert min(np.diff(heights)) > 0.045  # labels do not overlap


@pytest.mark.parametrize("best", [0.6, 0.95, 0.9985, 0.9999])
def test_ticks_of_layers_do_not_lie_over_each_other(record, best):
    for layer in record.report["layers"]:
        layer["trained"]["r2"] = [best, best - 0.1]
    with style():
        fig = layers_of_run(record)
        fig.canvas.draw()
    (ax,) = fig.axes
    boxes = sorted((label.get_window_extent() for label in ax.get_yticklabels()), key=lambda box: box.y0)
    assert len(boxes) >= 5
    assert all(above.y0 > below.y1 for below, above in zip(boxes, boxes[1:], strict=False))


def test_loss_shows_every_seed(record):
    with style():
        left, right = loss(record).axes
    assert len(left.lines) == 2 * (3 + 1) and len(right.lines) == 3 + 1 + 1
    np.testing.assert_allclose(right.lines[3].get_ydata(), [0.1, 0.01, 0.001])


def test_belief_colours_differ_in_lightness_at_the_corners_of_a_triangle():
    luminance = mixture(np.eye(3)) ** 2.2 @ [0.2126, 0.7152, 0.0722]
    assert min(np.abs(np.subtract.outer(luminance, luminance)[np.triu_indices(3, 1)])) > 0.03


def test_a_verdict_is_titled_by_what_was_asked_where_that_says_more_and_else_by_its_process():
    """Evidence of one's own was asked on nothing."""
    coupled = read(PUBLISHED / "BG10" / "coupled-b807.json")
    apart = Verdict.from_json(coupled.to_json())
    simple = read(PUBLISHED / "BG1" / "mess3.json")
    other, product, file = (
        replace(simple, asked=asked) for asked in ("mess3:shai2024", "mess3 * mess3", "/a/b(c).json")
    )
    told = [
        " ".join(verdict_figure(v, None, {}).get_suptitle().split())
        for v in (coupled, apart, simple, other, product, file)
    ]
    assert "structure=hidden" in told[0] and "structure" not in told[1]
    assert told[1].startswith(f"BG10 on {coupled.process}") and told[2].startswith("BG1 on mess3(x=0.05")
    assert told[2] == told[3] == told[5] and told[4].startswith("BG1 on mess3 * mess3: ")


def test_names_that_are_cut_are_still_told_apart():
    decoys = [f"decoy(rrxor(p1=0.5, p2=0.5), seed={k})" for k in range(3)]
    assert told_apart(["rrxor(p1=0.5, p2=0.5)", *decoys], 24) == [
        "rrxor(p1=0.5, p2=0.5)",
        *(f"decoy(rrxor(p1 .. seed={k})" for k in range(3)),
    ]
    assert told_apart(["mess3", "mess3"], 24) == ["mess3", "mess3"]
    # Where what differs has no room itself, or nothing is shared, names are cut as they would be alone.
    ends = [f"{'a' * 10}{'b' * 40}{k}" for k in range(2)]
    assert told_apart(ends, 24) == [shortened(name, 24) for name in ends]
