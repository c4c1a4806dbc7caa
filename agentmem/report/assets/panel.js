// The panel beside the charts: the messages of a turn, what changed at a break, a compaction before and after.

const FIRST = 12, AROUND = 4, MORE = 300;  // blocks that are open, that are shown before the boundary, that a click adds
const LARGEST = 10;

const panel = { kind: null, at: null, asked: 0 };

// The numbers of the blocks that a turn sent, and of its reply.
function sentBy(turn) {
  const blocks = data.blocks;
  if (!blocks || blocks.list[turn] < 0) return null;
  const list = blocks.lists[blocks.list[turn]], end = blocks.length[turn];
  return { sent: [...blocks.heads[blocks.head[turn]], ...list.slice(0, end)], reply: list.slice(end, end + blocks.reply[turn]) };
}

const sumOf = (numbers) => numbers.reduce((sum, number) => sum + data.blocks.tokens[number], 0);

// Where what the cache served ends: the place in the blocks, and how much of the block there if it ends inside one.
function boundaryOf(turn, sent) {
  const scale = inputOf(turn) / (sumOf(sent) || 1), cached = turns.read[turn];
  let at = 0, sum = 0;
  while (at < sent.length && sum + data.blocks.tokens[sent[at]] * scale <= cached + 0.5) sum += data.blocks.tokens[sent[at++]] * scale;
  const next = at < sent.length ? data.blocks.tokens[sent[at]] * scale : 0, inside = cached - sum;
  const near = Math.max(64, 0.02 * inputOf(turn));
  if (!next || inside <= near) return { at, share: 0, scale };
  return next - inside <= near ? { at: at + 1, share: 0, scale } : { at, share: inside / next, scale };
}

function sizeOf(tokens, largest) {
  const fill = make("i");
  fill.style.width = percent(Math.min(1, tokens / (largest || 1)));
  return make("span", { class: "size" }, make("span", { class: "gauge", "aria-hidden": "true" }, fill), make("span", null, whole(Math.round(tokens))));
}

function blockOf(number, scale, largest, share) {
  const blocks = data.blocks, [kind, color] = BLOCKS[blocks.kind[number]];
  const text = make("div", { class: "text" });
  const made = make("details", { class: "block", "data-block": String(number) },
    make("summary", null, swatch(color), make("span", { class: "what" }, kind), make("span", { class: "name" }, blocks.name[number]),
      sizeOf(blocks.tokens[number] * scale, largest)), text);
  made.addEventListener("toggle", () => { if (made.open) fill(made, share); });
  return made;
}

async function fill(made, share) {
  const text = made.querySelector(".text");
  if (text.dataset.filled) return;
  text.dataset.filled = "1";
  try {
    const [nodes] = await bodiesOf([+made.dataset.block]);
    const shown = nodes && (share ? withBoundary(nodes, share) : built(nodes));
    text.replaceChildren(...(shown || [make("p", { class: "quiet" }, "The saved page would be too large with this text. The command agentmem ui shows it.")]));
  } catch (error) {
    delete text.dataset.filled;
    text.replaceChildren(make("p", { class: "quiet" }, `It could not be read: ${error.message}`));
  }
}

// A text of which the cache served the beginning, with the boundary drawn in it.
function withBoundary(nodes, share) {
  const line = boundary(`The cache ends about here, ${Math.round(100 * share)}% into this block`);
  const place = Math.round(share * nodes.length);
  if (nodes.length !== 1 || nodes[0][0] !== "pre") return [...built(nodes.slice(0, place)), line, ...built(nodes.slice(place))];
  const [name, language, text] = nodes[0], rough = Math.round(share * text.length), end = text.lastIndexOf("\n", rough) + 1;
  const at = end > rough - 200 ? end : rough;
  return [...built([[name, language, text.slice(0, at)]]), line, ...built([[name, language, text.slice(at)]])];
}

const boundary = (text) => make("div", { class: "boundary", role: "separator", "aria-label": text }, make("span", null, text));

// Some of many blocks, with a button for the others.
function listed(numbers, scale, largest, { shown, last, share }) {
  const box = make("div", { class: "blocks" });
  const part = last ? numbers.slice(-shown) : numbers.slice(0, shown);
  const made = part.map((number, at) => blockOf(number, scale, largest, share && at === 0 ? share : 0));
  box.append(...made);
  let left = numbers.slice(0, numbers.length - part.length);
  if (!last) left = numbers.slice(part.length);
  if (left.length) {
    const more = make("button", { type: "button", class: "more" });
    const say = () => { more.textContent = last ? `Show ${several(Math.min(MORE, left.length), "earlier block")} of ${whole(left.length)}` : `Show ${several(Math.min(MORE, left.length), "more block")} of ${whole(left.length)}`; };
    say();
    more.addEventListener("click", () => {
      const next = last ? left.splice(Math.max(0, left.length - MORE)) : left.splice(0, MORE);
      const added = next.map((number) => blockOf(number, scale, largest, 0));
      if (last) more.after(...added); else more.before(...added);
      if (left.length) say(); else more.remove();
    });
    if (last) box.prepend(more); else box.append(more);
  }
  return { box, made };
}

function stack(parts, scaleTo) {
  const bar = make("div", { class: "stack", "aria-hidden": "true" });
  const sum = scaleTo || parts.reduce((all, [, tokens]) => all + tokens, 0) || 1;
  for (const [color, tokens] of parts) {
    if (!tokens) continue;
    const one = make("i", { color });
    one.style.width = `${(100 * tokens) / sum}%`;
    bar.append(one);
  }
  return bar;
}

function legendOf(parts) {
  return make("div", { class: "legend" }, parts.filter(([, tokens]) => tokens).map(([color, tokens, name]) =>
    make("span", { class: "key" }, swatch(color), make("b", null, whole(Math.round(tokens))), ` ${name}`)));
}

function turnView(turn) {
  const at = turns.at[turn] ? `${dayOf(turns.at[turn])} ${clock(turns.at[turn], true)}` : "";
  const cost = data.money ? dollars(data.money.cost[turn] - (turn ? data.money.cost[turn - 1] : 0)) : "";
  const facts = [nameOf("agent", turn), nameOf("model", turn).replace(/^\w+:/, ""), at, turns.seconds[turn] ? `${turns.seconds[turn].toFixed(1)} s` : "", cost];
  const parts = [["read", turns.read[turn], "from the cache"], ["new", turns.new[turn], "new"], ["again", turns.again[turn], "processed again"],
    ["output", turns.output[turn], "out"]];
  const made = [make("p", { class: "quiet" }, facts.filter(Boolean).join(" · ")), stack(parts.slice(0, 3)), legendOf(parts)];
  for (const event of eventsAt.get(turn) || []) made.push(make("a", { class: "event", href: eventPath(event.at) }, why(event), make("span", { class: "quiet" }, "See what changed")));
  const blocks = sentBy(turn);
  if (!blocks) return [...made, make("p", { class: "quiet" }, data.partial ? "The text is being read …" : "This log has numbers without text: what was sent is not known.")];
  return [...made, ...messages(turn, blocks)];
}

function messages(turn, { sent, reply }) {
  const { at, share, scale } = boundaryOf(turn, sent), tokens = data.blocks.tokens;
  const largest = sent.reduce((most, number) => Math.max(most, tokens[number] * scale), 0);
  const made = [];
  const top = [...sent].sort((one, other) => tokens[other] - tokens[one]).slice(0, LARGEST);
  if (sent.length > 3) {
    made.push(make("details", { class: "largest" }, make("summary", null, make("h3", null, `The ${Math.min(LARGEST, sent.length)} largest blocks`), make("span", { class: "quiet" }, `${percent(sumOf(top) / (sumOf(sent) || 1))} of what was sent`)),
      make("div", { class: "blocks" }, top.map((number) => blockOf(number, scale, largest, 0)))));
  }
  const cached = sent.slice(0, at), fresh = sent.slice(at);
  if (cached.length) {
    made.push(make("h3", null, "Read from the cache", make("span", { class: "quiet" }, ` ${whole(turns.read[turn])} tokens, ${several(cached.length, "block")}`)));
    made.push(make("div", { class: "cached" }, listed(cached, scale, largest, { shown: AROUND, last: true }).box));
  }
  made.push(boundary(turns.read[turn] ? (share ? "The cache ends inside the next block" : "The cache ends here: what follows was processed") : "Nothing was read from the cache"));
  const processed = turns.new[turn] + turns.again[turn];
  made.push(make("h3", null, "Processed in this turn", make("span", { class: "quiet" }, ` ${whole(processed)} tokens, ${several(fresh.length, "block")}`)));
  const some = listed(fresh, scale, largest, { shown: 60, share });
  made.push(some.box);
  const answer = listed(reply, 1, largest, { shown: 60 });
  if (reply.length) made.push(make("h3", null, "The reply", make("span", { class: "quiet" }, ` ${whole(turns.output[turn])} tokens`)), answer.box);
  const opened = [...(fresh.length > FIRST ? some.made.slice(-FIRST) : some.made), ...answer.made];
  if (share && some.made[0] && !opened.includes(some.made[0])) opened.push(some.made[0]);
  bodiesOf(opened.map((one) => +one.dataset.block)).then(() => opened.forEach((one) => { one.open = true; })).catch(() => {});
  return made;
}

// The turn that an event's is compared with, as the server finds it.
function againstOf(event) {
  const run = turns.run.place[event.turn];
  for (let turn = event.turn - 1; turn >= 0; turn--) {
    if (turns.run.place[turn] === run && (event.previous === undefined || turns.number[turn] === event.previous)) return turn;
  }
  return null;
}

const lower = (turn) => label(turn).replace(/^Turn /, "turn ");

function eventView(at) {
  const event = data.events[at], before = againstOf(event);
  const made = [make("div", { class: "facts" },
    event.tokens !== undefined && make("div", null, make("b", null, whole(event.tokens)), make("span", null, "tokens lost")),
    event.usd !== undefined && make("div", null, make("b", null, dollars(event.usd)), make("span", null, "dollars lost")),
    event.place && make("div", null, make("b", { class: "small" }, event.place), make("span", null, "where it changed"))),
    make("h3", null, event.kind === "failed" ? "What went wrong" : "What mends it"), make("p", null, event.said)];
  if (event.provider) made.push(make("p", { class: "quiet" }, `The provider says: ${event.provider}`));
  const shown = make("div", null, make("p", { class: "quiet" }, "…"));
  made.push(shown);
  made.push(make("p", { class: "links" }, before === null ? null : make("a", { href: turnPath(before) }, `Read ${lower(before)}`),
    make("a", { href: turnPath(event.turn) }, `Read ${lower(event.turn)}`)));
  compare(event, before, shown);
  return made;
}

async function compare(event, before, shown) {
  const asked = panel.asked;
  try {
    const found = data.blocks && !["failed", "expiry"].includes(event.kind) ? await diffOf(event.at) : null;
    if (asked !== panel.asked) return;
    const after = event.kind === "cut" && before !== null ? beforeAndAfter(before, event.turn) : [];
    const compaction = after.length && event.cause !== "volatile_text";
    const sides = found ? [make("h3", null, "The first block that differs"), sideBySide(found)] : plainDiff(event);
    shown.replaceChildren(...(compaction ? [...after, ...sides] : [...sides, ...after]));
    for (const one of shown.querySelectorAll("details[data-open]")) one.open = true;
  } catch (error) {
    shown.replaceChildren(make("p", { class: "quiet" }, `It could not be read: ${error.message}`));
  }
}

const plainDiff = (event) => (diff(event) ? [make("h3", null, "What changed"), diff(event)] : []);

function sideBySide({ rows, more }) {
  const side = (text, from, to, kind) => {
    if (text === null) return make("td", { class: "none" });
    if (from === null) return make("td", null, text);
    return make("td", { class: kind }, text.slice(0, from), make("mark", null, text.slice(from, Math.max(from, to))), text.slice(Math.max(from, to)));
  };
  const body = rows.map(([one, left, other, right, from, end, last]) => make("tr", null,
    make("td", { class: "line" }, one === null ? "" : String(one)), side(left, from, end, "gone"),
    make("td", { class: "line" }, other === null ? "" : String(other)), side(right, from, last, "come")));
  const head = make("tr", null, make("th", { class: "line" }, make("span", { class: "away" }, "Line")), make("th", null, "Before"),
    make("th", { class: "line" }, make("span", { class: "away" }, "Line")), make("th", null, "After"));
  return make("div", null, make("div", { class: "scroll sides", tabindex: "0", role: "region", "aria-label": "Both texts, line by line" },
    make("table", { class: "mono" }, make("thead", null, head), make("tbody", null, body))),
    more ? make("p", { class: "quiet" }, `and ${several(more, "line")} more`) : "");
}

// What a compaction took out, what it left, and what it wrote in its place.
function beforeAndAfter(before, turn) {
  const old = sentBy(before), now = sentBy(turn);
  if (!old || !now) return [];
  const had = [...old.sent, ...old.reply], has = new Set(now.sent), was = new Set(had);
  const left = had.filter((number) => !has.has(number)), stayed = had.filter((number) => has.has(number));
  const came = now.sent.filter((number) => !was.has(number));
  if (!left.length) return [];
  const { tokens } = data.blocks, most = Math.max(inputOf(before) + turns.output[before], inputOf(turn));
  const side = (title, of, numbers, size) => {
    const scale = size / (sumOf(numbers) || 1), sums = BLOCKS.map(([name, color], kind) =>
      [color, numbers.reduce((sum, number) => sum + (data.blocks.kind[number] === kind ? tokens[number] * scale : 0), 0), name.toLowerCase()]);
    return make("div", { class: "half" }, make("h4", null, title), make("p", null, make("b", null, whole(size)), ` tokens in ${several(numbers.length, "block")}`),
      stack(sums, most), make("a", { href: turnPath(of) }, label(of)));
  };
  const by = (numbers) => [...numbers].sort((one, other) => tokens[other] - tokens[one]);
  const scale = inputOf(turn) / (sumOf(now.sent) || 1), largest = Math.max(1, ...[...left, ...came].map((number) => tokens[number] * scale));
  const part = (title, numbers, shown, opened) => {
    if (!numbers.length) return [];
    const list = listed(numbers, scale, largest, { shown });
    if (opened) list.made.slice(0, opened).forEach((one) => one.setAttribute("data-open", ""));
    return [make("h3", null, title, make("span", { class: "quiet" }, ` ${short(Math.round(sumOf(numbers) * scale))} tokens, ${several(numbers.length, "block")}`)), list.box];
  };
  return [make("h3", null, "Before and after"), make("div", { class: "halves" }, side("Before", before, had, inputOf(before) + turns.output[before]), side("After", turn, now.sent, inputOf(turn))),
    ...part("What came in its place", came, 12, 2), ...part("What left, the largest first", by(left), LARGEST, 0), ...part("What stayed", by(stayed), 5, 0)];
}

function show(kind, at, focused) {
  panel.asked += 1;
  Object.assign(panel, { kind, at });
  const event = kind === "event" ? data.events[at] : null;
  const turn = event ? event.turn : at;
  byId("panel-title").textContent = event ? [KINDS[event.kind], causeOf(event)].filter(Boolean).join(": ") + ` · ${label(turn)}` : label(turn);
  byId("panel-body").replaceChildren(...(event ? eventView(at) : turnView(at)));
  byId("panel-body").scrollTop = 0;
  byId("panel").hidden = false;
  document.body.classList.add("with-panel");
  const [length, place] = event ? [data.events.length, at] : [count, at];
  byId("panel-before").disabled = place <= 0;
  byId("panel-after").disabled = place >= length - 1;
  if (chosen !== turn) {
    chosen = turn;
    const [low, high] = view || ends();
    if (middle(turn) < low || middle(turn) > high) zoom(middle(turn) - (high - low) / 2, middle(turn) + (high - low) / 2);
    else for (const plot of Object.values(plots)) plot.redraw(false);
  }
  if (focused) byId("panel-title").focus({ preventScroll: true });
}

function hidePanel() {
  panel.asked += 1;
  Object.assign(panel, { kind: null, at: null });
  byId("panel").hidden = true;
  document.body.classList.remove("with-panel");
  if (chosen === null) return;
  chosen = null;
  for (const plot of Object.values(plots)) plot.redraw(false);
}

// A block that a search found: open, and in sight.
function showBlock(number) {
  const turn = panel.at;
  let found = byId("panel-body").querySelector(`.blocks:not(.largest .blocks) > [data-block="${number}"]`);
  if (!found && sentBy(turn)) {
    found = blockOf(number, 1, data.blocks.tokens[number], 0);
    byId("panel-body").querySelector("h3")?.before(make("h3", null, "What was found"), make("div", { class: "blocks" }, found));
  }
  if (!found) return;
  found.open = true;
  found.classList.add("found");
  requestAnimationFrame(() => found.scrollIntoView({ block: "center" }));
}
