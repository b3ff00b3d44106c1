// Find, filter by role, fold: what changes which rows are shown.

/** @type {string[] | null} */
let haystack = null;

/** Return what a process is found by: id, pids, names, arguments. @param {number} p */
function searchable(p) {
  const images = [nth(P.first, p), ...(EXECS.get(p) ?? []).map((step) => nth(S.more, step))];
  const programs = images.filter((image) => image !== NONE).map((image) => {
    const [name, args] = nth(DATA.images, image);
    return `${text(name)} ${nth(DATA.arguments, args).join(" ").slice(0, 4000)}`;
  });
  const pids = nth(P.pids, nth(P.nspid, p)).join(" ");
  return `${nth(P.id, p)} ${nth(P.pid, p)} ${pids} ${text(nth(P.name, p))} ${programs.join(" ")}`.toLowerCase();
}

/** Find what was asked for, and mark it. @param {string} query */
function search(query) {
  const wanted = query.trim().toLowerCase();
  haystack ??= Array.from({ length: COUNT }, (_, p) => searchable(p));
  const hay = haystack;
  STATE.found = wanted ? new Set(DATA.order.filter((p) => matches(nth(hay, p), p, wanted))) : null;
  byId("found").textContent = wanted ? counted(STATE.found?.size ?? 0, "match", "matches") : "";
  lanes.show();
}

/** An id or a pid is meant exactly: "p1" is not "p12". @param {string} hay @param {number} p @param {string} wanted */
function matches(hay, p, wanted) {
  if (/^[px]\d+$/.test(wanted)) return nth(P.id, p) === wanted;
  if (/^\d+$/.test(wanted)) return hay.split(" ").includes(wanted);
  return hay.includes(wanted);
}

/** Go to the next of those that were found. @param {number} direction */
function nextFound(direction) {
  const found = DATA.order.filter((p) => STATE.found?.has(p));
  if (found.length === 0) return;
  const at = found.indexOf(STATE.process);
  const next = at === NONE ? (direction > 0 ? 0 : found.length - 1) : (at + direction + found.length) % found.length;
  const p = nth(found, next);
  choose(p);
  byId("found").textContent = `${next + 1} of ${found.length}`;
}

function makeRoleFilter() {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const p of DATA.order) {
    const role = text(nth(P.role, p));
    if (role) counts.set(role, (counts.get(role) ?? 0) + 1);
  }
  if (counts.size < 2) return; // there is nothing to choose between
  for (const role of DATA.roles) {
    const count = counts.get(role);
    if (!count) continue;
    const chip = html(
      "button",
      { type: "button", class: "role", "aria-pressed": "true", "data-role": role, title: `Show or hide: ${role}` },
      html("span", { class: `dot role-${role}` }),
      role,
      html("span", { class: "dim" }, ` ${grouped(count)}`),
    );
    chip.addEventListener("click", () => toggleRole(role));
    byId("roles").append(chip);
  }
}

/** @param {string} role */
function toggleRole(role) {
  if (!STATE.without.delete(role)) STATE.without.add(role);
  arrangeAll();
}

/** @param {number} p */
function toggleFold(p) {
  if (!STATE.folded.delete(p)) STATE.folded.add(p);
  arrangeAll();
}

/** Draw the rows anew, and say what is not shown. */
function arrangeAll() {
  for (const chip of byId("roles").children) {
    chip.setAttribute("aria-pressed", String(!STATE.without.has(chip.getAttribute("data-role") ?? "")));
  }
  const hidden = hiddenProcesses().size;
  const box = byId("missing");
  box.replaceChildren();
  if (hidden > 0) {
    const all = html("button", { type: "button", class: "link" }, "Show all");
    all.addEventListener("click", showAll);
    box.append(`${counted(hidden, "process is", "processes are")} folded or filtered away. `, all);
  }
  lanes.arrange();
  showDetails();
}

function showAll() {
  STATE.folded.clear();
  STATE.without.clear();
  arrangeAll();
}

function listenToFilters() {
  field("query").addEventListener("input", () => search(field("query").value));
  field("query").addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    field("query").value = "";
    search("");
    field("query").blur();
  });
  byId("search").addEventListener("submit", (event) => {
    event.preventDefault();
    nextFound(1);
  });
  button("fold").addEventListener("click", () => {
    const tops = new Set(DATA.order.filter((p) => nth(P.above, p) === NONE));
    for (const p of DATA.order) if (hasBelow(p) && !tops.has(p)) STATE.folded.add(p);
    arrangeAll();
  });
  button("unfold").addEventListener("click", showAll);
  button("smaller").addEventListener("click", () => lanes.zoom(-1));
  button("fit").addEventListener("click", () => lanes.zoom(0));
  button("larger").addEventListener("click", () => lanes.zoom(1));
}
