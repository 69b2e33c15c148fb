"""The commands of `sweepwatch intake`: what people report, taken from elsewhere."""

import sys
from pathlib import Path

import click

from sweepwatch.cli_options import JSON, options, settings_of


@click.group()
def intake() -> None:
    """Take reports that come by other ways."""


@intake.command("mail")
@options(JSON)
def intake_mail(config: Path | None, data: Path | None, as_json: bool) -> None:
    """Take one message (RFC 5322) from standard input, as a mail server hands it over.

    The same message again is the same request; automatic replies and bounces make none.
    """
    from sweepwatch.commands.intake import take_mail

    settings = settings_of(config, data)
    take_mail(settings, sys.stdin.buffer.read, as_json, click.echo)


@intake.command("symptoms")
@options(JSON)
@click.option("--kind", type=click.Choice(["robot", "tool", "wristband"]), default="robot", show_default=True)
@click.argument("words")
def intake_symptoms(config: Path | None, data: Path | None, kind: str, words: str, as_json: bool) -> None:
    """Say which faults somebody may mean by WORDS, the likeliest first."""
    from sweepwatch.commands.intake import propose

    propose(words, kind, as_json, click.echo)
