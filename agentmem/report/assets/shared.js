"use strict";
// What the other scripts share: the data, making elements out of text only, and how numbers are written.

const data = JSON.parse(document.getElementById("data").textContent);
const turns = data.turns;
const count = turns.number.length;
const UNKNOWN = "unknown";

// A child is an element or a text. Nothing is ever parsed as markup.
function make(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === "color") made.style.background = `var(--${value})`;
    else if (key in made && typeof value !== "string") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
}

const whole = (value) => (value === null ? UNKNOWN : value.toLocaleString("en-US"));
const percent = (value) => (value === null ? UNKNOWN : (100 * value).toFixed(1) + "%");
const ratio = (value) => (value === null ? UNKNOWN : value.toFixed(1) + " : 1");

function dollars(value) {
  if (value === null) return UNKNOWN;
  const digits = Math.abs(value) >= 10 ? 2 : 4;
  const shape = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return (value < 0 ? "-$" : "$") + Math.abs(value).toLocaleString("en-US", shape);
}

function short(value) {
  const [size, letter] = value >= 1e6 ? [1e6, "M"] : value >= 1e3 ? [1e3, "k"] : [1, ""];
  return (value / size).toLocaleString("en-US", { maximumFractionDigits: size === 1 ? 0 : 1 }) + letter;
}

const nameOf = (column, turn) => turns[column].names[turns[column].place[turn]];
const severalRuns = turns.run.names.length > 1;
const label = (turn) => (severalRuns ? `${nameOf("run", turn)}, turn ` : "Turn ") + whole(turns.number[turn]);

const KINDS = {
  break: "Break", cut: "Cut", expiry: "Expiry", miss: "Miss", failed: "No reply",
};
const eventsAt = new Map();
for (const event of data.events) {
  if (!eventsAt.has(event.turn)) eventsAt.set(event.turn, []);
  eventsAt.get(event.turn).push(event);
}
const marked = [...eventsAt.keys()];  // in order, as the events are

const causeOf = (event) => (event.cause && event.cause !== event.kind ? event.cause.replaceAll("_", " ") : "");
const swatch = (color, mark) => make("span", { class: mark ? "swatch mark" : "swatch", color });

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
