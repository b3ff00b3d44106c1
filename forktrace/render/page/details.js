// The panel that tells all that is known: of the launch, of one step, or (process.js) of a process.

const MOST_LINKS = 3; // behind a sentence of the story

/** Draw the details of what was chosen; who had the focus on a link or button there keeps it. */
function showDetails() {
  const box = byId("detail");
  const controls = () => /** @type {HTMLElement[]} */ ([...box.querySelectorAll("a, button")]);
  const at = controls().findIndex((control) => control === document.activeElement);
  if (STATE.step !== NONE && isTold(STATE.step)) box.replaceChildren(...stepDetails(STATE.step));
  else if (STATE.process !== NONE) box.replaceChildren(...processDetails(STATE.process));
  else box.replaceChildren(...launchDetails());
  if (at !== NONE) (controls()[at] ?? byId("details")).focus({ preventScroll: true });
}

/** Return the last step that may be told: who predicts first is not to read the answer. */
function horizon() {
  return field("predict").checked ? STATE.at : LAST;
}

/** Say if a step may be told now. @param {number} step */
function isTold(step) {
  return step <= horizon();
}

/** Return those of some sentences that may be told now. @param {Told[]} told */
function toldNow(told) {
  const last = horizon();
  if (last >= LAST) return told;
  const before = S.event.slice(0, last + 1).reduce((most, event) => Math.max(most, event), NONE);
  const known = Math.max(before, nth(S.event, last + 1) - 1); // with what was looked at after the step
  return told.filter(([, , events]) => events.length > 0 && events.every((event) => event <= known));
}

/** Say what is held back while the reader predicts. */
function heldBack() {
  return horizon() >= LAST ? [] : [html("p", { class: "hint" }, "What comes after this moment is not told, as “Predict first” is on.")];
}

/** @param {number} p @param {string} [words] */
function processLink(p, words) {
  if (p === NONE) return document.createTextNode("unknown");
  const link = html("a", { href: hashOf(STATE.at, p), "data-choose": String(p) }, words ?? who(p));
  return link;
}

/** @param {number} step @param {string} [words] */
function stepLink(step, words) {
  const link = html("a", { href: hashOf(step, STATE.process), "data-step": String(step) }, words ?? `#${nth(S.event, step)}`);
  link.title = sentence(step);
  return link;
}

/** @param {string} name @param {(Node | string)[]} content */
function fact(name, ...content) {
  return [html("dt", {}, name), html("dd", {}, ...content)];
}

/** @param {string} title @param {Node[]} content */
function block(title, ...content) {
  return html("section", { class: "block" }, html("h3", {}, title), ...content);
}

function launchDetails() {
  // How it went, and what was left, is told by all but where the facts come from.
  const lines = horizon() >= LAST ? [...DATA.summary, ...DATA.notes] : DATA.notes.slice(0, 1);
  return [
    html("p", { class: "hint" }, "Choose a process, a line or a mark to see all that is known of it."),
    ...heldBack(),
    ...lines.map((line) => html("p", {}, line)),
    ...DATA.story.flatMap(([title, told]) => {
      const now = toldNow(told);
      return now.length ? [block(text(title) || "In words", sentenceList(now, true))] : [];
    }),
    ...leftOut("sentences"),
  ];
}

/**
 * List sentences, with what is not sure marked so.
 * @param {Told[]} told @param {boolean} linked with links to the steps that they rest on
 */
function sentenceList(told, linked) {
  const list = html("ul", { class: "sentences" });
  for (const [words, certainty, events] of told) {
    const mark = text(certainty) === "observed" ? [] : [" ", html("em", { class: "certainty" }, text(certainty))];
    const steps = linked ? events.map((event) => S.event.indexOf(event)).filter((step) => step !== NONE) : [];
    const links = steps.slice(-MOST_LINKS).flatMap((step) => [" ", stepLink(step)]);
    list.append(html("li", {}, text(words), ...mark, ...links));
  }
  return list;
}

/** Say what a page of so many processes has not. @param {"sentences" | "places"} what */
function leftOut(what) {
  return DATA.left[what] ? [html("p", { class: "hint left-out" }, DATA.left[what])] : [];
}

/** Return what `explain` says of a process that rests on a step. @param {number} p @param {number} step */
function wordsOfStep(p, step) {
  const told = toldNow(DATA.sentences[p] ?? []).filter(([, , events]) => tellsOf(events, step));
  return told.length ? [block(`In words: ${nth(P.id, p)}`, sentenceList(told, false))] : [];
}

/**
 * Say if a sentence tells of a step. Many rest on an exec just because it gave a process its name;
 * of an exec itself tells one that rests on no other kind of step.
 * @param {number[]} events @param {number} step
 */
function tellsOf(events, step) {
  const event = nth(S.event, step);
  if (kindOf(step) !== "e") return events.includes(event);
  return events.at(-1) === event && events.every((other) => ["e", ""].includes(kindOf(S.event.indexOf(other))));
}

/** @param {number} step */
function stepDetails(step) {
  const p = nth(S.process, step);
  const other = nth(S.other, step);
  const parts = [
    html("p", { class: "name" }, html("b", {}, kindWords(step)), html("span", { class: "chip" }, `event #${nth(S.event, step)}`)),
    ...heldBack(),
    html("p", {}, `${sentence(step)}.`),
    html("div", { class: "row" }, html("button", { type: "button", "data-go": String(step) }, "Go to this moment")),
  ];
  const facts = [...fact("process", processLink(p))];
  if (other !== NONE) facts.push(...fact(otherWords(step), processLink(other)));
  if (isAdoption(step) && nth(S.more, step) !== NONE) facts.push(...fact("old parent", processLink(nth(S.more, step))));
  if (kindOf(step) === "b" && text(nth(P.call, p))) facts.push(...fact("call", ...callWords(p)));
  if (timeWords(step)) facts.push(...fact("time", `${timeWords(step)} from the start`));
  const image = kindOf(step) === "e" ? [block("Program", program(nth(S.more, step), "executed", NONE))] : [];
  const words = [...wordsOfStep(p, step), ...(other === NONE ? [] : wordsOfStep(other, step)), ...leftOut("sentences")];
  return [...parts, html("dl", {}, ...facts), ...image, ...words];
}

/** @param {number} step */
function otherWords(step) {
  if (kindOf(step) === "b") return "creator";
  return kindOf(step) === "w" ? "waited" : "new parent";
}

function listenToDetails() {
  byId("detail").addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target.closest("[data-choose], [data-step], [data-go], [data-fold]") : null;
    if (!target) return;
    event.preventDefault();
    const data = (/** @type {string} */ name) => target.getAttribute(`data-${name}`);
    if (data("choose") !== null) choose(Number(data("choose")));
    else if (data("step") !== null) chooseStep(Number(data("step")));
    else if (data("go") !== null) jump(Number(data("go")));
    else toggleFold(Number(data("fold")));
  });
}
