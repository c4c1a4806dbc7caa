// What `accessibility.py` runs in a page: two functions that give sentences on what is wrong.
({
  look: () => {
  const found = [];
  const seen = (one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && one.getClientRects().length > 0;
  const called = (one) => `${one.tagName.toLowerCase()}${one.id ? "#" + one.id : ""}${one.className && one.className.baseVal === undefined ? "." + String(one.className).split(" ")[0] : ""}`;
  const hidden = (one) => one.closest("[aria-hidden=true], [hidden], .away") !== null;

  // Contrast: 4.5, or 3 for large text. Colours are drawn over each other as they are on the page.
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const parsed = (color) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map((at) => top[at] * top[3] + below[at] * (1 - top[3])).concat(1);
  const ground = (one) => {
    const layers = [];
    for (let at = one; at; at = at.parentElement) { const color = parsed(getComputedStyle(at).backgroundColor); layers.push(color); if (color[3] === 1) break; }
    return layers.reverse().reduce((below, top) => over(top, below), parsed("white"));
  };
  const light = (color) => { const [r, g, b] = color.slice(0, 3).map((one) => one / 255).map((one) => (one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const looked = new Set();
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const one = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || looked.has(one) || !seen(one) || one.closest("script, style, noscript, :disabled, .away")) continue;
    looked.add(one);
    const style = getComputedStyle(one), below = ground(one), text = over(parsed(style.color), below);
    const pair = [light(text), light(below)], ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) found.push(`contrast ${ratio.toFixed(2)} of ${called(one)}: ${texts.currentNode.data.trim().slice(0, 30)}`);
  }

  // Headings: one of the first level, and none left out on the way down.
  const headings = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter(seen).map((one) => +one.tagName[1]);
  if (headings.filter((level) => level === 1).length !== 1) found.push(`${headings.filter((level) => level === 1).length} headings of the first level`);
  headings.forEach((level, at) => { if (at && level > headings[at - 1] + 1) found.push(`heading ${at + 1} jumps from ${headings[at - 1]} to ${level}`); });

  // Names: of what is used, of what is looked at, and of regions that there are several of.
  const named = (one) => (one.getAttribute("aria-label") || (one.getAttribute("aria-labelledby") || "").split(" ").map((id) => document.getElementById(id)?.textContent || "").join("")
    || [...(one.labels || [])].map((label) => label.textContent).join("") || (one.alt ?? "") || (one.matches("input, select, textarea") ? "" : one.textContent) || "").trim();
  for (const one of document.querySelectorAll("a[href], button, summary, input, select, textarea, [role=img], [role=region], img, svg[role], dialog, aside, nav")) {
    if (seen(one) && !hidden(one) && !named(one)) found.push(`${called(one)} has no name`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  ids.filter((id, at) => ids.indexOf(id) !== at).forEach((id) => found.push(`id ${id} stands twice`));
  for (const one of document.querySelectorAll("[aria-labelledby], [aria-controls], [aria-describedby]"))
    for (const name of ["aria-labelledby", "aria-controls", "aria-describedby"])
      for (const id of (one.getAttribute(name) || "").split(" ").filter(Boolean)) if (!document.getElementById(id)) found.push(`${called(one)} names #${id}, which is not there`);
  if (!document.documentElement.lang) found.push("the language is not said");
  if (!document.title) found.push("there is no title");
  if (document.querySelectorAll("main").length !== 1) found.push("there is not one main region");
  return found;
},

  focus: (most) => {
  const found = [];
  const root = document.querySelector("dialog:modal") || document;  // what is behind a dialog takes no focus
  const all = [...root.querySelectorAll("a[href], button, summary, input, select, textarea, [tabindex='0']")].filter((one) => one.checkVisibility() && !one.disabled);
  for (const one of all.slice(0, most)) {
    one.focus({ focusVisible: true, preventScroll: true });
    if (document.activeElement !== one) { found.push(`${one.tagName} ${one.id} takes no focus`); continue; }
    const style = getComputedStyle(one);
    if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 1) found.push(`the focus on ${one.tagName} ${one.id || one.className} cannot be seen`);
  }
  document.activeElement?.blur();
  return found;
},
})
