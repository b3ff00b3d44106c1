// Put the page together: choices, keys, address, theme, files.

const THEMES = ["auto", "light", "dark"];
const DARK = "(prefers-color-scheme: dark)";
/** @type {CSSMediaRule[]} the rules that make the page and its picture dark */
const darkRules = [];
let theme = "auto";
let soon = 0;

/** Choose a process. @param {number} p */
function choose(p) {
  remember(false);
  STATE.process = p;
  STATE.step = NONE;
  showChoice();
  if (unfoldTo(p)) arrangeAll();
  lanes.reveal(p, Math.min(Math.max(nth(BORN, p), 0), Math.max(STATE.at, 0)));
  remember(true);
}

/** Choose a step: a line or a mark. @param {number} step */
function chooseStep(step) {
  STATE.process = nth(S.process, step);
  STATE.step = step;
  showChoice();
  remember(true);
}

function showChoice() {
  showDetails();
  lanes.show();
  showForest();
  byId("details").scrollTop = 0;
}

/** Return the address of a moment and a process. @param {number} step @param {number} p */
function hashOf(step, p) {
  const event = step >= 0 && step <= LAST ? `e=${nth(S.event, step)}` : "";
  const process = p === NONE ? "" : `p=${nth(P.id, p)}`;
  return `#${[event, process].filter(Boolean).join("&")}`;
}

/** Put the moment into the address. @param {boolean} anew so that "back" returns to what was before */
function remember(anew) {
  window.clearTimeout(soon);
  const hash = hashOf(STATE.at, STATE.process);
  if (hash === location.hash) return;
  if (anew) history.pushState(null, "", hash);
  else history.replaceState(null, "", hash);
}

function rememberSoon() {
  window.clearTimeout(soon);
  soon = window.setTimeout(() => remember(false), 250);
}

/** Return the step of an event's number: its own, or the last before it. @param {number} event */
function stepOfEvent(event) {
  const exact = S.event.indexOf(event);
  return exact === NONE ? S.event.findLastIndex((other) => other <= event) : exact;
}

/** Show what the address says; without a moment in it, the end. */
function followAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const event = asked.get("e");
  const p = PLACE.get(asked.get("p") ?? "");
  STATE.process = p ?? NONE;
  STATE.step = NONE;
  const at = event === null || !/^\d{1,15}$/.test(event) ? LAST : stepOfEvent(Number(event));
  if (p !== undefined && unfoldTo(p)) arrangeAll();
  showMoment(at);
  showDetails();
  if (p !== undefined) lanes.reveal(p, event === null ? Math.min(Math.max(nth(BORN, p), 0), LAST) : STATE.at);
  else if (event !== null && STEPS) lanes.reveal(nth(S.process, STATE.at), STATE.at);
}

/** @param {CSSRuleList} rules */
function findDarkRules(rules) {
  for (const rule of rules) {
    if (rule instanceof CSSMediaRule && rule.media.mediaText.includes("prefers-color-scheme")) darkRules.push(rule);
  }
}

/** @param {string} wanted */
function setTheme(wanted) {
  theme = wanted;
  for (const rule of darkRules) {
    rule.media.mediaText = theme === "auto" ? DARK : theme === "dark" ? "all" : "not all";
  }
  document.documentElement.style.colorScheme = theme === "auto" ? "light dark" : theme;
  button("theme").textContent = `Theme: ${theme}`;
}

/** Return the moment as an SVG file, in the theme that is seen. */
function momentFile() {
  const media = theme === "auto" ? `@media ${DARK}` : theme === "dark" ? "@media all" : "@media not all";
  return lanes.svg().replace(/@media\s*\(prefers-color-scheme:\s*dark\)/g, media);
}

async function copyMoment() {
  try {
    await navigator.clipboard.writeText(momentFile());
    say("copy", "Copied");
  } catch {
    say("copy", "Not allowed: use Download");
  }
}

function downloadMoment() {
  const link = html("a", { download: `launch${STEPS ? `-e${nth(S.event, STATE.at)}` : ""}.svg` });
  link.href = URL.createObjectURL(new Blob([momentFile()], { type: "image/svg+xml" }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** Say on a button what came of it, for a moment. @param {string} id @param {string} words */
function say(id, words) {
  const before = button(id).dataset.words ?? button(id).textContent ?? "";
  button(id).dataset.words = before;
  button(id).textContent = words;
  byId("live").textContent = words;
  setTimeout(() => (button(id).textContent = before), 1600);
}

const KEYS = [
  ["→  ←", "step on, step back"],
  ["Shift → ←", "ten steps"],
  ["Home  End", "first and last step"],
  ["Space", "play, pause"],
  ["p", "predict first: stop before each adoption and wait"],
  ["/  Enter", "find; go to the next match"],
  ["n  N", "next match, match before"],
  ["f", "fold or unfold what is below the chosen process"],
  ["c", "copy this moment as SVG"],
  ["+  −  0", "larger, smaller, fit"],
  ["Esc", "choose nothing"],
];

const SIGNS = [
  ["Z", "a zombie: ended, and not yet waited for"],
  ["Z?", "ended and never waited for"],
  ["<ended>", "perhaps a zombie: waits were not recorded"],
  ["?", "nothing was seen of it any more"],
  ["-", "alive; how it was scheduled is not recorded"],
  ["(name)", "outside the trace"],
];

/** List keys or signs with their meaning. @param {string} title @param {string[][]} rows */
function helpTable(title, rows) {
  const lines = rows.map(([sign = "", words = ""]) => html("tr", {}, html("td", {}, html("kbd", {}, sign)), html("td", {}, words)));
  return [html("h2", {}, title), html("table", {}, html("tbody", {}, ...lines))];
}

function makeHelp() {
  const dialog = /** @type {HTMLDialogElement} */ (byId("keys"));
  const ticks = html("p", {}, "Above the scrubber each step has a tick: long and orange an adoption, blue an exec, grey any other.");
  const help = html("div", { class: "help" }, html("div", {}, ...helpTable("Keys", KEYS)), html("div", {}, ...helpTable("Processes at this moment", SIGNS), ticks));
  const close = html("button", { type: "button", class: "primary" }, "Close");
  close.addEventListener("click", () => dialog.close());
  dialog.append(help, close);
  button("help").addEventListener("click", () => dialog.showModal());
}

/** @type {Record<string, () => void>} */
const ACTIONS = {
  ArrowRight: () => (pause(), forward()),
  ArrowLeft: back,
  Home: () => jump(0),
  End: () => jump(LAST),
  " ": play,
  p: () => field("predict").click(),
  "/": () => field("query").focus(),
  n: () => nextFound(1),
  N: () => nextFound(-1),
  f: () => STATE.process !== NONE && hasBelow(STATE.process) && toggleFold(STATE.process),
  c: () => void copyMoment(),
  "+": () => lanes.zoom(1),
  "-": () => lanes.zoom(-1),
  0: () => lanes.zoom(0),
  "?": () => button("help").click(),
  Escape: () => (STATE.process = STATE.step = NONE, endQuestion(), showChoice(), remember(true)),
};

/** @type {Record<string, () => void>} with Shift */
const TENS = {
  ArrowRight: () => (pause(), go(STATE.at + 10)),
  ArrowLeft: () => (pause(), go(STATE.at - 10)),
};

/** Say if a key is meant for the field or button that has the focus. @param {KeyboardEvent} event */
function isForItself(event) {
  const target = event.target instanceof HTMLElement || event.target instanceof SVGElement ? event.target : null;
  if (!target || target.closest("dialog, #query")) return target !== null;
  if (target.id === "scrubber") return /^(Arrow|Home|End)/.test(event.key);
  return event.key === " " && target.closest("button, a, [role=button], input") !== null;
}

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isForItself(event)) return;
  const action = event.shiftKey ? (TENS[event.key] ?? ACTIONS[event.key]) : ACTIONS[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

function start() {
  document.documentElement.classList.add("scripted");
  byId("title").textContent = DATA.title;
  byId("title").title = DATA.title;
  byId("summary").textContent = DATA.summary.join(" · ");
  makeRoleFilter();
  listenToFilters();
  listenToForest();
  listenToDetails();
  listenToPlayer();
  makeHelp();
  for (const sheet of document.styleSheets) findDarkRules(sheet.cssRules);
  const wanted = document.documentElement.dataset.theme ?? "auto";
  setTheme(wanted === "print" ? "light" : wanted);
  button("theme").addEventListener("click", () => setTheme(nth(THEMES, (THEMES.indexOf(theme) + 1) % THEMES.length)));
  button("copy").addEventListener("click", () => void copyMoment());
  button("download").addEventListener("click", downloadMoment);
  document.addEventListener("keydown", onKey);
  document.querySelector(".skip")?.addEventListener("click", (event) => {
    event.preventDefault(); // the address is the moment's
    byId("now").focus();
  });
  window.addEventListener("popstate", followAddress);
  window.addEventListener("hashchange", followAddress);
  arrangeAll();
  followAddress();
  document.documentElement.dataset.ready = "yes";
}

const PICTURE = byId("picture");
const ROOT = /** @type {SVGSVGElement} */ (/** @type {unknown} */ (PICTURE.querySelector("svg")));
document.documentElement.classList.add("scripted");
if (!DATA.small) {
  byId("overview").append(ROOT);
  foldAtFirst();
}
const lanes = DATA.small ? pictureLanes(PICTURE, ROOT) : rowLanes(PICTURE);
start();
