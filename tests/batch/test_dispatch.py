"""Which LEA begins where and when, and how often: the rules, against an engine of this test's own."""

from __future__ import annotations

import pytest

from senrkit.batch import dispatch as dispatching
from senrkit.batch.dispatch import EngineGone, Job, Outcome, Task, dispatch
from senrkit.batch.document import gravest, new_document, new_entry, with_outcome
from senrkit.batch.local import side_by_side

OUTCOMES = {
    "done": {"state": "done", "exit_code": 0, "elsewhere": False},
    "failed": {"state": "failed", "exit_code": 3, "elsewhere": False},
    "full": {"state": "failed", "exit_code": 3, "elsewhere": True},
    "lost": None,
}


class Scripted:
    """Each LEA comes to the outcomes written for it, one after the other; `began` has who began where."""

    name = "scripted"

    def __init__(self, places: str, script: dict[str, str], apart: bool = True) -> None:
        self._places, self.apart = places.split(), apart
        self._script = {lea: outcomes.split() for lea, outcomes in script.items()}
        self._at_work: list[tuple[str, str]] = []
        self.began: list[str] = []

    def places(self) -> list[str]:
        return self._places

    def start(self, job: Job, place: str) -> None:
        assert place not in [taken for _, taken in self._at_work]
        self._at_work.append((job.lea, place))
        self.began.append(f"{job.lea}@{place}")

    def ended(self, patience: float) -> list[Outcome]:
        if not self._at_work:
            return []
        lea, place = self._at_work.pop(0)
        outcome = OUTCOMES[self._script[lea].pop(0)]
        return [Outcome(lea, place, outcome and dict(outcome))]


def tasks(*leas: str, sizes: tuple[int, ...] = ()) -> list[Task]:
    jobs = [Job(lea, f"{lea}.toml", "", "", "2026-11-23", "out", "out/.in-progress", "1") for lea in leas]
    sizes = sizes or (0,) * len(leas)
    return [Task(job, new_entry(job.lea, "", "", ""), size) for job, size in zip(jobs, sizes, strict=True)]


RULES = {
    "the largest begin first": ("p", "A=done B=done C=done", (1, 3, 2), "B@p C@p A@p", "done done done"),
    "one at a time at each place": ("p q", "A=done B=done C=done", (), "A@p B@q C@p", "done done done"),
    "a fault of the LEA is final": ("p q", "A=failed B=done", (), "A@p B@q", "failed done"),
    "a lost worker's LEA begins again": ("p", "A=lost,done B=done", (), "A@p A@p B@p", "done done"),
    "and again": ("p", "A=lost,lost,done", (), "A@p A@p A@p", "done"),
    "but not for ever": ("p", "A=lost,lost,lost B=done", (), "A@p A@p A@p B@p", "failed done"),
    "who found no room goes elsewhere": ("p q", "A=full,done B=done", (), "A@p B@q A@q", "done done"),
    "and waits for it": ("p q", "A=full,done B=done C=done", (), "A@p B@q C@p A@q", "done done done"),
    "until there is no other place": ("p q", "A=full,full", (), "A@p A@q", "failed"),
    "no room where all have one disk": ("p q", "A=full", None, "A@p", "failed"),
}


@pytest.mark.parametrize(("places", "script", "sizes", "began", "states"), RULES.values(), ids=RULES)
def test_rule(places, script, sizes, began, states):
    outcomes = {lea: said.replace(",", " ") for lea, said in (one.split("=") for one in script.split())}
    engine = Scripted(places, outcomes, apart=sizes is not None)
    todo, reported = tasks(*outcomes, sizes=sizes or ()), []
    dispatch(todo, engine, 2, reported.append)
    assert " ".join(engine.began) == began
    assert " ".join(task.entry["state"] for task in todo) == states
    assert sorted(entry["lea"] for entry in reported if entry) == sorted(outcomes)
    assert [task.entry["attempts"] for task in todo] == [
        sum(one.startswith(lea) for one in engine.began) for lea in outcomes
    ]


def test_without_retries_one_loss_is_enough():
    todo = tasks("A")
    dispatch(todo, Scripted("p", {"A": "lost"}), 0, lambda entry: None)
    assert todo[0].entry["message"].startswith("The worker that ran this LEA was lost once")


def test_without_workers_the_batch_gives_up(monkeypatch):
    monkeypatch.setattr(dispatching, "_ROUNDS_ALONE", 3)
    with pytest.raises(EngineGone, match="No worker is left"):
        dispatch(tasks("A"), Scripted("", {"A": "done"}), 2, lambda entry: None)


GRAVEST = {(): 0, (0, 0): 0, (0, 5): 5, (5, 4): 4, (4, 3, 5): 3, (3, 2): 2, (5, 1, 2): 1, (None, 5): 5}


@pytest.mark.parametrize(("codes", "expected"), GRAVEST.items())
def test_the_gravest_exit_code(codes, expected):
    assert gravest(codes) == expected


def test_an_unfinished_batch_has_no_exit_code():
    document = new_document("leas", "2026-11-23", False, "1") | {"leas": [new_entry("A", "", "", "")]}
    assert with_outcome(document, "interrupted", "Stopped.")["exit_code"] is None
    assert with_outcome(document, "interrupted")["states"]["waiting"] == 1


MIB = 1 << 20
SIDE_BY_SIDE = {
    "no more than LEAs": (2, 0, 64, 64 * 1024, 2),
    "no more than cores": (100, 0, 4, 64 * 1024, 4),
    "no more than there is memory for": (100, 100 * MIB, 64, 8000, 6),
    "one at least": (100, 4000 * MIB, 64, 1000, 1),
}


@pytest.mark.parametrize(("leas", "largest", "cores", "free", "expected"), SIDE_BY_SIDE.values(), ids=SIDE_BY_SIDE)
def test_how_many_at_a_time(monkeypatch, leas, largest, cores, free, expected):
    from types import SimpleNamespace

    monkeypatch.setattr("dask.system.CPU_COUNT", cores)
    monkeypatch.setattr("distributed.system.MEMORY_LIMIT", 1 << 50)
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=free * MIB))
    assert side_by_side(leas, largest) == expected
