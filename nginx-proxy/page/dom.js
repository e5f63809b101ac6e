// Elements of the page. All text of the registry is text: nothing here, or elsewhere, reads markup.

/** Characters that a reader does not see, or that change the direction of others. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}\p{DI}\u2800]/u;
/** Characters of one text that are shown. */
const LONGEST = 1000;
/** Rows of one table. */
const MOST_ROWS = 300;

/** Return an element. Attributes that begin with "on" are listeners. Children are elements or text. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return made;
}

/**
 * Return a text of the registry in an element that keeps its direction to itself. Characters that are not seen are
 * written as their number. With `lines`, line ends and tabs stay.
 */
export function untrusted(text, { lines = false } = {}) {
  const whole = String(text ?? "");
  const made = element("bdi", lines ? { class: "lines" } : {});
  let plain = "";
  for (const character of whole.slice(0, LONGEST)) {
    if (!HIDDEN.test(character) || (lines && "\n\t".includes(character))) {
      plain += character;
      continue;
    }
    made.append(plain, element("span", { class: "escape" }, `\\u{${character.codePointAt(0).toString(16)}}`));
    plain = "";
  }
  made.append(plain, whole.length > LONGEST ? "…" : "");
  return made;
}

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** Return a number of bytes with its unit. */
export function size(bytes) {
  if (!Number.isFinite(bytes) || bytes < 0) return "–";
  const power = Math.min(bytes ? Math.floor(Math.log10(bytes) / 3) : 0, UNITS.length - 1);
  const value = bytes / 1000 ** power;
  return `${power && value < 100 ? value.toFixed(1) : Math.round(value)} ${UNITS[power]}`;
}

/** Return a number with its noun: "1 tag", "2 tags". */
export function count(number, noun, plural = `${noun}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? noun : plural}`;
}

const STEPS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** Return how long ago a time is; the exact time is its title. */
export function age(time, now = Date.now()) {
  const date = time instanceof Date ? time : new Date(time ?? NaN);
  // Images that are built to be reproducible are from 1970 or 1980.
  if (Number.isNaN(date.getTime()) || date.getFullYear() < 1981) return element("span", { class: "quiet" }, "no date");
  const seconds = (date - now) / 1000;
  const [unit, length] = STEPS.find(([, least]) => Math.abs(seconds) >= least) ?? ["second", 1];
  return element(
    "time",
    { datetime: date.toISOString(), title: date.toISOString().replace("T", " ").slice(0, 19) + " UTC" },
    RELATIVE.format(Math.trunc(seconds / length), unit),
  );
}

/** Return a digest, shortened; the whole of it is its title. */
export function digest(text) {
  return element("code", { class: "digest", title: text }, text.startsWith("sha256:") ? text.slice(7, 19) : text.slice(0, 20));
}

/** Return a command with a button that copies it. */
export function command(text) {
  const button = element("button", { type: "button", "aria-label": `Copy: ${text}` }, "Copy");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    announce("Copied");
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  return element("div", { class: "command" }, element("code", {}, text), button);
}

/** Return a table; a cell is an element or a text. On a narrow screen each row becomes a block. */
export function table(caption, headings, rows) {
  const row = (cells) => element(
    "tr", { role: "row" },
    cells.map((cell, place) => element(place ? "td" : "th", {
      role: place ? "cell" : "rowheader", "data-label": headings[place],
    }, cell)),
  );
  return element(
    "table", { role: "table" },
    element("caption", { class: "unseen" }, caption),
    element("thead", { role: "rowgroup" }, element("tr", { role: "row" },
      headings.map((heading) => element("th", { role: "columnheader", scope: "col" }, heading)))),
    element("tbody", { role: "rowgroup" }, rows.map(row)),
  );
}

/** Return a table of a list that an image may make as long as it likes, and how many rows it leaves out. */
export function longTable(caption, headings, all, row) {
  const more = all.length - MOST_ROWS;
  return [
    table(caption, headings, all.slice(0, MOST_ROWS).map(row)),
    more > 0 ? element("p", { class: "quiet" }, `and ${more.toLocaleString("en")} more`) : null,
  ];
}

/** Return a message about something that failed. */
export function problem(error) {
  return element("p", { class: "problem", role: "alert" }, untrusted(error.message));
}

/** Let a screen reader say something. */
export function announce(text) {
  document.getElementById("status").textContent = text;
}
