"""Every setting: its name, type, default and one line of help.

A setting is read from the environment variable of the same name, with the prefix `REDRESS_`
unless the name is one that other programs know (`DATABASE_URL`).
"""

import os
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parent


class SettingWrong(Exception):
    """A setting has a value that the product cannot run with; the message says what to type."""


@dataclass(frozen=True)
class Setting:
    """One setting: `kind` is str, int or bool, `variable` the environment variable."""

    name: str
    kind: type
    default: Any
    help: str
    variable: str


def _setting(name: str, kind: type, default: Any, text: str, variable: str = "") -> Setting:
    return Setting(name, kind, default, text, variable or f"REDRESS_{name}")


SETTINGS: tuple[Setting, ...] = (
    _setting(
        "DATABASE_URL",
        str,
        "",
        "PostgreSQL 15 or later; empty: the embedded one under instance/.",
        "DATABASE_URL",
    ),
    _setting(
        "OWNER_DATABASE_URL",
        str,
        "",
        "The same database for the owner of its tables: migrations, backups; empty: DATABASE_URL.",
    ),
    _setting(
        "INSTANCE",
        str,
        str(HOME / "instance"),
        "Folder for the embedded database, the secret key and uploads.",
    ),
    _setting("BIND", str, "127.0.0.1", "Address the web server listens on.", "BIND"),
    _setting("PORT", int, 5000, "Port the web server listens on.", "PORT"),
    _setting(
        "PRODUCTION", bool, False, "Refuses default secrets and sends cookies over HTTPS only."
    ),
    _setting(
        "TRUSTED_PROXIES",
        int,
        0,
        "Reverse proxies in front, whose word on address and HTTPS is taken.",
    ),
    _setting(
        "SECRET_KEY", str, "", "Signs cookies and forms; empty: made once in the instance folder."
    ),
    _setting("DEMO_PASSWORD", str, "", "Password of the demo officers; empty: made at random."),
    _setting("TIMEZONE", str, "Europe/London", "Time zone in which times are shown and typed."),
    _setting("LANGUAGE", str, "en", "Language before an officer chooses: en or zh_Hans_CN."),
    _setting("PAGE_SIZE", int, 50, "Rows on a page of a list."),
    _setting("IDLE_MINUTES", int, 30, "Minutes without a request after which a log-in ends."),
    _setting("SESSION_HOURS", int, 12, "Hours after which every log-in ends."),
    _setting(
        "LOGIN_TRIES",
        int,
        5,
        "Failed log-ins of an account, or 10 times that from an address, before waiting.",
    ),
    _setting("LOGIN_WAIT_MINUTES", int, 15, "Minutes to wait after too many failed log-ins."),
    _setting("STATEMENT_SECONDS", int, 10, "Seconds that one statement of a page may take."),
    _setting("REQUEST_SECONDS", int, 20, "Seconds that all statements of a page may take."),
    _setting("EXPORT_SECONDS", int, 3600, "Seconds that the query of an export may take."),
    _setting("EXPORTS_AT_ONCE", int, 3, "Exports that an officer may have under way."),
    _setting("LOCK_SECONDS", int, 5, "Seconds that a save waits for somebody else's to end."),
    _setting(
        "IDLE_TRANSACTION_SECONDS",
        int,
        60,
        "Seconds after which the database ends a transaction in which nothing happens.",
    ),
    _setting(
        "SENDER_SECONDS",
        int,
        20,
        "Seconds that a request may take to arrive, besides 1 for each 4 KiB.",
    ),
    _setting(
        "METRICS_TOKEN",
        str,
        "",
        "Text of 32 characters or more that opens /metrics for Prometheus; empty: there is none.",
    ),
    _setting("LOG", str, "", "Lines of the log: json or text; empty: json in production."),
    _setting("BACKUP_FOLDER", str, "", "Folder for backups; empty: instance/backups."),
    _setting(
        "BACKUP_KEYS_FOLDER",
        str,
        "",
        "Folder for the backups of identities' keys; empty: beside the backups, -keys.",
    ),
    _setting("BACKUP_DAYS", int, 35, "Days that a backup is kept; 0: for good."),
    _setting(
        "BACKUP_KEYS_DAYS",
        int,
        7,
        "Days that a backup of identities' keys is kept: for so long an erased one can come back.",
    ),
    _setting(
        "AUDIT_KEY",
        str,
        "",
        "File with the key that signs the roots of the trail; empty: audit-key in the instance "
        "folder.",
    ),
    _setting(
        "AUDIT_ROOTS",
        str,
        "",
        "Folder for the signed roots of the trail; empty: audit-roots in the instance folder.",
    ),
    _setting(
        "SECOND_FACTOR_ROLES",
        str,
        "",
        "Roles that must have a second factor: names, all or none; empty: in production those"
        " that read beyond their own office, on a desk none.",
    ),
    _setting(
        "IMPARTIALITY_SERVICE",
        str,
        "person",
        "Who does not work a grievance about a service: person, office or subtree.",
    ),
    _setting("IMPARTIALITY_CONDUCT", str, "office", "The same of one about conduct."),
    _setting("IMPARTIALITY_DECISION", str, "office", "The same of one about a decision."),
    _setting("IMPARTIALITY_APPEALS", str, "office", "The same of one that is appealed."),
    _setting(
        "COOLING_OFF_DAYS",
        int,
        730,
        "Days for which one who left an office counts as serving it in acting on its grievances.",
    ),
    _setting("UPLOAD_MEGABYTES", int, 200, "Largest file that may be uploaded for import."),
    _setting("BUREAU", str, "Grievance bureau", "Name and address on letters; | between lines."),
    _setting("DOCUMENT_MEGABYTES", int, 25, "Largest document of a grievance, uploaded."),
    _setting(
        "DOCUMENTS_FOLDER", str, "", "Folder of uploaded documents; empty: instance/documents."
    ),
    _setting("IDENTITY_MINUTES", int, 5, "Minutes for which an opened identity is shown: 1 to 60."),
    _setting(
        "IDENTITY_AGREEMENT_HOURS",
        int,
        24,
        "Hours in which an opening that a second officer agreed to must be used.",
    ),
    _setting(
        "IDENTITY_KEEP_DAYS",
        int,
        365,
        "Days after a grievance ended for which its identity is kept.",
    ),
    _setting(
        "IDENTITY_KEY_FOLDER",
        str,
        "",
        "Folder of the key files that seal identities; empty: identity-keys in the instance.",
    ),
    _setting(
        "IDENTITY_KEYS",
        str,
        "",
        "These keys instead of files: 1:HEX,2:HEX with 64 signs each; the highest seals.",
    ),
    _setting("JOBS", bool, True, "Whether make run also runs the worker: reminders, mail."),
    _setting(
        "REMIND_DAYS",
        int,
        3,
        "Working days before the end of a time on which a reminder comes; 0: none.",
    ),
    _setting(
        "ESCALATE_DAYS",
        int,
        3,
        "Working days between one step up the reporting line and the next, once a time has ended.",
    ),
    _setting(
        "LEAD_AFTER_DAYS",
        int,
        60,
        "Days after which an open grievance must have a lead official; one that was sent from "
        "above must have one at once.",
    ),
    _setting(
        "LEAD_RANK",
        str,
        "department",
        "Rank of such a lead official at least: community, subdistrict, department or district.",
    ),
    _setting(
        "SITE_ADDRESS",
        str,
        "",
        "Address of the site, such as https://redress.example.org, for links in mails; empty: "
        "mails have none.",
    ),
    _setting("MAIL_HOST", str, "", "Mail server (SMTP); empty: no mail is sent."),
    _setting("MAIL_PORT", int, 587, "Port of the mail server."),
    _setting(
        "MAIL_SECURITY",
        str,
        "starttls",
        "How the line to the mail server is kept private: starttls, tls or none.",
    ),
    _setting("MAIL_USER", str, "", "Name by which the mail server knows us; empty: none is asked."),
    _setting("MAIL_PASSWORD", str, "", "Password for that name."),
    _setting("MAIL_FROM", str, "", "Address from which mails come; needed where MAIL_HOST is set."),
    _setting(
        "MAIL_SECONDS", int, 20, "Seconds that the mail server may take for an answer: 1 to 60."
    ),
)

LANGUAGES = {"en": "English", "zh_Hans_CN": "简体中文"}
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"", "0", "false", "no", "off"}


def _parse(setting: Setting, raw: str) -> Any:
    if setting.kind is bool and raw.lower() in _TRUE | _FALSE:
        return raw.lower() in _TRUE
    if setting.kind is int and raw.isdecimal():
        return int(raw)
    if setting.kind is str:
        return raw
    wanted = "yes or no" if setting.kind is bool else "a whole number"
    raise SettingWrong(f"{setting.variable} must be {wanted}; it is {raw!r}.")


def read(environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return every setting by name, from `environment` (default: the process's) or its default.

    Raises SettingWrong with a sentence where a value cannot be used.
    """
    environment = os.environ if environment is None else environment
    values = {
        setting.name: _parse(setting, environment[setting.variable])
        if setting.variable in environment
        else setting.default
        for setting in SETTINGS
    }
    if values["LANGUAGE"] not in LANGUAGES:
        raise SettingWrong(f"REDRESS_LANGUAGE must be one of {', '.join(LANGUAGES)}.")
    if values["METRICS_TOKEN"] and len(values["METRICS_TOKEN"]) < 32:
        raise SettingWrong("REDRESS_METRICS_TOKEN is too short: 32 characters or more are needed.")
    if values["LOG"] not in ("", "json", "text"):
        raise SettingWrong("REDRESS_LOG must be json or text, or be left out.")
    _check_jobs(values)
    for name in ("SERVICE", "CONDUCT", "DECISION", "APPEALS"):
        if values[f"IMPARTIALITY_{name}"] not in ("person", "office", "subtree"):
            raise SettingWrong(f"REDRESS_IMPARTIALITY_{name} must be person, office or subtree.")
    if not 1 <= values["COOLING_OFF_DAYS"] <= 36500:
        raise SettingWrong("REDRESS_COOLING_OFF_DAYS must be from 1 to 36500.")
    if not 1 <= values["IDENTITY_MINUTES"] <= 60:
        raise SettingWrong("REDRESS_IDENTITY_MINUTES must be from 1 to 60.")
    if values["PRODUCTION"] and not values["SECRET_KEY"]:
        raise SettingWrong(
            "REDRESS_PRODUCTION is on: set REDRESS_SECRET_KEY to a random text of 32 characters "
            "or more."
        )
    if values["PRODUCTION"] and len(values["SECRET_KEY"]) < 32:
        raise SettingWrong("REDRESS_SECRET_KEY is too short: 32 characters or more are needed.")
    return values


def _check_jobs(values: Mapping[str, Any]) -> None:
    ranks = ("community", "subdistrict", "department", "district")
    if values["LEAD_RANK"] not in ranks:
        raise SettingWrong(f"REDRESS_LEAD_RANK must be one of {', '.join(ranks)}.")
    if not 0 <= values["REMIND_DAYS"] <= 100:
        raise SettingWrong("REDRESS_REMIND_DAYS must be from 0 to 100.")
    if not 1 <= values["ESCALATE_DAYS"] <= 100:
        raise SettingWrong("REDRESS_ESCALATE_DAYS must be from 1 to 100.")
    if not 1 <= values["LEAD_AFTER_DAYS"] <= 3650:
        raise SettingWrong("REDRESS_LEAD_AFTER_DAYS must be from 1 to 3650.")
    if values["MAIL_SECURITY"] not in ("starttls", "tls", "none"):
        raise SettingWrong("REDRESS_MAIL_SECURITY must be starttls, tls or none.")
    if not 1 <= values["MAIL_SECONDS"] <= 60:
        raise SettingWrong("REDRESS_MAIL_SECONDS must be from 1 to 60.")
    if values["MAIL_HOST"] and "@" not in values["MAIL_FROM"]:
        raise SettingWrong(
            "REDRESS_MAIL_HOST is set: set REDRESS_MAIL_FROM to the address that mails come from."
        )
    if values["SITE_ADDRESS"] and not values["SITE_ADDRESS"].startswith(("https://", "http://")):
        raise SettingWrong("REDRESS_SITE_ADDRESS must begin with https:// or http://.")


def driver_url(url: str) -> str:
    """Return libpq's `url` as SQLAlchemy wants it: with the name of the driver."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.partition("+")[0] not in ("postgresql", "postgres"):
        raise SettingWrong("DATABASE_URL must begin with postgresql://.")
    return f"postgresql+psycopg2://{rest}"


def write_once(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Write the file `path`; no reader ever meets half of it. FileExistsError where it is there."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-") as draft:
        draft.write(content)
        draft.flush()
        os.fsync(draft.fileno())
        os.chmod(draft.name, mode)
        os.link(draft.name, path)


def secret_key(instance: Path) -> str:
    """Return the key in `instance`/secret-key, which is made (mode 600) where it is missing. Of
    two that make it at once one wins, and both return its key."""
    path = instance / "secret-key"
    if not path.exists():
        instance.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            write_once(path, secrets.token_hex(32).encode())
    return path.read_text().strip()


def documents_folder(settings: Mapping[str, Any]) -> Path:
    """Return the folder of the files of documents and letters."""
    return Path(settings["DOCUMENTS_FOLDER"] or Path(settings["INSTANCE"]) / "documents")


def audit_key(settings: Mapping[str, Any]) -> Path:
    """Return the file of the key that signs the roots of the trail."""
    return Path(settings["AUDIT_KEY"] or Path(settings["INSTANCE"]) / "audit-key")


def audit_roots(settings: Mapping[str, Any]) -> Path:
    """Return the folder of the signed roots of the trail."""
    return Path(settings["AUDIT_ROOTS"] or Path(settings["INSTANCE"]) / "audit-roots")
