"""The parts of the documents that are made from the project itself: the families in README.md, the map of
files, a page of results for each family, the list of pages on theory.

python docs/generate.py STORE   take over the verdicts and figures of a store (`toylab reproduce --store
                                STORE`), then write all
python docs/generate.py --redraw   draw the figures of published verdicts anew, where their numbers came with
                                them, then write all
python docs/generate.py         write all from what is committed
"""

import ast
import hashlib
import json
import re
import runpy
import shutil
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from analysis.claim import (
    Finding,
    Kept,
    Setting,
    Verdict,
    asked_on,
    came,
    latest,
    must,
    on,
    spread,
    squared,
    tabled,
    told,
)
from analysis.claim.latest import PUBLISHED, SHOWN
from analysis.commands.interrupt import leave_at_once
from analysis.families import CLAIMS, FAMILIES, folder
from analysis.figures.style import style, write
from analysis.recipes import EFFORTS, TRAINED
from analysis.report import EXPERIMENTS
from analysis.report.words import Kind, meanings, otherwise
from analysis.trial import Trial, trials
from processes.interchange.schema import SCHEMA
from processes.values.whole_file import write_json, write_text
from train.optimiser import ALWAYS

ROOT = Path(__file__).parents[1]
ROOMS = ("toylab", "processes", "toy", "train", "analysis", "tests", "benchmarks", "docs")
FOUND = tomllib.loads((ROOT / "docs" / "results" / "found.toml").read_text())
"""What was found, in words: for the `start` page, `in_all` by family, and by claim."""
NOTHING = "What was found in all is not told yet."
"""Of a family that `in_all` leaves out."""
PAPERS = runpy.run_path(str(ROOT / "docs" / "papers.py"))
"""The functions of docs/papers.py."""
INSTRUMENTS = runpy.run_path(str(ROOT / "docs" / "instruments.py"))
"""The functions of docs/instruments.py."""
TABLES = runpy.run_path(str(ROOT / "docs" / "verdict_tables.py"))
"""The functions of docs/verdict_tables.py."""
OUTCOMES = ("supported", "refuted", "explained", "undecided", "invalid")
"""In the order in which they are counted out."""
LARGEST = 300_000
"""Bytes of the numbers behind a figure that are published with a verdict at most."""
FINISHES = {"lbfgs": "L-BFGS", "gauss_newton": "Gauss-Newton"}
"""Rules of second order that go on from a descent, by the names of trials."""
LONGEST_NAME = 30
"""A process whose name would be longer has its file named by its first word and four digits of a hash."""
MAP = """# The map

Every file, room by room, with the first sentence of its docstring. Imports go down the ladder `processes`,
`toy` → `train` → `analysis`, and nothing imports `tests`, `benchmarks` or `docs`; `toylab` is one name for
all of them. `python docs/generate.py` writes this page.
"""
RESULTS = """Every published verdict of this family, by the rule of evidence of [evidence.md](../evidence.md);
what has none yet is listed at the end. Statistics, thresholds, controls stand in `analysis/{folder}/` and
were fixed before the runs; a refuted claim, or one that something else explains, is a result and stays. Where
the paper's own protocol was run on our networks, its number stands beside ours. Verdicts by the earlier rule
are kept in [first_edition.md](first_edition.md). All of this is made again by `toylab reproduce {ids}`, and
this page is written by `python docs/generate.py STORE`. The seconds of a row include training only for the
first claim that needed a run: later ones share it.
"""


def tree() -> str:
    """docs/map.md: one line a file, room by room, with the first sentence of its docstring."""
    rooms = [ROOT / room for room in ROOMS if (ROOT / room).exists()]
    return "\n".join([MAP, *(line for room in rooms for line in _folder(room, 0))]) + "\n"


def _folder(folder: Path, depth: int) -> Iterator[str]:
    """The lines of a folder: itself, its files, its folders."""
    path, own = folder.relative_to(ROOT), folder / "__init__.py"
    yield _line(depth, f"**[{folder.name}/](../{path}/)**", _sentence(own) if own.exists() else "")
    for file in sorted(folder.glob("*.py")):
        if file != own:
            yield _line(depth + 1, f"[{file.name}](../{path}/{file.name})", _sentence(file))
    for inner in sorted(folder.iterdir()):
        if inner.is_dir() and inner.name != "_build" and next(inner.rglob("*.py"), None):
            yield from _folder(inner, depth + 1)


def _line(depth: int, name: str, sentence: str) -> str:
    return f"{'  ' * depth}- {name} {sentence}".rstrip()


def _sentence(file: Path) -> str:
    """The first paragraph of a file's docstring, as Markdown that shows it as it is."""
    said = ast.get_docstring(ast.parse(file.read_text())) or ""
    parts = " ".join(said.split("\n\n")[0].split()).split("`")
    return "`".join(part if i % 2 else re.sub(r"([*_<\[\]])", r"\\\1", part) for i, part in enumerate(parts))


def published() -> dict[str, list[Kept]]:
    """The verdicts that come with the lab, by claim; those of a claim in the order of their files."""
    found: dict[str, list[Kept]] = {}
    for verdict in latest.published():
        found.setdefault(verdict.claim, []).append(verdict)
    return found


def name(verdict: Kept) -> str:
    """Where its files are, without their ending: CLAIM/PROCESS."""
    asked = asked_on(verdict)
    whole = re.sub(r"[^a-z0-9]+", "_", asked.lower()).strip("_")
    short = f"{whole.partition('_')[0]}-{hashlib.sha256(asked.encode()).hexdigest()[:4]}"
    return f"{verdict.claim}/{whole if len(whole) <= LONGEST_NAME else short}"


def effect(verdict: Verdict) -> tuple[str, str]:
    """The statistic that decided, or is open, and where it must be: the first that the reason names, else the
    first that applies.
    """
    asked = [f for f in (*verdict.criteria, *verdict.controls) if f.applies]
    named = (f for f in asked if f.name in verdict.reason)
    first = next(named, (asked or verdict.criteria)[0])
    return f"{first.name}: {came(first)}", must(first)


def counted(ids: Iterable[str], found: Mapping[str, list[Kept]]) -> str:
    """How many published verdicts of these claims came out how."""
    counts = Counter(v.outcome for id in ids for v in found.get(id, ()))
    return ", ".join(f"{counts[o]} {o}" for o in OUTCOMES if counts[o]) or "none yet"


def command(verdict: Kept) -> str:
    """What reproduces it."""
    asked = verdict.asked
    plain = re.fullmatch(r"[a-z0-9_:]+", asked)
    run = verdict.setting.run
    again = f" --run {run}" if run > 1 else ""
    return f"`toylab claim {verdict.claim} --process {asked if plain else chr(34) + asked + chr(34)}{again}`"


def families(found: Mapping[str, list[Kept]]) -> str:
    """The README's table: a row for each family."""
    rows = ["| family | question | claims | verdicts |", "|---|---|---|---|"]
    for family in FAMILIES:
        ids = [claim.id for claim in family.CLAIMS]
        link = f"[{folder(family).replace('_', ' ')}](docs/results/{folder(family)}.md)"
        span = " … ".join(dict.fromkeys((*ids[:1], *ids[-1:])))
        rows.append(f"| {link} | {family.QUESTION} | {span} | {counted(ids, found)} |")
    return "\n".join(rows)


def results(family: Any, found: Mapping[str, list[Kept]]) -> str:
    """docs/results/FAMILY.md: every verdict with its numbers, its figure, and what limits it."""
    mine = {claim.id: found[claim.id] for claim in family.CLAIMS if claim.id in found}
    title = folder(family).replace("_", " ").capitalize()
    introduction = RESULTS.format(folder=folder(family), ids=" ".join(mine or (c.id for c in family.CLAIMS)))
    in_all = with_numbers(FOUND["in_all"].get(folder(family), NOTHING), found)
    out = [f"# {title}", "", family.QUESTION, "", in_all, "", introduction, *(_table(mine) if mine else ())]
    out += _random([claim.id for claim in family.CLAIMS])
    for claim in mine:
        out += ["", f"## {claim}", "", *_section(claim, found)]
    out += _untested([t for claim in family.CLAIMS for t in trials(claim)], mine)
    return squared("\n".join(out) + "\n")


def _table(mine: Mapping[str, list[Kept]]) -> Iterator[str]:
    head = ("claim", "on", "verdict", "effect", "must be", "networks", "again", "seconds", "command")
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for claim, verdicts in mine.items():
        for v in verdicts:
            seconds = v.seconds["training"] + v.seconds["measuring"]
            row = (
                f"[{claim}](#{claim.lower()})",
                f"`{asked_on(v)}`",
                f"**{told(v)}**",
                *effect(v),
                str(v.networks),
                "" if v.again is None else f"{v.again:.2f}",
                f"{seconds:.0f}",
                command(v),
            )
            yield f"| {' | '.join(row)} |"


def with_numbers(text: str, found: Mapping[str, list[Kept]]) -> str:
    """A sentence with the published numbers of first runs put in for {CLAIM|PROCESS|which; form}: which
    criterion, or words in the name of a criterion or control; in a form of `INSTRUMENTS["interval_told"]`.
    """

    def number(match: re.Match[str]) -> str:
        text, form = re.fullmatch(r"(.*?)(?:; (times|percent|size|interval))?", match[1], re.S).groups("")
        claim, asked, *rest = text.split("|")
        which = rest[0] if rest else "0"
        (verdict,) = [v for v in found.get(claim, ()) if asked_on(v) == asked]
        criteria, controls = ([f for f in k if f.applies] for k in (verdict.criteria, verdict.controls))
        if which.isdecimal():
            finding = criteria[int(which)]
        else:
            (finding,) = [f for f in (*criteria, *controls) if which in f.name]
        return INSTRUMENTS["interval_told"](finding.interval, form)

    return " ".join(re.sub(r"\{(\w+\|[^}]*)\}", number, text).split())


def in_short(found: Mapping[str, list[Kept]]) -> str:
    """What was found, for the start page: a line each."""
    return "\n".join(f"- {with_numbers(line, found)}" for line in FOUND["start"])


def _tally(verdicts: list[Kept]) -> str:
    """Which outcome it had on what."""
    on_what = {
        outcome: ", ".join(f"`{asked_on(v)}`" for v in verdicts if v.outcome == outcome)
        for outcome in OUTCOMES
    }
    return "; ".join(f"**{outcome}** on {names}" for outcome, names in on_what.items() if names)


def _untested(asked: list[Trial], mine: Mapping[str, list[Kept]]) -> Iterator[str]:
    """Which trials have no verdict by today's rules yet."""
    there = {v.key for verdicts in mine.values() for v in verdicts}
    lacking: dict[str, list[str]] = {}
    for trial in (t for t in asked if t.key not in there):
        lacking.setdefault(trial.claim.id, []).append(f"`{on(trial.process, trial.setting.run)}`")
    if lacking:
        yield from ("", "## Not tested yet", "")
        yield from (f"- {claim}: {', '.join(names)}" for claim, names in lacking.items())


def _random(ids: list[str]) -> Iterator[str]:
    """A table of what claims came to on random HMMs: the last count of each under today's revision."""
    lines = _lines(ROOT / "docs" / "random_hmms.jsonl")
    last = {r["claim"]: r for r in lines if r["revision"] == CLAIMS[r["claim"]].revision}
    if not (rows := [last[name] for name in ids if name in last]):
        return
    yield from ("", "## On random HMMs", "")
    names, first = " ".join(row["claim"] for row in rows), rows[0]
    yield (
        "Binary HMMs of three to five states, half of their transitions impossible, drawn until ten have "
        f"contexts worth .01 nats a token or more; one look at {first['networks']} small networks, trained "
        f"as `--training {first['training']}` says. An outcome that this leaves "
        f"undecided counts as such. `python -m benchmarks.random_hmms {names}`; every outcome "
        "with its reason is in [random_hmms.jsonl](../random_hmms.jsonl)."
    )
    yield from (
        "",
        f"| claim | drawn | {' | '.join(OUTCOMES)} | refused |",
        "|" + "---|" * (len(OUTCOMES) + 3),
    )
    for row in rows:
        counts = " | ".join(str(row["outcomes"].get(o, 0)) for o in (*OUTCOMES, "refused"))
        yield f"| {row['claim']} | {row['drawn']} | {counts} |"


def _section(claim: str, found: Mapping[str, list[Kept]]) -> Iterator[str]:
    of, verdicts = CLAIMS[claim], found[claim]
    yield f"{of.statement} *{of.source}.*"  # today's words
    yield ""
    yield f"Found: {_tally(verdicts)}. {with_numbers(FOUND['claims'][claim], found)}"
    for v in verdicts:
        yield from _verdict(claim, v)
    yield ""
    yield from (f"- Reported ({source}): {reported}." for source, reported in of.literature.items())
    if of.would_change:
        yield f"- What would change our mind: {of.would_change[0].lower()}{of.would_change[1:]}"
    if of.limits:
        yield f"- What limits it: {of.limits}"


def _verdict(claim: str, v: Kept) -> Iterator[str]:
    """One verdict: what came of it, its figure, every criterion and control, and what others report."""
    again = "" if v.again is None else f", the same again with probability {v.again:.2f}"
    predicted = "; ".join(
        f"{k}: {tabled(p)}" if isinstance(p, float) else f"{k}: {p}" for k, p in v.prediction.items()
    )
    yield ""
    yield f"### {claim} on `{asked_on(v)}`: {told(v)}"
    yield ""
    reason = v.reason[0].upper() + v.reason[1:]
    yield f"{reason} ({v.networks} networks{again}). Predicted: {predicted}."
    yield ""
    yield f"![{claim} on {asked_on(v)}: {v.outcome}]({name(v)}.png)"
    yield ""
    yield "| | asked | found | must be | | else |"
    yield "|---|---|---|---|---|---|"
    for f in (f for f in v.criteria if f.applies):
        yield _row(f, "criterion", "criterion", v)
    for f in v.controls:
        yield _row(f, f"rival: {f.rival}" if f.rival else "control", "control", v)
    if v.published:
        yield ""
        yield "| as published | theirs | ours | untrained | their training |"
        yield "|---|---|---|---|---|"
        for p in v.published:
            yield f"| {p.statistic} | {p.theirs} | {spread(p.ours)} | {spread(p.untrained)} | {p.training} |"


def _row(f: Finding, role: str, kind: Kind, v: Kept) -> str:
    cells = role, f.name, came(f), must(f), f.state, otherwise(f, kind, meanings(v)).rstrip(".")
    return f"| {' | '.join(cells)} |"


def theory() -> str:
    """A line for each page of docs/theory, with its title."""
    files = sorted(file for file in (ROOT / "docs" / "theory").glob("*.md") if file.stem != "index")
    titles = {file.name: file.read_text().partition("\n")[0].removeprefix("# ") for file in files}
    return "\n".join(f"- [{title}]({name})" for name, title in titles.items())


def instruments() -> str:
    """The reference of analysis/instruments: a section for each module, from its docstrings, but for the
    rooms that pages of their own tell of.
    """
    top = ROOT / "analysis" / "instruments"
    files = [file for file in sorted(top.rglob("*.py")) if file.stem != "__init__"]
    told = [file for file in files if file.parent.name not in ("blind", "proofs", "superposition")]
    names = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in told]
    return "\n\n".join(f"### `{name}`\n\n```{{eval-rst}}\n.. automodule:: {name}\n```" for name in names)


def marked(file: Path, **parts: str) -> str:
    """A page with each part between the marks of its name."""
    page = file.read_text()
    for name, part in parts.items():
        mark = name.replace("_", " ")
        text = f"<!-- {mark} -->\n{part}\n<!-- /{mark} -->"
        page = re.sub(rf"<!-- {mark} -->.*?<!-- /{mark} -->", lambda _, text=text: text, page, flags=re.S)
    return page


def _lines(file: Path) -> list[dict[str, Any]]:
    """What a benchmark has kept, oldest first; nothing where there is no file."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def _trials() -> list[dict[str, Any]]:
    """What `benchmarks.optimisers` and `benchmarks.alternatives` tried."""
    return _lines(ROOT / "docs" / "optimisers.jsonl")


def _training(descent: Mapping[str, Any], iterations: int) -> str:
    """Which training these stages are, by its name; else what was done, and what else Muon was given."""
    words, steps, made = descent["batch"], descent["steps"], descent["optimiser"]
    for (name, _), effort in EFFORTS.items():
        as_made = effort.optimiser.to_json(), effort.steps, effort.words, effort.finish
        if as_made == (made, steps, words, iterations):
            return name
    plain = f"{steps} steps" + (f" of {words} words" if words else "") + f", {iterations}" * bool(iterations)
    return ", ".join([plain, *_more(made)])


def _more(made: Mapping[str, Any]) -> list[str]:
    """The fields of an optimiser that are not its defaults."""
    return [f"{field} {value:g}".replace("_", " ") for field, value in made.items() if field not in ALWAYS]


def _stages() -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
    """Every descent by the lab's Muon that was tried, and again with the finish where one followed it."""
    before = None
    for trial in _trials():
        if "highest" not in trial:  # another way down than the lab's
            continue
        if trial["optimiser"]["name"] == "muon":
            before = trial
            yield trial, None
        elif trial["optimiser"]["name"] in FINISHES and before and before["process"] == trial["process"]:
            yield before, trial


def efforts() -> str:
    """The table of how near to the floor networks come: of every process, kind of network and training the
    last descent by Muon of as many networks as there are, and what followed it. Where a named training was
    measured, no other is shown.
    """
    last: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
    for descent, finish in _stages():
        if finish and finish["optimiser"]["name"] != "lbfgs":  # no training knows it
            continue
        of = last.setdefault((descent["process"], descent.get("networks") or ""), {})
        if finish:
            of.pop(_training(descent, 0), None)  # as it stands, it was no training by itself
        training = _training(descent, finish["steps"] if finish else 0)
        if training not in of or len(descent["kl"]) >= len(of[training][0]["kl"]):
            of[training] = [descent, *filter(None, [finish])]
    rows = [
        "| process | networks | training | worst KL, nats | of what contexts are worth | CPU seconds each |",
        "|---|---|---|---|---|---|",
    ]
    for (process, networks), by_training in last.items():
        named = {name: stages for name, stages in by_training.items() if name.startswith(("floor", "sharp"))}
        for training, stages in (named or dict([*by_training.items()][-1:])).items():
            worst, worth = max(stages[-1]["kl"]), stages[0]["worth"]
            kind, claim = networks.rpartition(":")[2] or "the paper's", networks.partition(":")[0]
            short = f"{process.partition('(')[0]}(..)` of {claim}"
            name = f"`{process}`" if len(process) <= LONGEST_NAME else f"`{short}"
            share, seconds = f"{worst / worth:.1e}", sum(stage["cpu_seconds_a_network"] for stage in stages)
            cells = (
                name,
                f"{len(stages[0]['kl'])}, {kind}",
                training,
                f"{worst:.1e}",
                share if worst / worth <= TRAINED else f"**{share}**",
                f"{seconds:.0f}",
            )
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def ways_down() -> str:
    """The table of other update rules, and of Muon with other fields, beside the lab's Muon on as many
    networks in as many steps: of each the better of the rates that were tried.
    """

    def among(trial: Mapping[str, Any]) -> tuple[str, int, int]:
        return trial["process"], trial["steps"], len(trial["kl"])

    def other(trial: Mapping[str, Any]) -> bool:
        return "highest" not in trial or bool(trial["optimiser"].keys() - ALWAYS)

    trials = [trial for trial in _trials() if trial["optimiser"]["name"] not in FINISHES]
    compared = {among(trial) for trial in trials if other(trial)}
    best: dict[tuple[str, ...], dict[str, Any]] = {}
    for trial in trials:
        if among(trial) in compared:
            made = trial["optimiser"]
            rule = ", ".join([made["name"].replace("_", " "), made["schedule"], *_more(made)])
            of = (*map(str, among(trial)), rule)
            best[of] = min(best.get(of, trial), trial, key=lambda t: max(t["kl"]))
    rules = Counter(of[:-1] for of in best)
    best = {of: trial for of, trial in best.items() if rules[of[:-1]] > 1}  # nothing stands beside the rest
    rows = [
        "| process | steps | update rule, schedule | rate | networks | worst KL, nats | median "
        "| CPU seconds each |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (process, steps, n, rule), trial in sorted(best.items(), key=lambda t: (*t[0][:3], max(t[1]["kl"]))):
        kl, rate, seconds = trial["kl"], trial["optimiser"]["learning_rate"], trial["cpu_seconds_a_network"]
        numbers = f"{max(kl):.1e} | {np.median(kl):.1e} | {seconds:.1f}"
        rows.append(f"| `{process}` | {steps} | {rule} | {rate:g} | {n} | {numbers} |")
    return "\n".join(rows)


def finishes() -> str:
    """The table of finishes on the processes where more than the lab's was tried: what each made of the
    networks that it was given, the last time.
    """
    pairs = [(descent, finish) for descent, finish in _stages() if finish]
    several = {of["process"] for of, finish in pairs if finish["optimiser"]["name"] != "lbfgs"}
    last = {}
    for descent, finish in pairs:
        if descent["process"] in several:
            given = (descent["process"], descent["steps"], *_more(descent["optimiser"]))
            last[*given, finish["optimiser"]["name"], finish["steps"]] = descent, finish
    rows = [
        "| process | steps of Muon | then worst KL, nats | finish | iterations | networks "
        "| worst KL, nats | median | CPU seconds each |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    ordered = sorted(last.items(), key=lambda row: (*row[0][:2], len(row[0]), row[0]))
    for (process, steps, *more, name, iterations), (descent, finish) in ordered:
        kl, seconds = finish["kl"], finish["cpu_seconds_a_network"]
        numbers = f"{len(kl)} | {max(kl):.1e} | {np.median(kl):.1e} | {seconds:.1f}"
        before = f"`{process}` | {', '.join([str(steps), *more])} | {max(descent['kl']):.1e}"
        rows.append(f"| {before} | {FINISHES[name]} | {iterations} | {numbers} |")
    return "\n".join(rows)


def held_out() -> str:
    """The table of how held-out scores of published networks hang on the position and on the held-out
    history.
    """
    found = json.loads((ROOT / "docs" / "held_out.json").read_text())
    lengths, histories = range(5, 11), range(3, 8)
    heads = [*(f"{n} tokens" for n in lengths), *(f"k = {k}" for k in histories)]
    out = [f"| network | read from | {' | '.join(heads)} |", "|" + "---|" * (len(heads) + 2)]
    for name, of in found.items():
        for features in ("last stream", "all layers"):
            at = [of[features]["position"].get(str(n)) for n in lengths]
            at += [of[features]["history"].get(str(k)) for k in histories]
            cells = ("" if r2 is None else f"{r2:.4f}" if r2 > 0.99 else f"{r2:.2f}" for r2 in at)
            out.append(f"| `{name}` | {features} | {' | '.join(cells)} |")
    return "\n".join(out)


def proofs() -> str:
    """The table of proved bounds beside the suprema of ideal observers."""
    out = ["| process | network | symbol | ideal observer | reached | proved | by | float32 | worst prefix |"]
    out.append("|" + "---|" * 9)
    for row in json.loads((ROOT / "docs" / "proofs.json").read_text()):
        nothing = row["method"] == "none"
        by = {"every word": f"{row['sets']} words", "closed cover": f"{row['sets']} sets", "none": ""}
        cells = (
            f"`{row['process']}`",
            f"{row['kind']}, seed {row['seed']}",
            str(row["symbol"]),
            f"{row['exact']:.6f}",
            f"{row['low']:.6f}",
            "nothing" if nothing else f"{row['high']:.6f}",
            by[row["method"]],
            "" if nothing else f"{row['float32']:.0e}",
            f"`{row['word']}`, {'possible' if row['possible'] else 'impossible'}",
        )
        out.append(f"| {' | '.join(cells)} |")
    return "\n".join(out)


def organisms(found: Mapping[str, list[Kept]]) -> str:
    """The verdicts on model organisms, in words, figures and numbers."""
    return "\n".join(
        TABLES["organisms"](found, lambda claim: with_numbers(FOUND["claims"][claim], found), name)
    )


def scale() -> str:
    """The table of what many networks cost: the last measurement of every number and kind."""
    rows = _lines(ROOT / "docs" / "scale.jsonl")
    last = {(row["kind"], row["number"]): row for row in rows}
    kept = ": {core_seconds_a_network:.2g} core-seconds a network, {files_a_run} files a recipe"
    out = [
        "| networks | recipes | as | minutes | networks per minute | compiling, seconds | most memory, GB |",
        "|---|---|---|---|---|---|---|",
    ]
    for (kind, number), row in sorted(last.items(), key=lambda item: ("files_a_run" in item[1], item[0][1])):
        cells = (
            f"{number:,}".replace(",", " "),
            str(row["recipes"]),
            kind + (kept.format(**row) if "files_a_run" in row else ""),
            f"{number / row['per_minute']:.2g}",
            f"{row['per_minute']:.0f}",
            f"{row['compiling']:.1f}",
            f"{row['megabytes'] / 1e3:.1f}",
        )
        out.append(f"| {' | '.join(cells)} |")
    return "\n".join(out)


def contents() -> str:
    """analysis/contents.json: what commands tell of experiments and claims without importing what these
    measure with, and which verdicts are of today's rules.
    """
    claims = [claim for family in FAMILIES for claim in family.CLAIMS]
    told = {
        "experiments": [{"name": e.name, "question": e.question} for e in EXPERIMENTS.values()],
        "claims": [{"id": c.id, "statement": c.statement, "source": c.source} for c in claims],
        "trials": [
            {"claim": t.claim.id, "process": t.process, "run": t.setting.run, "key": t.key}
            for c in claims
            for t in trials(c)
        ],
    }
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def pages() -> dict[Path, str]:
    """Every document that is made, whole or in part, by its path."""
    found, docs = published(), ROOT / "docs"
    return {
        ROOT / "analysis" / "contents.json": contents(),
        ROOT / "README.md": marked(ROOT / "README.md", families=families(found)),
        docs / "map.md": tree(),
        docs / "start.md": marked(docs / "start.md", found=in_short(found)),
        docs / "process.schema.json": json.dumps(SCHEMA, indent=1) + "\n",
        docs / "training.md": marked(
            docs / "training.md", efforts=efforts(), ways_down=ways_down(), finishes=finishes()
        ),
        docs / "evidence.md": marked(docs / "evidence.md", held_out=held_out()),
        docs / "proofs.md": marked(docs / "proofs.md", proofs=proofs()),
        docs / "mechanisms.md": marked(
            docs / "mechanisms.md",
            ablations=TABLES["ablations"](found),
            named_right=TABLES["without_inputs"](found),
        ),
        docs / "model_organisms.md": marked(docs / "model_organisms.md", organisms=organisms(found)),
        docs / "instruments.md": INSTRUMENTS["page"](found),
        docs / "scale.md": marked(docs / "scale.md", scale=scale()),
        docs / "reference" / "analysis.md": marked(
            docs / "reference" / "analysis.md", instruments=instruments()
        ),
        docs / "theory" / "index.md": marked(docs / "theory" / "index.md", pages=theory()),
        **{docs / "results" / f"{folder(f)}.md": results(f, found) for f in FAMILIES},
        **{
            docs / "papers" / f"{key}.md": PAPERS["page"](key, found, name, effect)
            for key in PAPERS["keys"]()
        },
        docs / "papers" / "index.md": PAPERS["index"](found, counted),
    }


def take_over(store: Path) -> None:
    """Publish the verdicts of a store, at the default size, in place of the earlier ones, and draw their
    figures."""
    from analysis.families import panels
    from analysis.figures.verdict import figure
    from analysis.lab import kept, shown, verdict

    for claim in CLAIMS.values():
        for test in trials(claim, Setting(looks=1)):  # as it stands, however many looks it took
            if kept(test.folder(store)) is None:
                print(f"{store} has no verdict of {claim.id} on {on(test.process, test.setting.run)} yet")
                continue
            found = verdict(test, store)
            json_file, picture = (
                PUBLISHED / f"{name(found)}.json",
                ROOT / "docs" / "results" / f"{name(found)}.png",
            )
            for file in (json_file, picture):
                file.parent.mkdir(parents=True, exist_ok=True)
            write_json(json_file, found.to_json(), indent=1)
            numbers = test.folder(store) / SHOWN
            if numbers.stat().st_size <= LARGEST:
                shutil.copyfile(numbers, json_file.with_suffix(".npz"))
            with style():
                write(figure(found, shown(test, store), panels()), picture)


def redraw() -> None:
    """Draw the figure of every published verdict anew whose numbers came with it."""
    from analysis.families import panels
    from analysis.figures.verdict import figure
    from analysis.lab import drawn

    for file in sorted(PUBLISHED.glob("*/*.npz")):
        if (there := file.with_suffix(".json")).exists():
            verdict = latest.read(there)
            with style():
                made = figure(verdict, drawn(CLAIMS[verdict.claim], file), panels())
                write(made, ROOT / "docs" / "results" / f"{name(verdict)}.png")


def main(stores: list[str]) -> None:
    """Take over the verdicts of the given stores, or draw anew what is published, then write the
    documents."""
    if stores == ["--redraw"]:
        redraw()
        stores = []
    for store in stores:
        take_over(Path(store))
    for file, text in pages().items():
        write_text(file, text)
    with style():
        for file, drawn in INSTRUMENTS["figures"](published()):
            write(drawn, file)


if __name__ == "__main__":
    leave_at_once()  # every file is whole or not begun, so there is nothing to put away
    main(sys.argv[1:])
