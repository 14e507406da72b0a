// The colours that somebody chose, before anything is painted; without a choice the system's.
"use strict";
(() => {
  const KEY = "cadenza-theme";
  const root = document.documentElement;
  const chosen = () => {
    try { return localStorage.getItem(KEY); } catch { return null; }
  };
  const dark = () => {
    const theme = root.dataset.theme;
    return theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  };
  const tell = () => dispatchEvent(new Event("cadenza-theme"));
  const theme = chosen();
  if (theme === "dark" || theme === "light") root.dataset.theme = theme;
  root.classList.add("js");
  addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    if (!button) return;
    const say = () => { button.textContent = dark() ? "Light colours" : "Dark colours"; };
    button.hidden = false;
    say();
    button.addEventListener("click", () => {
      root.dataset.theme = dark() ? "light" : "dark";
      try { localStorage.setItem(KEY, root.dataset.theme); } catch { /* for this page alone */ }
      say();
      tell();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { say(); tell(); });
  });
})();
