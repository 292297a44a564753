from __future__ import annotations

import shutil

import pytest

from tests.dashboard.servers import browsing, serving


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("dashboard") / "home"


@pytest.fixture(scope="session")
def server(home):
    """One Voila for all browser tests; a kernel whose page is gone is culled after six seconds."""
    if shutil.which("chromium") is None:
        pytest.skip("needs Debian's chromium: scripts/test.sh installs it")
    with serving(home, "--idle-minutes", "0.1") as running:
        yield running


@pytest.fixture(scope="session")
def browser():
    with browsing() as opened:
        yield opened
