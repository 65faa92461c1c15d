"use strict";
// What documents, questions and models say goes into the page as text, never as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const search = document.getElementById("search");
const show = document.getElementById("show");
const list = document.getElementById("list");
const count = document.getElementById("count");

const element = (tag, text, kind) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
};
const figure = (value) => value === null || value === undefined ? "–"
  : Array.isArray(value) ? value.map(figure).join(" / ")
  : typeof value === "number" ? String(Math.round(value * 1000) / 1000) : String(value);
const status = (row) => row.answer ? row.answer.status : "";
const isRefused = (row) => status(row) === "abstained";
const isWrong = (row) => !row.gold.answerable ? row.answer !== null && !isRefused(row)
  : row.main !== null && row.main < 0.5;

const kinds = {
  all: () => true,
  wrong: isWrong,
  refused: (row) => row.gold.answerable && isRefused(row),
  invented: (row) => !row.gold.answerable && row.answer !== null && !isRefused(row),
  dropped: (row) => row.answer !== null && row.answer.verdicts.some((verdict) => !verdict.supported),
  de: (row) => row.gold.language === "de",
  en: (row) => row.gold.language === "en",
};

const part = (into, title, ...children) => {
  if (!children.length) return;
  into.append(element("h3", title), ...children);
};
const items = (texts) => {
  const made = element("ol");
  made.append(...texts.map((text) => element("li", text)));
  return texts.length ? [made] : [];
};
const place = (one) => `${one.title || one.document_id} (${one.document_id}:${one.start}–${one.end})`;
const scores = (hit) => ["score", "dense", "late", "lexical"].filter((name) => name in hit)
  .map((name) => `${name} ${figure(hit[name])}`).join(", ");

function system(row, name) {
  const box = element("div");
  const answer = row.answer;
  if (answer) {
    const sure = answer.confidence === null ? "" : `, confidence ${figure(answer.confidence)}`;
    const used = row.tokens === null ? "" : `, ${row.tokens} tokens`;
    part(box, `${name}: ${answer.status} in ${figure(row.seconds)} s${sure}${used}`, element("p", answer.text),
      ...(answer.notice ? [element("p", answer.notice, "faint")] : []));
    part(box, "Citations", ...items(answer.citations.map((one) => `„${one.quote ?? data.texts[one.chunk]}“ ${place(one)}`)));
    part(box, "Nearest passages", ...items(answer.nearest.map((one) => `„${one.quote}“ ${place(one)}`)));
    part(box, "Sentences checked", ...answer.verdicts.map((verdict) => element("p",
      `${verdict.supported ? "✓" : "✗"} ${verdict.sentence}${verdict.reason ? " – " + verdict.reason : ""}`,
      verdict.supported ? "good" : "bad")));
  }
  for (const exchange of row.exchanges.filter((one) => one.text)) {
    part(box, "The model read", element("pre", exchange.prompt));
    part(box, "and wrote (draft)", element("pre", exchange.text));
  }
  part(box, "Found", ...items(row.hits.map((hit) =>
    `${hit.right ? "✓ " : ""}${place(hit)} ${scores(hit)}\n${data.texts[hit.chunk] ?? ""}`)));
  const values = element("table");
  for (const [metric, value] of Object.entries(row.values)) {
    if (value === null) continue;
    const line = element("tr");
    line.append(element("td", metric), element("td", figure(value)));
    values.append(line);
  }
  part(box, "Values", values);
  return box;
}

function trace(row) {
  const box = element("div", undefined, "trace");
  const gold = row.gold;
  if (row.search && row.search !== gold.question) part(box, "Searched for", element("p", row.search));
  part(box, gold.answerable ? "Right answers" : "Right: the documents do not say",
    ...gold.answers.map((text) => element("p", text, "good")));
  part(box, "Evidence", ...items(gold.quotes.map((one) => `„${one.text}“ (${one.document_id}:${one.start}–${one.end})`)));
  const sides = element("div", undefined, "sides");
  sides.append(system(row, data.system));
  if (row.baseline) sides.append(system(row.baseline, "usual recipe"));
  box.append(sides, element("p", `${row.id}, pair ${gold.pair}`, "faint"));
  return box;
}

const words = (row) => [row.id, row.gold.question, row.gold.language, status(row), row.search, ...row.gold.answers,
  row.answer ? row.answer.text : "", row.answer ? row.answer.notice : "",
  ...row.exchanges.map((one) => one.text), ...row.hits.map((hit) => `${hit.title} ${data.texts[hit.chunk] ?? ""}`),
  row.baseline && row.baseline.answer ? row.baseline.answer.text : ""].join("\n").toLowerCase();

const entries = data.questions.map((row) => {
  const entry = element("details");
  const head = element("summary");
  head.append(element("span", row.gold.language, "faint"), element("span", row.gold.question),
    element("span", status(row), "faint"), element("span", figure(row.main), isWrong(row) ? "bad" : "good"));
  entry.append(head);
  entry.addEventListener("toggle", () => {
    if (entry.open && entry.childElementCount === 1) entry.append(trace(row));
  });
  list.append(entry);
  return { entry, row, words: words(row) };
});

function filter() {
  const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const { entry, row, words } of entries) {
    const fits = kinds[show.value](row) && wanted.every((word) => words.includes(word));
    entry.hidden = !fits;
    shown += fits;
  }
  count.textContent = `${shown} of ${entries.length}`;
}
search.addEventListener("input", filter);
show.addEventListener("change", filter);
filter();
