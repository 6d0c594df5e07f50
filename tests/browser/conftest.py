"""A desk with real records, served as in production, and Chromium to look at it with.

What a page does wrong by itself is noted while a test walks: errors on the console, errors of
scripts, what the Content-Security-Policy stopped, answers of 400 and above that the test did not
announce, pages without a heading or wider than the window. A test that noted something fails at
its end.
"""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from models import db
from tests.browser.walking import FLAGS, PATIENCE, Desk, Walk, fill, free_port, serve
from tests.conftest import make_app


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Chromium; where there is none the test is skipped, and fails in CI."""
    given = os.environ.get("REDRESS_CHROMIUM", "")
    for name in [given] if given else ["chromium", "chromium-browser", "google-chrome"]:
        if path := shutil.which(name):
            return path
    sentence = (
        f"REDRESS_CHROMIUM says {given}, and there is no such program."
        if given
        else "There is no Chromium to look at the screens with: install it (Debian: apt install "
        "chromium), or say where it is with REDRESS_CHROMIUM."
    )
    if os.environ.get("CI") == "true":
        pytest.fail(f"{sentence} CI leaves no test out.")
    pytest.skip(sentence)


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=flags, timeout=PATIENCE)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def desk(
    chromium: str, fresh_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    """What `make run` serves, on a database of its own."""
    url = fresh_database()
    folder = tmp_path_factory.mktemp("desk")
    app = make_app(url, folder)
    with app.app_context():
        tokens = fill()
    port = free_port()
    process = serve(url, folder, port)
    yield Desk(f"http://127.0.0.1:{port}", app, tokens)
    process.terminate()
    process.communicate(timeout=60)
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def walk(browser: Browser, desk: Desk) -> Iterator[Walk]:
    """`walk.enter(Role.HANDLER)`: a page of somebody who is logged in; see the top of this file
    for what is noted while they walk."""
    walking = Walk(browser, desk)
    yield walking
    for context in walking.contexts:
        context.close()
    assert walking.noted == []
