from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.dashboard.servers import browsing, serving, settled


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


@pytest.fixture(scope="session")
def shots(home):
    folder = Path(os.environ.get("SENRKIT_SHOTS") or home.parent / "shots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def axe():
    from axe_playwright_python.sync_playwright import Axe

    return Axe()


@pytest.fixture(scope="session")
def look(axe, shots):
    """Every screen is photographed, and scanned for what WCAG AA forbids, in light and in dark."""

    def look(page, name: str) -> None:
        settled(page)
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=shots / f"{name}{'_dark' if scheme == 'dark' else ''}.png")
            found = axe.run(page).response["violations"]
            grave = [
                (one["id"], [node["html"][:150] for node in one["nodes"][:3]])
                for one in found
                if one["impact"] in ("serious", "critical")
            ]
            assert not grave, (name, scheme, grave)

    return look
