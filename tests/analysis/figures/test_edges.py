"""Nothing that a panel draws lies outside of it or is drawn elsewhere without a word."""

import ast
import itertools
from pathlib import Path

import numpy as np
import pytest
from flat import flat
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.figure import Figure
from test_shown import ODD, verdict

from analysis.claim.shown import arrays
from analysis.families import CLAIMS, panels
from analysis.figures.edges import AT_EDGE, floored, hold, kept, possible
from analysis.figures.style import style
from analysis.figures.verdict import figure

PANELS = sorted(Path(__file__).parents[3].glob("analysis/*/panels/*.py"))
CLIPS = ("clip", "maximum", "minimum", "fmax", "fmin")
NO_DATA = {"bg16_random_hmms.py": "bins", "mi01_superposition.py": "a norm", "sm03_myopia.py": "a divisor"}
"""Where what is clipped is not drawn."""
IMPOSSIBLE = {
    ("BG1", 30.0): "an R²",
    ("BG3", 30.0): "an R²",
    ("MI3", -3.0): "a divergence, which shares are of",
    ("SM6", 1e-13): "machines, a part of one",
}
"""What cannot be so far away."""


def clips(source: str) -> list[str]:
    """Calls in a file by which numbers are clipped."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [call.func.attr for call in calls if getattr(call.func, "attr", "") in CLIPS]


@pytest.mark.parametrize("file", PANELS, ids=lambda file: file.stem)
def test_no_panel_clips_by_itself(file):
    if file.name not in NO_DATA:
        assert clips(file.read_text()) == [], "take floored, kept or possible of analysis.figures.edges"


def test_a_planted_clip_is_caught():
    assert clips("ax.plot(x, y.clip(0))") == ["clip"] and clips("ax.plot(np.maximum(y, 1e-3))") == ["maximum"]


def drawn(ax: Axes):
    """Where artists have their points, in data."""
    for line in ax.lines:
        if line.get_transform() == ax.transData:
            yield line.get_xydata()
    for of in ax.collections:
        if isinstance(of, PathCollection) and of.get_offset_transform() == ax.transData:
            yield np.ma.filled(of.get_offsets(), np.nan)
        if isinstance(of, LineCollection | PolyCollection) and of.get_transform() == ax.transData:
            yield from (path.vertices for path in of.get_paths())
    for patch in ax.patches:
        if patch.get_data_transform() == ax.transData:
            yield patch.get_path().transformed(patch.get_patch_transform()).vertices


def outside(fig) -> list[str]:
    """What lies outside of its panel; what is not positive has no place on a logarithmic axis at all."""
    found = []
    for ax in fig.findobj(Axes):
        for points, (k, name) in itertools.product(drawn(ax), enumerate("xy")):
            at = np.asarray(points, float)[:, k]
            low, high = sorted(getattr(ax, f"get_{name}lim")())
            at = at[np.isfinite(at) & ((at > 0) | (getattr(ax, f"get_{name}scale")() != "log"))]
            slack = 1e-6 * (high - low)
            if ((at < low - slack) | (at > high + slack)).any():
                found.append(f"{ax.get_ylabel()!r} over {ax.get_xlabel()!r}: {at.min():g} to {at.max():g}")
    return found


def planted(claim: str, far: float):
    """A record in which all is a half but for the first of every row, which is far from it."""
    kept_in = dict(arrays(flat(0.5, ODD[:1])[claim]()))
    for name, values in kept_in.items():
        if values.dtype.kind == "f" and values.ndim and (values == 0.5).all():
            values = values.copy()
            values[..., 0] = far
            kept_in[name] = values
    return CLAIMS[claim].drawing(kept_in)


@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("claim", "far"),
    sorted(set(itertools.product(panels(), (-3.0, 1e-13, 30.0))) - set(IMPOSSIBLE)),
)
def test_what_is_drawn_lies_inside(claim, far):
    with style():
        fig = figure(verdict(claim, 0.5, ODD[:1]), planted(claim, far), panels(), only="evidence")
    assert outside(fig) == []


def test_what_lies_outside_is_caught():
    ax = Figure().subplots()
    ax.plot([0, 1], [0, 9])
    ax.scatter([0, 1], [0, 1])
    ax.axhline(50)
    assert outside(ax.figure) == []
    ax.set_ylim(0, 5)
    assert len(outside(ax.figure)) == 1
    ax.set_xlim(0.5, 2)
    assert len(outside(ax.figure)) == 3


def test_limits_give_way():
    ax = Figure().subplots()
    ax.plot([0, 1], [0.2, 0.8])
    hold(ax, y=(0.0, 1.0))
    assert ax.get_ylim() == (0.0, 1.0)
    ax.plot([0, 1], [-2, 0.8])
    hold(ax, y=(0.0, 1.0))
    assert ax.get_ylim()[0] < -2 and ax.get_ylim()[1] == 1.0
    log = Figure().subplots()
    log.set_yscale("log")
    log.plot([0, 1], [1e-3, 50])
    hold(log, y=(0.1, 1.0))
    assert outside(log.figure) == []


def test_a_floor_is_named_once_and_only_where_something_lies_below_it():
    ax = Figure().subplots()
    np.testing.assert_array_equal(floored(ax, np.array([0.5, 1.0]), 0.1), [0.5, 1.0])
    assert not ax.texts
    for _ in range(2):
        np.testing.assert_array_equal(floored(ax, np.array([[0.0, 1.0]]), 0.1), [[0.1, 1.0]])
    assert [(t.get_text(), t.get_gid()) for t in ax.texts] == [("or less", AT_EDGE)]


def test_what_is_beyond_an_edge_has_an_open_mark_there():
    ax = Figure().subplots()
    kept(ax, np.arange(3), np.array([-9.0, 0.5, 9.0]), "o", low=-1.0, high=1.0, color="k")
    points, below, above = ax.lines
    assert np.isfinite(points.get_ydata()).tolist() == [False, True, False]
    assert (below.get_marker(), above.get_marker()) == ("v", "^")
    assert (below.get_ydata().tolist(), above.get_ydata().tolist()) == ([-1.0], [1.0])
    assert {below.get_markerfacecolor(), above.get_markerfacecolor()} == {"none"}
    kept(ax, np.arange(3), np.array([-9.0, 0.5, 0.9]), "-", low=-1.0)
    assert ax.lines[3].get_ydata().tolist() == [-1.0, 0.5, 0.9]


def test_shares_are_possible():
    np.testing.assert_array_equal(possible(np.array([-0.1, 0.3, 1.2])), [0.0, 0.3, 1.0])
