"""`from toylab.testing import put`: `analysis.testing` under the one name, the very module."""

import sys
from typing import TYPE_CHECKING

from analysis import testing

if TYPE_CHECKING:
    from analysis.testing import SMALL as SMALL
    from analysis.testing import Search as Search
    from analysis.testing import askable as askable
    from analysis.testing import probeable_hmms as probeable_hmms
    from analysis.testing import put as put
    from analysis.testing import search as search
    from analysis.testing import worth as worth

sys.modules[__name__] = testing
