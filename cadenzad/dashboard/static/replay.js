// Two runs in step: the map, the phase, what was done and the reward of both, at one step.
"use strict";
const Replays = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const [TICK, PHASE, ACTION, X, Y, YAW, REWARD, TOTAL, MOTION, SAYS] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  const timers = new Map(); // section -> running timer

  const said = (value, digits) =>
    value == null ? "unknown" : typeof value === "number" ? String(+value.toFixed(digits ?? 2)) : value;

  function make(name, attributes, parent) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    parent.append(made);
    return made;
  }

  function marker(svg, letter, colour) {
    const group = make("g", { class: "robot" }, svg);
    make("circle", { r: 10, fill: colour, stroke: "#ffffff", "stroke-width": 2 }, group);
    make("line", { x1: 0, y1: 0, x2: 0, y2: -17, stroke: colour, "stroke-width": 4, class: "nose" }, group);
    const text = make("text", { "text-anchor": "middle", y: 4.5, fill: "#ffffff", "font-size": 13,
                                "font-weight": "bold" }, group);
    text.textContent = letter;
    return group;
  }

  function start(section) {
    const data = JSON.parse(section.querySelector("script[type='application/json'].frames").textContent);
    const range = section.querySelector("input[type=range]");
    const play = section.querySelector("button.play");
    const last = Math.max(...data.runs.map((run) => run.frames.length)) - 1;
    const svg = section.querySelector(".map svg");
    section.querySelector(".controls").hidden = false;
    const marks = svg && data.runs.map((run, n) => marker(svg, "AB"[n], n ? "#8a4b00" : "#1f4fa3"));
    const cells = [...section.querySelectorAll("[data-run]")];
    const films = data.runs.map((run, n) => section.querySelector(`video[data-film="${n}"]`));
    range.max = last;

    function show() {
      const step = Number(range.value);
      range.setAttribute("aria-valuetext", `step ${step} of ${last}`);
      section.querySelector("output").textContent = `step ${step} of ${last}`;
      data.runs.forEach((run, n) => {
        const frame = run.frames[Math.min(step, run.frames.length - 1)];
        if (!frame) return;
        const over = step >= run.frames.length - 1;
        const facts = { tick: said(frame[TICK]) + (over ? ` (its last: ${run.outcome})` : ""),
          phase: said(frame[PHASE]), action: said(frame[ACTION]), motion: said(frame[MOTION]),
          reward: `${said(frame[REWARD])}, ${said(frame[TOTAL])} so far`,
          place: frame[X] == null ? "unknown" : `x ${said(frame[X])} m, y ${said(frame[Y])} m`,
          says: frame[SAYS] || "–" };
        for (const [name, text] of Object.entries(facts)) {
          const cell = cells[n]?.querySelector(`[data-fact=${name}]`);
          if (cell) cell.textContent = text;
        }
        cells[n]?.querySelectorAll("li[data-from]").forEach((item) => {
          const now = frame[TICK] >= Number(item.dataset.from) && frame[TICK] <= Number(item.dataset.to);
          if (now) item.setAttribute("aria-current", "step"); else item.removeAttribute("aria-current");
        });
        if (marks && frame[X] != null && frame[Y] != null) {
          const { left, top, x0, y0, scale } = data.map;
          // Up the page is -x; a robot that looks along -x (yaw 0) looks up, and turns left by +yaw.
          const turn = frame[YAW] == null ? 0 : -frame[YAW];
          marks[n].setAttribute("transform",
            `translate(${left + (frame[Y] - y0) * scale} ${top + (frame[X] - x0) * scale})`);
          marks[n].querySelector(".nose").setAttribute("transform", `rotate(${turn})`);
        }
        const film = films[n];
        if (film && film.duration) film.currentTime = film.duration * Math.min(1, step / Math.max(1, run.frames.length - 1));
      });
      const chart = Charts.of(section.querySelector("figure.chart"));
      if (chart) chart.setCursor({ left: chart.valToPos(step, "x"), top: 10 }, false);
    }

    function stop() {
      clearInterval(timers.get(section));
      timers.delete(section);
      play.textContent = "Play";
      play.setAttribute("aria-pressed", "false");
    }

    function run() {
      if (Number(range.value) >= last) range.value = 0;
      play.textContent = "Pause";
      play.setAttribute("aria-pressed", "true");
      timers.set(section, setInterval(() => {
        if (!section.isConnected || Number(range.value) >= last) { stop(); return; }
        range.value = Number(range.value) + 1;
        show();
      }, 200));
    }

    range.addEventListener("input", show);
    play.addEventListener("click", () => (timers.has(section) ? stop() : run()));
    section.querySelector("button.back").addEventListener("click", () => { range.value = Number(range.value) - 1; show(); });
    section.querySelector("button.on").addEventListener("click", () => { range.value = Number(range.value) + 1; show(); });
    const from = Number(section.dataset.tick || 0);
    if (from) {
      const at = data.runs[0].frames.findIndex((frame) => frame[TICK] >= from);
      range.value = at < 0 ? last : at;
    }
    show();
  }

  function startAll(inside = document) {
    inside.querySelectorAll("[data-replay]").forEach((section) => {
      if (section.querySelector("script.frames")) start(section);
    });
  }
  addEventListener("DOMContentLoaded", () => startAll());
  return { start, startAll };
})();
