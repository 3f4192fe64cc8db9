"""What each instrument gets wrong, and by how much: docs/instruments.md, made of docs/instruments.toml and
the published verdicts. The numbers of the page are those of its figures, and those are the verdicts';
docs/generate.py writes the page and draws the figures.
"""

import math
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from analysis.claim import Kept, asked_on, briefly
from analysis.families import family, folder
from analysis.figures.letters import broken
from analysis.figures.style import BLACK, GREEN, NULL, PURPLE, TRAINED, VERMILION, figure
from analysis.instruments.statistics import Interval

DOCS = Path(__file__).parent
TOLD = tomllib.loads((DOCS / "instruments.toml").read_text())
FIGURES = DOCS / "figures" / "instruments"
Verdicts = Mapping[str, Sequence[Kept]]
"""Published verdicts, by claim."""
COLOURS = (TRAINED, VERMILION, GREEN, PURPLE, BLACK)
MARKS = "osD^v"
WIDTH = 6.5
"""Inches, of a figure."""
ROW = 1.6
"""Inches that the name of a process takes beside its row at most."""
LETTERS = 95
"""Room for the names of series in one line of a legend."""
FEWEST = 3
"""Ticks of a logarithmic axis."""
STEPS = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0), tuple(np.arange(10, 100) / 10))
"""What has ticks in a decade, from few to many."""


@dataclass(frozen=True)
class Point:
    """One number of a published verdict: what a series says on a process, with its interval."""

    series: str
    process: str
    value: float
    low: float
    high: float


def numbers(verdict: Kept, statistic: str, of: str) -> Interval | None:
    """Mean and interval of a verdict's criterion or control by its name, or of a statistic as published, `of`
    ours or untrained networks. None where it does not apply there.

    Raises `ValueError` if the verdict has none of that name.
    """
    for finding in (*verdict.criteria, *verdict.controls):
        if finding.name == statistic and of == "finding":
            return finding.interval
    for row in verdict.published:
        if row.statistic == statistic and of in ("ours", "untrained"):
            return row.ours if of == "ours" else row.untrained
    raise ValueError(
        f"{verdict.claim} on {asked_on(verdict)} has no statistic {statistic!r}: docs/instruments.toml "
        "names one that it had before"
    )


def points(instrument: Mapping[str, Any], found: Verdicts) -> list[Point]:
    """What is drawn of an instrument, process by process in the order of their files, series by series: of
    first runs alone, and of none that was invalid.
    """
    out = []
    first = [v for v in found[instrument["claim"]] if v.setting.run == 1]
    for verdict in (v for v in first if v.outcome != "invalid"):
        for series in instrument["series"]:
            at = numbers(verdict, series["statistic"], series.get("of", "finding"))
            if at is not None:
                out.append(Point(series["name"], asked_on(verdict), *at))
    return out


def spoken(value: float, form: str = "") -> str:
    """A number in a sentence: as it is, as the factor whose logarithm it is (`times`), as a share in per cent
    (`percent`), or without its sign (`size`). Raises `ValueError` for another form.
    """
    if form == "times":
        factor = math.exp(value)
        return f"{factor:.2g}" if factor < 1000 else f"{factor:.0e}".replace("e+0", "e")
    if form == "percent":
        return f"{100 * value:.0f} %"
    if form not in ("", "size"):
        raise ValueError(f"a number cannot be told as {form!r}; as times, percent or size")
    return briefly(abs(value) if form else value)


def interval_told(interval: Sequence[float], form: str = "") -> str:
    """A mean with its interval in a sentence: the mean as `spoken` tells it, or, as `interval`, what it lies
    between: "-0.034 and 0.096".
    """
    mean, *bounds = interval
    return " and ".join(map(briefly, bounds)) if form == "interval" else spoken(mean, form)


def filled(text: str, found: Sequence[Point]) -> str:
    """A sentence with numbers for {SERIES on PROCESS}; as a factor for {SERIES on PROCESS, times}, where the
    number is a logarithm; as a share in per cent for {.., percent}; as its bounds for {.., interval}.

    Raises `ValueError` for a number that is not in the figure.
    """

    def number(match: re.Match[str]) -> str:
        asked, _, form = match[1].partition("; ")
        at = [(p.value, p.low, p.high) for p in found if f"{p.series} on {p.process}" == asked]
        if len(at) != 1:
            raise ValueError(
                f"docs/instruments.toml tells of {asked!r}, which its figure has {len(at)} times"
            )
        return interval_told(at[0], form)

    return " ".join(re.sub(r"\{([^}]*)\}", number, " ".join(text.split())).split())


def told(found: Verdicts) -> list[Mapping[str, Any]]:
    """The instruments that are told of: those whose claim has a verdict. Of the others, and of those whose
    verdicts were withdrawn, the words wait for their numbers.
    """
    return [instrument for instrument in TOLD["instrument"] if instrument["claim"] in found]


def name(instrument: Mapping[str, Any]) -> str:
    """What an instrument's section and figure are called."""
    return re.sub(r"[^a-z0-9]+", "_", instrument["name"].lower()).strip("_")


def link(claim: str) -> str:
    """A claim, with a link to its verdicts."""
    return f"[{claim}](results/{folder(family(claim))}.md#{claim.lower()})"


def draw(instrument: Mapping[str, Any], found: Verdicts) -> Figure:
    """A row a process, a mark a series with the interval of its mean, a line at what a right instrument would
    say.
    """
    at = points(instrument, found)
    rows = list(dict.fromkeys(p.process for p in at))
    series = [s["name"] for s in instrument["series"]]
    columns = max(1, min(len(series), LETTERS // (6 + max(map(len, series)))))
    below = 0.16 * -(-len(series) // columns)  # inches of the legend
    fig, (ax,) = figure(WIDTH, 0.75 + below + (0.12 + 0.11 * len(series)) * len(rows))
    ax.axvline(instrument["right"], color=NULL, linewidth=0.9, zorder=0)
    for p in at:
        k = series.index(p.series)
        y = rows.index(p.process) + (k - (len(series) - 1) / 2) * 0.6 / len(series)
        ax.errorbar(
            p.value,
            y,
            xerr=[[p.value - p.low], [p.high - p.value]],
            fmt=MARKS[k],
            markersize=4,
            color=COLOURS[k],
            linewidth=1.1,
            label=p.series if p.process == next(q.process for q in at if q.series == p.series) else None,
        )
    ax.set_yticks(range(len(rows)), [broken(row, ROW, 7.5) for row in rows])
    ax.set_ylim(len(rows) - 0.45, -0.55)
    if instrument.get("scale") == "log":
        ax.set_xscale("log")
        ax.xaxis.set_minor_formatter(NullFormatter())
        ticks = _ticks(*ax.get_xlim())
        ax.set_xticks(ticks, [f"{t:g}".replace("e-0", "e-") for t in ticks])
    if instrument.get("scale") == "times":  # of logarithms, as the text tells them
        ticks = _ticks(*np.exp(ax.get_xlim()))
        ax.set_xticks(np.log(ticks), [f"{t:g}" for t in ticks])
    ax.set_xlabel(instrument["axis"])
    inner = ax.transAxes.inverted().transform(ax.transData.transform((instrument["right"], 0)))[0] < 0.7
    ax.annotate(
        instrument["right_means"],
        (instrument["right"], 1),
        xycoords=("data", "axes fraction"),
        xytext=(3 if inner else -3, 1),
        textcoords="offset points",
        ha="left" if inner else "right",  # inside, so that the axis is as wide as the figure
        fontsize=7,
        color=NULL,
    )
    fig.legend(loc="outside lower center", ncols=columns, handletextpad=0.3, columnspacing=1.2)
    return fig


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers in a range, about as far from each other in their logarithms."""
    decades = 10.0 ** np.arange(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    each = ([t for t in np.outer(decades, steps).ravel() if low <= t <= high] for steps in STEPS)
    return next((ticks for ticks in each if len(ticks) >= FEWEST), [low, high])


def figures(found: Verdicts) -> Iterator[tuple[Path, Figure]]:
    """The figure of each instrument, and where it is kept; draw it in the style of the lab."""
    for instrument in told(found):
        yield FIGURES / f"{name(instrument)}.png", draw(instrument, found)


def page(found: Verdicts) -> str:
    """docs/instruments.md."""
    all_of = told(found)
    out = [f"# {TOLD['title']}", "", *TOLD["introduction"].strip().split("\n"), ""]
    out += ["| instrument | is taken to say | and says besides | claim |", "|---|---|---|---|"]
    for instrument in all_of:
        at = points(instrument, found)
        cells = (
            f"[{instrument['name']}](#{anchor(instrument)})",
            instrument["asks"],
            filled(instrument["number"], at),
        )
        out.append(f"| {' | '.join(cells)} | {link(instrument['claim'])} |")
    for instrument in all_of:
        out += section(instrument, points(instrument, found))
    return "\n".join(out) + "\n"


def anchor(instrument: Mapping[str, Any]) -> str:
    """The anchor of its section."""
    return re.sub(r"[^a-z0-9 -]", "", instrument["name"].lower()).replace(" ", "-")


def section(instrument: Mapping[str, Any], at: Sequence[Point]) -> Iterator[str]:
    """What it asks, what is exact, its figure, what it gets wrong, and how to ask it of one's own network."""
    yield from ("", f"## {instrument['name']}", "")
    yield f"*{instrument['asks']}* **What is exact:** {' '.join(instrument['exact'].split())}"
    yield from (
        "",
        f"![{instrument['name']}: {instrument['axis']}](figures/instruments/{name(instrument)}.png)",
        "",
    )
    yield filled(instrument["wrong"], at)
    yield ""
    yield f"Verdicts: {link(instrument['claim'])}. Of a network of your own: {instrument['own']}."
