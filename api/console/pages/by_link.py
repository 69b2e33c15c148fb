"""Pages behind a link that a customer was sent: the secret is the right to them, and no cookie.

A page of another site could post nothing that whoever opens the link does not know.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from api.console.pages.tried import tried
from api.console.render.asked import SavedView, asked
from api.console.render.templates import Pages
from api.doors import address_of
from api.services import ApiServices
from fleet.errors import NotFound

_LONGEST = 64
"""No secret of ours is longer."""
Entered = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LinkPage:
    """What is behind one kind of link, at `/<path>/<secret>`.

    Templates are `desk/<name>_open.html` and `desk/<name>_closed.html`. `open` returns what a secret opens,
    with a `ticket`; it raises NotFound. `values` are what the template needs, given what was entered.
    """

    path: str
    name: str
    open: Callable[[ApiServices, str], Any]
    values: Callable[[Any, Entered], dict[str, Any]]

    def look(self, pages: Pages, request: Request, secret: str) -> Response:
        """Show what the link is about. To look records nothing: mail programs look at links too."""
        pages.services.rates.sign_in(address_of(request))
        return self._page(pages, request, secret[:_LONGEST], {}, saved=asked(request, SavedView).saved)

    def answer(
        self, pages: Pages, request: Request, secret: str, keep: Callable[[str], object], entered: Entered
    ) -> Response:
        """Keep what the holder of the link says, and show that it came."""
        services, key = pages.services, secret[:_LONGEST]
        services.rates.sign_in(address_of(request))

        def change() -> Response:
            self.open(services, key)  # what opens nothing is told first, whatever else is wrong
            keep(key)
            return RedirectResponse(f"/{self.path}/{key}?saved=1", status_code=303)

        return tried(change, lambda status, why: self._page(pages, request, key, entered, status, why), 404)

    def _page(
        self,
        pages: Pages,
        request: Request,
        key: str,
        entered: Entered,
        status: int = 200,
        error: str | None = None,
        *,
        saved: bool = False,
    ) -> Response:
        try:
            opened = self.open(pages.services, key)
        except NotFound as why:
            return pages.render(request, f"desk/{self.name}_closed.html", 404, error=str(why))
        values = {"opened": opened, "secret": key, "error": error, "saved": saved}
        values |= self.values(opened, entered)
        return pages.render(request, f"desk/{self.name}_open.html", status, opened.ticket.site, **values)
