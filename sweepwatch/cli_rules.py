"""The commands of `sweepwatch rules`: alert rules, looked at and tried before they judge a fleet."""

from pathlib import Path

import click

from sweepwatch.cli_options import JSON, PATH, options, settings_of

_FILE = click.argument("file", type=PATH, required=False)


@click.group()
def rules() -> None:
    """Look at alert rules and try them: those of FILE, of the settings (alerts.rules), or those that ship."""


@rules.command("check")
@options()
@_FILE
def rules_check(config: Path | None, data: Path | None, file: Path | None) -> None:
    """Say whether the rules of FILE can be used: each mistake with its line, and what is allowed."""
    from sweepwatch.commands.rules import check_rules

    check_rules(settings_of(config, data), file, click.echo)


@rules.command("list")
@options(JSON)
@_FILE
def rules_list(config: Path | None, data: Path | None, file: Path | None, as_json: bool) -> None:
    """List the rules: for which fault, what has to be seen, and for how long."""
    from sweepwatch.commands.rules import list_rules

    list_rules(settings_of(config, data), file, as_json, click.echo)


@rules.command("show")
@options(JSON)
@click.argument("name")
@_FILE
def rules_show(config: Path | None, data: Path | None, name: str, file: Path | None, as_json: bool) -> None:
    """Show one rule by its NAME, with what people read when it fires and its examples."""
    from sweepwatch.commands.rules import show_rule

    show_rule(settings_of(config, data), name, file, as_json, click.echo)


@rules.command("test")
@options()
@_FILE
def rules_test(config: Path | None, data: Path | None, file: Path | None) -> None:
    """Try the rules on their own examples, as a fleet would be judged. Ends with 1 where one fails."""
    from sweepwatch.commands.rules import try_rules

    try_rules(settings_of(config, data), file, click.echo)


@rules.command("codes")
@options(JSON)
def rules_codes(config: Path | None, data: Path | None, as_json: bool) -> None:
    """List the error codes that devices told and no file explains, beside a running installation."""
    from sweepwatch.commands.codes import list_unknown_codes

    list_unknown_codes(settings_of(config, data), as_json, click.echo)
