// The charts: bars of tokens or lines of dollars over the turns, one zoom and one cursor for all of them.

let WIDE = false;  // too many turns for a bar each: steps instead, each as wide as its turn
const NEAR = 5;  // pixels within which the cursor jumps to a mark
const HEIGHT = 230;
let plots = {}, watched = [];
const colors = {};
let view = null;  // the turns in sight, as positions; null: not drawn yet
let chosen = null;  // the turn that the panel shows

function readColors() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["quiet", "grid", "card", "ink", "accent", "read", "new", "again", "cost", ...Object.keys(KINDS)]) colors[name] = style.getPropertyValue("--" + name).trim();
  for (const chart of Object.values(CHARTS)) {
    for (const [key] of chart.series) colors[key] = style.getPropertyValue("--" + key).trim();
  }
}

const CHARTS = {
  context: {
    stacked: true, write: short, exact: whole, from: () => turns,
    series: [["tools", "Tools"], ["system", "System"], ["pages", "Pages"], ["summary", "Summary"], ["results", "Results"],
      ["tail", "Tail"]],
  },
  cache: {
    stacked: true, write: short, exact: whole, from: () => turns, marks: true,
    series: [["read", "Read from the cache"], ["new", "Processed, new"], ["again", "Processed again"]],
    also: [["written", "Written to the cache"], ["output", "Output"]],
  },
  tiers: {
    stacked: true, write: short, exact: whole, from: () => data.tiers,
    series: [["slot", "In the engine"], ["ram", "From RAM"], ["disk", "From the disk"], ["far", "From far away"],
      ["computed", "Computed"]],
  },
  money: {
    stacked: false, write: (value) => "$" + value.toLocaleString("en-US", { maximumFractionDigits: 6 }), exact: dollars,
    from: () => data.money,
    series: [["uncached", "Without a cache"], ["cost", "Cost"], ["bound", "Lower bound"]],
  },
};

// Steps end where the next begins: the last turn is given twice.
const positions = () => Array.from({ length: WIDE ? count + 1 : count }, (_, at) => at + 1);
const padded = (values) => (WIDE ? [...values, values[count - 1]] : values);
const ends = () => (WIDE ? [1, count + 1] : [0.4, count + 0.6]);
const middle = (turn) => turn + 1 + (WIDE ? 0.5 : 0);

function columns(chart, hidden) {
  const from = chart.from();
  const shown = chart.series.map(([key]) => (hidden.has(key) ? null : from[key]));
  if (!chart.stacked) return [positions(), ...shown.map((values, at) => padded(values || from[chart.series[at][0]]))];
  const sums = new Array(count).fill(0);
  const stack = shown.map((values) => {
    if (values) for (let at = 0; at < count; at++) sums[at] += values[at];
    return values ? padded(sums.slice()) : padded(new Array(count).fill(0));
  });
  return [positions(), ...stack.reverse()];  // the highest first: each lower one is drawn over it
}

// The turn under the cursor, or the mark next to it; null where the cursor is elsewhere.
function pointedAt(plot) {
  if (plot.cursor.left === undefined || plot.cursor.left < 0) return null;
  const value = plot.posToVal(plot.cursor.left, "x");
  const turn = Math.min(count - 1, Math.max(0, (WIDE ? Math.floor(value) : Math.round(value)) - 1));
  const [low, high] = view || ends();
  const reach = (NEAR * (high - low)) / plot.over.clientWidth;
  if (reach < 0.5 || eventsAt.has(turn)) return turn;
  let start = 0, end = marked.length;
  while (start < end) {
    const half = (start + end) >> 1;
    if (marked[half] < turn) start = half + 1; else end = half;
  }
  const close = [marked[start - 1], marked[start]].filter((mark) => mark !== undefined && Math.abs(mark - turn) <= reach);
  return close.length ? close.reduce((one, other) => (Math.abs(one - turn) <= Math.abs(other - turn) ? one : other)) : turn;
}

// Each kind of mark has a shape of its own, for those to whom the colours look alike.
const SIDES = { break: [4, 0], cut: [4, Math.PI / 4], expiry: [3, -Math.PI / 2], miss: [24, 0], failed: [6, 0] };

function shapeOf(kind, x, y, size) {
  const path = new Path2D(), [sides, turned] = SIDES[kind];
  for (let at = 0; at < sides; at++) {
    const angle = turned + (2 * Math.PI * at) / sides;
    path.lineTo(x + size * 1.15 * Math.cos(angle), y + size * 1.15 * Math.sin(angle));
  }
  path.closePath();
  return path;
}

// A frame around the turn that the panel shows.
function drawChosen(plot) {
  if (chosen === null) return;
  const { left, top, width, height } = plot.bbox, context = plot.ctx, half = WIDE ? 0.5 : 0.46;
  const from = plot.valToPos(middle(chosen) - half, "x", true), to = plot.valToPos(middle(chosen) + half, "x", true);
  if (to < left || from > left + width) return;
  context.save();
  context.strokeStyle = colors.ink;
  context.lineWidth = 2 * devicePixelRatio;
  context.strokeRect(Math.max(left, from), top, Math.max(2, to - from), height);
  context.restore();
}

function drawMarks(plot) {
  const pixel = devicePixelRatio, { left, top, width, height } = plot.bbox, context = plot.ctx;
  const drawn = new Set(), faint = marked.length > 60 ? 0.22 : 0.55;
  context.save();
  context.beginPath();
  context.rect(left - 4 * pixel, 0, width + 8 * pixel, top + height);
  context.clip();
  for (const turn of marked) {
    for (const event of eventsAt.get(turn)) {
      const x = Math.round(plot.valToPos(middle(turn), "x", true));
      if (x < left - 4 || x > left + width + 4 || drawn.has(event.kind + x)) continue;
      drawn.add(event.kind + x);
      context.strokeStyle = context.fillStyle = colors[event.kind];
      context.lineWidth = pixel;
      context.globalAlpha = faint;
      context.setLineDash([3 * pixel, 3 * pixel]);
      context.beginPath();
      context.moveTo(x, top);
      context.lineTo(x, top + height);
      context.stroke();
      context.globalAlpha = 1;
      context.fill(shapeOf(event.kind, x, top - 8 * pixel, 4.5 * pixel));
    }
  }
  context.restore();
}

function axes(chart) {
  const narrow = innerWidth <= 720;
  const common = {
    stroke: () => colors.quiet, font: "12px system-ui, sans-serif", grid: { stroke: () => colors.grid, width: 1 },
    ticks: { show: false },
  };
  const turnOf = (value) => {
    const turn = Math.floor(value);
    return turn < 1 || turn > count ? "" : whole(severalRuns ? turn : turns.number[turn - 1]);
  };
  const splits = (plot, axis, low, high, step) => {
    const made = [];
    for (let turn = Math.ceil(low / step) * step; turn <= high; turn += step) made.push(turn + middle(0) - 1);
    return made;
  };
  const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 50000];
  return [
    { ...common, grid: { show: false }, space: 60, incrs: steps, splits, values: (_, at) => at.map(turnOf), size: 24, gap: 3 },
    { ...common, values: (_, splits) => splits.map(chart.write), size: narrow ? 46 : 64, space: 44, gap: 4 },
  ];
}

function seriesOf(chart) {
  const bars = WIDE ? uPlot.paths.stepped({ align: 1 }) : uPlot.paths.bars({ size: [0.82, 60] });
  const made = chart.series.map(([key, name]) => {
    const color = () => colors[key];
    if (chart.stacked) return { label: name, fill: color, width: 0, paths: bars, points: { show: false } };
    return { label: name, stroke: color, width: 2, dash: key === "bound" ? [6, 4] : [], points: { show: false } };
  });
  return [{}, ...(chart.stacked ? made.reverse() : made)];
}

const EMPTY = "Dollars are unknown: a price is missing, or the turns were metered in different ways.";

function draw(id) {
  const chart = CHARTS[id], box = byId(id), from = chart.from();
  const hidden = chart.hidden = chart.hidden || new Set();
  chart.every = chart.every || chart.series;
  chart.series = chart.every.filter(([key]) => from && from[key]);
  box.replaceChildren();
  if (!count || !from) {
    document.querySelector(`[data-for="${id}"]`).replaceChildren();
    return box.replaceChildren(make("p", { class: "quiet" }, count ? EMPTY : "Nothing has been sent yet."));
  }
  const plot = new uPlot({
    width: box.clientWidth || 600, height: HEIGHT, padding: [chart.marks ? 20 : 8, 24, 0, 0], legend: { show: false },
    scales: { x: { time: false, range: (_, low, high) => view || ends() }, y: { range: (_, low, high) => [0, (high || 1) * 1.05] } },
    series: seriesOf(chart), axes: axes(chart),
    cursor: {
      sync: { key: "turns", scales: ["x", null] }, drag: { x: true, y: false, dist: 8, setScale: false }, y: false,
      bind: { dblclick: () => null }, points: { show: false },
    },
    hooks: {
      draw: chart.marks ? [drawMarks, drawChosen] : [drawChosen],
      setCursor: [(self) => pointed(self, id)],
      setSelect: [(self) => { if (self.select.width > 0) zoom(self.posToVal(self.select.left, "x"), self.posToVal(self.select.left + self.select.width, "x")); }],
    },
  }, columns(chart, hidden), box);
  plots[id] = plot;
  box.addEventListener("mousemove", () => { active = id; }, true);  // before the plot's own listener
  plot.over.addEventListener("mouseleave", hideTip);
  plot.over.addEventListener("click", () => clicked(plot));
  plot.over.addEventListener("dblclick", () => zoom(...ends()));
  const watch = new ResizeObserver(() => { if (box.clientWidth) plot.setSize({ width: box.clientWidth, height: HEIGHT }); });
  watch.observe(box);
  watched.push(watch);
  drawLegend(id, hidden);
  return plot;
}

function drawCharts() {
  for (const watch of watched) watch.disconnect();
  for (const plot of Object.values(plots)) plot.destroy();
  watched = [];
  plots = {};
  WIDE = count > 150;
  Object.keys(CHARTS).forEach(draw);
}

function drawLegend(id, hidden) {
  const chart = CHARTS[id], plot = plots[id], box = document.querySelector(`[data-for="${id}"]`);
  box.replaceChildren();
  for (const [key, name] of chart.series) {
    const button = make("button", { type: "button", "aria-pressed": String(!hidden.has(key)), "data-key": key }, swatch(key), name);
    button.addEventListener("click", () => {
      hidden.has(key) ? hidden.delete(key) : hidden.add(key);
      button.setAttribute("aria-pressed", String(!hidden.has(key)));
      if (chart.stacked) plot.setData(columns(chart, hidden), false);
      else plot.setSeries(chart.series.findIndex(([one]) => one === key) + 1, { show: !hidden.has(key) });
      zoom(...(view || ends()));
    });
    box.append(button);
  }
  if (!chart.marks) return;
  const kinds = Object.keys(KINDS).filter((kind) => data.events.some((event) => event.kind === kind));
  box.append(...kinds.map((kind) => make("span", { class: "key quiet" }, swatch(kind, true), KINDS[kind])));
}

// Show the turns from `low` to `high`, in all charts.
function zoom(low, high) {
  const [first, last] = ends();
  const span = Math.min(last - first, Math.max(high - low, Math.min(5, last - first)));
  const start = Math.min(Math.max(first, (low + high - span) / 2), last - span);
  view = [start, start + span];
  for (const plot of Object.values(plots)) {
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    plot.setScale("x", { min: start, max: start + span });
  }
  showRange();
}

function showRange() {
  if (!count) return;
  const [min, max] = view || ends();
  const low = Math.max(1, WIDE ? Math.floor(min) : Math.ceil(min)), high = Math.min(count, WIDE ? Math.ceil(max) - 1 : Math.floor(max));
  const all = low === 1 && high === count;
  const range = document.getElementById("range");
  range.textContent = all ? `All ${whole(count)} turns` : `Turns ${whole(low)} to ${whole(high)} of ${whole(count)}`;
  range.dataset.low = low;
  range.dataset.high = high;
}

const MOVES = {
  earlier: (low, high) => [low - 0.5 * (high - low), high - 0.5 * (high - low)],
  later: (low, high) => [low + 0.5 * (high - low), high + 0.5 * (high - low)],
  in: (low, high) => [low + 0.25 * (high - low), high - 0.25 * (high - low)],
  out: (low, high) => [low - 0.5 * (high - low), high + 0.5 * (high - low)],
  all: () => ends(),
};
