// The page of charts.mjs: the same values for the app's charts and for uPlot.
import init, * as app from "./charts.js";
import uPlot from "./uplot.js";

// The carrier of the live plane, with the server's part behind it.
let socket;
globalThis.WebSocket = class {
  readyState = 0;
  constructor() {
    socket = this;
    queueMicrotask(() => {
      this.readyState = 1;
      this.onopen();
    });
  }
  send(bytes) {
    const answer = app.answer(bytes);
    if (answer.length) queueMicrotask(() => this.hear(answer));
  }
  hear(bytes) {
    this.onmessage({ data: bytes.buffer });
  }
  close() {}
};

// The clock that the page sees: it stands still until a tick is given.
let now = 1_790_000_000_000;
Date.now = () => now;

const wasm = await init({ module_or_path: "./charts.wasm" });
const frame = () => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));

let seed = 7;
const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
/** Values of all series at one moment. */
const moment = (count, at) => Array.from({ length: count }, (_, series) => 50 + 30 * Math.sin(at / 40 + series) + 10 * random());

let charts, series, points, offset = 0;
let rows = [];
let plots = [];

function ours(...size) {
  [charts, series, points] = size;
  rows = Array.from({ length: points }, (_, at) => moment(charts * series, at));
  const columns = Array.from({ length: charts * series }, (_, number) => rows.map((row) => row[number]));
  app.show(document.querySelector("#ours"), charts, series, now, Float64Array.from(columns.flat()));
  return settled();
}

/** Until the charts follow the live plane. */
async function settled() {
  while (!socket) await frame();
  for (let count = 0; count < 30; count++) await frame();
}

function feed(values) {
  offset++;
  if (offset % 25 === 0) socket.hear(app.ping());
  socket.hear(app.rows(charts, offset, now, Float64Array.from(values)));
}

async function both(...size) {
  await ours(...size);
  const canvas = document.querySelector(".plot-canvas");
  const colours = ["#2a78d6", "#eb6834", "#1baf7a", "#eda100"];
  plots = Array.from({ length: charts }, (_, chart) => {
    const card = document.createElement("div");
    card.className = "card";
    document.querySelector("#uplot").append(card);
    return new uPlot(
      {
        // Its axes take 50 and 50 pixels of this, so what is drawn has our size.
        width: canvas.clientWidth + 50,
        height: canvas.clientHeight + 50,
        legend: { show: false },
        cursor: { show: false },
        scales: { y: { range: [0, 100] } },
        series: [{}, ...colours.map((stroke) => ({ stroke, width: 1.5, points: { show: false } }))],
      },
      data(chart),
      card,
    );
  });
  await settled();
}

/** The points of a chart as uPlot takes them: seconds, then a column for each series. */
function data(chart) {
  const times = rows.map((_, at) => now / 1000 - (rows.length - 1 - at));
  return [times, ...Array.from({ length: series }, (_, number) => rows.map((row) => row[chart * series + number]))];
}

/** A new value at the end of each column in place of the oldest, as a page with uPlot would hold them. */
function push(plot, chart, values) {
  for (const [column, held] of plot.data.entries()) {
    held.shift();
    held.push(column ? values[chart * series + column - 1] : now / 1000);
  }
  plot.setData(plot.data);
}

/** So many seconds of new values, drawn by one of both. */
async function redraw(name, count) {
  for (let redrawn = 0; redrawn < count; redrawn++) {
    now += 1000;
    const values = moment(charts * series, now / 1000);
    if (name === "ours") feed(values);
    else plots.forEach((plot, chart) => push(plot, chart, values));
    await frame();
  }
}

/** Seconds as fast as frames come. */
async function ticks(count) {
  for (let tick = 0; tick < count; tick++) {
    now += 1000;
    feed(moment(charts * series, now / 1000));
    if (tick % 8 === 7) await frame();
  }
}

async function figures(id) {
  const parsed = new DOMParser().parseFromString(await (await fetch("/figures.html")).text(), "text/html");
  const section = parsed.querySelector(`#${id}`);
  if (id === "twelve") section.className = "all";
  document.querySelector("#figures").append(section);
  for (let count = 0; count < 30; count++) await frame();
}

/** Moves all plots by a pixel in each frame; the answer is when the frames were. */
async function pan(count) {
  const inks = [...document.querySelectorAll("#figures .plot-ink")];
  const times = [];
  return new Promise((done) => {
    const move = (at) => {
      times.push(at);
      for (const ink of inks) ink.style.transform = `translateX(${-times.length}px)`;
      if (times.length > count) done(times);
      else requestAnimationFrame(move);
    };
    requestAnimationFrame(move);
  });
}

globalThis.bench = { ours, both, redraw, ticks, figures, pan, memory: () => wasm.memory.buffer.byteLength };
