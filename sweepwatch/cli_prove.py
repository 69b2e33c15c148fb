"""`sweepwatch prove`: the proof on somebody's own past."""

from pathlib import Path

import click

from fleet.proofs import ProofStep
from fleet.text import Language
from sweepwatch.cli_options import JSON, PATH, STORE, options, settings_of


@click.command("prove")
@options(STORE, JSON)
@click.option(
    "--history", type=PATH, help="A folder as `sweepwatch export` writes it, or files with a --map."
)
@click.option("--map", "map_file", type=PATH, help="The map (YAML): which column is what.")
@click.option("--from", "since", metavar="DATE", help="Count from this day on (UTC), such as 2026-01-31.")
@click.option("--until", metavar="DATE", help="Up to this day, with it; what comes later is not looked at.")
@click.option("--report", type=PATH, help="A folder for the report: page, PDF and JSON.")
@click.option(
    "--language",
    type=click.Choice(["en", "zh", "both"]),
    default="en",
    help="Of the report; both: in folders en and zh.",
)
@click.option("--progress", type=PATH, help="A file (JSON) that says how far it is.")
@click.option("--train-every", type=click.IntRange(1, 3650), metavar="DAYS", help="Days between trainings.")
@click.option(
    "--visits-a-day", type=click.IntRange(0, 100_000), default=0, help="At most so many; 0: no limit."
)
@click.option("--jobs", type=click.IntRange(1, 256), default=1, help="Processes that train at once.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Same seed, same report.")
@click.option("--work", type=PATH, help="A folder for what is imported; kept, so that it goes on from there.")
def prove_command(  # noqa: PLR0913, PLR0917 - click hands each option over by name
    config: Path | None,
    data: Path | None,
    store: str | None,
    history: Path | None,
    map_file: Path | None,
    since: str | None,
    until: str | None,
    report: Path | None,
    language: str,
    progress: Path | None,
    train_every: int | None,
    visits_a_day: int,
    jobs: int,
    seed: int | None,
    work: Path | None,
    as_json: bool,
) -> None:
    """Replay a past night by night: what would have been foreseen, and what it would have been worth.

    Models learn only from what was known at the time; alerts, thresholds and visits are the product's own.
    Without --history the installation's own past is replayed: stop what holds an embedded store first.
    Nothing of the installation is changed; docs/prove.md says how to read the report.
    """
    from sweepwatch.commands import prove
    from sweepwatch.commands.prove_progress import ProofNotes
    from sweepwatch.commands.prove_report import folders_by_language, write_reports
    from sweepwatch.settings.signals import signal_table

    settings = settings_of(config, data, store__url=store)
    spoken: Language = "zh" if language == "zh" else "en"
    wanted = prove.Wanted(history, map_file, work, since, until, train_every, visits_a_day, jobs, seed)
    notes = ProofNotes(progress, quiet=as_json)
    found = prove.prove(settings, wanted, click.echo, quiet=as_json, notes=notes)
    files: tuple[Path, ...] = ()
    if report is not None:
        with notes.step(ProofStep.WRITING):
            chosen = folders_by_language(report) if language == "both" else {spoken: report}
            files = write_reports(found, chosen, signal_table(settings))
    if as_json:
        click.echo(prove.as_json(found))
    else:
        prove.print_proof(found, spoken, click.echo)
        for path in files:
            click.echo(str(path))
