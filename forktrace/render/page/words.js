// Say in words what happens, when, and to whom.

/** Name a process: "p4 conmon". @param {number} p */
function who(p) {
  if (p === NONE) return "an unseen process";
  const outside = nth(P.flags, p) & OUTSIDE ? " (outside the trace)" : "";
  const id = nth(P.id, p);
  const name = text(nth(P.name, p));
  return `${id === name ? id : `${id} ${name}`}${outside}`; // forktrace has no other id
}

/** Name a process by what it ran at a step: "p4 conmon". @param {number} p @param {number} at */
function whoAt(p, at) {
  if (p === NONE || nth(P.flags, p) & OUTSIDE) return who(p);
  const image = imageAt(p, at);
  if (image === NONE) return EXECS.has(p) ? nth(P.id, p) : who(p); // its name is that of a later program
  return `${nth(P.id, p)} ${text(nth(DATA.images, image)[0])}`;
}

/** Tell a step in a sentence. @param {number} step */
function sentence(step) {
  const p = nth(S.process, step);
  const other = nth(S.other, step);
  const more = nth(S.more, step);
  switch (kindOf(step)) {
    case "b":
      return birthWords(p, other, step);
    case "e":
      return execWords(p, more, step);
    case "x":
      return `${whoAt(p, step)} ends: ${text(more)}`;
    case "a":
    case "A":
      return adoptionWords(p, other, more, step);
    case "w":
      return `${whoAt(other, step)} waits for ${whoAt(p, step)} and takes its exit status`;
    case "s":
      return `${whoAt(p, step)} calls setsid: it leads a session of its own`;
    case "r":
      return `${whoAt(p, step)} becomes a subreaper: orphans below it will be its children`;
    default:
      return "";
  }
}

/** @param {number} p @param {number} image @param {number} step */
function execWords(p, image, step) {
  const before = imageAt(p, step - 1);
  const [name, args, , , , , words] = nth(DATA.images, image);
  const same = before !== NONE && nth(DATA.images, before)[0] === name && nth(DATA.images, before)[1] === args;
  return `${whoAt(p, step - 1)} executes ${text(words)}${same ? ", once more" : ""}`;
}

/** @param {number} p @param {number} creator @param {number} step */
function birthWords(p, creator, step) {
  const how = text(nth(P.how, p));
  /** @type {Record<string, string>} */
  const verbs = { fork: "forks", vfork: "vforks", clone: "clones", clone3: "clones" };
  const id = nth(P.id, p);
  if (creator === NONE) return `${id} is first seen`;
  const parent = nth(P.parent, p);
  const elsewhere = parent !== NONE && parent !== creator;
  const flag = text(nth(P.call, p)).includes("CLONE_PARENT ") ? ", by CLONE_PARENT" : "";
  const whose = elsewhere ? `; its real parent is ${whoAt(parent, step)}${flag}` : "";
  return `${whoAt(creator, step)} ${verbs[how] ?? "creates"} ${id}${whose}`;
}

/** @param {number} p @param {number} parent @param {number} death @param {number} step */
function adoptionWords(p, parent, death, step) {
  const cause = death === NONE ? " (first seen here)" : `, as ${whoAt(death, step)} has died`;
  const inferred = kindOf(step) === "A" ? " (inferred)" : "";
  return `${whoAt(parent, step)} becomes the real parent of ${whoAt(p, step)}${cause}${inferred}`;
}

/** Say when a step was, from the start. @param {number} step */
function timeWords(step) {
  if (!DATA.times || step < 0 || step > LAST) return "";
  const ns = nth(S.ns, step);
  if (ns >= 1e9) return `${(ns / 1e9).toFixed(3)} s`;
  return ns >= 1e6 ? `${(ns / 1e6).toFixed(1)} ms` : `${(ns / 1e3).toFixed(0)} µs`;
}

/** Write a number with separators. @param {number} value */
function grouped(value) {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Say how many. @param {number} count @param {string} one @param {string} [many] */
function counted(count, one, many) {
  return `${grouped(count)} ${count === 1 ? one : (many ?? `${one}s`)}`;
}

/** Name a kind of step. @param {number} step */
function kindWords(step) {
  /** @type {Record<string, string>} */
  const names = {
    b: "creation",
    e: "exec",
    x: "end",
    a: "adoption",
    A: "adoption (inferred)",
    w: "wait",
    s: "setsid",
    r: "subreaper",
  };
  return names[kindOf(step)] ?? "";
}

/** Say what a reader of a moment's picture must know: when it was, what is not shown. @param {number} hidden */
function momentCaption(hidden) {
  const moment = STATE.at >= LAST || STATE.at < 0 ? "" : `After event #${nth(S.event, STATE.at)}; what follows is pale.`;
  const folded = hidden > 0 ? `Folded or filtered away: ${counted(hidden, "process", "processes")}.` : "";
  return [moment, folded].filter(Boolean).join(" ");
}
