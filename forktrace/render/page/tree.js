// The tree beside the lanes: what `ps --forest` would have shown at the moment.

const MOST_ROWS = 500;
const MOST_COUNTED = 100_000; // processes times steps, to find the fullest moment at the start

/** Draw the processes of the moment. */
function showForest() {
  const rows = forestAt(STATE.at);
  const alive = rows.filter((row) => row.life === "alive" || row.life === "unseen").length;
  const list = byId("forest");
  const focused = document.activeElement instanceof HTMLElement && list.contains(document.activeElement);
  const kept = focused ? document.activeElement?.getAttribute("data-process") : null;
  list.replaceChildren(...rows.slice(0, MOST_ROWS).map(forestRow));
  byId("now-count").textContent = `${grouped(alive)} alive`;
  byId("now-notes").replaceChildren(forestNotes(rows), ...usualMoment(rows));
  const items = forestItems();
  const chosen = items.find((item) => item.getAttribute("data-process") === String(STATE.process));
  const first = items.find((item) => item.getAttribute("data-process") === kept) ?? chosen ?? items[0];
  first?.setAttribute("tabindex", "0");
  if (focused) first?.focus({ preventScroll: true });
}

/** Give the tree the room of its fullest moment, so that what stands below does not jump at each step. */
function holdForest() {
  if (!STEPS || STEPS * COUNT > MOST_COUNTED) return;
  let most = 0;
  for (let step = 0; step < STEPS; step++) most = Math.max(most, forestAt(step).length);
  byId("now").style.flexBasis = `${Math.ceil(most * 20.6) + 130}px`;
}

/** @param {Standing} standing */
function forestRow(standing) {
  const p = standing.process;
  const command = commandAt(standing, STATE.at);
  const role = nth(P.flags, p) & OUTSIDE ? "outside" : text(nth(P.role, p)) || "other";
  const changed = nth(S.process, STATE.at) === p && STATE.at >= 0;
  const item = html(
    "li",
    {
      role: "treeitem",
      tabindex: "-1",
      "aria-level": String(standing.depth + 1),
      "aria-selected": String(p === STATE.process),
      "data-process": String(p),
      class: `${hasEnded(standing.life) ? "dead" : ""} ${changed ? "changed" : ""}`,
      title: command,
    },
    html("span", { class: "pid" }, String(nth(P.pid, p) || "?")),
    html("span", { class: "stat", "aria-hidden": "true" }, stat(standing.life)),
    html(
      "span",
      { class: "command" },
      html("span", { class: "guides", "aria-hidden": "true" }, standing.guides),
      html("span", { class: `dot role-${role}` }),
      command,
    ),
    html("span", { class: "hidden" }, `, ${nth(P.id, p)}, ${lifeWords(standing.life)}`),
  );
  return item;
}

/** @param {Life} life */
function lifeWords(life) {
  /** @type {Record<string, string>} */
  const words = {
    alive: "alive",
    zombie: "a zombie",
    unwaited: "ended, never waited for",
    ended: "ended, perhaps a zombie",
    unseen: "not seen any more",
    outside: "outside the trace",
    past: "ended",
  };
  return words[life] ?? "not there";
}

/** Say what the signs mean. @param {Standing[]} rows */
function forestNotes(rows) {
  const lives = new Set(rows.map((row) => row.life));
  const notes = [];
  if (rows.every((row) => row.life === "outside")) notes.push("No process of the launch is there at this moment.");
  const orphans = rows.filter((row) => row.life !== "outside" && isBetween(row.process, STATE.at));
  if (orphans.length) notes.push(orphanWords(orphans));
  if (rows.length > MOST_ROWS) notes.push(`${grouped(rows.length - MOST_ROWS)} more are not listed.`);
  if (lives.has("zombie")) notes.push("Z: a zombie, ended and not yet waited for.");
  if (lives.has("unwaited")) notes.push("Z?: ended and never waited for: a zombie, unless its parent ignores SIGCHLD.");
  if (lives.has("ended")) notes.push("<ended>: perhaps a zombie still; waits were not recorded.");
  if (lives.has("unseen")) notes.push("?: nothing was seen of it any more.");
  return notes.join(" ");
}

/** Say that a moment is none that `ps` could show: the kernel hands children on as their parent dies. @param {Standing[]} orphans */
function orphanWords(orphans) {
  const few = orphans.slice(0, 4).map((row) => nth(P.id, row.process)).join(", ");
  const names = orphans.length > 4 ? `${few}, …` : few;
  return `The parent of ${names} has died; the kernel named another in the same moment, as the next steps tell.`;
}

/** Offer the moment that `forktrace ps` shows, where nobody is there. @param {Standing[]} rows */
function usualMoment(rows) {
  if (STEPS === 0 || STATE.at === DATA.usual || rows.some((row) => row.life !== "outside")) return [];
  const offer = html("button", { type: "button", class: "link" }, "Show a moment with more going on");
  offer.addEventListener("click", () => jump(DATA.usual));
  return [" ", offer];
}

function forestItems() {
  return /** @type {HTMLElement[]} */ ([...byId("forest").children]);
}

function listenToForest() {
  holdForest();
  const list = byId("forest");
  list.addEventListener("click", (event) => {
    const item = event.target instanceof Element ? event.target.closest("[data-process]") : null;
    if (item) choose(Number(item.getAttribute("data-process")));
  });
  list.addEventListener("keydown", (event) => {
    const items = forestItems();
    const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    /** @type {Record<string, number>} */
    const moves = { ArrowDown: at + 1, ArrowUp: at - 1 };
    if (event.key in moves) focusItem(items, moves[event.key] ?? 0);
    else if (event.key === "Enter") choose(Number(items[at]?.getAttribute("data-process") ?? NONE));
    else return;
    event.preventDefault();
  });
}

/** @param {HTMLElement[]} items @param {number} at */
function focusItem(items, at) {
  const item = items[Math.min(Math.max(at, 0), items.length - 1)];
  for (const other of items) other.setAttribute("tabindex", other === item ? "0" : "-1");
  item?.focus();
}
