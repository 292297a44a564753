"""Runs a notebook from beginning to end, unattended, and leaves it, and a page made of it, in the run folder.

It runs in a world of its own (`senrkit.jupyter.world`) and is moved to its place when it is whole, so that two runs at
once cannot spoil each other's. A notebook that ends in an error leaves nothing but the sentence that says why.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat

from senrkit import errors
from senrkit.disk import write_whole
from senrkit.engine import HELD
from senrkit.errors import SenrkitError, UsageError
from senrkit.jupyter.world import KERNEL, NO_KERNEL, World, jupyter_world
from senrkit.notebook import library
from senrkit.notebook.charts import UNATTENDED
from senrkit.notebook.page import RUN_MIME
from senrkit.results import masking
from senrkit.system.computer import KERNEL_TRANSPORT

if TYPE_CHECKING:
    from nbformat import NotebookNode

# Parameters that say who: they are not kept in an executed notebook unless students may be shown.
_ABOUT_STUDENTS = ("student",)
_ERROR_TAGS = {"papermill-error-cell-tag"}
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Executed:
    """What a notebook has left: the executed notebook and the page made of it stand in the run folder.

    `exit_code` is that of the run when the notebook has made it, or when it was stopped; 0 for one that only looked at
    a run, though students may be held in it. `run_exit_code` is always that of the run.
    """

    exit_code: int
    run_exit_code: int
    folder: Path
    notebook: Path
    page: Path


def run_notebook(name: str, given: Mapping[str, str], *, bar: bool = False) -> Executed:
    """Run a notebook of `notebooks/` with these parameters, all as text.

    Parameters
    ----------
    bar
        Draw a progress bar on stderr.

    Raises
    ------
    UsageError
        for an unknown notebook or parameter, before anything is run.
    SenrkitError
        what stopped the notebook, with its own exit code. A run that a precondition stopped is no error: its exit code
        is 4, and its notebook says why.
    RuntimeError
        when the notebook ends in a fault; without what the fault said, which may quote a pupil's row.
    """
    path = library.find(name)
    parameters = library.typed(path, given)
    with jupyter_world() as world:
        executed = _execute(path, world, parameters, bar)
        failure = _failure(executed)
        if failure is not None:
            raise failure
        run = _run_of(executed)
        show_students = bool(parameters.get("show_students", False))
        _clean(executed, Path(run["folder"]), show_students)
        return _kept(executed, path, run)


def _execute(path: Path, world: World, parameters: dict[str, Any], bar: bool) -> nbformat.NotebookNode:
    """The executed notebook, also when a cell failed.

    Raises
    ------
    UsageError
        when its kernel does not start, or ends before the notebook does.
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError

    output = world.folder / path.name
    with warnings.catch_warnings(), _unattended():
        warnings.simplefilter("ignore")
        try:
            papermill.execute_notebook(
                path,
                output,
                parameters,
                kernel_name=KERNEL,
                progress_bar=bar,
                cwd=str(Path.cwd()),
                config=_kernel(world),
            )
        except PapermillExecutionError:
            pass
        except RuntimeError:
            # What Jupyter's client raises for a kernel that is not there, or no longer.
            raise UsageError(
                "The Python that runs the notebook (its kernel) did not start, or ended before the notebook did.",
                f"If memory is short, close other programs and try again. {NO_KERNEL[1]}",
            ) from None
    return nbformat.read(output, as_version=4)


@contextmanager
def _unattended() -> Iterator[None]:
    """The kernel that is started here knows that nobody will click."""
    os.environ[UNATTENDED] = "1"
    try:
        yield
    finally:
        del os.environ[UNATTENDED]


def _kernel(world: World) -> Any:
    """Sockets in the private folder instead of ports, where the system has them: others on the machine could listen."""
    from traitlets.config import Config

    return Config({"KernelManager": {"transport": KERNEL_TRANSPORT, "connection_file": str(world.connection)}})


def _failure(executed: nbformat.NotebookNode) -> Exception | None:
    error = next((output for output in _outputs(executed) if output.output_type == "error"), None)
    if error is None or error.ename == "Stopped":
        return None
    known = getattr(errors, error.ename, None)
    if isinstance(known, type) and issubclass(known, SenrkitError) and known is not errors.LayoutError:
        return known(error.evalue)
    if error.ename == "LayoutError":
        return errors.InputError(error.evalue)
    places = re.findall(r"[\w/\\.:-]+\.py:\d+", _ANSI.sub("", "\n".join(error.traceback)))
    return RuntimeError(f"{error.ename} in the notebook, at {', '.join(places[-3:]) or 'one of its cells'}")


def _run_of(executed: nbformat.NotebookNode) -> dict[str, Any]:
    return next(dict(output.data[RUN_MIME]) for output in _outputs(executed) if RUN_MIME in output.get("data", {}))


def _outputs(executed: nbformat.NotebookNode) -> list[Any]:
    return [output for cell in executed.cells if cell.cell_type == "code" for output in cell.outputs]


def _clean(executed: nbformat.NotebookNode, folder: Path, show_students: bool) -> None:
    """What only the runner knew goes out; links lead from where the notebook will stand."""
    executed.cells = [cell for cell in executed.cells if not _ERROR_TAGS & set(cell.metadata.get("tags", ()))]
    facts = executed.metadata.get("papermill", {})
    for place in ("input_path", "output_path", "exception"):
        facts.pop(place, None)
    if not show_students:
        _hide_students(executed, facts.get("parameters", {}))
    here = Path(os.path.relpath(folder)).as_posix()
    for output in _outputs(executed):
        if "text/html" in output.get("data", {}):
            output.data["text/html"] = "".join(output.data["text/html"]).replace(f'href="{here}/', 'href="../')


def _hide_students(executed: nbformat.NotebookNode, parameters: dict[str, Any]) -> None:
    for name in _ABOUT_STUDENTS:
        if parameters.get(name):
            parameters[name] = "•••"
            for cell in executed.cells:
                if "injected-parameters" in cell.metadata.get("tags", ()):
                    cell.source = re.sub(rf"(?m)^{name} = .*$", f'{name} = "•••"', cell.source)
    for cell in executed.cells:
        cell.source = masking.masked_text(cell.source, False)


def _kept(executed: nbformat.NotebookNode, path: Path, run: Mapping[str, Any]) -> Executed:
    folder = Path(run["folder"])
    kept = folder / "notebooks"
    try:
        kept.mkdir(mode=0o700, exist_ok=True)
        notebook, page = kept / path.name, kept / f"{path.stem}.html"
        write_whole(notebook, nbformat.writes(executed).encode())
        write_whole(page, to_page(executed, library.title(path)).encode())
    except OSError as error:
        raise errors.InputError(
            f"The notebook cannot be kept in {kept} ({error.strerror}).",
            "Make room, or see who owns the folder, then run again.",
        ) from None
    code = int(run["exit_code"])
    return Executed(code if run["is_new"] or code != HELD else 0, code, folder, notebook, page)


def to_page(executed: NotebookNode, title: str) -> str:
    """The page: words and HTML outputs. Errors are left out, for a stopped run says why in its first box."""
    import nbformat
    from nbconvert import HTMLExporter

    from senrkit.figures import page

    shown = nbformat.from_dict(executed)
    for cell in shown.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if "text/html" in output.get("data", {})]
    # The basic template is the notebook alone, without the libraries that others fetch from elsewhere.
    exporter = HTMLExporter(
        template_name="basic",
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    body, _ = exporter.from_notebook_node(shown)
    return page(title, body, charts='class="chart"' in body)
