// Keeps a page honest: says when the server is away or updates are paused, and refreshes lists in place.
// Every page works without this.
"use strict";
(() => {
  const BEAT_MS = 2000; // with the wait for an answer below 5 s: so long a dead page may look alive
  const PATIENCE_MS = 2500;
  const gone = document.getElementById("gone");
  const paused = document.getElementById("paused");
  const main = document.querySelector("main");
  const every = () => Number(main.dataset.refresh || 0) * 1000;

  // Nothing moves under a pointer that is down: what it pressed would not be what it lets go, and not be clicked.
  const LONGEST_PRESS_MS = 3000; // a pointer that left the window does not say when it is let go
  let pressedAt = -LONGEST_PRESS_MS;
  const pressed = () => performance.now() - pressedAt < LONGEST_PRESS_MS;
  const noticed = new Map([
    [gone, !gone.hidden],
    [paused, !paused.hidden],
  ]);
  const settle = () => {
    if (pressed()) return;
    for (const [notice, stands] of noticed) notice.hidden = !stands;
  };
  const say = (notice, stands) => {
    noticed.set(notice, stands);
    settle();
  };
  window.addEventListener("pointerdown", () => (pressedAt = performance.now()), { capture: true });
  for (const event of ["pointerup", "pointercancel"]) {
    window.addEventListener(
      event,
      () => {
        pressedAt = -LONGEST_PRESS_MS;
        setTimeout(settle); // the click itself comes after this
      },
      { capture: true },
    );
  }

  const answered = (address, accept, patience = PATIENCE_MS) =>
    fetch(address, {
      headers: { Accept: accept },
      cache: "no-store",
      signal: AbortSignal.timeout(patience),
    });

  const typing = () => {
    const field = document.activeElement;
    return main.contains(field) && field.matches("input, select, textarea");
  };
  // What was typed or chosen and not sent yet: to refresh would lose it.
  const changed = (field) => {
    if (field.matches("select")) {
      const chosen = [...field.options].findIndex((one) => one.defaultSelected);
      return field.selectedIndex !== Math.max(chosen, 0);
    }
    if (field.matches("[type=checkbox], [type=radio]")) return field.checked !== field.defaultChecked;
    return field.value !== field.defaultValue;
  };
  const unsent = () => [...main.querySelectorAll("input:not([type=hidden]), select, textarea")].some(changed);
  const busy = () => typing() || unsent() || main.querySelector("details[open]");
  const held = () => document.hidden || pressed() || busy();

  const beat = async () => {
    if (document.hidden) return;
    try {
      await answered("/healthz", "application/json");
      say(gone, false);
      if (document.body.dataset.starting && !held()) location.reload();
    } catch {
      say(gone, true);
    }
  };

  const show = () => {
    say(paused, every() > 0 && busy());
  };

  // What had the focus is found again by where it leads or what it is called.
  const place = (element) => {
    const key = ["id", "href", "name"].find((name) => element.getAttribute(name));
    return key && `${element.tagName}[${key}="${CSS.escape(element.getAttribute(key))}"]`;
  };

  const refresh = async () => {
    show();
    if (held()) return;
    try {
      const answer = await answered(location.href, "text/html", 10 * PATIENCE_MS);
      const text = await answer.text();
      if (!answer.ok || held()) return; // something may have been typed while it was read
      const page = new DOMParser().parseFromString(text, "text/html");
      const focused = main.contains(document.activeElement) && place(document.activeElement);
      const fresh = page.querySelector("main");
      main.dataset.refresh = fresh.dataset.refresh || 0; // sooner while something is on its way
      main.replaceChildren(...fresh.childNodes);
      document.querySelector("footer").replaceWith(page.querySelector("footer"));
      gone.textContent = page.getElementById("gone").textContent; // it says as of when
      if (focused) main.querySelector(focused)?.focus({ preventScroll: true });
    } catch {
      // The heartbeat says it; the next round tries again.
    }
  };

  // A form sent to a server that is gone leaves the page, and what was typed, for the browser's own error.
  // One that was only slow is asked once more, with more patience, and then gets the form.
  let asking = false;
  main.addEventListener("submit", async (event) => {
    if (!noticed.get(gone) && !asking) return;
    event.preventDefault();
    if (asking) return;
    asking = true;
    const { target: form, submitter } = event;
    gone.scrollIntoView({ block: "nearest" });
    try {
      await answered("/healthz", "application/json", 4 * PATIENCE_MS);
    } catch {
      return; // what is typed stays, and the page says why
    } finally {
      asking = false;
    }
    say(gone, false);
    if (form.isConnected) form.requestSubmit(submitter);
  });
  // A label's QR code says what stands on the device behind the address's #, which goes to no server.
  const label = new URLSearchParams(location.hash.slice(1));
  const claim = main.querySelector("form[data-label]");
  if (claim && label.size) {
    for (const name of ["serial", "code"]) {
      if (label.get(name)) claim.elements[name].value = label.get(name);
    }
    history.replaceState(null, "", location.pathname + location.search);
  }
  // The link into a demo needs no more than to be opened; a program that only looks at links uses nothing up.
  main.querySelector("form[data-go]")?.requestSubmit();
  // The page of a notice tells that somebody reads it; a program that only looks at links does not run this.
  const seen = main.querySelector("[data-seen]");
  if (seen) fetch(seen.dataset.seen, { method: "POST" }).catch(() => {});
  // On a phone the list of pages is wider than the screen: it begins where one is.
  document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  setInterval(beat, BEAT_MS);
  document.addEventListener("visibilitychange", beat);
  if (every()) {
    const again = () =>
      setTimeout(async () => {
        await refresh();
        again();
      }, every() || 30000);
    again();
    for (const event of ["focusin", "focusout", "toggle"]) {
      main.addEventListener(event, () => setTimeout(show), { capture: true });
    }
  }
})();
