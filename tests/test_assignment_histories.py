"""Random histories of groups, members, transfers and offices: by whatever way somebody asks, no
assignment comes about that breaks the cooling-off, a recusal or the rule of one group at a time.

The checker shares no code with the rules: it looks at every pair of days in its own way.
"""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

import security
from actions import assignments as acting
from models import Office, Officer, SupervisionAssignment, SupervisionGroup, db
from rules import RuleBroken
from rules.permissions import Role
from tests import factories as make
from tests.conftest import Client
from tests.factories import act_as
from tests.proofs import size
from tests.views.pages import address

COOLING_OFF = 730
TODAY = datetime.now(UTC).date()
FAR = date(2100, 1, 1)
STEPS = 14


@dataclass
class World:
    """A small bureau: offices in a tree, inspectors who have served some of them, two groups."""

    offices: list[int]
    officers: list[int]
    groups: list[int]
    is_moved: bool = False
    """Whether an office got another place in the tree: what was over by then stays as it was."""


def build(dice: random.Random, connection: Any) -> World:
    """Make a world with a random past."""

    def made(statement: str, **values: Any) -> int:
        return int(connection.execute(text(f"{statement} RETURNING id"), values).scalar_one())

    offices: list[int] = []
    for n in range(6):
        above = None if n == 0 else offices[dice.randrange(n)]
        offices.append(
            made(
                "INSERT INTO office (name, code, level, parent_id)"
                " VALUES (:name, :name, 'department', :above)",
                name=f"H{dice.getrandbits(60)}",
                above=above,
            )
        )
    officers = [
        made(
            "INSERT INTO officer (name, username, office_id, roles)"
            " VALUES (:name, :name, :office, '{supervisor}')",
            name=f"h{dice.getrandbits(60)}",
            office=dice.choice(offices),
        )
        for _ in range(3)
    ]
    for officer in officers:
        for _ in range(dice.choice((0, 0, 1, 2))):
            connection.execute(
                text(
                    "INSERT INTO officer_posting (officer_id, office_id, until_at)"
                    " VALUES (:officer, :office, :until)"
                ),
                {
                    "officer": officer,
                    "office": dice.choice(offices),
                    "until": datetime.combine(any_day(dice, -1200, 0), datetime.min.time(), UTC),
                },
            )
    groups = [
        made(
            "INSERT INTO supervision_group (name, formed_on) VALUES (:name, '2020-01-01')",
            name=f"g{dice.getrandbits(60)}",
        )
        for _ in range(2)
    ]
    return World(offices, officers, groups)


def any_day(dice: random.Random, first: int = -900, last: int = 900) -> date:
    return TODAY + timedelta(days=dice.randint(first, last))


def any_end(dice: random.Random, start: date) -> date | None:
    return dice.choice([None, start + timedelta(days=dice.randint(1, 900))])


# --- What somebody may try -------------------------------------------------------------------

Values = dict[str, Any]


def raw(dice: random.Random, world: World) -> tuple[str, Values]:
    """Return a statement that somebody with the rights of the application may send."""
    start = any_day(dice)
    values = {
        "office": dice.choice(world.offices),
        "other": dice.choice(world.offices),
        "officer": dice.choice(world.officers),
        "group": dice.choice(world.groups),
        "start": start,
        "end": any_end(dice, start),
    }
    statement = dice.choice(
        [
            *["INSERT INTO supervision_assignment (group_id, office_id, starts_on, ends_on)"
              " VALUES (:group, :office, :start, :end)"] * 3,
            *["INSERT INTO group_membership (group_id, officer_id, starts_on, ends_on)"
              " VALUES (:group, :officer, :start, :end)"] * 3,
            "UPDATE supervision_assignment SET group_id = :group WHERE office_id = :office",
            "UPDATE supervision_assignment SET office_id = :other WHERE office_id = :office",
            "UPDATE supervision_assignment SET ends_on = :end WHERE office_id = :office",
            "UPDATE supervision_assignment SET starts_on = :start WHERE office_id = :office",
            "UPDATE group_membership SET ends_on = :end WHERE officer_id = :officer",
            "UPDATE group_membership SET group_id = :group WHERE officer_id = :officer",
            "UPDATE group_membership SET starts_on = :start WHERE officer_id = :officer",
            "UPDATE officer SET office_id = :office WHERE id = :officer",
            "UPDATE office SET parent_id = :other WHERE id = :office AND parent_id IS NOT NULL",
            "DELETE FROM supervision_assignment WHERE office_id = :office",
            "UPDATE officer SET left_on = :start WHERE id = :officer",
            "UPDATE officer SET left_on = NULL WHERE id = :officer",
        ]
    )  # fmt: skip
    return statement, values


# --- The checker -----------------------------------------------------------------------------


@dataclass
class Seen:
    """What stands in the database about a world, read with nothing of the application's."""

    world: World
    connection: Any

    def rows(self, statement: str) -> list[Any]:
        values = {"o": self.world.offices, "p": self.world.officers}
        return list(self.connection.execute(text(statement), values))

    def chain(self, office: int, above: dict[int, int | None]) -> set[int]:
        """The office and those above it."""
        found = set()
        at: int | None = office
        while at is not None and at not in found:
            found.add(at)
            at = above.get(at)
        return found

    def services(self) -> dict[int, list[tuple[int, date, date]]]:
        """The offices that each officer served: office, first day, day after the last."""
        past: dict[int, list[tuple[int, date, date]]] = {one: [] for one in self.world.officers}
        for officer, office, until in self.rows(
            "SELECT officer_id, office_id, CAST(until_at AS date) FROM officer_posting"
            " WHERE officer_id = ANY (:p) ORDER BY until_at, id"
        ):
            since = past[officer][-1][2] if past[officer] else date.min
            past[officer].append((office, since, until))
        for officer, office in self.rows("SELECT id, office_id FROM officer WHERE id = ANY (:p)"):
            since = past[officer][-1][2] if past[officer] else date.min
            past[officer].append((office, since, FAR))
        return past

    def given(self) -> list[Any]:
        return self.rows(
            "SELECT office_id, starts_on, coalesce(ends_on, '2100-01-01')"
            " FROM supervision_assignment WHERE office_id = ANY (:o)"
        )

    def inspecting(self) -> list[Any]:
        """Who inspects what from which day until before which."""
        return self.rows(
            "SELECT m.officer_id, a.office_id, greatest(a.starts_on, m.starts_on),"
            " least(a.ends_on, m.ends_on, o.left_on, '2100-01-01')"
            " FROM supervision_assignment a, group_membership m, officer o"
            " WHERE m.group_id = a.group_id AND o.id = m.officer_id AND o.id = ANY (:p)"
        )


def broken(world: World, connection: Any, *, recused: bool = False) -> list[str]:
    """Return what breaks a rule in the world as it stands, each in a line."""
    seen = Seen(world, connection)
    given = seen.given()
    found = [
        f"office {office} has two groups"
        for place, (office, start, end) in enumerate(given)
        for other, since, until in given[:place]
        if other == office and since < end and start < until
    ]
    above = dict(seen.rows("SELECT id, parent_id FROM office WHERE id = ANY (:o)"))
    services = seen.services()
    for officer, office, first, last in seen.inspecting():
        found += [
            f"{officer} of {at} inspects {office} from {first} to {last}"
            for at, since, until in services[officer]
            if first < last and since < last
            and (last > TODAY or not world.is_moved)
            and (until == FAR or first < until + timedelta(days=COOLING_OFF))
            and (office in seen.chain(at, above)
                 or (at in seen.chain(office, above) and above[at] is not None))
        ]  # fmt: skip
    return found + (_aside(seen) if recused else [])


def _aside(seen: Seen) -> list[str]:
    asides = seen.rows(
        "SELECT officer_id, office_id, starts_on, coalesce(ends_on, '2100-01-01') FROM recusal"
        " WHERE officer_id = ANY (:p)"
    )
    return [
        f"{officer} stands aside from {office}"
        for officer, office, first, last in seen.inspecting()
        for who, what, from_on, to_on in asides
        if (who, what) == (officer, office) and max(first, from_on) < min(last, to_on)
    ]


# --- Ten thousand histories ------------------------------------------------------------------


def tried(connection: Any, act: Callable[[], Any]) -> bool:
    """Do something, and return whether the database let it be."""
    point = connection.begin_nested()
    try:
        act()
        point.commit()
    except IntegrityError:
        point.rollback()
        return False
    return True


@pytest.mark.proof
def test_no_raw_statement_of_the_application_breaks_a_rule(
    session: Any, figures: Callable[[str], None]
) -> None:
    boss = make.make_officer(roles=[Role.ADMINISTRATOR])
    connection = session.connection()
    histories, done, refused, seen = size(250, 10_000), 0, 0, 0
    for seed in range(histories):
        dice = random.Random(seed)  # noqa: S311  the same history each time
        history = connection.begin_nested()
        world = build(dice, connection)
        act_as(boss.id)
        connection.execute(text("SET LOCAL ROLE redress_app"))
        for _ in range(STEPS):
            statement, values = raw(dice, world)
            if tried(connection, lambda: connection.execute(text(statement), values)):  # noqa: B023
                done += 1
                world.is_moved |= "SET parent_id" in statement
            else:
                refused += 1
        connection.execute(text("RESET ROLE"))
        count = "SELECT count(*) FROM supervision_assignment WHERE office_id = ANY (:o)"
        seen += connection.execute(text(count), {"o": world.offices}).scalar_one()
        assert broken(world, connection) == [], f"history {seed}"
        history.rollback()
    assert refused > histories / 4
    assert seen > histories / 4
    figures(
        f"Assignments: {histories} random histories by raw SQL, {done} statements done, "
        f"{refused} refused, {seen} assignments stand, 0 break a rule"
    )


def test_the_checker_finds_what_is_wrong(session: Any) -> None:
    """Without the triggers the same histories break rules: the checker is not blind."""
    connection = session.connection()
    for table in ("supervision_assignment", "group_membership", "officer", "office"):
        connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
    found = 0
    for seed in range(40):
        dice = random.Random(seed)  # noqa: S311  the same history each time
        history = connection.begin_nested()
        world = build(dice, connection)
        for _ in range(STEPS):
            statement, values = raw(dice, world)
            tried(connection, lambda: connection.execute(text(statement), values))  # noqa: B023
        found += bool(broken(world, connection))
        history.rollback()
    assert found > 5


# --- By the actions, the board and the screens -------------------------------------------------


def act_once(dice: random.Random, world: World, by: Officer, now: datetime) -> None:
    """Try one action on one of the offices."""
    group = db.session.get_one(SupervisionGroup, dice.choice(world.groups))
    office = db.session.get_one(Office, dice.choice(world.offices))
    held = db.session.scalars(
        select(SupervisionAssignment).where(SupervisionAssignment.office_id == office.id)
    ).all()
    day = any_day(dice, 0, 400)
    given: dict[str, Any] = {"by": by, "now": now, "on": TODAY}
    if not held or dice.random() < 0.4:
        acting.assign(group, office, day, any_end(dice, day), **given)
        return
    one = dice.choice(held)
    choices: list[Callable[[], Any]] = [
        lambda: acting.move(one, group, day, **given),
        lambda: acting.split(one, day, **given),
        lambda: acting.end(one, day, **given),
        lambda: acting.assign_many(
            db.session(), [acting.Row(group.id, number, day) for number in world.offices[:3]],
            replacing=True, **given,
        ),
    ]  # fmt: skip
    dice.choice(choices)()


def test_what_the_actions_let_be_the_database_lets_be_and_breaks_no_rule(session: Any) -> None:
    """And what they refuse they say in a sentence: no refusal of theirs comes from the database."""
    by = make.make_officer(roles=[Role.SUPERVISOR])
    make.make_supervision_policy(in_force_from=TODAY, fewest_members=1)
    now, done, refused = datetime.now(UTC), 0, 0
    connection = session.connection()
    for seed in range(size(60, 1_000)):
        dice = random.Random(seed)  # noqa: S311  the same history each time
        history = connection.begin_nested()
        world = build(dice, connection)
        for number in (*world.officers, *world.officers):
            start = any_day(dice, -600, 200)
            term = (
                "INSERT INTO group_membership (group_id, officer_id, starts_on, ends_on)"
                " VALUES (:group, :officer, :start, :end)"
            )
            values = {
                "group": dice.choice(world.groups), "officer": number, "start": start,
                "end": any_end(dice, start),
            }  # fmt: skip
            tried(connection, lambda: connection.execute(text(term), values))  # noqa: B023
        connection.execute(
            text("INSERT INTO recusal (officer_id, office_id, ground, starts_on)"
                 " VALUES (:officer, :office, 'conflict_of_interest', :start)"),
            {"officer": dice.choice(world.officers), "office": dice.choice(world.offices),
             "start": any_day(dice)},
        )  # fmt: skip
        for _ in range(STEPS):
            try:
                with db.session.begin_nested():
                    act_once(dice, world, by, now)
                done += 1
            except RuleBroken:
                refused += 1
        assert broken(world, connection, recused=True) == [], f"history {seed}"
        db.session.expire_all()
        history.rollback()
        db.session.expunge_all()
        db.session.add(by)
    assert done > 60
    assert refused > 60


def board_fields(dice: random.Random, world: World) -> tuple[str, Values]:
    """Return an address of the board, its forms or the generated screens, and what to send."""
    office, group = dice.choice(world.offices), dice.choice(world.groups)
    start = any_day(dice, -5, 400)
    end = any_end(dice, start)
    days = {"starts_on": start.isoformat(), "ends_on": end.isoformat() if end else ""}
    held = db.session.scalar(
        select(SupervisionAssignment).where(SupervisionAssignment.office_id == office)
    )
    names = {"group": str(group), "group-id": str(group), "office": f"#{office}"}
    screen = names | {"office-id": str(office)} | days
    ways: list[tuple[str, Values]] = [
        (f"/admin/supervision/board/{office}", {"group": str(group)} | days),
        (address(SupervisionAssignment, "new"), screen),
        (
            "/admin/supervision/board/many",
            {"group": str(group), "office": str(office), f"seen-{office}": seen_of(office)} | days,
        ),
    ]
    if held is not None:
        do = dice.choice(["move", "split", "end"])
        ways.append(
            (
                f"/admin/supervision/period/{held.id}",
                {
                    "do": do,
                    "version": str(held.version_id),
                    "group": str(group),
                    "from_on": start.isoformat(),
                    "ends_on": start.isoformat(),
                },
            )
        )
    return dice.choice(ways)


def seen_of(office: int) -> str:
    rows = db.session.execute(
        select(SupervisionAssignment.id, SupervisionAssignment.version_id)
        .where(SupervisionAssignment.office_id == office)
        .order_by(SupervisionAssignment.starts_on)
    )
    return ".".join(f"{number}-{version}" for number, version in rows)


@pytest.mark.proof
def test_no_screen_breaks_a_rule(
    app: Flask, session: Any, as_role: Callable[..., Client], figures: Callable[[str], None]
) -> None:
    browser = as_role(Role.SUPERVISOR)
    make.make_supervision_policy(in_force_from=TODAY, fewest_members=1)
    token, answers = browser.token(), {303: 0, 302: 0, 422: 0}
    connection = session.connection()
    histories = size(12, 500)
    for seed in range(histories):
        dice = random.Random(seed)  # noqa: S311  the same history each time
        world = build(dice, connection)
        for number in world.officers:
            values = {"group": dice.choice(world.groups), "officer": number}
            connection.execute(
                text("INSERT INTO group_membership (group_id, officer_id, starts_on)"
                     " VALUES (:group, :officer, '2024-01-01')"), values,
            )  # fmt: skip
        for _ in range(6):
            session.expire_all()
            path, fields = board_fields(dice, world)
            answer = browser.post(path, data={"csrf_token": token} | fields)
            assert answer.status_code in answers, (answer.status_code, path, answer.text[:400])
            answers[answer.status_code] += 1
        assert broken(world, connection) == [], f"history {seed}"
    assert answers[422] > histories / 2
    assert answers[303] > histories / 2
    figures(f"Assignments: {histories} random histories by the screens, {answers}, 0 break a rule")


# --- At once ---------------------------------------------------------------------------------


@pytest.fixture
def two_groups(committed: Flask) -> Iterator[tuple[Flask, dict[str, int]]]:
    """Two groups that may, and an office that both want, where commits are real."""
    with committed.app_context():
        bureau, office = make.make_office(name="Bureau"), make.make_office(name="Larkfield")
        ids = {"office": office.id}
        for name in ("First", "Second"):
            group = make.make_supervision_group(name=name)
            ids[name] = group.id
            for n in range(2):
                member = make.make_officer(
                    name=f"{name} {n}", office=bureau, roles=[Role.SUPERVISOR]
                )
                make.make_group_membership(group=group, officer=member)
                ids[f"{name} {n}"] = member.id
        ids["period"] = make.make_supervision_assignment(group_id=ids["First"], office=office).id
        db.session.commit()
    yield committed, ids
    with committed.app_context():
        db.session.remove()


def test_two_who_move_the_same_office_at_once_one_wins_and_the_other_reads_why(
    two_groups: tuple[Flask, dict[str, int]],
) -> None:
    app, ids = two_groups
    with app.app_context():
        third = make.make_supervision_group(name="Third")
        bureau = db.session.scalars(select(Office).where(Office.name == "Bureau")).one()
        for _ in range(2):
            member = make.make_officer(office=bureau, roles=[Role.SUPERVISOR])
            make.make_group_membership(group=third, officer=member)
        wanted = {"First 0": ids["Second"], "Second 0": third.id}
        db.session.commit()
    start, said = Barrier(2), dict[str, str]()

    def drag(who: str, group_id: int) -> None:
        with app.app_context(), security.acting_for(ids[who]):
            by = db.session.get_one(Officer, ids[who])
            one = db.session.get_one(SupervisionAssignment, ids["period"])
            group, seen = db.session.get_one(SupervisionGroup, group_id), one.version_id
            start.wait()
            try:
                now = datetime.now(UTC)
                acting.move(one, group, TODAY, by=by, now=now, on=TODAY, seen_version=seen)
                db.session.commit()
                said[who] = "done"
            except RuleBroken as refused:
                db.session.rollback()
                said[who] = str(refused)

    threads = [Thread(target=drag, args=pair) for pair in wanted.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [who for who, words in said.items() if words == "done"]
    (loser,) = [words for words in said.values() if words != "done"]
    assert re.fullmatch(
        f"{winner} changed this period before you: (Second|Third|First) has Larkfield from "
        r"[0-9-]+ on now\. Look at the board and plan anew\.",
        loser,
    ), loser


WRITES = (
    "INSERT INTO supervision_assignment (group_id, office_id, starts_on)"
    " VALUES (:group, :office, '2026-01-01')",
    "INSERT INTO group_membership (group_id, officer_id, starts_on)"
    " VALUES (:group, :officer, '2026-01-01')",
)
UNDOES = (
    "DELETE FROM supervision_assignment WHERE office_id = :office",
    "DELETE FROM group_membership WHERE officer_id = :officer",
)


def test_a_member_and_an_office_that_do_not_go_together_never_both_get_in(
    two_groups: tuple[Flask, dict[str, int]],
) -> None:
    """Each alone would be in order, and neither sees the other before it commits."""
    app, ids = two_groups
    with app.app_context():
        parks = make.make_office(name="Parks")
        eve = make.make_officer(office=parks, roles=[Role.SUPERVISOR])
        pair = {"officer": eve.id, "office": parks.id, "group": ids["Second"]}
        db.session.commit()
    for _round in range(6):
        start, said = Barrier(2), list[str]()

        def write(statement: str, start: Barrier, said: list[str]) -> None:
            with app.app_context(), security.acting_for(None):
                start.wait()
                try:
                    db.session.execute(text(statement), pair)
                    db.session.commit()
                    said.append("done")
                except IntegrityError as refused:
                    db.session.rollback()
                    said.append(str(getattr(refused.orig, "diag", None).constraint_name))  # type: ignore[union-attr]

        threads = [Thread(target=write, args=(one, start, said)) for one in WRITES]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert said.count("done") == 1, said
        assert next(one for one in said if one != "done").endswith("_cooling_off")
        with app.app_context():
            for statement in UNDOES:
                db.session.execute(text(statement), pair)
            db.session.commit()
