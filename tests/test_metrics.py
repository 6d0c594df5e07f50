"""/metrics for Prometheus: absent unless asked for, closed without its token, the sum of all
workers, and about nobody."""

import re
import secrets
import time
from collections.abc import Callable

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

import config
from tests.gunicorns import METRICS_TOKEN, Web

Say = Callable[[str], None]
VIEW = re.compile(r"[a-z_]+(\.[a-z_]+)?|none")


def told(web: Web) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return every figure by its name and labels."""
    time.sleep(0.1)
    page = web.get("/metrics", Authorization=f"Bearer {METRICS_TOKEN}")
    assert page.status == 200
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page.text)
        for sample in family.samples
    }


def test_there_is_no_such_address_unless_a_token_is_set(app: Flask) -> None:
    assert "metrics" not in app.view_functions
    with pytest.raises(config.SettingWrong, match="32 characters"):
        config.read({"REDRESS_METRICS_TOKEN": "short"})


@pytest.mark.parametrize(
    "given", ["", "Bearer ", "Bearer wrong", METRICS_TOKEN, f"bearer {METRICS_TOKEN}x"]
)
def test_without_its_token_it_looks_absent(web: Web, given: str) -> None:
    page = web.get("/metrics", **({"Authorization": given} if given else {}))
    assert page.status == 404
    assert "redress_" not in page.text


def test_the_figures_of_all_workers_are_one_sum(web: Web, figures: Say) -> None:
    view = ("endpoint", "record_category.index_view")
    name = ("redress_requests_total", (view, ("method", "GET"), ("status", "200")))
    before = told(web).get(name, 0)
    for _ in range(40):  # each on a connection of its own: both workers have their part
        assert web.get("/admin/category/").status == 200
    after = [told(web).get(name, 0) for _ in range(6)]
    assert after == [before + 40] * 6
    statements = ("redress_statements_total", (view,))
    assert told(web)[statements] >= 40 * 3
    figures("metrics: 40 requests over 2 workers are told as 40 by either")


def test_failed_log_ins_and_exports_are_counted(web: Web) -> None:
    failed = ("redress_failed_log_ins_total", ())
    before = told(web).get(failed, 0)
    visitor = Web(web.url, web.port, web.process, web.log)
    page = visitor.get("/login")
    cookie = page.headers["Set-Cookie"].split(";")[0]
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token
    form = {"csrf_token": token[1], "username": "nobody", "password": "wrong"}
    assert visitor.ask("POST", "/login", form, Cookie=cookie).status == 400
    assert told(web)[failed] == before + 1
    assert web.get("/admin/category/export/csv/").status == 200
    assert told(web)["redress_exports_running", ()] == 0


def test_labels_are_names_of_views_and_never_what_was_asked_for(web: Web) -> None:
    canary = f"canary{secrets.token_hex(6)}"
    for path in (f"/{canary}", f"/admin/category/?search={canary}", "/admin/category/details/?id=1",
                 f"/static/{canary}.css", f"/admin/import/{canary}"):  # fmt: skip
        web.get(path)
    web.raw(f"{canary} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    found = told(web)
    assert canary not in str(found)
    views = {value for _, labels in found for key, value in labels if key == "endpoint"}
    assert "record_category.details_view" in views
    assert [view for view in views if not VIEW.fullmatch(view)] == []


def test_no_figure_is_about_a_person_or_falls_when_fewer_complain(web: Web) -> None:
    names = {name for name, _ in told(web)}
    assert len(names) > 8
    forbidden = r"grievance|complain|officer|citizen|withdraw|intake"
    assert [name for name in names if re.search(forbidden, name)] == []
    labels = {key for _, pairs in told(web) for key, _ in pairs}
    assert labels <= {"endpoint", "method", "status", "le", "state", "kind", "limit", "pid"}
