"""Sheets of labels to be stuck onto devices: QR codes that lead to claiming each, or to reporting it."""

from collections.abc import Sequence
from html import escape
from urllib.parse import urlencode

import segno

from access.devices.claims import Offered
from fleet.devices import Device

_STYLE = """@page{margin:10mm} body{margin:0;font:3.2mm/1.4 sans-serif;color:#000;background:#fff}
main{display:grid;grid-template-columns:repeat(auto-fill,60mm);gap:4mm}
article{display:flex;gap:3mm;align-items:center;padding:2mm;border:.2mm dashed #999;break-inside:avoid}
svg{flex:none;width:26mm;height:26mm} p{margin:0;overflow-wrap:anywhere} code{font-size:2.7mm}"""


def sheet_of_labels(offered: Sequence[Offered], model: str, console: str) -> str:
    """Return a page of HTML that holds all it needs; `console` is the address of the console, with a slash.

    Serial number and code stand behind the # of the address in the QR code: they are sent to no server.
    """
    return _sheet("".join(_label(one, model, console) for one in offered))


def sheet_of_reports(made: Sequence[tuple[Device, str]], console: str) -> str:
    """Return such a page for devices with the secrets of their links: whoever scans one reports a problem."""
    return _sheet("".join(_report_label(one, secret, console) for one, secret in made))


def _sheet(labels: str) -> str:
    head = f'<meta charset="utf-8"><title>Sweepwatch</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body><main>{labels}</main></body></html>\n'


def _report_label(one: Device, secret: str, console: str) -> str:
    drawn = segno.make(f"{console}r/{secret}", error="m", micro=False).svg_inline(border=2, omitsize=True)
    told = f"<strong>报修 · Report a problem</strong><br>{escape(one.id)}<br>{escape(one.model)}"
    return f"<article>{drawn}<p>{told}</p></article>"


def _label(one: Offered, model: str, console: str) -> str:
    address = f"{console}claim#{urlencode({'serial': one.serial, 'code': one.code})}"
    drawn = segno.make(address, error="m", micro=False).svg_inline(border=2, omitsize=True)
    told = f"<strong>{escape(one.serial)}</strong><br>{escape(model)}<br><code>{one.code}</code>"
    return f"<article>{drawn}<p>{told}</p></article>"
