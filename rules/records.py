"""Closed lists of the system's own records: imports, exports and the audit trail."""

import enum


class Brings(enum.StrEnum):
    """What records a file brings in."""

    GRIEVANCES = "grievances"
    FINDINGS = "findings"


class ImportState(enum.StrEnum):
    UPLOADED = "uploaded"
    CHECKING = "checking"
    CHECKED = "checked"
    IMPORTING = "importing"
    IMPORTED = "imported"
    FAILED = "failed"


class AuditVerb(enum.StrEnum):
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    EXPORT = "export"
    IMPORT = "import"
    LOGIN = "login"
    LOGOUT = "logout"
    LOGIN_FAILED = "login_failed"
    OPEN = "open"
    ERASE = "erase"
    REKEY = "rekey"
