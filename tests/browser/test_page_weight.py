"""What a page weighs on the wire, as Chromium counts it, with nothing in its cache."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import CDPSession

from rules.permissions import Role
from tests.browser.walking import Walk

pytestmark = pytest.mark.browser

ROWS = 50
MOST_BYTES, MOST_REQUESTS = 150_000, 15


@dataclass
class Wire:
    """Counts what comes: requests, bytes on the wire with their headers, bytes unpacked."""

    addresses: list[str] = field(default_factory=list)
    packed: int = 0
    unpacked: int = 0

    def listen(self, chromium: CDPSession) -> None:
        chromium.on("Network.requestWillBeSent", self._asked)
        chromium.on("Network.loadingFinished", self._came)
        chromium.on("Network.dataReceived", self._unpacked)
        chromium.send("Network.enable")

    def _asked(self, event: dict[str, Any]) -> None:
        self.addresses.append(event["request"]["url"])

    def _came(self, event: dict[str, Any]) -> None:
        self.packed += event["encodedDataLength"]

    def _unpacked(self, event: dict[str, Any]) -> None:
        self.unpacked += event["dataLength"]


def test_a_list_of_fifty_rows_is_light(walk: Walk, figures: Callable[[str], None]) -> None:
    page = walk.enter(Role.ADMINISTRATOR)
    cold, warm = Wire(), Wire()
    cold.listen(page.context.new_cdp_session(page))
    page.goto(f"/admin/grievance/?page_size={ROWS}", wait_until="networkidle")
    assert page.locator("tbody > tr").count() == ROWS
    assert any(address.endswith(".css") for address in cold.addresses)
    figures(
        f"A list of {ROWS} rows, cold cache: {cold.packed / 1000:.0f} KB on the wire "
        f"({cold.unpacked / 1000:.0f} KB unpacked), {len(cold.addresses)} requests"
    )
    second = page.context.new_page()  # of the same browser, whose cache is warm now
    warm.listen(page.context.new_cdp_session(second))
    second.goto(f"/admin/grievance/?page_size={ROWS}&sort=title", wait_until="networkidle")
    figures(
        f"The same list in another order, warm cache: {warm.packed / 1000:.0f} KB on the wire, "
        f"{len(warm.addresses)} requests or files of the cache"
    )
    assert cold.packed < MOST_BYTES
    assert len(cold.addresses) < MOST_REQUESTS, "\n".join(cold.addresses)
    assert warm.packed < cold.packed / 2
