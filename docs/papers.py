"""A page for each paper that a claim comes from: its number, the same statistic of our networks, and what our
own rule says. docs/generate.py writes them into docs/papers; nothing in them is typed by hand but what
papers.toml says in words.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from analysis.claim import Claim, Kept, asked_on, spread, squared, told
from analysis.families import FAMILIES, family, folder

DOCS = Path(__file__).parent
WORDS = tomllib.loads((DOCS / "papers" / "papers.toml").read_text())
Verdicts = Mapping[str, Sequence[Kept]]
Name = Callable[[Kept], str]
Effect = Callable[[Kept], tuple[str, str]]
"""Published verdicts, by claim."""
HEAD = """{about}

[arXiv:{eprint}](https://arxiv.org/abs/{eprint}) · {authors}, {year}

What the paper reports, what the same statistic is of our networks, and what comes of it under our rule of
evidence, which asks for histories held out, untrained networks, and rivals ([how](../evidence.md)). This page
is written by `python docs/generate.py` from published verdicts.
"""
PUBLISHED = """## As published

The paper's statistic of our networks: means, with their interval. *Untrained* networks of the same shape show
how much of a number the architecture gives by itself."""
ELSEWHERE = "On processes that the paper does not report:"
OURS = """## Under our rule"""


def bibliography(text: str) -> dict[str, dict[str, str]]:
    """The entries of a file of BibTeX, by key: their fields, without braces."""
    found = {}
    for key, body in re.findall(r"^@\w+\{(\w+),\n(.*?)^\}", text, re.S | re.M):
        fields = re.findall(r"^\s*(\w+)\s*=\s*\{(.*)\},?$", body, re.M)
        found[key] = {name: re.sub(r"[{}]", "", value) for name, value in fields}
    return found


BIBLIOGRAPHY = bibliography((DOCS / "references.bib").read_text())


def claims_of(key: str) -> list[Claim]:
    """The claims that come from a paper, in the order of their families."""
    number = BIBLIOGRAPHY[key].get("eprint")
    named = WORDS.get(key, {}).get("claims", ())
    claims = [claim for family in FAMILIES for claim in family.CLAIMS]
    return [c for c in claims if c.id in named or (number and f"arXiv:{number}" in c.source)]


def keys() -> list[str]:
    """The papers that a claim comes from, in the order of the bibliography."""
    return [key for key in BIBLIOGRAPHY if claims_of(key)]


def authors(written: str) -> str:
    """Family names of the authors of a paper, three at most."""
    names = [name.partition(",")[0] for name in written.split(" and ")]
    return ", ".join(names[:3]) + (" and others" if len(names) > 3 else "")


def cited(key: str) -> str:
    """A paper as a text cites it."""
    entry = BIBLIOGRAPHY[key]
    return f"{authors(entry['author'])} {entry['year']}"


def place(claim: str) -> str:
    """The section of a claim among the results, seen from docs/papers."""
    return f"../results/{folder(family(claim))}.md#{claim.lower()}"


def published_rows(verdicts: Sequence[Kept]) -> Iterator[str]:
    """A row for each published statistic of these verdicts, theirs beside ours."""
    for v in verdicts:
        for p in v.published:
            cells = p.statistic, p.theirs, f"`{asked_on(v)}`", spread(p.ours), spread(p.untrained)
            yield f"| [{v.claim}]({place(v.claim)}) | {' | '.join(cells)} |"


def as_published(key: str, found: Verdicts) -> Iterator[str]:
    """Every number of the paper for which the same statistic was taken of our networks."""
    on = WORDS.get(key, {}).get("reported_on", {})
    verdicts = [v for claim in claims_of(key) for v in found.get(claim.id, ()) if v.published]
    if not verdicts:
        return
    table = (
        "| claim | statistic | theirs | ours on | ours | untrained |",
        "|---|---|---|---|---|---|",
    )
    theirs = [v for v in verdicts if v.asked in on.get(v.claim, ())]
    yield from (PUBLISHED, "")
    if theirs:
        yield from ("On the processes of the paper:", "", *table, *published_rows(theirs), "")
    trained: dict[str, dict[str, None]] = {}
    for v in verdicts:
        for p in v.published:
            trained.setdefault(p.training, {})[v.claim] = None
    lines = [f"- {', '.join(ids)}: {how}." for how, ids in trained.items()]
    yield from ("The paper's own training:", "", *lines, "")
    others = [v for v in verdicts if v not in theirs]
    if others:
        yield from (ELSEWHERE, "", *table, *published_rows(others), "")


def reported(key: str) -> Iterator[str]:
    """What claims quote of the literature in words."""
    lines = [f"- {c.id}, {what}: {said}." for c in claims_of(key) for what, said in c.literature.items()]
    if lines:
        yield from ("Reported besides, by the paper or by others on it:", "", *lines, "")


def under_our_rule(key: str, found: Verdicts, name: Name, effect: Effect) -> Iterator[str]:
    """Every verdict on the paper's claims, then the figures on the paper's own process."""
    on = WORDS.get(key, {}).get("reported_on", {})
    yield from (
        OURS,
        "",
        "| claim | on | verdict | effect | must be | networks |",
        "|---|---|---|---|---|---|",
    )
    for claim in claims_of(key):
        for v in found.get(claim.id, ()):
            cells = f"**{told(v)}**", *effect(v), str(v.networks)
            yield f"| [{claim.id}]({place(claim.id)}) | `{asked_on(v)}` | {' | '.join(cells)} |"
        if claim.id not in found:
            yield f"| {claim.id} | {', '.join(f'`{p}`' for p in claim.tested_on)} | no verdict yet | | | |"
    for claim in claims_of(key):
        verdicts = [v for v in found.get(claim.id, ()) if asked_on(v) in on.get(claim.id, ())]
        for v in verdicts:
            yield from ("", f"### {claim.id} on `{asked_on(v)}`: {told(v)}", "", claim.statement, "")
            yield f"![{claim.id} on {asked_on(v)}: {v.outcome}](../results/{name(v)}.png)"


def page(key: str, found: Verdicts, name: Name, effect: Effect) -> str:
    """docs/papers/KEY.md."""
    entry = BIBLIOGRAPHY[key]
    head = HEAD.format(
        about=" ".join(WORDS.get(key, {}).get("about", "").split()),
        eprint=entry["eprint"],
        authors=authors(entry["author"]),
        year=entry["year"],
    )
    parts = as_published(key, found), reported(key), under_our_rule(key, found, name, effect)
    lines = [f"# {entry['title']}", "", head, *(line for part in parts for line in part)]
    return squared("\n".join(lines) + "\n")


def index(found: Verdicts, counted: Callable[[Iterable[str], Verdicts], str]) -> str:
    """docs/papers/index.md: which papers, and what came of their claims."""
    rows = ["| paper | claims | published verdicts |", "|---|---|---|"]
    for key in keys():
        entry, ids = BIBLIOGRAPHY[key], [c.id for c in claims_of(key)]
        told = f"({cited(key)}) | {' '.join(ids)} | {counted(ids, found)}"
        rows.append(f"| [{entry['title']}]({key}.md) {told} |")
    families = [folder(family) for family in FAMILIES]
    pages = ", ".join(f"[{name.replace('_', ' ')}](../results/{name}.md)" for name in families)
    return "\n".join(
        [
            "# The paper's figure, here",
            "",
            "One page for each paper that a claim comes from: the published number, ours by the paper's "
            "statistic, ours by our rule.",
            "",
            *rows,
            "",
            "What claims take from public comments, and from a theory that came in words, has no paper to "
            f"stand beside; pages of results have those: {pages}.",
            "",
            "```{toctree}",
            ":hidden:",
            "",
            *(f"{cited(key)} <{key}>" for key in keys()),
            "```",
            "",
        ]
    )
