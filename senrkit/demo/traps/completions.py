"""Traps of the rule book's second edition: completions, graduates, and enrollments that Aeries leaves out."""

from __future__ import annotations

import datetime as dt

from senrkit.demo.days import DAY, Calendar
from senrkit.demo.traps.record import Aeries, State, Trap

PRESCHOOL = -2
BILITERACY = "SSB"
_DIPLOMA = {"HSG": "DIP", "GEX": "N", "CUC": "Y", "CCS": "Y"}
_SENT = {"completion": "100", "uc_csu": "Y", "golden_state_seal": "N", "graduation_exemption": "N"}


def traps(c: Calendar) -> tuple[Trap, ...]:
    """Completions, graduate fields, preschool exits, what was left out in Aeries."""
    return (*_completions(c), *_graduates(c), *_exits(c), *_left_out(c))


def _completions(c: Calendar) -> tuple[Trap, ...]:
    first, late, summer = c.first, c.at(0.7), dt.date(c.year, 7, 20)
    october = c.at(0.3)
    last_year = State(dt.date(c.year - 1, 8, 15), dt.date(c.year, 6, 5), "E156", "out-of-scope")
    one_day = {"exit": summer, "reason": "E230", "completion": "100"}
    senior = {"grade": 12, "years": 0}
    return (
        Trap(
            "summer-completion-settled",
            "Completed in the summer: CALPADS has the row of one day, Aeries keeps none.",
            (last_year, State(summer, gives="settled-completion", **one_day)),
            stu={"TG": "I"},
            **senior,
        ),
        Trap(
            "summer-completion-of-an-unknown-student",
            "Completed in the summer, and no longer in Aeries at all.",
            (last_year, State(summer, gives="settled-completion", **one_day)),
            known=False,
            **senior,
        ),
        Trap(
            "summer-completion-in-aeries",
            "Completed in the summer, with the day in Aeries (STU.DG): both sides have the row of one day.",
            (last_year, State(summer, uc_csu="Y", graduation_exemption="N", golden_state_seal="N", biliteracy_seal="N",
                              **one_day)),
            stu={**_DIPLOMA, "DG": summer, "TG": "I"},
            **senior,
        ),
        Trap(
            "completion-of-one-day-in-term",
            "A completion of one day during the school year is an ordinary row.",
            (State(october, october, "E230", "delete:no-current-year-enrollment", completion="100"),),
            at_risk=True,
            known=False,
            **senior,
        ),
        Trap(
            "completion-closes",
            "The completion has a date, and the enrollment is still open: it ends on that day.",
            (State(first, gives="update:completion"),),
            (Aeries(first),),
            stu={"HSG": "CRT", "DG": late},
            grade=12,
        ),
        Trap(
            "completion-to-come",
            "The completion's date is after today: the enrollment counts as open.",
            (State(first),),
            (Aeries(first),),
            stu={"HSG": "CRT", "DG": c.as_of + 5 * DAY},
            grade=12,
        ),
        Trap(
            "completion-without-date",
            "A completion status without its date closes nothing before year end.",
            (State(first),),
            (Aeries(first),),
            stu={"HSG": "CRT"},
            grade=12,
            information="completion-without-date",
        ),
        Trap(
            "completion-of-last-june",
            "A completion from before the enrollment stays in Aeries and says nothing.",
            (State(first),),
            (Aeries(first),),
            stu={"HSG": "CRT", "DG": dt.date(c.year, 6, 5)},
            grade=12,
        ),
    )  # fmt: skip


def _graduates(c: Calendar) -> tuple[Trap, ...]:
    first, late = c.first, c.at(0.7)
    left = (Aeries(first, late, "230"),)
    return (
        Trap(
            "graduate",
            "A graduate: UC/CSU, seals and exemption go out with the exit.",
            (State(first, gives="update:exit"),),
            left,
            stu={**_DIPLOMA, "DG": late},
            grade=12,
        ),
        Trap(
            "graduate-with-seal",
            "A graduate with the Seal of Biliteracy among the awards; CALPADS has N.",
            (State(first, late, "E230", "update:values-changed", biliteracy_seal="N", **_SENT),),
            left,
            stu={**_DIPLOMA, "DG": late},
            grade=12,
            award=BILITERACY,
        ),
        Trap(
            "graduate-without-exemption",
            "A graduate whose exemption is blank in Aeries: it goes out as N.",
            (State(first, late, "E230", biliteracy_seal="N", **_SENT),),
            left,
            stu={**_DIPLOMA, "DG": late, "GEX": ""},
            grade=12,
        ),
        Trap(
            "graduate-uc-and-csu-differ",
            "UC is met and CSU is not: the setting uc_csu decides.",
            (State(first, late, "E230", biliteracy_seal="N", **_SENT),),
            left,
            stu={**_DIPLOMA, "DG": late, "CCS": "N"},
            grade=12,
            information="uc-csu-differ",
        ),
    )


def _exits(c: Calendar) -> tuple[Trap, ...]:
    first, early, late = c.first, c.at(0.4), c.at(0.7)
    canceled = Aeries(first, first - DAY, "470", "left-out:secondary-no-show", school="there", program="C")
    return (
        Trap(
            "preschool-not-eligible",
            "A preschool child who was assessed and is not eligible keeps the no-show code.",
            (State(first, gives="update:exit"),),
            (Aeries(first, first, "470"),),
            grade=PRESCHOOL,
            years=0,
        ),
        Trap(
            "preschool-third-birthday",
            "A preschool child changes its status: E150, and a new enrollment on the next day.",
            (State(early, gives="update:mid-year-change"),),
            (
                Aeries(early, late, "440"),
                Aeries(late + DAY, gives="add:mid-year-change", program="N"),
            ),
            grade=PRESCHOOL,
            years=0,
        ),
        Trap(
            "secondary-no-show",
            "A canceled secondary enrollment: CALPADS should hold none.",
            (State(first), State(first, gives="delete:not-in-aeries", school="there", status="20")),
            (Aeries(first), canceled),
        ),
        Trap(
            "receiver-not-named",
            "Exit T165 without the school that the student is expected at.",
            (State(first, late, "T165"),),
            (Aeries(first, late, "165"),),
            information="receiver-missing",
        ),
    )


def _left_out(c: Calendar) -> tuple[Trap, ...]:
    first, soon = c.first, c.as_of + 10 * DAY
    held = "hold:left-out-in-aeries"
    return (
        Trap(
            "tag-skipped-with-row",
            "The tag * says not to report; CALPADS has the enrollment. Nobody said delete.",
            (State(first, gives=held),),
            (Aeries(first, gives="left-out:tag-skipped"),),
            years=0,
            stu={"TG": "*"},
        ),
        Trap(
            "program-skipped-with-row",
            "The settings leave the program out; the row in CALPADS is left as it is.",
            (State(first, gives="left-as-is"),),
            (Aeries(first, gives="left-out:program-skipped", program="Z"),),
            years=0,
        ),
        Trap(
            "start-to-come-with-row",
            "Aeries has a start to come; CALPADS has the enrollment already, from another day.",
            (State(first, gives=held),),
            (Aeries(soon, gives="left-out:future-dated"),),
            years=0,
        ),
    )
