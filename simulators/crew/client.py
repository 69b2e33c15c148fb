"""How people of the crew work: with the console and the API, each in a session of their own."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from fleet.errors import SweepwatchError

_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
_TIMEOUT_S = 5.0
_UNKNOWN, _BUSY, _BROKEN = 401, 429, 500


class Refused(SweepwatchError):
    """The house said no: `status` and its reason."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status


class Away(SweepwatchError):
    """The house does not answer, or not now: the same may be tried again later."""


class Browser:
    """What anybody has who was sent a link: it opens pages and sends their forms."""

    def __init__(self, address: str) -> None:
        import httpx2

        self._errors: type[Exception] = httpx2.HTTPError
        self._http = httpx2.Client(base_url=address, timeout=_TIMEOUT_S)

    def open(self, link: str) -> str:
        """Return a page. Raises Refused, Away."""
        return str(self._ask("GET", link).text)

    def send(self, link: str, form: Mapping[str, str]) -> None:
        """Send a form. Raises Refused, Away."""
        self._ask("POST", link, data=dict(form))

    def close(self) -> None:
        """Let go of its connections."""
        self._http.close()

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        try:
            answer = self._http.request(method, path, **more)
        except self._errors as error:
            raise Away(f"{method} {path.split('?', maxsplit=1)[0]}: {error}") from error
        if answer.status_code == _BUSY or answer.status_code >= _BROKEN:
            raise Away(f"{method}: the house answers {answer.status_code}")
        if answer.status_code >= 400:
            raise Refused(answer.status_code, _detail(answer))
        return answer


class Signed(Browser):
    """A browser in which somebody is signed in; the session is begun anew when it is over.

    `come_in` returns name and value of the cookie of a new one.
    """

    def __init__(self, address: str, come_in: Callable[[], tuple[str, str]]) -> None:
        super().__init__(address)
        self._come_in = come_in
        self._csrf = ""

    def get(self, path: str, **asked: Any) -> Any:
        """Return what the API answers. Raises Refused, Away."""
        return self._call(
            "GET", path, params={name: value for name, value in asked.items() if value is not None}
        )

    def items(self, path: str, **asked: Any) -> list[dict[str, Any]]:
        """Return the first page of a list. Raises Refused, Away."""
        return list(self.get(path, **asked)["items"])

    def post(self, path: str, said: Mapping[str, Any] | None = None, key: str = "") -> Any:
        """Post something; `key` lets it be done once however often it is posted. Raises Refused, Away."""
        headers = {"Idempotency-Key": key} if key else {}
        return self._call("POST", path, json=dict(said or {}), headers=headers)

    def put(self, path: str, said: Mapping[str, Any]) -> Any:
        """Put something. Raises Refused, Away."""
        return self._call("PUT", path, json=dict(said))

    def patch(self, path: str, said: Mapping[str, Any]) -> Any:
        """Change something. Raises Refused, Away."""
        return self._call("PATCH", path, json=dict(said))

    def _call(self, method: str, path: str, **more: Any) -> Any:
        if not self._csrf:
            self._sign_in()
        try:
            answer = self._asked(method, path, more)
        except Refused as refusal:
            if refusal.status != _UNKNOWN:
                raise
            self._sign_in()
            answer = self._asked(method, path, more)
        return answer.json() if answer.content else None

    def _asked(self, method: str, path: str, more: Mapping[str, Any]) -> Any:
        headers = {**more.get("headers", {}), "x-csrf-token": self._csrf}
        return self._ask(method, f"/api/v1{path}", **{**more, "headers": headers})

    def _sign_in(self) -> None:
        name, value = self._come_in()
        self._http.cookies.clear()
        self._http.cookies.set(name, value)
        found = _CSRF.search(self.open("/account"))
        if found is None:
            raise Away("nobody is signed in at the house")
        self._csrf = found[1]


def _detail(answer: Any) -> str:
    try:
        return str(answer.json().get("detail", ""))[:300]
    except ValueError:
        return ""
