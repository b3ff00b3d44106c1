// All that is known of a process, or of one step.

const MOST_LINKS = 3; // behind a sentence of the story

/** Draw the details of what was chosen. */
function showDetails() {
  const box = byId("detail");
  if (STATE.step !== NONE) box.replaceChildren(...stepDetails(STATE.step));
  else if (STATE.process !== NONE) box.replaceChildren(...processDetails(STATE.process));
  else box.replaceChildren(...launchDetails());
}

/** @param {number} p @param {string} [words] */
function processLink(p, words) {
  if (p === NONE) return document.createTextNode("unknown");
  const link = html("a", { href: hashOf(STATE.at, p), "data-choose": String(p) }, words ?? who(p));
  return link;
}

/** @param {number} step @param {string} [words] */
function stepLink(step, words) {
  const link = html("a", { href: hashOf(step, STATE.process), "data-step": String(step) }, words ?? `#${nth(S.event, step)}`);
  link.title = sentence(step);
  return link;
}

/** @param {string} name @param {(Node | string)[]} content */
function fact(name, ...content) {
  return [html("dt", {}, name), html("dd", {}, ...content)];
}

/** @param {string} title @param {Node[]} content */
function block(title, ...content) {
  return html("section", { class: "block" }, html("h3", {}, title), ...content);
}

function launchDetails() {
  const lines = [...DATA.summary, ...DATA.notes];
  return [
    html("p", { class: "hint" }, "Choose a process, a line or a mark to see all that is known of it."),
    ...lines.map((line) => html("p", {}, line)),
    ...DATA.story.map(([title, told]) => block(text(title) || "In words", sentenceList(told, true))),
  ];
}

/**
 * List sentences, with what is not sure marked so.
 * @param {Told[]} told @param {boolean} linked with links to the steps that they rest on
 */
function sentenceList(told, linked) {
  const list = html("ul", { class: "sentences" });
  for (const [words, certainty, events] of told) {
    const mark = text(certainty) === "observed" ? [] : [" ", html("em", { class: "certainty" }, text(certainty))];
    const steps = linked ? events.map((event) => S.event.indexOf(event)).filter((step) => step !== NONE) : [];
    const links = steps.slice(-MOST_LINKS).flatMap((step) => [" ", stepLink(step)]);
    list.append(html("li", {}, text(words), ...mark, ...links));
  }
  return list;
}

/** @param {number} p */
function roleChip(p) {
  const outside = nth(P.flags, p) & OUTSIDE;
  const role = outside ? "outside" : text(nth(P.role, p)) || "other";
  const words = outside ? "outside the trace" : role;
  return html("span", { class: "chip" }, html("span", { class: `dot role-${role}` }), words);
}

/** @param {number} p */
function processDetails(p) {
  const heading = html("p", { class: "name" }, html("b", {}, nth(P.id, p)), ` ${text(nth(P.name, p))}`, roleChip(p));
  const life = lifeAt(p, STATE.at);
  const there = life !== "" && life !== "outside" && life !== "past";
  const parent = there ? parentAt(p, STATE.at) : NONE;
  const child = parent === NONE ? [] : [", a child of ", processLink(parent)];
  return [
    heading,
    html("p", { class: "at" }, "At this moment: ", html("strong", {}, standingWords(p, life)), ...child, "."),
    processButtons(p),
    html("dl", {}, ...identity(p), ...family(p), ...ending(p)),
    ...programs(p),
    ...inWords(p, null),
    ...surroundings(p),
  ];
}

/** Say how a process stands, also if it is not there. @param {number} p @param {Life} life */
function standingWords(p, life) {
  if (nth(BORN, p) > STATE.at) return "not yet created";
  if (life !== "" && life !== "past") return lifeWords(life);
  if (nth(REAPED, p) <= STATE.at) return "gone: it has ended and was waited for";
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
    ...(text(nth(P.rule, p)) ? fact("role", `${text(nth(P.role, p))}: ${text(nth(P.rule, p))}`) : []),
  ];
}

/** @param {number} p */
function family(p) {
  const creator = nth(P.creator, p);
  const made = [];
  if (creator !== NONE) {
    const born = nth(BORN, p);
    made.push(processLink(creator), " by ", html("code", {}, text(nth(P.call, p)) || "an unknown call"));
    if (born >= 0 && born !== NEVER && kindOf(born) === "b") made.push(" ", stepLink(born));
  } else if (nth(P.flags, p) & ATTACHED) made.push("before the trace began");
  else made.push("not seen");
  const children = (BELOW.get(p) ?? []).filter((child) => nth(P.creator, child) === p);
  return [
    ...fact("created by", ...made),
    ...fact("real parent", parentsOverTime(p)),
    ...(children.length ? fact("created", ...listed(children)) : []),
  ];
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
  for (const step of ADOPTIONS.get(p) ?? []) {
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
  const at = end === NEVER ? [] : [" ", stepLink(end), ` ${timeWords(end)}`];
  return [...fact("end", text(nth(P.end, p)), ...at), ...fact("reaped by", ...reaping(p))];
}

/** @param {number} p @returns {(Node | string)[]} */
function reaping(p) {
  const reaped = nth(REAPED, p);
  if (reaped !== NEVER) return [processLink(nth(S.other, reaped)), " ", stepLink(reaped)];
  if (nth(ENDED, p) === NEVER) return ["nobody: it was not seen to end"];
  return [DATA.waits ? "nobody in the trace" : "unknown: waits are recorded by --detail syscalls alone"];
}

/** @param {number} p */
function programs(p) {
  const items = [];
  const first = nth(P.first, p);
  if (first !== NONE) items.push(program(first, nth(P.flags, p) & OUTSIDE ? "runs" : "born as", NONE));
  for (const step of EXECS.get(p) ?? []) items.push(program(nth(S.more, step), "executed", step));
  return items.length ? [block("Programs", ...items)] : [];
}

/** @param {number} image @param {string} how @param {number} step */
function program(image, how, step) {
  const [name, args, path, exe, cwd, errors] = nth(DATA.images, image);
  const argv = nth(DATA.arguments, args);
  const list = html("ol", { class: "argv", start: "0" }, ...argv.map((arg) => html("li", {}, html("code", {}, arg))));
  const where = [`${how} `, html("b", {}, text(name))];
  if (step !== NONE) where.push(" ", stepLink(step), ` ${timeWords(step)}`);
  /** @type {[string, number][]} */
  const files = [
    ["execve of", path],
    ["executable", exe],
    ["in", cwd],
    ["not read:", errors],
  ];
  const more = files.filter(([, number]) => text(number)).map(([label, number]) => {
    return html("p", { class: "dim" }, `${label} `, html("code", {}, text(number)));
  });
  return html("div", { class: "program" }, html("p", {}, ...where), list, ...more);
}

/**
 * Return what `explain` says: of a process, or only what rests on one step.
 * @param {number} p @param {number | null} step
 */
function inWords(p, step) {
  const all = DATA.sentences[p] ?? [];
  const event = step === null ? NONE : nth(S.event, step);
  const told = step === null ? all : all.filter(([, , events]) => events.includes(event));
  const notes = step === null && all.length === 0 ? nth(P.notes, p).map(text) : [];
  if (told.length + notes.length === 0) return [];
  const list = sentenceList(told, false);
  for (const note of notes) list.append(html("li", {}, note));
  return [block(step === null ? "In words" : `In words: ${nth(P.id, p)}`, list)];
}

/** @param {number} p */
function surroundings(p) {
  const found = [];
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
  const born = nth(P.flags, p) & ATTACHED ? "when first seen" : "birth";
  const at = since === NONE ? born : since <= LAST ? stepLink(since) : "the end";
  const whom = by === NONE || by === p ? [] : [" by ", processLink(by, nth(P.id, by))];
  const kinds = same.map(([kind]) => text(kind) || "v2").join(", ");
  const cells = [[kinds], [html("code", {}, text(where))], [at, `, ${text(how)}`, ...whom]];
  return html("tr", {}, ...cells.map((cell) => html("td", {}, ...cell)));
}

/** @param {number} step */
function stepDetails(step) {
  const p = nth(S.process, step);
  const other = nth(S.other, step);
  const parts = [
    html("p", { class: "name" }, html("b", {}, kindWords(step)), html("span", { class: "chip" }, `event #${nth(S.event, step)}`)),
    html("p", {}, `${sentence(step)}.`),
    html("div", { class: "row" }, html("button", { type: "button", "data-go": String(step) }, "Go to this moment")),
  ];
  const facts = [...fact("process", processLink(p))];
  if (other !== NONE) facts.push(...fact(otherWords(step), processLink(other)));
  if (isAdoption(step) && nth(S.more, step) !== NONE) facts.push(...fact("old parent", processLink(nth(S.more, step))));
  if (kindOf(step) === "b" && text(nth(P.call, p))) facts.push(...fact("call", html("code", {}, text(nth(P.call, p)))));
  if (timeWords(step)) facts.push(...fact("time", `${timeWords(step)} from the start`));
  const image = kindOf(step) === "e" ? [block("Program", program(nth(S.more, step), "executed", NONE))] : [];
  const words = [...inWords(p, step), ...(other === NONE ? [] : inWords(other, step))];
  return [...parts, html("dl", {}, ...facts), ...image, ...words];
}

/** @param {number} step */
function otherWords(step) {
  if (kindOf(step) === "b") return "creator";
  return kindOf(step) === "w" ? "waited" : "new parent";
}

function listenToDetails() {
  byId("detail").addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target.closest("[data-choose], [data-step], [data-go], [data-fold]") : null;
    if (!target) return;
    event.preventDefault();
    const data = (/** @type {string} */ name) => target.getAttribute(`data-${name}`);
    if (data("choose") !== null) choose(Number(data("choose")));
    else if (data("step") !== null) chooseStep(Number(data("step")));
    else if (data("go") !== null) jump(Number(data("go")));
    else toggleFold(Number(data("fold")));
  });
}
