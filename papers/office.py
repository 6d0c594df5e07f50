"""Takes out of a document of Word, Excel, PowerPoint or LibreOffice who wrote it, when and where.

Such a file is an archive of XML and pictures. It is packed anew: what describes the document is
left empty, names of authors in comments and tracked changes go, pictures lose what theirs tell.
What could run or cannot be looked through is refused.
"""

import functools
import io
import re
import zipfile
import zlib
from collections.abc import Iterator

from papers.images import Damaged, bare_jpeg, bare_png, bare_tiff, bare_webp
from rules import RuleBroken, mark

MOST_PARTS = 5_000
LARGEST = 300_000_000
"""Bytes of all parts, unpacked."""

_EMPTY_CORE = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<cp:coreProperties xmlns:cp='
    b'"http://schemas.openxmlformats.org/package/2006/metadata/core-properties"/>'
)
_EMPTY_APP = (
    b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Properties xmlns='
    b'"http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"/>'
)
_EMPTY_CUSTOM = _EMPTY_APP.replace(b"extended-properties", b"custom-properties")
_EMPTY_META = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<office:document-meta office:version="1.3" '
    b'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"><office:meta/>'
    b"</office:document-meta>"
)
EMPTIED = {
    "docProps/core.xml": _EMPTY_CORE,
    "docProps/app.xml": _EMPTY_APP,
    "docProps/custom.xml": _EMPTY_CUSTOM,
    "meta.xml": _EMPTY_META,
}
# Parts that are left out, with what refers to them: pictures of the first page, signatures (which
# no longer fit), what a person did on a computer of theirs.
_LEFT_OUT = re.compile(
    r"(docProps/thumbnail\.|Thumbnails/|META-INF/documentsignatures|_xmlsignatures/"
    r"|xl/printerSettings/|Configurations2/|layout-cache|word/people\.xml|customXml/)",
    re.IGNORECASE,
)
_RUNS = re.compile(r"(vbaProject|vbaData|activeX/|Basic/|Scripts/|\.bin$|\.exe$|\.ole$|ObjectRepl)")
_MACRO_TYPES = (b"macroEnabled", b"application/vnd.ms-office.vbaProject")
_EMBEDDED = re.compile(r"(word|xl|ppt)/embeddings/|(^|/)Object [0-9]+/")
_NAMES_OF_PEOPLE = (
    (re.compile(rb'((?:w|w15|w16\w*|p15|p188|p):(?:author|initials|userId|providerId)=)"[^"]*"'),
     rb'\1""'),
    (re.compile(rb'(\s(?:author|initials|displayName|userId|providerId)=)"[^"]*"'), rb'\1""'),
    (re.compile(rb"(<(?:dc:creator|meta:creator-initials|loext:sender-initials|text:author-name"
                rb"|text:author-initials|text:initial-creator|author)(?:\s[^>]*)?>)[^<]*"), rb"\1"),
    (re.compile(rb'(\sw:rsid\w*=)"[^"]*"'), rb'\1"00000000"'),
)  # fmt: skip
_WHO_WROTE = re.compile(
    r"(^word/.*\.xml$|^xl/(comments|threadedComments|persons|revisions)|^xl/comments.*\.xml$"
    r"|^ppt/(comment|authors).*\.xml$|^ppt/comments/|^(content|styles)\.xml$|/persons?\.xml$)"
)
_RELATION = re.compile(rb"<Relationship\b[^>]*?/>|<Relationship\b[^>]*?>\s*</Relationship>")
_TARGET = re.compile(rb'Target="([^"]*)"')
_OVERRIDE = re.compile(rb'<Override\b[^>]*?PartName="/([^"]*)"[^>]*?/>')
_ENTRY = re.compile(rb'<manifest:file-entry\b[^>]*?manifest:full-path="([^"]*)"[^>]*?/>')
_LOCKED = mark("The document is under a password. Save it without one, and upload that.")


def kind_of_archive(content: bytes) -> str | None:
    """Return which document an archive is ("docx", "odt", …), by what is in it; None for none."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
            if "mimetype" in names:
                said = archive.open("mimetype").read(100).decode("ascii", "replace").strip()
                return _OPEN_KINDS.get(said)
            if "[Content_Types].xml" in names:
                for part, kind in _OFFICE_KINDS.items():
                    if part in names:
                        return kind
    except UNREADABLE:
        return None
    return None


_OPEN_KINDS = {
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.presentation": "odp",
}
_OFFICE_KINDS = {"word/document.xml": "docx", "xl/workbook.xml": "xlsx"}
_OFFICE_KINDS |= {"ppt/presentation.xml": "pptx"}
# What zipfile raises where an archive is not whole, is under a password or packed in another way.
UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError),
    *(LookupError, NotImplementedError, MemoryError, AttributeError, OverflowError),
)


def bare_document(content: bytes) -> bytes:
    """Return the document without what describes it. Raises RuleBroken for one with a macro, an
    embedded file or a password, Damaged."""
    written = io.BytesIO()
    try:
        with (
            zipfile.ZipFile(io.BytesIO(content)) as archive,
            zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as packed,
        ):
            for name, part in _parts(archive):
                # LibreOffice knows its files by the first part, which is not packed.
                how = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
                packed.writestr(zipfile.ZipInfo(name), _bare(name, part), compress_type=how)
    except UNREADABLE:
        raise Damaged from None
    return written.getvalue()


def _parts(archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    """Yield the parts that are kept, the one called mimetype first."""
    members = [one for one in archive.infolist() if not one.is_dir()]
    if len(members) > MOST_PARTS or sum(one.file_size for one in members) > LARGEST:
        raise RuleBroken("The document is larger than it seems. Save it as PDF.")
    if len({one.filename for one in members}) < len(members):
        raise Damaged
    if any(one.flag_bits & 1 for one in members):
        raise RuleBroken(_LOCKED)
    room = LARGEST
    for one in sorted(members, key=lambda one: one.filename != "mimetype"):
        name = one.filename
        if _LEFT_OUT.search(name):
            continue
        if _RUNS.search(name):
            raise RuleBroken(
                "The document holds a macro or a program. Save it without, or as PDF, and upload "
                "that."
            )
        if _EMBEDDED.search(name):
            raise RuleBroken(
                "The document holds another one inside. Save it as PDF, or upload the two apart."
            )
        with archive.open(one) as opened:
            part = opened.read(room + 1)
        room -= len(part)
        if room < 0:
            raise RuleBroken("The document is larger than it seems. Save it as PDF.")
        yield name, part


_PICTURES = {
    b"\xff\xd8\xff": bare_jpeg,
    b"\x89PNG\r\n\x1a\n": bare_png,
    b"RIFF": bare_webp,
    b"II*\0": bare_tiff,
    b"MM\0*": bare_tiff,
}


def _bare(name: str, part: bytes) -> bytes:
    """Return one part without what tells of people."""
    if name in EMPTIED:
        return EMPTIED[name]
    for start, bare in _PICTURES.items():
        if part.startswith(start):
            return bare(part)
    if name == "[Content_Types].xml":
        if any(word in part for word in _MACRO_TYPES):
            raise RuleBroken(
                "The document holds a macro or a program. Save it without, or as PDF, and upload "
                "that."
            )
        return _OVERRIDE.sub(_without_left_out, part)
    if name.endswith(".rels"):
        return _RELATION.sub(_without_target, part)
    if name == "META-INF/manifest.xml":
        if b"manifest:encryption-data" in part:
            raise RuleBroken(_LOCKED)
        return _ENTRY.sub(_without_left_out, part)
    if _WHO_WROTE.search(name):
        return functools.reduce(lambda text, one: one[0].sub(one[1], text), _NAMES_OF_PEOPLE, part)
    return part


def _without_left_out(entry: re.Match[bytes]) -> bytes:
    return b"" if _LEFT_OUT.search(entry[1].decode("utf-8", "replace")) else entry[0]


def _without_target(relation: re.Match[bytes]) -> bytes:
    target = _TARGET.search(relation[0])
    if target is None:
        return relation[0]
    path = target[1].decode("utf-8", "replace").lstrip("/.")
    gone = any(_LEFT_OUT.search(f"{folder}{path}") for folder in ("", "word/", "xl/", "ppt/"))
    return b"" if gone else relation[0]
