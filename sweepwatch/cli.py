"""The command line: one command each for `run` and for the parts of it that run as processes of their own."""

import os
from pathlib import Path

import click

from fleet.errors import ConfigError, SweepwatchError
from fleet.wire import Reason
from sweepwatch.cli_devices import devices
from sweepwatch.cli_duty import duty
from sweepwatch.cli_history import export_command, import_command
from sweepwatch.cli_indicators import indicators
from sweepwatch.cli_intake import intake
from sweepwatch.cli_lists import lists
from sweepwatch.cli_notify import notify
from sweepwatch.cli_options import HELD, JSON, PATH, STORE, URL, WHY, options, settings_of
from sweepwatch.cli_people import people, tokens
from sweepwatch.cli_personal import personal
from sweepwatch.cli_prove import prove_command
from sweepwatch.cli_rules import rules
from sweepwatch.cli_sla import sla
from sweepwatch.cli_stock import stock
from sweepwatch.cli_stores import desk, store
from sweepwatch.run.stopping import end

_BROKER = click.option(
    "--broker",
    type=URL,
    metavar="URL",
    help=f"MQTT broker: mqtt://user:pass@host:port, mqtts:// or ws://. {HELD}",
)
_PORT = click.option("--port", type=int, help="Port of the API and the console. [default: 8000]")
_HOST = click.option(
    "--host",
    metavar="ADDRESS",
    help="Address to listen on; 0.0.0.0 once there is an admin, and TLS or a trusted proxy is set. "
    "[default: 127.0.0.1]",
)
_DEVICES = click.option("--devices", type=int, help="How many devices to simulate. [default: 60]")
_SEED = click.option(
    "--seed", type=int, help="Seed of the simulated fleet; same seed, same fleet. [default: 1]"
)

_METRICS_PORT = click.option(
    "--metrics-port",
    type=int,
    help="Serve /healthz, /readyz and /metrics on this port of server.metrics_host, 127.0.0.1 unless set. "
    "[default: not at all]",
)
_WORLD = click.option(
    "--world",
    type=click.Choice(["fast", "a", "b", "c"]),
    help="What the simulated fleet lives through: `fast` to look at, `a`, `b`, `c` (other climate, sites, "
    "device models and degradation, at the pace of the field) to judge models. [default: fast]",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="sweepwatch")
def cli() -> None:
    """Watch a fleet of smart cleaning devices: take their telemetry, foresee faults, open repair tickets.

    `sweepwatch run` does everything in one process and needs no server. The other commands are its parts, for
    installations that run them apart.
    """


@cli.command()
@options(_HOST, _PORT, _DEVICES, _SEED, _WORLD, _BROKER)
@click.option(
    "--broker-port", type=int, help="Port of the broker of its own. [default: a free one, kept from then on]"
)
@click.option("--no-simulator", is_flag=True, help="Simulate no fleet: wait for real devices.")
@click.option(
    "--no-crew", is_flag=True, help="Nobody plays engineers and customers: what is to be done, you do."
)
@click.option(
    "--speed",
    type=float,
    help="How many times as fast as the machine's clock the demo runs, up to 2000. [default: 1]",
)
@click.option("--no-browser", is_flag=True, help="Open no browser with the one-time link; it is printed.")
def run(  # noqa: PLR0913, PLR0917 - click hands each option over by name
    config: Path | None,
    data: Path | None,
    host: str | None,
    port: int | None,
    devices: int | None,
    seed: int | None,
    world: str | None,
    broker: str | None,
    broker_port: int | None,
    no_simulator: bool,
    no_crew: bool,
    speed: float | None,
    no_browser: bool,
) -> None:
    """Start everything: broker, ingest, store, models, alerts, tickets, console and a simulated fleet.

    Without --broker it starts a broker of its own: mosquitto where that is installed, else amqtt. The first
    start writes a past for the simulated fleet and trains the first models; later starts go on from there.
    Stop it with Ctrl-C.
    """
    from sweepwatch.run.everything import run_everything

    settings = settings_of(
        config,
        data,
        server__host=host,
        server__port=port,
        server__open_browser=False if no_browser else None,
        simulator__devices=devices,
        simulator__seed=seed,
        simulator__world=world,
        simulator__enabled=False if no_simulator else None,
        simulator__speed=speed,
        simulator__crew=False if no_crew else None,
        broker__url=broker,
        broker__port=broker_port,
    )
    run_everything(settings, click.echo)


@cli.group(invoke_without_command=True)
@options(_BROKER, STORE)
@_METRICS_PORT
@click.pass_context
def ingest(
    context: click.Context,
    config: Path | None,
    data: Path | None,
    broker: str | None,
    store: str | None,
    metrics_port: int | None,
) -> None:
    """Take readings from a broker, store them, and judge the alert rules.

    A reading is acknowledged to the broker only when it is stored for good; until then the broker keeps it.
    """
    if context.invoked_subcommand is not None:
        if any(value is not None for value in context.params.values()):
            raise click.UsageError(f"options go behind the command: ingest {context.invoked_subcommand} ...")
        return
    from sweepwatch.run.processes import run_ingest

    settings = settings_of(
        config, data, broker__url=broker, store__url=store, ingest__metrics_port=metrics_port
    )
    run_ingest(settings, click.echo)


@ingest.command()
@click.option(
    "--url",
    default="http://127.0.0.1:8000",
    show_default=True,
    metavar="URL",
    help="A running process: its API, or what `ingest --metrics-port` serves.",
)
def ledger(url: str) -> None:
    """Print what a running process took in and what became of it; fail when that does not add up.

    received = written + duplicate + quarantined, in readings, since the process started.
    """
    from sweepwatch.commands.ingest import show_ledger

    show_ledger(url, click.echo)


@ingest.command()
@options(STORE)
@click.option("--device", help="Only what this device sent.")
@click.option(
    "--reason", type=click.Choice([str(reason) for reason in Reason]), help="Only what this turned away."
)
def replay(
    config: Path | None, data: Path | None, store: str | None, device: str | None, reason: str | None
) -> None:
    """Take what is in quarantine through the decoder again, after a rule or a mapping was mended.

    What passes now is stored and leaves the quarantine. No other process may use the data folder meanwhile.
    """
    from sweepwatch.commands.ingest import run_replay

    run_replay(settings_of(config, data, store__url=store), device, reason, click.echo)


@cli.command()
@options(STORE)
@click.option("--once", is_flag=True, help="Make one pass and end.")
@_METRICS_PORT
def score(
    config: Path | None, data: Path | None, store: str | None, once: bool, metrics_port: int | None
) -> None:
    """Score the fault risks of every robot, again and again, and raise alerts.

    With the trained models, and for what they do not know, or before there are any, with the anomaly score.
    Risks are as of each robot's newest reading, so that a replayed past is judged as it would have been.
    """
    from sweepwatch.run.processes import run_score

    settings = settings_of(config, data, store__url=store, models__metrics_port=metrics_port)
    run_score(settings, once, click.echo)


@cli.command()
@options(_HOST, _PORT, STORE)
def serve(
    config: Path | None, data: Path | None, host: str | None, port: int | None, store: str | None
) -> None:
    """Serve the API and the console from what is stored, and nothing else."""
    from sweepwatch.run.processes import run_serve

    settings = settings_of(config, data, server__host=host, server__port=port, store__url=store)
    run_serve(settings, click.echo)


@cli.command()
@options(_BROKER, STORE, _DEVICES, _SEED, _WORLD)
@click.option(
    "--rate",
    type=click.FloatRange(min=0, min_open=True),
    help="Messages a second in all. [default: one reading a device every 10 s]",
)
@click.option(
    "--duration",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="Stop after so many seconds. [default: never]",
)
@click.option(
    "--history",
    type=click.IntRange(1, 730),
    metavar="DAYS",
    help="First write a past of so many days, repairs included, straight into the store.",
)
@click.option(
    "--ground-truth", type=PATH, metavar="FILE", help="Write what is really wrong with each device there."
)
@click.option(
    "--misbehave", is_flag=True, help="Also publish what no device should: each kind of bad message."
)
def simulate(  # noqa: PLR0913, PLR0917 - click hands each option over by name
    config: Path | None,
    data: Path | None,
    broker: str | None,
    store: str | None,
    devices: int | None,
    seed: int | None,
    world: str | None,
    rate: float | None,
    duration: float | None,
    history: int | None,
    misbehave: bool,
    ground_truth: Path | None,
) -> None:
    """Simulate a fleet of robots, tools and wristbands that wear, fail and are repaired.

    It publishes live at QoS 1 over real connections, in real time, from where the past ended. Without
    --history it touches no data folder, so it may run beside `sweepwatch run`.
    """
    from sweepwatch.run.processes import SimulateFlags, run_simulate

    settings = settings_of(
        config,
        data,
        broker__url=broker,
        store__url=store,
        simulator__devices=devices,
        simulator__seed=seed,
        simulator__world=world,
    )
    run_simulate(settings, SimulateFlags(rate, duration, history, misbehave, ground_truth), click.echo)


@cli.command()
@options(STORE)
@click.option("--seed", type=int, help="Seed of the training; same seed and data, same models. [default: 1]")
@click.option(
    "--since",
    metavar="DATE|DAYS",
    help="Learn from history since 2026-05-01 (UTC), or from so many days before the newest reading. "
    "[default: 180]",
)
@click.option(
    "--jobs", type=int, metavar="N", help="Processes that train at once, each one fault. [default: 1]"
)
def train(
    config: Path | None,
    data: Path | None,
    store: str | None,
    seed: int | None,
    since: str | None,
    jobs: int | None,
) -> None:
    """Train a risk model for each robot fault from the stored history and its closed tickets.

    The first model of a fault is used at once. Later ones score beside the champion until they have proved to
    be cheaper (`sweepwatch models`). The figures that each reached on held-out time are printed. With
    models.dask_scheduler set, a Dask cluster trains instead of this machine; models come out the same.
    """
    from sweepwatch.run.processes import run_train

    settings = settings_of(config, data, store__url=store, models__seed=seed, models__jobs=jobs)
    run_train(settings, since, click.echo)


@cli.group()
def models() -> None:
    """List trained models, compare a challenger with its champion, put one to use or take it back."""


_WHO = click.option("--who", default="cli", show_default=True, help="Who does this; kept in the history.")


@models.command("list")
@options()
@click.option("--fault", help="Only the models of this fault.")
@JSON
def models_list(config: Path | None, data: Path | None, fault: str | None, as_json: bool) -> None:
    """List the models of each fault: state, age, figures on held-out time, and whether the file is sound."""
    from sweepwatch.commands.models import list_models

    list_models(settings_of(config, data), fault, as_json, click.echo)


@models.command("show")
@options()
@click.argument("model")
@JSON
def models_show(config: Path | None, data: Path | None, model: str, as_json: bool) -> None:
    """Show the card of a MODEL (its id, or a fault for that fault's champion) and what was done to it."""
    from sweepwatch.commands.models import show_model

    show_model(settings_of(config, data), model, as_json, click.echo)


@models.command("promote")
@options()
@click.argument("model")
@click.option("--force", is_flag=True, help="Promote although it is not proved to be cheaper.")
@_WHO
@WHY
def models_promote(
    config: Path | None, data: Path | None, model: str, force: bool, who: str, why: str | None
) -> None:
    """Make a MODEL the champion (its id, or a fault for that fault's challenger).

    It must have cost less than the champion on rows that neither learned from, by models.promotion_margin
    with 97.5 % of a paired bootstrap over devices, as `run` or `score` found out while both scored. Otherwise
    it is refused with the reason, unless --force is given.
    """
    from sweepwatch.commands.models import promote_model

    promote_model(settings_of(config, data), model, force, who, why, click.echo)


@models.command("rollback")
@options()
@click.argument("fault")
@_WHO
@WHY
def models_rollback(config: Path | None, data: Path | None, fault: str, who: str, why: str | None) -> None:
    """Make the champion before this one the champion of FAULT again; the next scoring takes it up."""
    from sweepwatch.commands.models import roll_back_model

    roll_back_model(settings_of(config, data), fault, who, why, click.echo)


@cli.command()
@click.argument("name")
@click.option(
    "--data",
    type=PATH,
    help="The yardstick's files, or a folder that holds them under the yardstick's name.",
)
@click.option("--seeds", default="0,1,2", show_default=True, help="Seeds of the training.")
@click.option(
    "--horizon", type=int, metavar="MONTHS", help="Months at the end that are the test (parts: 12)."
)
@click.option("--train", metavar="NAME", help="What is learned from: a set (cmapss) or file (hse-filter).")
@click.option("--test", metavar="NAME", help="What is judged: a set (cmapss) or file (hse-filter).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def evaluate(
    name: str,
    data: Path | None,
    seeds: str,
    horizon: int | None,
    train: str | None,
    test: str | None,
    as_json: bool,
) -> None:
    """Score what we learn, forecast and plan on a yardstick.

    There are skab, azure-pdm, cmapss, hse-filter, parts, dispatch (routes) and simulated.

    Prints each metric's mean and standard deviation over the seeds, simple baselines on the same rows, and
    how the rows were split. It touches no data folder of a running system.
    """
    from sweepwatch.commands.evaluate import run_evaluate

    split = {"train": train, "test": test}
    run_evaluate(name, data, seeds, as_json, click.echo, horizon, split)


@cli.command("check-config")
@options()
@click.option("--show", is_flag=True, help="Print every setting with its value, variable and meaning.")
def check_config(config: Path | None, data: Path | None, show: bool) -> None:
    """Say whether the settings are usable, without starting or touching anything."""
    from sweepwatch.commands.config import check_settings

    check_settings(config, os.environ, {"data": data}, show, click.echo)


_GROUPS = (
    *(store, desk, people, tokens, personal, devices, rules),
    *(sla, lists, stock, indicators, intake, notify, duty, import_command, export_command, prove_command),
)
for group in _GROUPS:
    cli.add_command(group)


def main() -> None:
    """Run the command line; an error that people can mend is one line and exit code 1 or 2."""
    end(_exit_code())


def _exit_code() -> int:
    try:
        asked_for = cli(standalone_mode=False)  # what a command ends with by `Exit`; else None
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except SweepwatchError as error:
        click.echo(f"sweepwatch: {error}", err=True)
        return 2 if isinstance(error, ConfigError) else 1
    return asked_for if isinstance(asked_for, int) else 0
