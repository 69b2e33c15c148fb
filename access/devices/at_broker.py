"""The brokers at which devices come in, behind one port: one with the plugin, and one that knows no names."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from access.devices.book import admission, expulsion, readmission
from access.devices.control import BrokerControl
from fleet.broker_url import BrokerAddress
from fleet.device_doors import BrokerUser
from fleet.errors import BrokerUnavailable


class PluginBroker:
    """A mosquitto with the dynamic security plugin.

    `address` returns where it is and who changes its book, None while that is not known; `reread` lets it
    read the list of revoked certificates again. `ca` is whom to trust for its certificate.
    """

    def __init__(
        self,
        address: Callable[[], BrokerAddress | None],
        reread: Callable[[], None] = lambda: None,
        ca: Path | None = None,
    ) -> None:
        self._address = address
        self._reread = reread
        self._ca = ca

    def unable(self) -> str | None:
        """Return None: it lets in by credentials."""
        return None

    def admit(self, users: Sequence[tuple[BrokerUser, str | None]]) -> None:
        """Let devices in with their passwords, None: by certificate. Raises BrokerUnavailable."""
        self._change([admission(user, password) for user, password in users])

    def readmit(self, user: BrokerUser) -> None:
        """Let a device speak elsewhere. Raises BrokerUnavailable."""
        self._change([readmission(user)])

    def expel(self, device_ids: Collection[str]) -> None:
        """Put devices out. Raises BrokerUnavailable."""
        self._change([expulsion(device_id) for device_id in device_ids])

    def reload(self) -> None:
        """Let it read the list of revoked certificates again."""
        self._reread()

    def _change(self, commands: Sequence[Sequence[dict[str, object]]]) -> None:
        if not commands:
            return
        address = self._address()
        if address is None:
            raise BrokerUnavailable("the broker does not run, or nobody said who changes its book")
        with BrokerControl(address, self._ca) as control:
            control.carry_out([each for one in commands for each in one])


class NamelessBroker:
    """A broker that lets in everybody, or that we can tell nothing: no device can have a credential there."""

    def __init__(self, why: str) -> None:
        self._why = why

    def unable(self) -> str | None:
        """Return why not."""
        return self._why

    def admit(self, users: Sequence[tuple[BrokerUser, str | None]]) -> None:
        """Do nothing where there is nobody; raises BrokerUnavailable."""
        self._refuse(bool(users))

    def readmit(self, user: BrokerUser) -> None:
        """Raise BrokerUnavailable."""
        self._refuse(True)

    def expel(self, device_ids: Collection[str]) -> None:
        """Do nothing where there is nobody; raises BrokerUnavailable."""
        self._refuse(bool(device_ids))

    def reload(self) -> None:
        """Do nothing: it knows no certificates."""

    def _refuse(self, asked: bool) -> None:
        if asked:
            raise BrokerUnavailable(self._why)
