"""The parts of the documents that are made from the project itself: the README's tree of files and table of
results, docs/results.md.

python docs/readme.py STORE     take over the verdicts and figures of a store (`toylab reproduce --store
                                STORE`), then write all
python docs/readme.py           write all from what is committed
"""

import ast
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analysis.commands.interrupt import leave_at_once
from processes.values.whole_file import write_json, write_text

ROOT = Path(__file__).parents[1]
PUBLISHED = ROOT / "analysis" / "published"
INTRODUCTION = """# Results

Every claim that the lab tests, about belief geometry (BG) and about constraint load (CL), on every process
on which it is tested by
default, under the rule of evidence that [evidence.md](evidence.md) states; thresholds stand in
`analysis/claims/` and were fixed before the
runs. `toylab reproduce` makes all of this again; `python docs/readme.py STORE` writes this page. The seconds
of a row include training only
for the first claim that needed a run: later ones share it. A refuted or inconclusive claim is a result and
stays.
"""
ROOMS = ("processes", "toy", "train", "analysis", "tests", "benchmarks", "docs")
WIDTH = 42


def tree() -> str:
    """One line a file, room by room, with the first sentence of its docstring."""
    lines = []
    for room in ROOMS:
        files = sorted((ROOT / room).rglob("*.py"), key=lambda f: (f.parent, f.name != "__init__.py", f.name))
        if not (ROOT / room / "__init__.py").exists():
            lines.append(f"{room}/")
        for file in files:
            relative = file.relative_to(ROOT)
            package = file.name == "__init__.py"
            name = "  " * (len(relative.parts) - 1 - package) + (
                f"{relative.parts[-2]}/" if package else file.name
            )
            said = ast.get_docstring(ast.parse(file.read_text())) or ""
            sentence = " ".join(said.split("\n\n")[0].split())
            lines.append(f"{name.ljust(WIDTH)}{sentence}".rstrip())
    return "```\n" + "\n".join(lines) + "\n```"


def published() -> dict[str, list[dict[str, Any]]]:
    """The verdicts that come with the lab, by claim, in the order of claims and of their processes."""
    found: dict[str, list[dict[str, Any]]] = {}
    for file in sorted(
        PUBLISHED.glob("*.json"), key=lambda f: (f.name[:2], int(f.name[2:].split("-")[0]), f.name)
    ):
        verdict = json.loads(file.read_text())
        found.setdefault(verdict["claim"], []).append(verdict)
    return found


def name(verdict: Mapping[str, Any]) -> str:
    """What its files are called."""
    return f"{verdict['claim']}-{re.sub(r'[^a-z0-9]+', '_', verdict['asked'].lower()).strip('_')}"


def value(finding: Mapping[str, Any]) -> str:
    """A statistic as mean and interval."""
    if finding["interval"] is None:
        return "undefined" if finding["applies"] else "does not apply"
    mean, low, high = finding["interval"]
    return f"{mean:.3g}" if low is None else f"{mean:.3g} [{low:.3g}, {high:.3g}]"


def brief(process: str) -> str:
    """A process as it fits into the README: without its parameters where it is long."""
    return process if len(process) <= 30 else f"{process.split('(')[0]}(..)"


def must(finding: Mapping[str, Any]) -> str:
    """Where it has to be."""
    above, below = finding["above"], finding["below"]
    side = f"< {below:g}" if above is None else f"> {above:g}" if below is None else f"{above:g} to {below:g}"
    return side + (", every network" if finding["every_seed"] else "")


def command(verdict: Mapping[str, Any]) -> str:
    """What reproduces it."""
    asked = verdict["asked"]
    return (
        f"`toylab claim {verdict['claim']} --process "
        f"{asked if re.fullmatch(r'[a-z0-9_:]+', asked) else chr(34) + asked + chr(34)}`"
    )


def results() -> str:
    """A row for each claim."""
    rows = [
        "| claim | verdicts, of eight networks each (BG16: of eight batches of random processes) |",
        "|---|---|",
    ]
    for claim, verdicts in published().items():
        told = ", ".join(f"{brief(v['asked'])} **{v['outcome']}**" for v in verdicts)
        rows.append(f"| [{claim}](docs/results.md#{claim.lower()}) {verdicts[0]['statement']} | {told} |")
    return "\n".join(rows)


def all_results() -> str:
    """docs/results.md: every verdict with its numbers, its figure, and what limits it."""
    out = [
        INTRODUCTION,
        "| claim | on | verdict | effect, mean over networks [95 %] | must be | seeds | seconds | command |",
        "|" + "---|" * 8,
    ]
    for claim, verdicts in published().items():
        for v in verdicts:
            seconds = v["seconds"]["training"] + v["seconds"]["measuring"]
            first = next((c for c in v["criteria"] if c["applies"]), v["criteria"][0])
            effect = f"{first['name']}: {value(first)}"
            row = (
                f"[{claim}](#{claim.lower()})",
                v["asked"],
                f"**{v['outcome']}**",
                effect,
                must(first),
                str(v["setting"]["seeds"]),
                f"{seconds:.0f}",
            )
            out.append(f"| {' | '.join((*row, command(v)))} |")
    for claim, verdicts in published().items():
        first = verdicts[0]
        out += ["", f"## {claim}", "", f"{first['statement']} *{first['source']}.*", ""]
        for source, reported in first["literature"].items():
            out.append(f"- Reported ({source}): {reported}.")
        for v in verdicts:
            predicted = "; ".join(
                f"{k}: {p:.4g}" if isinstance(p, float) else f"{k}: {p}" for k, p in v["prediction"].items()
            )
            out.append(f"- **{v['asked']}: {v['outcome']}** ({v['reason']}). Predicted: {predicted}.")
            out += [f"  - {c['name']}: {value(c)} (must be {must(c)})" for c in v["criteria"] if c["applies"]]
        if first["limits"]:
            out += ["", f"What limits it: {first['limits']}"]
        out += ["", *(f"![{claim} on {v['asked']}: {v['outcome']}](results/{name(v)}.png)" for v in verdicts)]
    return "\n".join(out) + "\n"


def written(readme: str) -> str:
    """The README with today's parts in it, each between its marks."""
    for mark, part in (("results", results()), ("tree", tree())):
        readme = re.sub(
            rf"<!-- {mark} -->.*?<!-- /{mark} -->",
            lambda m, k=mark, p=part: f"<!-- {k} -->\n{p}\n<!-- /{k} -->",
            readme,
            flags=re.S,
        )
    return readme


def take_over(store: Path) -> None:
    """Publish the verdicts of a store, at the default size, in place of the earlier ones, and draw their
    figures.
    """
    from analysis.families import CLAIMS, panels
    from analysis.figures.style import style, write
    from analysis.figures.verdict import figure
    from analysis.lab import Trial, kept, shown, verdict

    PUBLISHED.mkdir(exist_ok=True)
    (ROOT / "docs" / "results").mkdir(exist_ok=True)
    for claim in CLAIMS.values():
        for process in claim.tested_on:
            test = Trial(claim, process)
            if kept(test.folder(store)) is None:
                print(f"{store} has no verdict of {claim.id} on {process} yet")
                continue
            values = verdict(test, store)
            write_json(PUBLISHED / f"{name(values)}.json", values, indent=1)
            with style():
                write(
                    figure(values, shown(test, store), panels()),
                    ROOT / "docs" / "results" / f"{name(values)}.png",
                    dpi=130,
                )


def main(stores: list[str]) -> None:
    """Take over the verdicts of the given stores, then write the documents."""
    for store in stores:
        take_over(Path(store))
    write_text(ROOT / "README.md", written((ROOT / "README.md").read_text()))
    write_text(ROOT / "docs" / "results.md", all_results())


if __name__ == "__main__":
    leave_at_once()  # every file is whole or not begun, so there is nothing to put away
    main(sys.argv[1:])
