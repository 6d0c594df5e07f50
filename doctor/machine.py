"""The machine and what is set on it: secrets, files, disk, clock."""

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import psycopg2
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from config import documents_folder
from doctor.findings import Deployment, Finding, ask, listed, ok, warning, wrong
from papers.letters import FAMILIES, fonts

FEWEST_SIGNS = 32
"""Of a secret key: as config.py asks for in production."""
LARGEST_DIFFERENCE = 2.0
"""Seconds between the clocks of the two machines."""
SECRET_FILES = ("demo-password", "identity-keys", "identity-keys/*", "*-key")
"""Names in the instance folder that nobody but the owner may read."""
LITTLE, TOO_LITTLE = 2_000_000_000, 300_000_000
"""Bytes left on a disk."""


def secret_key(of: Deployment) -> Iterator[Finding]:
    """The key that signs cookies and tickets."""
    key = str(of.settings["SECRET_KEY"])
    if len(key) < FEWEST_SIGNS or len(set(key)) < 8:
        yield wrong(
            "secret key",
            "REDRESS_SECRET_KEY is easily guessed, and who has it is any officer. Set one made with"
            ' python3 -c "import secrets; print(secrets.token_hex(32))"; everybody logs in anew.',
        )
    else:
        yield ok("secret key", f"{len(key)} characters")


def secret_files(of: Deployment) -> Iterator[Finding]:
    """Who may read the files with keys."""
    open_to_all = []
    found = {path for name in SECRET_FILES for path in of.instance.glob(name)}
    folder = of.settings["IDENTITY_KEY_FOLDER"]
    if folder and Path(folder).is_dir():
        found |= {Path(folder), *Path(folder).iterdir()}
    if of.settings["AUDIT_KEY"]:
        found.add(Path(of.settings["AUDIT_KEY"]))
    for path in sorted(found):
        with suppress(OSError):
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                open_to_all.append(path)
    if open_to_all:
        names = listed([str(path) for path in open_to_all])
        folders = any(path.is_dir() for path in open_to_all)
        yield wrong(
            "key files",
            f"Others on this machine may read {names}. Type: chmod {'700' if folders else '600'} "
            + " ".join(str(path) for path in open_to_all),
        )
    else:
        yield ok("key files", f"{len(found)}, for their owner alone")


def documents(of: Deployment) -> Iterator[Finding]:
    """Who may read the files of documents."""
    folder = documents_folder(of.settings)
    with suppress(OSError):
        if stat.S_IMODE(folder.stat().st_mode) & 0o077:
            yield wrong(
                "documents",
                f"Others on this machine may read the files of cases. Type: chmod 700 {folder}",
            )
            return
    yield ok("documents", f"{folder}, for its owner alone")


def letters(of: Deployment) -> Iterator[Finding]:
    """That letters can be set, in both languages."""
    missing = sorted(set(FAMILIES) - set(fonts()))
    if missing:
        yield wrong(
            "letters",
            f"The font {listed(missing)} is missing: letters would have gaps. Install the packages"
            " of requirements.txt anew.",
        )
    else:
        yield ok("letters", f"fonts: {', '.join(FAMILIES)}")


def production(of: Deployment) -> Iterator[Finding]:
    """That passwords do not go over the network in clear."""
    local = of.settings["BIND"] in ("127.0.0.1", "::1", "localhost")
    if not of.in_production:
        word = warning if local else wrong
        yield word(
            "production",
            "REDRESS_PRODUCTION is off: cookies go over HTTP as well. Set it to yes where officers"
            " work with this, behind a web server with HTTPS.",
        )
    elif not local:
        yield warning(
            "production",
            f"The web server listens on {of.settings['BIND']} without HTTPS. Let it listen on"
            " 127.0.0.1, with a web server with HTTPS in front.",
        )
    elif not of.settings["TRUSTED_PROXIES"]:
        yield wrong(
            "production",
            "REDRESS_TRUSTED_PROXIES is 0, but HTTPS needs a web server in front: all officers"
            " share its address, and one of them who mistypes locks out all. Set it to 1.",
        )
    else:
        yield ok("production", "cookies over HTTPS only, behind a trusted web server")


def demo(of: Deployment) -> Iterator[Finding]:
    """That nobody logs in with the demo's password."""
    file = of.instance / "demo-password"
    password = str(of.settings["DEMO_PASSWORD"])
    with suppress(OSError):
        password = password or file.read_text().strip()
    if not of.in_production:
        yield ok("demo", "not in production; with REDRESS_PRODUCTION its accounts are looked for")
        return
    officers = ask(
        of.asks,
        "SELECT username, password_hash FROM officer WHERE username = ANY (roles)"
        " AND password_hash IS NOT NULL AND (left_on IS NULL OR left_on > current_date)"
        " ORDER BY username",
    )
    names = [name for name, hashed in officers if password and _is_password(hashed, password)]
    if names:
        yield wrong(
            "demo",
            f"{listed(names)} log in with the demo's password. Begin with an empty database, or"
            " give them a date of leaving.",
        )
    elif officers:
        yield warning(
            "demo",
            f"{listed([name for name, _ in officers])} are named as the demo's officers are. Unless"
            " they are people, give them a date of leaving.",
        )
    elif file.exists() or of.settings["DEMO_PASSWORD"]:
        yield warning("demo", f"Nobody needs the demo's password any more: remove {file}.")
    else:
        yield ok("demo", "no officers of the demo")


def _is_password(hashed: str, password: str) -> bool:
    try:
        return PasswordHasher().verify(hashed, password)
    except (Argon2Error, InvalidHashError):
        return False


def clock(of: Deployment) -> Iterator[Finding]:
    """That this machine and the database agree on the time: tickets and clocks of cases do."""
    sent = datetime.now(UTC)
    [(there,)] = ask(of.asks, "SELECT clock_timestamp()")
    came = datetime.now(UTC)
    apart = max((there - came).total_seconds(), (sent - there).total_seconds(), 0.0)
    if apart >= LARGEST_DIFFERENCE:
        yield wrong(
            "clock",
            f"The clocks of this machine and of the database are {apart:.1f} s apart. Let both"
            " follow a time server (timedatectl set-ntp true).",
        )
    else:
        yield ok("clock", f"this machine and the database agree within {apart + 0.05:.1f} s")


def time_zone(of: Deployment) -> Iterator[Finding]:
    """That the bureau's time zone is known, and the same here and in the database."""
    name = of.settings["TIMEZONE"]
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        yield wrong("time zone", f"There is no time zone {name}. Set REDRESS_TIMEZONE.")
        return
    days = [of.now + timedelta(days=10 * step) for step in range(40)]
    theirs = ask(
        of.asks,
        "SELECT extract(epoch FROM (day AT TIME ZONE %s) - (day AT TIME ZONE 'UTC'))::int"
        " FROM unnest(%s) WITH ORDINALITY AS one (day, place) ORDER BY place",
        name,
        days,
    )
    ours = [int((day.astimezone(zone).utcoffset() or timedelta()).total_seconds()) for day in days]
    if ours != [offset for (offset,) in theirs]:
        yield wrong(
            "time zone",
            f"This machine and the database disagree on the clocks of {name} in the coming year."
            " Update the time zones of the older one (tzdata).",
        )
    else:
        yield ok("time zone", f"{name}, the same here and in the database")


def disk(of: Deployment) -> Iterator[Finding]:
    """That there is room for cases, uploads and backups."""
    places = {"the instance folder": of.instance, "the temporary folder": Path("/tmp")}  # noqa: S108
    if folder := of.settings["BACKUP_FOLDER"]:
        places["the backups"] = Path(folder)
    if of.asks.info.host.startswith("/") or of.asks.info.host in ("localhost", "127.0.0.1"):
        with suppress(psycopg2.Error):  # a secret of the server's administrator
            [(path,)] = ask(of.asks, "SELECT current_setting('data_directory', true)")
            places["the database"] = Path(path)
    disks: dict[int, tuple[str, Path]] = {}
    for words, path in places.items():
        with suppress(OSError):
            disks.setdefault(os.stat(path).st_dev, (words, path))
    for words, path in disks.values():
        free = shutil.disk_usage(path).free
        left = f"{free / 1e9:,.1f} GB left for {words} ({path})"
        if free < TOO_LITTLE:
            yield wrong("disk", f"{left}. Make room now: without any, nothing can be saved.")
        elif free < LITTLE:
            yield warning("disk", f"{left}. Make room soon.")
        else:
            yield ok("disk", left)


CHECKS = (secret_key, secret_files, documents, letters, production)
WITH_DATABASE = (demo, clock, time_zone, disk)
