// Shows notices that are pushed to this browser, also while no page is open, and opens what they link to.
"use strict";
const WORDS = {
  en: {
    empty: "Something happened",
    over: "This browser gets no more notices. Open Sweepwatch and turn them on again.",
  },
  zh: { empty: "有新的通知", over: "此浏览器不再接收通知。请打开 Sweepwatch 重新开启。" },
};
const BROWSER = "/account/notices/browser";
const words = () => (navigator.language.startsWith("zh") ? WORDS.zh : WORDS.en);

const show = (title, body, link, more = {}) =>
  self.registration.showNotification(title, {
    body,
    icon: "/static/icon-192.png",
    data: { link },
    ...more,
  });

self.addEventListener("push", (event) => {
  let told = {};
  try {
    told = event.data.json();
  } catch {
    // A browser that got something has to show something.
  }
  const more = {
    tag: told.key, // what comes twice replaces itself
    lang: told.language,
    requireInteraction: told.level === "L1",
  };
  event.waitUntil(show(told.title || "Sweepwatch", told.body || words().empty, told.link || "/", more));
});

const opened = async (link) => {
  const address = new URL(link, self.location.origin);
  if (!["http:", "https:"].includes(address.protocol)) return;
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = windows.find((one) => one.url === address.href);
  await (there ? there.focus() : self.clients.openWindow(address.href));
};

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(opened(event.notification.data?.link || "/"));
});

// The push service gave this browser another address, or took its own back.
const renewed = async (event) => {
  const answer = await fetch(BROWSER, { headers: { Accept: "application/json" }, redirect: "error" });
  const { key, csrf } = await answer.json();
  const options = { userVisibleOnly: true, applicationServerKey: key };
  const fresh = event.newSubscription || (await self.registration.pushManager.subscribe(options));
  const { endpoint, keys } = fresh.toJSON();
  const form = new URLSearchParams({ csrf, endpoint, ...keys });
  if (event.oldSubscription) form.set("before", event.oldSubscription.endpoint);
  const kept = await fetch(BROWSER, { method: "POST", body: form });
  if (!kept.ok) throw new Error(kept.statusText);
};

self.addEventListener("pushsubscriptionchange", (event) => {
  const over = () => show("Sweepwatch", words().over, "/account/notices", { tag: "over" });
  event.waitUntil(renewed(event).catch(over)); // whoever signed out, or is away, hears of it at least
});

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
