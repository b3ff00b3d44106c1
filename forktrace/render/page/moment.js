// How things stood after a step: who was there, whose child, as what program.

/** @typedef {"alive" | "unseen" | "zombie" | "unwaited" | "ended" | "past" | "outside" | ""} Life */
/**
 * @typedef {object} Standing
 * @property {number} process
 * @property {Life} life
 * @property {number} parent
 * @property {number} depth
 * @property {string} guides
 */

/** Return the last of some steps that is not after a step, -1 if none. @param {number[] | undefined} steps @param {number} at */
function lastUpTo(steps, at) {
  if (!steps) return NONE;
  let found = NONE;
  for (const step of steps) {
    if (step > at) break;
    found = step;
  }
  return found;
}

/** Return the program that a process ran, -1 if that is unknown. @param {number} p @param {number} at */
function imageAt(p, at) {
  const step = lastUpTo(EXECS.get(p), at);
  return step === NONE ? nth(P.first, p) : nth(S.more, step);
}

/** Return the last adoption of a process up to a step, -1 if none. @param {number} p @param {number} at */
function adoptionAt(p, at) {
  return lastUpTo(ADOPTIONS.get(p), at);
}

/**
 * Return the real parent, -1 where there is none to name: it is unknown, or it has died.
 * The kernel hands children on while their parent dies. As the death is told first, a child stays
 * below it until its adoption is told, or until the dead one is gone.
 * @param {number} p @param {number} at
 */
function parentAt(p, at) {
  const adoption = adoptionAt(p, at);
  const parent = adoption === NONE ? nth(P.parent, p) : nth(S.other, adoption);
  if (parent === NONE || nth(ENDED, parent) > at) return parent;
  const coming = ADOPTIONS.get(p)?.find((step) => step > at);
  if (coming === undefined || nth(S.more, coming) !== parent) return NONE;
  return nth(REAPED, parent) > at ? parent : nth(S.other, coming);
}

/** Say if a process lost its parent, and who took it is told by a later step. @param {number} p @param {number} at */
function isBetween(p, at) {
  const adoption = adoptionAt(p, at);
  const parent = adoption === NONE ? nth(P.parent, p) : nth(S.other, adoption);
  const coming = ADOPTIONS.get(p)?.find((step) => step > at);
  return coming !== undefined && parent !== NONE && nth(S.more, coming) === parent && nth(ENDED, parent) <= at;
}

/** Say if a process was seen to do something in (from, to]. @param {number} p @param {number} from @param {number} to */
function actedIn(p, from, to) {
  return (ACTS.get(p) ?? []).some((step) => step > from && step <= to);
}

/**
 * Say how a process stood, "" where it was not there (the rules are those of `forktrace ps`).
 * @param {number} p @param {number} at @returns {Life}
 */
function lifeAt(p, at) {
  if (nth(P.flags, p) & OUTSIDE) return "outside";
  if (nth(BORN, p) > at) return "";
  const ended = nth(ENDED, p);
  if (ended > at) {
    if (STEPS === 0 && text(nth(P.end, p)).startsWith("exit")) return "zombie";
    const released = P.released[p];
    const lost = released !== undefined && released <= at;
    return lost || nth(P.flags, p) & UNSEEN ? "unseen" : "alive";
  }
  const reaped = nth(REAPED, p);
  if (reaped !== NEVER) return reaped > at ? "zombie" : "";
  return lifeUnwaited(p, ended, at);
}

/** @param {number} p @param {number} ended @param {number} at @returns {Life} */
function lifeUnwaited(p, ended, at) {
  const waiter = parentAt(p, at);
  if (waiter === NONE || nth(P.flags, waiter) & OUTSIDE) return "";
  if (DATA.waits) return "unwaited";
  return actedIn(waiter, ended, at) ? "past" : "ended";
}

/** Say if a process is listed although it has ended. @param {Life} life */
function hasEnded(life) {
  return life === "zombie" || life === "unwaited" || life === "ended";
}

/**
 * Return the rows of `ps --forest` after a step.
 * @param {number} at
 * @returns {Standing[]}
 */
function forestAt(at) {
  /** @type {Map<number, Life>} */
  const present = new Map();
  const parents = new Set();
  for (let p = 0; p < COUNT; p++) {
    const life = lifeAt(p, at);
    if (life === "" || life === "past" || life === "outside") continue;
    present.set(p, life);
    parents.add(parentAt(p, at));
  }
  for (let p = 0; p < COUNT; p++) {
    if (nth(P.flags, p) & OUTSIDE && parents.has(p)) present.set(p, "outside");
  }
  return inForest(present, at);
}

/** @param {Map<number, Life>} present @param {number} at @returns {Standing[]} */
function inForest(present, at) {
  /** @type {Map<number, number[]>} */
  const under = new Map();
  for (const [p, life] of present) {
    const parent = life === "outside" ? NONE : parentAt(p, at);
    push(under, present.has(parent) ? parent : NONE, p);
  }
  const tops = under.get(NONE) ?? [];
  tops.sort((a, b) => rank(a) - rank(b));
  /** @type {Standing[]} */
  const rows = [];
  /** @type {[number, number, string, string][]} process, depth, what leads to it, what to those below */
  const stack = tops.map((p) => /** @type {[number, number, string, string]} */ ([p, 0, "", ""])).reverse();
  for (let next = stack.pop(); next; next = stack.pop()) {
    const [process, depth, guides, below] = next;
    rows.push({ process, life: present.get(process) ?? "", parent: parentAt(process, at), depth, guides });
    const children = under.get(process) ?? [];
    for (let i = children.length - 1; i >= 0; i--) {
      const deeper = below + (i === children.length - 1 ? "   " : "│  ");
      const fork = i === children.length - 1 ? "└─ " : "├─ ";
      stack.push([nth(children, i), depth + 1, shorten(below + fork), shorten(deeper)]);
    }
  }
  return rows;
}

/** Keep the nearest levels of a very deep tree. @param {string} guides */
function shorten(guides) {
  return guides.length > 90 ? "… " + guides.slice(-60) : guides;
}

/** Order those at the top: outside the trace first, by pid. @param {number} p */
function rank(p) {
  return nth(P.flags, p) & OUTSIDE ? nth(P.pid, p) - 2 ** 32 : p;
}

/** Return the state as ps codes it, as far as a trace tells. @param {Life} life */
function stat(life) {
  /** @type {Record<string, string>} */
  const letters = { zombie: "Z", unwaited: "Z?", alive: "-", outside: "-" };
  return letters[life] ?? "?";
}

/** Return the comm that a process had. @param {number} p @param {number} at */
function commAt(p, at) {
  const told = (P.comms[p] ?? []).filter(([step]) => step <= at).at(-1);
  const image = imageAt(p, at);
  const usual = image === NONE ? "" : text(nth(DATA.images, image)[0]).slice(0, 15);
  return told && told[1] !== NONE ? text(told[1]) : usual || text(nth(P.name, p));
}

/** Return the command line as ps writes it. @param {Standing} standing @param {number} at */
function commandAt(standing, at) {
  const p = standing.process;
  const comm = `[${commAt(p, at) || "?"}]`;
  if (standing.life === "ended") return `${comm} <ended>`;
  if (hasEnded(standing.life)) return `${comm} <defunct>`;
  const image = imageAt(p, at);
  const line = image === NONE ? "" : commandLine(image, 400);
  if (standing.life === "outside") return `(${line || text(nth(P.name, p))})`;
  return line || comm;
}

/** Join a program's arguments, as many as are of use. @param {number} image @param {number} most */
function commandLine(image, most) {
  const args = nth(DATA.arguments, nth(DATA.images, image)[1]);
  let line = "";
  for (const arg of args) {
    line += (line ? " " : "") + arg;
    if (line.length > most) return line.slice(0, most - 1) + "…";
  }
  return line;
}
