"""What a claim of one's own is made of, as far as its verdict depends on it: the text that defines it, and
the values it carries.

The claims of the lab say by their `revision` that they mean something else. Nobody does so for a claim in a
notebook or in a file beside it, and its verdict must not outlive its measure. So its key follows from the
text of the files that define its functions and of the files of one's own that these import; from the values
in closures, defaults and partials, and from the constants and functions that its functions name; and, where
no text can be had, from the compiled code. Names of files and modules do not enter, nor does Python's version
where there is a file. What is read from other files while measuring is not seen.
"""

import dataclasses
import hashlib
import json
import sys

from ..claim import Claim, ClaimError
from ..families import CLAIMS, FAMILIES
from .walk import Unknown, Walk

BESIDE_THE_CODE = (
    "id",
    "statement",
    "source",
    "literature",
    "limits",
    "tested_on",
    "seeds",
    "runs",
    "revision",
)
"""Fields of a claim that are words, or that enter its key by themselves."""


def source(claim: Claim) -> str:
    """SHA-256 of all that a claim of one's own is made of; nothing for the claims of the lab, which have a
    `revision`.

    Raises `ClaimError` for one that holds what cannot be told from another of its kind (an open file, a
    lock).
    """
    within_families = tuple(f"{family.__name__}." for family in FAMILIES)
    families = [module for name, module in sys.modules.items() if name.startswith(within_families)]
    if any(value is claim for family in families for value in vars(family).values()):
        return ""
    walk = Walk()
    try:
        parts = [walk.value(type(claim))]
        parts += [
            [f.name, walk.value(getattr(claim, f.name))]
            for f in dataclasses.fields(claim)
            if f.name not in BESIDE_THE_CODE
        ]
        beside = sorted(json.dumps(fact, sort_keys=True) for fact in walk.facts())
    except Unknown as unknown:
        raise ClaimError(
            f"{claim.id} depends on {unknown}, whose content cannot be read, so an older verdict could pass "
            "for its own; "
            "let its functions carry plain values, arrays and functions only, or define it in a file"
        ) from None
    # A measure calls the lab's, and a new revision says that one of these means something else.
    lab = {other.id: other.revision for other in CLAIMS.values() if other.revision > 1}
    told = [parts, beside, sorted(text.digest for text in walk.texts.values()), lab]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
