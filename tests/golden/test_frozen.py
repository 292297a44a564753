"""What senrkit leaves, byte for byte, before and after the code behind it is moved or exchanged.

Fixed seed and day; the time of making, the version and the folder are blanked. `python -m tests.golden.test_frozen`
writes the digests anew: a change of them is a change of results and belongs into the changelog.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

from senrkit import demo
from senrkit.batch import run_batch
from senrkit.engine import run
from senrkit.errors import SenrkitError
from senrkit.settings.settings import load_settings
from senrkit.validation import validate, write_clean

DIGESTS = Path(__file__).with_name("frozen.json")
AS_OF = dt.date(2026, 11, 23)
SPOILT = {
    "cut off": lambda data: data[: len(data) // 2],
    "unix line ends": lambda data: data.replace(b"\r\n", b"\n"),
    "byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "a field too many": lambda data: data.replace(b"\r\n", b"^\r\n", 1),
    "a field too few": lambda data: data.replace(b"^", b"", 1),
    "commas": lambda data: data.replace(b"^", b","),
    "windows-1252": lambda data: data.replace(b"Given", b"Giv\xe9n").replace(b"a^", b"\xe9^", 1),
    "exit before start": lambda data: re.sub(
        rb"\^2026(08\d\d)\^(10\^\d\d)\^2026\d{4}\^", rb"^2026\1^\2^20260701^", data
    ),
    "unknown codes": lambda data: data.replace(b"^T160^", b"^T999^"),
    "one line twice": lambda data: data + data.splitlines(keepends=True)[0],
    "no lines": lambda data: b"",
    "a heading": lambda data: b"Record Type^Transaction\r\n" + data,
}


def blanked(text: str, folder: Path) -> str:
    """Without where and when it was made, and by which version."""
    text = text.replace(str(folder.resolve()), "FOLDER").replace(str(folder), "FOLDER")
    text = re.sub(r'"(made|version)": "[^"]*"', r'"\1": ""', text)
    return re.sub(r'"(seconds|peak_mib)": [\d.]+', r'"\1": 0', text)


def digest(path: Path, folder: Path) -> str:
    """Of a workbook or a zip its parts, for a workbook tells when it was made."""
    if path.suffix in (".xlsx", ".zip"):
        with zipfile.ZipFile(path) as parts:
            names = sorted(name for name in parts.namelist() if not name.startswith("docProps/"))
            data = b"".join(
                name.encode() + blanked(parts.read(name).decode("utf-8"), folder).encode() for name in names
            )
    else:
        data = blanked(path.read_bytes().decode("utf-8"), folder).encode()
    return hashlib.sha256(data).hexdigest()[:16]


def left_in(folder: Path, root: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): digest(path, root) for path in sorted(folder.rglob("*")) if path.is_file()}


def of_demo(folder: Path, students: int, break_id: str | None = None) -> dict[str, str]:
    made = demo.make(folder / "demo", students, 1, AS_OF, break_id=break_id)
    done = run(load_settings(made.settings_file), out=folder / "run", person="somebody")
    said = blanked("\n".join(done.summary_lines()), folder)
    found = left_in(folder / "run", folder) | {"exit code": str(done.exit_code)}
    return found | {"summary": hashlib.sha256(said.encode()).hexdigest()[:16]}


def of_batch(folder: Path) -> dict[str, str]:
    """Six LEAs: each as its single run leaves it. The batch's own record and charts say how long
    each took, and are left out."""
    for seed, lea in enumerate(("1999990", *(str(1_980_001 + number) for number in range(5))), start=1):
        demo.make(folder / "county" / lea, 300, seed, AS_OF, lea=lea)
    run_batch(folder / "county", out=folder / "batch", as_of=AS_OF)
    return left_in(folder / "batch" / "runs", folder)


def of_validate(folder: Path) -> dict[str, str]:
    """A file of the demo district and twelve ways to spoil it."""
    made = demo.make(folder / "demo", 300, 1, AS_OF)
    done = run(load_settings(made.settings_file), out=folder / "run", person="somebody")
    good = next((done.folder / "submission").glob("*_02_update.txt"))
    found = {}
    for name, spoil in {"as it is": lambda data: data, **SPOILT}.items():
        path = folder / "vendor.txt"
        path.write_bytes(spoil(good.read_bytes()))
        try:
            said = validate(path, as_of=AS_OF, extract=[folder / "demo" / "SENR_ODS.txt"])
            answer = said.text() + json.dumps(said.document(), sort_keys=True, default=str)
            if said.rejected and not said.file.faults:
                write_clean(said, folder / f"{name}.txt")
        except SenrkitError as refused:
            answer = str(refused)
        found[name] = hashlib.sha256(blanked(answer, folder).encode()).hexdigest()[:16]
    return found | {path.name: digest(path, folder) for path in sorted(folder.glob("*.left_out.csv"))}


SCENES = {
    "demo 2,000": lambda folder: of_demo(folder, 2000),
    "demo 20,000": lambda folder: of_demo(folder, 20_000),
    **{f"demo --break {name}": lambda folder, name=name: of_demo(folder, 300, name) for name in demo.BREAKS},
    "batch of six": of_batch,
    "validate": of_validate,
}


@pytest.mark.parametrize("scene", SCENES)
def test_the_bytes_are_those_that_were_kept(scene, tmp_path):
    kept = json.loads(DIGESTS.read_text(encoding="utf-8"))[scene]
    found = SCENES[scene](tmp_path)
    assert found.keys() == kept.keys()
    assert [name for name in kept if found[name] != kept[name]] == []


def main() -> None:
    kept = {}
    for scene, made in SCENES.items():
        with tempfile.TemporaryDirectory() as folder:
            kept[scene] = made(Path(folder))
        sys.stdout.write(f"{scene}: {len(kept[scene])} files\n")
    DIGESTS.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
