// What makes the server's page live: it asks for itself again when the log has grown, or when the
// slider is moved, and puts in what has changed. Without a script every page works by reloading.
"use strict";
(() => {
  const kept = new Map(); // part -> its HTML as it came
  const parts = (doc) => [...doc.querySelectorAll("[data-part]")];
  const note = () => parts(document).forEach((part) => kept.set(part.id, part.innerHTML));
  note(); // before any script has drawn into them

  function put(part, html) {
    const open = [...part.querySelectorAll("details[open]")].map((item) => item.id);
    const focused = part.contains(document.activeElement) ? document.activeElement.id : "";
    part.innerHTML = html; // the server's own escaped page, which the policy keeps scripts out of
    kept.set(part.id, html);
    for (const id of open) if (id) document.getElementById(id)?.setAttribute("open", "");
    if (focused) document.getElementById(focused)?.focus();
    Charts.drawAll(part);
    if (part.querySelector("script.frames")) Replays.start(part);
  }

  let asking = null;
  async function look(address) {
    asking?.abort();
    asking = new AbortController();
    let answer;
    try {
      answer = await fetch(address, { signal: asking.signal, headers: { Accept: "text/html" } });
    } catch { return; }
    if (answer.status === 401) { location.reload(); return; }
    const doc = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = parts(doc);
    if (fresh.map((part) => part.id).join() !== parts(document).map((part) => part.id).join()) {
      document.querySelector("main").innerHTML = doc.querySelector("main").innerHTML;
      note();
      Charts.drawAll();
      Replays.startAll();
    } else {
      for (const part of fresh) {
        if (kept.get(part.id) !== part.innerHTML) put(document.getElementById(part.id), part.innerHTML);
      }
    }
    const range = document.getElementById("at-range"), newer = doc.getElementById("at-range");
    if (range && newer) {
      range.max = newer.max;
      if (document.activeElement !== range) range.value = newer.value;
    }
    const told = document.getElementById("moment-told"), now = doc.getElementById("moment-told");
    if (told && now) told.textContent = now.textContent;
    document.documentElement.dataset.position = doc.documentElement.dataset.position;
  }

  // -- live ------------------------------------------------------------------------------------
  const button = document.getElementById("live");
  const state = document.getElementById("live-state");
  let source = null, wanted = true;
  const isPast = () => new URLSearchParams(location.search).get("at");
  const say = (text) => { if (state) state.textContent = text; };

  function listen() {
    if (source || !wanted || isPast() || document.hidden) return;
    source = new EventSource("/live");
    source.addEventListener("changed", (event) => {
      document.documentElement.dataset.told = event.data;
      look(location.href).then(() => say(`live, as of position ${document.documentElement.dataset.position}`));
    });
    source.onopen = () => say("live");
    source.onerror = () => say("not connected; trying again");
  }
  function hush() { source?.close(); source = null; }

  if (button) {
    button.hidden = false;
    button.addEventListener("click", () => {
      wanted = !wanted;
      button.textContent = wanted ? "Pause updates" : "Resume updates";
      if (wanted) { listen(); look(location.href); } else { hush(); say("updates are paused"); }
    });
  }
  // A browser keeps six connections to a server: pages that nobody sees give theirs up.
  document.addEventListener("visibilitychange", () => { if (document.hidden) hush(); else listen(); });
  addEventListener("pagehide", hush);
  addEventListener("pageshow", listen);

  // -- the slider ------------------------------------------------------------------------------
  const range = document.getElementById("at-range"), field = document.getElementById("at");
  if (range && field) {
    range.closest(".slider").hidden = false;
    range.addEventListener("input", () => {
      field.value = range.value;
      range.setAttribute("aria-valuetext", `position ${range.value}`);
    });
    range.addEventListener("change", () => {
      const address = new URL(location.href);
      if (range.value === range.max) { address.searchParams.delete("at"); field.value = ""; }
      else address.searchParams.set("at", range.value);
      history.replaceState(null, "", address);
      if (isPast()) { hush(); say("the past stands still"); }
      document.documentElement.dataset.past = isPast() ? "yes" : "";
      look(address).then(listen);
    });
  }
})();
