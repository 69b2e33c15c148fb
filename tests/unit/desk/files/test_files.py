"""What is sent as a file is what its content is, written anew: harmless, or refused with what is allowed."""

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from PIL import Image

from desk.files.checked import ALLOWED, Upload, checked
from desk.files.names import as_attachment, safe_name
from fleet.case_files import FileKind, FileLimits
from fleet.errors import InvalidInput

LIMITS = FileLimits()


def picture(form: str = "JPEG", mode: str = "RGB", size: tuple[int, int] = (60, 40), **how: Any) -> bytes:
    target = io.BytesIO()
    Image.new(mode, size, 128 if mode == "L" else None).save(target, form, **how)
    return target.getvalue()


def located(orientation: int = 6) -> bytes:
    """Return a JPEG that tells where and by what it was taken, and lies on its side."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = orientation, "SecretCam"
    exif.get_ifd(0x8825).update({1: "N", 2: (31.0, 14.0, 22.0), 3: "E", 4: (121.0, 28.0, 9.0)})
    return picture(exif=exif, comment=b"a secret comment")


def document(**more: Any) -> bytes:
    made = pikepdf.new()
    made.add_blank_page(page_size=(200, 200))
    for name, value in more.items():
        made.Root[f"/{name}"] = made.make_indirect(value)
    target = io.BytesIO()
    made.save(target)
    return target.getvalue()


def taken(body: bytes, name: str = "x.bin", kind: FileKind | None = None) -> Any:
    return checked(Upload(name, body, kind), LIMITS)


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"


def zipped() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bomb", b"\0" * 10_000_000)
    return target.getvalue()


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("icon.svg", SVG),
        ("icon.png", SVG),
        ("photo.png", HTML),
        ("page.pdf", b"\n" + HTML + b"%PDF-1.4"),
        ("bomb.zip", zipped()),
        ("tool.exe", b"MZ" + b"\0" * 100),
        ("text.txt", b"hello"),
        ("photo.bmp", picture("BMP")),
        ("photo.tiff", picture("TIFF")),
        ("data.wav", b"RIFF\x24\0\0\0WAVEfmt "),
    ],
)
def test_all_else_is_refused_and_says_what_is_allowed(name: str, body: bytes) -> None:
    with pytest.raises(InvalidInput, match="none of those that are taken") as refused:
        taken(body, name)
    assert ALLOWED in str(refused.value)


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (picture("JPEG") + zipped(), "image/jpeg"),
        (picture("GIF", "P") + b"*/=1;alert(1)//", "image/jpeg"),
        (b"GIF89a" + picture("GIF", "P")[6:] + HTML, "image/jpeg"),
        (picture("PNG") + HTML, "image/png"),
        (document() + HTML, "application/pdf"),
    ],
)
def test_of_a_polyglot_one_face_is_left(body: bytes, media_type: str) -> None:
    found = taken(body, "photo.png.html")
    assert found.media_type == media_type
    for other in (b"<script>", b"PK\x03\x04", b"alert(1)"):
        assert other not in found.body
    assert found.name == {"image/jpeg": "photo.png.jpg", "image/png": "photo.png.png"}.get(
        media_type, "photo.png.pdf"
    )


def huge_png(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = zlib.compress(b"\0" * 1_000_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(50_000, 50_000), (2**31 - 1, 2**31 - 1), (10_000, 5_001)])
def test_a_picture_of_huge_dimensions_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    with pytest.raises(InvalidInput, match=r"too many pixels|damaged"):
        taken(huge_png(*size))


def test_where_and_by_what_a_picture_was_taken_is_gone_and_it_stands_upright() -> None:
    found = taken(located())
    assert b"SecretCam" not in found.body and b"secret comment" not in found.body
    with Image.open(io.BytesIO(found.body)) as opened:
        assert opened.size == (40, 60), "the orientation is applied"
        assert not dict(opened.getexif()) and "comment" not in opened.info and "exif" not in opened.info
    with Image.open(io.BytesIO(found.thumbnail)) as small:
        assert not dict(small.getexif())


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_picture_that_is_cut_off_is_refused(form: str, share: float) -> None:
    noise = Image.effect_noise((120, 90), 80)
    target = io.BytesIO()
    noise.convert("P" if form == "GIF" else "RGB").save(target, form)
    whole = target.getvalue()
    with pytest.raises(InvalidInput, match="damaged"):
        taken(whole[: int(len(whole) * share)])


def test_of_an_animated_picture_the_first_frame_is_kept() -> None:
    frames = [Image.new("RGB", (30, 30), colour) for colour in ("red", "green", "blue")]
    for form in ("GIF", "WEBP"):
        target = io.BytesIO()
        frames[0].save(target, form, save_all=True, append_images=frames[1:], duration=100)
        found = taken(target.getvalue())
        with Image.open(io.BytesIO(found.body)) as opened:
            assert getattr(opened, "n_frames", 1) == 1
            red, green, blue = opened.convert("RGB").getpixel((5, 5))  # type: ignore[misc]
            assert red > 200 and green < 60 and blue < 60


@pytest.mark.parametrize("mode", ["CMYK", "L", "YCbCr"])
def test_other_colours_of_jpeg_become_plain_ones(mode: str) -> None:
    with Image.open(io.BytesIO(taken(picture("JPEG", mode)).body)) as opened:
        assert opened.mode in ("RGB", "L")


def test_a_large_picture_is_made_smaller_and_what_can_be_seen_through_stays_so() -> None:
    with Image.open(io.BytesIO(taken(picture(size=(3_600, 1_800))).body)) as opened:
        assert opened.size == (2_560, 1_280)
    seen = taken(picture("PNG", "RGBA", size=(20, 20)))
    with Image.open(io.BytesIO(seen.body)) as opened:
        assert opened.mode == "RGBA"


def acting() -> bytes:
    """Return a document that does all that one can."""
    made = pikepdf.new()
    made.add_blank_page(page_size=(200, 200))
    script = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
    launch = pikepdf.Dictionary(S=pikepdf.Name.Launch, F="calc.exe")
    uri = pikepdf.Dictionary(S=pikepdf.Name.URI, URI="http://evil.example/", Next=script)
    link = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, A=uri, Rect=[0, 0, 9, 9])
    note = pikepdf.Dictionary(
        Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Text, A=launch, AA=pikepdf.Dictionary(O=script)
    )
    made.pages[0].Annots = pikepdf.Array([made.make_indirect(link), made.make_indirect(note)])
    made.pages[0].AA = pikepdf.Dictionary(O=script)
    made.Root.OpenAction = made.make_indirect(script)
    made.Root.AA = pikepdf.Dictionary(WC=launch)
    made.Root.AcroForm = pikepdf.Dictionary(XFA="<xdp>evil</xdp>", Fields=[])
    made.Root.Names = pikepdf.Dictionary(
        JavaScript=pikepdf.Dictionary(Names=["a", made.make_indirect(script)])
    )
    made.attachments["evil.exe"] = b"MZ evil payload"
    with made.open_outline() as outline:
        outline.root.append(
            pikepdf.OutlineItem(
                "go", action=pikepdf.Dictionary(S=pikepdf.Name.URI, URI="http://evil.example")
            )
        )
    made.docinfo["/Author"] = "Somebody Private"
    target = io.BytesIO()
    made.save(target, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return target.getvalue()


def test_a_document_keeps_its_pages_and_nothing_that_acts() -> None:
    found = taken(acting(), "plan.pdf")
    assert (found.media_type, found.kind, found.thumbnail) == ("application/pdf", FileKind.DOCUMENT, None)
    with pikepdf.open(io.BytesIO(found.body)) as opened:
        assert len(opened.pages) == 1
        assert not opened.attachments
        plain = io.BytesIO()
        opened.save(plain, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    for word in (
        b"JavaScript",
        b"app.alert",
        b"Launch",
        b"calc.exe",
        b"evil",
        b"/AA",
        b"OpenAction",
        b"Private",
    ):
        assert word not in plain.getvalue(), word


def test_a_document_that_cannot_be_read_is_refused() -> None:
    locked = io.BytesIO()
    with pikepdf.open(io.BytesIO(document())) as made:
        made.save(locked, encryption=pikepdf.Encryption(owner="a", user="b"))
    with pytest.raises(InvalidInput, match="asks for a password"):
        taken(locked.getvalue())
    with pytest.raises(InvalidInput, match="damaged or too large within"):
        taken(b"%PDF-1.7\n" + b"garbage" * 50)


def test_a_document_that_unpacks_to_gigabytes_is_refused() -> None:
    squeezer = zlib.compressobj(1)
    parts = [squeezer.compress(b"0" * 2**20) for _ in range(700)] + [squeezer.flush()]
    packed = b"".join(parts)
    body = (
        b"%PDF-1.5\n1 0 obj\n<</Type/ObjStm/N 1000000/First 8000000/Filter/FlateDecode/Length "
        + str(len(packed)).encode()
        + b">>stream\n"
        + packed
        + b"\nendstream\nendobj\ntrailer<</Root 1 0 R>>\n%%EOF"
    )
    with pytest.raises(InvalidInput, match=r"damaged or too large within"):
        taken(body)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "passwd.jpg"),
        ("C:\\Windows\\system32\\cmd.exe", "cmd.jpg"),
        ("a\r\nSet-Cookie: x=1.png", "aSet-Cookie x=1.jpg"),
        ("photo\u202egnp.exe", "photognp.jpg"),
        ("大厅 漏水.jpeg", "大厅 漏水.jpg"),
        ("...", "file.jpg"),
        ("", "file.jpg"),
        ("\0", "file.jpg"),
        (".htaccess", "htaccess.jpg"),
        ("x" * 500 + ".png", "x" * 100 + ".jpg"),
        ('a"b;c.png', "abc.jpg"),
        ("e\u0301.png", "é.jpg"),
        ("\ud800.png", "png.jpg"),
    ],
)
def test_a_name_is_a_name_alone(sent: str, kept: str) -> None:
    assert safe_name(sent, "jpg") == kept
    header = as_attachment(kept)
    assert header.startswith('attachment; filename="') and header.isascii() and header.isprintable()
    header.encode("latin-1")


def test_what_is_too_large_or_empty_is_refused() -> None:
    with pytest.raises(InvalidInput, match="the file is empty"):
        taken(b"")
    with pytest.raises(InvalidInput, match="allowed: 10 MB"):
        taken(picture() + b"\0" * LIMITS.size)


def test_a_document_is_no_photo(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="a PDF is a document, not a photo"):
        taken(document(), kind=FileKind.PHOTO)
    assert taken(picture(), kind=FileKind.SIGNATURE).kind is FileKind.SIGNATURE
