"""Words in figures: as they are, in letters that can be drawn, and no longer than there is room."""

import contextlib
import functools
import itertools
import os.path
from collections.abc import Sequence

import numpy as np
from matplotlib.axis import Axis, Tick
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FuncFormatter

from .ticks import spaced

FAMILY = "DejaVu Sans"
"""Ships with matplotlib, so every machine draws its letters alike."""
CUT = " ,;(=|*"
"""What no shortened name ends in."""
LETTER = 0.57
"""How wide a letter is on average, of the size of letters."""


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
    own = FontProperties(family=FAMILY, weight="bold" if bold else "normal")
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


def legible(fig: Figure) -> None:
    """Take all words as they are: names are data, so that dollars are no formulas; letters that the style's
    font has not come from another font of this machine, or become Python escapes where none has them.

    Call it last. Numbers on axes are left to matplotlib, which writes powers as formulas; of too many,
    fewer are kept (`ticks`).
    """
    spaced(fig)
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
