"""Takes the pictures in this folder anew: `make screenshots`.

Starts the server on a fresh demo in a temporary folder, logs in and looks at some screens at desk
and phone width, in both languages. Needs Chromium (REDRESS_CHROMIUM says where, if not on PATH).
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
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from tests.browser.walking import FLAGS, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

HERE = Path(__file__).resolve().parent
LIST = "/admin/grievance/?flt0_due_at_overdue=&flt1_state_equals=routed"
PAGES = {
    "home": "/admin/",
    "grievances": LIST,
    "form": "/admin/grievance/edit/?id=3010",
    "history": "/admin/grievance/history/?id=3010",
    "reprimands": "/admin/reprimand/",
    "import": "/admin/import/",
}
SHOTS = [
    *((name, 1280, "en") for name in PAGES),
    *((name, 390, "en") for name in ("grievances", "form")),
    ("grievances", 1280, "zh_Hans_CN"),
    ("form", 390, "zh_Hans_CN"),
]


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


def log_in(page: "Page", address: str, password: str) -> None:
    """Log in as the administrator of the demo."""
    page.goto(f"{address}/login")
    page.fill("[name=username]", "administrator")
    page.fill("[name=password]", password)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/admin/")


def shoot(browser: "Browser", address: str, password: str) -> int:
    """Take every picture of SHOTS and return how many there are."""
    for language in ("en", "zh_Hans_CN"):
        for width in (1280, 390):
            wanted = [name for name, *rest in SHOTS if rest == [width, language]]
            context = browser.new_context(viewport={"width": width, "height": 860})
            page = context.new_page()
            log_in(page, address, password)
            other = page.locator(f"button[name=language][value={language}]")
            if other.count():
                other.click()
            for name in wanted:
                page.goto(address + PAGES[name])
                page.wait_for_load_state("networkidle")
                end = "-zh" if language != "en" else ""
                page.screenshot(path=HERE / f"{name}-{width}{end}.png")
            context.close()
    return len(SHOTS)


def main() -> None:
    chromium = os.environ.get("REDRESS_CHROMIUM") or shutil.which("chromium")
    if chromium is None:
        sys.exit("Chromium is missing: install it, or say where it is with REDRESS_CHROMIUM.")
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
    password = secrets.token_urlsafe(18)
    with demo_server(password) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        number = shoot(browser, address, password)
        browser.close()
    sys.stdout.write(f"{number} pictures\n")


if __name__ == "__main__":
    main()
