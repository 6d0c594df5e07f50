"""What a map may say, and the sentence for what it may not."""

import pytest

from rules import RuleBroken
from rules.import_map import Contacts, ImportMap, Unknown
from rules.import_map_text import read_map
from rules.offices import AreaLevel, OfficeLevel

SMALL = """
source = "Old register"
[file]
timezone = "Asia/Shanghai"
[fields]
external_number = "no"
title = "subject"
received_at = "date"
"""


def small(fields: str = "", file: str = "") -> str:
    return SMALL.replace("[fields]", f"{file}\n[fields]") + fields


def refusal(text: str) -> str:
    with pytest.raises(RuleBroken) as caught:
        read_map(text)
    return str(caught.value)


def test_a_small_map_has_sensible_defaults() -> None:
    the_map = read_map(SMALL)
    assert (the_map.encoding, the_map.delimiter, the_map.quote) == ("utf-8", ",", '"')
    assert the_map.contacts is Contacts.WARN
    assert the_map.cells["received_at"].formats == ("iso",)
    assert the_map.columns() == {"no": "external_number", "subject": "title", "date": "received_at"}


def whole() -> ImportMap:
    return read_map(
        small(
            file='encoding = "gb18030"\ndelimiter = "tab"\nquote = ""\nempty = ["n/a"]\n'
            'dates = ["%d.%m.%Y"]\ncontacts = "remove"',
            fields="""
description = { columns = ["a", "b"], join = "; " }
place = ["street", "site"]
channel = { column = "how", values = { Letter = "letter" }, otherwise = "other" }
state = { column = "st", values = { Done = "closed" }, open_with_closing_time = "ignore" }
due_at = { column = "due", dates = ["%Y"], timezone = "+05:30" }
category = ["one", "two"]
[fields.area]
path = [{ value = "District" }, "ward"]
levels = ["district", "community"]
unknown = "make"
[fields.respondent_office]
code = "dept"
name = { column = "dept", values = { W = "Works" } }
level = "subdistrict"
under = { code = "D", name = "The district" }
""".replace('dates = ["%Y"]', 'dates = ["%Y-%m-%d"]'),
        )
    )


def test_everything_that_can_be_said_is_read() -> None:
    the_map = whole()
    assert (the_map.encoding, the_map.delimiter, the_map.quote) == ("gb18030", "\t", "")
    assert the_map.empty == {"n/a"}
    assert the_map.contacts is Contacts.REMOVE
    assert the_map.cells["description"].join == "; "
    assert the_map.cells["place"].columns == ("street", "site")
    assert the_map.cells["channel"].values == {"letter": "letter"}
    assert the_map.cells["state"].ignores_closing_time
    assert the_map.cells["received_at"].formats == ("%d.%m.%Y",)
    assert str(the_map.cells["due_at"].zone) == "UTC+05:30"
    area, office = the_map.trees["area"], the_map.offices["respondent_office"]
    assert area.levels == (AreaLevel.DISTRICT, AreaLevel.COMMUNITY)
    assert (area.unknown, the_map.trees["category"].unknown) == (Unknown.MAKE, Unknown.REFUSE)
    assert office.level is OfficeLevel.SUBDISTRICT
    assert office.parent is not None
    assert office.parent.code == "D"


@pytest.mark.parametrize(
    "field",
    [
        "complainant",
        "complainant_name",
        "name",
        "phone",
        "mobile",
        "email",
        "id_number",
        "address",
        "contact",
        "identity",
        "caller",
        "姓名",
        "联系电话",
        "身份证号",
    ],
)
def test_a_field_of_identity_is_refused(field: str) -> None:
    says = refusal(small(f'"{field}" = "x"\n'))
    assert says == (f"Imported records never carry identity: take {field} out of the map.")


@pytest.mark.parametrize(
    "column",
    [
        "Complainant Name",
        "complainant",
        "RequesterPhone",
        "caller_id",
        "e-mail",
        "EMAIL",
        "first_name",
        "LastName",
        "Reported By",
        "投诉人姓名",
        "信访人电话",
        "home address",
        "National ID",
    ],
)
def test_a_column_that_says_who_complained_is_refused(column: str) -> None:
    says = refusal(small(f'description = "{column}"\n'))
    assert says.startswith("Imported records never carry identity: the map reads the column")


@pytest.mark.parametrize(
    "column",
    [
        "street_name",
        "agency_name",
        "Street_Address",
        "incident_address",
        "case_enquiry_id",
        "neighborhood",
        "mailing_district",
        "复查意见",
        "责任单位名称",
    ],
)
def test_a_column_that_says_where_or_which_office_is_read(column: str) -> None:
    assert column in read_map(small(f'description = "{column}"\n')).columns()


def test_identity_inside_an_office_or_a_tree_is_refused_too() -> None:
    for line in (
        'area = ["ward", "complainant"]',
        'responsible_office = { name = "caller" }',
        'title_x = "y"',
        'place = { columns = ["street", "phone"], join = " " }',
    ):
        assert "identity" in refusal(small(line)) or "title_x" in refusal(small(line))


@pytest.mark.parametrize(("text", "says"), [
    ("source = 'a'\n[file\n", "Line 2 of the map is not written as TOML wants it"),
    ("source = 'a'\n\n\nfile == 3\n", "Line 4 of the map is not written as TOML wants it"),
    ("source = 'a'\nx = '''never\nended", "Line 3 of the map is not written as TOML wants it"),
    ("x = " + "[" * 5000, "nested too deep"),
    ("", "The map needs a table [file]."),
    ("[file]\n", "The map needs a table [fields]."),
    ("[file]\n[fields]\n", "The map must say file.timezone"),
    (SMALL.replace('source = "Old register"', ""), "The map must say source"),
    (SMALL.replace("Old register", "x" * 81), "source must be at most 80 printable characters."),
    (SMALL.replace('title = "subject"', ""), "The map must say which column holds fields.title."),
    (SMALL.replace('"no"', '{ value = "1" }'), "fields.external_number must come from a column"),
    (SMALL.replace('"no"', "3"), "fields.external_number must be the name of a column, a list"),
    (SMALL.replace('"no"', "[]"), "fields.external_number names no column."),
    (SMALL.replace("Asia/Shanghai", "Asia/Atlantis"), "Asia/Atlantis, which is no time zone"),
    (SMALL.replace("Asia/Shanghai", "../../etc/passwd"), "which is no time zone"),
    (SMALL.replace("Asia/Shanghai", "+25:00"), "which is no time zone"),
    (small(file='encoding = "utf-9"'), "utf-9, which is no encoding of text"),
    (small(file='encoding = "hex"'), "hex, which is no encoding of text"),
    (small(file='delimiter = ";;"'), "file.delimiter must be one character."),
    (small(file='quote = 1'), "file.quote must be one character."),
    (small(file='dates = ["%Q"]'), "file.dates must be a list of date formats"),
    (small(file='dates = ["%H:%M"]'), "file.dates must be a list of date formats"),
    (small(file="dates = []"), "file.dates must be a list of date formats"),
    (small(file='contacts = "seal"'), "file.contacts must be one of: warn, refuse, remove."),
    (small(file="colour = 1"), "The map says file.colour, which means nothing there."),
    (small(file='empty = "a"').replace('"a"', "[1]"), "file.empty must be a list of texts"),
    ("colour = 1\n" + SMALL, "The map says colour, which means nothing there."),
    (small('severity = "x"'), "The map names the field severity, which there is not."),
    (small('title2 = "x"'), "There are: external_number, title, place,"),
    (small('place = { column = "a", value = "b" }'), "either a column, columns or a value"),
    (small('place = { column = "a", colour = "b" }'), "fields.place.colour, which means nothing"),
    (small('channel = { column = "a", values = { x = "fax" } }'), "channel says fax; it may"),
    (small('channel = { column = "a", otherwise = "fax" }'), "fields.channel says fax; it may"),
    (small('kind = { value = "angry" }'), "it may say conduct, decision, service."),
    (small('state = { column = "a", values = { x = 1 } }'), "fields.state.values must be a table"),
    (small('state = { column = "a", values = { x = "withdrawn" } }'),
     "A withdrawal is recorded from the complainant's own statement"),
    (small("area = []"), "fields.area must name 1 to 8 levels."),
    (small('area = { path = ["a"], levels = ["galaxy"] }'), "fields.area.levels must give each"),
    (small('area = { path = ["a"], unknown = "guess" }'), "fields.area.unknown must be one of"),
    (small("responsible_office = { level = 'district' }"), "which column holds the office's code"),
    (small("responsible_office = 3"), "fields.responsible_office must be the name of a column"),
    (small("responsible_office = { name = 'a', under = { code = 'b' } }"),
     "The map must say fields.responsible_office.under.name"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused_with_a_sentence(text: str, says: str) -> None:
    assert says in refusal(text)
