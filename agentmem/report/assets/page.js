// The page as a whole: which view an address shows, the numbers on top, the cursor's tip, keys, and what changes.

const tip = byId("tip");
let active = null;
let shownId = null, asked = 0;

const turnPath = (turn) => `#/s/${shownId}/turn/${turn + 1}`;
const eventPath = (at) => `#/s/${shownId}/event/${at + 1}`;
const go = (hash) => { location.hash = hash; };

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
  const words = list.titles.get(data.id), run = data.run === null ? "All runs" : `Run ${data.run}`;
  byId("run").textContent = words || run;
  byId("about").textContent = [words ? data.run : "", ...about].filter(Boolean).join(" · ");
  byId("advice").textContent = data.advice.replaceAll("`", "");
  byId("tiles").replaceChildren(...TILES.map(([value, name]) =>
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
    make("dt", null, chart.also && chart.also.some(([one]) => one === key) ? "" : swatch(key), name), make("dd", null, chart.exact(chart.from()[key][turn]))]);
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
  const turn = pointedAt(plot);
  if (turn === null) { tip.hidden = true; return; }
  tip.replaceChildren(...tipOf(turn, id));
  placeTip(plot);
}

function placeTip(plot) {
  const { left, top } = plot.cursor;
  tip.hidden = false;
  const over = plot.over.getBoundingClientRect(), x = over.left + left, y = over.top + top;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${x + 18 + width < innerWidth ? x + 18 : Math.max(8, x - width - 18)}px`;
  tip.style.top = `${Math.max(8, Math.min(y - 20, innerHeight - height - 8))}px`;
}

function clicked(plot) {
  const turn = pointedAt(plot);
  if (turn === null) return;
  hideTip();
  go(turnPath(turn));
}

// `again`: the same session, which grew: the turns in sight stay in sight.
function drawSession(found, again) {
  const all = !view || (view[0] === ends()[0] && view[1] === ends()[1]);
  const kept = again && !all ? view : null;
  take(found);
  view = kept;
  groups = grouped(data.events);
  drawTop();
  drawGroups("agents", "Agent", data.by_agent);
  drawGroups("purposes", "Purpose", data.by_purpose);
  drawAnswers();
  drawKinds();
  drawEvents();
  drawLanes();
  byId("warehouse").hidden = !data.tiers;
  drawCharts();
  showRange();
}

function view_(id) {
  for (const one of document.querySelectorAll("main > section")) one.hidden = one.id !== `view-${id}`;
  document.body.dataset.view = id;
}

function note(title, text) {
  hidePanel();
  byId("note-title").textContent = title;
  byId("note-text").textContent = text;
  view_("note");
}

const LOCKED = ["This page is locked", "Open the address that agentmem ui printed in the terminal: it carries the token that this page needs."];

// Show what the address names. What is at hand is not asked for again.
async function route() {
  const number = ++asked, [path, query] = location.hash.slice(1).split("?"), [, kind, id, what, place] = path.split("/");
  performance.mark("route");
  hideTip();
  try {
    if (!store.live && shownId === null) await routeSession(number, SAVED, "", "", new URLSearchParams());
    if (kind === "search" && id) { hidePanel(); view_("search"); await drawSearch(decodeURIComponent(id)); }
    else if (kind === "s" || !store.live) await routeSession(number, store.live ? id : SAVED, what, place, new URLSearchParams(query || ""));
    else await routeList(number);
  } catch (error) {
    if (number !== asked) return;
    if (error instanceof Refused) note(...LOCKED); else note("This could not be shown", error.message);
  }
}

async function routeList(number) {
  hidePanel();
  if (!list.all) await loadList();
  if (number !== asked) return;
  shownId = null;
  document.title = "agentmem: sessions";
  view_("list");
  drawList();
  performance.measure("list drawn", "route");
  scrollTo(0, list.scroll || 0);
}

async function routeSession(number, id, what, place, query) {
  if (shownId !== id) {
    hidePanel();
    const found = await sessionOf(id, what === "turn" || what === "event");
    if (number !== asked) return;
    if (!byId("view-list").hidden) list.scroll = scrollY;
    shownId = id;
    forget(id);
    filter.kind = null;
    const rest = found.partial ? grownSession(id, null) : null;  // the server reads while this draws
    if (rest) rest.catch(() => {});
    if (store.live) askTitles([id]).then(() => { if (shownId === id) drawTop(); }, () => {});
    view_("session");
    drawSession(found, false);
    document.title = `agentmem: ${data.run || "all runs"}`;
    performance.measure(found.partial ? "session first drawn" : "session drawn", "route");
    scrollTo(0, 0);
    if (what && innerWidth > 1100) byId("cache").closest("article").scrollIntoView({ block: "center", behavior: "instant" });
    if (rest) complete(id, rest);
  }
  if (byId("view-session").hidden) view_("session");
  showPlace(what, place, query);
}

function showPlace(what, place, query) {
  const at = Number(place) - 1;
  if ((what === "turn" && at >= 0 && at < count) || (what === "event" && at >= 0 && at < data.events.length)) {
    show(what, at, true);
    performance.measure("panel drawn", "route");
    if (query.get("block")) showBlock(query.get("block"));
  } else hidePanel();
}

// The numbers are there; parts, texts and causes come when the log was read.
async function complete(id, rest) {
  await refreshSession(id, rest);
  performance.measure("session drawn", "route");
}

async function refreshSession(id, rest) {
  const found = await (rest || grownSession(id, data));
  if (shownId !== id) return;
  const open = panel.kind && [panel.kind, panel.at], last = open && open[0] === "turn" && open[1] === count - 1 && count > 0;
  forget(id);
  drawSession(found, true);
  if (!open) return;
  if (last && count - 1 > open[1] && document.activeElement === document.body) go(turnPath(count - 1)); else if (open[0] === "turn" && !byId("panel-body").querySelector(".block")) show(...open, false);
}

// Something grew: the list is asked for again at most once a second, the session in sight at once.
let waiting = null;
async function heard(changed) {
  if (shownId && changed.sessions.includes(shownId)) await refreshSession(shownId).catch(() => {});
  if (waiting) return;
  waiting = setTimeout(async () => {
    waiting = null;
    try { await loadList(); } catch { return; }
    if (!byId("view-list").hidden) drawList();
  }, list.all && list.all.ready ? 400 : 150);
}

const STATES = { live: "live", gone: "not connected", locked: "locked" };
function told(state) {
  byId("state").hidden = false;
  byId("state").className = `quiet state-${state}`;
  byId("state").textContent = STATES[state];
}

function step(by) {
  if (!byId("view-list").hidden) return moveInList(by);
  if (!byId("view-search").hidden) return moveInSearch(by);
  if (!count) return null;
  if (panel.kind === "event") return go(eventPath(Math.min(data.events.length - 1, Math.max(0, panel.at + by))));
  const from = panel.kind === "turn" ? panel.at + by : by > 0 ? 0 : count - 1;
  return go(turnPath(Math.min(count - 1, Math.max(0, from))));
}

function stepEvent(by) {
  if (byId("view-session").hidden || !data.events.length) return;
  const turn = chosen === null ? -1 : chosen;
  const next = panel.kind === "event" ? panel.at + by : by > 0 ? data.events.findIndex((one) => one.turn >= turn) : data.events.findLastIndex((one) => one.turn < turn);
  if (next >= 0 && next < data.events.length) go(eventPath(next));
}

function back() {
  if (byId("help").open) return byId("help").close();
  if (document.activeElement && document.activeElement.matches("input, select")) return document.activeElement.blur();
  if (panel.kind) return go(store.live ? `#/s/${shownId}` : "#/");
  if (!byId("view-search").hidden) return go(shownId ? `#/s/${shownId}` : "#/");
  if (store.live && byId("view-list").hidden) return go("#/");
  return null;
}

const KEYS = {
  j: () => step(1), k: () => step(-1), n: () => stepEvent(1), p: () => stepEvent(-1), "?": () => byId("help").showModal(),
  "/": () => { byId("words").focus(); byId("words").select(); }, Escape: back,
  Enter: () => { const link = byId("rows").querySelector(".chosen a"); if (link && !byId("view-list").hidden) go(link.getAttribute("href")); },
};

function pressed(key) {
  if (key.ctrlKey || key.metaKey || key.altKey || !KEYS[key.key]) return;
  const typing = key.target.matches("input, select, textarea");
  if (typing && key.key !== "Escape") return;
  if (key.key === "Enter" && key.target.matches("a, button, summary, tr")) return;
  if (byId("help").open && key.key !== "Escape") return;
  key.preventDefault();
  KEYS[key.key]();
}

function startSession() {
  for (const button of document.querySelectorAll("[data-move]")) {
    button.addEventListener("click", () => { if (count) zoom(...MOVES[button.dataset.move](...(view || ends()))); });
  }
  byId("panel-close").addEventListener("click", back);
  byId("panel-before").addEventListener("click", () => step(-1));
  byId("panel-after").addEventListener("click", () => step(1));
}

function start() {
  takeToken();
  readColors();
  startSession();
  startList();
  byId("find").addEventListener("submit", (one) => { one.preventDefault(); byId("words").blur(); if (byId("words").value.trim()) go(`#/search/${encodeURIComponent(byId("words").value.trim())}`); });
  byId("help-open").addEventListener("click", () => byId("help").showModal());
  byId("help-close").addEventListener("click", () => byId("help").close());
  addEventListener("keydown", pressed);
  addEventListener("hashchange", route);
  addEventListener("scroll", hideTip, { passive: true });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    readColors();
    for (const plot of [...Object.values(plots), list.plot].filter(Boolean)) plot.redraw(false);
  });
  if (!store.live) byId("home").removeAttribute("href");
  route();
  if (store.live) follow(heard, told);
}

start();
