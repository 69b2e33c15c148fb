"""The doors of devices, wired: which broker is told who may come in, and when it is."""

import logging
import signal
from contextlib import suppress
from functools import partial
from pathlib import Path

from access.devices.at_broker import NamelessBroker, PluginBroker
from access.devices.authority import Authority
from access.devices.credentials import Broker, DeviceDoors
from fleet.broker_url import parse_broker_url
from fleet.clock import Clock
from fleet.errors import BrokerUnavailable
from storage.records.database import DeskDatabase
from sweepwatch.run.broker_doors import BrokerDoors, Listening, control_address, find_plugin
from sweepwatch.run.embedded_broker import EmbeddedBroker, find_mosquitto, send_to_child
from sweepwatch.settings.settings import Settings

log = logging.getLogger(__name__)
SETTLE_EVERY_S = 5
LIST_EVERY_S = 6 * 3600
BROKER_FOLDER, CA_FOLDER = "broker", "ca"
_NO_PLUGIN = (
    "this broker lets in everybody, and knows no credentials: install mosquitto with its dynamic security "
    "plugin, or set broker.url to a broker that has it"
)


def device_doors(settings: Settings, root: Path, desk: DeskDatabase, clock: Clock) -> DeviceDoors:
    """Wire the credentials of an installation's devices; `root` is its data folder."""
    own_ids = {settings.ingest.client_id}
    return DeviceDoors(desk, clock, Authority(root / CA_FOLDER), _broker(settings, root), own_ids)


def _broker(settings: Settings, root: Path) -> Broker:
    chosen = settings.broker
    if chosen.url is not None:
        access = None if chosen.access_url is None else parse_broker_url(chosen.access_url)
        return PluginBroker(lambda: access)
    if not knows_credentials(settings):
        return NamelessBroker(_NO_PLUGIN)
    folder = root / BROKER_FOLDER
    return PluginBroker(partial(control_address, folder), partial(_reread, folder))


def knows_credentials(settings: Settings) -> bool:
    """Tell whether the broker of its own is one that knows who comes in."""
    return settings.broker.embedded != "amqtt" and bool(find_mosquitto()) and find_plugin() is not None


def broker_doors(settings: Settings, root: Path, devices: DeviceDoors, clock: Clock) -> BrokerDoors | None:
    """Return the doors of the broker of its own, None where it lets in everybody on this machine."""
    plugin = find_plugin()
    if plugin is None or not knows_credentials(settings):
        return None
    chosen = settings.broker
    listening = None
    if chosen.listen is not None:
        hosts = tuple(chosen.hosts) or (chosen.listen,)
        listening = Listening(chosen.listen, chosen.tls_port, chosen.certificate_port, hosts)
    folder = root / BROKER_FOLDER
    folder.mkdir(exist_ok=True)
    return BrokerDoors(
        plugin,
        folder,
        devices,
        Authority(root / CA_FOLDER),
        clock,
        open_to_all=settings.registration_is_open,
        listening=listening,
    )


def settle(devices: DeviceDoors, broker: EmbeddedBroker | None) -> None:
    """Tell the broker what it does not know yet; the one of its own reads a new book for what needs one.

    Raises BrokerUnavailable where another one has to be given a new book by hand.
    """
    waiting = devices.settle()
    if not waiting:
        return
    if broker is None:
        raise BrokerUnavailable(
            f"{waiting} devices wait to be let in: give the broker a new book (`sweepwatch devices book`)"
        )
    log.info("the broker starts anew with a book of %d more devices", waiting)
    broker.restart()


def _reread(folder: Path) -> None:
    with suppress(OSError):
        send_to_child(folder, signal.SIGHUP)
