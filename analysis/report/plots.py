"""What of a page is drawn with Bokeh: points of histories, and how far networks are above the floor.

Colours are those of the page, which knows whether it is light or dark: a model's first tag says which of its
properties has which of the page's colours.
"""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from bokeh.core.properties import value
from bokeh.events import MouseMove, Tap
from bokeh.models import (
    BasicTicker,
    ColumnDataSource,
    CustomJS,
    FixedTicker,
    HoverTool,
    PanTool,
    Range1d,
    WheelZoomTool,
)
from bokeh.models import Plot as Figure
from bokeh.plotting import figure

from ..figures.beliefs import STRAY
from ..figures.style import positive
from ..figures.views import square
from .points import Points

PANELS = ("exact", "trained", "untrained")
AXIS = {
    "axis_line_color": "line",
    "major_tick_line_color": "line",
    "minor_tick_line_color": "none",
    "major_label_text_color": "muted",
    "axis_label_text_color": "ink",
}
SANS = "system-ui, sans-serif"


def coloured(model: Any, **colours: str) -> Any:
    """A model that takes these colours of the page: {property: colour}."""
    model.tags = [colours]
    return model


def beliefs(found: Points) -> dict[str, Figure]:
    """Three panels of points, moved and enlarged together; what they show is brought in by the page."""
    x, y = _ranges(found)
    each = [f"{name} {which}" for which in PANELS for name in ("x", "y", "word", "align", "dx")]
    lit = ColumnDataSource({name: [] for name in each}, name="lit")
    made = {}
    for which in PANELS:
        own = which != "exact" and found.plane.kind == "line"
        fig = _blank(which, x[which], y[which], found)
        source = ColumnDataSource({"x": [], "y": [], "size": [], "colour": []}, name=f"points of {which}")
        fig.scatter(
            "x", "y", size="size", color="colour", line_color=None, source=source, name=f"dots {which}"
        )
        if found.plane.corners is not None and found.inside and found.plane.kind == "triangle":
            _triangle(fig, found)
        if own:
            ends = [x[which].start, x[which].end]
            diagonal = fig.line(ends, ends, line_dash="4 3", line_width=1)
            coloured(diagonal.glyph, line_color="muted")
        _light(fig, which, lit)
        if found.plane.kind == "line":
            fig.xaxis.axis_label = found.plane.labels[0] + ("" if which == "exact" else ", exact")
            fig.yaxis.axis_label = "position" if which == "exact" else "probed"
            if which == "exact":
                fig.yaxis.ticker = BasicTicker(min_interval=1, num_minor_ticks=0)
        for event in (MouseMove, Tap):
            fig.js_on_event(event, CustomJS(code=f"window.report.point({which!r}, cb_obj.x, cb_obj.y)"))
        made[which] = fig
    return made


def _ranges(found: Points) -> tuple[dict[str, Range1d], dict[str, Range1d]]:
    """One range for all panels, so that they move together; of beliefs on a line, one along the exact."""
    exact = found.arrays["exact"]
    if found.plane.kind == "line":
        return _ranges_of_line(found)
    if found.plane.kind == "triangle":
        return dict.fromkeys(PANELS, _range(-0.11, 1.11)), dict.fromkeys(PANELS, _range(-0.14, 0.98))
    corners = found.plane.corners
    middle, half = square(corners if corners is not None and found.inside else exact)
    across, up = (dict.fromkeys(PANELS, _range(m - half, m + half)) for m in middle[:2])
    return across, up


def _ranges_of_line(found: Points) -> tuple[dict[str, Range1d], dict[str, Range1d]]:
    """Beliefs along the line, against positions and what is probed: not all of that where it strays."""
    exact, lengths = found.arrays["exact"], (found.arrays["tokens"] >= 0).sum(1)
    low, high = float(exact.min()), float(exact.max())
    seen = np.concatenate([found.arrays["trained"], found.arrays["untrained"]])
    reach, pad = STRAY * (high - low), 0.06 * ((high - low) or 1.0)
    least, most = max(low - reach, min(low, seen.min())), min(high + reach, max(high, seen.max()))
    probed = _range(least - pad, most + pad)
    y = {"exact": _range(lengths.min() - 1.7, lengths.max() - 0.3), "trained": probed, "untrained": probed}
    return dict.fromkeys(PANELS, _range(low - pad, high + pad)), y


def _range(start: float, end: float) -> Range1d:
    return Range1d(start=float(start), end=float(end))


def _blank(name: str, x: Range1d, y: Range1d, found: Points) -> Any:
    """A panel without anything around it, or with axes."""
    fig = figure(
        name=name,
        output_backend="webgl",
        x_range=x,
        y_range=y,
        sizing_mode="stretch_width",
        aspect_ratio=1 if found.plane.kind != "triangle" else 1.22 / 1.12,
        **_moved(),
        min_border=2,
    )
    _bare(fig)
    fig.axis.visible = found.plane.kind == "line"
    return fig


def _moved() -> dict[str, Any]:
    """What moves and enlarges a figure by mouse: not before the page is asked to, or a page could not be
    scrolled past it.
    """
    tools = [PanTool(), WheelZoomTool(zoom_on_axis=False)]
    return {"tools": tools, "toolbar_location": None, "active_drag": None, "active_scroll": None}


def _bare(fig: Any) -> None:
    fig.background_fill_color = None
    fig.border_fill_color = None
    fig.outline_line_color = None
    fig.grid.grid_line_color = None
    for axis in fig.axis:
        coloured(axis, **AXIS)
        axis.major_label_text_font = axis.axis_label_text_font = SANS
        axis.axis_label_text_font_style = "normal"
        axis.minor_tick_line_color = None


def _triangle(fig: Any, found: Points) -> None:
    corners = found.plane.corners
    assert corners is not None
    closed = np.vstack([corners, corners[:1]])
    wires = fig.line(closed[:, 0], closed[:, 1], line_width=1, level="underlay")
    coloured(wires.glyph, line_color="line")
    middle = corners.mean(0)
    away = middle + (corners - middle) * 1.1
    named = ColumnDataSource({"x": away[:, 0], "y": away[:, 1], "text": list(found.plane.names)})
    names = fig.text(
        "x",
        "y",
        "text",
        source=named,
        text_align="center",
        text_baseline="middle",
        text_font=value(SANS),
        text_font_size="12px",
    )
    coloured(names.glyph, text_color="muted")


def _light(fig: Any, which: str, lit: ColumnDataSource) -> None:
    """Where the history under the pointer is, in every panel."""
    x, y = f"x {which}", f"y {which}"
    # Arcs, because they are not drawn by WebGL: overlays that are were missing in a panel of another size.
    how: dict[str, Any] = {"source": lit, "level": "overlay"}
    round_it = {"radius": 8, "radius_units": "screen", "start_angle": 0, "end_angle": 2 * np.pi}
    for width, colour in ((5, "paper"), (2, "ink")):
        ring = fig.arc(x, y, line_width=width, **round_it, **how)
        coloured(ring.glyph, line_color=colour)
    how |= {"x_offset": f"dx {which}", "text_align": f"align {which}", "y_offset": -12}
    how |= {"text_baseline": "bottom", "text_font_size": "12px"}
    how |= {"text_font": value("ui-monospace, monospace")}
    behind = fig.text(x, y, f"word {which}", text_outline_width=4, **how)
    coloured(behind.glyph, text_color="paper", text_outline_color="paper")
    word = fig.text(x, y, f"word {which}", **how)  # by itself: an outline is drawn over the letters
    coloured(word.glyph, text_color="ink")


def loss(report: Mapping[str, Any], evidence: Mapping[str, np.ndarray]) -> dict[str, Figure]:
    """Loss above the floor: by position after training, and at the step that is looked at; and over
    training.
    """
    position, training = _axes("position (from 0)", "linear"), _axes("step", "log")
    position.name, training.name = "by position", "over training"
    x = np.arange(len(report["floor_by_position"]))
    for which in ("untrained", "trained"):
        value = positive(evidence[f"{which}_excess_by_position"])
        _every(position, x, value, which)
    if len(x) <= 12:
        position.xaxis.ticker = FixedTicker(ticks=x.tolist())
    at_step = ColumnDataSource({"x": [], "y": []}, name="excess at the step")
    line = position.line("x", "y", source=at_step, line_width=2.5, line_dash="2 2")
    dots = position.scatter("x", "y", source=at_step, size=7, fill_color=None, line_width=2)
    for seen in (line, dots):
        coloured(seen.glyph, line_color="ink")
    step = np.array(report["training"]["step"])
    _every(training, step, positive(np.array(report["training"]["excess"])), "trained")
    here = ColumnDataSource({"x": [], "y": []}, name="step on the curve")
    mark = training.scatter("x", "y", source=here, size=11, fill_color=None, line_width=2.5)
    coloured(mark.glyph, line_color="ink")
    return {"position": position, "training": training}


def _every(fig: Any, x: np.ndarray, values: np.ndarray, colour: str) -> None:
    """Each network thin, and their mean."""
    n = len(values)
    each = fig.multi_line([x.tolist()] * n, values.tolist(), line_width=0.8, line_alpha=0.5)
    mean = ColumnDataSource({"x": x, "y": values.mean(0)})
    dash = "solid" if colour == "trained" else "6 4"
    line = fig.line("x", "y", source=mean, line_width=2.2, line_dash=dash)
    dots = fig.scatter("x", "y", source=mean, size=5 if len(x) <= 20 else 1)
    for seen in (each, line):
        coloured(seen.glyph, line_color=colour)
    coloured(dots.glyph, fill_color=colour, line_color=colour)
    hover = HoverTool(
        renderers=[dots],
        mode="vline",
        tooltips=[(f"{colour}, mean", "@y{%.2e} nats")],
        formatters={"@y": "printf"},
    )
    fig.add_tools(hover)


def _axes(label: str, kind: Literal["linear", "log"]) -> Any:
    fig = figure(
        x_axis_type=kind,
        y_axis_type="log",
        x_axis_label=label,
        y_axis_label="loss − floor, nats per token",
        height=280,
        sizing_mode="stretch_width",
        **_moved(),
    )
    _bare(fig)
    for grid in fig.grid:
        coloured(grid, grid_line_color="faint")
    return fig


def subsets(report: Mapping[str, Any]) -> dict[str, Figure]:
    """Relative violation of every subset of the constraints against its exact load: every network, and their
    geometric mean.
    """
    rows = sorted(report["subsets"], key=lambda s: s["load"])
    fig = _axes("exact load of the subset, nats per token", "linear")
    fig.yaxis.axis_label = "relative violation"
    fig.height, fig.name = 360, "violation by subset"
    n = len(rows[0]["relative"])
    each = ColumnDataSource(
        {
            "load": np.repeat([s["load"] for s in rows], n),
            "relative": positive(np.array([s["relative"] for s in rows]).ravel()),
        }
    )
    faint = fig.scatter("load", "relative", source=each, size=4, fill_alpha=0.35, line_color=None)
    coloured(faint.glyph, fill_color="trained")
    mean = ColumnDataSource(
        {
            "load": [s["load"] for s in rows],
            "relative": [float(np.exp(np.mean(np.log(positive(np.array(s["relative"])))))) for s in rows],
            "on": [", ".join(map(str, s["on"])) for s in rows],
            "mass": [float(np.mean(s["violation"])) for s in rows],
            "satisfied": [float(np.mean(s["satisfied"])) for s in rows],
        },
        name="subsets",
    )
    dots = fig.scatter("load", "relative", source=mean, size=9, fill_color=None, line_width=2)
    coloured(dots.glyph, line_color="trained")
    one = fig.line(
        [min(s["load"] for s in rows), max(s["load"] for s in rows)], [1, 1], line_dash="4 3", line_width=1
    )
    coloured(one.glyph, line_color="muted")
    told = [
        ("constraints on", "@on"),
        ("load", "@load{0.0000} nats"),
        ("over the ignorant predictor's", "@relative{%.2e}"),
        ("violation mass", "@mass{%.2e}"),
        ("bodies that satisfy", "@satisfied{0.00}"),
    ]
    fig.add_tools(
        HoverTool(renderers=[dots], tooltips=told, formatters={"@relative": "printf", "@mass": "printf"})
    )
    return {"subsets": fig}
