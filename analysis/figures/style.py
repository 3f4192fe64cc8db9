"""One look for all figures: readable in print, in black and white and by colour-blind readers; deterministic
to the byte, but for letters that DejaVu Sans has not.
"""

import contextlib
import functools
import itertools
import os.path
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.axis import Axis, Tick
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FuncFormatter

from processes.values.whole_file import replacing

# Okabe & Ito 2008: distinguishable under the common forms of colour blindness.
BLACK, GREEN, BLUE, VERMILION, PURPLE = "#000000", "#009E73", "#0072B2", "#D55E00", "#CC79A7"
TRAINED, UNTRAINED, NULL = BLUE, VERMILION, "#777777"
CORNERS = (BLUE, VERMILION, "#F2C14E", GREEN, PURPLE)
"""Colours of the hidden states; a belief is drawn in their mixture. The first three differ in lightness as
well (the yellow is ours).
"""
KINDS = (".pdf", ".svg", ".png")
"""What figures are written as."""
LEAST_POINTS = 7
"""No word in a figure is smaller, at the size at which it is printed."""
CUT = " ,;(=|*"
"""What no shortened name ends in."""
LETTER = 0.57
"""How wide a letter is on average, of the size of letters."""
DATED = {
    ".pdf": ("CreationDate", "Creator", "Producer"),
    ".svg": ("Date", "Creator"),
    ".png": ("Software",),
}
"""What files of each kind would say of the moment and the version that wrote them."""
SCREEN_DPI = 150
"""Of a figure in a notebook."""
LEAST = 1e-16
"""Where zeros lie on a logarithmic axis that has nothing else to show."""

_RC: Any = {
    "font.family": "DejaVu Sans",  # ships with matplotlib, so every machine draws its letters alike
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "figure.dpi": 100,
    "savefig.dpi": 300,
    "svg.hashsalt": "toylab",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,  # TrueType: journals refuse the Type 3 that matplotlib would write
    "path.simplify": False,
}


@contextlib.contextmanager
def style() -> Iterator[None]:
    """The look, for the figures made inside; global settings are left as they were."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # whatever a user's matplotlibrc says
        matplotlib.rcParams.update(_RC)
        yield


def figure(width: float, height: float, *, rows: int = 1, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure of so many panels, row by row, in inches; made without pyplot, so no global state is
    touched."""
    fig = Drawn(figsize=(width, height), layout="constrained")
    return fig, list(fig.subplots(rows, columns, squeeze=False).flat)


def label(axes: Sequence[Axes], row: int = 0) -> None:
    """Say which of three panels shows the truth, and which what is probed: by these names they are asked
    for alone.
    """
    for ax, name in zip(axes, ("exact", "trained", "untrained"), strict=True):
        ax.set_label(name if row == 0 else f"{name}-{row + 1}")


def entries(*axes: Axes) -> tuple[list[Any], list[str]]:
    """What a legend of several panels says: handles and labels, each label once."""
    found = {
        label: handle for ax in axes for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    return list(found.values()), list(found)


def shortened(name: str, room: int = 34) -> str:
    """A name that fits over a panel of three, or in the room that so many letters take on average."""
    name, most = " ".join(name.split()), room * LETTER
    wide = np.cumsum([0.0, *map(_advance, name)])
    if wide[-1] <= most:
        return name
    fits = int(np.searchsorted(wide, most - sum(map(_advance, " .."))))
    return f"{name[: max(fits - 1, 0)].rstrip(CUT)} .."


def told_apart(names: Sequence[str], room: int = 34) -> list[str]:
    """Names, each `shortened` to the room there is; of those that would then read alike, the word in which
    they begin to differ and what follows it stand, and what they share is shortened.
    """
    short = [shortened(name, room) for name in names]
    alike = {s: [n for n, other in zip(names, short, strict=True) if other == s] for s in short}

    def told(name: str, s: str) -> str:
        shared = os.path.commonprefix(alike[s]).rpartition(" ")[0] if len(set(alike[s])) > 1 else ""
        end = name[len(shared) :].strip()
        return f"{shortened(shared, room - len(end) - 1)} {end}" if shared and len(end) < room / 2 else s

    return [told(name, s) for name, s in zip(names, short, strict=True)]


def broken(words: str, inches: float, points: float, *, bold: bool = False) -> str:
    """Words in lines of at most so many inches by the outlines of letters of that size: broken at spaces
    where these allow it, else within a word.
    """
    lines: list[str] = []
    for word in words.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _wide(longer, points, bold) <= inches:
            lines[-1] = longer
            continue
        while len(word) > 1 and _wide(word, points, bold) > inches:
            head = _head(word, inches, points, bold)
            lines.append(word[:head])
            word = word[head:]
        lines.append(word)
    return "\n".join(lines)


def _head(word: str, inches: float, points: float, bold: bool) -> int:
    """How many letters of a word that is too long stand on its first line: up to the last mark of punctuation
    in the second half of what fits, else all that fit.
    """
    wide = np.cumsum([_advance(letter, bold) for letter in word]) * points / 72
    fits = max(int(np.searchsorted(wide, inches, side="right")), 1)
    marks = [at for at in range(fits // 2, fits) if not word[at].isalnum() and word[at] not in "([{.\\"]
    return max(marks) + 1 if marks else fits


def _wide(words: str, points: float, bold: bool) -> float:
    """Inches that words take on a line by their outlines, drawn in letters as `legible` has them; pixels make
    them a few hundredths wider.
    """
    return sum(_advance(letter, bold) for letter in words) * points / 72


@functools.cache
def _advance(letter: str, bold: bool = False) -> float:
    """How wide a letter is, or what is drawn in its place, of the size of letters."""
    own = FontProperties(family=_RC["font.family"], weight="bold" if bold else "normal")
    total = 0.0
    for drawn in _shown(letter, own):
        font = get_font(findfont(own))
        if not font.get_char_index(ord(drawn)):
            other = _family_with(drawn, bold)
            font = get_font(findfont(FontProperties(family=other, weight=own.get_weight())))
        font.set_size(72, 72)
        total += font.load_char(ord(drawn)).linearHoriAdvance / 65536 / 72
    return total


@functools.cache
def _family_with(letter: str, bold: bool) -> str | None:
    """A family of fonts on this machine that has a letter which the style's has not: one without serifs if
    there is one, the first by name.
    """
    boxes = "Last Resort"  # a font that has a box for each letter
    kept = [e for e in fontManager.ttflist if e.style == "normal" and e.weight == (700 if bold else 400)]
    families = {e.name for e in kept if boxes not in e.name}
    for name in sorted(families, key=lambda name: ("Sans" not in name, name)):
        with contextlib.suppress(RuntimeError, OSError):  # a file that is gone, or is no font
            font = FontProperties(family=name, weight="bold" if bold else "normal")
            if get_font(findfont(font)).get_char_index(ord(letter)):
                return name
    return None


def _is_bold(font: FontProperties) -> bool:
    return font.get_weight() in ("bold", 700)


def _shown(words: str, font: FontProperties) -> str:
    """Words in letters that can be drawn; others become Python escapes."""
    own = get_font(findfont(font))
    can = (
        c == "\n" or (c.isprintable() and bool(own.get_char_index(ord(c)) or _family_with(c, _is_bold(font))))
        for c in words
    )
    return "".join(c if drawn else ascii(c)[1:-1] for c, drawn in zip(words, can, strict=True))


def _families(words: str, font: FontProperties) -> list[str]:
    """The families that words are drawn in: the style's first, then those of letters that it has not."""
    own = get_font(findfont(font))
    missing = {c for c in words if c != "\n" and not own.get_char_index(ord(c))}
    others = {_family_with(c, _is_bold(font)) for c in missing}
    return list(dict.fromkeys([*font.get_family(), *sorted(map(str, others))]))


def positive(values: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """Values for a logarithmic axis: as they are, or all `LEAST` where none is positive, which such an axis
    could not show.
    """
    return values if np.any(values > 0) else np.full(np.shape(values), LEAST)


def legible(fig: Figure) -> None:
    """Take all words as they are: names are data, so that dollars are no formulas; letters that the style's
    font has not come from another font of this machine, or become Python escapes where none has them.

    Call it last. Numbers on axes are left to matplotlib, which writes powers as formulas.
    """
    numbers: set[Text] = set()
    for axis in fig.findobj(Axis):
        ticks = {label for tick in axis.findobj(Tick) for label in (tick.label1, tick.label2)}
        formatter = axis.get_major_formatter()
        if isinstance(formatter, FixedFormatter | FuncFormatter):  # labels that we gave
            font = axis.label.get_fontproperties()
            said = "".join(map(formatter, axis.get_majorticklocs(), itertools.count()))
            axis.set_tick_params(labelfontfamily=_families(_shown(said, font), font))
            axis.set_major_formatter(
                FuncFormatter(lambda x, at, said=formatter, font=font: _shown(said(x, at), font))
            )
        else:
            numbers |= ticks
    for text in fig.findobj(Text):
        if text not in numbers:
            text.set_parse_math(False)
            text.set_text(_shown(text.get_text(), text.get_fontproperties()))
            text.set_fontfamily(_families(text.get_text(), text.get_fontproperties()))


class Drawn(Figure):
    """A figure that a notebook shows where it is the value of a cell."""

    def _repr_png_(self) -> bytes:
        said = BytesIO()
        with style():
            legible(self)
            self.savefig(said, format="png", dpi=SCREEN_DPI)
        return said.getvalue()


def save(fig: Figure, folder: Path, name: str) -> None:
    """Write name.svg and name.png. No dates and no versions go in, so equal figures are equal files."""
    folder.mkdir(parents=True, exist_ok=True)
    write(fig, folder / f"{name}.svg")
    write(fig, folder / f"{name}.png")


def write(fig: Figure, file: Path, *, dpi: int | None = None) -> None:
    """Write a figure as the suffix of its file says, one of `KINDS`, whole or not at all; `dpi` is the
    style's by default.
    """
    legible(fig)
    metadata = dict.fromkeys(DATED[file.suffix])
    with replacing(file) as part:
        fig.savefig(part, format=file.suffix[1:], dpi=dpi, metadata=metadata)


def mixture(belief: Float[np.ndarray, "N S"]) -> Float[np.ndarray, "N 3"]:
    """Colour of each belief: the hidden states' colours mixed in its proportions (in linear light)."""
    corners = np.array([matplotlib.colors.to_rgb(CORNERS[i % len(CORNERS)]) for i in range(belief.shape[1])])
    return ((belief @ corners**2.2) ** (1 / 2.2)).clip(0, 1)


def placed(belief: Float[np.ndarray, "N S"], place: Float[np.ndarray, "N k"]) -> Float[np.ndarray, "N 3"]:
    """Colour of each belief, few states or many: mixtures where every state has a colour of its own, else by
    where it lies on three principal axes, hue around the first two and lightness along the third (CIE Lab).
    """
    if belief.shape[1] <= len(CORNERS) and belief.min() >= -1e-9:
        return mixture(belief.clip(0))
    axes = np.zeros((len(place), 3))
    axes[:, : min(3, place.shape[1])] = place[:, :3]
    reach = np.maximum(np.abs(axes).max(0), 1e-12)
    lightness = 60 + 18 * axes[:, 2] / reach[2]
    a, b = 62 * axes[:, 0] / reach[:2].max(), 62 * axes[:, 1] / reach[:2].max()
    y = (lightness + 16) / 116
    f = np.stack([y + a / 500, y, y - b / 200], 1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * [0.9505, 1.0, 1.089]
    linear = xyz @ np.array(
        [[3.2406, -0.9689, 0.0557], [-1.5372, 1.8758, -0.2040], [-0.4986, 0.0415, 1.0570]]
    )
    return (linear.clip(0, 1) ** (1 / 2.2)).clip(0, 1)
