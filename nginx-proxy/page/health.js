// The hosts, by what each of them has written within the last minute.

import { hosts } from "./api.js";
import { age, count, element, problem, size, untrusted } from "./dom.js";

/** Seconds without facts after which a host counts as gone: it writes them each minute. */
const SILENT = 180;
/** Days before the certificate expires. */
const SOON = 21;
/** Rows from this one on, of logins and mirrors, are absent without any. */
const OPTIONAL = 11;

/** Return what is wrong with a host, the worst first. */
function troubles(host, time) {
  const now = time / 1000;
  const days = (host.certificate - now) / 86400;
  return [
    now - host.time > SILENT && "does not report",
    host.certificate && days <= 0 && "the certificate has expired",
    host.refused_configuration && "refuses the files in the configuration bucket",
    host.certificate && days > 0 && days <= SOON && `the certificate expires in ${count(Math.floor(days), "day")}`,
    Object.keys(host.errors ?? {}).length > 0 && "errors within the last hour",
  ].filter(Boolean);
}

function responses(found) {
  const all = Object.entries(found ?? {});
  if (!all.length) return "none";
  return element("ul", { class: "plain" }, all.map(([name, number]) => element("li", {}, `${number.toLocaleString("en")} × `, untrusted(name))));
}

function cache(host) {
  const all = Object.values(host.cache ?? {}).reduce((sum, one) => sum + one, 0);
  const hits = host.cache?.HIT ?? 0;
  return all ? `${Math.floor((100 * hits) / all)} % of ${count(all, "layer part")} from the disk` : "not used yet";
}

function card(host, now) {
  const wrong = troubles(host, now);
  const period = host.minutes >= 60 ? "last hour" : `last ${count(host.minutes, "minute")}`;
  const rows = [
    ["Last report", age(host.time * 1000, now)],
    ["Running since", age(host.started * 1000, now)],
    ["Requests", `${host.requests.toLocaleString("en")}, ${host.requests_hour.toLocaleString("en")} in the ${period}`],
    ["Sent", size(host.sent)],
    ["Connections", `${host.connections ?? "–"}`],
    ["Cache", cache(host)],
    ["Free for the cache", host.cache_free === null ? "no cache" : size(host.cache_free)],
    ["Certificate until", host.certificate ? new Date(host.certificate * 1000).toISOString().slice(0, 10) : "–"],
    ["Files checked", host.configuration_checked ? age(host.configuration_checked * 1000, now) : "–"],
    [`Errors (5xx) in the ${period}`, responses(host.errors)],
    [`Refused in the ${period}`, responses(host.refused)],
    ["Verified logins", responses(host.logins)],
    ["Requests of mirrors", responses(host.mirrors)],
    ["Requests to upstreams", responses(host.upstreams)],
    ["Pulls that upstreams allow", responses(host.remaining)],
  ].filter(([, value], place) => place < OPTIONAL || value !== "none");
  return element(
    "section", { class: "card" },
    element("h2", {}, element("code", {}, untrusted(host.host))),
    wrong.length
      ? element("p", { class: "state bad" }, "⚠ ", wrong.join("; "))
      : element("p", { class: "state good" }, "✓ serves"),
    element("dl", { class: "facts" }, rows.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value)))),
  );
}

/** Show the hosts in `main`. */
export async function show(main) {
  main.replaceChildren(element("h1", {}, "Health"), element("p", { class: "quiet" }, "Loading…"));
  try {
    // The clock of the browser may be wrong.
    const { found, now } = await hosts();
    const bad = found.filter((host) => troubles(host, now).length).length;
    main.replaceChildren(
      element("h1", {}, "Health"),
      element("p", { class: "quiet" }, found.length
        ? `${count(found.length, "host")}, ${bad ? `${bad} with trouble` : "all serve"}. Each reports once a minute.`
        : "No host has reported yet; each does within a minute of its start."),
      element("div", { class: "cards" }, found.sort((one, other) => troubles(other, now).length - troubles(one, now).length)
        .map((host) => card(host, now))),
    );
  } catch (error) {
    main.replaceChildren(element("h1", {}, "Health"), problem(error));
  }
}
