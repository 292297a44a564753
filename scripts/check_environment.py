"""Do environment.yml, pyproject.toml and the lock files agree? Three checks; the exit code is 1 when one fails.

1. environment.yml names the packages of pyproject.toml with the same ranges.
2. conda's own solver (py-rattler) takes environment.yml against a made-up local channel that holds just the lock. It
   proves the spelling and that the lock fits, not what conda-forge carries.
3. A resolver run over pyproject.toml, held to the lock, finds an answer. This needs the package index; where that is
   out of reach the check says so and does not fail.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONDA_ONLY = frozenset({"python", "pip", "unixodbc"})
PYTHON_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
PIP_VERSION = "26.3"  # the lock has no pip: any version stands in, environment.yml gives no range for it
INDEX_OUT_OF_REACH = ("Failed to fetch", "Could not connect", "the network was disabled")


def split_spec(spec: str) -> tuple[str, str]:
    """Name and range of ``pandas>=3,<4``, without blanks, the name in lower case."""
    name, limits = re.fullmatch(r"([A-Za-z0-9._-]+)\s*(.*)", spec.strip()).groups()
    return name.lower(), limits.replace(" ", "")


def project_ranges(pyproject: str) -> dict[str, str]:
    """Package and range of each dependency in the text of pyproject.toml, with those of notebooks and the dashboard:
    environment.yml is for people who want all of it."""
    project = tomllib.loads(pyproject)["project"]
    return dict(map(split_spec, [*project["dependencies"], *project["optional-dependencies"]["lab"]]))


def conda_specs(environment: str) -> list[str]:
    """Specs of the conda section in the text of environment.yml; those of the pip section are left out."""
    import yaml

    return [spec for spec in yaml.safe_load(environment)["dependencies"] if isinstance(spec, str)]


def drift(pyproject: str, environment: str) -> dict[str, tuple[str | None, str | None]]:
    """Packages that stand in one of the two texts only, or in both with other ranges; empty when the two agree."""
    project = project_ranges(pyproject)
    conda = dict(map(split_spec, conda_specs(environment)))
    shared = (project.keys() | conda.keys()) - CONDA_ONLY
    return {
        name: (project.get(name), conda.get(name)) for name in sorted(shared) if project.get(name) != conda.get(name)
    }


def locked_versions(lock: str) -> dict[str, str]:
    """Package and pinned version in the text of a lock, as they hold for the Python that runs this."""
    from packaging.requirements import Requirement

    pins = [
        Requirement(line.removesuffix("\\").strip()) for line in lock.splitlines() if re.match(r"[A-Za-z0-9]", line)
    ]
    return {
        pin.name.lower(): next(iter(pin.specifier)).version
        for pin in pins
        if pin.marker is None or pin.marker.evaluate()
    }


def write_channel(folder: Path, versions: dict[str, str]) -> None:
    """A conda channel in ``folder`` that carries each package in just the given version."""
    packages = {}
    for name, version in versions.items():
        file = f"{name}-{version}-py_0.conda"
        packages[file] = {
            "name": name,
            "version": version,
            "build": "py_0",
            "build_number": 0,
            "depends": [],
            "subdir": "noarch",
            "noarch": "python",
            "sha256": hashlib.sha256(file.encode()).hexdigest(),
            "size": 1,
        }
    for subdir, content in (("noarch", packages), ("linux-64", {})):
        (folder / subdir).mkdir()
        repodata = {"info": {"subdir": subdir}, "packages": {}, "packages.conda": content, "repodata_version": 1}
        (folder / subdir / "repodata.json").write_text(json.dumps(repodata), encoding="utf-8")


def solve_conda(specs: list[str], versions: dict[str, str]) -> dict[str, str]:
    """What conda's solver picks for ``specs`` where only ``versions`` exist; SolverError when nothing fits."""
    from rattler import Channel, Gateway, MatchSpec, Subdir, solve

    available = {**versions, "python": PYTHON_VERSION, "pip": PIP_VERSION, "unixodbc": "2.3.12"}
    with tempfile.TemporaryDirectory() as folder:
        write_channel(Path(folder), available)

        def solved() -> list:
            return asyncio.run(
                solve(
                    sources=[Channel(Path(folder).as_uri())],
                    specs=[MatchSpec(spec) for spec in specs],
                    gateway=Gateway(),
                    platforms=[Subdir("linux-64"), Subdir("noarch")],
                )
            )

        # In a thread of its own: whoever calls this, a browser test say, may have an event loop running.
        with ThreadPoolExecutor(1) as apart:
            records = apart.submit(solved).result()
    return {record.name.normalized: str(record.version) for record in records}


def resolve_project() -> tuple[bool | None, str]:
    """Whether pyproject.toml resolves when only locked versions may be taken, and in words why not; None: not tried."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--quiet", "--no-header"]
    command += ["--extra", "test", "--python-version", PYTHON_VERSION, "--constraint", "requirements-test.lock"]
    resolved = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if any(sign in resolved.stderr for sign in INDEX_OUT_OF_REACH):
        return None, "the package index is out of reach"
    return resolved.returncode == 0, resolved.stderr.strip()


def main() -> int:
    """Run the three checks, print a line each, return the exit code."""
    from rattler.exceptions import SolverError

    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    environment = (ROOT / "environment.yml").read_text(encoding="utf-8")
    lock = (ROOT / "requirements-test.lock").read_text(encoding="utf-8")

    differences = drift(pyproject, environment)
    print("1. environment.yml and pyproject.toml:", "they differ" if differences else "same packages, same ranges")
    for name, (project, conda) in differences.items():
        print(f"   {name}: pyproject.toml says {project}, environment.yml says {conda}")

    try:
        taken = len(solve_conda(conda_specs(environment), locked_versions(lock)))
        print(f"2. conda's solver takes environment.yml with the locked versions: {taken} packages")
    except SolverError as error:
        taken = 0
        print(f"2. conda's solver refuses environment.yml with the locked versions: {error}")

    resolves, why = resolve_project()
    answer = {True: "resolves", False: f"does not resolve: {why}", None: f"not tried, as {why}"}[resolves]
    print(f"3. pyproject.toml with the locked versions: {answer}")
    return int(bool(differences) or not taken or resolves is False)


if __name__ == "__main__":
    sys.exit(main())
