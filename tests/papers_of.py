"""Files that tell who made them, where and with what, in every place that we know of."""

import io
import zipfile

import pikepdf
from openpyxl import Workbook
from openpyxl.comments import Comment
from PIL import Image
from PIL.PngImagePlugin import PngInfo

TELLING = "Zyrianda Quillfeather"
"""Stands nowhere else, so that it is found wherever it is left."""
_XMP = f"<x:xmpmeta><dc:creator>{TELLING}</dc:creator></x:xmpmeta>".encode()
_CREATOR = f"<dc:creator>{TELLING}</dc:creator>"
_CORE = (
    '<?xml version="1.0"?><cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/'
    '2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    f"<dc:creator>{TELLING}</dc:creator></cp:coreProperties>"
)


def picture(*, size: tuple[int, int] = (64, 48)) -> Image.Image:
    """Return a picture of many colours, the same each time."""
    one = Image.new("RGB", size)
    width, height = size
    one.putdata(
        [(x * 4 % 256, y * 5 % 256, x * y % 256) for y in range(height) for x in range(width)]
    )
    return one


def exif(*, turned: int = 6) -> Image.Exif:
    tags = Image.Exif()
    tags[0x013B] = TELLING  # artist
    tags[0x0110] = TELLING  # model
    tags[0x0112] = turned
    tags.get_ifd(0x8825)[29] = TELLING  # of the place
    return tags


def jpeg() -> bytes:
    out = io.BytesIO()
    picture().save(
        out, "JPEG", exif=exif(), comment=TELLING.encode(), xmp=_XMP, dpi=(72, 72), progressive=True
    )
    # As telephones do: a film behind the end of the picture.
    return out.getvalue() + TELLING.encode()


def png() -> bytes:
    out, told = io.BytesIO(), PngInfo()
    told.add_text("Author", TELLING)
    told.add_itxt("XML:com.adobe.xmp", _XMP.decode())
    told.add_text("Comment", TELLING, zip=True)
    picture().save(out, "PNG", pnginfo=told, exif=exif())
    return out.getvalue() + TELLING.encode()


def webp() -> bytes:
    out = io.BytesIO()
    picture().save(out, "WEBP", exif=exif(), xmp=_XMP, lossless=True)
    return out.getvalue()


def tiff() -> bytes:
    out = io.BytesIO()
    picture().save(
        out,
        "TIFF",
        save_all=True,
        append_images=[picture(size=(30, 40))],
        tiffinfo={315: TELLING, 270: TELLING, 700: _XMP},
    )
    return out.getvalue()


def pdf(*, password: str = "") -> bytes:
    """Return two pages with a title, an attachment, a script, a note, a picture that tells where it
    was taken, and an earlier version behind."""
    one = pikepdf.new()
    page = one.add_blank_page(page_size=(300, 400))
    one.add_blank_page(page_size=(300, 400))
    shown = pikepdf.Stream(one, jpeg())
    shown.Type, shown.Subtype = pikepdf.Name.XObject, pikepdf.Name.Image
    shown.Width, shown.Height, shown.BitsPerComponent = 64, 48, 8
    shown.ColorSpace, shown.Filter = pikepdf.Name.DeviceRGB, pikepdf.Name.DCTDecode
    page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=shown))
    page.Contents = pikepdf.Stream(one, b"q 300 0 0 400 0 0 cm /Im0 Do Q")
    note = pikepdf.Dictionary(
        Type=pikepdf.Name.Annot,
        Subtype=pikepdf.Name.Text,
        Rect=[0, 0, 9, 9],
        Contents="Look here",
        T=TELLING,
        M="D:20260101",
    )
    page.Annots = pikepdf.Array([one.make_indirect(note)])
    page.PieceInfo = pikepdf.Dictionary(Tool=pikepdf.Dictionary(Private=pikepdf.String(TELLING)))
    one.attachments["note.txt"] = TELLING.encode()
    script = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=f"app.alert('{TELLING}')")
    one.Root.OpenAction = one.make_indirect(script)
    one.docinfo["/Author"] = TELLING
    with one.open_metadata() as told:
        told["dc:creator"] = [TELLING]
    out = io.BytesIO()
    lock = pikepdf.Encryption(owner=password, user=password) if password else False
    one.save(out, encryption=lock)
    return out.getvalue() + f"\n% {TELLING}\n".encode()


def archive(parts: dict[str, bytes | str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.comment = TELLING.encode()
        for name, part in parts.items():
            packed.writestr(name, part)
    return out.getvalue()


def docx(**more: bytes | str) -> bytes:
    types = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-'
        'officedocument.wordprocessingml.document.main+xml"/>'
        '<Override PartName="/word/people.xml" ContentType="application/people+xml"/></Types>'
    )
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="rId1" Type="t" Target="word/document.xml"/>'
        '<Relationship Id="rId2" Type="t" Target="docProps/thumbnail.jpeg"/></Relationships>'
    )
    tracked = (
        '<w:document xmlns:w="w"><w:ins w:id="1" w:author="%s" w:date="2026-01-01T00:00:00Z">'
        '<w:r w:rsidR="00AB12CD"><w:t>The road is flooded</w:t></w:r></w:ins></w:document>'
    )
    comment = '<w:comments xmlns:w="w"><w:comment w:author="%s" w:initials="%s"/></w:comments>'
    return archive(
        {
            "[Content_Types].xml": types,
            "_rels/.rels": relations,
            "docProps/core.xml": _CORE,
            "docProps/app.xml": f"<Properties><Company>{TELLING}</Company></Properties>",
            "docProps/custom.xml": f"<Properties><p>{TELLING}</p></Properties>",
            "docProps/thumbnail.jpeg": jpeg(),
            "word/document.xml": tracked % TELLING,
            "word/comments.xml": comment % (TELLING, TELLING),
            "word/people.xml": f'<w15:people><w15:person w15:author="{TELLING}"/></w15:people>',
            "word/media/image1.jpeg": jpeg(),
            "word/media/image2.png": png(),
            "customXml/item1.xml": f"<a>{TELLING}</a>",
            **more,
        }
    )


def xlsx() -> bytes:
    book = Workbook()
    book.properties.creator = book.properties.lastModifiedBy = TELLING
    book.active["A1"] = "Arrears"
    book.active["B1"] = 42
    book.active["A1"].comment = Comment("Ask the depot", TELLING)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def odt(**more: bytes | str) -> bytes:
    content = (
        "<office:document-content><office:body><office:text><office:annotation><dc:creator>%s"
        "</dc:creator><dc:date>2026-01-01</dc:date></office:annotation><text:p>The road is flooded"
        "</text:p></office:text></office:body></office:document-content>"
    )
    entries = "".join(
        f'<manifest:file-entry manifest:full-path="{name}" manifest:media-type="text/xml"/>'
        for name in ("content.xml", "meta.xml", "Thumbnails/thumbnail.png")
    )
    return archive(
        {
            "content.xml": content % TELLING,
            "mimetype": "application/vnd.oasis.opendocument.text",
            "meta.xml": f"<office:document-meta>{_CREATOR}</office:document-meta>",
            "Thumbnails/thumbnail.png": png(),
            "Pictures/1.jpg": jpeg(),
            "META-INF/manifest.xml": f"<manifest:manifest>{entries}</manifest:manifest>",
            **more,
        }
    )


TELLING_FILES = {
    "application/pdf": pdf,
    "image/jpeg": jpeg,
    "image/png": png,
    "image/webp": webp,
    "image/tiff": tiff,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": docx,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": xlsx,
    "application/vnd.oasis.opendocument.text": odt,
}
"""What makes a file of each kind, by what it is to be taken for."""


def all_in(content: bytes) -> bytes:
    """Return everything that can be read from a file, also what is packed in it."""
    seen = [content]
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            for name in packed.namelist():
                seen += [name.encode(), all_in(packed.read(name))]
    elif content[:5] == b"%PDF-":
        with pikepdf.open(io.BytesIO(content)) as one:
            for part in one.objects:
                seen.append(repr(part).encode())
                if isinstance(part, pikepdf.Stream):
                    try:
                        seen += [part.read_raw_bytes(), part.read_bytes()]
                    except pikepdf.PdfError:  # a picture
                        continue
    else:
        try:
            with Image.open(io.BytesIO(content)) as shown:
                seen.append(repr((shown.info, dict(shown.getexif()))).encode())
        except OSError:
            pass
    return b"\n".join(seen)
