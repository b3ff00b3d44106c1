// The lanes of a launch whose picture stands in the page: step, fold, choose.

const READABLE = 0.7; // the scale below which scrolling is better than small print
const LARGEST_FIT = 1.6;
const MOST_SHRUNK = 0.8; // of the scale that fits the width
const MARGIN = 3; // px of a lane that are shown right of the moment's column

/**
 * Make the lanes of a small launch.
 * @param {HTMLElement} box
 * @param {SVGSVGElement} root
 * @returns {Lanes}
 */
function pictureLanes(box, root) {
  const picture = readPicture(root);
  const original = { width: picture.width, height: picture.height, role: root.getAttribute("role") ?? "img" };
  const cursor = svg("line", { class: "cursor", y1: picture.top + 4 });
  const choice = svg("rect", { class: "choice", x: 0, width: picture.width, visibility: "hidden" });
  const bands = svg("g", { class: "bands" });
  /** @type {Set<number>} */
  let hidden = new Set();
  /** @type {number[]} */
  let shifts = picture.rows.map(() => 0);
  let scale = 1;

  root.setAttribute("role", "group");
  (picture.frames.at(-1)?.element ?? root.querySelector(".ft-page"))?.after(bands, choice);
  root.append(cursor);
  picture.rows.forEach(prepareRow);
  for (const span of picture.spans) span.element.before(span.ghost);
  root.addEventListener("click", onClick);
  box.addEventListener("scroll", keepNames, { passive: true });

  /** @param {Row} row */
  function prepareRow(row) {
    if (!row.group || !row.names) return;
    const p = row.process;
    row.names.setAttribute("data-process", String(p));
    row.group.setAttribute("data-process", String(p));
    if (!hasBelow(p)) return;
    const path = svg("path", { d: `M3,${row.y - 9}l7,4.5l-7,4.5z` });
    const hit = svg("rect", { x: 0, y: row.y - 15, width: 22, height: 22, opacity: 0 });
    const count = svg("text", { x: 4, y: row.y + 13, class: "folded-count" });
    const toggle = svg("g", { class: "toggle", role: "button", tabindex: 0, "data-toggle": p }, hit, path, count);
    toggle.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      toggleFold(p);
    });
    row.names.append(toggle);
  }

  /** Return how many columns have happened. @param {number} at */
  function columnsUpTo(at) {
    let count = 0;
    while (count < picture.steps.length && nth(picture.steps, count) <= at) count++;
    return count;
  }

  function show() {
    const column = columnsUpTo(STATE.at) - 1;
    for (const part of picture.parts) fade(part.element, part.column > column);
    const whole = STATE.at >= LAST;
    const x = column < 0 ? (picture.xs[0] ?? 0) - 8 : nth(picture.xs, column) + MARGIN;
    for (const span of picture.spans) grow(span, whole ? Infinity : x);
    picture.rows.forEach((row) => {
      const there = nth(BORN, row.process) <= STATE.at;
      row.names?.classList.toggle("unborn", !there);
      row.names?.classList.toggle("other", STATE.found !== null && !STATE.found.has(row.process));
    });
    for (const { element, row } of picture.loose) {
      const p = picture.rows[row]?.process ?? NONE;
      fade(element, p !== NONE && nth(BORN, p) > STATE.at);
    }
    for (const { element, rows } of picture.frames) {
      fade(element, rows.every((row) => nth(BORN, row.process) > STATE.at));
    }
    cursor.setAttribute("x1", String(x - MARGIN));
    cursor.setAttribute("x2", String(x - MARGIN));
    cursor.setAttribute("visibility", whole ? "hidden" : "visible");
    showChoice();
  }

  function showChoice() {
    bands.replaceChildren();
    picture.rows.forEach((row, i) => {
      if (hidden.has(row.process)) return;
      const y = row.top + nth(shifts, i);
      const band = { x: 0, y, width: picture.width, height: row.bottom - row.top };
      if (STATE.found?.has(row.process)) {
        bands.append(svg("rect", { class: "found", ...band }), svg("rect", { class: "found-mark", ...band, width: 4 }));
      }
      if (row.process === STATE.process) bands.append(svg("rect", { class: "chosen", ...band }));
    });
    for (const element of root.querySelectorAll(".is-chosen")) element.classList.remove("is-chosen");
    const column = STATE.step === NONE ? NONE : picture.steps.indexOf(STATE.step);
    choice.setAttribute("visibility", column === NONE ? "hidden" : "visible");
    if (column === NONE) return;
    const x = nth(picture.xs, column);
    choice.setAttribute("x", String(x - 9));
    choice.setAttribute("width", "18");
    choice.setAttribute("y", String(picture.top + 6));
    choice.setAttribute("height", String(Math.max(bottomNow() - picture.top - 8, 0)));
  }

  function bottomNow() {
    return picture.bottom + (shifts.at(-1) ?? 0) - (hidden.has(picture.rows.at(-1)?.process ?? NONE) ? lastHeight() : 0);
  }

  function lastHeight() {
    const row = picture.rows.at(-1);
    return row ? row.bottom - row.top : 0;
  }

  function arrange() {
    hidden = hiddenProcesses();
    let gone = 0;
    shifts = picture.rows.map((row) => {
      const shift = -gone;
      if (hidden.has(row.process)) gone += row.bottom - row.top;
      return shift;
    });
    picture.rows.forEach(placeRow);
    for (const edge of picture.edges) placeEdge(edge);
    for (const { element, row } of picture.loose) {
      place(element, nth(shifts, row), !hidden.has(nth(picture.rows, row).process));
    }
    picture.frames.forEach(placeFrame);
    for (const element of picture.footer) place(element, -gone, true);
    picture.height = original.height - gone;
    root.querySelector(".ft-page")?.setAttribute("height", String(picture.height));
    cursor.setAttribute("y2", String(picture.bottom - gone));
    resize();
    show();
  }

  /** @param {Row} row @param {number} i */
  function placeRow(row, i) {
    const visible = !hidden.has(row.process);
    if (row.group) place(row.group, nth(shifts, i), visible);
    if (row.names) place(row.names, nth(shifts, i), visible);
    const toggle = row.names?.querySelector(".toggle");
    if (!toggle) return;
    const folded = STATE.folded.has(row.process);
    const below = countBelow(row.process);
    toggle.classList.toggle("is-folded", folded);
    toggle.setAttribute("aria-expanded", String(!folded));
    toggle.setAttribute("aria-label", `${counted(below, "process", "processes")} below ${who(row.process)}`);
    const count = toggle.querySelector("text");
    if (count) count.textContent = folded ? `+${below}` : "";
    const turned = folded ? "" : `rotate(90 6.5 ${row.y - 4.5})`;
    toggle.querySelector("path")?.setAttribute("transform", turned);
  }

  /** Draw a line only between rows that are shown: at another's row it would tell of that one. @param {Edge} edge */
  function placeEdge(edge) {
    const [from, to] = [picture.rows[edge.from], picture.rows[edge.to]];
    const visible = !!from && !!to && !hidden.has(from.process) && !hidden.has(to.process);
    for (const element of [edge.line, ...edge.heads]) display(element, visible);
    if (!visible) return;
    const y1 = Number(edge.original.y1) + nth(shifts, edge.from);
    const y2 = Number(edge.original.y2) + nth(shifts, edge.to);
    if (edge.line.localName === "line") {
      edge.line.setAttribute("y1", String(y1));
      edge.line.setAttribute("y2", String(y2));
    } else {
      edge.line.setAttribute("d", bent(edge.original.d ?? "", y1, y2));
    }
    for (const head of edge.heads) {
      const row = rowAt(picture, anchorOf(head).y);
      head.setAttribute("transform", `translate(0,${nth(shifts, row === edge.from ? edge.from : edge.to)})`);
    }
  }

  /** @param {Frame} frame */
  function placeFrame(frame) {
    const gone = frame.rows.filter((row) => hidden.has(row.process));
    const height = gone.reduce((sum, row) => sum - (row.bottom - row.top), frame.height);
    frame.element.setAttribute("height", String(Math.max(height, 0)));
    place(frame.element, nth(shifts, frame.first), gone.length < frame.rows.length);
  }

  function resize() {
    const top = Math.max(picture.top, 0);
    root.setAttribute("viewBox", `0 ${top} ${picture.width} ${picture.height - top}`);
    root.setAttribute("width", String(picture.width * scale));
    root.setAttribute("height", String((picture.height - top) * scale));
    keepNames();
  }

  function keepNames() {
    const left = Math.max(box.scrollLeft / scale, 0);
    root.classList.toggle("scrolled", left > 4);
    root.querySelector(".names")?.setAttribute("transform", `translate(${left},0)`);
  }

  /** Return the scale that fits the width; one that fits the height too, if print stays readable. */
  function fitting() {
    const wide = Math.min((box.clientWidth - 2) / picture.width, LARGEST_FIT);
    const high = box.clientHeight / (picture.height - Math.max(picture.top, 0));
    return high >= Math.max(READABLE, wide * MOST_SHRUNK) ? Math.min(wide, high) : wide;
  }

  /** @param {-1 | 0 | 1} change */
  function zoom(change) {
    if (change === 0) scale = fitting();
    else scale = Math.min(Math.max(scale * (change > 0 ? 1.2 : 1 / 1.2), 0.3), 3);
    resize();
  }

  /** @param {MouseEvent} event */
  function onClick(event) {
    const target = event.target instanceof Element ? event.target : null;
    if (!target) return;
    const toggle = target.closest("[data-toggle]");
    if (toggle) {
      toggleFold(Number(toggle.getAttribute("data-toggle")));
      return;
    }
    const step = stepOf(target);
    const group = target.closest("[data-process]");
    if (step !== NONE) chooseStep(step);
    else if (group) choose(Number(group.getAttribute("data-process")));
    else chooseAt(event);
  }

  /** Choose the process of the row that was clicked. @param {MouseEvent} event */
  function chooseAt(event) {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(root.getScreenCTM()?.inverse());
    const at = picture.rows.findIndex((row, i) => {
      if (hidden.has(row.process)) return false;
      return row.top + nth(shifts, i) <= point.y && point.y < row.bottom + nth(shifts, i);
    });
    if (at !== NONE) choose(nth(picture.rows, at).process);
  }

  /** Return the step that a mark tells of, -1 if none. @param {Element} mark */
  function stepOf(mark) {
    const kinds = STEP_OF_CLASS[shortClass(mark)];
    const part = picture.parts.find((other) => other.element === mark);
    if (!kinds || !part) return NONE;
    for (const column of [part.column, part.column - 1, part.column + 1]) {
      const step = picture.steps[column];
      if (step !== undefined && kinds.includes(kindOf(step))) return step;
    }
    return NONE;
  }

  /** @param {number} process @param {number} step */
  function reveal(process, step) {
    const i = picture.rows.findIndex((row) => row.process === process);
    if (i !== NONE) {
      const y = (nth(picture.rows, i).y + nth(shifts, i) - picture.top) * scale;
      scrollInto(box, "scrollTop", box.clientHeight, y, 60);
    }
    const column = columnsUpTo(step) - 1;
    if (column >= 0) scrollInto(box, "scrollLeft", box.clientWidth, nth(picture.xs, column) * scale, 260 * scale);
  }

  function file() {
    const copy = /** @type {SVGSVGElement} */ (root.cloneNode(true));
    for (const extra of copy.querySelectorAll(".bands, .choice, .cursor, .toggle, .names-back")) extra.remove();
    for (const element of copy.querySelectorAll("[data-process]")) element.removeAttribute("data-process");
    for (const element of copy.querySelectorAll(".unborn")) element.setAttribute("opacity", "0.4");
    copy.querySelector(".names")?.removeAttribute("transform");
    copy.removeAttribute("class");
    copy.setAttribute("role", original.role);
    const words = momentCaption(hidden.size);
    const height = picture.height + (words ? 22 : 0);
    if (words) copy.append(svg("text", { class: "ft-caption", x: 28, y: picture.height + 4 }, words));
    copy.querySelector(".ft-page")?.setAttribute("height", String(height));
    copy.setAttribute("viewBox", `0 0 ${picture.width} ${height}`);
    copy.setAttribute("width", String(picture.width));
    copy.setAttribute("height", String(height));
    return `${new XMLSerializer().serializeToString(copy)}\n`;
  }

  zoom(0);
  if (scale < READABLE) scale = 0.85;
  arrange();
  return { show, arrange, reveal, zoom, svg: file };
}
