// Make elements. Texts from the trace become text nodes, never markup.

const LONG_WORD = 40;
const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an HTML element.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name @param {Record<string, string>} attributes @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[K]}
 */
function html(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/**
 * Make an SVG element.
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} name @param {Record<string, string | number>} attributes @param {(Node | string)[]} children
 * @returns {SVGElementTagNameMap[K]}
 */
function svg(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

/** Write words so that none is broken, at a hyphen say, unless it is long. @param {string} words */
function unbroken(words) {
  return words.split(/( )/).map((word) => (word === " " || word.length > LONG_WORD ? document.createTextNode(word) : html("span", { class: "word" }, word)));
}

/** Return a number that stands in an attribute. @param {Element} element @param {string} name */
function num(element, name) {
  return Number(element.getAttribute(name) ?? 0);
}

/** Return a button of the page. @param {string} id */
function button(id) {
  return /** @type {HTMLButtonElement} */ (byId(id));
}

/** Return a field of the page. @param {string} id */
function field(id) {
  return /** @type {HTMLInputElement} */ (byId(id));
}

/** Say if the reader asked for little motion. */
function calm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/**
 * Scroll a box just so far that a place in it can be seen.
 * @param {HTMLElement} box @param {"scrollTop" | "scrollLeft"} side @param {number} size
 * @param {number} place @param {number} margin
 */
function scrollInto(box, side, size, place, margin) {
  const room = Math.min(margin, size / 3);
  if (place < box[side] + room) box[side] = place - room;
  else if (place > box[side] + size - room / 2) box[side] = place - size + Math.min(room, size / 2);
}

/**
 * Return the page's rules for a selector with the colours as they are now: a file has no variables.
 * @param {string} selector
 */
function literalRules(selector) {
  const now = getComputedStyle(document.documentElement);
  const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]).map((rule) => rule.cssText);
  const wanted = rules.filter((rule) => rule.startsWith(selector)).join("\n");
  return wanted.replace(/var\((--[\w-]+)\)/g, (_, name) => now.getPropertyValue(name).trim());
}
