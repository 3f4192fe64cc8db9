"""The words after the name of a benchmark that takes a few: `--help` is what stands at its head, and a word
that it does not know one sentence.
"""

import contextlib
import math
import sys
from collections.abc import Iterable
from typing import NoReturn


def words(head: str | None, known: Iterable[str] | None = None) -> list[str]:
    """What was asked for on the command line, each word one of those that are `known`, if any are said.

    Ends the program with status 0 after `--help`, with 2 after a word that is not known.
    """
    asked = sys.argv[1:]
    if {"-h", "--help"} & set(asked):
        print((head or "").strip())
        sys.exit(0)
    if known is not None:
        for word in asked:
            one_of(word, known)
    return asked


def one_of(word: str, known: Iterable[str]) -> str:
    """The word, if it is one of these; else the program ends, with status 2."""
    if word not in (choices := list(known)):
        refuse(f"there is no {word!r} here; choose among {', '.join(choices)}")
    return word


def whole(name: str, word: str) -> int:
    """A word that is a whole number, 0 or more; else the program ends, with status 2."""
    if not word.isdecimal():
        refuse(f"{name} is {word!r}; it must be a whole number, 0 or more")
    return int(word)


def positive(name: str, word: str) -> float:
    """A word that is a number above 0; else the program ends, with status 2."""
    with contextlib.suppress(ValueError):
        if 0 < (number := float(word)) < math.inf:
            return number
    refuse(f"{name} is {word!r}; it must be a number above 0")


def refuse(sentence: str) -> NoReturn:
    """End the program with a sentence and status 2."""
    print(f"benchmarks: {sentence}; --help says more", file=sys.stderr)
    sys.exit(2)
