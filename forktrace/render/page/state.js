// What the reader has chosen, and what follows for the rows.

const FEW_ROWS = 60;

/**
 * @typedef {object} Lanes The part of the page that draws them: a whole picture, or rows on demand.
 * @property {() => void} show Draw the moment, the choice and what was found.
 * @property {() => void} arrange Draw the rows anew, as some were folded or filtered.
 * @property {(process: number, step: number) => void} reveal Scroll to a process, at a step.
 * @property {(change: -1 | 0 | 1) => void} zoom Make larger or smaller; 0 fits the width.
 * @property {() => string} svg Return the moment as a file.
 */

const STATE = {
  /** The last step that has happened. */
  at: LAST,
  /** The chosen process, -1 for none. */
  process: NONE,
  /** The chosen step, -1 for none. */
  step: NONE,
  /** @type {Set<number>} processes whose subtrees are folded */
  folded: new Set(),
  /** @type {Set<string>} roles that are not shown */
  without: new Set(),
  /** @type {Set<number> | null} processes that were searched for */
  found: null,
};

/** Return the processes that have no row now. */
function hiddenProcesses() {
  /** @type {Set<number>} */
  const below = new Set();
  for (const p of DATA.order) {
    const above = nth(P.above, p);
    if (above !== NONE && (below.has(above) || STATE.folded.has(above))) below.add(p);
  }
  if (STATE.without.size === 0) return below;
  for (const p of DATA.order) {
    if (STATE.without.has(text(nth(P.role, p)))) below.add(p);
  }
  return below;
}

/** Say if a process has rows below it. @param {number} p */
function hasBelow(p) {
  return BELOW.has(p);
}

/** Count the processes below one. @param {number} p */
function countBelow(p) {
  let count = 0;
  const stack = [...(BELOW.get(p) ?? [])];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    count++;
    for (const child of BELOW.get(next) ?? []) stack.push(child);
  }
  return count;
}

/** Unfold what stands above a process, so that it has a row. @param {number} p */
function unfoldTo(p) {
  let changed = STATE.without.delete(text(nth(P.role, p)));
  for (let above = nth(P.above, p); above !== NONE; above = nth(P.above, above)) {
    changed = STATE.folded.delete(above) || changed;
  }
  return changed;
}

/** Return how far below the first of its tree each process is. */
function depths() {
  const depth = new Int32Array(COUNT);
  for (const p of DATA.order) {
    const above = nth(P.above, p);
    depth[p] = above === NONE ? 0 : nth(depth, above) + 1;
  }
  return depth;
}

/** Fold what is deep, so that a reader sees few rows first; a wide tree stays as it is. */
function foldAtFirst() {
  const depth = depths();
  /** @type {number[]} */
  const rows = [];
  for (const p of DATA.order) rows[nth(depth, p)] = (rows[nth(depth, p)] ?? 0) + 1;
  let deepest = 0;
  let sum = rows[0] ?? 0;
  while (deepest + 1 < rows.length && (deepest === 0 || sum + (rows[deepest + 1] ?? 0) <= FEW_ROWS)) {
    sum += rows[++deepest] ?? 0;
  }
  for (const p of DATA.order) if (nth(depth, p) >= deepest && hasBelow(p)) STATE.folded.add(p);
}
