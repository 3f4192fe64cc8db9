"""What the grammar makes of a text: parts that know their place in it."""

from dataclasses import dataclass
from typing import Any, NoReturn

from ..process import ProcessError


@dataclass(frozen=True)
class Place:
    """A part of a text."""

    whole: str
    start: int
    end: int

    @property
    def text(self) -> str:
        """The part."""
        return self.whole[self.start : self.end]

    def refuse(self, problem: str) -> NoReturn:
        """Raise what is wrong here, with the column (from 1) where the text is longer than this part."""
        raise ProcessError(f"cannot read the process {self.whole.strip()!r}{self.where}: {problem}")

    @property
    def where(self) -> str:
        """How an error points here: nothing where this part is all of the text."""
        here = self.text or self.whole[self.start : self.start + 1]
        if not here:
            return " at its end"
        shown = here if len(here) <= 40 else here[:37] + "..."
        return "" if here == self.whole.strip() else f" at column {self.start + 1}, {shown!r}"


@dataclass(frozen=True)
class Node:
    """A part of the tree."""

    place: Place


@dataclass(frozen=True)
class Value(Node):
    """A number, a tuple of values, or text that is neither."""

    value: Any


@dataclass(frozen=True)
class Name(Node):
    """`rrxor`, or with a published set `mess3:shai2024`."""

    name: str
    published: Place | None


@dataclass(frozen=True)
class File(Node):
    """A path."""

    path: str


@dataclass(frozen=True)
class Times(Node):
    """A product."""

    factors: tuple[Node, ...]


@dataclass(frozen=True)
class Variants(Node):
    """What one factor may be, parted by |."""

    variants: tuple[Node, ...]


@dataclass(frozen=True)
class Sentence(Node):
    """Text that is read elsewhere."""


@dataclass(frozen=True)
class Argument:
    """What stands between two separators."""

    keyword: Place | None
    value: Node


@dataclass(frozen=True)
class Call(Node):
    """`name(argument, ..)`."""

    name: Place
    arguments: tuple[Argument, ...]


def trimmed(text: str, start: int, end: int) -> Place:
    """A part of a text without the blanks around it."""
    part = text[start:end]
    start += len(part) - len(part.lstrip())
    return Place(text, start, start + len(part.strip()))
