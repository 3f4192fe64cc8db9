"""The grammar of what `--process` accepts: text becomes a small tree, in which every part knows its place.

    source    = factor {"*" factor}
    factor    = name [":" set]  |  name "(" [argument {("," | ";") argument}] ")"  |  file  |  "(" source ")"
    argument  = [name "="] (source {"|" source} | number | "[" [number {"," number}] "]")
    number    = decimal {"/" decimal}, or a list of them again
    file      = a path that ends in .json; in quotes where it holds brackets or commas
    name      = letters, digits and _, not a digit first

In `given` and `guarded` the arguments after the first are parted by semicolons and are sentences: text that
is read elsewhere. What any name means is no matter of the grammar either.
"""

import re
from typing import Any

from ..process import ProcessError
from ..values.json_file import MOST_DIGITS
from .tree import Argument, Call, File, Name, Node, Place, Sentence, Times, Value, Variants, trimmed

SENTENCES = ("given", "guarded")
"""Calls whose further arguments are sentences."""
DEEPEST = 50
"""Brackets within brackets."""
NAME = re.compile(r"[A-Za-z_]\w*")
KEYWORD = re.compile(r"([A-Za-z_]\w*)\s*=")
NUMBER = re.compile(r"[-+]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][-+]?\d+)?(?![\w.])")
FILE = re.compile(r"[^,;()\[\]*|='\"]*\.json(?=\s*(?:$|[,;)*|\]]))")
QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
OTHER = re.compile(r"[^\s,;()\[\]*|=]+")
NUMERIC = re.compile(r"[(\s]*([-+]?\.?\d|\[|\(\s*\))")
"""How a value begins that is no source."""
MISSING = "a process is missing here; write it like rrxor, mess3:shai2024 or mess3(x=0.05, a=0.85)"
BLANK = re.compile(r"\s*")


def parse(text: str) -> Node:
    """The tree of a text. Raises `ProcessError`, with the place, where it cannot be read."""
    return _Reader(text).whole()


def split(text: str, separator: str) -> list[str]:
    """A list at the separators that are in no brackets: `mess3(x=0.05, a=0.85),rrxor` are two; none of a
    blank."""
    return [place.text for place in pieces(Place(text, 0, len(text)), separator)] if text.strip() else []


def pieces(place: Place, separator: str) -> list[Place]:
    """The same, with where they stand, without the blanks around them."""
    cuts, depth = [place.start - 1], 0
    for k in range(place.start, place.end):
        c = place.whole[k]
        depth += (c in "([") - (c in ")]")
        if c == separator and depth == 0:
            cuts.append(k)
    return [trimmed(place.whole, a + 1, b) for a, b in zip(cuts, [*cuts[1:], place.end], strict=True)]


def keyword(place: Place) -> tuple[str, Place] | None:
    """`p` and where its value stands, of `p=0.5`; None of what does not begin so."""
    found = KEYWORD.match(place.whole, place.start, place.end)
    return found and (found[1], trimmed(place.whole, found.end(), place.end))


def number(place: Place) -> float | None:
    """A number as one writes it, `0.5` or `1/2`; None of anything else."""
    reader = _Reader(place.text)
    try:
        found = reader.value()
        whole = not reader.rest().text
        return float(found.value) if whole and isinstance(found.value, int | float) else None
    except (ProcessError, OverflowError):
        return None


class _Reader:
    """A text, and how far it is read."""

    def __init__(self, text: str):
        self.text, self.at, self.depth = text, 0, 0

    def place(self, start: int) -> Place:
        """From there to here."""
        return trimmed(self.text, start, self.at)

    @property
    def here(self) -> int:
        """Where the next thing begins that is no blank."""
        found = BLANK.match(self.text, self.at)
        return found.end() if found else self.at

    def rest(self) -> Place:
        """All that is not read yet."""
        return trimmed(self.text, self.at, len(self.text))

    def take(self, pattern: re.Pattern[str] | str) -> re.Match[str] | None:
        """What stands here, behind blanks, if it is that; it is read then."""
        found = re.compile(pattern).match(self.text, self.here)
        if found:
            self.at = found.end()
        return found

    def sees(self, character: str) -> bool:
        """Whether that is what stands here."""
        return self.text.startswith(character, self.here)

    def whole(self) -> Node:
        """The source that the text is."""
        found = self.source()
        if self.rest().text:
            self.rest().refuse(
                "nothing can follow here but *; part what is listed by commas, inside brackets"
            )
        return found

    def source(self) -> Node:
        """A product, or its only factor."""
        start, factors = self.here, [self.factor()]
        while self.take(r"\*"):
            factors.append(self.factor())
        return factors[0] if len(factors) == 1 else Times(self.place(start), tuple(factors))

    def factor(self) -> Node:
        """A name, a call, a file, or a source in brackets."""
        start = self.here
        if found := self.take(FILE):
            return File(self.place(start), found[0].strip())
        if (found := self.take(QUOTED)) and found[0][:-1].endswith(".json"):
            return File(self.place(start), found[0][1:-1])
        if found:
            self.place(start).refuse("a file of a process ends in .json; write names without quotes")
        if self.take(r"\("):
            return self.closed(")", self.source)
        if not self.take(NAME):
            self.rest().refuse(MISSING)
        name = self.place(start)
        if self.take(r"\("):
            arguments = self.closed(")", self.sentences if name.text in SENTENCES else self.arguments)
            return Call(self.place(start), name, arguments)
        published = None
        if self.take(":"):
            begin = self.at
            if not self.take(OTHER):
                self.rest().refuse(
                    f"the name of a published set is missing; write {name.text}, or {name.text}:SET"
                )
            published = self.place(begin)
        return Name(self.place(start), name.text, published)

    def closed(self, bracket: str, inside: Any) -> Any:
        """What is inside brackets, of which the first is read."""
        opened = self.at - 1
        self.depth += 1
        if self.depth > DEEPEST:
            Place(self.text, opened, self.at).refuse(f"brackets are nested over {DEEPEST} deep; nest fewer")
        found = inside()
        self.depth -= 1
        if not self.take(re.escape(bracket)):
            here = self.rest() if self.rest().text else Place(self.text, opened, self.at)
            here.refuse(f"the bracket of column {opened + 1} is not closed here; write {bracket}")
        return found

    def arguments(self) -> tuple[Argument, ...]:
        """Up to the closing bracket; a last comma is allowed."""
        found: list[Argument] = []
        while not self.sees(")"):
            found.append(self.argument())
            if not self.take("[,;]"):
                break
        return tuple(found)

    def argument(self) -> Argument:
        """One, with its keyword."""
        start = self.here
        name = None
        if found := self.take(KEYWORD):
            name = Place(self.text, start, start + len(found[1]))
        return Argument(name, self.anything())

    def anything(self) -> Node:
        """A value, or a source."""
        here = self.here
        if NUMERIC.match(self.text, here) and not FILE.match(self.text, here):
            return self.value()
        if (found := QUOTED.match(self.text, here)) and not found[0][:-1].endswith(".json"):
            self.at = found.end()
            return Value(self.place(here), found[0][1:-1])
        variants = [self.source()]
        while self.take(r"\|"):
            variants.append(self.source())
        return variants[0] if len(variants) == 1 else Variants(self.place(here), tuple(variants))

    def value(self) -> Value:
        """A number, a fraction, or a list of values in square or round brackets."""
        start = self.here
        if opened := self.take(r"[\[(]"):
            closing = "])"["[(".index(opened[0])]
            values = self.closed(closing, lambda: self.values(closing))
            commas = len(pieces(Place(self.text, start + 1, self.at - 1), ",")) > 1
            if opened[0] == "(" and len(values) == 1 and not commas:
                return Value(self.place(start), self.divided(values[0].value, start))
            return Value(self.place(start), tuple(v.value for v in values))
        if found := self.take(NUMBER):
            return Value(self.place(start), self.divided(_number(found[0]), start))
        if not self.take(OTHER):
            self.rest().refuse(
                "a value is missing here; write a number, a fraction like 1/3, or a list like [1, 0.5]"
            )
        return Value(self.place(start), self.place(start).text)

    def values(self, closing: str) -> list[Value]:
        """Up to the closing bracket."""
        found: list[Value] = []
        while not self.sees(closing):
            found.append(self.value())
            if not self.take(","):
                break
        return found

    def divided(self, above: Any, start: int) -> Any:
        """A number over those that follow behind /."""
        while isinstance(above, int | float) and self.take("/"):
            below = self.take(NUMBER)
            try:
                above = above / _number(below[0]) if below else None
            except (ZeroDivisionError, OverflowError):
                above = None
            if above is None:
                self.at = max(self.at, self.here)
                self.place(start).refuse("this is no fraction; write a number over a number other than 0")
        return above

    def sentences(self) -> tuple[Argument, ...]:
        """A source, then sentences, each behind a semicolon."""
        found = [Argument(None, self.source())]
        while self.take(";"):
            begin, depth = self.at, 0
            while self.at < len(self.text) and not (depth == 0 and self.text[self.at] in ";)"):
                depth += (self.text[self.at] in "([") - (self.text[self.at] in ")]")
                self.at += 1
            found.append(Argument(None, Sentence(self.place(begin))))
        if self.sees(","):
            self.rest().refuse("constraints are parted by semicolons; write ; here")
        return tuple(found)


def _number(text: str) -> int | float:
    digits = text.replace("_", "")
    return int(digits) if digits.lstrip("+-").isdigit() and len(digits) <= MOST_DIGITS else float(digits)
