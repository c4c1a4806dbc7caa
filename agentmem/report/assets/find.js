// The search over everything said: in all sessions, or in the one that a saved page holds.

const finding = { words: "", stop: null, chosen: -1 };

async function drawSearch(words) {
  finding.stop?.abort();
  finding.stop = new AbortController();
  finding.words = words;
  finding.chosen = -1;
  byId("words").value = words;
  byId("search-title").textContent = `“${words}”`;
  byId("search-found").replaceChildren();
  const about = byId("search-about");
  about.textContent = "Searching …";
  if (!store.live) {
    const { places } = await searchSession(SAVED, words);
    about.textContent = places.length ? several(places.length, "place") : "Nothing that was said has these words in it.";
    if (places.length) byId("search-found").append(foundIn(data.run || "This page", "saved", places));
    return;
  }
  await searchFrom(0, 0, finding.stop.signal);
}

async function searchFrom(start, before, signal) {
  const about = byId("search-about"), words = finding.words;
  try {
    const answer = await searchAll(words, start, signal), box = byId("search-found");
    box.querySelector(".more")?.remove();
    await askTitles(answer.found.map((one) => one.id));
    if (signal.aborted) return;
    box.append(...answer.found.map((one) => foundIn(list.titles.get(one.id) || one.name, one.id, one.places)));
    const count_ = before + answer.found.length, all = answer.looked >= answer.of;
    const where = all ? `all ${several(answer.of, "session")} searched` : `the latest ${whole(answer.looked)} of ${several(answer.of, "session")} searched`;
    about.textContent = `${count_ ? `Found in ${several(count_, "session")}` : "Nothing that was said has these words in it"} · ${where}`;
    if (!all) box.append(make("button", { type: "button", class: "more", on: { click: () => { about.textContent = "Searching …"; searchFrom(answer.looked, count_, signal); } } }, "Search earlier sessions"));
  } catch (error) {
    if (!signal.aborted) about.textContent = `The search failed: ${error.message}`;
  }
}

function foundIn(name, id, places) {
  return make("article", { class: "found-in" }, make("h2", null, make("a", { href: `#/s/${id}` }, name)),
    make("ul", null, places.map((place) => make("li", null, make("a", { href: `#/s/${id}/turn/${place.turn + 1}?block=${place.block}` },
      make("span", { class: "quiet" }, `Turn ${whole(place.turn + 1)} · ${place.kind.toLowerCase()} `),
      make("span", { class: "mono" }, place.before, make("mark", null, place.match), place.after))))));
}

function moveInSearch(step) {
  const links = [...byId("search-found").querySelectorAll("li a")];
  if (!links.length) return;
  finding.chosen = Math.min(links.length - 1, Math.max(0, finding.chosen + step));
  links[finding.chosen].focus();
}
