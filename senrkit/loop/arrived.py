"""Whether what was sent has arrived: a look at a later extract."""

from __future__ import annotations

from senrkit.errors import InputError
from senrkit.inputs.extract.senr import read_extract
from senrkit.inputs.local import local_inputs
from senrkit.ledger import arrivals, states
from senrkit.loop.overview import Loop
from senrkit.settings.settings import Settings


def look(settings: Settings) -> Loop:
    """Judge what was sent by the extract that the settings name, unless that is the one the run was made from.

    What it shows is kept. An extract that is not there, or none, proves nothing; `senrkit run` says what is wrong.
    """
    loop = Loop.open(settings)
    if not any(file.state in (states.SENT, states.POSTED, states.EXPIRED) for file in loop.states.files):
        return loop
    with local_inputs(settings, without={"source", "sela_extract", "school_directory", "elpac_file"}) as local:
        try:
            extract = read_extract(local.calpads.senr_extract)
        except InputError:
            return loop
        return Loop.of(arrivals.look(settings, extract), settings.lea, settings.as_of)
