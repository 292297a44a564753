"""Where the dashboard finds and keeps things: settings files, dropped and uploaded extracts, run folders.

Everything stands below one folder, the person's home for this work. Nothing is remembered elsewhere, so that a closed
tab, a second tab or a killed kernel lose nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from senrkit.errors import UsageError

HOME, DROP, USER_HEADER = "SENRKIT_HOME", "SENRKIT_DROP", "SENRKIT_USER_HEADER"
UPLOADS_KEPT_DAYS = 30
_LOOKED_IN = 3
_PASSED_OVER = {"runs", "uploads", "submission", "node_modules"}
_EXTRACT_ENDINGS = {".txt", ".csv", ".zip", ".dat"}


@dataclass(frozen=True)
class FoundFile:
    """A file to choose: `title` is what people see, `size` in bytes, `changed` its time."""

    path: Path
    title: str
    size: int
    changed: datetime


@dataclass(frozen=True)
class PastRun:
    """A run folder as the list of runs shows it: the manifest's own figures, no student."""

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def made(self) -> datetime:
        return datetime.fromisoformat(self.manifest["made"])

    @property
    def stopped(self) -> bool:
        return self.manifest["balance"] is None


@dataclass(frozen=True)
class Places:
    """The folders of one person. `drop` is where large extracts are laid for this dashboard to find."""

    home: Path
    drop: Path
    person: str = ""

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] | None = None) -> Places:
        """From what `senrkit dashboard` handed to the kernel.

        Behind a single sign-on the proxy names the person in a header, and each has a home of their own: one cannot
        see another's runs.

        Raises
        ------
        UsageError
            when a header was announced and the request came without it.
        """
        given = os.environ if environment is None else environment
        home = Path(given.get(HOME) or ".").absolute()
        person = ""
        if header := given.get(USER_HEADER):
            person = given.get(f"HTTP_{header.upper().replace('-', '_')}", "").strip()
            if not person:
                raise UsageError(
                    "The sign-on did not say who you are.", "Open the dashboard through the district's own address."
                )
            home = home / _folder_name(person)
        drop = Path(given[DROP]).absolute() if given.get(DROP) else home / "drop"
        return cls(home, drop, person)

    @property
    def uploads(self) -> Path:
        return self.home / "uploads"

    def prepare(self) -> None:
        """Make the home, private to the person, and let go of extracts uploaded long ago: they hold student data."""
        for folder in (self.home, self.uploads):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in self.uploads.iterdir():
            if time.time() - left.stat().st_mtime > UPLOADS_KEPT_DAYS * 24 * 3600:
                shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)

    def settings_files(self) -> list[Path]:
        """Settings files in the home and the folders in it, nearest first."""
        found = [path for depth in range(_LOOKED_IN) for path in self.home.glob("*/" * depth + "*.toml")]
        return [
            path for path in found if not _PASSED_OVER & set(path.relative_to(self.home).parts) and _is_settings(path)
        ]

    def dropped(self) -> list[FoundFile]:
        """Files in the drop folder that may be extracts, newest first."""
        if not self.drop.is_dir():
            return []
        files = [path for path in self.drop.iterdir() if path.suffix.lower() in _EXTRACT_ENDINGS and path.is_file()]
        return sorted(map(found_file, files), key=lambda one: one.changed, reverse=True)

    def runs(self, folders: list[Path]) -> list[PastRun]:
        """Runs in the given `runs` folders, newest first; a folder without a readable manifest is not a run."""
        found = []
        for manifest in (path for folder in folders if folder.is_dir() for path in folder.glob("*/manifest.json")):
            run = open_run(manifest.parent)
            if run is not None:
                found.append(run)
        return sorted(found, key=lambda run: run.manifest["made"], reverse=True)


def open_run(folder: Path) -> PastRun | None:
    """The run in a folder, or `None` when there is none."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        run = PastRun(folder, manifest)
        return run if run.made and "preconditions" in manifest else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def found_file(path: Path) -> FoundFile:
    """What a list of files shows of one."""
    known = path.stat()
    return FoundFile(path, path.name, known.st_size, datetime.fromtimestamp(known.st_mtime).astimezone())


def safe_name(name: str) -> str:
    """A name from a browser as one of ours: no folder, nothing odd, never empty."""
    kept = re.sub(r"[^A-Za-z0-9._-]+", "_", Path(name.replace("\\", "/")).name).strip("._")
    return kept[-80:] or "extract.txt"


def _folder_name(person: str) -> str:
    # Two people whose names differ only in what a folder cannot hold must not share one.
    readable = re.sub(r"[^a-z0-9]+", "-", person.lower()).strip("-")[:40] or "person"
    return f"{readable}-{hashlib.sha256(person.encode()).hexdigest()[:16]}"


def _is_settings(path: Path) -> bool:
    try:
        head = path.read_text(encoding="utf-8-sig")[:20_000]
    except (OSError, UnicodeDecodeError):
        return False
    return "school_year" in head and "[calpads]" in head
