"""Traps about who it is: SSIDs, names, birth dates, and rows of Aeries that cannot be."""

from __future__ import annotations

from senrkit.demo.days import DAY, Calendar
from senrkit.demo.traps.record import Aeries, State, Trap

CONFLICT = "hold:identity-conflict"
OVERLAP, IMPOSSIBLE = "hold:aeries-overlap", "hold:aeries-date-error"
NO_SSID = "left-out:no-ssid"


def traps(c: Calendar) -> tuple[Trap, ...]:
    """SSIDs, names, overlapping and impossible rows."""
    return (*_ssids(c), *_likeness(c), *_names(c), *_overlaps(c), *_dates(c))


def _ssids(c: Calendar) -> tuple[Trap, ...]:
    first = c.first
    return (
        Trap(
            "no-ssid",
            "Enrolled in Aeries without an SSID.",
            (),
            (Aeries(first, gives=NO_SSID),),
            years=0,
            aeries_as={"ssid": ""},
        ),
        Trap(
            "short-ssid",
            "The SSID in Aeries has only eight digits.",
            (),
            (Aeries(first, gives=NO_SSID),),
            years=0,
            aeries_as={"ssid": "90000000"},
        ),
        Trap(
            "ssid-on-wrong-child",
            "Birth date and last name differ: the SSID belongs to somebody else.",
            (State(first, gives=CONFLICT),),
            (Aeries(first),),
            state_as={"last": "Unlikefield", "birth": 400},
            information="demographics-differ",
        ),
        Trap(
            "ssid-not-in-aeries",
            "Aeries has no SSID for the student, but CALPADS knows the same local id.",
            (State(first, gives=CONFLICT),),
            (Aeries(first, gives=NO_SSID),),
            grade=6,
            aeries_as={"ssid": ""},
        ),
        Trap(
            "other-ssid-same-local-id",
            "CALPADS has the same local id under another SSID.",
            (State(first, gives=CONFLICT),),
            (Aeries(first, gives=CONFLICT),),
            grade=6,
            state_as={"ssid": "spare"},
        ),
        Trap(
            "other-ssid-same-child",
            "CALPADS has the same names and birth date under another SSID.",
            (State(first, gives=CONFLICT),),
            (Aeries(first, gives=CONFLICT),),
            grade=6,
            state_as={"ssid": "spare", "local_id": "spare"},
        ),
        Trap(
            "two-children-one-ssid",
            "Two live students in Aeries have the same SSID.",
            (State(c.at(0.5), gives=CONFLICT),),
            (Aeries(c.at(0.5)), Aeries(first, c.at(0.3), "160", CONFLICT, school="there", role=1)),
            years=0,
            roles=2,
        ),
        Trap(
            "twin-deleted",
            "A deleted student row (STU.DEL = 1) has the same SSID: it does not count.",
            (State(first),),
            (Aeries(first), Aeries(first, school="there", role=1, deleted=True)),
            years=0,
            roles=2,
        ),
    )


def _likeness(c: Calendar) -> tuple[Trap, ...]:
    first = c.first
    elsewhere = {"ssid": "spare", "local_id": "spare"}
    return (
        Trap(
            "other-ssid-birth-date-blank",
            "CALPADS has the same name under another SSID, and Aeries has no birth date.",
            (State(first, gives=CONFLICT),),
            (Aeries(first, gives=CONFLICT),),
            grade=6,
            state_as=elsewhere,
            stu={"BD": None},
        ),
        Trap(
            "other-ssid-double-name",
            "CALPADS has one half of the double last name, under another SSID.",
            (State(first, gives=CONFLICT),),
            (Aeries(first, gives=CONFLICT),),
            grade=6,
            state_as={**elsewhere, "last": "Heronfield"},
            aeries_as={"last": "Heronfield-Marsh"},
        ),
        Trap(
            "other-name-same-ssid",
            "The last name has changed; SSID and birth date are the same: nobody is held.",
            (State(first),),
            (Aeries(first),),
            state_as={"last": "Formerfield"},
            information="demographics-differ",
        ),
        Trap(
            "history-under-another-ssid",
            "New in Aeries; CALPADS has older enrollments of the same child under another SSID.",
            (),
            (Aeries(first, gives=CONFLICT),),
            grade=6,
            state_as=elsewhere,
        ),
        Trap(
            "local-id-used-again",
            "New in Aeries, with a local id that an older student of CALPADS had: the add is not held.",
            (),
            (Aeries(first, gives="add:missing-in-calpads"),),
            grade=6,
            state_as={"ssid": "spare", "first": "Longgone", "last": "Formerly", "birth": 900},
        ),
    )


def _names(c: Calendar) -> tuple[Trap, ...]:
    first, late = c.first, c.at(0.7)

    def leaving(name: str, sentence: str, **person: str) -> Trap:
        rows = (State(first, gives="update:exit"),), (Aeries(first, late, "160"),)
        return Trap(name, sentence, *rows, person=person)

    return (
        leaving(
            "accents",
            "Names with accents and letters from beyond Latin-1 go out unharmed.",
            first="Zoë Łucja",
            last="Peñarrubia-Šumavský",
        ),
        leaving(
            "apostrophe",
            "Apostrophes and hyphens in names are no delimiters.",
            first="D'Arcy-Lee",
            last="O'Fernby-D'Amberly",
        ),
        leaving("family-null", "A family called Null is not an empty field.", first="Noor", last="Null"),
        leaving("family-na", "A family called NA is not an empty field.", first="NA", last="NA"),
        leaving("family-none", "A child called None, of a family called True.", first="None", last="True"),
        leaving(
            "long-names",
            "Names as long as the state allows (30 and 50 characters).",
            first="Maximiliana-Esperanza-Floriana",
            last="Bramblewoodstone-Featherhollowmere-Thistlewaterley",
        ),
        leaving(
            "alias", "The student has an alias name beside the legal one.", alias_first="Sunny", alias_last="Sunnydale"
        ),
        Trap(
            "legal-name",
            "Aeries shows another name; the legal name (LSI) is the one CALPADS has.",
            (State(first),),
            (Aeries(first),),
            stu={"FN": "Sparrow", "LN": "Chosenname"},
        ),
        Trap(
            "last-name-changed",
            "Only the last name differs: still the same child, and no action.",
            (State(first),),
            (Aeries(first),),
            state_as={"last": "Formerwood"},
            information="demographics-differ",
        ),
        Trap(
            "birth-date-typed-wrong",
            "Only the birth date differs: still the same child, and no action.",
            (State(first),),
            (Aeries(first),),
            state_as={"birth": 9},
            information="demographics-differ",
        ),
    )


def _overlaps(c: Calendar) -> tuple[Trap, ...]:
    first, middle, late = c.first, c.at(0.5), c.at(0.7)
    return (
        Trap(
            "overlap-at-two-schools",
            "Two primary enrollments at once in Aeries.",
            (State(first, gives=OVERLAP),),
            (Aeries(first), Aeries(middle, gives=OVERLAP, school="there")),
        ),
        Trap(
            "overlap-at-one-school",
            "Two enrollments at the same school overlap in Aeries.",
            (State(first, gives=OVERLAP),),
            (Aeries(first, late, "160"), Aeries(middle, gives=OVERLAP)),
        ),
    )


def _dates(c: Calendar) -> tuple[Trap, ...]:
    first, late = c.first, c.at(0.7)
    return (
        Trap(
            "exit-before-start",
            "The exit date in Aeries lies before the start.",
            (State(first + 7 * DAY, gives=IMPOSSIBLE),),
            (Aeries(first + 7 * DAY, first + 2 * DAY, "160"),),
        ),
        Trap(
            "exit-without-reason",
            "An exit date without a reason in Aeries.",
            (State(first, gives=IMPOSSIBLE),),
            (Aeries(first, late),),
        ),
        Trap(
            "reason-without-exit",
            "An exit reason without a date in Aeries.",
            (State(first, gives=IMPOSSIBLE),),
            (Aeries(first, reason="160"),),
        ),
        Trap(
            "start-in-another-year",
            "A row of this year that starts before the first of July.",
            (State(first, gives=IMPOSSIBLE),),
            (Aeries(c.first.replace(month=6, day=5), gives=IMPOSSIBLE),),
        ),
    )
