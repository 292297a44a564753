"""What each worker of a cluster of our own does first; Dask calls `dask_setup`."""

from __future__ import annotations

import signal


def dask_setup(worker: object) -> None:
    """Leave Ctrl-C to the batch: a terminal tells every process of it, and the batch stops its workers itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
