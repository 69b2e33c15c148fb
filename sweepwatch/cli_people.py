"""The commands of `sweepwatch people` and `sweepwatch tokens`: who may come in."""

from pathlib import Path

import click

from fleet.grants import Permission, Role
from sweepwatch.cli_options import JSON, options, settings_of

_ROW = click.IntRange(1, 2**63 - 1)
_SCOPES = click.Choice([str(each) for each in Permission])
_PLACE = click.option(
    "--at",
    nargs=2,
    type=(click.Choice(["site", "region"]), str),
    metavar="SCOPE ID",
    help="Where the role holds: `site pudong`, `region east`. [default: everywhere]",
)


@click.group()
def people() -> None:
    """Say who may sign in, and make the one-time links by which they come in first."""


@people.command("list")
@options()
@JSON
def people_list(config: Path | None, data: Path | None, as_json: bool) -> None:
    """List who may sign in, and what they may do."""
    from sweepwatch.commands.doors import list_people

    list_people(settings_of(config, data), as_json, click.echo)


@people.command("invite")
@options()
@click.argument("email")
@click.argument("name")
@click.option("--role", type=click.Choice([str(role) for role in Role]), default="viewer", show_default=True)
@_PLACE
def people_invite(
    config: Path | None, data: Path | None, email: str, name: str, role: str, at: tuple[str, str] | None
) -> None:
    """Add somebody by EMAIL and NAME, and print the link by which they choose a password."""
    from sweepwatch.commands.doors import invite_person

    invite_person(settings_of(config, data), email, name, role, at, click.echo)


@people.command("reset-second-factor")
@options()
@click.argument("email")
def people_reset_second_factor(config: Path | None, data: Path | None, email: str) -> None:
    """Take the second step of EMAIL away, who lost their phone and their recovery codes."""
    from sweepwatch.commands.doors import reset_second_factor

    reset_second_factor(settings_of(config, data), email, click.echo)


@people.command("link")
@options()
@click.argument("email", required=False)
def people_link(config: Path | None, data: Path | None, email: str | None) -> None:
    """Print a one-time link for a new password of EMAIL; without it, for the first admin."""
    from sweepwatch.commands.doors import print_link

    print_link(settings_of(config, data), email, click.echo)


_SCOPES = click.Choice([str(each) for each in Permission])


@click.group()
def tokens() -> None:
    """Make and end the tokens by which machines use the API."""


@tokens.command("list")
@options()
@JSON
def tokens_list(config: Path | None, data: Path | None, as_json: bool) -> None:
    """List the tokens: what each may do, until when, when it was last used."""
    from sweepwatch.commands.doors import list_tokens

    list_tokens(settings_of(config, data), as_json, click.echo)


@tokens.command("add")
@options()
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, type=_SCOPES, required=True)
@click.option("--site", "sites", multiple=True, help="Only there; may be given several times.")
@click.option("--days", type=int, default=365, show_default=True, help="Until it ends.")
def tokens_add(
    config: Path | None,
    data: Path | None,
    name: str,
    scopes: tuple[str, ...],
    sites: tuple[str, ...],
    days: int,
) -> None:
    """Make a token called NAME and print it: it is shown this once."""
    from sweepwatch.commands.doors import add_token

    add_token(settings_of(config, data), name, scopes, sites, days, click.echo)


@tokens.command("rotate")
@options()
@click.argument("token", type=_ROW)
def tokens_rotate(config: Path | None, data: Path | None, token: int) -> None:
    """Make a token that takes the place of one by its number, which goes on for an hour; print it."""
    from sweepwatch.commands.doors import rotate_token

    rotate_token(settings_of(config, data), token, click.echo)


@tokens.command("revoke")
@options()
@click.argument("token", type=_ROW)
def tokens_revoke(config: Path | None, data: Path | None, token: int) -> None:
    """End a token by its number, now."""
    from sweepwatch.commands.doors import revoke_token

    revoke_token(settings_of(config, data), token, click.echo)
