"""What activations alone tell of beliefs, without inputs and without order (docs/mechanisms.md)."""

from processes.values import earlier

from .beliefs import BeliefDistribution as BeliefDistribution
from .beliefs import belief_distribution as belief_distribution
from .beliefs import symmetric_beliefs as symmetric_beliefs
from .match import Match as Match
from .match import explained as explained
from .match import match as match
from .naming import CANDIDATES as CANDIDATES
from .naming import Identification as Identification
from .naming import Named as Named
from .naming import identified as identified
from .naming import identify as identify
from .plane import Cloud as Cloud
from .plane import cloud as cloud

__getattr__ = earlier.names(
    __name__, {"BeliefLaw": "BeliefDistribution", "belief_law": "belief_distribution"}
)
