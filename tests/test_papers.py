"""What comes in is taken for what it is, and nothing in it tells of who made it (promise B7)."""

import io
import os
import stat
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

import openpyxl
import pikepdf
import pytest
from PIL import Image, ImageChops

from papers import Store, clean
from papers.images import MOST_PIXELS
from papers.kinds import MEDIA_TYPES
from papers.office import LARGEST
from rules import RuleBroken
from tests.papers_of import (
    TELLING,
    TELLING_FILES,
    all_in,
    archive,
    docx,
    jpeg,
    odt,
    pdf,
    picture,
    png,
)

kinds = pytest.mark.parametrize("media_type", TELLING_FILES)


@kinds
def test_each_of_the_files_tells_before_it_is_cleaned(media_type: str) -> None:
    assert TELLING.encode() in all_in(TELLING_FILES[media_type]())


@kinds
def test_nothing_that_tells_is_left_and_the_kind_is_found_from_the_content(media_type: str) -> None:
    cleaned = clean(TELLING_FILES[media_type]())
    assert cleaned.media_type == media_type
    assert TELLING.encode() not in all_in(cleaned.content)
    assert b"Quillfeather" not in all_in(cleaned.content)


@kinds
def test_what_is_clean_is_left_as_it_is(media_type: str) -> None:
    once = clean(TELLING_FILES[media_type]()).content
    assert clean(once).content == once


@pytest.mark.parametrize("make", [jpeg, png, TELLING_FILES["image/webp"]])
def test_not_a_point_of_a_picture_changes(make: Callable[[], bytes]) -> None:
    before, after = make(), clean(make()).content
    with Image.open(io.BytesIO(before)) as one, Image.open(io.BytesIO(after)) as other:
        assert one.size == other.size
        assert ImageChops.difference(one.convert("RGB"), other.convert("RGB")).getbbox() is None


def test_a_photograph_is_still_shown_the_right_way_up() -> None:
    with Image.open(io.BytesIO(clean(jpeg()).content)) as shown:
        assert dict(shown.getexif()) == {0x0112: 6}


def test_a_scan_keeps_its_pages() -> None:
    with Image.open(io.BytesIO(clean(TELLING_FILES["image/tiff"]()).content)) as scan:
        assert scan.n_frames == 2
        assert ImageChops.difference(scan.convert("RGB"), picture()).getbbox() is None
        scan.seek(1)
        assert scan.size == (30, 40)


def test_a_pdf_keeps_its_pages_pictures_and_notes_and_does_nothing_by_itself() -> None:
    with pikepdf.open(io.BytesIO(clean(pdf()).content)) as kept:
        assert len(kept.pages) == 2
        assert len(kept.pages[0].get_images()) == 1
        assert str(kept.pages[0].Annots[0].Contents) == "Look here"
        assert "/OpenAction" not in kept.Root
        assert len(kept.attachments) == 0
        assert not kept.docinfo


def test_a_spreadsheet_still_opens_with_its_figures_and_comments() -> None:
    name = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    sheet = openpyxl.load_workbook(io.BytesIO(clean(TELLING_FILES[name]()).content)).active
    assert (sheet["A1"].value, sheet["B1"].value) == ("Arrears", 42)
    assert "Ask the depot" in sheet["A1"].comment.text


@pytest.mark.parametrize(("make", "part"), [(docx, "word/document.xml"), (odt, "content.xml")])
def test_a_text_keeps_its_words_and_refers_to_nothing_that_is_gone(
    make: Callable[[], bytes], part: str
) -> None:
    with zipfile.ZipFile(io.BytesIO(clean(make()).content)) as kept:
        assert b"The road is flooded" in kept.read(part)
        names = " ".join(kept.namelist())
        assert "humbnail" not in names
        assert "people" not in names
        for one in kept.namelist():
            if one.endswith((".rels", "manifest.xml", "Types].xml")):
                assert b"humbnail" not in kept.read(one)
                assert b"people.xml" not in kept.read(one)
    if make is odt:
        assert clean(make()).content[30:38] == b"mimetype"


def test_plain_text_stays_as_it_is() -> None:
    words = "Die Straße ist überschwemmt.\r\n道路被淹。\n".encode()
    assert clean(words).content == words
    assert clean(words).media_type == "text/plain"
    # It is what it is: text, and never run or shown as anything else.
    assert clean(b"<html><script>alert(1)</script></html>").media_type == "text/plain"


REFUSED = {
    "nothing": (b"", "empty"),
    "a program": (b"MZ\x90\x00\x03", "not taken in"),
    "an archive": (archive({"a.txt": "a"}), "not taken in"),
    "an old document": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "before 2007"),
    "a PDF under a password": (pdf(password="heron"), "without one"),
    "half a PDF": (b"%PDF-1.7\n" + b"1 0 obj", "damaged"),
    "half a photograph": (jpeg()[:700], "damaged"),
    "half a picture": (png()[:900], "damaged"),
    "a picture that is none": (b"\x89PNG\r\n\x1a\n" + b"<script>", "damaged"),
    "half a document": (docx()[:-400], "not taken in"),
    "a macro": (docx(**{"word/vbaProject.bin": "x"}), "macro"),
    "a macro by its type": (
        docx(**{"word/x.xml": "", "[Content_Types].xml": "<Types>macroEnabled</Types>"}),
        "macro",
    ),
    "a document in it": (docx(**{"word/embeddings/sheet1.xlsx": "PK"}), "another one inside"),
    "a macro of LibreOffice": (odt(**{"Basic/Standard/Module1.xml": "x"}), "macro"),
    "a text under a password": (
        odt(**{"META-INF/manifest.xml": "<manifest:encryption-data/>"}),
        "without one",
    ),
    "text in another alphabet": ("überschwemmt".encode("latin-1"), "UTF-8"),
    "text with a null": (b"flooded\0", "not taken in"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_cleaned_is_refused_with_what_to_do(name: str) -> None:
    content, words = REFUSED[name]
    with pytest.raises(RuleBroken, match=words):
        clean(content)


def test_a_picture_of_too_many_points_is_refused_before_it_is_unpacked() -> None:
    head = bytearray(png())
    head[16:24] = (30_000).to_bytes(4) + (30_000).to_bytes(4)
    assert 30_000**2 > MOST_PIXELS
    with pytest.raises(RuleBroken):
        clean(bytes(head))


def test_an_archive_that_unpacks_to_too_much_is_refused() -> None:
    bomb = docx(**{"word/media/a.bmp": bytes(LARGEST)})
    assert len(bomb) < 1_000_000
    with pytest.raises(RuleBroken, match="larger than it seems"):
        clean(bomb)


@kinds
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_files_are_cleaned_or_refused_and_break_nothing(media_type: str) -> None:
    random, whole = Random(media_type), TELLING_FILES[media_type]()  # noqa: S311
    for _ in range(150):
        broken = bytearray(whole)
        for _ in range(random.choice([1, 3, 20])):
            broken[random.randrange(len(broken))] = random.randrange(256)
        if random.random() < 0.3:
            del broken[random.randrange(len(broken)) :]
        with suppress(RuleBroken):
            assert clean(bytes(broken)).media_type in MEDIA_TYPES.values()


def test_a_stored_file_is_for_its_owner_alone_and_is_known_by_its_hash(tmp_path: Path) -> None:
    store = Store(tmp_path / "documents")
    kept = store.keep(b"a letter")
    path = store.folder / kept.name[:2] / kept.name
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert store.read(kept.name, kept.sha256) == b"a letter"
    assert store.keep(b"a letter").name != kept.name
    assert not store.is_old(kept.name)
    os.utime(path, (time.time() - 7200,) * 2)
    assert store.is_old(kept.name)
    path.write_bytes(b"another letter")
    assert store.read(kept.name, kept.sha256) is None
    store.drop(kept.name)
    store.drop(kept.name)
    assert kept.name not in list(store.names())


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "ab", "/etc/passwd", "x" * 40])
def test_no_other_file_is_read_through_the_store(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no name"):
        Store(tmp_path).read(name, "0" * 64)
