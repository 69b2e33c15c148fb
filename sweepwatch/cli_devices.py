"""The commands of `sweepwatch devices`: who may come in at the broker."""

from pathlib import Path
from typing import Any

import click

from fleet.device_doors import CERTIFICATE_DAYS, CLAIM_DAYS, CredentialKind, NewDevice, Wanted
from fleet.errors import InvalidInput
from fleet.signals import Kind
from sweepwatch.cli_options import JSON, PATH, Command, options, settings_of

_KINDS = click.Choice([str(kind) for kind in Kind])
_KIND = click.option("--kind", type=_KINDS, default="robot", show_default=True)
_SERIAL = click.option("--serial", default="", help="Its serial number.")
_MODEL = click.option("--model", default="", help="Its model, such as CR-200.")
_WHY = click.option("--why", required=True, help="Why; kept in the history.")
_OUT = click.option("--out", type=PATH, help="Folder for certificate and key. [default: printed]")


def _wanted(command: Command) -> Command:
    """Give a command the options that say which credential is wanted."""
    for option in (
        click.option("--request", type=PATH, help="A certificate signing request: the device keeps its key."),
        click.option("--days", type=int, default=CERTIFICATE_DAYS, show_default=True, help="Its length."),
        click.option("--certificate", is_flag=True, help="A certificate in place of a password."),
    ):
        command = option(command)
    return command


def _credential(certificate: bool, days: int, request: Path | None, keep_days: int = 0) -> Wanted:
    asked = "" if request is None else _text(request)
    kind = CredentialKind.CERTIFICATE if certificate or asked else CredentialKind.PASSWORD
    return Wanted(kind, days, asked, keep_days)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read") from error


@click.group()
def devices() -> None:
    """Let devices in at the broker, each with a credential of its own, and put them out again.

    A password or a key is shown once. A broker that runs is told at once.
    """


@devices.command("list")
@options()
@click.option("--site", help="Only there.")
@JSON
def list_devices(config: Path | None, data: Path | None, site: str | None, as_json: bool) -> None:
    """List the devices that have credentials: which, since when, until when."""
    from sweepwatch.commands.devices import list_devices

    list_devices(settings_of(config, data), site, as_json, click.echo)


@devices.command("add")
@options()
@click.argument("device")
@click.option("--site", required=True, help="Where it works.")
@_KIND
@_MODEL
@_SERIAL
@click.option("--topic", "topics", multiple=True, help="Of its dialect, such as valetudo/ID/#.")
@_wanted
@_OUT
def add(config: Path | None, data: Path | None, device: str, out: Path | None, **asked: Any) -> None:
    """Register DEVICE and print its password, or write its certificate."""
    from sweepwatch.commands.devices import add_device

    kind, topics = Kind(asked["kind"]), asked["topics"]
    new = NewDevice(device, asked["site"], kind, asked["model"], asked["serial"], topics)
    wanted = _credential(asked["certificate"], asked["days"], asked["request"])
    add_device(settings_of(config, data), new, wanted, out, click.echo)


@devices.command("import")
@options()
@click.argument("file", type=PATH)
@click.option("--certificate", is_flag=True, help="Certificates in place of passwords.")
@click.option("--days", type=int, default=CERTIFICATE_DAYS, show_default=True, help="Their length.")
@click.option("--out", type=PATH, required=True, help="CSV file for the passwords or certificates; new.")
def import_file(
    config: Path | None, data: Path | None, file: Path, certificate: bool, days: int, out: Path
) -> None:
    """Register the devices of a CSV FILE: id, site, kind (robot), model, serial, topics.

    Where a line cannot be taken, none is. Devices that have a credential stay as they are.
    """
    from sweepwatch.commands.devices import import_devices

    import_devices(settings_of(config, data), file, _credential(certificate, days, None), out, click.echo)


@devices.command("rotate")
@options()
@click.argument("device")
@_wanted
@click.option("--keep-days", type=int, default=0, help="So long the old certificate goes on. [default: 0]")
@_OUT
def rotate(
    config: Path | None,
    data: Path | None,
    device: str,
    certificate: bool,
    days: int,
    request: Path | None,
    keep_days: int,
    out: Path | None,
) -> None:
    """Give DEVICE a new credential; the one that it has ends."""
    from sweepwatch.commands.devices import rotate_device

    wanted = _credential(certificate, days, request, keep_days)
    rotate_device(settings_of(config, data), device, wanted, out, click.echo)


@devices.command("revoke")
@options()
@click.argument("device", nargs=-1, required=True)
@_WHY
def revoke(config: Path | None, data: Path | None, device: tuple[str, ...], why: str) -> None:
    """Put devices out at the broker: those that are in are cut off."""
    from sweepwatch.commands.devices import revoke_devices

    revoke_devices(settings_of(config, data), device, why, click.echo)


@devices.command("move")
@options()
@click.argument("device")
@click.option("--to", "site", required=True, help="The site where it works from now on.")
@_WHY
def move(config: Path | None, data: Path | None, device: str, site: str, why: str) -> None:
    """Let DEVICE belong to another site; its history goes with it."""
    from sweepwatch.commands.devices import move_device

    move_device(settings_of(config, data), device, site, why, click.echo)


@devices.command("replace")
@options()
@click.argument("device")
@click.option("--serial", required=True, help="Serial number of the one that takes its place.")
@_wanted
@_WHY
@_OUT
def replace(config: Path | None, data: Path | None, device: str, out: Path | None, **asked: Any) -> None:
    """Let another device go on as DEVICE: everything about it is new, and so is its credential."""
    from sweepwatch.commands.devices import replace_device

    wanted = _credential(asked["certificate"], asked["days"], asked["request"])
    settings = settings_of(config, data)
    replace_device(settings, device, asked["serial"], asked["why"], wanted, out, click.echo)


@devices.command("offer")
@options()
@click.argument("serial", nargs=-1, required=True)
@_KIND
@_MODEL
@click.option("--days", type=int, default=CLAIM_DAYS, show_default=True, help="How long it can be claimed.")
@click.option("--labels", type=PATH, help="A new HTML file with labels to print, QR codes and all.")
def offer(config: Path | None, data: Path | None, serial: tuple[str, ...], kind: str, **asked: Any) -> None:
    """Let serial numbers be claimed, and print each with the code for its label."""
    from sweepwatch.commands.devices import offer_claims

    model, days, labels = asked["model"], asked["days"], asked["labels"]
    offer_claims(settings_of(config, data), serial, kind, model, days, labels, click.echo)


@devices.command("report-labels")
@options()
@click.argument("device", nargs=-1)
@click.option("--site", help="All devices of this site.")
@click.option("--out", type=PATH, required=True, help="A new HTML file with codes to print.")
def report_labels(
    config: Path | None, data: Path | None, device: tuple[str, ...], site: str | None, out: Path
) -> None:
    """Write a sheet of QR codes for devices: whoever scans one reports a problem, without a sign-in.

    Codes that were printed before go on; the page of a device ends them.
    """
    from sweepwatch.commands.intake import report_labels

    report_labels(settings_of(config, data), device, site, out, click.echo)


@devices.command("book")
@options()
@click.option("--out", type=PATH, required=True, help="The file: mosquitto's plugin_opt_config_file.")
def book(config: Path | None, data: Path | None, out: Path) -> None:
    """Write what a mosquitto of its own has to know when it starts: who comes in, and where each speaks."""
    from sweepwatch.commands.devices import write_book

    write_book(settings_of(config, data), out, click.echo)
