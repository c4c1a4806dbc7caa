// The tables: by agent, by purpose, and where the cache was lost.

const PAGE = 50;
const COLUMNS = [
  ["Requests", (sum) => whole(sum.requests), "spare"],
  ["Input", (sum) => (sum.input_tokens === null ? UNKNOWN : short(sum.input_tokens)), "spare"],
  ["Output", (sum) => (sum.output_tokens === null ? UNKNOWN : short(sum.output_tokens)), "spare"],
  ["In : out", (sum) => ratio(sum.ratio), ""],
  ["Hit rate", (sum) => bar(sum.hit_rate), ""],
  ["Again", (sum) => percent(sum.redo_share), "spare"],
  ["Cost", (sum) => dollars(sum.cost_usd), ""],
];

function bar(value) {
  if (value === null) return UNKNOWN;
  const fill = make("i");
  fill.style.width = percent(Math.min(1, value));
  return make("span", { class: "share" }, fill, make("span", null, percent(value)));
}

function drawGroups(id, name, sums) {
  const head = make("tr", null, make("th", null, name), ...COLUMNS.map(([title, , kind]) => make("th", { class: "number " + kind }, title)));
  const bases = new Set(sums.map((sum) => sum.basis));
  const rows = sums.map((sum) => make("tr", null,
    make("td", null, sum[name.toLowerCase()] + (bases.size > 1 && sum.basis ? ` (${sum.basis})` : "")),
    ...COLUMNS.map(([, cell, kind]) => make("td", { class: "number " + kind }, cell(sum)))));
  byId(id).replaceChildren(make("table", null, make("thead", null, head), make("tbody", null, ...rows)));
}

const ANSWERS = [
  ["Lookups", (sum) => whole(sum.lookups), "spare"],
  ["Exact", (sum) => whole(sum.hits.exact), ""],
  ["By meaning", (sum) => whole(sum.hits.semantic), ""],
  ["Excluded", (sum) => whole(sum.excluded), "spare"],
  ["Hit rate", (sum) => bar(sum.hit_rate), ""],
  ["Audited", (sum) => whole(sum.audited), "spare"],
  ["Wrong per hit", (sum) => percent(sum.wrong_per_hit), ""],
];

// What the answer cache saved, and how often it was wrong; nothing where there is none.
function drawAnswers() {
  byId("answered").hidden = !data.answers;
  if (!data.answers) return;
  const sums = [...Object.entries(data.answers.by_type), ["all", data.answers]];
  const head = make("tr", null, make("th", null, "Query type"), ...ANSWERS.map(([title, , kind]) => make("th", { class: "number " + kind }, title)));
  const rows = sums.map(([name, sum]) => make("tr", null, make("td", null, name),
    ...ANSWERS.map(([, cell, kind]) => make("td", { class: "number " + kind }, cell(sum)))));
  byId("answers").replaceChildren(make("table", null, make("thead", null, head), make("tbody", null, ...rows)));
  byId("answers-said").replaceChildren(...data.answers.said.map((said) => make("li", null, said)));
  drawServed(data.answers.served || []);
}

const age = (seconds) => (seconds < 90 ? `${Math.round(seconds)} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min`
  : seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} d`);
const SERVED = [
  ["When", (hit) => `${dayOf(hit.at)} ${clock(hit.at, true)}`, "spare"],
  ["Similarity", (hit) => (hit.similarity === null ? UNKNOWN : hit.how === "exact" ? "equal" : hit.similarity.toFixed(3)), "number"],
  ["Age", (hit) => age(hit.age), "number"],
  ["Tokens saved", (hit) => whole(hit.tokens), "number"],
  ["Dollars saved", (hit) => dollars(hit.usd), "number"],
];

// Single hits: what was asked beside the kept question that answered it.
function drawServed(served) {
  byId("served-title").hidden = !served.length;
  const head = make("tr", null, make("th", null, "Asked"), make("th", null, "Kept question"), ...SERVED.map(([title, , kind]) => make("th", { class: kind }, title)));
  const rows = served.map((hit) => make("tr", null, make("td", { class: "said" }, hit.asked),
    make("td", { class: "said" }, hit.how === "exact" ? "the same" : hit.kept), ...SERVED.map(([, cell, kind]) => make("td", { class: kind }, cell(hit)))));
  byId("served").replaceChildren(...(served.length ? [make("table", null, make("thead", null, head), make("tbody", null, ...rows))] : []));
}

// Neighbours of one cause in one place are one row, explained by the first of them.
function grouped(events) {
  const groups = [];
  for (const event of events) {
    const last = groups.at(-1), key = [event.kind, event.cause, (event.place || "").split(",")[0]].join();
    const next = last && event.turn === last.last + 1 && nameOf("run", event.turn) === nameOf("run", last.last);
    if (next && last.key === key) {
      last.last = event.turn;
      last.times += 1;
      last.tokens += event.tokens || 0;
      last.usd = last.usd === null || event.usd === null ? null : last.usd + (event.usd || 0);
    } else {
      groups.push({ key, event, first: event.turn, last: event.turn, times: 1, tokens: event.tokens || 0, usd: event.usd ?? (event.cause ? null : 0) });
    }
  }
  return groups;
}

let groups = [];
const filter = { kind: null, shown: PAGE };
let rowsByGroup = new Map();

function rowOf(group) {
  const { event } = group;
  const which = group.times === 1 ? label(group.first) : `${label(group.first)} to ${whole(turns.number[group.last])} (${whole(group.times)} times)`;
  const place = event.place ? make("div", { class: "quiet" }, `${event.place}, against turn ${whole(event.previous)}`) : null;
  const said = event.provider ? make("div", { class: "quiet" }, `The provider says: ${event.provider}`) : null;
  const what = make("td", null, ...[place, diff(event), said].filter(Boolean));
  const row = make("tr", { tabindex: "0", "data-turn": String(group.first) },
    make("td", null, which),
    make("td", null, make("span", { class: "kind" }, swatch(event.kind, true), KINDS[event.kind])),
    make("td", null, causeOf(event)),
    what,
    make("td", { class: "number", "data-name": "Tokens lost:" }, event.kind === "failed" ? "" : whole(group.tokens)),
    make("td", { class: "number", "data-name": "Dollars lost:" }, event.kind === "failed" ? "" : dollars(group.usd)),
    make("td", null, event.said));
  const show = () => { choose(group); go(eventPath(event.at)); };
  row.addEventListener("click", show);
  row.addEventListener("keydown", (key) => { if (key.key === "Enter") { key.stopPropagation(); show(); } });
  return row;
}

function drawEvents() {
  const box = byId("events");
  const kept = groups.filter((group) => !filter.kind || group.event.kind === filter.kind);
  if (!kept.length) return box.replaceChildren(make("p", { class: "quiet" }, "Nothing broke the prefix, and nothing that was cached was lost."));
  const titles = [["Turn"], ["Kind"], ["Cause"], ["What changed"], ["Tokens lost", "number"], ["Dollars lost", "number"], ["What mends it"]];
  const head = make("tr", null, ...titles.map(([title, kind]) => make("th", { class: kind || "" }, title)));
  rowsByGroup = new Map(kept.slice(0, filter.shown).map((group) => [group, rowOf(group)]));
  const table = make("table", null, make("thead", null, head), make("tbody", null, ...rowsByGroup.values()));
  box.replaceChildren(make("div", { class: "scroll" }, table));
  const left = kept.length - filter.shown;
  if (left > 0) {
    const more = make("button", { type: "button", class: "more" }, `Show ${whole(Math.min(PAGE, left))} more of ${whole(left)}`);
    more.addEventListener("click", () => { filter.shown += PAGE; drawEvents(); });
    box.append(more);
  }
  return table;
}

function drawKinds() {
  const counts = new Map();
  byId("kinds").replaceChildren();
  for (const event of data.events) counts.set(event.kind, (counts.get(event.kind) || 0) + 1);
  if (counts.size < 2) return;
  const buttons = [[null, "All", data.events.length], ...Object.entries(KINDS).filter(([kind]) => counts.has(kind)).map(([kind, name]) => [kind, name, counts.get(kind)])];
  for (const [kind, name, times] of buttons) {
    const button = make("button", { type: "button", "aria-pressed": String(kind === null), "data-kind": kind || "all" },
      kind ? swatch(kind, true) : "", `${name} ${whole(times)}`);
    button.addEventListener("click", () => {
      filter.kind = kind;
      filter.shown = PAGE;
      for (const other of button.parentNode.children) other.setAttribute("aria-pressed", String(other === button));
      drawEvents();
    });
    byId("kinds").append(button);
  }
}

// Mark a group's row, and show its turns in the charts.
function choose(group) {
  if (!rowsByGroup.has(group)) {
    filter.kind = null;
    filter.shown = Math.max(filter.shown, PAGE * Math.ceil((groups.indexOf(group) + 1) / PAGE));
    for (const button of byId("kinds").children) button.setAttribute("aria-pressed", String(button.dataset.kind === "all"));
    drawEvents();
  }
  for (const [one, row] of rowsByGroup) row.classList.toggle("chosen", one === group);
  const margin = Math.max(10, group.last - group.first);
  zoom(middle(group.first) - 0.5 - margin, middle(group.last) + 0.5 + margin);
}
