"""`python -m senrkit` is `senrkit`."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        # The current folder, which `python -m` puts first: a calendar.py there would be taken for Python's own.
        del sys.path[0]
    from pathlib import Path

    here = str(Path(__file__).parents[1])
    if here not in sys.path:
        # A checkout that is not installed was found by that folder; its worker processes look for it too.
        sys.path.append(here)
    from senrkit.cli.main import main

    main()
