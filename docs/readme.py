"""The parts of the README that are made from the project itself: the tree of files and the table of results.

python docs/readme.py RUN...    take over the reports of finished runs, then write both parts
python docs/readme.py           write both parts from what is committed
"""

import ast
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
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
            name = "  " * (len(relative.parts) - 1 - package) + (f"{relative.parts[-2]}/" if package else file.name)
            sentence = (ast.get_docstring(ast.parse(file.read_text())) or "").split("\n")[0]
            lines.append(f"{name.ljust(WIDTH)}{sentence}".rstrip())
    return "```\n" + "\n".join(lines) + "\n```"


def results() -> str:
    """A row for each claim of each committed report."""
    rows = ["| claim | on | verdict | effect, mean over networks [95 %] | must exceed | command |", "|---|---|---|---|---|---|"]
    notes = []
    for file in sorted((ROOT / "docs" / "results").glob("*.json")):
        report = json.loads(file.read_text())
        process, experiment = report["process"], report["experiment"]
        for v in report["verdicts"]:
            c = v["criteria"][0]
            mean, low, high = c["interval"]
            effect = f"{c['name']}: {mean:.4f} [{low:.4f}, {high:.4f}]"
            above = f"{c['above']:g}" + (" in every network" if c["every_seed"] else "")
            row = (f"**{v['claim']}** {v['statement']}", process, f"**{v['outcome']}**", effect, above, f"`toylab run {experiment}`")
            rows.append(f"| {' | '.join(row)} |")
        kl = report["excess"]["trained"]
        notes.append(
            f"`toylab run {experiment}`: {len(kl)} networks of {report['recipe']['steps']} steps reach a KL to the exact predictor of "
            f"{min(kl):.1e} to {max(kl):.1e} nats per token, over all {report['contexts']} contexts "
            f"(untrained: from {min(report['excess']['untrained']):.2f})."
        )
    return "\n".join(rows) + "\n\n" + " ".join(notes)


def written(readme: str) -> str:
    """The README with today's parts in it, each between its marks."""
    for mark, part in (("results", results()), ("tree", tree())):
        readme = re.sub(rf"<!-- {mark} -->.*?<!-- /{mark} -->", lambda m, k=mark, p=part: f"<!-- {k} -->\n{p}\n<!-- /{k} -->", readme, flags=re.S)
    return readme


def main(runs: list[str]) -> None:
    """Copy the reports of the given runs, then write the README."""
    for folder in runs:
        report = json.loads((Path(folder) / "report.json").read_text())
        (ROOT / "docs" / "results" / f"{report['experiment']}.json").write_text(json.dumps(report, indent=1) + "\n")
    (ROOT / "README.md").write_text(written((ROOT / "README.md").read_text()))


if __name__ == "__main__":
    main(sys.argv[1:])
