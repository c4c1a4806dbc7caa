"use strict";
// What the other scripts share: the session that is shown, making elements out of text only, how numbers are written.

const UNKNOWN = "unknown";
const KINDS = {
  break: "Break", cut: "Cut", expiry: "Expiry", miss: "Miss", failed: "No reply",
};
const BLOCKS = [  // the kinds of blocks, in the server's order: name for one, colour
  ["Tool", "tools"], ["System", "system"], ["Page", "pages"], ["Summary", "summary"], ["Result", "results"],
  ["Call", "tail"], ["Thinking", "tail"], ["Reply", "tail"], ["Message", "tail"],
];

// The session in sight: its data, what is asked of them often, and where its events are.
let data = null, turns = null, count = 0, severalRuns = false;
let eventsAt = new Map(), marked = [];

function take(given) {
  data = given;
  turns = data.turns;
  count = turns.number.length;
  severalRuns = turns.run.names.length > 1;
  eventsAt = new Map();
  data.events.forEach((event, at) => {
    event.at = at;
    if (!eventsAt.has(event.turn)) eventsAt.set(event.turn, []);
    eventsAt.get(event.turn).push(event);
  });
  marked = [...eventsAt.keys()];  // in order, as the events are
}

// A child is an element or a text. Nothing is ever parsed as markup.
function make(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === "color") made.style.background = `var(--${value})`;
    else if (key === "on") for (const [event, heard] of Object.entries(value)) made.addEventListener(event, heard);
    else if (key in made && typeof value !== "string") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

const byId = (id) => document.getElementById(id);
const whole = (value) => (value === null ? UNKNOWN : value.toLocaleString("en-US"));
const percent = (value) => (value === null ? UNKNOWN : (100 * value).toFixed(1) + "%");
const ratio = (value) => (value === null ? UNKNOWN : value.toFixed(1) + " : 1");
const several = (number, one, many) => `${whole(number)} ${number === 1 ? one : many || one + "s"}`;

function dollars(value) {
  if (value === null) return UNKNOWN;
  const digits = Math.abs(value) >= 10 ? 2 : 4;
  const shape = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return (value < 0 ? "-$" : "$") + Math.abs(value).toLocaleString("en-US", shape);
}

function short(value) {
  const [size, letter] = value >= 1e9 ? [1e9, "B"] : value >= 1e6 ? [1e6, "M"] : value >= 1e3 ? [1e3, "k"] : [1, ""];
  return (value / size).toLocaleString("en-US", { maximumFractionDigits: size === 1 ? 0 : 1 }) + letter;
}

const two = (number) => String(number).padStart(2, "0");
function clock(at, seconds) {
  const time = new Date(1000 * at);
  return `${two(time.getHours())}:${two(time.getMinutes())}` + (seconds ? `:${two(time.getSeconds())}` : "");
}
function dayOf(at) {
  const time = new Date(1000 * at);
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
}
const dayName = (day) => (day === UNKNOWN ? "Day unknown" : new Date(`${day}T12:00`).toLocaleDateString("en-GB",
  { weekday: "short", day: "numeric", month: "short", year: "numeric" }));

const nameOf = (column, turn) => turns[column].names[turns[column].place[turn]];
const label = (turn) => (severalRuns ? `${nameOf("run", turn)}, turn ` : "Turn ") + whole(turns.number[turn]);
const inputOf = (turn) => turns.read[turn] + turns.new[turn] + turns.again[turn];

const causeOf = (event) => (event.cause && event.cause !== event.kind ? event.cause.replaceAll("_", " ") : "");
const swatch = (color, mark) => make("span", { class: mark ? `swatch mark shape-${color}` : "swatch", color });

function diff(event) {
  if (event.before === undefined || event.before === null) return null;
  const line = (text) => (text || "(nothing)").replace(/\s*\n\s*/g, " ⏎ ");
  return make("div", { class: "diff mono" },
    make("div", { class: "gone" }, "− " + line(event.before)),
    make("div", { class: "come" }, "+ " + line(event.after)));
}

function lost(event) {
  if (event.tokens === undefined) return "";
  return `${whole(event.tokens)} tokens lost` + (event.usd === null ? "" : `, ${dollars(event.usd)}`);
}
