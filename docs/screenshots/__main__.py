"""Takes the pictures in this folder anew: `make screenshots`.

Starts the server on a fresh demo in a temporary folder, logs in and looks at the main screens at
the width of a desk and of a telephone, in both languages and both colour schemes. Needs Chromium
(REDRESS_CHROMIUM says where, if not on PATH).
"""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from tests.browser.walking import FLAGS, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

HERE = Path(__file__).resolve().parent
WIDTHS = {1280: 860, 390: 844}
LANGUAGES = {"en": ("en", "en-GB"), "zh": ("zh_Hans_CN", "zh-CN")}
SCHEMES = ("light", "dark")


@dataclass(frozen=True)
class Shot:
    """A screen, as `username` sees it after something was clicked, `tall` windows high."""

    name: str
    path: str
    username: str = "administrator"
    click: str = ""
    tall: float = 1


RECORD = 3010
CASE, PROPOSED = 3007, 5
"""A grievance whose answer waits for approval, and that answer."""
LIST = "/admin/grievance/?flt0_due_at_overdue=&flt1_state_equals=routed"
SHOTS = (
    Shot("home", "/admin/", "handler"),
    Shot("list", LIST, click="#filters > summary"),
    Shot("form", f"/admin/grievance/edit/?id={RECORD}"),
    Shot("record", f"/admin/grievance/history/?id={RECORD}"),
    Shot("case", f"/admin/grievance/details/?id={CASE}", "office_head", tall=1.6),
    Shot("decision", f"/admin/decision/{PROPOSED}", "office_head", tall=1.3),
    Shot("dashboard", "/admin/dashboard/", tall=1.75),
)


@contextmanager
def demo_server(password: str) -> "Iterator[str]":
    """Give the address of a server on a fresh demo; stop it and take its folder away after."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="redress-pictures-") as folder:
        settings = {
            "REDRESS_INSTANCE": folder,
            "REDRESS_DEMO_PASSWORD": password,
            "PORT": str(port),
            "DATABASE_URL": "",
        }
        server = subprocess.Popen([sys.executable, "server.py"], env=os.environ | settings)
        try:
            for _ in range(300):
                try:
                    with socket.create_connection(("127.0.0.1", port), timeout=2):
                        break
                except OSError:
                    time.sleep(0.5)
            yield address
        finally:
            server.terminate()
            server.wait(30)


def log_in(page: "Page", address: str, username: str, password: str, language: str) -> None:
    """Log in to the demo and choose a language."""
    page.goto(f"{address}/login")
    page.fill("[name=username]", username)
    page.fill("[name=password]", password)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/admin/")
    other = page.locator(f"button[name=language][value={language}]")
    if other.count():
        other.click()


def shoot(browser: "Browser", address: str, password: str) -> tuple[int, list[str]]:
    """Take every picture; return how many there are, and what could not be taken."""
    taken, missing = 0, []
    edit(browser, address, password)
    for username in sorted({shot.username for shot in SHOTS}):
        for short, (language, locale) in LANGUAGES.items():
            context = browser.new_context(reduced_motion="reduce", locale=locale)
            page = context.new_page()
            log_in(page, address, username, password, language)
            for shot in SHOTS:
                if shot.username == username:
                    wrong = take(page, address, shot, short)
                    taken += 0 if wrong else len(WIDTHS) * len(SCHEMES)
                    missing += [wrong] if wrong else []
            context.close()
    return taken, missing


def edit(browser: "Browser", address: str, password: str) -> None:
    """Change the record, so that it has a history."""
    page = browser.new_page()
    log_in(page, address, "administrator", password, "en")
    for place in ("Riverside path, below the weir", "Riverside path, from the weir to the bridge"):
        page.goto(f"{address}/admin/grievance/edit/?id={RECORD}")
        page.fill("[name=place]", place)
        with page.expect_navigation():
            page.locator(".record-form").evaluate("(form) => form.requestSubmit()")
    page.close()


def take(page: "Page", address: str, shot: Shot, language: str) -> str:
    """Take the pictures of a screen in one language; return why that was not possible, or ""."""
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": int(height * shot.tall)})
        reply = page.goto(address + shot.path, wait_until="networkidle")
        if reply is None or not reply.ok:
            return f"{shot.name}: {shot.path} answers {reply and reply.status}"
        if shot.click:
            page.locator(shot.click).first.click()
        page.evaluate("() => { document.activeElement?.blur(); scrollTo(0, 0); }")
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.screenshot(path=HERE / f"{shot.name}-{width}-{language}-{scheme}.png")
    return ""


def main() -> None:
    chromium = os.environ.get("REDRESS_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        sys.exit("Chromium is missing: install it, or say where it is with REDRESS_CHROMIUM.")
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
    password = secrets.token_urlsafe(18)
    with demo_server(password) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        number, missing = shoot(browser, address, password)
        browser.close()
    sys.stdout.write(f"{number} pictures\n")
    if missing:
        sys.exit("\n".join(missing))


if __name__ == "__main__":
    main()
