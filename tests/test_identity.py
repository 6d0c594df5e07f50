"""Sealed identities in a real database: nobody reads without the log (promises A7, A8, A9)."""

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from time import monotonic
from typing import Any

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import IntegrityError, ProgrammingError

from actions import identity as acting
from models import (
    AuditEntry,
    FormerRespondent,
    Grievance,
    Identity,
    IdentityKey,
    IdentityOpening,
    IdentityRequest,
    Officer,
    OfficerPosting,
    db,
)
from queries import identity as asking
from rules import RuleBroken
from rules.grievance import GrievanceKind
from rules.identity import (
    ErasureGround,
    IdentityField,
    OpeningGround,
    duty_of,
    is_partial,
)
from rules.permissions import Role
from rules.records import AuditVerb
from sealing import KeyMissing, SealBroken
from tests.conftest import make_app
from tests.factories import (
    make_appeal,
    make_decision,
    make_grievance,
    make_office,
    make_officer,
    make_recusal,
    make_retaliation_report,
)
from tests.identities import CANARIES, TERMS, District, make_district, now


@pytest.fixture(scope="module")
def shared(
    fresh_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """An application with real commits for all tests that look at their own district only."""
    app = make_app(fresh_database(), tmp_path_factory.mktemp("identity"))
    District(app).ring.make_next()
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def district(shared: Flask) -> District:
    return make_district(shared)


@pytest.fixture
def lonely(committed: Flask) -> District:
    """A district alone in its database, for tests that change what others rely on."""
    there = make_district(committed)
    there.ring.make_next()
    return there


def count(session: Any, model: Any, district: District) -> int:
    table = model.__table__
    query = select(func.count()).where(table.c.grievance_id == district.grievance_id)
    return session.scalar(query) or 0


def one(session: Any, model: Any, district: District) -> Any:
    """The row of a table that belongs to the grievance of the district."""
    table = model.__table__
    return session.execute(select(table).where(table.c.grievance_id == district.grievance_id)).one()


def change(district: District, **values: Any) -> None:
    """Change the grievance as the system."""
    with district.acting() as session:
        session.execute(
            update(Grievance).where(Grievance.id == district.grievance_id).values(**values)
        )
        session.commit()


# --- Sealing and opening ---------------------------------------------------------------------


def test_what_intake_seals_it_can_open_and_the_log_says_so(district: District) -> None:
    district.seal()
    opening = district.open()
    assert district.read(opening) == CANARIES
    with district.acting() as session:
        (kept,) = session.scalars(asking.openings(district.grievance_id)).all()
        assert (kept.officer.name, kept.office.name) == ("Intake", "Bureau")
        assert kept.ends_at - kept.opened_at <= timedelta(minutes=5, seconds=1)
        entry = session.scalars(
            select(AuditEntry).where(
                AuditEntry.verb == AuditVerb.OPEN,
                AuditEntry.officer_id == district.officers["intake"],
            )
        ).one()
        assert entry.changes == {
            "grievance_id": [None, district.grievance_id],
            "ground": [None, "to_send_the_answer"],
        }


def test_the_complainant_reads_when_which_office_and_what_for_and_no_name(
    district: District,
) -> None:
    district.seal()
    district.open("handler", ground=OpeningGround.ASK)
    with district.acting() as session:
        (row,) = session.execute(asking.openings_for_complainant(district.grievance_id)).all()
    assert row._fields == ("opened_at", "office", "duty", "ground", "two_agreed")
    assert (row.office, row.duty, row.ground) == ("Parks", "handler", OpeningGround.ASK)
    assert row.two_agreed is False
    assert abs(row.opened_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert "Handler" not in str(row)
    assert "goes out today" not in str(row)


def test_nothing_sealed_is_in_the_trail(district: District) -> None:
    district.seal()
    district.open()
    with district.acting() as session:
        whole = str(
            session.scalars(
                select(func.to_jsonb(text("audit_entry.*"))).select_from(AuditEntry)
            ).all()
        )
    for canary in CANARIES.values():
        assert canary not in whole
    with district.acting() as session:
        kept = one(session, Identity, district)
        for field in IdentityField:
            assert bytes(kept._mapping[field.value]).hex() not in whole


def test_sealing_anew_replaces_all_of_it_and_its_key(district: District) -> None:
    district.seal()
    with district.acting() as session:
        before = one(session, IdentityKey, district)
    district.seal(name="Somebody Else", by="second")
    assert district.read(district.open()) == {
        field: "Somebody Else" if field is IdentityField.NAME else "" for field in IdentityField
    }
    with district.acting() as session:
        after = one(session, IdentityKey, district)
    assert (before.key_version, after.key_version) == (1, 2)
    assert bytes(before.wrapped) != bytes(after.wrapped)


@pytest.mark.parametrize(
    "who", ["storeman", "depot_head", "colleague", "administrator", "auditor", "decider"]
)
def test_whoever_has_no_duty_or_is_of_the_office_is_refused(district: District, who: str) -> None:
    district.seal()
    with pytest.raises(RuleBroken):
        district.open(who)
    with district.acting() as session:
        assert count(session, IdentityOpening, district) == 0


def test_the_decider_of_an_appeal_may_open(district: District) -> None:
    district.seal()
    with district.acting() as session:
        decision = make_decision(grievance_id=district.grievance_id)
        make_appeal(decision_id=decision.id, first_decider_id=district.officers["second"])
        session.commit()
    opening = district.open("decider", ground=OpeningGround.REVIEW)
    assert district.read(opening, "decider") == CANARIES


def test_an_opening_is_for_one_officer_and_one_grievance(district: District) -> None:
    district.seal()
    opening = district.open()
    assert district.read(opening, "second") is None
    assert district.read(opening, "storeman") is None
    with district.acting():
        assert acting.read_opened(opening or 0, ring=district.ring) is None  # the system neither
    assert district.read(0) is None


def test_an_opening_ends(lonely: District) -> None:
    lonely.seal()
    opening = lonely.open()
    with lonely.acting() as session:
        session.execute(text("ALTER TABLE identity_opening DISABLE TRIGGER USER"))
        session.execute(
            update(IdentityOpening.__table__).values(
                opened_at=func.now() - timedelta(minutes=6),
                ends_at=func.now() - timedelta(minutes=1),
            )
        )
        session.commit()
    assert lonely.read(opening) is None


def test_what_is_not_on_the_disk_yet_opens_nothing(district: District) -> None:
    """A transaction that could still be rolled back has logged nothing (promise A8)."""
    district.seal()
    with district.acting("intake") as session:
        opening = acting.open_identity(
            district.grievance(),
            OpeningGround.ANSWER,
            "The answer",
            by=district.officer("intake"),
            at=now(),
            terms=TERMS,
        )
        assert opening
        assert acting.read_opened(opening, ring=district.ring) is None
        with session.begin_nested():
            nested = acting.open_identity(
                district.grievance(),
                OpeningGround.ANSWER,
                "The answer",
                by=district.officer("intake"),
                at=now(),
                terms=TERMS,
            )
        assert nested
        assert acting.read_opened(nested, ring=district.ring) is None
        session.rollback()
        assert acting.read_opened(opening, ring=district.ring) is None
        assert count(session, IdentityOpening, district) == 0


def test_an_identity_of_a_transaction_that_was_rolled_back_is_not_there(
    district: District,
) -> None:
    with district.acting("intake") as session:
        acting.seal_identity(district.grievance(), CANARIES, ring=district.ring)
        session.rollback()
    with pytest.raises(RuleBroken, match="No identity is sealed"):
        district.open()
    with district.acting() as session:
        assert count(session, Identity, district) == count(session, IdentityKey, district) == 0


# --- The database itself ---------------------------------------------------------------------


def refused(session: Any, statement: str) -> bool:
    with pytest.raises(ProgrammingError) as caught:
        session.execute(text(statement))
    session.rollback()
    return "permission denied" in str(caught.value.orig)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT name FROM identity",
        "SELECT * FROM identity",
        "SELECT wishes FROM identity WHERE grievance_id = 1",
        "SELECT count(*) FROM identity WHERE name = '\\x00'",
        "SELECT grievance_id FROM identity ORDER BY phone",
        "UPDATE identity SET key_version = 1 RETURNING email",
        "SELECT to_jsonb(identity) FROM identity",
        "COPY identity TO STDOUT",
        "SELECT wrapped FROM identity_key",
        "UPDATE identity_opening SET reason = 'x'",
        "DELETE FROM identity_opening",
        "INSERT INTO identity_opening (opened_at) VALUES (now())",
        "UPDATE officer_posting SET until_at = now()",
        "DELETE FROM former_respondent",
        "DELETE FROM identity_request",
    ],
)
def test_the_web_server_has_no_right_to_read_what_is_sealed_or_to_change_the_log(
    district: District, statement: str
) -> None:
    district.seal()
    with district.acting("intake") as session:
        assert refused(session, statement)


def test_reports_have_no_right_to_any_of_it(district: District) -> None:
    district.seal()
    for table in ("identity", "identity_key", "identity_request", "identity_opening"):
        with district.acting() as session:
            session.execute(text("SET LOCAL ROLE redress_reader"))
            assert refused(session, f"SELECT id FROM {table}")  # noqa: S608


def test_nobody_sees_rows_of_a_grievance_that_is_not_theirs(district: District) -> None:
    district.seal()
    district.open()
    with district.acting() as session:
        stranger = make_officer(roles=[Role.HANDLER], office_id=district.offices["works"]).id
        outside = make_officer(roles=[Role.HANDLER]).id
        session.commit()
    district.officers |= {"stranger": stranger, "outside": outside}
    for who, number in (("outside", 0), ("stranger", 1), ("intake", 1)):
        with district.acting(who) as session:
            for table in ("identity", "identity_key", "identity_opening"):
                seen = session.scalar(
                    text(f"SELECT count(id) FROM {table} WHERE grievance_id = :id"),  # noqa: S608
                    {"id": district.grievance_id},
                )
                assert seen == number, (who, table)


def test_without_a_ticket_every_table_is_empty(district: District) -> None:
    district.seal()
    district.open()
    with district.acting() as session:
        session.execute(
            text("SELECT set_config('redress.ticket', '', true), set_config('role', :app, true)"),
            {"app": "redress_app"},
        )
        for table in ("identity", "identity_key", "identity_opening", "identity_request"):
            assert session.scalar(text(f"SELECT count(id) FROM {table}")) == 0  # noqa: S608
        opening = text("SELECT count(*) FROM generate_series(1, 99) n, redress_identity(n)")
        assert session.scalar(opening) == 0


def test_identities_survive_a_migration_down_and_up_again(lonely: District) -> None:
    lonely.seal()
    with lonely.acting():
        flask_migrate.downgrade(revision="0002")
        flask_migrate.upgrade()
    assert lonely.read(lonely.open()) == CANARIES


def test_an_opening_cannot_be_written_for_somebody_else_or_into_the_past(
    district: District,
) -> None:
    district.seal()
    values = (
        f"{district.grievance_id}, {district.officers['second']}, {district.offices['bureau']},"
        " 'intake', 'to_send_the_answer', 'x', now() + interval '5 minutes'"
    )
    columns = "grievance_id, officer_id, office_id, duty, ground, reason, ends_at"
    with district.acting("intake") as session:
        statement = f"INSERT INTO identity_opening ({columns}) VALUES ({values})"  # noqa: S608
        with pytest.raises(ProgrammingError, match="row-level security"):
            session.execute(text(statement))


def forge(district: District, who: str, grievance_id: int = 0, request: int | None = None) -> int:
    """Write an opening as the web server may, past every rule of the application."""
    with district.acting(who) as session:
        opening = session.scalar(
            text(
                "INSERT INTO identity_opening (grievance_id, officer_id, office_id, duty, ground,"
                " reason, ends_at, request_id) VALUES (:grievance, :officer, :office, 'intake',"
                " 'to_send_the_answer', 'x', clock_timestamp() + interval '5 minutes', :request)"
                " RETURNING id"
            ),
            {
                "grievance": grievance_id or district.grievance_id,
                "officer": district.officers[who],
                "office": district.offices["bureau"],
                "request": request,
            },
        )
        session.commit()
        return int(opening)


@pytest.mark.parametrize("who", ["storeman", "depot_head", "colleague", "administrator", "auditor"])
def test_the_database_refuses_too_where_the_application_forgot(
    district: District, who: str
) -> None:
    grievance = district.grievance_id
    district.seal()
    assert district.read(forge(district, who, grievance), who) is None
    assert district.read(forge(district, "intake", grievance)) == CANARIES


def test_where_two_are_needed_a_forged_opening_of_one_opens_nothing(district: District) -> None:
    district.seal()
    change(district, identity_needs_two=True)
    assert district.read(forge(district, "intake")) is None
    district.open("intake")  # asks
    with district.acting() as session:
        request = one(session, IdentityRequest, district).id
    assert district.read(forge(district, "intake", request=request)) is None
    with district.acting("intake") as session:
        mine = (
            update(IdentityRequest.__table__)
            .where(IdentityRequest.id == request)
            .values(
                state="granted", decided_at=func.now(), decided_by_id=district.officers["second"]
            )
        )
        assert session.execute(mine).rowcount == 0  # not by the one who asked
        session.rollback()


# --- A8 --------------------------------------------------------------------------------------


def test_without_the_right_to_write_the_log_nothing_is_opened(
    lonely: District, figures: Callable[[str], None]
) -> None:
    lonely.seal()
    with lonely.acting() as session:
        session.execute(text("REVOKE INSERT ON identity_opening FROM redress_app"))
        for column in ("grievance_id", "officer_id"):
            session.execute(text(f"REVOKE INSERT ({column}) ON identity_opening FROM redress_app"))
        session.commit()
    browser = lonely.browser("intake")
    page = browser.send(
        f"/admin/sealed/{lonely.grievance_id}/open",
        ground="to_send_the_answer",
        reason="The answer",
    )
    assert page.status_code == 403
    assert "what is not recorded is not opened" in page.text
    assert not [canary for canary in CANARIES.values() if canary in page.text]
    with lonely.acting() as session:
        assert count(session, IdentityOpening, lonely) == 0
    figures("A8: INSERT on the log revoked: 1 opening tried, 0 opened")


def test_the_opening_is_recorded_before_a_key_is_looked_for(lonely: District) -> None:
    lonely.seal()
    path = lonely.ring.folder / "kek-1"
    key = path.read_text()
    path.unlink()
    opening = lonely.open()
    with pytest.raises(KeyMissing):
        lonely.read(opening)
    path.write_text("0" * 64)
    path.chmod(0o600)
    with pytest.raises(SealBroken):
        lonely.read(opening)
    with lonely.acting() as session:
        assert count(session, IdentityOpening, lonely) == 1
    path.write_text(key)
    assert lonely.read(opening) == CANARIES


def test_a_lost_key_is_not_replaced_by_a_new_one(lonely: District) -> None:
    lonely.seal()
    (lonely.ring.folder / "kek-1").unlink()
    with pytest.raises(KeyMissing):
        lonely.seal()
    assert lonely.ring.versions() == []


def test_the_first_key_is_made_when_the_first_identity_is_sealed(committed: Flask) -> None:
    there = make_district(committed)
    assert there.ring.versions() == []
    there.seal()
    assert there.ring.versions() == [1]
    assert there.read(there.open()) == CANARIES


def test_what_was_moved_in_the_database_does_not_open(lonely: District) -> None:
    with lonely.acting() as session:
        other = make_grievance(respondent_office_id=lonely.offices["depot"]).id
        session.commit()
    lonely.seal()
    lonely.seal(other, name="Another Person")
    opening = lonely.open()
    for statement in (
        "UPDATE identity SET name = phone, phone = name",
        "UPDATE identity i SET name = o.name FROM identity o WHERE o.id <> i.id",
        "UPDATE identity_key i SET wrapped = o.wrapped FROM identity_key o WHERE o.id <> i.id",
        "UPDATE identity_key SET kek_version = 1, key_version = 2",
        "UPDATE identity SET key_version = 2; UPDATE identity_key SET key_version = 2",
    ):
        with lonely.acting() as session:
            session.execute(text(statement))
            session.commit()
        try:
            assert lonely.read(opening) is None, statement  # versions that do not meet
        except SealBroken:
            pass
        lonely.seal()
        lonely.seal(other, name="Another Person")
        assert lonely.read(opening) == CANARIES


# --- Two people ------------------------------------------------------------------------------


@pytest.fixture
def feared(shared: Flask) -> District:
    there = make_district(shared, identity_needs_two=True)
    there.seal()
    return there


def decide(district: District, by: str, *, grant: bool = True) -> None:
    with district.acting(by) as session:
        request = session.scalars(
            select(IdentityRequest)
            .where(IdentityRequest.grievance_id == district.grievance_id)
            .order_by(IdentityRequest.id.desc())
        ).first()
        acting.decide_request(request, grant=grant, by=district.officer(by), at=now())
        session.commit()


def open_granted(district: District, by: str = "intake", **terms: timedelta) -> int:
    with district.acting(by) as session:
        opening = acting.open_granted(
            district.grievance(),
            by=district.officer(by),
            at=now(),
            terms=acting.Terms(**(vars(TERMS) | terms)),
        )
        session.commit()
        return opening


def test_where_harm_is_feared_two_agree_before_it_opens(feared: District) -> None:
    assert feared.open("intake") is None
    with pytest.raises(RuleBroken, match="Nobody has agreed"):
        open_granted(feared)
    decide(feared, "second")
    opening = open_granted(feared)
    assert feared.read(opening) == CANARIES
    assert feared.read(opening, "second") is None
    with feared.acting() as session:
        (row,) = session.execute(asking.openings_for_complainant(feared.grievance_id)).all()
        assert row.two_agreed is True
    with pytest.raises(RuleBroken, match="Nobody has agreed"):
        open_granted(feared)  # an agreement is for one opening


def test_nobody_agrees_to_their_own_request(feared: District) -> None:
    feared.open("intake")
    with pytest.raises(RuleBroken, match="Somebody else"):
        decide(feared, "intake")


@pytest.mark.parametrize("who", ["storeman", "colleague", "administrator", "auditor", "decider"])
def test_whoever_could_not_open_it_cannot_agree_either(feared: District, who: str) -> None:
    feared.open("intake")
    with pytest.raises(RuleBroken):
        decide(feared, who)
    with pytest.raises(RuleBroken):
        open_granted(feared)


def test_a_request_is_made_once_refused_once_and_made_again(feared: District) -> None:
    feared.open("intake")
    with pytest.raises(RuleBroken, match="asked already"):
        feared.open("intake")
    decide(feared, "head", grant=False)
    with pytest.raises(RuleBroken, match="Nobody has agreed"):
        open_granted(feared)
    assert feared.open("intake") is None


def test_an_agreement_grows_old(feared: District) -> None:
    feared.open("intake")
    decide(feared, "second")
    with pytest.raises(RuleBroken, match="too old"):
        open_granted(feared, agreement=timedelta(0))


def test_two_stay_needed_for_as_long_as_it_is_sealed(feared: District) -> None:
    with feared.acting("intake") as session:
        with pytest.raises(IntegrityError) as caught:
            session.execute(
                update(Grievance)
                .where(Grievance.id == feared.grievance_id)
                .values(identity_needs_two=False)
            )
        assert caught.value.orig.diag.constraint_name == "ck_grievance_two_stay"  # type: ignore[union-attr]
        session.rollback()
    with feared.acting() as session:
        acting.erase_identity(feared.grievance(), ErasureGround.WISH)
        session.execute(
            update(Grievance)
            .where(Grievance.id == feared.grievance_id)
            .values(identity_needs_two=False)
        )
        session.commit()


# --- Transfers (A7) --------------------------------------------------------------------------


def test_a_transfer_does_not_open_what_the_old_office_is_complained_about_for(
    district: District,
) -> None:
    district.seal()
    with district.acting() as session:
        session.execute(
            update(Officer)
            .where(Officer.id == district.officers["storeman"])
            .values(office_id=district.offices["bureau"])
        )
        session.commit()
    with pytest.raises(RuleBroken, match="in the last two years"):
        district.open("storeman")
    assert district.read(forge(district, "storeman"), "storeman") is None
    with district.acting() as session:
        session.execute(
            update(OfficerPosting)
            .where(OfficerPosting.officer_id == district.officers["storeman"])
            .values(until_at=func.now() - timedelta(days=731))
        )
        session.commit()
    assert district.read(district.open("storeman"), "storeman") == CANARIES


def test_naming_another_office_for_a_moment_opens_nothing_to_the_first(
    district: District,
) -> None:
    district.seal()
    with district.acting("intake") as session:
        mine = update(Grievance).where(Grievance.id == district.grievance_id)
        session.execute(mine.values(respondent_office_id=district.offices["works"]))
        session.execute(mine.values(respondent_office_id=None))
        session.commit()
    with district.acting() as session:
        former = set(
            session.scalars(
                select(FormerRespondent.office_id).where(
                    FormerRespondent.grievance_id == district.grievance_id
                )
            )
        )
        assert former == {district.offices["depot"], district.offices["works"]}
    with pytest.raises(RuleBroken):
        district.open("storeman")
    assert district.read(forge(district, "storeman"), "storeman") is None


def test_the_rule_and_the_database_decide_alike(
    session: Any, figures: Callable[[str], None]
) -> None:
    """The same officers and grievances, asked of rules/identity.py and of the database."""
    random = Random(11)  # noqa: S311  no secret
    offices = [make_office().id]
    for _ in range(24):
        offices.append(make_office(parent_id=random.choice(offices)).id)
    officers = [
        make_officer(
            office_id=random.choice(offices),
            roles=random.sample(list(Role), random.choice([1, 1, 1, 2])),
        )
        for _ in range(50)
    ]
    grievances = []
    for _ in range(50):
        one = make_grievance(
            kind=random.choice(list(GrievanceKind)),
            identity_needs_two=random.random() < 0.3,
            handler_id=random.choice(officers).id,
            lead_official_id=random.choice(officers).id,
            responsible_office_id=random.choice(offices),
            respondent_office_id=random.choice([None, *random.sample(offices, 3)]),
        )
        grievances.append(one)
        if random.random() < 0.5:
            decision = make_decision(grievance_id=one.id)
            make_appeal(decision_id=decision.id, first_decider_id=random.choice(officers).id)
        if random.random() < 0.3:
            one.respondent_office_id = random.choice([None, *random.sample(offices, 2)])
    for officer in random.sample(officers, 20):
        officer.office_id = random.choice(offices)
        make_recusal(officer_id=officer.id, office_id=random.choice(offices))
    session.flush()
    tree, moment = asking.office_tree(session), now()
    cases = [asking.case(session, one) for one in grievances]
    asked = allowed = 0
    for officer in officers:
        who = asking.asker(session, officer, moment.now, moment.today)
        for one, case in zip(grievances, cases, strict=True):
            duty, partial = session.execute(
                select(
                    func.redress_has_duty(officer.id, one.id),
                    func.redress_is_partial(officer.id, one.id),
                )
            ).one()
            assert duty is (duty_of(who, case) is not None), (who, case)
            assert partial is is_partial(who, case, tree), (who, case, tree)
            asked, allowed = asked + 1, allowed + (duty and not partial)
    assert allowed > 100
    figures(f"A7: {asked:,} pairs of officer and grievance, rule and database differ in 0")


# --- Erasing and retention -------------------------------------------------------------------


def dump(session: Any, table: str) -> bytes:
    """What a backup keeps of a table."""
    out = io.BytesIO()
    session.connection().connection.cursor().copy_expert(
        f"COPY {table} TO STDOUT (FORMAT binary)", out
    )
    return out.getvalue()


def test_what_was_erased_does_not_open_from_a_backup_without_its_key(lonely: District) -> None:
    lonely.seal()
    opening = lonely.open()
    with lonely.acting() as session:
        kept, key = dump(session, "identity"), dump(session, "identity_key")
        assert not [canary for canary in CANARIES.values() if canary.encode() in kept + key]
        assert acting.erase_identity(lonely.grievance(), ErasureGround.WISH)
        session.commit()
        assert not acting.erase_identity(lonely.grievance(), ErasureGround.WISH)
    assert lonely.read(opening) is None

    def restore(table: str, content: bytes) -> None:
        with lonely.acting() as session:
            cursor = session.connection().connection.cursor()
            cursor.copy_expert(f"COPY {table} FROM STDIN (FORMAT binary)", io.BytesIO(content))
            session.commit()

    restore("identity", kept)
    assert lonely.read(opening) is None
    restore("identity_key", key)  # the other half, which backups keep apart and for less long
    assert lonely.read(opening) == CANARIES
    with lonely.acting() as session:
        grounds = session.scalars(
            select(AuditEntry.changes).where(
                AuditEntry.verb == AuditVerb.ERASE, AuditEntry.record_type == "identity"
            )
        ).all()
        assert {
            "grievance_id": [None, lonely.grievance_id],
            "ground": [None, "complainant_asked"],
        } in grounds


def test_only_the_system_erases(lonely: District) -> None:
    lonely.seal()
    with lonely.acting("intake") as session:
        for model in (IdentityKey, Identity):
            assert session.execute(delete(model.__table__)).rowcount == 0


def test_the_command_erases_one_identity(district: District) -> None:
    district.seal()
    with district.acting():
        number = district.grievance().number
    runner = district.app.test_cli_runner()
    done = runner.invoke(args=["identity", "erase", number, "--reason", "court_or_law"])
    assert (done.exit_code, done.output.startswith("1 identity erased")) == (0, True), done.output
    again = runner.invoke(args=["identity", "erase", number, "--reason", "court_or_law"])
    assert again.exit_code != 0
    assert "No identity is sealed" in again.output
    nowhere = runner.invoke(args=["identity", "erase", "X", "--reason", "court_or_law"])
    assert "There is no grievance X." in nowhere.output
    assert runner.invoke(args=["identity", "erase", number, "--reason", "spite"]).exit_code != 0


def test_retention_erases_what_was_kept_long_enough_and_nothing_else(lonely: District) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=400)
    ended = {"state": "closed", "received_at": long_ago, "closed_at": long_ago}
    with lonely.acting() as session:
        place = {"respondent_office_id": lonely.offices["depot"]}
        kinds = {
            "old": make_grievance(**ended, **place).id,
            "withdrawn": make_grievance(
                state="withdrawn", received_at=long_ago, withdrawn_at=long_ago, **place
            ).id,
            "recent": make_grievance(state="closed", closed_at=datetime.now(UTC), **place).id,
            "open": lonely.grievance_id,
            "appealed": make_grievance(**ended, **place).id,
            "feared": make_grievance(**ended, **place).id,
        }
        make_appeal(decision_id=make_decision(grievance_id=kinds["appealed"]).id)
        make_retaliation_report(grievance_id=kinds["feared"])
        session.commit()
    for grievance_id in kinds.values():
        lonely.seal(grievance_id)
    runner = lonely.app.test_cli_runner()
    dry = runner.invoke(args=["identity", "retention", "--dry-run"])
    assert "2 identities would be erased" in dry.output
    with lonely.acting() as session:
        assert len(session.scalars(select(Identity.grievance_id)).all()) == 6
    done = runner.invoke(args=["identity", "retention"])
    assert "2 identities erased" in done.output
    with lonely.acting() as session:
        left = set(session.scalars(select(Identity.grievance_id)))
        assert left == {kinds[name] for name in ("recent", "open", "appealed", "feared")}
        assert left == set(session.scalars(select(IdentityKey.grievance_id)))


def test_a_grievance_with_an_identity_is_not_deleted_under_it(lonely: District) -> None:
    lonely.seal()
    with lonely.acting() as session, pytest.raises(IntegrityError):
        session.execute(delete(Grievance))


# --- Rates -----------------------------------------------------------------------------------


def test_how_fast_identities_are_sealed_and_opened(
    district: District, figures: Callable[[str], None]
) -> None:
    number = 100
    with district.acting() as session:
        place = {"respondent_office_id": district.offices["depot"]}
        ids = [make_grievance(**place).id for _ in range(number)]
        session.commit()
    started = monotonic()
    for grievance_id in ids:
        district.seal(grievance_id)
    sealed = monotonic() - started
    started = monotonic()
    for grievance_id in ids:
        opening = district.open(grievance_id=grievance_id)
        assert district.read(opening) == CANARIES
    opened = monotonic() - started
    figures(
        f"Sealing: {number / sealed:,.0f} identities of 5 fields a second, opening: "
        f"{number / opened:,.0f} a second (recorded, committed, read, decrypted)"
    )
