"""What was read, table by table, so that a person sees at a glance that the right thing was: counts, no student."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
from polars import col

from senrkit import reference
from senrkit.errors import LayoutError
from senrkit.frames import days
from senrkit.frames.pandas_door import to_polars
from senrkit.inputs.aeries.tables import AeriesTables, wanted
from senrkit.inputs.elpac import ElpacFile
from senrkit.inputs.extract.senr import Extract

# Few days of many columns tell whether a column was read as dates.
_DAYS = {"STU": ("BD", "DG", "SLD"), "ENR": ("ED", "LD"), "LAC": ("SD", "IFD", "RD1", "USS"), "ACT": ("DT",)}
_OF_A_FILE = ("name", "rows", "bytes", "sha256")
_TEN_DIGITS = r"^[0-9]{10}$"

Document = Mapping[str, Any]


def what_was_read(tables: AeriesTables, extract: Extract | LayoutError | None) -> dict[str, Any]:
    """For machines: `aeries` and `calpads`, with files, rows, columns found and lacking, and the shapes that tell."""
    aeries = {name: to_polars(frame) for name, frame in tables.tables.items()}
    return {
        "aeries": {
            "source": tables.source,
            "newest_year": tables.newest_year,
            "tables": [_table(name, frame, tables.files.get(name, "")) for name, frame in aeries.items()],
            "enrollment_years": _counted(aeries["ENR"]["YR"]),
            "students_found": _share(aeries["ENR"]["ID"].is_in(aeries["STU"]["ID"].implode())),
            "ssids": _ssids(aeries["STU"]["CID"]),
        },
        "calpads": _extract(extract) if isinstance(extract, Extract) else None,
    }


def of_the_vendor(elpac: ElpacFile) -> dict[str, Any]:
    """For machines: the test vendor's file."""
    days = elpac.rows["day"].drop_nulls()
    return {
        "files": [{name: getattr(file, name) for name in _OF_A_FILE} for file in elpac.files],
        "layout": elpac.layout,
        "rows": elpac.rows.height,
        "results": _counted(elpac.rows["result"]),
        "first_day": days.min().isoformat() if len(days) else None,
        "last_day": days.max().isoformat() if len(days) else None,
        "notes": list(elpac.notes),
    }


def vendor_lines(read: Document) -> list[str]:
    """For people: what was read of the test vendor's file."""
    results = ", ".join(f"{count:,} {name or 'without a result'}" for name, count in read["results"].items())
    layout = f"layout of {read['layout']}" if read["layout"] else "a layout that is not known"
    days = f"; tests from {read['first_day']} to {read['last_day']}" if read["first_day"] else ""
    return [
        f"Test vendor: {', '.join(file['name'] for file in read['files'])}",
        f"  {read['rows']:,} rows, {layout}: {results}{days}.",
        *(f"  {note}" for note in read["notes"]),
    ]


def lines(read: Document) -> list[str]:
    """For people: a line a table, then what stands out."""
    aeries, calpads = read["aeries"], read["calpads"]
    said = [f"Aeries: {aeries['source']}"]
    for table in aeries["tables"]:
        dates = ", ".join(f"{name} {share:.0%}" for name, share in table["readable_dates"].items() if share is not None)
        also = f"; readable dates: {dates}" if dates else ""
        file = f" ({table['file']})" if table["file"] else ""
        said.append(f"  {table['table']:<4}{file} {table['rows']:>9,} rows, {len(table['columns']):>2} columns{also}")
    years = ", ".join(f"{year} {count:,}" for year, count in aeries["enrollment_years"].items())
    said.append(f"  Enrollments of the years {years}; {_percent(aeries['students_found'])} find their student in STU.")
    said.append(f"  SSIDs: {_shapes(aeries['ssids'])}.")
    for table in aeries["tables"]:
        said += [f"  {table['table']}.{one['column']} is not there: {one['without']}." for one in table["lacking"]]
    if calpads is None:
        return [*said, "CALPADS: no SENR extract that can be read."]
    said.append(f"CALPADS: {', '.join(file['name'] for file in calpads['files'])}")
    layout = f"{calpads['columns']} columns ({calpads['layout']})"
    said.append(f"  {calpads['rows']:,} rows, {layout}, newest update {calpads['newest'] or 'unknown'}")
    years = ", ".join(f"{year} {count:,}" for year, count in calpads["years"].items())
    return [*said, f"  Rows of the years {years}.", f"  SSIDs: {_shapes(calpads['ssids'])}."]


def _table(name: str, frame: pl.DataFrame, file: str) -> dict[str, Any]:
    asked = reference.aeries_columns().filter(col("table") == name, col("without") != "")
    lacking = asked.filter(~col("column").is_in(frame.columns))
    unknown = [code for code in wanted()[name].kinds if code not in frame.columns and code != "DEL"]
    return {
        "table": name,
        "file": file,
        "rows": frame.height,
        "columns": frame.columns,
        "unknown": unknown,
        "lacking": lacking.select("column", "without").to_dicts(),
        "readable_dates": {code: _readable(frame[code]) for code in _DAYS.get(name, ()) if code in frame.columns},
    }


def _readable(column: pl.Series) -> float | None:
    """The share of filled cells that are a day; None when all are blank."""
    filled = column.to_frame("day").filter(col("day").ne_missing(""), col("day").is_not_null())
    return (
        _share(filled.select(days.of_iso(col("day").str.slice(0, 10)).is_not_null()).to_series())
        if len(filled)
        else None
    )


def _extract(extract: Extract) -> dict[str, Any]:
    narrow = extract.state.narrow
    return {
        "files": [{name: getattr(file, name) for name in _OF_A_FILE} for file in extract.files],
        "rows": narrow.height,
        "columns": extract.layout.fields + 2,
        "layout": extract.layout.id,
        "encoding": extract.encoding,
        "newest": extract.newest_update.isoformat() if extract.newest_update else None,
        "years": _counted(narrow["academic_year"]),
        "ssids": _ssids(narrow["ssid"]),
    }  # fmt: skip


def _counted(column: pl.Series) -> dict[str, int]:
    counted = column.alias("value").to_frame().group_by("value").len().with_columns(col("value").cast(pl.String))
    return dict(counted.fill_null("").sort("value").rows())


def _ssids(column: pl.Series) -> dict[str, int]:
    ssid = col("ssid").fill_null("")
    right, blank = ssid.str.contains(_TEN_DIGITS).sum(), (ssid == "").sum()
    shapes = {"ten digits": right, "blank": blank, "other": pl.len() - right - blank}
    return column.alias("ssid").to_frame().select(**shapes).row(0, named=True)


def _share(holds: pl.Series) -> float | None:
    return round(holds.mean(), 4) if len(holds) else None


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{share:.1%}"


def _shapes(found: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in found.items())
