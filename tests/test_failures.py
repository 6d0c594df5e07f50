"""Truth under failure and load (promises C1, C4 and C5), asked of the real web server and of
database servers that really die and disks that are really full."""

import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psutil
import psycopg2
import pytest

import embedded
import postgres
from models import db
from tests.factories import make_category, make_grievance
from tests.gunicorns import Reply, Web, app_of, cookies_of, serving
from tests.proofs import IS_FULL, size
from tests.test_server import server_processes

Say = Callable[[str], None]


DISK_MEGABYTES = 400


@dataclass
class Stand:
    """A web server over a database server of its own, whose data are on a small disk of their
    own where one can be mounted."""

    web: Web
    url: str
    instance: Path
    disk: Path | None


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    # Not under pytest's folder, which every other run closes to the server's user.
    with tempfile.TemporaryDirectory(prefix="redress-") as name, ExitStack() as ends:
        place = Path(name).resolve()
        disk = _small_disk(place / "disk", ends)
        instance = place / "disk" / "instance"
        url = ends.enter_context(embedded.database(instance))
        _migrated(url, place)
        web = ends.enter_context(serving(url))
        app = app_of(url, place)
        web.cookies = cookies_of(app)
        with app.app_context():
            db.engine.dispose()
        yield Stand(web, url, instance, disk)


def _small_disk(folder: Path, ends: ExitStack) -> Path | None:
    """Mount a disk at `folder` until the end; None where this may not be done."""
    folder.mkdir()
    options = f"size={DISK_MEGABYTES}m,mode=755"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        if subprocess.run(command, check=False, capture_output=True).returncode != 0:
            return None
    except FileNotFoundError:
        return None
    ends.callback(subprocess.run, ["umount", "--lazy", str(folder)], check=True)
    return folder


def ask(url: str, question: str) -> list[tuple[Any, ...]]:
    with closing(postgres.connect(url)) as session, session.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchall() if cursor.description else []


# --- C1: no lost update ------------------------------------------------------------------------


@pytest.mark.proof
def test_of_fifty_who_save_one_record_at_once_one_wins_and_the_others_see_both_versions(
    web: Web, tmp_path: Path, figures: Say
) -> None:
    writers, rounds = 50, size(1, 20)
    app = app_of(web.url, tmp_path)
    with app.app_context():
        record_id = make_category(name="As it was").id
        db.session.commit()
    log_ins = [cookies_of(app) for _ in range(writers)]
    with app.app_context():
        db.engine.dispose()
    stored = f"SELECT name, version_id FROM category WHERE id = {record_id}"  # noqa: S608
    seconds = []
    for turn in range(rounds):
        [(_, version)] = ask(web.url, stored)
        began = time.monotonic()
        replies = _save_at_once(web, f"/admin/category/edit/?id={record_id}", log_ins, turn)
        seconds.append(time.monotonic() - began)
        won = [who for who, reply in replies.items() if reply.status == 302]
        lost = {who: reply for who, reply in replies.items() if reply.status == 409}
        assert len(won) == 1, sorted(reply.status for reply in replies.values())
        assert len(lost) == writers - 1
        winner = f"Written by {won[0]} in turn {turn}"
        for who, reply in lost.items():
            assert winner in reply.text, "the version that was saved"
            assert f"Written by {who} in turn {turn}" in reply.text, "the version typed here"
        assert ask(web.url, stored) == [(winner, version + 1)]
    saves = (
        "SELECT count(*) FROM audit_entry WHERE record_type = 'category' AND verb = 'update'"  # noqa: S608
        f" AND record_id = {record_id}"
    )
    assert ask(web.url, saves) == [(rounds,)]
    figures(
        f"C1: {writers} writers x {rounds} rounds over HTTP: 1 winner each,"
        f" {(writers - 1) * rounds} saw both versions, 0 lost updates,"
        f" {max(seconds):.1f} s at most"
    )


def _save_at_once(
    web: Web, path: str, log_ins: list[dict[str, str]], turn: int
) -> dict[int, Reply]:
    """Open the form as each of them, then send all forms in the same moment."""
    forms = []
    for number, cookies in enumerate(log_ins):
        browser = Web(web.url, web.port, web.process, web.log, cookies)
        page = browser.get(path).text
        fields = {
            name: re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)[1]  # type: ignore[index]
            for name in ("csrf_token", "version")
        }
        fields["name"] = f"Written by {number} in turn {turn}"
        forms.append((browser, fields))
    gate, replies = threading.Barrier(len(forms)), {}

    def save(number: int) -> None:
        browser, fields = forms[number]
        gate.wait()
        replies[number] = browser.ask("POST", path, fields)

    threads = [threading.Thread(target=save, args=(number,)) for number in range(len(forms))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return replies


# --- C4: the database dies ---------------------------------------------------------------------


def _stop_hard(instance: Path) -> None:
    for process in server_processes(instance):
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _stop_at_once(instance: Path) -> None:
    processes = server_processes(instance)
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            if process.pid == _postmaster(instance):
                process.send_signal(signal.SIGQUIT)
    psutil.wait_procs(processes, timeout=20)


def _postmaster(instance: Path) -> int:
    return int((instance / "postgres" / "postmaster.pid").read_text().splitlines()[0])


@pytest.mark.proof
def test_a_database_that_dies_in_the_middle_of_a_request_comes_back_without_a_restart(
    stand: Stand, figures: Say
) -> None:
    waited, away, broken = [], 0, []
    workers = {one.pid for one in psutil.Process(stand.web.process.pid).children()}
    for stop in ([_stop_hard, _stop_at_once] * 5)[: size(1, 10)]:
        first, count, wrong = _die_and_return(stand, stop)
        waited.append(first)
        away += count
        broken += wrong
    assert {one.pid for one in psutil.Process(stand.web.process.pid).children()} == workers
    assert broken == []
    assert max(waited) < 5
    figures(
        f"C4: database killed in the middle of requests, {len(waited)} x: {away} answers of 503"
        f" meanwhile, 0 others, first good one {max(waited):.2f} s after its return at most"
    )


def _migrated(url: str, folder: Path) -> None:
    """Make the tables and something to read."""
    environment = os.environ | {"DATABASE_URL": url, "REDRESS_INSTANCE": str(folder)}
    subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", "db", "upgrade"],
        env=environment,
        check=True,
        capture_output=True,
    )
    app = app_of(url, folder)
    with app.app_context():
        make_grievance(title="Still here")
        make_category(name="Still here too")
        db.session.commit()
        db.engine.dispose()


def _die_and_return(stand: Stand, stop: Callable[[Path], None]) -> tuple[float, int, list[str]]:
    """Kill the database while a list waits for it; return the seconds from its return to the
    first good answer of every worker, how many 503 there were, and what else was answered."""
    web, instance, url = stand.web, stand.instance, stand.url
    caught: list[Reply] = []
    with closing(psycopg2.connect(url)) as other:
        other.cursor().execute("LOCK TABLE grievance IN ACCESS EXCLUSIVE MODE")
        waiting = [
            threading.Thread(target=lambda: caught.append(web.get("/admin/grievance/")))
            for _ in range(4)
        ]
        for thread in waiting:
            thread.start()
        for _ in range(200):
            if ask(url, "SELECT count(*) FROM pg_locks WHERE NOT granted")[0][0] >= 4:
                break
            time.sleep(0.05)
        stop(instance)
        with suppress(psycopg2.Error):
            other.close()
    for thread in waiting:
        thread.join(20)
    for _ in range(10):
        caught += [web.get("/admin/category/"), web.get("/healthz"), web.get("/admin/grievance/")]
    wrong = [f"{one.status} {one.text[:200]}" for one in caught if one.status != 503]
    assert all("database cannot be reached" in one.text for one in caught if one.status == 503)
    assert all(one.headers.get("Retry-After") for one in caught if one.status == 503)
    with embedded.database(instance):  # it takes over and starts the server
        back = time.monotonic()
        good, first = 0, 0.0
        while good < 20 and time.monotonic() - back < 30:
            if web.get("/admin/grievance/").status == 200:
                good += 1
                first = first or time.monotonic() - back
            else:
                good = 0
                first = 0.0
        assert good == 20, "it does not come back"
    return first, len(caught) - len(wrong), wrong


# --- C5: the disk is full ------------------------------------------------------------------------


def fill(disk: Path | None) -> Path:
    """Leave no room on `disk`; return the file to delete when there shall be some again."""
    if disk is None:
        pytest.skip("Only root can mount the small disk that this test fills.")
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for block in (1 << 20, 1 << 12):
            with suppress(OSError):
                while True:
                    file.write(bytes(block))
    return ballast


def sound(url: str) -> str:
    """Return what pg_amcheck finds wrong with any table or index: nothing, where all is well."""
    parts = urlsplit(url)
    [host] = parse_qs(parts.query)["host"]
    done = subprocess.run(
        [str(embedded.programs() / "pg_amcheck"), "--install-missing", "--heapallindexed",
         "--host", host, "--username", embedded.SUPERUSER, parts.path[1:]],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode in (0, 2), done.stderr
    return done.stdout + done.stderr


COUNTS = "SELECT (SELECT count(*) FROM grievance), (SELECT count(*) FROM audit_entry)"


def new_grievance(web: Web, title: str, letters: int) -> Reply:
    """Send the form for a grievance with a long description."""
    page = web.get("/admin/grievance/new/").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    fields = {
        "csrf_token": token[1],
        "title": title,
        "description": secrets.token_hex(letters // 2),
    }
    for name in ("kind", "channel", "received_at"):
        found = re.search(
            rf'name="{name}"[^>]*?value="([^"]+)"'
            rf'|name="{name}".*?<option selected[^>]*value="([^"]+)"',
            page, re.DOTALL,
        )  # fmt: skip
        if found:
            fields[name] = found[1] or found[2]
    return web.ask("POST", "/admin/grievance/new/", fields)


def test_with_a_full_disk_saves_are_refused_reading_goes_on_and_nothing_is_broken(
    stand: Stand, figures: Say
) -> None:
    web, url = stand.web, stand.url
    first = new_grievance(web, "Before it was full", 1000)
    assert first.status == 302, first.text
    before = ask(url, COUNTS)[0][0]
    ballast = fill(stand.disk)
    saved = refused = 0
    last = first
    while refused < 5 and saved < 500:
        last = new_grievance(web, f"Number {saved}", 90_000)
        saved += last.status == 302
        refused += last.status != 302
    assert refused == 5, "the disk was never full"
    assert last.status == 503, re.findall(r"(?:alert|feedback)[^>]*>([^<]*)<", last.text)
    assert "no room left" in last.text
    assert "What you typed is kept" in last.text
    there = ask(url, COUNTS)
    for path in ("/admin/grievance/", "/admin/grievance/details/?id=1", "/admin/category/"):
        assert web.get(path).status == 200, path
    assert "Still here" in web.get("/admin/grievance/?search=Still").text
    assert ask(url, COUNTS) == there
    ballast.unlink()
    assert new_grievance(web, "After it", 90_000).status == 302
    assert ask(url, COUNTS)[0][0] == there[0][0] + 1 == before + saved + 1
    assert sound(url) == ""
    figures(
        f"C5: disk full after {saved} saves: {refused} of {refused} more refused in words, reading"
        " went on, saves again when there was room, pg_amcheck found nothing"
    )


@pytest.mark.proof
@pytest.mark.skipif(not IS_FULL, reason="Only `make proofs` lets a server die of its full disk.")
def test_a_server_that_died_of_a_full_disk_comes_back_whole(stand: Stand, figures: Say) -> None:
    """Where there is no room for its journal either, PostgreSQL ends by itself."""
    web, url = stand.web, stand.url
    there = ask(url, COUNTS)
    ballast = fill(stand.disk)
    superuser = embedded.superuser_url(url) or url
    with suppress(psycopg2.Error):
        for _ in range(400):
            ask(superuser, "SELECT pg_logical_emit_message(true, 'x', repeat('x', 1000000))")
    time.sleep(2)
    assert web.get("/admin/grievance/").status == 503
    ballast.unlink()
    with embedded.database(stand.instance):
        began = time.monotonic()
        while web.get("/admin/grievance/").status != 200:
            assert time.monotonic() - began < 5
        assert ask(url, COUNTS) == there
        assert sound(url) == ""
    figures("C5: a server that died of its full disk came back with every row; pg_amcheck: nothing")
