"""The figure of a verdict: what was predicted and measured, beside every criterion and control."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import matplotlib.patheffects
import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import FuncFormatter

import processes

from ..claim import Bounds, Censored, Finding, Kept, Verdict, asked_on, counted, on, squared, told
from ..instruments.statistics import Interval
from .letters import broken
from .style import GREEN, NULL, PURPLE, TRAINED, VERMILION, Drawn, save, style

Panel = Callable[[SubFigure, Verdict, Any], None]
"""Draws what a claim is about into its half of the figure, from the verdict and the numbers kept with it."""

Half = Literal["evidence", "findings"]
"""What a claim is about, or how it was decided."""
NARROW = 5.0
"""Inches from which there is room for both beside each other."""
ALONE = 3.3
"""Inches that a panel is high at least where nothing stands beside it."""
ASIDE = 0.15
"""Inches beside a row, for the letters of its axis."""
COUNT = 0.4
"""Share of a row that the count of its networks takes."""
LINE, STRIP, BELOW = 9.5, 11.0, 13.0
"""Heights of a row's parts, points: a line of its name, the strip itself, and the numbers below it."""
OUTCOME_COLOUR = {
    "supported": GREEN,
    "refuted": VERMILION,
    "explained": PURPLE,
    "undecided": NULL,
    "invalid": NULL,
}
SIDES = ((True, False, ">", "▷ at least"), (False, True, "<", "◁ at most"), (True, True, "d", "◇ unknown"))
"""Of values that are bounds: least, most, mark, and what is said of it."""
STATE_COLOUR = {"holds": TRAINED, "fails": VERMILION, "open": NULL, "undefined": VERMILION}


def draw(
    verdict: Verdict,
    shown: Any,
    folder: Path,
    panels: Mapping[str, Panel],
    name: str = "figure",
) -> None:
    """Draw the figure of a verdict into a folder, as svg and png."""
    with style():
        save(figure(verdict, shown, panels), folder, name)


def figure(
    verdict: Verdict,
    shown: Any,
    panels: Mapping[str, Panel],
    *,
    width: float | None = None,
    only: Half | None = None,
) -> Figure:
    """The claim's own panel of those by id, where it has one, beside the forest of findings, or above it
    where the width (inches) is less than `NARROW`; `only` one of the two.

    Rows of findings are of one size in all figures.
    """
    panel = panels.get(verdict.claim) if only != "findings" else None
    wide = width or (7.2 if panel and not only else 4.4)
    beside = panel is not None and only is None and wide >= NARROW
    of_forest = wide * (1 / 2.15 if beside else 1.0)
    rows = 0.0 if only == "evidence" else _points(_asked(verdict, of_forest)) / 72 + 0.1
    title = broken(f"{verdict.claim} on {_where(verdict)}: {told(verdict)}", 0.96 * wide, 9.0, bold=True)
    above = 0.1 + 0.15 * (1 + title.count("\n"))
    # Where the findings stand below it, a panel is as high as beside them.
    own = max(2.4, 0.75 * min(wide, 4.4), 0.0 if beside else ALONE) if panel else 0.0
    height = above + (max(own, rows, 3.0) if beside else own + rows)
    fig = Drawn(figsize=(wide, height), layout="constrained")
    halves: Any = _halves(fig, own, rows, height - above, panel is not None, beside)
    if panel:
        panel(halves[0], verdict, shown)
    if rows:
        ax = halves[-1].subplots()
        forest(ax, verdict, width=of_forest, bounds=shown.bounds() if isinstance(shown, Censored) else {})
    fig.suptitle(title, color=OUTCOME_COLOUR[verdict.outcome], fontweight="bold", fontsize=9)
    return fig


def _where(verdict: Verdict) -> str:
    """What the claim was put to, as a title has it."""
    if not isinstance(verdict, Kept):
        return verdict.process
    return asked_on(verdict) if _tells_more(verdict.asked) else on(verdict.process, verdict.setting.run)


def _tells_more(asked: str) -> bool:
    """Whether what was asked for, if anything was, tells more of a process than the process's name, which
    spells out the parameters of a family of the catalogue and is in its file.
    """
    name = asked.partition(":")[0]
    return asked != "" and name not in processes.CATALOGUE and not asked.endswith(".json")


def _halves(fig: Figure, own: float, rows: float, room: float, panel: bool, beside: bool) -> list[Any]:
    """Where the panel and the findings go: side by side, one above the other, or the one that there is."""
    if beside:
        sides: Any = fig.subfigures(1, 2, width_ratios=(1.15, 1))
        left, right = sides
        if rows < room - 0.05:  # rows stay as high as they are elsewhere
            right = right.subfigures(2, 1, height_ratios=(rows, room - rows))[0]
        return [left, right]
    if panel and rows:
        stacked: Any = fig.subfigures(2, 1, height_ratios=(own, rows))
        return list(stacked)
    return [fig.add_subfigure(fig.add_gridspec(1, 1)[0])]


def forest(
    ax: Axes, verdict: Verdict, *, width: float = 3.4, bounds: Mapping[str, Bounds] | None = None
) -> None:
    """Draw one row for each criterion and control of a verdict, each on a scale of its own: every network,
    the interval, and, shaded, where it must not be; open marks where values are `bounds` alone, by the name
    of the criterion.

    Names break where they are wider than `width` inches. Rows are all of one size.
    """
    found, bounds = _asked(verdict, width), bounds or {}
    high = _points(found)
    ax.set(xlim=(0, 1), ylim=(0, high))
    ax.axis("off")
    top = 0.0
    for kind, name, f in found:
        top += LINE * (1 + name.count("\n"))
        row = ax.inset_axes((0.0, high - top - STRIP, 1.0, STRIP), transform=ax.transData)
        weight = "bold" if kind == "criterion" else "normal"
        said = row.set_title(name, fontsize=7, loc="left", pad=2, fontweight=weight, linespacing=1.05)
        said.set_in_layout(False)  # it is broken to fit; rows are as wide as they can be
        row.spines["left"].set_visible(False)
        row.set(yticks=[], ylim=(-1, 1))
        row.tick_params(labelsize=7, length=2, pad=1)
        top += STRIP + BELOW
        if f.interval is None:
            _unknown(row, "undefined for some network" if f.applies else "does not apply to this process")
        else:
            _row(row, f, f.interval, bounds.get(f.name))


def _unknown(ax: Axes, why: str) -> None:
    ax.text(0.5, 0, why, transform=ax.get_yaxis_transform(), ha="center", va="center", fontsize=7, color=NULL)
    ax.spines["bottom"].set_visible(False)
    ax.set_xticks([])


def _points(found: Sequence[tuple[str, str, Finding]]) -> float:
    """How high so many rows are, points."""
    lines = sum(1 + name.count("\n") for _, name, _ in found)
    return LINE * lines + (STRIP + BELOW) * len(found)


def _asked(verdict: Verdict, width: float) -> list[tuple[str, str, Finding]]:
    """Every criterion that applies and every control: its kind, its name over a row of so many inches, in
    several lines where it is long, and what was found.
    """
    found = [("criterion", f) for f in verdict.criteria if f.applies] + [
        ("rival" if f.rival else "control", f) for f in verdict.controls
    ]
    names = [squared(f.name if kind == "criterion" else f"{kind}: {f.name}") for kind, f in found]
    return [
        (kind, broken(name, width - ASIDE, 7.0, bold=kind == "criterion"), f)
        for name, (kind, f) in zip(names, found, strict=True)
    ]


def _row(ax: Axes, f: Finding, interval: Interval, bounds: Bounds | None) -> None:
    at = np.array(f.values)
    mean, low, high = (v if np.isfinite(v) else np.nan for v in interval)
    sides = [v for v in (f.above, f.below) if np.isfinite(v)]
    ends = () if f.share is not None else (low, high)
    reach = np.array([*at, *sides, *(v for v in ends if np.isfinite(v))])
    margin = 0.08 * (np.ptp(reach) or 1)
    ax.set_xlim(reach.min() - margin, reach.max() + margin)
    # The side where the statistic must not be is shaded.
    if np.isfinite(f.above):
        ax.axvspan(ax.get_xlim()[0], f.above, color=NULL, alpha=0.18, linewidth=0)
    if np.isfinite(f.below):
        ax.axvspan(f.below, ax.get_xlim()[1], color=NULL, alpha=0.18, linewidth=0)
    for v in sides:
        ax.axvline(v, color=NULL, linewidth=0.8)
    marks = list(_marks(len(at), bounds))
    exact = not any(said for _, _, said in marks)
    colour = STATE_COLOUR[f.state] if any(not said for _, _, said in marks) else NULL
    for here, mark, said in marks:
        look: Any = {"markersize": 3.5 if said else 5, "markeredgewidth": 0.8, "markerfacecolor": "none"}
        ax.plot(at[here], np.full(here.sum(), 0.35), mark, color=colour, **look)
    ax.locator_params(axis="x", nbins=5)
    if np.abs(reach).max() < 1e-3:  # zeros after the point say nothing
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.1e}" if value else "0"))
    halo = [matplotlib.patheffects.withStroke(linewidth=1.5, foreground="white")]
    told_of = [f"{said}: {here.sum()} of {len(at)}" for here, _, said in marks if said]
    if f.share is not None:  # each network is judged, not their mean
        told_of = [counted(f), *told_of]
    else:
        ax.plot([low, high], [-0.35, -0.35], color=colour, linewidth=1.6, solid_capstyle="butt")
        face = colour if exact else "white"
        ax.plot([mean], [-0.35], "o", color=colour, markerfacecolor=face, markersize=3.2, path_effects=halo)
    if not told_of:
        return
    where, side = _room(ax, f, at)
    # Below the networks, where an interval would be.
    look = {"ha": side, "va": "center", "fontsize": 7, "color": colour, "path_effects": halo}
    ax.text(where, -0.38, ", ".join(told_of), transform=ax.get_yaxis_transform(), **look)


def _marks(n: int, bounds: Bounds | None) -> Iterator[tuple[Bool[np.ndarray, "seeds"], str, str]]:
    """Of networks, so many: which have a mark, the mark, and what is said of it: of exact values nothing."""
    if bounds is None or len(bounds.least) != n:
        yield np.ones(n, bool), "|", ""
        return
    for least, most, mark, said in ((False, False, "|", ""), *SIDES):
        here = (bounds.least == least) & (bounds.most == most)
        if here.any():
            yield here, mark, said


def _room(ax: Axes, f: Finding, at: Float[np.ndarray, "seeds"]) -> tuple[float, Literal["left", "right"]]:
    """Where in a row, as a share of its width, the count of networks stands, and which of its ends is there:
    where fewer networks are, and where nothing is shaded if that has room.
    """
    low, high = ax.get_xlim()
    first = (f.above - low) / (high - low) if np.isfinite(f.above) else 0.0
    last = (f.below - low) / (high - low) if np.isfinite(f.below) else 1.0
    if last - first < COUNT:
        first, last = 0.0, 1.0
    middle = (at.mean() - low) / (high - low)
    return (first + 0.01, "left") if middle > (first + last) / 2 else (last - 0.01, "right")
