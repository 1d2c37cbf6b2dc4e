"""The script `census` at the root: set-up on first use, then nothing in the way.

It runs for real on a small stand-in project: a dependency of the platform and one of its tests, each with a hash, one
editable package, no network.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.patience import PATIENCE

SCRIPT = Path(__file__).parents[2] / "census"

ECHO = """
import json, os, sys
print(json.dumps({"arguments": sys.argv[1:], "folder": os.getcwd(), "module": __file__}))
sys.exit(7)
"""

# builds the stand-in's editable wheel with the standard library alone
BACKEND = """
import pathlib, zipfile

def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "standin-1.0-py3-none-any.whl"
    with zipfile.ZipFile(pathlib.Path(wheel_directory, name), "w") as wheel:
        wheel.writestr("standin.pth", str(pathlib.Path.cwd()))
        wheel.writestr("standin-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: standin\\nVersion: 1.0\\n")
        wheel.writestr("standin-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any")
        wheel.writestr("standin-1.0.dist-info/RECORD", "")
    return name
"""
PYPROJECT = """
[project]
name = "standin"
version = "1.0"
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


def make_project(folder: Path) -> Path:
    """A project with the script. Its locked packages are wheels: one that it runs with, and one for pytest."""
    (folder / "census_api").mkdir(parents=True)
    (folder / "tests").mkdir()
    (folder / "census_api" / "__main__.py").write_text(ECHO)
    (folder / "backend.py").write_text(BACKEND)
    (folder / "pyproject.toml").write_text(PYPROJECT)
    runs_with, tests_with = lock_line(folder, "runtime"), lock_line(folder, "pytest")
    (folder / "requirements.lock").write_text(runs_with)
    (folder / "tests" / "requirements.lock").write_text(runs_with + tests_with)
    shutil.copy(SCRIPT, folder / "census")
    return folder


def lock_line(folder: Path, name: str) -> str:
    """Makes a wheel of that name and gives its line of a lock."""
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as opened:
        opened.writestr(f"{name}/__main__.py", ECHO)
        opened.writestr(f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        opened.writestr(f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        opened.writestr(f"{name}-1.0.dist-info/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"{name} @ {wheel.as_uri()} --hash=sha256:{digest}\n"


def installed(project: Path) -> set[str]:
    """Which of the stand-in's packages its environment holds."""
    [packages] = (project / ".venv" / "lib").glob("python3.*/site-packages")
    return {name for name in ("runtime", "pytest", "standin") if list(packages.glob(f"{name}-1.0.dist-info"))}


def begin(project: Path, *arguments: str, cwd: Path | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(project / "census"), *arguments],
        cwd=cwd or project,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(project: Path, *arguments: str, cwd: Path | None = None) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    process = begin(project, *arguments, cwd=cwd)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that is set up, for its tests too; tests leave it so."""
    project = make_project(tmp_path_factory.mktemp("ready") / "my project")
    code, _, err = run(project, "test")
    assert code == 7, err
    return project


def steps(err: str) -> list[str]:
    return [line.split(" (")[0] for line in err.splitlines()]


def test_first_use_sets_up_says_so_briefly_and_passes_everything_on(tmp_path: Path) -> None:
    project = make_project(tmp_path / "a project, with spaces")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "census_api.py").write_text("raise SystemExit('a file of the working folder was run')")
    code, out, err = run(project, "check", "my file.xlsx", "--year=2024", "", cwd=elsewhere)
    assert code == 7, err
    answer = json.loads(out)
    assert answer["arguments"] == ["check", "my file.xlsx", "--year=2024", ""]
    assert answer["folder"] == str(elsewhere)
    assert answer["module"] == str(project / "census_api" / "__main__.py")
    assert steps(err) == [
        "census: 1/3 setting up in .venv",
        "census: 2/3 installing 1 packages",
        "census: 3/3 installing the census",
        "census: ready",
    ]
    assert installed(project) == {"runtime", "standin"}


def test_the_word_test_adds_what_only_tests_use_once(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    assert run(project, "demo")[0] == 7
    [package] = (project / ".venv" / "lib").glob("python3.*/site-packages/runtime/__main__.py")
    before = package.stat()
    code, out, err = run(project, "test", "-n", "0")
    assert code == 7, err
    assert json.loads(out)["arguments"] == ["-n", "0"]
    assert steps(err) == ["census: adding 1 packages for the tests", "census: ready"]
    assert installed(project) == {"runtime", "standin", "pytest"}
    assert package.stat() == before
    for word in ("test", "demo"):
        assert run(project, word)[::2] == (7, "")


def test_a_set_up_for_the_tests_serves_everything_else(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    code, _, err = run(project, "test")
    assert code == 7, err
    assert "census: 2/3 installing 2 packages" in steps(err)
    assert run(project, "demo")[::2] == (7, "")


def test_an_interrupted_adding_of_the_tests_packages_is_begun_again(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    assert run(project, "demo")[0] == 7
    first = begin(project, "test")
    assert first.stderr is not None
    assert "adding" in first.stderr.readline()
    first.kill()
    first.communicate()
    assert run(project, "test")[0] == 7
    assert installed(project) == {"runtime", "standin", "pytest"}
    assert run(project, "demo")[::2] == (7, "")


def test_a_change_of_the_tests_lock_concerns_the_tests_alone(ready: Path) -> None:
    with (ready / "tests" / "requirements.lock").open("a") as opened:
        opened.write("# changed\n")
    assert run(ready, "demo")[::2] == (7, "")
    code, _, err = run(ready, "test")
    assert code == 7, err
    assert "adding" in err
    assert run(ready, "test")[::2] == (7, "")


def test_second_use_is_silent_and_touches_nothing(ready: Path, tmp_path: Path) -> None:
    link = tmp_path / "census"
    link.symlink_to(ready / "census")

    def changed_at() -> dict[str, int]:
        folders = [ready / ".venv", *(ready / ".venv").iterdir(), *(ready / ".venv" / "bin").iterdir()]
        return {str(path): path.lstat().st_mtime_ns for path in folders}

    before = changed_at()
    assert run(tmp_path)[::2] == (7, "")
    assert changed_at() == before


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], ["-n", "2"]),
        (["-k", "a b"], ["-n", "2", "-k", "a b"]),
        (["-n", "0"], ["-n", "0"]),
        (["-n4", "tests"], ["-n4", "tests"]),
        (["--numprocesses=3"], ["--numprocesses=3"]),
    ],
)
def test_the_word_test_runs_pytest_in_the_project(ready: Path, given: list[str], expected: list[str]) -> None:
    code, out, _ = run(ready, "test", *given, cwd=Path("/"))
    answer = json.loads(out)
    assert code == 7
    assert answer["arguments"] == expected
    assert answer["folder"] == str(ready)
    assert Path(answer["module"]).parts[-2:] == ("pytest", "__main__.py")


@pytest.mark.parametrize("file", ["requirements.lock", "pyproject.toml"])
def test_a_changed_lock_or_project_file_brings_the_environment_up_to_date(ready: Path, file: str) -> None:
    (ready / ".venv" / "kept").touch()
    with (ready / file).open("a") as opened:
        opened.write("# changed\n")
    code, _, err = run(ready)
    assert code == 7, err
    assert "2/3" in err
    assert "1/3" not in err
    assert (ready / ".venv" / "kept").exists()
    assert run(ready)[::2] == (7, "")
    # what the tests use was there already, but whether it still agrees had to be asked
    assert "adding" in run(ready, "test")[2]


def test_an_environment_made_by_hand_is_completed_not_replaced(ready: Path) -> None:
    (ready / ".venv" / "census-stamp").unlink()
    (ready / ".venv" / "kept").touch()
    assert run(ready)[0] == 7
    assert (ready / ".venv" / "kept").exists()


def test_an_environment_whose_python_is_gone_is_made_anew(ready: Path) -> None:
    python = ready / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nonexistent/python3")
    code, _, err = run(ready)
    assert code == 7, err
    assert "1/3" in err
    assert run(ready, "test")[0] == 7


def test_a_set_up_that_was_killed_is_begun_again(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    first = begin(project)
    assert first.stderr is not None
    while "2/3" not in first.stderr.readline():
        assert first.poll() is None
    first.kill()
    first.communicate()
    code, out, err = run(project, "again")
    assert code == 7, err
    assert json.loads(out)["arguments"] == ["again"]
    assert "1/3" in err


def test_of_two_first_runs_one_sets_up_and_the_other_waits(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    both = [begin(project, "one"), begin(project, "two")]
    answers = [(process.communicate(timeout=PATIENCE), process.returncode) for process in both]
    assert [code for _, code in answers] == [7, 7]
    assert [json.loads(out)["arguments"] for (out, _), _ in answers] == [["one"], ["two"]]
    errors = "".join(err for (_, err), _ in answers)
    assert errors.count("1/3") == 1
    assert errors.count("another run is setting up; waiting for it") == 1


def test_a_package_that_is_not_the_locked_one_is_refused_with_advice(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    lock = project / "requirements.lock"
    lock.write_text(lock.read_text().split("sha256:")[0] + "sha256:" + "0" * 64 + "\n")
    code, out, err = run(project, "demo")
    assert (code, out) == (2, "")
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in err
    assert err.rstrip().endswith("then run this again: it starts over by itself.")
    assert "Traceback" not in err
    assert len(err.splitlines()) < 20


def test_what_stands_in_the_way_is_named_without_a_trace(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project")
    (project / ".venv").write_text("a file")
    code, _, err = run(project)
    assert code == 2
    assert "the set-up did not succeed: " in err
    assert "Traceback" not in err


def older_python() -> str:
    probe = "import sys; sys.exit(sys.version_info >= (3, 11))"
    for name in ("python3.10", "python3.9", "python3.8", "python3.7", "python3.6"):
        path = shutil.which(name)
        if path and subprocess.run([path, "-c", probe], capture_output=True, check=False).returncode == 0:
            # the program itself: a version manager's stand-in would not run on the PATH that the test sets
            shown = subprocess.run([path, "-c", "import sys; print(sys.executable)"], capture_output=True, check=False)
            return os.path.realpath(shown.stdout.decode().strip())
    pytest.skip("no Python older than 3.11 on this machine")


def test_an_older_python_looks_for_a_newer_one_and_else_says_so_in_one_sentence(ready: Path, tmp_path: Path) -> None:
    command = [older_python(), str(ready / "census")]
    alone = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert alone.returncode == 2
    assert alone.stderr.startswith("census: this needs Python 3.11 or later and found only 3.")
    assert len(alone.stderr.splitlines()) == 1
    (tmp_path / "python3.11").symlink_to(sys.executable)
    beside = subprocess.run(command, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert (beside.returncode, beside.stderr) == (7, "")
