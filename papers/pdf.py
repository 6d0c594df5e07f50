"""Takes out of a PDF who made it, with what and when, what is hidden in it, and what it would do.

It is written anew from what its pages need, so that earlier versions, which a PDF keeps behind its
end, and whatever nothing refers to are gone. A signature in it does not survive that: what is
signed is kept on paper or with its sender (docs/decisions/0073-papers.md).
"""

import io

import pikepdf

from papers.images import Damaged, bare_jpeg
from rules import RuleBroken

MOST_PAGES = 5_000
# Of any object in it: descriptions, notes of the program that wrote it, attached files, scripts.
_HIDDEN = ("/Metadata", "/PieceInfo", "/LastModified", "/AF", "/AA", "/JS")
_AT_THE_TOP = ("/OpenAction", "/Collection", "/Perms", "/DSS", "/SpiderInfo", "/Threads")
_NAMED = ("/EmbeddedFiles", "/JavaScript", "/AlternatePresentations", "/Renditions")
_ACTS = {"/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/Rendition", "/Movie", "/Sound"}
_ATTACHED = {"/FileAttachment", "/Movie", "/Sound", "/Screen", "/RichMedia", "/3D"}
_OF_A_NOTE = ("/T", "/CreationDate", "/M", "/NM")  # who wrote it and when


def bare_pdf(content: bytes) -> bytes:
    """Return the pages of a PDF as they are shown and searched, and nothing besides. Raises
    RuleBroken for one under a password, Damaged."""
    try:
        with pikepdf.open(io.BytesIO(content)) as pdf:
            if len(pdf.pages) > MOST_PAGES:
                raise RuleBroken(
                    "The PDF has more than %(number)s pages. Upload it in parts.",
                    number=MOST_PAGES,
                )
            if len(pdf.pages) == 0:
                raise Damaged
            _clear(pdf)
            written = io.BytesIO()
            pdf.save(
                written,
                object_stream_mode=pikepdf.ObjectStreamMode.generate,
                deterministic_id=True,
                encryption=False,
            )
            return written.getvalue()
    except pikepdf.PasswordError:
        raise RuleBroken(
            "The PDF is under a password. Save it without one, and upload that."
        ) from None
    except (pikepdf.PdfError, ValueError, TypeError, LookupError, RuntimeError, AttributeError):
        raise Damaged from None


def _clear(pdf: pikepdf.Pdf) -> None:
    pdf.remove_unreferenced_resources()
    for key in ("/Info", "/ID"):
        if key in pdf.trailer:
            del pdf.trailer[key]
    for key in _AT_THE_TOP:
        if key in pdf.Root:
            del pdf.Root[key]
    names = pdf.Root.get("/Names")
    if isinstance(names, pikepdf.Dictionary):
        for key in _NAMED:
            if key in names:
                del names[key]
    for one in pdf.objects:
        if isinstance(one, pikepdf.Dictionary | pikepdf.Stream):
            _clear_object(one)


def _clear_object(one: pikepdf.Object) -> None:
    for key in _HIDDEN:
        if key in one:
            del one[key]
    acts = one.get("/A")
    if isinstance(acts, pikepdf.Dictionary) and str(acts.get("/S", "")) in _ACTS:
        del one["/A"]
    if str(one.get("/S", "")) in _ACTS:  # an action that others point at
        for key in list(one.keys()):
            del one[key]
        return
    _clear_notes(one)
    if isinstance(one, pikepdf.Stream) and one.get("/Filter") == pikepdf.Name("/DCTDecode"):
        raw = one.read_raw_bytes()
        if raw[:2] == b"\xff\xd8":
            how = one.get("/DecodeParms")
            one.write(bare_jpeg(raw), filter=pikepdf.Name.DCTDecode)
            if how is not None:
                one["/DecodeParms"] = how


def _clear_notes(one: pikepdf.Object) -> None:
    """Take attached files from a page, and from a note who wrote it."""
    notes = one.get("/Annots")
    if isinstance(notes, pikepdf.Array):
        kept = [notes[place] for place in range(len(notes)) if not _is_attached(notes[place])]
        one["/Annots"] = pikepdf.Array(kept)
    # In a field of a form /T is its name, without which it is not filled in.
    is_note = "/Subtype" in one and "/Rect" in one and str(one["/Subtype"]) != "/Widget"
    for key in _OF_A_NOTE:
        if is_note and key in one:
            del one[key]


def _is_attached(note: pikepdf.Object) -> bool:
    return isinstance(note, pikepdf.Dictionary) and str(note.get("/Subtype", "")) in _ATTACHED
