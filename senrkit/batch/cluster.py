"""Workers of a Dask cluster: an existing one behind its scheduler, or one of our own on this machine.

Each worker process is given one LEA at a time, by name: so memory can be planned, and it is known who is lost with a
worker. Dask carries the work there and back and notices who is gone; which LEA is tried again, and where, is decided in
`dispatch`, as for every engine.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import queue
import secrets
import signal
from collections.abc import Iterator
from typing import Any

from senrkit.batch.cluster_checks import check_cluster, checked_address, no_answer
from senrkit.batch.dispatch import Engine, EngineGone, Job, Outcome
from senrkit.batch.home import Home
from senrkit.batch.worker import run_lea

_CONNECT_SECONDS = 30
# What a busy machine may take to hand over a few hundred bytes; a worker that is lost is noticed at once all the same.
_FETCH_SECONDS = 300


class Cluster(Engine):
    """The workers behind the scheduler at `address`; the batch's home must be one that they share."""

    name, apart = "scheduler", True

    def __init__(self, address: str, home: Home) -> None:
        self._address, self._home = address, home
        self._stack = contextlib.ExitStack()
        self._client: Any = None
        self._at: dict[str, tuple[Job, Any]] = {}
        self._over: queue.SimpleQueue[Any] = queue.SimpleQueue()
        # Two batches may use one scheduler, and to Dask what has the same name is the same work.
        self._batch = secrets.token_hex(4)

    def __enter__(self) -> Cluster:
        with self._stack:
            self._open()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):
            self._client.cancel([future for _, future in self._at.values()], force=True)
        self._stack.close()

    def _open(self) -> None:
        import dask
        from distributed import Client

        # What Dask has to say of lost workers and connections is said by the batch, in its own words.
        for name in ("distributed", "distributed.client"):
            logger = logging.getLogger(name)
            self._stack.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.CRITICAL)
        self._stack.enter_context(dask.config.set({"distributed.comm.timeouts.connect": f"{_CONNECT_SECONDS}s"}))
        target = self._made() or checked_address(self._address, _CONNECT_SECONDS)
        try:
            client = Client(target, timeout=_CONNECT_SECONDS, set_as_default=False)
        except OSError:
            raise no_answer(self._address) from None
        self._client = self._stack.enter_context(client)
        check_cluster(self._client, self._address, self._home)

    def _made(self) -> Any:
        """A cluster of our own, when this is one; it ends with this."""
        return None

    def places(self) -> list[str]:
        return [address for address, worker in self._workers().items() if worker["status"] == "running"]

    def start(self, job: Job, place: str) -> None:
        with self._connected():
            future = self._client.submit(
                run_lea,
                dataclasses.asdict(job),
                key=f"senrkit-lea-{job.lea}-{self._batch}-{secrets.token_hex(2)}",
                workers=[place],
                pure=False,
            )
        self._at[place] = job, future
        future.add_done_callback(self._over.put)

    def ended(self, patience: float) -> list[Outcome]:
        over = set()
        with contextlib.suppress(queue.Empty):
            over.add(self._over.get(timeout=patience))
            while True:
                over.add(self._over.get_nowait())
        there = self._workers()
        # A future that was given up, as its worker was lost, may be over later all the same.
        places = [place for place, (_, future) in self._at.items() if future in over or place not in there]
        return [self._fetched(place) for place in places]

    def _fetched(self, place: str) -> Outcome:
        job, future = self._at.pop(place)
        result = None
        if future.status == "finished":
            # What goes wrong here is the cluster's: an LEA's own faults are results.
            with contextlib.suppress(Exception):
                result = future.result(timeout=_FETCH_SECONDS)
        self._refuse_gone()
        if future.done():
            future.release()
        else:
            future.cancel(force=True)
        return Outcome(job.lea, place, result)

    def _workers(self) -> dict[str, Any]:
        with self._connected():
            return self._client.scheduler_info(n_workers=-1)["workers"]

    @contextlib.contextmanager
    def _connected(self) -> Iterator[None]:
        self._refuse_gone()
        try:
            yield
        except Exception as fault:
            if self._client.status == "running" and not isinstance(fault, (OSError, RuntimeError)):
                raise
            raise self._gone() from None

    def _refuse_gone(self) -> None:
        if self._client.status != "running":
            raise self._gone()

    def _gone(self) -> EngineGone:
        return EngineGone(
            f"The Dask scheduler at {self._address} is gone.", "Start it again, then give the same command again."
        )


class LocalCluster(Cluster):
    """A cluster of our own: `count` processes that are restarted when they die, each with its share of the memory."""

    name, apart = "workers", False

    def __init__(self, count: int, memory_limit: str | None, home: Home) -> None:
        super().__init__("", home)
        self._count, self._memory_limit = count, memory_limit

    def _made(self) -> Any:
        from distributed import LocalCluster as Workers
        from distributed.security import Security

        limit = {"memory_limit": self._memory_limit} if self._memory_limit else {}
        made = Workers(
            n_workers=self._count,
            threads_per_worker=1,
            host="127.0.0.1",
            # No dashboard, but Dask keeps a port for its health check; 0 is any that is free.
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            # Other people of this machine reach loopback too; without keys, whoever reaches a scheduler may run code.
            security=Security.temporary(),
            preload=["senrkit.batch.cluster"],
            silence_logs=logging.CRITICAL,
            **limit,
        )
        self._stack.enter_context(made)
        self._address = made.scheduler_address
        return made


def dask_setup(worker: object) -> None:
    """Leave Ctrl-C to the batch: a terminal tells every process of it, and the batch stops its workers itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
