"""The wheel, installed where there is no checkout: schemas, templates, migrations and pages travel with it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import sysconfig
import time
import urllib.request
import venv
from pathlib import Path

import pytest

from tests.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment that has the wheel; its dependencies are lent by this one."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder / "dist"), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    wheel = next((folder / "dist").glob("*.whl"))
    home = folder / "environment"
    venv.create(home, with_pip=False)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        # without it pip takes the checkout's own installation out of the environment that runs the tests
        "--ignore-installed",
        "--prefix",
        str(home),
        str(wheel),
    ]
    done = subprocess.run(install, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin"


def run(installed: Path, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [str(installed / "python"), "-m", "census_api", *words]
    return subprocess.run(command, cwd=cwd, env=elsewhere(), capture_output=True, text=True)


def elsewhere() -> dict[str, str]:
    """The environment of somebody who has no checkout: nothing leads Python to this one."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "DATABASE_URL")}


def test_it_is_the_wheel_that_answers(installed: Path, tmp_path: Path) -> None:
    where = "import census_api; print(census_api.__file__)"
    done = subprocess.run(
        [str(installed / "python"), "-c", where],
        cwd=tmp_path,
        env=elsewhere(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(str(installed.parent))


def test_templates_and_checks_work_elsewhere(installed: Path, tmp_path: Path) -> None:
    made = run(installed, "demo-data", "2025", "-o", "returns", "--organisations", "1", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    clean = run(installed, "check", "returns/DEMO-CLEAN.xlsx", "--format", "json", cwd=tmp_path)
    assert clean.returncode == 0, clean.stderr
    assert json.loads(clean.stdout)["outcome"] == "clean"
    wrong = run(installed, "check", "returns/DEMO-ERRORS.xlsx", "--annotated", "checked.xlsx", cwd=tmp_path)
    assert wrong.returncode == 1, wrong.stderr
    assert (tmp_path / "checked.xlsx").read_bytes().startswith(b"PK")
    assert run(installed, "template", "2025", "-o", "blank.xlsx", cwd=tmp_path).returncode == 0


def test_the_server_starts_elsewhere(installed: Path, tmp_path: Path) -> None:
    environment = elsewhere() | {"CENSUS_DATA_DIR": str(tmp_path / "data"), "CENSUS_PORT": "0"}
    log = tmp_path / "log"
    with log.open("w") as out:
        server = subprocess.Popen(
            [str(installed / "python"), "-m", "census_api", "serve"],
            cwd=tmp_path,
            env=environment,
            stdout=out,
            stderr=out,
        )
    try:
        address = _address(server, log)
        with urllib.request.urlopen(f"{address}/api/v1/collections", timeout=PATIENCE) as answer:
            assert "2025" in answer.read().decode()
        with urllib.request.urlopen(f"{address}/readyz", timeout=PATIENCE) as answer:
            assert answer.status == 200
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=PATIENCE) == 0, log.read_text()


def _address(server: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = re.search(r"http://127\.0\.0\.1:[1-9][0-9]*", log.read_text())
        if found:
            return found[0]
        assert server.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(f"the server did not say where it listens: {log.read_text()}")
