"""`senrkit.toml`, checked: unknown names, wrong types and impossible values are refused with their line.

The shape of the file is in the interface page; the meaning of each setting in the reconciliation page. Secrets are
refused: they come from the environment.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from senrkit.addresses.address import Address, address_of, source_address
from senrkit.errors import UsageError
from senrkit.reference import SchoolYear
from senrkit.settings import lines, values
from senrkit.settings.lines import KeyPath
from senrkit.system.files import why
from senrkit.texts.card import Carded

TEMPLATE = resources.files("senrkit.settings").joinpath("template.toml").read_text(encoding="utf-8")

# The sets of local codes that are translated, each with the state's own codes for it (`reference.code_names`), if any.
TRANSLATION_SETS: Mapping[str, str] = {
    "STU.SP": "status",
    "STU.GR": "grade",
    "ATT.RS": "exit_reason",
    "STU.HSG": "completion_status",
    "STU.IT": "transfer_code",
    "STU.GN": "gender",
    "STU.LF": "",
    "STU.HL": "",
    "STU.BST": "birth_state",
    "STU.BCU": "birth_country",
    "STU.SF": "suffix",
}

_SECRETS = {"password", "passwd", "pwd", "secret", "token", "api_key", "apikey"}


def _setting(read: values.Reader, **default: Any) -> Any:
    """A setting: how its value is read, and what it is when the file does not say."""
    return dataclasses.field(**default, metadata={"read": read})


@dataclass(frozen=True)
class AeriesSettings:
    source: str | Address = _setting(values.address)
    schema: str | None = _setting(values.schema_name, default=None)
    schools: Literal["all", "default"] | tuple[str, ...] = _setting(values.schools, default="default")
    skip_tags: tuple[str, ...] = _setting(values.list_of(values.text), default=("*",))
    skip_programs: tuple[str, ...] = _setting(values.list_of(values.text), default=())
    write_source: str | Address | None = _setting(values.address, default=None)
    write_databases: tuple[str, ...] = _setting(values.list_of(values.text), default=())
    write_password_env: str | None = _setting(values.variable_name, default=None)
    user_env: str | None = _setting(values.variable_name, default=None)
    password_env: str | None = _setting(values.variable_name, default=None)
    keyring: str | None = _setting(values.text, default=None)
    trusted_connection: bool = _setting(values.flag, default=False)
    encrypt: bool = _setting(values.flag, default=True)
    trust_server_certificate: bool = _setting(values.flag, default=False)
    login_timeout_seconds: int = _setting(values.whole_number, default=15)
    query_timeout_seconds: int = _setting(values.whole_number, default=600)
    headings: Mapping[str, str] = _setting(values.pairs, default_factory=dict)


@dataclass(frozen=True)
class CalpadsSettings:
    senr_extract: tuple[Path | Address, ...] = _setting(values.one_or_more)
    sela_extract: Path | Address | None = _setting(values.text, default=None)
    school_directory: Path | Address | None = _setting(values.text, default=None)
    elpac_file: Path | Address | None = _setting(values.text, default=None)
    language_source: Literal["calpads", "vendor"] = _setting(values.one_of("calpads", "vendor"), default="calpads")
    years_back: int = _setting(values.whole_number, default=10)
    max_extract_age_days: int = _setting(values.whole_number, default=14)
    other_leas: tuple[str, ...] = _setting(values.list_of(values.lea), default=())
    errors: Mapping[str, str] = _setting(values.pairs, default_factory=dict)


@dataclass(frozen=True)
class ProcessSettings:
    submission_mode: Literal["in-order", "single"] = _setting(values.one_of("in-order", "single"), default="in-order")
    future_dates: Literal["omit", "send"] = _setting(values.one_of("omit", "send"), default="omit")
    auto_close: bool = _setting(values.flag, default=False)
    last_school_day: dt.date | None = _setting(values.day, default=None)
    last_record: Literal["delete", "no-show"] = _setting(values.one_of("delete", "no-show"), default="delete")
    prior_year_open: Literal["block", "hold"] = _setting(values.one_of("block", "hold"), default="block")
    e150_gap_days: int = _setting(values.whole_number, default=10)
    keep_preschool_exits: bool = _setting(values.flag, default=False)
    local_record_id: bool = _setting(values.flag, default=True)
    compare: tuple[str, ...] | None = _setting(values.compared_fields, default=None)
    completion_closes: bool = _setting(values.flag, default=True)
    uc_csu: Literal["either", "both"] = _setting(values.one_of("either", "both"), default="either")
    golden_state_seal: str | None = _setting(values.text, default=None)
    biliteracy_seal: str | None = _setting(values.text, default=None)
    blank_exemption: Literal["N", ""] = _setting(values.one_of("N", ""), default="N")
    summer_completions: Literal["report", "ignore"] = _setting(values.one_of("report", "ignore"), default="report")


@dataclass(frozen=True)
class OutputSettings:
    runs: Path = _setting(values.text)


@dataclass(frozen=True, repr=False)
class Settings(Carded):
    """Everything a run may depend on besides its inputs. Paths, and SQLite's in `aeries.source`, are absolute.

    `copies` is empty but inside `inputs.local.local_inputs`: what stands for an address there, and that address.
    """

    school_year: SchoolYear = _setting(values.school_year)
    lea: str = _setting(values.lea)
    as_of: dt.date = _setting(values.day)
    aeries: AeriesSettings
    calpads: CalpadsSettings
    output: OutputSettings
    folder: Path | Address
    charter: bool = _setting(values.flag, default=False)
    lea_from: Literal["district", "school"] = _setting(values.one_of("district", "school"), default="district")
    process: ProcessSettings = ProcessSettings()
    translations: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    file: Path | Address | None = None
    copies: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def card(self) -> dict[str, str]:
        """Whose settings, for which day, and where the two sides are; no password."""
        document = settings_document(self)
        return {
            "LEA": self.lea,
            "school year": self.school_year.text,
            "as of": self.as_of.isoformat(),
            "Aeries": str(document["aeries"]["source"]),
            "extract": ", ".join(document["calpads"]["senr_extract"]),
            "runs": str(self.output.runs),
            "file": str(self.file or "none"),
        }

    def as_given(self, said: Any) -> Any:
        """Texts, or a document of them, with the inputs' addresses where the local copies are named."""
        return _replaced(said, self.copies) if self.copies else said


def _readers(table: type) -> dict[str, values.Reader]:
    found = dataclasses.fields(table)
    return {field.name: field.metadata["read"] for field in found if "read" in field.metadata}


# Heading -> the settings under it; "" is the top of the file.
_TABLES: Mapping[str, Mapping[str, values.Reader]] = {
    "": _readers(Settings),
    "aeries": _readers(AeriesSettings),
    "calpads": _readers(CalpadsSettings),
    "process": _readers(ProcessSettings),
    "output": _readers(OutputSettings),
}


def load_settings(
    path: Path | Address | str,
    *,
    as_of: dt.date | None = None,
    extract: Sequence[Path | Address | str] | None = None,
    today: dt.date | None = None,
) -> Settings:
    """Read and check a settings file, or what is at an fsspec address (`s3://bucket/senrkit.toml`).

    Paths in it are relative to the folder that it is in, be that a folder or an address; `[output] runs` of a file at
    an address is relative to the current folder, for nothing is ever written to an address.

    Parameters
    ----------
    as_of, extract
        win over what the file says. Unlike paths in the file, those of `extract` are relative to the current folder.
    today
        the day `as_of` falls back to; the computer's own when left out.

    Raises
    ------
    UsageError
        with file, line and cure, when the file is missing, is no TOML, or says anything that senrkit does not know.
    InputError
        when an address cannot be read.
    """
    place = _given(path)
    try:
        # Editors on Windows put a byte order mark in front, which is no part of TOML.
        text = _bytes(place).decode("utf-8-sig")
    except FileNotFoundError:
        raise UsageError(
            f"There is no settings file {place}.",
            "Write one with `senrkit init`, name yours with --settings, or try a made-up district with `senrkit demo`.",
        ) from None
    except OSError as error:
        raise UsageError(f"The settings file {place} cannot be read ({why(error)}).", "Name a file.") from None
    except UnicodeDecodeError:
        raise UsageError(f"The settings file {place} is not UTF-8 text.", "Save it again as UTF-8.") from None
    settings = read_settings_text(text, place.parent, place.name, as_of=as_of, extract=extract, today=today)
    return dataclasses.replace(settings, file=place if isinstance(place, Address) else place.absolute())


def read_settings_text(
    text: str,
    folder: Path | Address,
    name: str = "senrkit.toml",
    *,
    as_of: dt.date | None = None,
    extract: Sequence[Path | Address | str] | None = None,
    today: dt.date | None = None,
) -> Settings:
    """Settings from text; `folder` is what its paths are relative to, `name` what complaints call it.

    Parameters and errors are those of `load_settings`.
    """
    return _SettingsText(text, folder, name).settings(as_of, extract, today)


def settings_document(settings: Settings) -> dict[str, Any]:
    """The settings as plain JSON values, for the manifest: dates and paths as text, a password as `***`.

    Inputs with an address are named by it, also while local copies stand in for them.
    """
    document = settings.as_given(_plain(settings))
    del document["copies"]
    for key in ("source", "write_source"):
        if document["aeries"][key] is not None:
            document["aeries"][key] = values.without_secret(document["aeries"][key])
    return document


class _SettingsText:
    """One settings text on its way to `Settings`; knows where it came from, so that a complaint can say where."""

    def __init__(self, text: str, folder: Path | Address, name: str) -> None:
        self.text, self.name = text, name
        self.folder = folder if isinstance(folder, Address) else Path(folder).absolute()

    def settings(
        self, as_of: dt.date | None, extract: Sequence[Path | Address | str] | None, today: dt.date | None
    ) -> Settings:
        document = lines.parse(self.text, self.name)
        self._refuse_unknown((), document, [*_TABLES[""], *_TABLES, "translations"])
        tables = {table: self._table(table, document) for table in _TABLES}
        top, calpads = tables[""], tables["calpads"]
        for table, key in (("", "school_year"), ("", "lea"), ("aeries", "source")):
            self._require(table, key, tables)
        if extract:
            places = (_given(one) for one in extract)
            calpads["senr_extract"] = tuple(one if isinstance(one, Address) else one.absolute() for one in places)
        else:
            self._require("calpads", "senr_extract", tables)
        self._check_year_end(tables["process"], top["school_year"])
        if calpads.get("language_source") == "vendor" and "elpac_file" not in calpads:
            raise self._complaint(
                ("calpads", "language_source"), "language_source needs elpac_file", "Add elpac_file under [calpads]."
            )
        return Settings(
            **(top | {"as_of": as_of or top.get("as_of") or today or dt.date.today()}),
            aeries=AeriesSettings(**self._placed_sources(tables["aeries"])),
            calpads=CalpadsSettings(**self._placed(calpads)),
            process=ProcessSettings(**tables["process"]),
            output=OutputSettings(self._runs(tables["output"].get("runs", "runs"))),
            translations=self._translations(document.get("translations", {})),
            folder=self.folder,
        )

    def _table(self, table: str, document: Mapping[str, Any]) -> dict[str, Any]:
        readers = _TABLES[table]
        if not table:
            return {key: self._value((key,), read, document[key]) for key, read in readers.items() if key in document}
        content = document.get(table, {})
        if not isinstance(content, dict):
            raise self._complaint((table,), f"{table} should be a table", f"Write [{table}] on a line of its own.")
        self._refuse_unknown((table,), content, list(readers))
        return {key: self._value((table, key), readers[key], value) for key, value in content.items()}

    def _value(self, path: KeyPath, read: values.Reader, value: Any) -> Any:
        try:
            return read(value)
        except values.BadValue as wrong:
            place = (*path, wrong.key) if wrong.key else path
            raise self._complaint(place, f"{place[-1]} {wrong.problem}", wrong.cure) from None

    def _refuse_unknown(self, table: KeyPath, content: Mapping[str, Any], known: list[str]) -> None:
        for key in content:
            if key in known:
                continue
            where = f"[{'.'.join(table)}]" if table else "the top of the file"
            if key.lower() in _SECRETS:
                cure = "A secret never stands in this file: name an environment variable in [aeries] password_env."
            else:
                cure = self._home_of(key) or values.nearest(key, [name for name in known if name])
                cure = cure or "Take the line out; `senrkit init` writes a file with every setting."
            raise self._complaint((*table, key), f'there is no setting "{key}" in {where}', cure)

    @staticmethod
    def _home_of(key: str) -> str:
        """A known name under the wrong heading: where it belongs."""
        homes = [table for table, readers in _TABLES.items() if key in readers]
        if not homes:
            return ""
        return f"It belongs under [{homes[0]}]." if homes[0] else "It belongs above the first [heading]."

    def _require(self, table: str, key: str, tables: Mapping[str, Mapping[str, Any]]) -> None:
        if key not in tables[table]:
            where = f"under [{table}]" if table else "above the first [heading]"
            raise self._complaint((table,), f"the setting {key} is missing", f"Add it {where}.")

    def _check_year_end(self, process: Mapping[str, Any], year: SchoolYear) -> None:
        last_day = process.get("last_school_day")
        if last_day and not year.contains(last_day):
            raise self._complaint(
                ("process", "last_school_day"),
                f"last_school_day is not in the school year {year.text}",
                f"Write a day from {year.start} to {year.end}.",
            )
        if process.get("auto_close") and not last_day:
            raise self._complaint(("process", "auto_close"), "auto_close needs last_school_day", "Add last_school_day.")

    def _translations(self, content: Any) -> Mapping[str, Mapping[str, str]]:
        if not isinstance(content, dict):
            raise self._complaint(("translations",), "translations should be tables", 'Write [translations."ATT.RS"].')
        for name, codes in content.items():
            if name in TRANSLATION_SETS:
                continue
            # A heading without quotes becomes a table inside a table.
            split = [f"{name}.{code}" for code in codes] if isinstance(codes, dict) else []
            meant = next((whole for whole in split if whole in TRANSLATION_SETS), "")
            if meant:
                cure = f'Put its name in quotes: [translations."{meant}"].'
            else:
                cure = values.nearest(name, TRANSLATION_SETS) or f"Choose among {', '.join(TRANSLATION_SETS)}."
            raise self._complaint(
                ("translations", name), f'there is no translation set "{meant or name}" as written', cure
            )
        return {name: self._value(("translations", name), values.pairs, codes) for name, codes in content.items()}

    def _placed(self, calpads: Mapping[str, Any]) -> dict[str, Any]:
        placed = dict(calpads)
        # What the command line names is in its place already.
        placed["senr_extract"] = tuple(
            self._place(each) if isinstance(each, str) else each for each in calpads["senr_extract"]
        )
        for key in ("sela_extract", "school_directory", "elpac_file"):
            if key in calpads:
                placed[key] = self._place(calpads[key])
        return placed

    def _placed_sources(self, aeries: Mapping[str, Any]) -> dict[str, Any]:
        return {
            key: self._source(value) if key in ("source", "write_source") else value for key, value in aeries.items()
        }

    def _source(self, source: str) -> str | Address:
        if address := source_address(source):
            return address
        if not values.is_url(source):
            place = self._place(source)
            return place if isinstance(place, Address) else str(place)
        driver, slashes, rest = source.partition(":///")
        file, question, options = rest.partition("?")
        if not driver.lower().startswith("sqlite") or not slashes or file in ("", ":memory:"):
            return source
        # SQLite's own URI form, file:aeries.db?mode=ro, keeps its prefix.
        uri = "file:" if file.startswith("file:") else ""
        place = self._place(file.removeprefix(uri))
        return place if isinstance(place, Address) else f"{driver}:///{uri}{place.as_posix()}{question}{options}"

    def _place(self, text: str) -> Path | Address:
        """An address, or the path or address that a path leads to from the folder of the settings."""
        if address := address_of(text):
            return address
        path = Path(text).expanduser()
        if isinstance(self.folder, Address):
            return path if path.is_absolute() else self.folder.joined(text)
        return (self.folder / path).absolute()

    def _runs(self, text: str) -> Path:
        folder = Path.cwd() if isinstance(self.folder, Address) else self.folder
        return (folder / Path(text).expanduser()).absolute()

    def _complaint(self, path: KeyPath, problem: str, cure: str) -> UsageError:
        line = lines.line_of(self.text, path)
        where = f"{self.name}, line {line}" if line else self.name
        return UsageError(f"{where}: {problem}.", cure)


def _given(place: Path | Address | str) -> Path | Address:
    return place if isinstance(place, Address) else address_of(str(place)) or Path(place)


def _bytes(place: Path | Address) -> bytes:
    if isinstance(place, Path):
        return place.read_bytes()
    from senrkit.addresses.fetch import read_bytes

    return read_bytes(place)


def _replaced(said: Any, copies: Mapping[str, str]) -> Any:
    if isinstance(said, Mapping):
        return {key: _replaced(value, copies) for key, value in said.items()}
    if isinstance(said, (list, tuple)):
        return [_replaced(value, copies) for value in said]
    if not isinstance(said, str):
        return said
    # Whole paths only, the longest first: sqlite:////tmp/a/aeries.db is one, and /tmp/a is no part of /tmp/ab.
    longest_first = "|".join(re.escape(copy) for copy in sorted(copies, key=len, reverse=True))
    return re.sub(rf"(?<![\w/:.\-])(?:{longest_first})(?![\w\-]|\.\w)", lambda found: copies[found[0]], said)


def _plain(value: Any) -> Any:
    if isinstance(value, SchoolYear):
        return value.text
    if isinstance(value, Address):
        return str(value)
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (Path, dt.date)):
        return str(value)
    return value
