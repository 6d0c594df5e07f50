"""Takes out of a picture what tells of who took it, where and when; the pixels stay as they are.

A JPEG, PNG or WebP is a row of labelled parts. Those that make the picture are kept and all others
left out, also what follows its end, where telephones append a film. A TIFF has no such row; it is
written anew from its pixels, without loss.
"""

import io
import struct

from PIL import Image

from rules import RuleBroken, mark

MOST_PIXELS = 120_000_000
"""Width by height: a sheet of A3 at 600 dpi has 70 million."""
MOST_PAGES = 200
"""Of a TIFF."""

_PNG_START = b"\x89PNG\r\n\x1a\n"
# Colours and size are part of the picture; text, time and Exif are not.
_PNG_KEPT = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP"}
_PNG_KEPT |= {b"sBIT", b"pHYs", b"bKGD", b"cICP"}
_WEBP_KEPT = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ICCP"}
_EXIF, _XMP = 0x08, 0x04  # flags of WebP's first part
_SCAN, _END = 0xDA, 0xD9
_ALONE = {0x01, *range(0xD0, 0xDA)}  # markers of a JPEG that nothing follows
_ORIENTATION = 0x0112

# What Pillow raises where a file is not what it begins as.
UNREADABLE = (
    *(OSError, ValueError, SyntaxError, LookupError, TypeError, EOFError, ArithmeticError),
    *(struct.error, RuntimeError, MemoryError, AttributeError, Image.DecompressionBombError),
)


class Damaged(RuleBroken):
    """The content is not whole."""

    def __init__(self) -> None:
        super().__init__(
            mark(
                "The file is damaged: it begins as what it is and does not go on so. Open it, save "
                "it anew, and upload that."
            )
        )


def check(content: bytes, kind: str) -> None:
    """Raise RuleBroken unless `content` is a whole picture of `kind` ("JPEG") of a size that can
    be shown."""
    try:
        with Image.open(io.BytesIO(content), formats=(kind,)) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise RuleBroken(
                    "The picture has more than %(number)s million points. Make it smaller.",
                    number=MOST_PIXELS // 1_000_000,
                )
            picture.load()
    except UNREADABLE:
        raise Damaged from None


def bare_jpeg(content: bytes) -> bytes:
    """Return the picture alone: no Exif, XMP, IPTC or comment, nothing after its end. Which way up
    it is shown stays. Raises Damaged."""
    kept, place = [content[:2]], 2
    turned = _orientation(content)
    if turned != 1:
        kept.append(_exif_of(turned))
    try:
        while True:
            if content[place] != 0xFF:
                raise Damaged
            marker = content[place + 1]
            after = _end_of_part(content, place, marker)
            if _is_picture(marker, part := content[place:after]):
                kept.append(part)
            if marker == _END:
                return b"".join(kept)
            place = after
    except IndexError:
        raise Damaged from None


def _end_of_part(content: bytes, place: int, marker: int) -> int:
    """Return where the part ends that begins at `place`; for a scan, its coded points included."""
    if marker == 0xFF:  # filling
        return place + 1
    if marker in _ALONE:
        return place + 2
    after = place + 2 + int.from_bytes(content[place + 2 : place + 4])
    if after < place + 4:
        raise Damaged
    return _end_of_scan(content, after) if marker == _SCAN else after


def _is_picture(marker: int, part: bytes) -> bool:
    if marker == 0xE2:
        return part[4:16] == b"ICC_PROFILE\0"
    if marker in (0xE0, 0xEE):  # how to read the colours
        return part[4:9] in (b"JFIF\0", b"Adobe")
    return not (0xE0 <= marker <= 0xEF or marker in (0xFE, 0xFF))


def _end_of_scan(content: bytes, place: int) -> int:
    """Return where the next marker stands after the coded points that begin at `place`."""
    while True:
        place = content.find(b"\xff", place)
        if place < 0:
            raise Damaged
        following = content[place + 1]
        if following != 0 and not 0xD0 <= following <= 0xD7:
            return place
        place += 2


def _orientation(content: bytes) -> int:
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG",)) as picture:
            turned = picture.getexif().get(_ORIENTATION, 1)
    except UNREADABLE:
        return 1
    return turned if turned in range(1, 9) else 1


def _exif_of(turned: int) -> bytes:
    """Return a part with nothing in it but which way up the picture is."""
    tags = struct.pack(">HHHIHHI", 1, _ORIENTATION, 3, 1, turned, 0, 0)
    body = b"Exif\0\0" + b"MM\0*" + struct.pack(">I", 8) + tags
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def bare_png(content: bytes) -> bytes:
    """Return the picture alone: no text, time or Exif, nothing after its end. Raises Damaged."""
    kept, place = [_PNG_START], len(_PNG_START)
    while place + 12 <= len(content):
        size, name = struct.unpack_from(">I4s", content, place)
        after = place + 12 + size
        if after > len(content):
            break
        if name in _PNG_KEPT:
            kept.append(content[place:after])
        if name == b"IEND":
            return b"".join(kept)
        place = after
    raise Damaged


def bare_webp(content: bytes) -> bytes:
    """Return the picture alone: no Exif or XMP. Raises Damaged; RuleBroken for a film."""
    kept, place = [], 12
    end = min(len(content), 8 + int.from_bytes(content[4:8], "little"))
    while place + 8 <= end:
        name, size = struct.unpack_from("<4sI", content, place)
        after = place + 8 + size + size % 2
        if place + 8 + size > end:
            raise Damaged
        part = content[place : place + 8 + size] + b"\0" * (size % 2)
        if name in (b"ANIM", b"ANMF"):
            raise RuleBroken("The picture moves. Save what is to be seen as JPEG or PNG.")
        if name == b"VP8X" and size:
            part = part[:8] + bytes([part[8] & ~(_EXIF | _XMP)]) + part[9:]
        if name in _WEBP_KEPT:
            kept.append(part)
        place = after
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def bare_tiff(content: bytes) -> bytes:
    """Return the pages of a scan from their pixels alone. Raises Damaged or RuleBroken."""
    pages = []
    try:
        with Image.open(io.BytesIO(content), formats=("TIFF",)) as scan:
            number = getattr(scan, "n_frames", 1)
            if number > MOST_PAGES:
                raise RuleBroken(
                    "The scan has more than %(number)s pages. Save it as PDF.", number=MOST_PAGES
                )
            points, resolution = 0, None
            for page in range(number):
                scan.seek(page)
                points += scan.width * scan.height
                if points > MOST_PIXELS:
                    raise RuleBroken(
                        "The scan has more than %(number)s million points. Save it as PDF.",
                        number=MOST_PIXELS // 1_000_000,
                    )
                dots = scan.info.get("dpi")
                one = scan.copy()  # of no file any more, and so without its tags
                one.info = {}
                resolution = resolution or dots
                pages.append(one)
        written = io.BytesIO()
        how = "group4" if all(one.mode == "1" for one in pages) else "tiff_lzw"
        first, *others = pages
        more = {"dpi": resolution} if resolution else {}
        first.save(written, "TIFF", save_all=True, append_images=others, compression=how, **more)
    except UNREADABLE:
        raise Damaged from None
    return written.getvalue()
