"""How held-out scores hang on the position and on the length of the history that is held out, of the networks
that come with the lab.

    python -m benchmarks.held_out     writes docs/held_out.json
"""

import json

import numpy as np

import train
from analysis import published
from analysis.instruments.probing.held_out import by_history, by_position
from analysis.instruments.probing.study import CONCATENATED, Study, study
from processes.values.whole_file import write_json

from .table import ROOT

KEPT = ROOT / "docs" / "held_out.json"
WHICH = ("mess3", "nemo", "rrxor", "bloch_walk")


def scores(s: Study) -> dict[str, dict[str, dict[str, float]]]:
    """Both, of the last stream and of all layers side by side."""
    return {
        name: {
            kind: {str(at): round(float(np.mean(r2)), 6) for at, r2 in found(s, features).items()}
            for kind, found in (("position", by_position), ("history", by_history))
        }
        for name, features in (("last stream", s.final_layer), ("all layers", CONCATENATED))
    }


def main() -> None:
    """Measure and keep."""
    train.use_all_cores()
    found = {}
    for name in WHICH:
        s = study(published.network(name))
        found[name] = {"lengths": [int(n) for n in s.contexts.scored_lengths]} | scores(s)
        print(name, json.dumps(found[name]), flush=True)
    write_json(KEPT, found, indent=1)


if __name__ == "__main__":
    main()
