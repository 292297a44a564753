"""What a command loads: neither pandas nor pyarrow, which take longer to load than a small district to compare."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys

import pytest

from senrkit import demo

SCRIPT = """
import sys
from senrkit.cli.main import main
try:
    main()
except SystemExit:
    pass
print(*sorted({"pandas", "pyarrow", "sqlalchemy"} & set(sys.modules)), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def district(tmp_path_factory):
    made = demo.make(tmp_path_factory.mktemp("loads") / "demo", 300, 1, dt.date(2026, 11, 23))
    return made.settings_file.parent


@pytest.mark.parametrize("command", ["check", "run", "student 9000000001", "language", "validate SENR_ODS.txt"])
def test_pandas_and_pyarrow_stay_away(district, command):
    words = [sys.executable, "-c", SCRIPT, *command.split()]
    done = subprocess.run(words, cwd=district, capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1].strip() == ""
