"""Packaging and set-up: environment.yml, pyproject.toml, the locks, the wheel, the two README commands."""

from __future__ import annotations

import ast
import importlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
ENVIRONMENT = (ROOT / "environment.yml").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads(PYPROJECT)["project"]
LOCKS = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("requirements.lock", "requirements-test.lock")}


def load_script(name: str):
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


check_environment = load_script("check_environment")


# ---- environment.yml against pyproject.toml


def test_environment_yml_names_the_packages_and_ranges_of_pyproject():
    assert check_environment.drift(PYPROJECT, ENVIRONMENT) == {}


@pytest.mark.parametrize(
    ("line", "becomes", "expected"),
    [
        pytest.param("  - pandas>=3,<4\n", "  - pandas>=3\n", {"pandas": (">=3,<4", ">=3")}, id="another range"),
        pytest.param("  - voila>=0.5.13,<0.6\n", "", {"voila": (">=0.5.13,<0.6", None)}, id="a package left out"),
        pytest.param("  - pip\n", "  - pip\n  - vaex>=2\n", {"vaex": (None, ">=2")}, id="a package too many"),
    ],
)
def test_drift_of_environment_yml_is_found(line, becomes, expected):
    assert line in ENVIRONMENT
    assert check_environment.drift(PYPROJECT, ENVIRONMENT.replace(line, becomes)) == expected


def test_environment_yml_has_the_project_as_its_only_pip_package():
    import yaml

    environment = yaml.safe_load(ENVIRONMENT)
    assert environment["channels"] == ["conda-forge"]
    assert [entry for entry in environment["dependencies"] if isinstance(entry, dict)] == [{"pip": ["-e ."]}]
    assert {"pip", "unixodbc"} <= set(check_environment.conda_specs(ENVIRONMENT))


# ---- conda's own solver against a made-up channel that holds the lock


def test_conda_solver_takes_environment_yml_with_the_locked_versions():
    locked = check_environment.locked_versions(LOCKS["requirements.lock"])
    solved = check_environment.solve_conda(check_environment.conda_specs(ENVIRONMENT), locked)
    assert solved["pandas"] == locked["pandas"]
    assert solved.keys() >= check_environment.project_ranges(PYPROJECT).keys()


def test_conda_solver_answers_where_an_event_loop_is_running():
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    async def asked():
        return check_environment.solve_conda(["python=3.11"], {})

    # Browser tests leave a loop running in this thread, so this one's has a thread of its own.
    with ThreadPoolExecutor(1) as apart:
        assert apart.submit(asyncio.run, asked()).result()["python"] == check_environment.PYTHON_VERSION


def test_conda_solver_refuses_a_version_that_is_not_locked():
    from rattler.exceptions import SolverError

    locked = check_environment.locked_versions(LOCKS["requirements.lock"])
    with pytest.raises(SolverError, match="pandas"):
        check_environment.solve_conda(["pandas=3.0"], locked)


# ---- the locks


@pytest.mark.parametrize("lock", LOCKS)
def test_each_dependency_is_locked_within_its_range(lock):
    extras = PROJECT["optional-dependencies"]
    assert extras["test"][0] == "senrkit[batch,docs,lab,s3]"
    tests = extras["batch"] + extras["docs"] + extras["test"][1:]
    wanted = PROJECT["dependencies"] + extras["lab"] + (tests if "test" in lock else [])
    locked = check_environment.locked_versions(LOCKS[lock])
    outside = [spec for spec in wanted if not Requirement(spec).specifier.contains(locked[Requirement(spec).name])]
    assert outside == []


def test_the_set_up_needs_nothing_that_is_not_locked():
    setup = tomllib.loads(PYPROJECT)["dependency-groups"]["setup"]
    assert set(tomllib.loads(PYPROJECT)["build-system"]["requires"]) <= set(setup)
    locked = check_environment.locked_versions(LOCKS["requirements.lock"])
    assert all(Requirement(spec).specifier.contains(locked[Requirement(spec).name]) for spec in setup)


def test_the_test_lock_holds_every_pin_of_the_run_time_lock():
    run_time = check_environment.locked_versions(LOCKS["requirements.lock"])
    test = check_environment.locked_versions(LOCKS["requirements-test.lock"])
    assert run_time.items() <= test.items()


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_name_no_address_and_pin_every_package_by_hash(lock):
    assert "://" not in LOCKS[lock]
    options = re.findall(r"^\s*(--[a-z-]+)", LOCKS[lock], flags=re.MULTILINE)
    assert set(options) == {"--hash"}
    pins = re.findall(r"^[A-Za-z0-9].*$", LOCKS[lock], flags=re.MULTILINE)
    assert all("==" in pin and pin.endswith("\\") for pin in pins)


def test_no_registry_host_is_named_in_the_repository():
    hosts = [".".join(parts) for parts in (
        ("pypi", "org"), ("pythonhosted", "org"), ("anaconda", "org"), ("anaconda", "com"), ("npmjs", "org"),
        ("deb", "debian", "org"), ("crates", "io"), ("proxy", "golang", "org"),
    )]  # fmt: skip
    named = [path for path in repository_files() if any(host.encode() in path.read_bytes() for host in hosts)]
    assert named == []


def repository_files() -> list[Path]:
    """Every file that is, or would be, in git; made folders (.venv, caches, the demo, run folders) are not."""
    made = {".git", ".venv", "__pycache__", "demo", "runs", "node_modules", "dist", "build"}
    files = []
    for folder, subfolders, names in os.walk(ROOT):
        at_top = Path(folder) == ROOT
        subfolders[:] = [
            name for name in subfolders
            if not (name.endswith(("_cache", ".egg-info")) or name in (made if at_top else {"__pycache__"}))
        ]  # fmt: skip
        files += [Path(folder, name) for name in names]
    return [path for path in files if ROOT / "benchmarks" / "data" not in path.parents]


# ---- the package


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_every_library_that_senrkit_imports_is_a_dependency_of_its_own():
    imported = set()
    for path in (ROOT / "senrkit").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                imported.add(node.module.split(".")[0])
    distributions = importlib.metadata.packages_distributions()
    foreign = imported - sys.stdlib_module_names - {"senrkit"}
    used = {distributions.get(module, [module])[0].lower().replace("_", "-") for module in foreign}
    assert "pandas" in used
    of_extras = {Requirement(spec).name for spec in PROJECT["optional-dependencies"]["batch"]}
    assert used - check_environment.project_ranges(PYPROJECT).keys() - of_extras == set()


@pytest.mark.parametrize("module", ["senrkit", "senrkit.cli.main"])
def test_importing_senrkit_leaves_heavy_libraries_alone(module):
    heavy = {"pyodbc", "plotly", "jupyterlab", "IPython", "ipywidgets", "voila", "papermill", "keyring", "httpx"}
    assert loaded_by(f"import {module}") & heavy == set()


def test_the_entry_point_can_be_called():
    module, function = PROJECT["scripts"]["senrkit"].split(":")
    assert callable(getattr(importlib.import_module(module), function))


def test_the_wheel_carries_every_file_of_the_package(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    in_wheel = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    in_tree = {str(path.relative_to(ROOT)) for path in repository_files() if ROOT / "senrkit" in path.parents}
    notebooks = {f"senrkit/_notebooks/{path.name}" for path in repository_files() if path.parent == ROOT / "notebooks"}
    dashboards = {name for name in in_wheel if name.startswith("senrkit/_dashboards/")}
    assert in_wheel - dashboards == in_tree | notebooks | {"senrkit/_GLOSSARY.md"}
    assert dashboards == {"senrkit/_dashboards/senr.ipynb"}
    assert "senrkit/_notebooks/01_load.ipynb" in in_wheel
    assert any(name.endswith(".csv") for name in in_wheel)


# ---- the README


@pytest.mark.parametrize("name", ["notebooks", "senrkit", "environment.yml", "tests", "dashboards", "pyproject.toml",
                                  "requirements.lock", "README.md", "CHANGELOG.md", "LICENSE"])  # fmt: skip
def test_top_level_is_what_people_were_promised(name):
    assert (ROOT / name).exists()


def test_commands_of_the_readme_exist_and_may_be_run():
    fenced = "\n".join(re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL))
    commands = re.findall(r"^(scripts/\S+)", fenced, flags=re.MULTILINE)
    assert set(commands) == {"scripts/demo.sh", "scripts/test.sh"}
    assert all(os.access(ROOT / command, os.X_OK) for command in [*commands, ".ci/run"])


def test_every_path_in_the_tree_exists():
    page = (ROOT / "docs" / "what_is_where.md").read_text(encoding="utf-8")
    tree = re.search(r"```text\n(.*?)```", page, flags=re.DOTALL)[1]
    parent, missing = "", []
    for indent, name in re.findall(r"^( *)(\S+)", tree, flags=re.MULTILINE):
        parent = "" if not indent else parent
        if not (ROOT / parent / name).exists():
            missing.append(parent + name)
        parent = name if not indent else parent
    assert missing == []


# ---- system packages, with stand-ins for dpkg-query, apt-get, id and sudo


@pytest.fixture
def machine(tmp_path):
    """A made-up machine: its programs write what they were asked to a log."""
    programs = tmp_path / "bin"
    programs.mkdir()
    log = tmp_path / "log"
    log.touch()
    for name in ("bash", "awk", "dirname", "env", "cat"):
        (programs / name).symlink_to(shutil.which(name))

    def add(name: str, body: str) -> None:
        (programs / name).write_text(f"#!{shutil.which('bash')}\n{body}\n", encoding="utf-8")
        (programs / name).chmod(0o755)

    def install(purpose: str, *, installed: str, user: int, apt: str | None = "exit 0", sudo: str | None = None):
        add("dpkg-query", f'case " {installed} " in *" ${{!#}} "*) printf installed;; *) exit 1;; esac')
        add("id", f"echo {user}")
        for name, body in (("apt-get", apt), ("sudo", sudo)):
            if body is not None:
                add(name, f'echo "{name} $*" >>"{log}"\n{body}')
        done = subprocess.run(
            [shutil.which("bash"), str(ROOT / "scripts" / "system_packages.sh"), purpose],
            env={"PATH": str(programs)}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout, log.read_text(encoding="utf-8").splitlines()

    return install


def test_only_missing_packages_are_installed_and_the_list_is_fetched_first(machine):
    _, calls = machine("demo", installed="python3-venv", user=0)
    assert calls == ["apt-get -q -y update", "apt-get -q -y install --no-install-recommends unixodbc"]


def test_test_packages_are_for_the_tests_only(machine):
    _, calls = machine("test", installed="python3-venv unixodbc", user=0)
    assert "libsqliteodbc" in calls[-1]


def test_nothing_is_asked_of_apt_when_all_is_there(machine):
    assert machine("demo", installed="python3-venv unixodbc", user=0) == ("", [])


def test_without_an_administrator_the_missing_packages_are_named_and_nothing_is_run(machine):
    said, calls = machine("demo", installed="python3-venv", user=1000)
    assert "apt-get install unixodbc" in said
    assert calls == []


def test_sudo_is_used_where_it_asks_no_password(machine):
    _, calls = machine("demo", installed="python3-venv", user=1000, sudo='[ "$1" = -n ] || exec "$@"')
    assert "apt-get -q -y install --no-install-recommends unixodbc" in calls


def test_apt_that_fails_does_not_stop_the_set_up(machine):
    said, calls = machine("demo", installed="", user=0, apt="exit 100")
    assert "could not install python3-venv unixodbc" in said
    assert calls == ["apt-get -q -y update"]


def test_a_system_without_apt_is_pointed_to_the_readme(machine):
    said, _ = machine("demo", installed="", user=0, apt=None)
    assert "README" in said


# ---- setup.sh where it cannot do its work


@pytest.fixture
def checkout(tmp_path):
    """A copy of setup.sh beside a system_packages.sh that installs nothing."""
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    shutil.copy(ROOT / "scripts" / "setup.sh", scripts)
    (scripts / "system_packages.sh").write_text("#!/bin/sh\n", encoding="utf-8")
    (scripts / "system_packages.sh").chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("python", "sentence"),
    [
        pytest.param("exit 1", "needs Python 3.11 or later", id="too old"),
        pytest.param('case "$2" in *ensurepip*) exit 1;; esac', "Install the package python3-venv", id="no venv"),
    ],
)
def test_set_up_says_what_python_lacks(checkout, python, sentence):
    (checkout / "python").write_text(f"#!/bin/sh\n{python}\n", encoding="utf-8")
    (checkout / "python").chmod(0o755)
    done = subprocess.run(
        [checkout / "scripts" / "setup.sh", "demo"],
        env={**os.environ, "PYTHON": str(checkout / "python")}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert sentence in done.stderr
    assert not (checkout / ".venv").exists()


def test_set_up_refuses_a_purpose_that_it_does_not_know(checkout):
    done = subprocess.run([checkout / "scripts" / "setup.sh", "tests"], capture_output=True, text=True, check=False)
    assert (done.returncode, "'tests'" in done.stderr) == (2, True)
