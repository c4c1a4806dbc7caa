// Builds elements from the nodes that a block's text is: each by a name in a table, all else as text.

const PLAIN = new Set(["p", "ul", "ol", "li", "blockquote", "hr", "br", "em", "strong", "s", "code", "table", "thead", "tbody",
  "tr", "th", "td"]);

function built(nodes) {
  return nodes.map((node) => (typeof node === "string" ? node : element(node)));
}

function element([name, ...rest]) {
  if (PLAIN.has(name)) return name === "table" ? make("div", { class: "scroll" }, make("table", null, built(rest))) : make(name, null, built(rest));
  if (/^h[1-6]$/.test(name)) return make("p", { class: `head ${name}` }, built(rest));  // no heading of the page's own
  if (name === "pre") return make("pre", rest[0] ? { "data-language": rest[0], tabindex: "0" } : { tabindex: "0" }, rest[1] || "(nothing)");
  if (name === "link") return make("span", { class: "link", title: "Not followed from here" }, built(rest.slice(1)), address(rest[0], textOf(rest.slice(1))));
  if (name === "image") return make("span", { class: "image" }, `picture: ${rest[1] || "without a name"}`, address(rest[0], ""));
  if (name === "given") return make("div", { class: "given" }, make("span", { class: "name" }, rest[0]), given(rest[1]));
  return make("p", { class: "quiet" }, built(rest));
}

const given = (text) => (text.includes("\n") || text.length > 90 ? make("pre", { tabindex: "0" }, text) : make("code", null, text));
const address = (url, text) => (url && url !== text ? make("span", { class: "address" }, ` ${url.slice(0, 200)}`) : "");
