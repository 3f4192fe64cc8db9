"""What a report says of the networks of one run beside its verdicts: measured as its family measures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .contexts import Truth
from .evidence import Evidence


@dataclass(frozen=True)
class Overview:
    """The networks of a run as a report tells of them and as figures draw them."""

    truth: Truth
    trained: Sequence[Evidence]
    untrained: Sequence[Evidence]
    report: Mapping[str, Any]  # plain values: the part of the report that is the family's own
    arrays: Mapping[str, np.ndarray]  # the numbers behind the figures
