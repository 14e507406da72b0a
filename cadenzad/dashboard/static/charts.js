// Draws each <figure class="chart"> from the JSON in it. Its table says the same without a script.
"use strict";
const Charts = (() => {
  const drawn = new Map(); // figure -> uPlot
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const HEIGHT = 220;

  const spec = (figure) => JSON.parse(figure.querySelector("script[type='application/json']").textContent);

  const shown = (y) => (value) =>
    value == null ? "–" : y.percent ? `${Math.round(100 * value)}%` : String(+value.toPrecision(4));

  const axis = (label, more) => ({
    label, stroke: colour("text"), grid: { stroke: colour("line"), width: 1 },
    ticks: { stroke: colour("line"), width: 1 }, ...more,
  });

  const range = (y) => (u, low, high) => {
    const from = y.min ?? low, to = y.max ?? high;
    const span = to - from || 1;
    return [y.min ?? from - 0.05 * span, y.max ?? to + 0.05 * span];
  };

  const paddedX = (x) => () => {
    const low = x.values[0], high = x.values.at(-1), span = high - low; // of one value uPlot makes years
    const edge = x.width ? x.width * 0.8 : span ? span * 0.02 : x.time ? 60 : 1;
    return [low - edge, high + edge];
  };

  const seriesOf = (chart) => chart.series.map((one) => {
    const ink = colour(one.colour);
    const value = (u, raw, index, at) =>
      shown(chart.y)(one.shown && at != null ? one.shown[at] : raw);
    if (chart.kind === "bars") {
      return { label: one.label, stroke: ink, fill: ink, width: 1, value, points: { show: false },
               paths: uPlot.paths.bars({ size: [0.8, 60], align: 0 }) };
    }
    const few = one.values.length < 60;
    return { label: one.label, stroke: ink, width: 2, value, spanGaps: true,
             dash: dashes[Number(one.colour.slice(-1)) - 1] ?? [],
             points: { show: few, size: 7, stroke: ink, fill: ink } };
  });
  const dashes = [[], [8, 4], [2, 3], [12, 4, 2, 4], [5, 5], [1, 2]];

  function draw(figure) {
    const chart = spec(figure);
    const place = figure.querySelector(".canvas");
    if (!place || !chart.x.values.length || !chart.series.length) return;
    drawn.get(figure)?.destroy();
    const options = {
      width: Math.max(260, place.clientWidth), height: HEIGHT,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      scales: { x: { time: Boolean(chart.x.time), range: paddedX(chart.x) }, y: { range: range(chart.y) } },
      axes: [axis(chart.x.label), axis(chart.y.label, {
        size: 64, values: (u, ticks) => ticks.map(shown(chart.y)),
      })],
      series: [{ label: chart.x.label }, ...seriesOf(chart)],
    };
    drawn.set(figure, new uPlot(options, [chart.x.values, ...chart.series.map((one) => one.values)], place));
  }

  function drawAll(inside = document) {
    for (const figure of drawn.keys()) {
      if (!figure.isConnected) { drawn.get(figure).destroy(); drawn.delete(figure); }
    }
    inside.querySelectorAll("figure.chart").forEach(draw);
  }

  let resizing = 0;
  addEventListener("resize", () => { clearTimeout(resizing); resizing = setTimeout(drawAll, 150); });
  addEventListener("cadenza-theme", () => drawAll());
  addEventListener("DOMContentLoaded", () => drawAll());
  return { drawAll, of: (figure) => drawn.get(figure) };
})();
