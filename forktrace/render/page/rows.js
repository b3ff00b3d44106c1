// The lanes of a launch that is too large for a picture: only the rows in sight are drawn.

const ROW = 26; // px
const NAMES = 264; // px of the names at the left
const HEAD = 4; // px above the first row
const GAPS = [2, 3, 5, 8, 12, 18, 26, 38, 56]; // px between two columns, from small to large

/**
 * Make the lanes of a large launch.
 * @param {HTMLElement} box
 * @returns {Lanes}
 */
function rowLanes(box) {
  const sizer = html("div", { class: "sizer" });
  const view = svg("svg", { class: "rows", role: "group", "aria-label": "Rows in sight" });
  const depth = depths();
  /** @type {number[]} the processes that have a row */
  let rows = [];
  const rowOf = new Int32Array(COUNT).fill(NONE);
  /** @type {number[]} the steps that have a column */
  let columns = [];
  const columnOfStep = new Int32Array(STEPS + 1);
  let gap = 12;
  let asked = false;

  box.replaceChildren(view, sizer);
  box.classList.add("virtual");
  box.addEventListener("scroll", later, { passive: true });
  new ResizeObserver(later).observe(box);
  view.addEventListener("click", onClick);

  function later() {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      show();
    });
  }

  function arrange() {
    const hidden = hiddenProcesses();
    rows = DATA.order.filter((p) => !hidden.has(p));
    rowOf.fill(NONE);
    rows.forEach((p, i) => (rowOf[p] = i));
    columns = [];
    for (let step = 0; step < STEPS; step++) {
      columnOfStep[step] = columns.length;
      if (nth(rowOf, nth(S.process, step)) !== NONE) columns.push(step);
    }
    columnOfStep[STEPS] = columns.length;
    resize();
    show();
  }

  function resize() {
    sizer.style.width = `${NAMES + (columns.length + 4) * gap + 80}px`;
    sizer.style.height = `${HEAD + rows.length * ROW + 12}px`;
  }

  /** Return the x of a step, in the whole drawing. @param {number} step */
  function xOf(step) {
    if (step < 0) return NAMES + gap;
    if (step > LAST) return NAMES + (columns.length + 2) * gap;
    return NAMES + (nth(columnOfStep, step) + 1) * gap;
  }

  function show() {
    const width = box.clientWidth;
    const height = box.clientHeight;
    const left = box.scrollLeft;
    const top = box.scrollTop;
    const first = Math.max(Math.floor((top - HEAD) / ROW) - 1, 0);
    const last = Math.min(Math.ceil((top + height - HEAD) / ROW) + 1, rows.length - 1);
    view.setAttribute("width", String(width));
    view.setAttribute("height", String(height));
    const backs = svg("g", {});
    const lines = svg("g", {});
    const marks = svg("g", {});
    const edge = svg("line", { class: "names-edge", x1: NAMES - 8, x2: NAMES - 8, y1: 0, y2: height });
    const names = svg("g", {}, svg("rect", { class: "names-back", width: NAMES - 8, height }), edge);
    for (let i = first; i <= last; i++) {
      const y = HEAD + i * ROW + ROW / 2 - top;
      drawBand(backs, nth(rows, i), y, width);
      drawBand(names, nth(rows, i), y, NAMES - 8);
      drawLane(marks, nth(rows, i), y, left, width);
      drawName(names, nth(rows, i), y);
    }
    drawEdges(lines, first, last, left, top, width);
    const x = xOf(STATE.at) - left;
    const cursor = svg("line", { class: "cursor", x1: x, x2: x, y1: 0, y2: height });
    view.replaceChildren(backs, lines, marks, ...(STATE.at >= LAST ? [] : [cursor]), names);
  }

  /** @param {SVGGElement} into @param {number} p @param {number} y @param {number} width */
  function drawBand(into, p, y, width) {
    const size = { x: 0, y: y - ROW / 2, width, height: ROW };
    if (STATE.found?.has(p)) {
      into.append(svg("rect", { class: "found", ...size }), svg("rect", { class: "found-mark", ...size, width: 4 }));
    }
    if (STATE.process === p) into.append(svg("rect", { class: "chosen", ...size }));
  }

  /** @param {SVGGElement} into @param {number} p @param {number} y */
  function drawName(into, p, y) {
    const indent = 20 + Math.min(nth(depth, p), 8) * 10;
    const group = svg("g", { class: "name", "data-process": p });
    if (hasBelow(p)) group.append(makeToggle(p, indent - 14, y));
    const below = STATE.folded.has(p) ? `  +${grouped(countBelow(p))}` : "";
    const id = svg("tspan", { class: "id" }, nth(P.id, p));
    const count = svg("tspan", { class: "count" }, below);
    const label = svg("text", { x: indent, y: y + 4 }, id, ` ${text(nth(P.name, p)).slice(0, 22)}`, count);
    if (nth(BORN, p) > STATE.at) label.setAttribute("class", "unborn");
    group.append(label);
    into.append(group);
  }

  /** @param {number} p @param {number} x @param {number} y */
  function makeToggle(p, x, y) {
    const folded = STATE.folded.has(p);
    const shape = folded ? `M${x},${y - 4}l7,4l-7,4z` : `M${x - 1},${y - 3}l8,0l-4,7z`;
    const label = `${counted(countBelow(p), "process", "processes")} below ${who(p)}`;
    const attributes = { class: "toggle", role: "button", "data-toggle": p, "aria-expanded": String(!folded), "aria-label": label };
    return svg("g", attributes, svg("rect", { x: x - 5, y: y - 11, width: 20, height: 22, opacity: 0 }), svg("path", { d: shape }));
  }

  /** @param {SVGGElement} into @param {number} p @param {number} y @param {number} left @param {number} width */
  function drawLane(into, p, y, left, width) {
    const outside = nth(P.flags, p) & OUTSIDE;
    const from = xOf(nth(BORN, p)) - left;
    const to = xOf(nth(ENDED, p)) - left;
    if (from > width || to < NAMES) {
      drawChevron(into, p, y, from > width, width);
      return;
    }
    const role = outside ? "outside" : text(nth(P.role, p)) || "other";
    const now = Math.min(xOf(STATE.at) - left + 2, to);
    const x = Math.max(from, NAMES - 20);
    const box = { y: y - 3, height: 6, "data-process": p };
    const end = Math.min(to, width + 20);
    into.append(svg("rect", { class: `lane ghost role-${role}`, x, width: Math.max(end - x, 2), ...box }));
    if (now > x) into.append(svg("rect", { class: `lane role-${role}`, x, width: Math.max(Math.min(now, end) - x, 2), ...box }));
    drawMarks(into, p, y, left, width);
  }

  /** @param {SVGGElement} into @param {number} p @param {number} y @param {boolean} right @param {number} width */
  function drawChevron(into, p, y, right, width) {
    const x = right ? width - 16 : NAMES + 2;
    const shape = right ? `M${x},${y - 4}l5,4l-5,4` : `M${x + 5},${y - 4}l-5,4l5,4`;
    into.append(svg("path", { class: "chevron", d: shape, "data-jump": p }));
  }

  /** @param {SVGGElement} into @param {number} p @param {number} y @param {number} left @param {number} width */
  function drawMarks(into, p, y, left, width) {
    for (const step of EXECS.get(p) ?? []) {
      const x = xOf(step) - left;
      if (x < NAMES - 20 || x > width) continue;
      const d = gap < 5 ? `M${x},${y - 5}v10` : `M${x - 1.5},${y - 6}v12M${x + 1.5},${y - 6}v12`;
      into.append(svg("path", { class: marked("exec", step), d, "data-step": step }));
      drawProgram(into, p, step, x, y);
    }
    const end = nth(ENDED, p);
    if (end !== NEVER) drawEnd(into, p, end, xOf(end) - left, y);
  }

  /** Write the program after its tick, if there is room up to what follows. @param {SVGGElement} into @param {number} p @param {number} step @param {number} x @param {number} y */
  function drawProgram(into, p, step, x, y) {
    const next = (EXECS.get(p) ?? []).find((other) => other > step) ?? nth(ENDED, p);
    const room = xOf(Math.min(next, STEPS)) - xOf(step);
    const words = commandLine(nth(S.more, step), Math.floor((room - 10) / 6));
    if (room < 60) return;
    into.append(svg("text", { class: marked("argv", step), x: x + 5, y: y - 5, "data-step": step }, words));
  }

  /** @param {SVGGElement} into @param {number} p @param {number} step @param {number} x @param {number} y */
  function drawEnd(into, p, step, x, y) {
    const words = text(nth(S.more, step));
    const bad = words === "exit 0" ? "" : " alert";
    const d = `M${x - 4},${y - 4}l8,8M${x - 4},${y + 4}l8,-8`;
    into.append(svg("path", { class: marked(`cross${bad}`, step), d, "data-step": step }));
    const reaped = nth(REAPED, p);
    if (reaped !== NEVER) {
      const tail = `M${x + 6},${y}H${Math.max(x + 6 + (xOf(reaped) - xOf(step)) - 6, x + 7)}`;
      into.append(svg("path", { class: marked("zombie", step), d: tail }));
    }
    if (gap < 8) return;
    into.append(svg("text", { class: marked(`end${bad}`, step), x: x + 8, y: y + 4 }, words.replace(/^exit /, "")));
  }

  /** Return the class of a mark, pale if it is still to come. @param {string} name @param {number} step */
  function marked(name, step) {
    const chosen = step === STATE.step ? " is-chosen" : "";
    return step > STATE.at ? `${name} future` : name + chosen;
  }

  /** @param {SVGGElement} into @param {number} first @param {number} last @param {number} left @param {number} top @param {number} width */
  function drawEdges(into, first, last, left, top, width) {
    const from = Math.max(Math.floor((left) / gap) - 2, 0);
    const to = Math.min(Math.ceil((left + width - NAMES) / gap) + 1, columns.length - 1);
    for (let column = from; column <= to; column++) {
      const step = nth(columns, column);
      const kind = kindOf(step);
      if (kind !== "b" && kind !== "w" && !isAdoption(step)) continue;
      const a = nth(rowOf, nth(S.process, step));
      const other = nth(S.other, step);
      const b = other === NONE ? NONE : nth(rowOf, other);
      if (a === NONE || b === NONE || Math.max(a, b) < first || Math.min(a, b) > last) continue;
      const y = (/** @type {number} */ row) => HEAD + row * ROW + ROW / 2 - top;
      const passing = Math.min(a, b) < first || Math.max(a, b) > last;
      drawEdge(into, step, passing, xOf(step) - left, y(a), y(b));
    }
  }

  /** @param {SVGGElement} into @param {number} step @param {boolean} passing @param {number} x @param {number} child @param {number} other */
  function drawEdge(into, step, passing, x, child, other) {
    const kind = kindOf(step);
    const birth = kind === "b";
    const [tail, tip] = birth ? [other, child] : [child, other];
    const down = tip > tail ? 1 : -1;
    const name = birth ? "create" : kind === "w" ? "reap" : "adopt";
    const end = tip - down * 9;
    const bend = name === "adopt" ? 14 : 0;
    const d = bend ? `M${x},${tail}C${x},${tail + (end - tail) * 0.55} ${x + bend},${end - (end - tail) * 0.55} ${x + bend},${end}` : `M${x},${tail}V${end}`;
    into.append(svg("path", { class: marked(passing ? `${name} passing` : name, step), d, "data-step": step }));
    const points = `${x + bend - 3.5},${end} ${x + bend + 3.5},${end} ${x + bend},${tip - down * 3}`;
    into.append(svg("polygon", { class: marked(`${name}-head`, step), points }));
  }

  /** @param {MouseEvent} event */
  function onClick(event) {
    const target = event.target instanceof Element ? event.target : null;
    const data = (/** @type {string} */ name) => target?.closest(`[data-${name}]`)?.getAttribute(`data-${name}`);
    const toggle = data("toggle");
    const jump = data("jump");
    const step = data("step");
    if (toggle) toggleFold(Number(toggle));
    else if (jump) reveal(Number(jump), Math.min(nth(BORN, Number(jump)), LAST));
    else if (step) chooseStep(Number(step));
    else {
      const y = event.clientY - box.getBoundingClientRect().top + box.scrollTop - HEAD;
      const p = rows[Math.floor(y / ROW)];
      if (p !== undefined) choose(p);
    }
  }

  /** @param {number} process @param {number} step */
  function reveal(process, step) {
    const row = nth(rowOf, process);
    if (row !== NONE) scrollInto(box, "scrollTop", box.clientHeight, HEAD + row * ROW, 80);
    const x = xOf(step) - NAMES;
    const room = box.clientWidth - NAMES;
    if (x < box.scrollLeft + 20) box.scrollLeft = x - room / 4;
    else if (x > box.scrollLeft + room - 60) box.scrollLeft = x - room / 2;
    show();
  }

  /** @param {-1 | 0 | 1} change */
  function zoom(change) {
    const middle = (box.scrollLeft + (box.clientWidth - NAMES) / 2) / gap;
    const fitting = GAPS.findLast((g) => (columns.length + 8) * g + NAMES < box.clientWidth) ?? nth(GAPS, 0);
    const at = GAPS.indexOf(gap);
    gap = change === 0 ? fitting : nth(GAPS, Math.min(Math.max(at + change, 0), GAPS.length - 1));
    resize();
    box.scrollLeft = middle * gap - (box.clientWidth - NAMES) / 2;
    show();
  }

  function file() {
    const copy = /** @type {SVGSVGElement} */ (view.cloneNode(true));
    copy.setAttribute("xmlns", SVG);
    copy.setAttribute("role", "img");
    for (const extra of copy.querySelectorAll(".chosen, .found, .found-mark, .cursor, .toggle, .chevron")) extra.remove();
    copy.prepend(svg("style", {}, literalRules("svg.rows")));
    const height = box.clientHeight;
    const words = `${momentCaption(hiddenProcesses().size)} Only the rows that were in sight are shown.`.trim();
    copy.setAttribute("height", String(height + 24));
    copy.append(svg("rect", { class: "names-back", y: height, width: box.clientWidth, height: 24 }));
    copy.append(svg("text", { x: 20, y: height + 16 }, words));
    return `${new XMLSerializer().serializeToString(copy)}\n`;
  }

  return { show, arrange, reveal, zoom, svg: file };
}
