"""The commands of `sweepwatch notify`: where notices go, and whether they arrive."""

from pathlib import Path

import click

from sweepwatch.cli_options import JSON, options, settings_of


@click.group()
def notify() -> None:
    """Say where notices go, what became of them, and test that they arrive."""


@notify.command("list")
@options()
@click.option("--dead", is_flag=True, help="Only those that could not be delivered")
@JSON
def notify_list(config: Path | None, data: Path | None, dead: bool, as_json: bool) -> None:
    """List the newest notices: to whom, by what, how far they are known to have come."""
    from sweepwatch.commands.notices import list_notices

    list_notices(settings_of(config, data), dead, as_json, click.echo)


@notify.command("test")
@options()
@click.argument("person")
def notify_test(config: Path | None, data: Path | None, person: str) -> None:
    """Send a test to each destination of PERSON (an e-mail address), and say what became of it."""
    from sweepwatch.commands.notices import test_person

    test_person(settings_of(config, data), person, click.echo)


@notify.command("again")
@options()
@click.argument("number", type=click.IntRange(1, 2**63 - 1))
def notify_again(config: Path | None, data: Path | None, number: int) -> None:
    """Let notice NUMBER, which could not be delivered, go out again."""
    from sweepwatch.commands.notices import send_again

    send_again(settings_of(config, data), number, click.echo)
