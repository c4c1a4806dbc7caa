// Agents beside each other: a line for each, a block for each request, at the time when it was sent.

const IDLE = 600, GAP = 0.02;  // seconds from which a pause is shortened, and its width then
const SVG = "http://www.w3.org/2000/svg";

// Where a moment stands, from 0 to 1, with idle times shortened.
function timeline() {
  const busy = [];
  const spans = turns.at.map((at, turn) => [at, at + turns.seconds[turn]]).filter(([at]) => at).sort((one, other) => one[0] - other[0]);
  for (const [from, to] of spans) {
    const last = busy.at(-1);
    if (last && from - last[1] < IDLE) last[1] = Math.max(last[1], to); else busy.push([from, to]);
  }
  const idle = Math.min(0.5, GAP * (busy.length - 1)), all = busy.reduce((sum, [from, to]) => sum + (to - from), 0) || 1;
  let done = 0;
  const starts = busy.map(([from, to]) => { const start = done; done += to - from; return start; });
  const step = busy.length > 1 ? idle / (busy.length - 1) : 0;
  return (at) => {
    let low = 0, high = busy.length - 1;
    while (low < high) { const half = (low + high + 1) >> 1; if (busy[half][0] <= at) low = half; else high = half - 1; }
    if (!busy.length) return 0;
    const inside = Math.min(Math.max(0, at - busy[low][0]), busy[low][1] - busy[low][0]);
    return (1 - idle) * ((starts[low] + inside) / all) + low * step;
  };
}

function drawLanes() {
  const box = byId("lanes"), names = turns.run.names;
  byId("lanes-box").hidden = names.length < 2;
  if (names.length < 2) return box.replaceChildren();
  const placed = timeline(), lanes = names.map(() => []);
  turns.run.place.forEach((run, turn) => lanes[run].push(turn));
  return box.replaceChildren(...lanes.map((own, run) => lane(names[run], own, placed)));
}

function lane(name, own, placed) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", "0 0 1000 20");
  drawing.setAttribute("preserveAspectRatio", "none");
  drawing.setAttribute("role", "img");
  drawing.setAttribute("aria-label", `${several(own.length, "request")} of ${name}`);
  for (const turn of own) {
    const from = 1000 * placed(turns.at[turn]), to = 1000 * placed(turns.at[turn] + turns.seconds[turn]);
    const one = document.createElementNS(SVG, "rect");
    const kind = turns.again[turn] > 0.2 * inputOf(turn) ? "again" : "read";
    for (const [key, value] of Object.entries({ x: from.toFixed(2), y: 2, width: Math.max(2.2, to - from - 0.6).toFixed(2), height: 16, class: `lane-${kind}` })) one.setAttribute(key, value);
    one.addEventListener("click", () => go(turnPath(turn)));
    drawing.append(one);
  }
  const tokens = own.reduce((sum, turn) => sum + inputOf(turn), 0), shown = name.replace(/^.*\/(?=agent-)/, "");
  return make("div", { class: "lane" }, make("a", { href: turnPath(own[0]), class: "name", title: name }, shown), drawing,
    make("span", { class: "number" }, `${whole(own.length)} × ${short(Math.round(tokens / own.length))}`));
}
