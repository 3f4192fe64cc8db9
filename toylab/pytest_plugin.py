"""The pytest plugin: a store in which runs and verdicts outlive the session, so that a test of a theory costs
its training once.
"""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def toylab_store(request: pytest.FixtureRequest) -> Path:
    """A folder of pytest's cache for `toylab.testing.put(claim, process, store=toylab_store)`; `pytest
    --cache-clear` empties it.
    """
    cache: pytest.Cache | None = getattr(request.config, "cache", None)
    if cache is None:  # -p no:cacheprovider
        return request.getfixturevalue("tmp_path_factory").mktemp("toylab")
    return cache.mkdir("toylab")
