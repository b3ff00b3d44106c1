// What the page was given, and what follows from it: who was when, in numbers.

/**
 * @typedef {object} Columns The processes, a value each; texts are numbers of strings.
 * @property {string[]} id
 * @property {number[]} pid
 * @property {number[]} nspid
 * @property {number[]} name
 * @property {number[]} role
 * @property {number[]} rule
 * @property {number[]} flags
 * @property {number[]} above
 * @property {number[]} creator
 * @property {number[]} parent
 * @property {number[]} how
 * @property {number[]} call
 * @property {number[]} first
 * @property {number[]} threads
 * @property {number[]} end
 * @property {number[][]} notes
 * @property {number[]} cgroups
 * @property {number[]} spaces
 * @property {Record<string, [number, number][]>} comms
 * @property {Record<string, number[]>} acts
 * @property {Record<string, number>} released
 * @property {number[][]} pids
 * @property {Stay[][]} cgroupStays
 * @property {Stay[][]} spaceStays
 */
/** @typedef {[number, number, number[]]} Told a sentence, its certainty, the events it rests on */
/** @typedef {[number, number, number, number, number]} Stay kind, where, how, since (a step), by */
/** @typedef {[number, number, number, number, number, number, number]} Program name, arguments, path, exe, cwd, errors, words */
/**
 * @typedef {object} Steps What happened, in order: a letter a kind, a value each.
 * @property {string} kind
 * @property {number[]} event
 * @property {number[]} ns
 * @property {number[]} process
 * @property {number[]} other
 * @property {number[]} more
 */
/**
 * @typedef {object} PageData
 * @property {string} title
 * @property {string[]} summary
 * @property {boolean} small
 * @property {string} source
 * @property {boolean} waits
 * @property {boolean} times
 * @property {number} usual
 * @property {string[]} notes
 * @property {string[]} roles
 * @property {Columns} processes
 * @property {Steps} steps
 * @property {number[]} order
 * @property {{rows: [number, number, number, number][], columns: [number, number][]}} lanes
 * @property {number[]} started the command and forktrace, where that started it
 * @property {{sentences: string, places: string}} left what the page has not, in words
 * @property {[number, Told[]][]} story
 * @property {Record<string, Told[]>} sentences
 * @property {string[]} strings
 * @property {string[][]} arguments
 * @property {Program[]} images
 */

const NONE = -1;
const NEVER = 2 ** 30;
const OUTSIDE = 1;
const ATTACHED = 2;
const UNSEEN = 4;
const INFERRED = 8;
const LEFT = 16;

/** Return an element of the page that is always there. @param {string} id */
function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

const DATA = /** @type {PageData} */ (JSON.parse(byId("data").textContent ?? ""));
const P = DATA.processes;
const S = DATA.steps;
const COUNT = P.id.length;
const STEPS = S.kind.length;
const LAST = STEPS - 1;

/** Return a text by its number. @param {number | undefined} number */
function text(number) {
  return number === undefined || number === NONE ? "" : (DATA.strings[number] ?? "");
}

/** Return an item that is known to be there. @template T @param {ArrayLike<T>} items @param {number} at */
function nth(items, at) {
  return /** @type {T} */ (items[at]);
}

/** Say what kind of step one is, by its letter. @param {number} step */
function kindOf(step) {
  return S.kind[step] ?? "";
}

/** Say if a step is an adoption. @param {number} step */
function isAdoption(step) {
  return kindOf(step) === "a" || kindOf(step) === "A";
}

const BORN = new Int32Array(COUNT).fill(NEVER);
const ENDED = new Int32Array(COUNT).fill(NEVER);
const REAPED = new Int32Array(COUNT).fill(NEVER);
/** @type {Map<number, number[]>} */
const EXECS = new Map();
/** @type {Map<number, number[]>} */
const ADOPTIONS = new Map();
/** @type {Map<number, number[]>} what a process was seen to do: fork, exec, make a thread */
const ACTS = new Map();
/** @type {Map<number, number[]>} */
const BELOW = new Map();
/** @type {Map<string, number>} */
const PLACE = new Map();

/** Put a value into a list in a map. @param {Map<number, number[]>} map @param {number} key @param {number} value */
function push(map, key, value) {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

function readProcesses() {
  for (let p = 0; p < COUNT; p++) {
    PLACE.set(nth(P.id, p), p);
    const above = nth(P.above, p);
    if (above !== NONE) push(BELOW, above, p);
    if (nth(P.flags, p) & (OUTSIDE | ATTACHED)) BORN[p] = NONE;
    if (STEPS === 0) BORN[p] = NONE;
  }
}

function readSteps() {
  for (let step = 0; step < STEPS; step++) {
    const p = nth(S.process, step);
    const other = nth(S.other, step);
    if (nth(BORN, p) === NEVER) BORN[p] = step;
    switch (kindOf(step)) {
      case "b":
        if (other !== NONE) push(ACTS, other, step);
        break;
      case "e":
        push(EXECS, p, step);
        push(ACTS, p, step);
        break;
      case "x":
        ENDED[p] = step;
        break;
      case "a":
      case "A":
        push(ADOPTIONS, p, step);
        break;
      case "w":
        REAPED[p] = step;
        break;
    }
  }
  for (const [p, steps] of Object.entries(P.acts)) {
    for (const step of steps) push(ACTS, Number(p), step);
    ACTS.get(Number(p))?.sort((a, b) => a - b);
  }
}

readProcesses();
readSteps();
