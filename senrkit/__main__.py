"""`python -m senrkit` is `senrkit`."""

from __future__ import annotations

from senrkit.cli import main

if __name__ == "__main__":
    main()
