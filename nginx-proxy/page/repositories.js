// All repositories, as a tree by prefix.

import { repositories } from "./api.js";
import { age, announce, command, count, element, problem, size } from "./dom.js";

/** Entries of one list that are shown at first. */
const FIRST = 200;

/** Return the tree of names: each prefix has the repositories and prefixes below it. */
function tree(names) {
  const root = { path: "", below: new Map(), names: [] };
  for (const name of names) {
    let place = root;
    place.names.push(name);
    const parts = name.split("/");
    for (const part of parts.slice(0, -1)) {
      const path = `${place.path}${part}/`;
      if (!place.below.has(`${part}/`)) place.below.set(`${part}/`, { path, below: new Map(), names: [] });
      place = place.below.get(`${part}/`);
      place.names.push(name);
    }
    place.below.set(parts.at(-1), name);
  }
  return root;
}

/** Return the numbers of several repositories. */
function together(names, figures) {
  const found = names.map((name) => figures.get(name)).filter(Boolean);
  return {
    tags: found.reduce((sum, one) => sum + one.tags, 0),
    bytes: found.reduce((sum, one) => sum + one.bytes, 0),
    pushed: found.reduce((latest, one) => Math.max(latest, one.pushed ?? 0), 0) || null,
    known: found.length > 0,
  };
}

function numbers(found) {
  const cells = found?.known === false || !found
    ? ["new", "", ""]
    : [count(found.tags, "tag"), size(found.bytes), found.pushed ? age(found.pushed * 1000) : "never"];
  return cells.map((cell) => element("span", { class: "number" }, cell));
}

function leaf(name, label, figures) {
  return element(
    "li", { class: "row" },
    element("a", { class: "name", href: `#/repository/${name}` }, label),
    numbers(figures.get(name)),
  );
}

/** Return the entries of one prefix; those of prefixes below are made when they are opened. */
function branch(node, figures) {
  const list = element("ul", { class: "tree" });
  const entries = [...node.below];
  const add = (from, to) => list.append(...entries.slice(from, to).map(([label, below]) => {
    if (typeof below === "string") return leaf(below, label, figures);
    if (below.names.length === 1) return leaf(below.names[0], below.names[0].slice(node.path.length), figures);
    const details = element("details", {}, element(
      "summary", { class: "row" },
      element("span", { class: "name" }, label, element("span", { class: "quiet" }, ` ${below.names.length}`)),
      numbers(together(below.names, figures)),
    ));
    details.addEventListener("toggle", () => {
      if (details.children.length === 1) details.append(...branch(below, figures));
    });
    return element("li", {}, details);
  }));
  add(0, FIRST);
  if (entries.length > FIRST) {
    const more = element("button", { type: "button" }, `Show all ${entries.length.toLocaleString("en")}`);
    more.addEventListener("click", () => {
      more.remove();
      add(FIRST);
      list.children[FIRST].querySelector("a, summary").focus();
    });
    return [list, more];
  }
  return [list];
}

function empty(index) {
  if (!index.readable.length) {
    return element("div", { class: "empty" }, element("h2", {}, "Nothing to see"), element("p", {},
      "You may not pull from any repository. The operator of this registry can change that."));
  }
  return element(
    "div", { class: "empty" },
    element("h2", {}, "No repositories yet"),
    element("p", {}, "Push an image, and it is listed here:"),
    command(`docker login ${location.host}`),
    command(`docker tag app ${location.host}/team/app:1`),
    command(`docker push ${location.host}/team/app:1`),
  );
}

/** Show all repositories in `main`. */
export async function show(main, index) {
  const figures = new Map(index.repositories.map((one) => [one.name, one]));
  let names = [...figures.keys()].sort();
  const found = element("div", { id: "found" });
  const totals = element("p", { class: "quiet" });
  const search = element("input", { type: "search", id: "search", autocomplete: "off", spellcheck: "false", placeholder: "Search" });

  const draw = () => {
    const wanted = search.value.trim().toLowerCase();
    const matching = wanted ? names.filter((name) => name.includes(wanted)) : names;
    const sum = together(names, figures);
    totals.replaceChildren(
      `${count(names.length, "repository", "repositories")}, ${count(sum.tags, "tag")}, ${size(sum.bytes)}. `,
      ...(index.written ? ["Tags, sizes and dates are from ", age(index.written * 1000), "."] : []),
    );
    if (!names.length) found.replaceChildren(empty(index));
    else if (wanted) {
      found.replaceChildren(
        element("ul", { class: "tree" }, matching.slice(0, FIRST).map((name) => leaf(name, name, figures))),
        matching.length > FIRST ? `${matching.length - FIRST} more: search for a longer text.` : "",
      );
      announce(`${count(matching.length, "repository", "repositories")} found`);
      if (!matching.length) found.replaceChildren(element("p", {}, "No repository has this in its name."));
    } else found.replaceChildren(...branch(tree(names), figures));
  };
  search.addEventListener("input", draw);
  main.replaceChildren(
    element("div", { class: "heading" }, element("h1", {}, "Repositories"),
      element("label", { class: "search" }, element("span", { class: "unseen" }, "Search repositories"), search)),
    totals, found,
  );
  if (names.length) draw();
  else found.replaceChildren(element("p", { class: "quiet" }, "Loading…"));
  try {
    // To a user without any right the registry refuses the list.
    const live = index.readable.length ? (await repositories()).sort() : [];
    // Open branches stay open unless names have changed.
    if (live.join() !== names.join() || !live.length) {
      names = live;
      draw();
    }
  } catch (error) {
    found.prepend(problem(error));
  }
}
