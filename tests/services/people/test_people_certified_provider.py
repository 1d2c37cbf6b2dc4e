"""Signing in at a certified provider, where Node and its package are; skipped, and said so, where they are not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx
import pytest

from census_api.services.kit.platform import Platform
from census_api.services.people import single_sign_on
from census_api.services.people.sessions import actor_of_session
from tests.factories.calling import SITE
from tests.factories.sign_on import settings_for

SCRIPT = Path(__file__).parents[2] / "factories" / "certified_provider.mjs"
REDIRECT = SITE + single_sign_on.CALLBACK


def package_folder() -> str | None:
    """A folder from which Node finds the package: of the variable NODE_PATH, or Node's own for everybody."""
    node = shutil.which("node")
    if node is None:
        return None
    own = Path(node).resolve().parent.parent / "lib" / "node_modules"
    folders = [Path(entry) for entry in os.environ.get("NODE_PATH", "").split(os.pathsep) if entry] + [own]
    return next((str(folder.parent) for folder in folders if (folder / "oidc-provider").is_dir()), None)


@pytest.fixture
def provider() -> Iterator[str]:
    folder = package_folder()
    if folder is None:
        pytest.skip(
            "Node or its package oidc-provider is not installed (npm install oidc-provider, then set NODE_PATH)"
        )
    with subprocess.Popen(["node", SCRIPT, folder, REDIRECT], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def agreed(address: str) -> str:
    """The way that a person's browser goes at the provider: sign in, agree, and back; the address it is sent back to."""
    with httpx.Client(follow_redirects=False) as browser:
        answer = browser.get(address)
        for _ in range(20):
            while answer.is_redirect:
                target = urljoin(str(answer.url), answer.headers["location"])
                if target.startswith(REDIRECT):
                    return target
                answer = browser.get(target)
            form = re.search(r'<form[^>]* action="([^"]+)"', answer.text)
            prompt = re.search(r'name="prompt" value="([a-z]+)"', answer.text)
            assert form is not None, answer.text
            assert prompt is not None, answer.text
            typed = {"prompt": prompt.group(1), "login": "tess", "password": "anything"}
            answer = browser.post(urljoin(str(answer.url), form.group(1)), data=typed)
    raise AssertionError("the provider never sent the browser back")


def test_the_whole_way_at_a_certified_provider(provider: str, platform: Platform, tmp_path: Path) -> None:
    settings = platform.settings.model_copy(update=settings_for(provider, tmp_path))
    here = replace(platform, settings=settings)
    begun = single_sign_on.begin_sign_on(here, None, SITE, "/")
    back = dict(parse_qsl(urlsplit(agreed(begun.address)).query))
    assert back["iss"] == provider
    opened, path = single_sign_on.complete_sign_on(here, None, SITE, begun.secret, back)
    actor = actor_of_session(here, opened.secret, None)
    assert (actor.name, actor.roles, path) == ("Tess Team", frozenset({"census_team"}), "/")
