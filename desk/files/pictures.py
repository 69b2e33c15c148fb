"""Pictures are decoded and written anew: what is not a picture in them, and all that tells where, is gone."""

import io
from typing import Any

from PIL import Image, ImageOps

from fleet.errors import InvalidInput

MOST_PIXELS = 50_000_000
"""Of a phone's camera, with room; decoded they take 200 MB."""
LONG_SIDE = 2_560
_THUMBNAIL = 320
_TOO_MANY = f"the picture has too many pixels; allowed: {MOST_PIXELS // 1_000_000} million"
_QUALITY = 85
_PLAIN = {"1": "L", "L": "L", "RGB": "RGB", "RGBA": "RGBA", "LA": "RGBA", "PA": "RGBA", "La": "RGBA"}


def rewritten_picture(body: bytes, decoder: str) -> tuple[str, bytes, bytes]:
    """Return a picture anew: how it is written (JPEG or PNG), its bytes, and a small JPEG of it.

    `decoder` is the only one that is tried. Raises InvalidInput for what it cannot decode as a whole, and for
    more than `MOST_PIXELS`, which are counted before any is decoded.
    """
    try:
        with Image.open(io.BytesIO(body), formats=(decoder,)) as opened:
            plain = _plain(opened)
    except Image.DecompressionBombError as error:
        raise InvalidInput(_TOO_MANY) from error
    except InvalidInput:
        raise
    except Exception as error:  # decoders of foreign bytes raise whatever they meet
        raise InvalidInput("the picture is damaged: it cannot be decoded as a whole") from error
    small = plain.copy()
    small.thumbnail((_THUMBNAIL, _THUMBNAIL))
    form = "PNG" if decoder == "PNG" or plain.mode == "RGBA" else "JPEG"
    written = _written(plain, form)
    if form == "PNG" and plain.mode != "RGBA" and len(written) > len(body):
        form, written = "JPEG", _written(plain, "JPEG")  # a photograph that somebody saved as PNG
    return form, written, _written(_on_white(small), "JPEG")


def _plain(opened: Image.Image) -> Image.Image:
    """Return the first frame, upright, no larger than is kept, in plain colours, with nothing beside it."""
    if opened.width * opened.height > MOST_PIXELS:
        raise InvalidInput(_TOO_MANY)
    opened.draft("RGB", (LONG_SIDE, LONG_SIDE))
    opened.load()
    turned = ImageOps.exif_transpose(opened)
    if turned.mode == "P" or "transparency" in turned.info:
        turned = turned.convert("RGBA")
    made = turned.convert(_PLAIN.get(turned.mode, "RGB"))
    made.thumbnail((LONG_SIDE, LONG_SIDE))
    if made.mode == "RGBA" and made.getchannel("A").getextrema() == (255, 255):
        made = made.convert("RGB")
    bare = Image.new(made.mode, made.size)
    bare.paste(made)  # the pixels alone: comments, profiles and EXIF stay behind
    return bare


def _written(picture: Image.Image, form: str) -> bytes:
    target, how = io.BytesIO(), dict[str, Any](optimize=True)
    if form == "JPEG":
        how |= {"quality": _QUALITY}
    picture.save(target, form, **how)
    return target.getvalue()


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGBA":
        return picture
    paper = Image.new("RGB", picture.size, "white")
    paper.paste(picture, mask=picture.getchannel("A"))
    return paper
