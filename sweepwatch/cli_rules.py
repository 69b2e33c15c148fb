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


@rules.command("versions")
@options(JSON)
def rules_versions(config: Path | None, data: Path | None, as_json: bool) -> None:
    """List the versions of an installation's rules, and which is at work."""
    from sweepwatch.commands.rule_versions import list_versions

    list_versions(settings_of(config, data), as_json, click.echo)


@rules.command("propose")
@options()
@click.argument("file", type=PATH)
@click.option("--note", required=True, help="What it is for; kept in the history.")
def rules_propose(config: Path | None, data: Path | None, file: Path, note: str) -> None:
    """Keep the rules of FILE as a version, and say what it changes. It is not at work by that."""
    from sweepwatch.commands.rule_versions import propose

    propose(settings_of(config, data), file, note, click.echo)


@rules.command("activate")
@options()
@click.argument("version", type=int)
@click.option("--why", required=True, help="Why; kept in the history.")
@click.option("--force", is_flag=True, help="Although its examples fail.")
def rules_activate(config: Path | None, data: Path | None, version: int, why: str, force: bool) -> None:
    """Put VERSION to work, an older one too; 0 is the file of the settings, or what ships.

    It is refused while its own examples fail. Processes that run take it over at once.
    """
    from sweepwatch.commands.rule_versions import activate

    activate(settings_of(config, data), version, why, force, click.echo)


@rules.command("backtest")
@options(JSON)
@_FILE
@click.option("--version", type=int, help="A version in place of FILE. [default: the one at work]")
@click.option(
    "--against",
    default="current",
    show_default=True,
    help="What it is compared with: current, nothing, or a version.",
)
@click.option("--days", type=float, default=30, show_default=True, help="So many, up to the newest reading.")
@click.option("--rule", help="This one alone. [default: those that differ]")
def rules_backtest(
    config: Path | None,
    data: Path | None,
    file: Path | None,
    version: int | None,
    against: str,
    days: float,
    rule: str | None,
    as_json: bool,
) -> None:
    """Replay stored readings: what the rules of FILE would have raised, against those at work.

    Beside `sweepwatch run` on the embedded store the page /rules does the same: that store is one process's.
    """
    from sweepwatch.commands.rule_versions import backtest

    if file is not None and version is not None:
        raise click.UsageError("give FILE or --version, one of both")
    backtest(settings_of(config, data), file, version, against, days, rule, as_json, click.echo)
