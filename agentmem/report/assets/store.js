// Where the page's objects come from: a saved page has them in it, a served one asks for the same at the same addresses.

const saved = JSON.parse(byId("data").textContent);
const store = { live: saved === null, token: "", version: 0 };

// The token stands behind the # of the first address. It is kept for this origin, and taken out of sight.
function takeToken() {
  if (!store.live) return;
  const given = location.hash.match(/^#token=([\w-]+)/);
  if (given) {
    localStorage.setItem("token", given[1]);
    history.replaceState(null, "", location.pathname + "#/");
  }
  store.token = localStorage.getItem("token") || "";
}

class Refused extends Error {}

async function ask(path, signal) {
  const answer = await fetch(`api/${path}`, { headers: { authorization: `Bearer ${store.token}` }, signal });
  if (answer.status === 401) throw new Refused(await answer.text());
  if (!answer.ok) throw new Error(await answer.text());
  return answer;
}
const object = async (path, signal) => (await ask(path, signal)).json();

// What a session has become: the server sends what changed since the version that is shown (agentmem/ui/changes.py).
function applied(old, change) {
  if (change === null || change === undefined) return old;
  if (change.keys) {
    const made = { ...old };
    for (const key of change.gone) delete made[key];
    for (const [key, one] of Object.entries(change.keys)) made[key] = applied(old[key], one);
    return made;
  }
  if (change.at) return old.map((one, at) => applied(one, change.at[at])).concat(change.add);
  if (change.keep !== undefined) return old.slice(0, change.keep).concat(change.add);
  return change.value;
}

async function grownSession(id, shown) {
  const found = await object(`sessions/${id}?whole=1&since=${shown && shown.id === id && shown.version ? shown.version : ""}`);
  return found.changes === undefined ? found : applied(shown, found.changes);
}

const SAVED = "saved";
const sessionList = () => object("sessions");
const titlesOf = (ids) => object(`titles?ids=${ids.join(",")}`);
const sessionOf = (id, all) => (store.live ? object(`sessions/${id}${all ? "?whole=1" : ""}`) : saved);
const searchAll = (words, start, signal) => object(`search?q=${encodeURIComponent(words)}&start=${start}`, signal);

async function searchSession(id, words, signal) {
  if (store.live) return object(`sessions/${id}/search?q=${encodeURIComponent(words)}`, signal);
  return { words, places: [...placesIn(words)].slice(0, 400) };
}

const known = { id: null, bodies: new Map(), diffs: new Map() };

function forget(id) {
  known.id = id;
  known.bodies.clear();
  known.diffs.clear();
}

// The texts of some blocks of the session in sight, as nodes; of a block that a saved page was too large for, null.
async function bodiesOf(numbers) {
  const missing = store.live ? numbers.filter((number) => !known.bodies.has(number)) : [];
  for (let at = 0; at < missing.length; at += 200) {
    const some = missing.slice(at, at + 200);
    const got = await object(`sessions/${known.id}/bodies?ids=${some.join(",")}`);
    for (const number of some) known.bodies.set(number, got[number]);
  }
  return numbers.map((number) => (store.live ? known.bodies.get(number) : (data.bodies || {})[number]) || null);
}

async function diffOf(event) {
  if (!store.live) return (data.diffs || {})[event] || null;
  if (!known.diffs.has(event)) known.diffs.set(event, await object(`sessions/${known.id}/diffs/${event}`));
  return known.diffs.get(event);
}

const textOf = (nodes) => nodes.map((node) => (typeof node === "string" ? node : textOf(node.slice(1)))).join(" ");

// What a server does for a saved page: the blocks in which words stand, each with the turn that first had it.
function* placesIn(words) {
  const needle = words.toLowerCase().trim(), blocks = data.blocks;
  if (!needle || !blocks) return;
  const first = firstTurns();
  for (const [number, nodes] of Object.entries(data.bodies || {})) {
    const text = textOf(nodes), at = text.toLowerCase().indexOf(needle), end = at + needle.length;
    if (at < 0) continue;
    yield { turn: first.get(+number) || 0, block: +number, kind: BLOCKS[blocks.kind[number]][0],
      before: text.slice(Math.max(0, at - 50), at), match: text.slice(at, end), after: text.slice(end, end + 110) };
  }
}

function firstTurns() {
  const found = new Map(), done = [], { heads, lists, head, list, length, reply } = data.blocks;
  for (let turn = 0; turn < count; turn++) {
    if (list[turn] < 0) continue;
    const end = length[turn] + reply[turn];
    for (const number of heads[head[turn]]) if (!found.has(number)) found.set(number, turn);
    for (let at = done[list[turn]] || 0; at < end; at++) if (!found.has(lists[list[turn]][at])) found.set(lists[list[turn]][at], turn);
    done[list[turn]] = Math.max(done[list[turn]] || 0, end);
  }
  return found;
}

// What changed, as it happens. An EventSource cannot send the token, so the stream is read here.
async function follow(heard, told) {
  for (let wait = 500; ; wait = Math.min(2 * wait, 8000)) {
    try {
      const reader = (await ask("events")).body.pipeThrough(new TextDecoderStream()).getReader();
      wait = 500;
      told("live");
      for (let kept = ""; ;) {
        const { value, done } = await reader.read();
        if (done) break;
        const parts = (kept + value).split("\n\n");
        kept = parts.pop();
        for (const part of parts) {
          const line = part.split("\n").find((one) => one.startsWith("data: "));
          if (part.startsWith("event: changed") && line) heard(JSON.parse(line.slice(6)));
        }
      }
    } catch (error) {
      if (error instanceof Refused) return told("locked");
    }
    told("gone");
    await new Promise((done) => setTimeout(done, wait));
  }
}
