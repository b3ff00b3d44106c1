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
