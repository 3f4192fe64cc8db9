"""What is said beside a figure in a paper: what is shown, of how many, with which interval, of which network,
and how it is made again; and the LaTeX that puts both on a page.
"""

import re
from pathlib import Path

from ..claim import Kept, asked_on, came, must, squared, told
from .record import Record

SHOWN = {
    "simplex": "Beliefs on the triangle of the hidden states, a dot for each history that was held out, "
    "coloured by its exact belief: exact, probed from a trained network, probed from an untrained one.",
    "beliefs": "Beliefs on their principal axes (of two states: probed against exact ones), a dot for each "
    "history that was held out, coloured by its exact belief: exact, probed from a trained network, probed "
    "from an untrained one.",
    "clouds": "Belief states (rings) and the points probed for them (dots, a dot for each history that was "
    "held out): exact, from a trained network, from an untrained one.",
    "layers": "Held-out R² of a linear probe onto beliefs by layer: each trained network and their mean, the "
    "range of untrained networks and of probes onto shuffled beliefs, and baselines without a network.",
    "loss": "Loss minus its exact floor, nats per token, by position after training and over training: each "
    "network and their mean.",
    "posterior": "Posterior of the first component of a mixture by the number of tokens read, a dot for each "
    "context, area by its probability: exact, and of histories that were held out as probed from a trained "
    "network and from an untrained one.",
    "violation": "Violation of every subset of the constraints, relative to the predictor that ignores its "
    "controls, against the exact load and the number of constraints: mean over networks and its spread.",
}
"""What the figures of a run show, by name."""
GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi "
    "chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
)
ESCAPED = {
    **{c: f"\\{c}" for c in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "²": "$^2$",
    "−": "$-$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "<": "$<$",
    ">": "$>$",
    "→": r"$\to$",
    "∞": r"$\infty$",
    **{c: rf"$\{name}$" for c, name in zip("αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", GREEK.split(), strict=True)},
}


def of_run(record: Record, name: str, panel: str, command: str) -> str:
    """The caption of a figure of a run, or of one of its panels."""
    report = record.report
    seeds, first = report["recipe"]["seeds"], report["recipe"]["first_seed"]
    n = f"{report['contexts']} contexts" + (
        f" of {report['sampled']} sampled words" if report.get("sampled") is not None else ", all there are"
    )
    said = [SHOWN[name]]
    if panel:
        said.append(f"Here only: {panel}.")
    networks = f"{seeds} networks (seeds {first} to {first + seeds - 1})"
    said.append(f"Process: {report['process']}. n = {networks}, {n}.")
    if name in ("simplex", "beliefs", "clouds", "posterior"):
        said.append(_shown_network(record))
    elif name == "layers":
        said.append(f"Last layer: {_range(record.final['trained']['r2'])}.")
    elif name == "loss":
        left = _range(report["excess"]["trained"], "loss minus floor", ".1e")
        said.append(f"At the end: {left} nats per token.")
    said.append(f"Run {report['hash']}; made by `{command}`.")
    return " ".join(said)


def _shown_network(record: Record) -> str:
    """Which network is shown, of which layer, and how the others did."""
    layer = record.final if record.shows_final else record.layer("concatenated")
    r2 = layer["trained"]["r2"]
    where, shown = record.site(layer["features"]), r2[record.typical(r2)]
    return (
        f"Shown is the network of median R² (seed {record.seed}), {where}: held-out R² = {shown:.4f}; "
        f"{_range(r2)}; untrained: {_range(layer['untrained']['r2'])}."
    )


def _range(values: list[float], what: str = "R²", form: str = ".4f") -> str:
    return f"{what} of all {len(values)} networks {min(values):{form}} to {max(values):{form}}"


def of_verdict(verdict: Kept, half: str, command: str) -> str:
    """The caption of the figure of a verdict, or of one half of it."""
    said = [f"{verdict.claim} on {asked_on(verdict)}: {told(verdict)}. {verdict.statement}"]
    if half != "evidence":
        said.append(
            "A row for each criterion (bold), control and rival: each network, their mean, its interval over "
            "networks, and, shaded, where it must not be."
        )
    seeds = [(r["first_seed"], r["seeds"]) for r in verdict.recipes.values()]
    first = f" (seeds from {min(s for s, _ in seeds)} on)" if seeds else ""
    said.append(f"n = {verdict.networks} networks{first}.")
    for f in verdict.criteria:
        if f.applies and f.interval is not None:
            said.append(f"{squared(f.name)}: {came(f)} (asked: {must(f)}).")
    said.append(f"Verdict {verdict.claim}-{verdict.key}; made by `{command}`.")
    return " ".join(said)


def latex(file: Path, width: str, caption: str) -> str:
    """A figure environment that puts a file on a page at its width, with its caption."""
    how, needs = ("includegraphics", "graphicx") if file.suffix != ".svg" else ("includesvg", "svg")
    label = re.sub(r"[^A-Za-z0-9-]+", "-", file.stem).strip("-") or "figure"
    said = escaped(caption)
    # What pdfLaTeX has in its own letters ends with Latin Extended-A; dashes and quotes it knows besides.
    beyond = sorted({c for c in said if ord(c) > 0x17F} - set("–—‘’“”…•†‡€"))
    letters = [f"% {' '.join(beyond)}: for XeLaTeX or LuaLaTeX, in a font that has it"] if beyond else []
    return "\n".join(
        (
            *letters,
            f"% needs \\usepackage{{{needs}}}; letters have the size of the page only at this width",
            r"\begin{figure}",
            r"  \centering",
            f"  \\{how}[width={width}]{{{file.name}}}",
            f"  \\caption{{{said}}}",
            f"  \\label{{fig:{label}}}",
            r"\end{figure}",
            "",
        )
    )


def escaped(text: str) -> str:
    """Text as LaTeX prints it; what stands between backquotes in typewriter letters."""
    parts = ["".join(ESCAPED.get(c, c) for c in part) for part in text.split("`")]
    return "".join(
        rf"\texttt{{{part.replace('--', '-{}-')}}}" if i % 2 else part for i, part in enumerate(parts)
    )
