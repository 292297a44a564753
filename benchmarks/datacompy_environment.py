"""The peers' own environment: datacompy pins an older pandas than senrkit's, so that the two cannot share one, and
DuckDB is none of senrkit's packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path


def datacompy_python(data: Path) -> Path:
    """The Python of that environment, made with uv the first time.

    Raises
    ------
    RuntimeError
        when it cannot be made, as without a network.
    """
    folder = data / "peers"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = folder / "ready"
    if not ready.is_file():
        uv = shutil.which("uv", path=os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))))
        if uv is None:
            raise RuntimeError("uv is not installed")
        _run(uv, "venv", "--clear", "--python", sys.executable, str(folder))
        _run(uv, "pip", "install", "--python", str(python), "datacompy", "duckdb", "polars", "pyarrow")
        ready.touch()
    return python


def _run(*words: str) -> None:
    done = subprocess.run((words[0], "--quiet", *words[1:]), stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise RuntimeError(f"uv {words[1]} ended with exit code {done.returncode}")
