"""Traps about how an enrollment ends: exits, completers, secondary and short-term enrollments, preschool, NPS."""

from __future__ import annotations

from senrkit.demo.days import DAY, Calendar
from senrkit.demo.traps.record import Aeries, State, Trap

OPEN_IN_CALPADS = "update:exit"
PRESCHOOL, ADULT = -2, 40


def traps(c: Calendar) -> tuple[Trap, ...]:
    """Exits, completers, exits by status."""
    return (*_plain(c), *_completers(c), *_by_status(c), *_elsewhere(c))


def _plain(c: Calendar) -> tuple[Trap, ...]:
    first, early, late = c.first, c.at(0.4), c.at(0.7)
    return (
        Trap(
            "exit-missing",
            "The student left; CALPADS does not know.",
            (State(first, gives=OPEN_IN_CALPADS),),
            (Aeries(first, late, "160"),),
        ),
        Trap(
            "exit-date-wrong",
            "Both sides are closed, on different days.",
            (State(first, early, "T160", "update:exit-changed"),),
            (Aeries(first, late, "160"),),
        ),
        Trap(
            "exit-reason-wrong",
            "Both sides are closed on the same day, with different reasons.",
            (State(first, late, "T160", "update:exit-changed"),),
            (Aeries(first, late, "180"),),
        ),
        Trap(
            "reopened",
            "CALPADS has an exit; in Aeries the student is still enrolled.",
            (State(first, early, "T160", "update:reopened"),),
            (Aeries(first),),
        ),
        Trap(
            "exit-in-the-future",
            "Aeries already has a leave date after today: the enrollment counts as open.",
            (State(first),),
            (Aeries(first, c.as_of + 5 * DAY, "160"),),
        ),
        Trap(
            "local-exit-letters",
            "The local exit reason MOV means T160: equal after translation.",
            (State(first, late, "T160"),),
            (Aeries(first, late, "MOV"),),
        ),
        Trap(
            "receiver-school-missing",
            "Referred to the continuation school; CALPADS lacks the receiver school.",
            (State(first, late, "T167", "update:values-changed"),),
            (Aeries(first, late, "167", next="continuation"),),
            grade=10,
        ),
        Trap(
            "receiver-school-same",
            "Referred to the continuation school, with the receiver school, on both sides.",
            (State(first, late, "T167", receiver="continuation"),),
            (Aeries(first, late, "167", next="continuation"),),
            grade=11,
        ),
    )


def _completers(c: Calendar) -> tuple[Trap, ...]:
    first, early, late = c.first, c.at(0.4), c.at(0.7)
    diploma = {"HSG": "DIP", "DG": late, "GEX": "N"}
    return (
        Trap(
            "completer",
            "Finished with a certificate (E230 with completion 120); open in CALPADS.",
            (State(first, gives=OPEN_IN_CALPADS),),
            (Aeries(first, late, "230"),),
            grade=12,
            stu={"HSG": "CRT", "DG": late},
        ),
        Trap(
            "completion-without-e230",
            "A completion status is filled but the student left otherwise: it does not go out.",
            (State(first, late, "T160"),),
            (Aeries(first, late, "160"),),
            grade=12,
            stu={"HSG": "CRT"},
        ),
        Trap(
            "graduate-other-day",
            "A graduate on both sides, with different last days.",
            (
                State(
                    first,
                    early,
                    "E230",
                    "update:exit-changed",
                    completion="100",
                    uc_csu="Y",
                    golden_state_seal="N",
                    biliteracy_seal="Y",
                    graduation_exemption="N",
                ),
            ),
            (Aeries(first, late, "230"),),
            grade=12,
            stu=diploma,
        ),
        Trap(
            "completion-missing",
            "Exited as a completer (E230), but the completion status is blank in Aeries.",
            (State(first, gives=OPEN_IN_CALPADS),),
            (Aeries(first, late, "230"),),
            grade=12,
            rejected_by="SENR0022",
        ),
        Trap(
            "graduate-enrolled-again",
            "Graduated last year in CALPADS, and is enrolled in Aeries again.",
            (),
            (Aeries(first, gives="add:missing-in-calpads"),),
            grade=12,
            graduated=True,
            rejected_by="SENR0587",
        ),
        Trap(
            "graduate-exited-again",
            "Graduated last year in CALPADS; a closed stay of this year would be added.",
            (),
            (Aeries(first, late, "160", "add:missing-in-calpads"),),
            grade=12,
            graduated=True,
            rejected_by="SENR0586",
        ),
    )


def _by_status(c: Calendar) -> tuple[Trap, ...]:
    first, late, recent = c.first, c.at(0.7), c.as_of - 12 * DAY
    return (
        Trap(
            "secondary-exit",
            "A second school (status 20): any exit becomes E170.",
            (State(first), State(first, gives=OPEN_IN_CALPADS, school="there", status="20")),
            (Aeries(first), Aeries(first, late, "160", school="there", program="C")),
            grade=9,
        ),
        Trap(
            "secondary-exit-right",
            "A second school, already closed with E170.",
            (State(first), State(first, late, "E170", school="there", status="20")),
            (Aeries(first), Aeries(first, late, "180", school="there", program="C")),
            grade=9,
        ),
        Trap(
            "secondary-reported-as-primary",
            "The second school stands in CALPADS as a primary enrollment.",
            (State(first), State(first, gives="update:values-changed", school="there")),
            (Aeries(first), Aeries(first, school="there", program="C")),
            grade=9,
        ),
        Trap(
            "short-term-exit",
            "A short stay (status 30) at the continuation school has ended: it keeps its own exit reason.",
            (State(first), State(recent, gives=OPEN_IN_CALPADS, school="continuation", status="30")),
            (Aeries(first), Aeries(recent, c.as_of - 3 * DAY, "160", school="continuation", program="S")),
            grade=11,
        ),
        Trap(
            "short-term-too-long",
            "A short stay (status 30) of more than 30 days.",
            (State(first, gives=OPEN_IN_CALPADS, school="continuation", status="30"),),
            (Aeries(first, first + 31 * DAY, "160", school="continuation", program="S"),),
            grade=11,
            rejected_by="SENR0187",
        ),
        Trap(
            "private-school-exit",
            "A private-school pupil with a service plan (status 50): the exit becomes E170.",
            (State(first, gives=OPEN_IN_CALPADS, school="private", status="50"),),
            (Aeries(first, late, "160", school="private", program="N"),),
            grade=4,
        ),
        Trap(
            "private-school-same",
            "A private-school pupil with a service plan, equal on both sides.",
            (State(first, school="private", status="50"),),
            (Aeries(first, school="private", program="N"),),
            grade=4,
        ),
    )


def _elsewhere(c: Calendar) -> tuple[Trap, ...]:
    first, late = c.first, c.at(0.7)
    return (
        Trap(
            "preschool-exit",
            "A preschool child left: any exit becomes E450.",
            (State(first, gives=OPEN_IN_CALPADS),),
            (Aeries(first, late, "160"),),
            grade=PRESCHOOL,
            years=0,
        ),
        Trap(
            "preschool-exit-right",
            "A preschool child who left, already closed with E450.",
            (State(first, late, "E450"),),
            (Aeries(first, late, "200"),),
            grade=PRESCHOOL,
            years=0,
        ),
        Trap(
            "adult-exit",
            "An adult student left for another adult school (260, which needs no translation).",
            (State(first, gives=OPEN_IN_CALPADS),),
            (Aeries(first, late, "260"),),
            grade=ADULT,
            years=1,
        ),
        Trap(
            "nonpublic-exit",
            "A pupil placed in a nonpublic school left.",
            (State(first, gives=OPEN_IN_CALPADS, school="nps", nps="9999999"),),
            (Aeries(first, late, "160", school="nps", nps="9999999"),),
        ),
        Trap(
            "home-school-exit",
            "A pupil of independent study, reported under the home school, left.",
            (State(first, gives=OPEN_IN_CALPADS),),
            (Aeries(first, late, "160", school="virtual", home="here"),),
        ),
        Trap(
            "home-school-same",
            "A pupil of independent study, reported under the home school, equal on both sides.",
            (State(first),),
            (Aeries(first, school="virtual", home="here", program="I"),),
        ),
    )
