"""Who may do what: the whole matrix on one screen.

A desk is a part of the bureau's work; every record type belongs to one desk. A verb is what
can be done to its records. Where a cell says nothing, the answer is no.
"""

import enum


class Role(enum.StrEnum):
    """What an officer is employed to do here; an officer may hold several roles."""

    ADMINISTRATOR = "administrator"
    INTAKE = "intake"
    HANDLER = "handler"
    OFFICE_HEAD = "office_head"
    LEAD_OFFICIAL = "lead_official"
    SUPERVISOR = "supervisor"
    DECIDER = "decider"
    AUDITOR = "auditor"


class Desk(enum.StrEnum):
    """A part of the bureau's work; also a group of the menu."""

    FIGURES = "figures"
    OFFICES = "offices"
    OFFICERS = "officers"
    STANDARDS = "standards"
    GRIEVANCES = "grievances"
    CASEWORK = "casework"
    DECISIONS = "decisions"
    RETALIATION = "retaliation"
    SUPERVISION = "supervision"
    REPRIMANDS = "reprimands"
    DISCIPLINE = "discipline"
    RHYTHM = "rhythm"
    IMPORTS = "imports"
    EXPORTS = "exports"
    VIEWS = "views"
    MESSAGES = "messages"
    SESSIONS = "sessions"
    ROLES = "roles"
    TRAIL = "trail"
    IDENTITY = "identity"


class Verb(enum.StrEnum):
    """What is done to a record of a desk."""

    READ = "read"
    CREATE = "create"
    EDIT = "edit"
    DELETE = "delete"
    EXPORT = "export"
    IMPORT = "import"


_LETTERS = {
    "r": Verb.READ,
    "c": Verb.CREATE,
    "u": Verb.EDIT,
    "d": Verb.DELETE,
    "x": Verb.EXPORT,
    "i": Verb.IMPORT,
}

# r read, c create, u edit, d delete, x export, i import. What rows an officer sees of a desk is
# a second question, answered by security.visible(). Of figures, u is to have them counted anew.
MATRIX = """
desk        administrator  intake  handler  office_head  lead_official  supervisor  decider  auditor
figures     rux            rx      rx       rux          rx             rux         rux      rx
offices     rcudx          rx      rx       rx           rx             rx          rx       rx
officers    rcudx          r       r        r            r              r           r        rx
standards   rcudx          rx      rx       rx           rx             rx          rx       rx
grievances  rcudxi         rcuxi   rux      rux          rux            rx          rx       rx
casework    rcudx          rcux    rcux     rcux         rcux           rx          rx       rx
decisions   rcudx          rx      rcux     rcux         rx             rx          rcux     rx
retaliation -              -       -        -            -              -           rcux     rx
supervision rcudxi         -       rx       rx           rx             rcux        rx       rx
reprimands  rcudx          -       rx       rx           rx             rcux        rcux     rx
discipline  rx             -       -        rx           -              -           rcux     rx
rhythm      rcudx          rcux    rx       rcux         rcux           rx          rx       rx
imports     r              r       -        -            -              -           -        rx
exports     rx             r       r        r            r              r           r        rx
views       rcud           rcud    rcud     rcud         rcud           rcud        rcud     rcud
messages    rx             -       -        -            -              -           -        rx
sessions    rx             r       r        r            r              r           r        rx
roles       rx             -       -        -            -              -           -        rx
trail       rx             -       -        -            -              -           -        rx
identity    -              -       -        -            -              -           -        -
"""


def _read_matrix(text: str) -> dict[Role, frozenset[tuple[Desk, Verb]]]:
    header, *lines = [line.split() for line in text.strip().splitlines()]
    roles = [Role(name) for name in header[1:]]
    granted: dict[Role, set[tuple[Desk, Verb]]] = {role: set() for role in roles}
    for desk, *cells in lines:
        for role, cell in zip(roles, cells, strict=True):
            granted[role] |= {(Desk(desk), _LETTERS[letter]) for letter in cell.strip("-")}
    return {role: frozenset(cells) for role, cells in granted.items()}


ROLE_PERMISSIONS = _read_matrix(MATRIX)

# These read every office's records; the others read their own office and those below it, and a
# supervisor reads the offices their group is assigned to as well.
READS_EVERY_OFFICE = frozenset({Role.ADMINISTRATOR, Role.INTAKE, Role.DECIDER, Role.AUDITOR})


def may(roles: frozenset[Role], desk: Desk, verb: Verb) -> bool:
    """Return whether an officer holding `roles` may do `verb` to records of `desk`."""
    return any((desk, verb) in ROLE_PERMISSIONS[role] for role in roles)
