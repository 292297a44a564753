"""The command line, put together. Each command is a door to one function of the package; nothing is decided here.

Heavy libraries are imported inside the commands, so that `senrkit --help` answers at once.
"""

from __future__ import annotations

import sys
import warnings

import click

from senrkit.cli.batch import batch
from senrkit.cli.demo import demo
from senrkit.cli.files import init, validate
from senrkit.cli.jupyter import dashboard, lab, notebook
from senrkit.cli.language import language
from senrkit.cli.loop import answers, census, loop, posted, prune, rejected, restore, schools, sent
from senrkit.cli.run import check, run, sources, student
from senrkit.cli.shell import SenrkitCommands


@click.group(cls=SenrkitCommands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="senrkit")
def main() -> None:
    """Make CALPADS agree with Aeries: compare a SENR ODS extract with Aeries enrollments, write correction files.

    \b
    Exit codes: 0 done; 1 a fault of senrkit itself; 2 wrong usage or settings;
    3 an input cannot be read; 4 stopped by a precondition; 5 done, but students are held.
    """
    # A library's warning may quote a row of its input. Who works on senrkit asks for warnings with -W.
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


# In the order in which one meets them: that of `senrkit --help`.
for each in (
    demo, sources, check, run, validate, student, init, batch, language,
    sent, posted, rejected, answers, loop, schools, census, restore, prune,
    notebook, lab, dashboard,
):  # fmt: skip
    main.add_command(each)
