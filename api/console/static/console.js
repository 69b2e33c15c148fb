// Refreshes a list in place while nobody is typing in it. Every page works without this.
"use strict";
(() => {
  const main = document.querySelector("main[data-refresh]");
  if (!main) return;
  const busy = () =>
    document.hidden || main.querySelector("details[open]") || main.contains(document.activeElement);
  const refresh = async () => {
    if (busy()) return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (!answer.ok || busy()) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      main.replaceChildren(...page.querySelector("main").childNodes);
      document.querySelector("footer").replaceWith(page.querySelector("footer"));
    } catch {
      // The server is away; the next round tries again.
    }
  };
  setInterval(refresh, Number(main.dataset.refresh) * 1000);
})();
