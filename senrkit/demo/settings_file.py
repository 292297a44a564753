"""The demo's `senrkit.toml`."""

from __future__ import annotations

import datetime as dt

from senrkit.demo.days import Calendar
from senrkit.demo.schools import LEA

_TEXT = """\
# Settings of the made-up district. Everybody and every school in it is fictional.

school_year = "{school_year}"
lea = "{lea}"
as_of = {as_of}

[aeries]
source = "sqlite:///aeries.db"
write_source = "sqlite:///aeries.db"
write_databases = ["aeries"]
schools = "default"
skip_tags = ["*"]
skip_programs = ["Z"]

[calpads]
senr_extract = "SENR_ODS.txt"
sela_extract = "SELA_ODS.txt"
elpac_file = "Initial_ELPAC.csv"
school_directory = "pubschls.txt"
max_extract_age_days = {max_extract_age_days}

[process]
golden_state_seal = "GSS"
biliteracy_seal = "SSB"

[output]
runs = "runs"
"""


def settings_text(calendar: Calendar, as_of: dt.date, max_extract_age_days: int = 14, lea: str = LEA) -> str:
    """The settings file of a demo district."""
    return _TEXT.format(
        school_year=calendar.school_year,
        lea=lea,
        as_of=as_of.isoformat(),
        max_extract_age_days=max_extract_age_days,
    )
