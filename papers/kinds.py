"""What a file is, by its content alone, and that file without what tells of people."""

from collections.abc import Callable
from dataclasses import dataclass

from papers.images import bare_jpeg, bare_png, bare_tiff, bare_webp, check
from papers.office import bare_document, kind_of_archive
from papers.pdf import bare_pdf
from rules import RuleBroken

_OPEN = "application/vnd.oasis.opendocument."
_OFFICE = "application/vnd.openxmlformats-officedocument."
MEDIA_TYPES = {
    "pdf": "application/pdf",
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "tif": "image/tiff",
    "docx": f"{_OFFICE}wordprocessingml.document",
    "xlsx": f"{_OFFICE}spreadsheetml.sheet",
    "pptx": f"{_OFFICE}presentationml.presentation",
    "odt": f"{_OPEN}text",
    "ods": f"{_OPEN}spreadsheet",
    "odp": f"{_OPEN}presentation",
    "txt": "text/plain",
}
"""Each kind that is taken in, by the ending that its files get."""
ENDINGS = {media_type: ending for ending, media_type in MEDIA_TYPES.items()}
ACCEPTED = ",".join([f".{ending}" for ending in MEDIA_TYPES] + [".jpeg", ".tiff"])
"""For the browser's own window of files; what counts is the content."""
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # Word of before 2007; also a docx under a password
_HEAD = 1024


@dataclass(frozen=True)
class Clean:
    """A file as it is kept."""

    media_type: str
    content: bytes


def kind_of(content: bytes) -> str | None:
    """Return the ending that fits the content ("pdf"); None for what is not taken in."""
    if b"%PDF-" in content[:_HEAD]:
        return "pdf"
    if content[:3] == b"\xff\xd8\xff":
        return "jpg"
    if content[:8] == b"\x89PNG\r\n\x1a\n":
        return "png"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp"
    if content[:4] in (b"II*\0", b"MM\0*"):
        return "tif"
    if content[:4] == b"PK\x03\x04":
        return kind_of_archive(content)
    return "txt" if _is_text(content) else None


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(sign >= " " or sign in "\t\n\r\f" for sign in text)


def _picture(kind: str, bare: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def cleaned(content: bytes) -> bytes:
        check(content, kind)
        written = bare(content)
        check(written, kind)
        return written

    return cleaned


_CLEANERS: dict[str, Callable[[bytes], bytes]] = {
    "pdf": bare_pdf,
    "jpg": _picture("JPEG", bare_jpeg),
    "png": _picture("PNG", bare_png),
    "webp": _picture("WEBP", bare_webp),
    "tif": bare_tiff,
    "txt": bytes,
}


def clean(content: bytes) -> Clean:
    """Return the file as it is to be kept. Raises RuleBroken, with what to do instead, for an
    empty one, one of another kind, and one that cannot be cleaned."""
    if not content:
        raise RuleBroken("The file is empty.")
    kind = kind_of(content)
    if kind is None and content[:8] == _COMPOUND:
        raise RuleBroken(
            "This is a document under a password, or of a program from before 2007. Save it as "
            "PDF or in the present format without a password, and upload that."
        )
    if kind is None:
        raise RuleBroken(
            "Files of this kind are not taken in. Save it as PDF, JPEG, PNG, WebP, TIFF, as plain "
            "text in UTF-8, or as a document of Word, Excel, PowerPoint or LibreOffice."
        )
    return Clean(MEDIA_TYPES[kind], _CLEANERS.get(kind, bare_document)(content))
