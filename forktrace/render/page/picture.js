// Bring the picture of the lanes to life: every mark knows its row and its column.

const SMALL_GAP = 4; // px that a mark may stand left of its column
const GHOST = "0.13"; // opacity of what is still to come
const NAME_CLASSES = ["ft-id", "ft-name", "ft-detail", "ft-detail-argv", "ft-badge", "ft-badge-frame"];
const NAME_END_CLASSES = ["ft-badge-end", "ft-badge-end-frame"]; // beside the names, and not there before the end
const EDGE_KINDS = ["stand", "create", "tie", "adopt", "reap"];
/** @type {Record<string, string>} which kinds of steps a class of marks tells of */
const STEP_OF_CLASS = {
  create: "b",
  tie: "b",
  adopt: "aA",
  reap: "w",
  exec: "e",
  argv: "e",
  cross: "x",
  end: "x",
  session: "s",
  subreaper: "r",
};

/** @typedef {{process: number, top: number, y: number, bottom: number, group: Element | null, names: SVGGElement | null}} Row */
/** @typedef {{element: Element, column: number}} Part A mark that is there from a column on (-1: always). */
/** @typedef {{element: Element, ghost: Element, from: number, to: number}} Span A mark that grows. */
/** @typedef {{element: Element, height: number, first: number, rows: Row[]}} Frame */
/** @typedef {{line: Element, heads: Element[], from: number, to: number, original: Record<string, string>}} Edge */

/** Read the picture that stands in the page. @param {SVGSVGElement} root */
function readPicture(root) {
  /** @type {Row[]} */
  const rows = DATA.lanes.rows.map(([process, top, y, bottom]) => ({
    process,
    top,
    y,
    bottom,
    group: root.querySelector(`#${CSS.escape(`${root.id}-${nth(P.id, process)}`)}`),
    names: null,
  }));
  const xs = DATA.lanes.columns.map(([x]) => x);
  const picture = {
    root,
    rows,
    xs,
    steps: DATA.lanes.columns.map(([, step]) => step),
    width: root.viewBox.baseVal.width,
    height: root.viewBox.baseVal.height,
    top: (rows[0]?.top ?? 0) - 6,
    bottom: rows.at(-1)?.bottom ?? 0,
    /** @type {Part[]} */
    parts: [],
    /** @type {Span[]} */
    spans: [],
    /** @type {Edge[]} */
    edges: [],
    /** @type {Element[]} */
    footer: [],
    /** @type {Frame[]} */
    frames: [],
    /** @type {Element[]} */
    frameNames: [],
    /** @type {{element: Element, row: number}[]} */
    loose: [],
  };
  sortElements(picture);
  pairEdges(picture);
  liftNames(picture);
  return picture;
}

/** @typedef {ReturnType<typeof readPicture>} Picture */

/** Return the last column that is not right of a place, -1 if none. @param {Picture} picture @param {number} x */
function columnLeftOf(picture, x) {
  let low = 0;
  let high = picture.xs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (nth(picture.xs, middle) <= x) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Return the row at a height, -1 if none. @param {Picture} picture @param {number} y */
function rowAt(picture, y) {
  return picture.rows.findIndex((row) => row.top <= y && y < row.bottom);
}

/** Return where a mark stands: x of its middle, and if it ends there. @param {Element} element */
function anchorOf(element) {
  const number = (/** @type {string} */ name) => num(element, name);
  switch (element.localName) {
    case "line":
      return { x: (number("x1") + number("x2")) / 2, y: number("y1"), ends: false };
    case "rect":
      return { x: number("x"), y: number("y"), ends: false };
    case "circle":
      return { x: number("cx"), y: number("cy"), ends: false };
    case "text":
      return { x: number("x"), y: number("y"), ends: element.getAttribute("text-anchor") === "end" };
    default: {
      const points = (element.getAttribute("points") ?? element.getAttribute("d") ?? "").match(/-?[\d.]+/g) ?? [];
      const xs = points.filter((_, i) => i % 2 === 0).map(Number);
      const ys = points.filter((_, i) => i % 2 === 1).map(Number);
      const curve = element.localName === "path";
      const middle = (Math.min(...xs) + Math.max(...xs)) / 2;
      return { x: curve ? (xs[0] ?? 0) : middle, y: ys[0] ?? 0, ends: false };
    }
  }
}

/**
 * Return the column of a mark: the nearest on its side that tells of such a step of its process.
 * @param {Picture} picture @param {Element} element @param {number} process -1 where none is known
 */
function columnOf(picture, element, process) {
  const { x, ends } = anchorOf(element);
  const kind = shortClass(element);
  const fits = (/** @type {number} */ column) => {
    const step = picture.steps[column];
    if (step === undefined || process === NONE || element.classList.contains("ft-path")) return true;
    const own = nth(S.process, step) === process;
    const kinds = STEP_OF_CLASS[kind];
    if (kinds) return own && kinds.includes(kindOf(step));
    return kind !== "word" || own || nth(S.other, step) === process;
  };
  const last = picture.xs.length - 1;
  if (ends) {
    let column = columnLeftOf(picture, x - SMALL_GAP) + 1;
    while (column < last && !fits(column)) column++;
    return Math.min(column, last);
  }
  let column = columnLeftOf(picture, x + SMALL_GAP);
  while (column > 0 && !fits(column)) column--;
  return column;
}

/** Return the column in which a process ends, the last one where none tells. @param {Picture} picture @param {number} process */
function columnOfEnd(picture, process) {
  const column = picture.steps.findIndex((step) => step !== NONE && kindOf(step) === "x" && nth(S.process, step) === process);
  return column === NONE ? picture.xs.length - 1 : column;
}

/** Return what a mark is, without prefix: "adopt" of an adoption's line, dot and head. @param {Element} element */
function shortClass(element) {
  return (element.classList[0] ?? "").replace(/^ft-/, "").replace(/-(dot|head)$/, "");
}

/** Say if a mark runs along a lane, so that a moment can lie within it. @param {Element} element */
function isSpan(element) {
  const kinds = element.classList;
  if (element.localName === "rect") return kinds.contains("ft-lane") || kinds.contains("ft-outside");
  return kinds.contains("ft-lane-many") || kinds.contains("ft-zombie");
}

/** Put every element where it belongs: header, rows, edges, footer. @param {Picture} picture */
function sortElements(picture) {
  for (const element of [...picture.root.children]) {
    if (["title", "desc", "style"].includes(element.localName)) continue;
    if (element.localName === "g") readGroup(picture, element);
    else sortElement(picture, element);
  }
}

/** @param {Picture} picture @param {Element} group */
function readGroup(picture, group) {
  const process = picture.rows.find((row) => row.group === group)?.process ?? NONE;
  for (const mark of [...group.children]) if (mark.localName !== "title") readMark(picture, mark, process);
}

/** @param {Picture} picture @param {Element} element */
function sortElement(picture, element) {
  const y = anchorOf(element).y;
  const kind = element.getAttribute("class") ?? "";
  if (kind === "ft-page" || y < picture.top) return;
  if (y >= picture.bottom) picture.footer.push(element);
  else if (kind === "ft-frame-name") picture.frameNames.push(element);
  else if (kind === "ft-frame" || kind === "ft-container-frame") picture.frames.push(readFrame(picture, element));
  else if (kind === "ft-guide") picture.loose.push({ element, row: rowAt(picture, y) });
  else if (!EDGE_KINDS.includes(shortClass(element))) readMark(picture, element, NONE);
}

/** @param {Picture} picture @param {Element} element @returns {Frame} */
function readFrame(picture, element) {
  const top = num(element, "y");
  const height = num(element, "height");
  const first = Math.max(rowAt(picture, top + 1), 0);
  const last = rowAt(picture, top + height - 1);
  return { element, height, first, rows: picture.rows.slice(first, last + 1) };
}

/** @param {Picture} picture @param {Element} mark @param {number} process */
function readMark(picture, mark, process) {
  const kind = mark.classList[0] ?? "";
  if (NAME_CLASSES.includes(kind)) return;
  if (NAME_END_CLASSES.includes(kind)) {
    picture.parts.push({ element: mark, column: columnOfEnd(picture, process) });
    return;
  }
  if (isSpan(mark)) {
    const line = mark.localName === "line";
    const from = line ? Math.min(num(mark, "x1"), num(mark, "x2")) : num(mark, "x");
    const to = line ? Math.max(num(mark, "x1"), num(mark, "x2")) : from + num(mark, "width");
    const ghost = /** @type {Element} */ (mark.cloneNode(true));
    ghost.setAttribute("opacity", GHOST);
    picture.spans.push({ element: mark, ghost, from, to });
  } else {
    picture.parts.push({ element: mark, column: columnOf(picture, mark, process) });
  }
}

/** Find the dot and the head of each line: they stand in the same order. @param {Picture} picture */
function pairEdges(picture) {
  const all = (/** @type {string} */ kind) =>
    [...picture.root.querySelectorAll(`:scope > .ft-${kind}`)].filter((e) => anchorOf(e).y < picture.bottom);
  for (const kind of EDGE_KINDS) {
    const dots = all(`${kind}-dot`);
    const heads = all(`${kind}-head`);
    all(kind).forEach((line, i) => {
      const ends = [dots[i], heads[i]].filter((end) => end !== undefined);
      const [y1, y2] = line.localName === "line" ? [num(line, "y1"), num(line, "y2")] : curveEnds(line);
      const column = columnOf(picture, line, NONE);
      for (const element of [line, ...ends]) picture.parts.push({ element, column: kind === "stand" ? NONE : column });
      picture.edges.push({
        line,
        heads: ends,
        from: rowAt(picture, y1),
        to: rowAt(picture, y2),
        original: { y1: String(y1), y2: String(y2), d: line.getAttribute("d") ?? "" },
      });
    });
  }
}

/** @param {Element} path @returns {[number, number]} */
function curveEnds(path) {
  const numbers = (path.getAttribute("d") ?? "").match(/-?[\d.]+/g) ?? [];
  return [Number(numbers[1] ?? 0), Number(numbers.at(-1) ?? 0)];
}

/** Move the names into a layer of their own, that stays at the left edge. @param {Picture} picture */
function liftNames(picture) {
  const starts = picture.spans.map((span) => span.from);
  const width = Math.min(...starts, ...picture.xs, picture.width) - 8;
  const layer = svg("g", { class: "names" });
  const lifted = [...NAME_CLASSES, ...NAME_END_CLASSES];
  picture.rows.forEach((row) => {
    const names = [...(row.group?.children ?? [])].filter((c) => lifted.includes(c.classList[0] ?? ""));
    const back = { class: "names-back", x: 0, y: row.top, width, height: row.bottom - row.top + 0.5 };
    row.names = svg("g", {}, svg("rect", back), ...names);
    layer.append(row.names);
  });
  for (const name of picture.frameNames) {
    (picture.rows[rowAt(picture, anchorOf(name).y)]?.names ?? layer).append(name);
  }
  picture.root.append(layer);
}
