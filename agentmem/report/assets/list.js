// The list of sessions: totals, a chart by day, filters, and rows of which only those in sight are elements.

const PERIODS = [["", "All time"], ["1", "Today"], ["7", "7 days"], ["30", "30 days"], ["90", "90 days"]];
const METRICS = {
  tokens: { series: [["read", "Read from the cache"], ["new", "Processed, new"], ["again", "Processed again"]], write: short },
  usd: { series: [["usd", "Dollars", "cost"]], write: (value) => "$" + value.toLocaleString("en-US", { maximumFractionDigits: 2 }) },
};
const SIZES = { wide: { day: 40, session: 56 }, narrow: { day: 40, session: 84 } };

const list = { all: null, shown: [], items: [], tops: [], chosen: -1, metric: "tokens", plot: null, titles: new Map(), asking: new Set(), drawn: "" };

const filters = () => Object.fromEntries(new URLSearchParams(location.hash.split("?")[1] || ""));

function setFilter(name, value) {
  const now = new URLSearchParams(location.hash.split("?")[1] || "");
  if (value) now.set(name, value); else now.delete(name);
  history.replaceState(null, "", `#/${now.size ? "?" + now : ""}`);
  drawList();
}

async function loadList() {
  list.all = await sessionList();
  list.drawn = "";
}

const titleOf = (at) => list.titles.get(list.all.sessions.id[at]) || list.all.sessions.name[at];

function kept() {
  const { sessions, days } = list.all, by = filters(), words = (by.name || "").toLowerCase();
  const since = by.days ? Date.now() / 1000 - 86400 * (by.days === "1" ? (Date.now() / 1000 - new Date().setHours(0, 0, 0, 0) / 1000) / 86400 : +by.days) : 0;
  const onDay = by.day ? new Set(days.session.filter((_, span) => days.names[days.day[span]] === by.day)) : null;
  const found = [];
  for (let at = 0; at < sessions.id.length; at++) {
    if (by.project && sessions.project[at] !== by.project) continue;
    if (by.model && !sessions.models[at].split(", ").includes(by.model)) continue;
    if (since && sessions.last[at] < since) continue;
    if (onDay && !onDay.has(at) && sessions.day[at] !== by.day) continue;
    if (words && !`${titleOf(at)} ${sessions.name[at]} ${sessions.project[at]}`.toLowerCase().includes(words)) continue;
    found.push(at);
  }
  return found;
}

function drawList() {
  const { sessions } = list.all, by = filters();
  list.shown = kept();
  options("by-project", "All projects", sessions.project, by.project);
  options("by-model", "All models", sessions.models.flatMap((one) => one.split(", ")), by.model);
  byId("by-period").replaceChildren(...PERIODS.map(([value, name]) => make("option", { value, selected: value === (by.days || "") }, name)));
  if (document.activeElement !== byId("by-name")) byId("by-name").value = by.name || "";
  byId("by-none").hidden = !Object.keys(by).length;
  const skipped = list.all.skipped ? `${several(list.all.skipped, "line or file", "lines or files")} passed over` : "";
  const reading = list.all.unread ? `${several(list.all.unread, "file")} still to be read` : "";
  byId("list-about").textContent = [`${several(sessions.id.length, "session")} of ${several(new Set(sessions.project).size, "project")}`, reading, skipped].filter(Boolean).join(" · ");
  byId("list-about").title = list.all.named.map((one) => `${one.path}: ${one.reason}`).join("\n");
  byId("rows-title").textContent = by.day ? dayName(by.day) : "All sessions";
  byId("rows-count").textContent = list.shown.length === sessions.id.length ? "" : `${whole(list.shown.length)} of ${whole(sessions.id.length)}`;
  drawTotals();
  drawDays();
  arrange();
  drawRows(true);
}

function options(id, all, values, chosenOne) {
  const counts = new Map();
  for (const value of values) if (value) counts.set(value, (counts.get(value) || 0) + 1);
  if (chosenOne && !counts.has(chosenOne)) counts.set(chosenOne, 0);
  const sorted = [...counts].sort((one, other) => other[1] - one[1] || (one[0] < other[0] ? -1 : 1));
  byId(id).replaceChildren(make("option", { value: "" }, all), ...sorted.map(([value, times]) => make("option", { value, selected: value === chosenOne }, `${value} (${whole(times)})`)));
}

// What the sessions in the list used on each day; on the day alone that is chosen, if one is.
function sums(every) {
  const { days } = list.all, shown = new Set(list.shown), by = filters(), found = new Map();
  days.session.forEach((session, span) => {
    const day = days.names[days.day[span]];
    if (!shown.has(session) || (!every && by.day && day !== by.day)) return;
    if (!found.has(day)) found.set(day, { read: 0, new: 0, again: 0, output: 0, usd: 0 });
    const one = found.get(day);
    for (const key of Object.keys(one)) one[key] += days[key][span];
  });
  return found;
}

function drawTotals() {
  const all = { read: 0, new: 0, again: 0, output: 0, usd: 0 };
  const found = sums();
  for (const one of found.values()) for (const key of Object.keys(all)) all[key] += one[key];
  const input = all.read + all.new + all.again;
  const unpriced = list.shown.some((at) => list.all.sessions.unpriced[at]);
  const about = list.shown.some((at) => list.all.sessions.estimated[at]) && input ? "≈ " : "";
  const tiles = [[dollars(all.usd), unpriced ? "of what has a known price" : "cost"], [short(input), "tokens in"], [short(all.output), "tokens out"],
    [percent(input ? all.read / input : null), "read from the cache"], [about + percent(input ? all.again / input : null), "processed again"],
    [whole(found.size), found.size === 1 ? "day" : "days"]];
  byId("list-tiles").replaceChildren(...tiles.map(([value, name]) => make("div", { class: "tile" }, make("b", null, value), make("span", null, name))));
}

// Every day from the first to the last, but no more than fit.
function calendar(found) {
  const names = [...found.keys()].filter((day) => day !== UNKNOWN).sort();
  if (!names.length) return [];
  const days = [], last = new Date(`${names.at(-1)}T12:00`);
  for (const at = new Date(`${names[0]}T12:00`); at <= last; at.setDate(at.getDate() + 1)) days.push(dayOf(at / 1000));
  return days.length > 400 ? names.slice(-400) : days;
}

function drawDays() {
  const box = byId("days");
  if (list.plot) list.plot.destroy();
  list.plot = null;
  box.replaceChildren();
  const found = list.byDay = sums(true), days = list.days = calendar(found), { series, write } = METRICS[list.metric];
  byId("days-legend").replaceChildren(...series.map(([key, name, color]) => make("span", { class: "key" }, swatch(color || key), name)));
  if (!days.length) return box.replaceChildren(make("p", { class: "quiet" }, "Nothing was sent."));
  let below = days.map(() => 0);
  const stacked = series.map(([key]) => (below = days.map((day, at) => below[at] + (found.get(day) ? found.get(day)[key] : 0))));
  const bars = uPlot.paths.bars({ size: [0.72, 48] });
  const narrow = innerWidth <= 720, common = { stroke: () => colors.quiet, font: "12px system-ui, sans-serif", grid: { stroke: () => colors.grid, width: 1 }, ticks: { show: false } };
  const short_ = (at) => (days[at] ? new Date(`${days[at]}T12:00`).toLocaleDateString("en-GB", { day: "numeric", month: "short" }) : "");
  list.plot = new uPlot({
    width: box.clientWidth || 600, height: 190, padding: [8, 24, 0, 0], legend: { show: false },
    scales: { x: { time: false, range: () => [-0.6, Math.max(days.length, 8) - 0.4] }, y: { range: (_, low, high) => [0, (high || 1) * 1.05] } },
    series: [{}, ...series.map(([key, name, color]) => ({ label: name, fill: () => colors[color || key], width: 0, paths: bars, points: { show: false } })).reverse()],
    axes: [{ ...common, grid: { show: false }, space: 70, incrs: [1, 2, 7, 14, 30, 60, 90], values: (_, at) => at.map((one) => (Number.isInteger(one) ? short_(one) : "")), size: 28 },
      { ...common, values: (_, at) => at.map(write), size: narrow ? 50 : 64, space: 40, gap: 4 }],
    cursor: { drag: { x: false, y: false }, y: false, points: { show: false } },
    hooks: { setCursor: [pointedDay] },
  }, [days.map((_, at) => at), ...stacked.reverse()], box);
  list.plot.over.addEventListener("click", () => { const day = dayAt(list.plot); if (day) setFilter("day", filters().day === day ? "" : day); });
  list.plot.over.addEventListener("mouseleave", hideTip);
}

function dayAt(plot) {
  if (plot.cursor.left === undefined || plot.cursor.left < 0) return null;
  const day = list.days[Math.round(plot.posToVal(plot.cursor.left, "x"))];
  return list.byDay.has(day) ? day : null;
}

function pointedDay(plot) {
  const day = dayAt(plot);
  if (!day) { tip.hidden = true; return; }
  const one = list.byDay.get(day), lines = [["read", "Read from the cache"], ["new", "Processed, new"], ["again", "Processed again"]];
  tip.replaceChildren(make("b", null, dayName(day)), make("dl", null,
    lines.map(([key, name]) => [make("dt", null, swatch(key), name), make("dd", null, whole(one[key]))]),
    make("dt", null, "Output"), make("dd", null, whole(one.output)), make("dt", null, "Dollars"), make("dd", null, dollars(one.usd))));
  placeTip(plot);
}

// Days and sessions in one column; where each begins.
function arrange() {
  const { sessions } = list.all, size = SIZES[innerWidth <= 720 ? "narrow" : "wide"];
  list.items = [];
  let day = null;
  for (const at of list.shown) {
    if (sessions.day[at] !== day) list.items.push({ day: (day = sessions.day[at]), from: at });
    list.items.push({ session: at });
  }
  let top = 0;
  list.tops = list.items.map((item) => { const here = top; top += item.day !== undefined ? size.day : size.session; return here; });
  byId("rows").style.height = `${top}px`;
  list.chosen = Math.min(list.chosen, list.shown.length - 1);
}

function drawRows(anew) {
  const box = byId("rows"), { top } = box.getBoundingClientRect(), tops = list.tops;
  const place = (y) => { let low = 0, high = tops.length; while (low < high) { const half = (low + high) >> 1; if (tops[half] <= y) low = half + 1; else high = half; } return low; };
  const from = Math.max(0, place(-top - 200) - 1), to = Math.min(tops.length, place(innerHeight - top + 300));
  const key = `${from},${to},${list.chosen}`;
  if (!anew && key === list.drawn) return;
  list.drawn = key;
  const focused = box.contains(document.activeElement) ? document.activeElement.closest("[data-item]")?.dataset.item : null;
  if (!list.items.length) box.replaceChildren(make("p", { class: "quiet empty" }, list.all.sessions.id.length ? "No session fits these filters." : emptyList()));
  else box.replaceChildren(...list.items.slice(from, to).map((item, at) => rowAt(item, from + at)));
  if (focused) box.querySelector(`[data-item="${focused}"] a`)?.focus({ preventScroll: true });
  askTitles(list.items.slice(from, to).filter((item) => item.session !== undefined).map((item) => list.all.sessions.id[item.session]));
}

const emptyList = () => (list.all.unread || !list.all.ready ? "The logs are being read …" : "No session was found. Name a file or a folder of logs, as in: agentmem ui ~/.claude/projects");

function rowAt(item, at) {
  const made = item.day !== undefined ? dayRow(item.day) : sessionRow(item.session);
  made.style.top = `${list.tops[at]}px`;
  made.dataset.item = at;
  return made;
}

function dayRow(day) {
  const one = list.byDay.get(day);
  return make("div", { class: "row day", role: "listitem" }, make("span", null, dayName(day)), make("span", { class: "number" }, one ? dollars(one.usd) : ""));
}

function sessionRow(at) {
  const { sessions } = list.all, id = sessions.id[at];
  const input = sessions.read[at] + sessions.new[at] + sessions.again[at], known_ = sessions.basis[at] !== "estimated";
  const about = [sessions.project[at], sessions.models[at], sessions.agents[at] > 1 ? several(sessions.agents[at], "agent") : "", sessions.basis[at] === "measured" ? "" : sessions.basis[at]];
  const made = make("div", { class: "row session", role: "listitem", "data-id": id },
    make("span", { class: "when" }, clock(sessions.last[at])),
    make("span", { class: "title" }, make("a", { href: `#/s/${id}`, title: titleOf(at) }, titleOf(at)), make("span", { class: "quiet" }, about.filter(Boolean).join(" · "))),
    cell("Turns", whole(sessions.requests[at])), cell("Input", short(input)), cell("Output", short(sessions.output[at])),
    cell("Hit rate", bar(known_ && input ? sessions.read[at] / input : null)), cell("Again", (known_ && input && sessions.estimated[at] ? "≈ " : "") + percent(known_ && input ? sessions.again[at] / input : null)),
    cell("Cost", dollars(sessions.usd[at]) + (sessions.usd[at] !== null && sessions.unpriced[at] ? " +" : "")));
  if (list.shown[list.chosen] === at) made.classList.add("chosen");
  made.addEventListener("click", (click) => { if (!click.target.closest("a")) go(`#/s/${id}`); });
  return made;
}

const cell = (name, value) => make("span", { class: "number", "data-name": name }, value === UNKNOWN ? make("span", { class: "quiet" }, "–") : value);

function drawRowsHead() {
  byId("rows-head").replaceChildren(make("span", null, "Last"), make("span", null, "Session"), ...["Turns", "Input", "Output", "Hit rate", "Again", "Cost"].map((name) => make("span", { class: "number" }, name)));
}

async function askTitles(ids) {
  const missing = ids.filter((id) => !list.titles.has(id) && !list.asking.has(id));
  if (!missing.length) return;
  missing.forEach((id) => list.asking.add(id));
  try {
    for (const [id, words] of Object.entries(await titlesOf(missing))) list.titles.set(id, words);
    for (const row of byId("rows").querySelectorAll(".session")) {
      const link = row.querySelector("a"), words = list.titles.get(row.dataset.id);
      if (words && link.textContent !== words) link.textContent = link.title = words;
    }
  } catch { /* names stay as they are */ } finally {
    missing.forEach((id) => list.asking.delete(id));
  }
}

// Filtering by words needs the titles of all; they come in pieces.
async function filterByName(words) {
  setFilter("name", words);
  const missing = list.all.sessions.id.filter((id) => !list.titles.has(id));
  for (let at = 0; words && at < missing.length; at += 100) {
    await askTitles(missing.slice(at, at + 100));
    if (byId("by-name").value !== words || location.hash.startsWith("#/s")) return;
    drawList();
  }
}

function moveInList(step) {
  if (!list.shown.length) return;
  list.chosen = Math.min(list.shown.length - 1, Math.max(0, list.chosen + step));
  const at = list.items.findIndex((item) => item.session === list.shown[list.chosen]);
  const box = byId("rows").getBoundingClientRect(), y = box.top + list.tops[at], size = SIZES[innerWidth <= 720 ? "narrow" : "wide"].session;
  if (y < 130) scrollBy({ top: y - 130, behavior: "instant" });
  if (y + size > innerHeight - 20) scrollBy({ top: y + size - innerHeight + 20, behavior: "instant" });
  drawRows(true);
  byId("rows").querySelector(".chosen a")?.focus({ preventScroll: true });
}

function startList() {
  drawRowsHead();
  byId("by-project").addEventListener("change", (one) => setFilter("project", one.target.value));
  byId("by-model").addEventListener("change", (one) => setFilter("model", one.target.value));
  byId("by-period").addEventListener("change", (one) => setFilter("days", one.target.value));
  byId("by-name").addEventListener("input", (one) => filterByName(one.target.value));
  byId("by-none").addEventListener("click", () => { history.replaceState(null, "", "#/"); drawList(); });
  for (const button of document.querySelectorAll("[data-metric]")) {
    button.addEventListener("click", () => {
      list.metric = button.dataset.metric;
      for (const other of document.querySelectorAll("[data-metric]")) other.setAttribute("aria-pressed", String(other === button));
      drawDays();
    });
  }
  addEventListener("scroll", () => { if (!byId("view-list").hidden) drawRows(false); }, { passive: true });
  new ResizeObserver(() => {
    if (byId("view-list").hidden || !list.all) return;
    if (list.plot) list.plot.setSize({ width: byId("days").clientWidth, height: 190 });
    arrange();
    drawRows(true);
  }).observe(byId("rows-head").parentNode);
}
