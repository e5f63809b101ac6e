// The beginning of the page: who is logged in, and which view the address names.

import { index, logOut } from "./api.js";
import { element, problem, untrusted } from "./dom.js";
import { show as health } from "./health.js";
import { show as image } from "./image.js";
import { show as repositories } from "./repositories.js";
import { show as tags } from "./tags.js";

const NAME = "[a-z0-9]+(?:(?:\\.|_{1,2}|-+|/)[a-z0-9]+)*";
const VIEWS = [
  [/^#?\/?$/, "Repositories", repositories],
  [/^#\/health$/, "Health", health],
  [new RegExp(`^#/repository/(${NAME})$`), "", tags],
  [new RegExp(`^#/image/(${NAME}):([A-Za-z0-9_][A-Za-z0-9_.-]*)$`), "", image],
  [new RegExp(`^#/image/(${NAME})@(sha(?:256|384|512):[0-9a-f]+)$`), "", image],
];

const main = document.getElementById("main");
let facts;

function covers(grants, name) {
  return grants.some((grant) => grant === "*" || grant === name || (grant.endsWith("/*") && name.startsWith(grant.slice(0, -1))));
}

/** Show the view of the address. */
async function view(first) {
  const [found, title, show] = VIEWS.map(([pattern, ...rest]) => [pattern.exec(location.hash), ...rest]).find(([match]) => match)
    ?? [null, "Not found", () => main.replaceChildren(element("h1", {}, "Not found"), element("p", {}, "This page has no such view."))];
  const parts = found?.slice(1) ?? [];
  document.title = `${title || parts.join(" ")} · ${location.host}`;
  for (const link of document.querySelectorAll(".top nav a")) {
    const current = link.hash === "#/health" ? show === health : show !== health;
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  // A view draws into an element of its own, which the next view takes away: a late response changes nothing.
  const place = element("div", { class: "view" });
  main.replaceChildren(place);
  if (!first) {
    main.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
  try {
    await show(place, facts, ...parts);
  } catch (error) {
    place.replaceChildren(element("h1", { class: "long" }, parts.join(" ") || title), problem(error));
  }
  main.dataset.ready = location.hash || "#/";
}

function follow() {
  return view(false);
}

async function leave() {
  const done = await logOut();
  facts = null;
  document.querySelector(".top nav").remove();
  document.querySelector(".login").remove();
  main.replaceChildren(
    element("h1", {}, done ? "You are logged out" : "Close the browser to log out"),
    element("p", {}, done ? "The browser has forgotten your password." : "This browser keeps the password until it is closed."),
    element("p", {}, element("a", { href: "/" }, "Log in again")),
  );
  removeEventListener("hashchange", follow);
}

document.getElementById("registry").textContent = location.host;
document.getElementById("logout").addEventListener("click", leave);
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
try {
  facts = await index();
  facts.mayDelete = (name) => covers(facts.deletable, name);
  document.getElementById("user").replaceChildren(untrusted(facts.user));
  document.getElementById("health").hidden = !facts.readable.includes("*");
  addEventListener("hashchange", follow);
  await view(true);
} catch (error) {
  main.replaceChildren(element("h1", {}, "The registry cannot be shown"), problem(error));
}
