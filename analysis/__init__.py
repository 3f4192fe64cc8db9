"""What we may say: evidence, probes with their controls, claims and verdicts, figures, and the command line.

Import what you need from its module (`from analysis.instruments.probe import ...`): this file imports
nothing, so that the command line can answer questions about ground truth without loading JAX.
"""

from toylab import guard as _guard  # noqa: F401 (which says what stands in the way)

from . import earlier_names as earlier_names
