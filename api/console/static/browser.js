// "Send notices to this browser": asks for permission when it is pressed, subscribes, and hands that to the form.
"use strict";
(() => {
  const place = document.querySelector("[data-push-key]");
  if (!place) return;
  const { pushKey, pushWorker } = place.dataset;
  const form = place.querySelector("form");
  const button = form.querySelector("button");
  const say = (name) => {
    for (const each of place.querySelectorAll("[data-when]")) each.hidden = each.dataset.when !== name;
  };

  const mark = async (endpoint) => {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint));
    const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return `${new URL(endpoint).hostname} (${hex.slice(0, 6)})`;
  };
  // The row of this browser's own destination: one that is told here already need not ask again.
  const row = async (subscription) => {
    const shown = subscription && (await mark(subscription.endpoint));
    return [...document.querySelectorAll("[data-browser]")].find((one) => one.dataset.browser === shown);
  };
  const ownKey = (subscription) => {
    const raw = new Uint8Array(subscription.options.applicationServerKey || []);
    return btoa(String.fromCharCode(...raw)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  };
  const subscribed = async () => {
    const registration = await navigator.serviceWorker.getRegistration("/");
    return registration?.pushManager.getSubscription();
  };

  // What is removed here is forgotten by the browser too, where it can; the form goes its way in any case.
  const forget = async (event, subscription) => {
    event.preventDefault();
    const patience = new Promise((done) => setTimeout(done, 3000));
    await Promise.race([subscription.unsubscribe().catch(() => {}), patience]);
    event.target.submit();
  };

  const shown = async () => {
    const subscription = await subscribed();
    const mine = Notification.permission === "granted" && (await row(subscription));
    if (!mine || ownKey(subscription) !== pushKey) {
      return say(Notification.permission === "denied" ? "denied" : "ready");
    }
    mine.querySelector("[data-here]").hidden = false;
    mine.querySelector("form[data-remove]").addEventListener("submit", (event) => forget(event, subscription));
    form.hidden = true;
    say("on");
  };

  const subscribe = async () => {
    const registration = await navigator.serviceWorker.register(pushWorker, { scope: "/" });
    await navigator.serviceWorker.ready;
    const before = await registration.pushManager.getSubscription();
    if (before && ownKey(before) !== pushKey) await before.unsubscribe(); // it was for another key of ours
    const options = { userVisibleOnly: true, applicationServerKey: pushKey };
    const { endpoint, keys } = (await registration.pushManager.subscribe(options)).toJSON();
    for (const [name, value] of Object.entries({ endpoint, ...keys, before: before?.endpoint ?? "" })) {
      form.elements[name].value = value;
    }
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      const permission = await Notification.requestPermission();
      if (permission !== "granted") return say(permission === "denied" ? "denied" : "unanswered");
      say("busy");
      await subscribe();
      form.submit();
    } catch {
      say("failed");
    } finally {
      button.disabled = false;
    }
  });

  if (!window.isSecureContext) say("insecure");
  else if (!("serviceWorker" in navigator && "PushManager" in window && "Notification" in window)) say("unable");
  else {
    form.hidden = false;
    shown().catch(() => say("ready"));
  }
})();
