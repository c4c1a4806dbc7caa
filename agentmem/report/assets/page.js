// The page as a whole: the numbers on top, the cursor's tip, and what the buttons do.

const tip = document.getElementById("tip");
let active = null;

const TILES = [
  [() => dollars(data.cost_usd), () => "cost" + (data.cost_basis === "estimated" ? ", estimated" : "")],
  [() => dollars(data.cost_uncached_usd), () => "without a cache"],
  [() => dollars(data.money && data.money.bound ? data.money.bound.at(-1) ?? 0 : null), () => "lower bound"],
  [() => percent(data.hit_rate), () => "read from the cache"],
  [() => ratio(data.ratio), () => "input : output"],
  [() => percent(data.redo_share), () => "processed again"],
  [() => whole(data.peak_context_tokens), () => "tokens at the peak"],
  [() => `${data.breaks} · ${data.cuts} · ${data.expiries}`, () => "breaks · cuts · expiries"],
];

function unpriced(sum) {
  const missing = sum.unpriced.reduce((count, one) => count + one.requests, 0);
  return missing ? `${whole(missing)} of ${whole(sum.requests - sum.failed)} requests unpriced: ${sum.unpriced.map((one) => one.model).join(", ")}` : "";
}

function drawTop() {
  const days = [turns.at[0], turns.at.at(-1)].filter(Boolean).map((at) => new Date(1000 * at).toISOString().slice(0, 10));
  const about = [`${whole(data.requests)} requests`, turns.model.names.join(", "), [...new Set(days)].join(" to "),
    `tokens are ${data.basis || "of several meters"}`, data.priced_as ? `at the prices of ${data.priced_as}` : "", unpriced(data)];
  document.getElementById("run").textContent = data.run === null ? "All runs" : `Run ${data.run}`;
  document.getElementById("about").textContent = about.filter(Boolean).join(" · ");
  document.getElementById("advice").textContent = data.advice.replaceAll("`", "");
  document.getElementById("tiles").append(...TILES.map(([value, name]) =>
    make("div", { class: "tile" }, make("b", null, value()), make("span", null, name()))));
}

function why(event) {
  const title = [KINDS[event.kind], causeOf(event), event.place].filter(Boolean).join(" · ");
  return make("div", { class: "why" }, make("div", { class: "kind" }, swatch(event.kind, true), make("b", null, title)),
    ...[diff(event), lost(event) && make("div", null, lost(event)), make("div", { class: "quiet" }, event.said)].filter(Boolean));
}

function tipOf(turn, id) {
  const chart = CHARTS[id], about = [nameOf("agent", turn), `to ${nameOf("purpose", turn)}`];
  const lines = [...chart.series].reverse().concat(chart.also || []).map(([key, name]) => [
    make("dt", null, chart.also && chart.also.some(([one]) => one === key) ? "" : swatch(key), name), make("dd", null, chart.exact(chart.from[key][turn]))]);
  return [make("b", null, label(turn)), make("span", { class: "quiet" }, " · " + about.join(" ")),
    make("dl", null, ...lines.flat()), ...(eventsAt.get(turn) || []).slice(0, 3).map(why)];
}

function hideTip() {
  active = null;
  tip.hidden = true;
}

// The cursor of a chart moved; the other charts' cursors only follow.
function pointed(plot, id) {
  if (id !== active) return;
  const { left, top } = plot.cursor, turn = pointedAt(plot);
  if (turn === null) { tip.hidden = true; return; }
  tip.replaceChildren(...tipOf(turn, id));
  tip.hidden = false;
  const over = plot.over.getBoundingClientRect(), x = over.left + left, y = over.top + top;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${x + 18 + width < innerWidth ? x + 18 : Math.max(8, x - width - 18)}px`;
  tip.style.top = `${Math.max(8, Math.min(y - 20, innerHeight - height - 8))}px`;
}

function clicked(plot) {
  const turn = pointedAt(plot);
  const group = groups.find((one) => one.first <= turn && turn <= one.last && eventsAt.has(turn));
  if (group) { hideTip(); choose(group, true); }
}

function start() {
  readColors();
  drawTop();
  drawGroups("agents", "Agent", data.by_agent);
  drawGroups("purposes", "Purpose", data.by_purpose);
  drawAnswers();
  drawKinds();
  drawEvents();
  document.getElementById("warehouse").hidden = !data.tiers;
  Object.keys(CHARTS).forEach(draw);
  showRange();
  for (const button of document.querySelectorAll("[data-move]")) {
    button.addEventListener("click", () => {
      if (count) zoom(...MOVES[button.dataset.move](...(view || ends())));
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    readColors();
    for (const plot of Object.values(plots)) plot.redraw(false);
  });
  addEventListener("scroll", hideTip, { passive: true });
}

start();
