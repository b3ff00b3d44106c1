// Change what stands in the picture: pale, grown up to a moment, moved, bent.

/** @param {Element} element @param {boolean} future */
function fade(element, future) {
  if (future) element.setAttribute("opacity", GHOST);
  else element.removeAttribute("opacity");
}

/** @param {Span} span @param {number} x */
function grow(span, x) {
  const { element, ghost, from, to } = span;
  const end = Math.max(Math.min(x, to), from);
  ghost.setAttribute("visibility", end < to ? "visible" : "hidden");
  element.setAttribute("visibility", end > from ? "visible" : "hidden");
  if (element.localName === "rect") element.setAttribute("width", String(end - from));
  else element.setAttribute(num(ghost, "x1") > num(ghost, "x2") ? "x1" : "x2", String(end));
}

/** @param {Element} element @param {number} shift @param {boolean} visible */
function place(element, shift, visible) {
  element.setAttribute("transform", `translate(0,${shift})`);
  display(element, visible);
}

/** @param {Element} element @param {boolean} visible */
function display(element, visible) {
  if (visible) element.removeAttribute("display");
  else element.setAttribute("display", "none");
}

/** Stretch a curve to other ends. @param {string} path @param {number} y1 @param {number} y2 */
function bent(path, y1, y2) {
  const numbers = (path.match(/-?[\d.]+/g) ?? []).map(Number);
  const [x1 = 0, old1 = 0, xa = 0, ya = 0, xb = 0, yb = 0, x2 = 0, old2 = 0] = numbers;
  const turn = (/** @type {number} */ y) => y1 + ((y - old1) * (y2 - y1)) / (old2 - old1 || 1);
  return `M${x1},${y1}C${xa},${turn(ya)} ${xb},${turn(yb)} ${x2},${y2}`;
}
