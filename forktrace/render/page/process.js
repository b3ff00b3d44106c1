// All that is known of a process.

const FEW_ARGUMENTS = 8; // that stand in a list without scrolling
const FEW_CHARACTERS = 240;

/** @param {number} p */
function roleChip(p) {
  const outside = nth(P.flags, p) & OUTSIDE;
  const role = outside ? "outside" : text(nth(P.role, p)) || "other";
  const words = outside ? "outside the trace" : role;
  return html("span", { class: "chip" }, html("span", { class: `dot role-${role}` }), words);
}

/** @param {number} p */
function processDetails(p) {
  const name = text(nth(P.name, p));
  const own = name === nth(P.id, p) ? "" : ` ${name}`;
  return [
    html("p", { class: "name" }, html("b", {}, nth(P.id, p)), own, roleChip(p)),
    html("p", { class: "at" }, ...momentWords(p)),
    processButtons(p),
    ...heldBack(),
    html("dl", {}, ...identity(p), ...family(p), ...ending(p)),
    ...programs(p),
    ...wordsOf(p),
    ...surroundings(p),
  ];
}

/** Say how a process stands at the moment: alive or not, as what, whose child. @param {number} p */
function momentWords(p) {
  const life = lifeAt(p, STATE.at);
  if (life === "outside") return ["Outside the trace: only what was seen of it from there is known."];
  const there = life !== "" && life !== "past";
  const parent = there ? parentAt(p, STATE.at) : NONE;
  const image = life === "alive" ? imageAt(p, STATE.at) : NONE;
  const program = image === NONE ? [] : [", as ", html("code", {}, text(nth(nth(DATA.images, image), 6)))];
  const between = isBetween(p, STATE.at);
  const child = parent === NONE ? [] : between ? [", whose parent ", processLink(parent), " has died"] : [", a child of ", processLink(parent)];
  return ["At this moment: ", html("strong", {}, standingWords(p, life)), ...program, ...child, "."];
}

/** Return what `explain` says of a process; where the page has none of it, its notes. @param {number} p */
function wordsOf(p) {
  const all = DATA.sentences[p] ?? [];
  const list = sentenceList(toldNow(all), false);
  const notes = all.length || horizon() < LAST || nth(P.flags, p) & OUTSIDE ? [] : nth(P.notes, p).map(text);
  for (const note of notes) list.append(html("li", {}, note));
  return list.children.length ? [block("In words", list, ...leftOut("sentences"))] : leftOut("sentences");
}

/** Say how a process stands, also if it is not there. @param {number} p @param {Life} life */
function standingWords(p, life) {
  if (nth(BORN, p) > STATE.at) return "not yet created";
  if (life !== "" && life !== "past") return lifeWords(life);
  if (nth(REAPED, p) <= STATE.at) return "gone, as it has ended and was waited for";
  return life === "past" ? "ended, perhaps a zombie still" : "ended";
}

/** @param {number} p */
function processButtons(p) {
  const box = html("div", { class: "row" });
  const jump = (/** @type {number} */ step, /** @type {string} */ words) => {
    const made = html("button", { type: "button", "data-go": String(step) }, words);
    box.append(made);
  };
  if (nth(BORN, p) >= 0 && nth(BORN, p) !== NEVER) jump(nth(BORN, p), "Go to its start");
  if (nth(ENDED, p) !== NEVER) jump(nth(ENDED, p), "Go to its end");
  if (hasBelow(p)) {
    const folded = STATE.folded.has(p);
    const words = `${folded ? "Unfold" : "Fold"} ${grouped(countBelow(p))} below`;
    box.append(html("button", { type: "button", "data-fold": String(p), "aria-expanded": String(!folded) }, words));
  }
  return box;
}

/** @param {number} p */
function identity(p) {
  const pids = nth(P.pids, nth(P.nspid, p));
  const known = pids.length ? pids : [nth(P.pid, p)];
  const told = known.length === 1 ? String(known[0] || "unknown") : known.join(" → ");
  const inner = known.length > 1 ? " (the tracer’s PID namespace, then each inner one)" : "";
  const threads = nth(P.threads, p);
  return [
    ...fact("pid", told, html("span", { class: "dim" }, inner)),
    ...(threads ? fact("threads", `${threads} more`) : []),
    ...(text(nth(P.rule, p)) && horizon() >= LAST ? fact("role", `${text(nth(P.role, p))}: ${text(nth(P.rule, p))}`) : []),
  ];
}

/** @param {number} p */
function family(p) {
  const creator = nth(P.creator, p);
  const made = [];
  const [command, tracer] = DATA.started;
  if (p === command && tracer !== undefined) made.push(processLink(tracer, "forktrace"), ", which ran it as the command");
  else if (creator !== NONE) {
    const born = nth(BORN, p);
    made.push(processLink(creator), " by ", ...callWords(p));
    if (born >= 0 && born !== NEVER && kindOf(born) === "b") made.push(" ", stepLink(born));
  } else if (nth(P.flags, p) & ATTACHED) made.push("before the trace began");
  else made.push("not seen");
  const children = (BELOW.get(p) ?? []).filter((child) => nth(P.creator, child) === p && isTold(nth(BORN, child)));
  return [
    ...fact("created by", ...made),
    ...fact("real parent", parentsOverTime(p)),
    ...(children.length ? fact("created", ...listed(children)) : []),
  ];
}

/** Write the call that made a process, and which thread called. @param {number} p @returns {(Node | string)[]} */
function callWords(p) {
  const [call = "", thread = ""] = text(nth(P.call, p)).split(/(?=, called by thread \d+$)/);
  return call ? [html("code", {}, call), thread] : ["an unknown call"];
}

/** @param {number[]} processes */
function listed(processes) {
  const shown = processes.slice(0, 24).flatMap((p, i) => (i ? [", ", processLink(p)] : [processLink(p)]));
  const more = processes.length - 24;
  return more > 0 ? [...shown, ` and ${grouped(more)} more`] : shown;
}

/** @param {number} p */
function parentsOverTime(p) {
  const first = nth(P.parent, p);
  const guess = nth(P.flags, p) & INFERRED ? " (inferred)" : "";
  const list = html("ol", { class: "times" }, html("li", {}, processLink(first), ` from the start${guess}`));
  for (const step of (ADOPTIONS.get(p) ?? []).filter(isTold)) {
    const death = nth(S.more, step);
    const cause = death === NONE ? [" first seen"] : [", when ", processLink(death), " died"];
    const inferred = kindOf(step) === "A" ? " (inferred)" : "";
    list.append(html("li", {}, processLink(nth(S.other, step)), ...cause, `${inferred} `, stepLink(step)));
  }
  return list;
}

/** @param {number} p */
function ending(p) {
  if (nth(P.flags, p) & OUTSIDE) return [];
  const end = nth(ENDED, p);
  if (!isTold(end) && horizon() < LAST) return [];
  const at = end === NEVER ? [] : [" ", stepLink(end), ` ${timeWords(end)}`];
  return [...fact("end", text(nth(P.end, p)), ...at), ...fact("reaped by", ...reaping(p))];
}

/** @param {number} p @returns {(Node | string)[]} */
function reaping(p) {
  const reaped = nth(REAPED, p);
  if (reaped !== NEVER && isTold(reaped)) return [processLink(nth(S.other, reaped)), " ", stepLink(reaped)];
  if (horizon() < LAST) return ["not told yet"];
  if (nth(ENDED, p) === NEVER) return ["nobody, as it was not seen to end"];
  const parent = parentAt(p, LAST);
  if (parent !== NONE && nth(P.flags, parent) & OUTSIDE) return ["not recorded: its parent then, ", processLink(parent, nth(P.id, parent)), ", is outside the trace"];
  return [DATA.waits ? "nobody in the trace" : "unknown: waits are recorded by --detail syscalls alone"];
}

/** @param {number} p */
function programs(p) {
  const items = [];
  const first = nth(P.first, p);
  if (first !== NONE) items.push(program(first, nth(P.flags, p) & OUTSIDE ? "ran" : nth(P.flags, p) & ATTACHED ? "ran when first seen" : "born running", NONE));
  for (const step of (EXECS.get(p) ?? []).filter(isTold)) items.push(program(nth(S.more, step), "executed", step));
  return items.length ? [block("Programs", ...items)] : [];
}

/** @param {number} image @param {string} how @param {number} step */
function program(image, how, step) {
  const [name, args, path, exe, cwd, errors] = nth(DATA.images, image);
  const argv = nth(DATA.arguments, args);
  const long = argv.length > FEW_ARGUMENTS || argv.join("").length > FEW_CHARACTERS;
  /** @type {Record<string, string>} */
  const scrolls = long ? { tabindex: "0" } : {}; // so that keys can scroll it
  const list = html("ol", { class: "argv", start: "0", "aria-label": "Arguments", ...scrolls }, ...argv.map((arg) => html("li", {}, html("code", {}, arg))));
  const where = [`${how} `, html("b", {}, text(name))];
  if (step !== NONE) where.push(" ", stepLink(step), ` ${timeWords(step)}`);
  /** @type {[string, number][]} */
  const files = [
    [how === "executed" ? "execve of" : "file", path],
    ["executable", exe],
    ["in", cwd],
    ["not read:", errors],
  ];
  const more = files.filter(([, number]) => text(number)).map(([label, number]) => {
    return html("p", { class: "dim" }, `${label} `, html("code", {}, text(number)));
  });
  return html("div", { class: "program" }, html("p", {}, ...where), list, ...more);
}

/** @param {number} p */
function surroundings(p) {
  /** @type {Node[]} */
  const found = leftOut("places");
  const cgroups = nth(P.cgroups, p) === NONE ? [] : nth(P.cgroupStays, nth(P.cgroups, p));
  const spaces = nth(P.spaces, p) === NONE ? [] : nth(P.spaceStays, nth(P.spaces, p));
  if (cgroups.length) found.push(block("Cgroups over time", stays(p, cgroups, "hierarchy")));
  if (spaces.length) found.push(block("Namespaces over time", stays(p, spaces, "kind")));
  return found;
}

/**
 * Tell where a process was; kinds of which the same is known stand in one row.
 * @param {number} p @param {Stay[]} list @param {string} first
 */
function stays(p, list, first) {
  const heads = [first, "where", "since"].map((name) => html("th", { scope: "col" }, name));
  /** @type {Map<string, Stay[]>} */
  const alike = new Map();
  for (const stay of list) {
    const since = nth(stay, 3);
    if (since !== NONE && since <= LAST && !isTold(since)) continue;
    const key = stay.slice(1).join();
    alike.set(key, [...(alike.get(key) ?? []), stay]);
  }
  const rows = [...alike.values()].map((same) => stayRow(p, same));
  const table = html("table", {}, html("thead", {}, html("tr", {}, ...heads)), html("tbody", {}, ...rows));
  return html("div", { class: "scrolls" }, table);
}

/** @param {number} p @param {Stay[]} same */
function stayRow(p, same) {
  const [, where, how, since, by] = nth(same, 0);
  const words = text(how);
  const at = since === NONE ? (words.startsWith("when ") ? [] : ["birth, "]) : [since <= LAST ? stepLink(since) : "the end", ", "];
  const link = words.startsWith("moved") ? " by " : " of ";
  const whom = by === NONE || by === p ? [] : [link, processLink(by, nth(P.id, by))];
  const kinds = same.map(([kind]) => text(kind) || "v2").join(", ");
  const cells = [[kinds], [html("code", {}, text(where))], [...at, words, ...whom]];
  return html("tr", {}, ...cells.map((cell) => html("td", {}, ...cell)));
}
