// Step through the launch: buttons, keys, scrubber, and questions before the answer is shown.

const PACE = 900; // ms between two steps
const MOST_ANSWERS = 5;
const FAR_UP = 50; // ancestors that can be answers
const TICKS = 1000; // bins of the scrubber's marks
let timer = 0;
/** The step that is asked about, -1 for none. */
let asking = NONE;

/** Show a moment, wherever it comes from. @param {number} at */
function showMoment(at) {
  STATE.at = Math.min(Math.max(at, 0), Math.max(LAST, 0));
  if (STEPS === 0) STATE.at = NONE;
  endQuestion();
  const scrubber = field("scrubber");
  scrubber.value = String(STATE.at);
  const words = STEPS ? sentence(STATE.at) : "A look at one moment: there are no steps.";
  const time = timeWords(STATE.at);
  const where = STEPS ? `Step ${grouped(STATE.at + 1)} of ${grouped(STEPS)} · event #${nth(S.event, STATE.at)}` : "";
  scrubber.setAttribute("aria-valuetext", `${where}: ${words}`);
  byId("where").replaceChildren(...whereWords(time));
  byId("narration").replaceChildren(...unbroken(words));
  for (const id of ["first", "back"]) button(id).disabled = STATE.at <= 0;
  for (const id of ["next", "last"]) button(id).disabled = STATE.at >= LAST;
  lanes.show();
  showForest();
  if ((STATE.process !== NONE && STATE.step === NONE) || field("predict").checked) showDetails();
}

/** Say which step it is; the event leads to what is known of it. @param {string} time */
function whereWords(time) {
  if (!STEPS) return [];
  const before = `Step ${grouped(STATE.at + 1)} of ${grouped(STEPS)} · `;
  const link = stepLink(STATE.at, `event #${nth(S.event, STATE.at)}`);
  link.title = "Details of this step";
  return [before, link, time ? ` · ${time}` : ""];
}

/** Go to a step as the reader asked, and tell it. @param {number} at */
function go(at) {
  showMoment(at);
  if (STEPS) lanes.reveal(nth(S.process, STATE.at), STATE.at);
  byId("live").textContent = byId("narration").textContent;
  rememberSoon();
}

/** Go to a step so that "back" returns here. @param {number} at */
function jump(at) {
  pause();
  remember(true);
  go(at);
  remember(true);
}

/** Go on by one step, or ask first what it will be. */
function forward() {
  if (STATE.at >= LAST) {
    pause();
    return;
  }
  const next = STATE.at + 1;
  if (field("predict").checked && asking !== next && isQuestion(next)) {
    pause();
    ask(next);
  } else go(next);
}

function back() {
  pause();
  if (asking !== NONE) endQuestion();
  else if (STATE.at > 0) go(STATE.at - 1);
}

function play() {
  if (timer) {
    pause();
    return;
  }
  if (STATE.at >= LAST) go(0);
  timer = window.setInterval(forward, PACE);
  showPlaying(true);
}

function pause() {
  if (!timer) return;
  window.clearInterval(timer);
  timer = 0;
  showPlaying(false);
}

/** @param {boolean} playing */
function showPlaying(playing) {
  button("play").classList.toggle("playing", playing);
  button("play").setAttribute("aria-label", playing ? "Pause" : "Play");
  button("play").title = playing ? "Pause (Space)" : "Play (Space)";
}

/** Say if a step is worth a guess: an adoption or a wait; of brothers adopted at once the first. @param {number} step */
function isQuestion(step) {
  if (nth(S.other, step) === NONE) return false;
  if (kindOf(step) === "w") return true;
  if (!isAdoption(step)) return false;
  const before = step - 1;
  const same = isAdoption(before) && nth(S.more, before) === nth(S.more, step) && nth(S.more, step) !== NONE;
  return !(same && nth(S.other, before) === nth(S.other, step));
}

/** Ask who it will be. @param {number} step */
function ask(step) {
  asking = step;
  const p = nth(S.process, step);
  const death = nth(S.more, step);
  const wait = kindOf(step) === "w";
  const because = death === NONE || wait ? "" : `${whoAt(death, STATE.at)} has died. `;
  const words = wait
    ? `${whoAt(p, STATE.at)} has ended. Who waits for it?`
    : `${because}Who becomes the real parent of ${whoAt(p, STATE.at)}?`;
  document.documentElement.classList.add("asking");
  const box = byId("question");
  const choices = candidates(step).map((q) => {
    const made = html("button", { type: "button", class: "answer", title: whoAt(q, STATE.at) }, whoAt(q, STATE.at));
    made.addEventListener("click", () => answer(step, q));
    return made;
  });
  const reveal = html("button", { type: "button", id: "reveal", class: "primary" }, "Reveal");
  reveal.addEventListener("click", () => answer(step, null));
  showQuestion(html("p", {}, html("b", {}, words)), html("div", { class: "row" }, ...choices, reveal));
  byId("live").textContent = `${words} ${counted(choices.length, "answer")} to choose from.`;
  (box.querySelector("button") ?? reveal).focus({ preventScroll: true });
}

/**
 * Return who could be the answer, in the order of the rows: ancestors by creation and by parenthood
 * (forktrace is one), then others that are there; not more than five.
 * @param {number} step
 */
function candidates(step) {
  const p = nth(S.process, step);
  const found = new Set([nth(S.other, step)]);
  const rows = [...new Set([...DATA.started.slice(1), ...DATA.order, ...found])];
  for (const q of [...lineOf(p, P.creator), ...lineOf(p, P.parent), ...rows]) {
    if (found.size >= MOST_ANSWERS) break;
    const life = lifeAt(q, STATE.at);
    if (q !== p && (life === "outside" || life === "alive")) found.add(q);
  }
  return rows.filter((q) => found.has(q));
}

/** Return who made a process, who made that one, and so on; or whose child it was born as. @param {number} p @param {number[]} above */
function lineOf(p, above) {
  /** @type {number[]} */
  const line = [];
  for (let q = nth(above, p); q !== NONE && !line.includes(q) && line.length < FAR_UP; q = nth(above, q)) line.push(q);
  return line;
}

/** Show what happened, and if the reader was right. @param {number} step @param {number | null} guess */
function answer(step, guess) {
  const truth = nth(S.other, step);
  go(step);
  if (guess !== null) {
    const right = guess === truth;
    const words = right ? "Right: " : `Not ${whoAt(guess, step)}: `;
    const told = html("p", { class: right ? "right" : "wrong" }, `${words}${sentence(step)}.`);
    showQuestion(told);
    byId("live").textContent = told.textContent;
  }
  button("next").focus({ preventScroll: true });
}

/** Ask, or say if it was right, in the place of the step's sentence: the lanes are not to jump. @param {Node[]} content */
function showQuestion(...content) {
  const box = byId("question");
  box.replaceChildren(...content);
  box.hidden = false;
  byId("narration").hidden = true;
}

function endQuestion() {
  asking = NONE;
  document.documentElement.classList.remove("asking");
  byId("question").hidden = true;
  byId("question").replaceChildren();
  byId("narration").hidden = false;
}

/** Hide or show what is still to come, as the reader predicts or not. */
function showPredicting() {
  document.documentElement.classList.toggle("predicting", field("predict").checked);
  if (!field("predict").checked) endQuestion();
  showDetails();
}

/** Draw a tick a step under the scrubber, in the colour of its kind. */
function drawTicks() {
  const ticks = byId("ticks");
  ticks.setAttribute("viewBox", `0 0 ${TICKS} 10`);
  /** @type {Record<string, Set<number>>} */
  const places = {};
  for (let step = 0; step < STEPS; step++) {
    if (STEPS > TICKS && !isAdoption(step)) continue; // only what can be told apart
    const place = LAST ? Math.round((step / LAST) * (TICKS - 2)) : 0;
    (places[kindOf(step).toLowerCase()] ??= new Set()).add(place);
  }
  for (const [kind, found] of Object.entries(places)) {
    const d = [...found].map((x) => `M${x + 1},${kind === "a" ? 0 : 3}V${kind === "a" ? 10 : 7}`).join("");
    ticks.append(svg("path", { d, class: `tick-${kind}`, "vector-effect": "non-scaling-stroke" }));
  }
}

function listenToPlayer() {
  const scrubber = field("scrubber");
  scrubber.max = String(Math.max(LAST, 0));
  scrubber.disabled = STEPS === 0;
  scrubber.addEventListener("input", () => {
    pause();
    go(Number(scrubber.value));
  });
  field("predict").addEventListener("change", showPredicting);
  byId("where").addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || !event.target.closest("a")) return;
    event.preventDefault();
    chooseStep(STATE.at);
  });
  button("first").addEventListener("click", () => jump(0));
  button("back").addEventListener("click", back);
  button("play").addEventListener("click", play);
  button("next").addEventListener("click", () => {
    pause();
    forward();
  });
  button("last").addEventListener("click", () => jump(LAST));
  button("play").disabled = STEPS === 0;
  drawTicks();
}
