"""State graphs for other programs: DOT text, which needs nothing, and graphs of networkx, where that is
installed.
"""

from typing import Any

import numpy as np

from ..process import Process, ProcessError
from ..structure.epsilon_machine import shortest_words
from ..structure.mixed_states import MixedStates
from ..values.checks import checked


@checked
def to_dot(of: Process | MixedStates) -> str:
    """The state graph in the DOT language of Graphviz; draw it with `dot -Tsvg`.

    Of an HMM its hidden states, of mixed states the unifilar machine over them (transient ones dashed); edges
    are labelled `symbol:probability`, those between the same states with one arrow. An epsilon-machine is an
    HMM: `to_dot(epsilon_machine(p))`. Raises `ProcessError` for a generalised HMM, whose entries are no
    probabilities.
    """
    name, states, edges = _graph(of)
    lines = [f"digraph {_quoted(name)} {{", "  rankdir=LR; node [shape=circle];"]
    for k, (label, start, transient) in enumerate(states):
        style = ", style=dashed" * transient
        lines.append(f"  {k} [label={_quoted(label)}, tooltip={_quoted(f'start {start:.6g}')}{style}];")
    between: dict[tuple[int, int], list[str]] = {}
    for i, j, x, p in edges:
        between.setdefault((i, j), []).append(f"{x}:{p:.6g}")
    lines += [f"  {i} -> {j} [label={_quoted(chr(10).join(texts))}];" for (i, j), texts in between.items()]
    return "\n".join([*lines, "}", ""])


@checked
def to_networkx(of: Process | MixedStates) -> Any:
    """The same graph as a `networkx.MultiDiGraph`: nodes by number with `label`, `start` and `transient`, and
    an edge for every symbol, its key, with `symbol` and `probability`.

    Raises `ProcessError` for a generalised HMM, and where networkx is not installed.
    """
    try:
        import networkx
    except ImportError:
        raise ProcessError(
            "networkx is not installed; `pip install networkx`, or take to_dot, which needs nothing"
        ) from None
    name, states, edges = _graph(of)
    graph = networkx.MultiDiGraph(name=name)
    for k, (label, start, transient) in enumerate(states):
        graph.add_node(k, label=label, start=start, transient=transient)
    for i, j, x, p in edges:
        graph.add_edge(i, j, key=x, symbol=x, probability=p)
    return graph


def _graph(
    of: Process | MixedStates,
) -> tuple[str, list[tuple[str, float, bool]], list[tuple[int, int, int, float]]]:
    """Its name, its states (label, probability at the start, whether it is left for ever), and its edges
    (from, to, symbol, probability), in order.
    """
    if isinstance(of, MixedStates):
        words = shortest_words(of.next)
        nodes = [
            (w or "*", float(k == 0), not r) for k, (w, r) in enumerate(zip(words, of.recurrent, strict=True))
        ]
        found = np.argwhere(of.next >= 0)
        edges = [(int(m), int(of.next[m, x]), int(x), float(of.probability[m, x])) for m, x in found]
        return f"mixed states of {of.process.name}", nodes, edges
    if of.kind != "hmm":
        raise ProcessError(
            f"{of.name} is a generalised HMM, whose entries are no probabilities of edges; where its mixed "
            "states are finite, give these: mixed_states(process)"
        )
    nodes = [(label, float(p), False) for label, p in zip(of.states, of.start, strict=True)]
    return of.name, nodes, [(int(i), int(j), int(x), float(of.T[x, i, j])) for i, j, x in _edges(of.T)]


def _edges(T: np.ndarray) -> np.ndarray:
    return np.argwhere(T.transpose(1, 2, 0) > 0)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
