// What the page does by itself: sources, documents, history and exports. Text from documents becomes text nodes here;
// HTML comes from our own routes only, which escape it.
window.beleg = (() => {
  const MOST_KEPT = 30;
  const holder = document.cookie.match(/(?:^|; )beleg-holder=(\w+)/)?.[1] ?? "";  // each user has a history of their own
  const HISTORY = "beleg-history" + holder;
  const PENDING = "beleg-pending" + holder;
  const TRIES = 4, RETRY_WITHIN = 300000;
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const narrow = () => window.matchMedia("(max-width: 899px)").matches;
  let texts = {}, language = "de", send = null, replaced = null, opened = null, known = [];
  const scope = new Set();

  // The server

  async function asked(path, options = {}) {
    const response = await fetch("/beleg/" + path, { ...options, headers: { "X-Beleg": "1", ...options.headers } });
    if (response.ok) return response;
    const reason = await response.json().then((body) => body.error, () => "");
    throw new Error(reason || texts.chat_failed);
  }
  const json = (body) => ({ method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  const query = (values) => new URLSearchParams({ language, ...values }).toString();

  // The conversation

  function context(question) {
    const asked = { language: one("#beleg-language")?.value ?? "auto", documents: [...scope], replace: replaced };
    replaced = null;
    begun({ question, ...asked });
    return { ...asked, turns: finished() };
  }
  const finished = () => all("#beleg-turns [data-turn]").map((turn) => JSON.parse(turn.dataset.turn));

  function write(question, submit) {
    const box = one("#beleg-question textarea");
    Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(box, question);
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.focus();
    if (submit) setTimeout(() => one("#beleg-question button")?.click(), 50);
  }

  // A question whose answer was lost with the connection: Gradio loads the page anew, then it is asked again

  let growing = false;
  function pending() {
    try { return JSON.parse(sessionStorage.getItem(PENDING)); } catch { return null; }
  }
  function begun(asked) {
    const before = pending(), tries = before?.question === asked.question ? before.tries + 1 : 1;
    growing = false;
    try { sessionStorage.setItem(PENDING, JSON.stringify({ ...asked, tries, time: Date.now() })); } catch { /* full */ }
  }
  function ended() {
    const now = Boolean(one("#beleg-growing .beleg-turn"));
    if (growing && !now) sessionStorage.removeItem(PENDING);
    growing = now;
  }
  function askAgain(turnsRestored) {
    const lost = pending();
    if (!lost || lost.tries >= TRIES || Date.now() - lost.time > RETRY_WITHIN) return sessionStorage.removeItem(PENDING);
    const wait = setInterval(() => {
      if (finished().length !== turnsRestored || !one("#beleg-question button")) return;
      clearInterval(wait);
      one("#beleg-language").value = lost.language;
      for (const id of lost.documents) scope.add(id);
      scoped();
      replaced = lost.replace;
      write(lost.question, true);
    }, 50);
  }

  function say(element, text) {
    const place = element.closest(".beleg-turn, .beleg-options")?.querySelector(".beleg-said");
    if (!place) return;
    place.textContent = text;
    setTimeout(() => { if (place.textContent === text) place.textContent = ""; }, 4000);
  }

  async function copy(button) {
    const turn = JSON.parse(button.closest("[data-turn]").dataset.turn);
    const notes = turn.answer.citations.map((c) => `[${c.marker}] „${c.quote}“ – ${c.title || c.document_id}`
      + (c.page ? (language === "de" ? `, S. ${c.page}` : `, p. ${c.page}`) : ""));
    const text = [turn.answer.text, ...notes].join("\n\n");
    try {
      await navigator.clipboard.writeText(text);
    } catch {  // where the page has no secure origin
      const area = Object.assign(document.createElement("textarea"), { value: text });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    say(button, texts.chat_copied);
  }

  async function judge(element, reason, comment) {
    const turn = JSON.parse(element.closest("[data-turn]").dataset.turn);
    try {
      await asked("feedback", json({ turn, reason, comment }));
      say(element, texts.chat_thanks);
    } catch (error) { say(element, error.message); }
  }

  async function exported(form) {
    const response = await asked("export?" + query({ form }), json({ turns: finished() }));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await response.blob());
    link.download = `${texts.export_title}.${form}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  // The pane

  function show(name, focus) {
    for (const tab of all("#beleg-views [role=tab]")) {
      const chosen = tab.id === "beleg-tab-" + name;
      tab.setAttribute("aria-selected", chosen);
      tab.tabIndex = chosen ? 0 : -1;
      one("#" + tab.getAttribute("aria-controls")).hidden = !chosen;
      if (chosen && focus) tab.focus();
    }
  }

  async function openSource(card, { before, after } = {}) {
    opened = { card, before: before ?? 1500, after: after ?? 1500 };
    const { document: id, start, end } = card.dataset;
    show("source");
    const place = one("#beleg-source .beleg-place");
    place.setAttribute("aria-busy", "true");
    try {
      const asking = query({ document: id, start, end, before: opened.before, after: opened.after });
      place.innerHTML = await (await asked("source?" + asking)).text();
    } catch (error) {
      place.replaceChildren(note(error.message, "error"));
    }
    place.removeAttribute("aria-busy");
    for (const shown of all(".beleg-quote.beleg-shown")) shown.classList.remove("beleg-shown");
    card.classList.add("beleg-shown");
    besideQuote(card, place);
    toMark(place);
  }

  function besideQuote(card, place) {
    const mark = one("mark", place), quote = one("blockquote", card)?.textContent ?? "", gloss = one(".beleg-gloss", card);
    if (mark && quote && mark.textContent !== quote) {
      mark.replaceWith(...mark.childNodes);
      one(".beleg-source-head", place).append(note(texts.source_changed, "error"));
    } else if (gloss?.textContent) {
      const shown = note(gloss.textContent, "gloss");
      shown.lang = "en";
      one(".beleg-source-head", place).append(shown);
    }
  }

  function toMark(place) {
    const mark = one("mark", place), picture = one("img.beleg-page", place), pane = one("#beleg-source");
    if (narrow()) one("#beleg-pane").scrollIntoView();
    if (picture) {
      picture.onload = () => {
        const scale = picture.clientHeight / (picture.naturalHeight || 1);
        pane.scrollTop = picture.offsetTop + picture.dataset.top * scale - 80;
        if (narrow()) window.scrollBy(0, picture.getBoundingClientRect().top + picture.dataset.top * scale - 120);
      };
      picture.onerror = () => { one("details", place)?.setAttribute("open", ""); picture.remove(); toMark(place); };
    } else if (mark) {
      mark.scrollIntoView({ block: "center" });
      mark.focus({ preventScroll: true });
    }
  }

  function note(text, kind) {
    return Object.assign(document.createElement("p"), { className: `beleg-note beleg-${kind}`, textContent: text });
  }

  function more(button) {
    const shown = Number(button.dataset.shown);
    openSource(opened.card, { ...opened, [button.dataset.more]: shown });
  }

  // Documents

  async function list() {
    const search = one(".beleg-find input").value.trim();
    try {
      const found = await (await asked("documents?" + query({ search }))).json();
      one(".beleg-list").innerHTML = found.html;
      known = found.ids;
      one("#beleg-collections").replaceChildren(
        ...found.collections.map((name) => Object.assign(document.createElement("option"), { value: name })));
      for (const id of scope) if (!known.includes(id)) scope.delete(id);
    } catch (error) {
      one(".beleg-list").replaceChildren(note(error.message, "error"));
    }
    scoped();
  }

  function scoped() {
    for (const row of all(".beleg-list [data-document]")) one("[data-choose]", row).checked = scope.has(row.dataset.document);
    for (const group of all(".beleg-group")) {
      const boxes = all("[data-choose]", group), head = one("[data-collection]", group);
      if (!head) continue;
      const count = boxes.filter((box) => box.checked).length;
      head.checked = count === boxes.length;
      head.indeterminate = count > 0 && !head.checked;
    }
    one(".beleg-chosen").hidden = scope.size === 0;
    one(".beleg-scope").hidden = scope.size === 0;
    one(".beleg-scope span").textContent =
      texts.chat_scope.replace("{chosen}", scope.size).replace("{all}", known.length);
  }

  function choose(box) {
    const rows = box.dataset.collection === undefined
      ? [box.closest("[data-document]")] : all("[data-document]", box.closest(".beleg-group"));
    for (const row of rows) scope[box.checked ? "add" : "delete"](row.dataset.document);
    scoped();
  }

  async function remove(ids) {
    const sure = ids.length === 1 ? texts.documents_remove_one_sure : texts.documents_remove_sure;
    if (!window.confirm(sure.replace("{count}", ids.length))) return;
    await changed(asked("documents?" + ids.map((id) => "id=" + encodeURIComponent(id)).join("&"), { method: "DELETE" }));
  }

  async function changed(change) {
    try {
      await change;
    } catch (error) {
      one(".beleg-uploads").replaceChildren(Object.assign(document.createElement("li"), { textContent: error.message }));
    }
    await list();
  }

  const uploads = [];
  let uploading = false;
  async function upload(files) {
    show("documents");
    for (const file of files) {
      const row = document.createElement("li");
      row.append(Object.assign(document.createElement("strong"), { textContent: file.name }), " ",
        Object.assign(document.createElement("span"), { textContent: texts.documents_sending }));
      one(".beleg-uploads").append(row);
      uploads.push([file, row]);
    }
    if (uploading) return;
    uploading = true;
    while (uploads.length) await put(...uploads.shift());
    uploading = false;
  }

  function put(file, row) {
    const collection = one(".beleg-chosen input").value;
    const state = (text, kind) => { row.className = "beleg-" + kind; one("span", row).textContent = text; };
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      request.open("PUT", "/beleg/documents?" + query({ name: file.name, collection }));
      request.setRequestHeader("X-Beleg", "1");
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.upload.onprogress = (event) =>
        state(`${texts.documents_sending} ${Math.round((100 * event.loaded) / (event.total || 1))} %`, "busy");
      const lines = () => request.responseText.split("\n").filter(Boolean).map((line) => {
        try { return JSON.parse(line); } catch { return {}; }
      });
      request.onprogress = () => { const last = lines().pop(); if (last?.doing) state(last.doing, "busy"); };
      request.onerror = () => { state(texts.chat_failed, "error"); resolve(); };
      request.onload = async () => {
        const last = lines().pop() ?? {};
        const failed = last.failed ?? last.error ?? (request.status === 200 ? "" : texts.chat_failed);
        state([last.done, failed].filter(Boolean).join(" – "), failed ? "error" : "done");
        await list();
        resolve();
      };
      request.send(file);
    });
  }

  // History: in this browser only

  function kept() {
    try {
      const value = JSON.parse(localStorage.getItem(HISTORY));
      if (value && Array.isArray(value.conversations)) return value;
    } catch { /* unreadable: begin anew */ }
    return { keep: true, current: null, conversations: [] };
  }

  function keep(value) {
    while (true) {
      try {
        localStorage.setItem(HISTORY, JSON.stringify(value));
        return;
      } catch {  // full: the oldest goes
        if (!value.conversations.length) return;
        value.conversations.pop();
      }
    }
  }

  function remember() {
    const value = kept(), turns = finished();
    if (!value.keep || !turns.length) return;
    value.current ??= crypto.getRandomValues(new Uint32Array(2)).join("-");
    const others = value.conversations.filter((other) => other.id !== value.current);
    value.conversations = [{ id: value.current, time: Date.now(), turns }, ...others].slice(0, MOST_KEPT);
    keep(value);
    earlier();
  }

  function go(id) {
    const value = kept();
    value.current = id;
    keep(value);
    send?.({ turns: value.conversations.find((other) => other.id === id)?.turns ?? [] });
    earlier();
  }

  function earlier() {
    const value = kept();
    one("#beleg-keep").checked = value.keep;
    one("[data-do=forget]").hidden = !value.conversations.length;
    const rows = value.conversations.map((conversation) => {
      const row = document.createElement("li"), title = conversation.turns[0]?.question ?? "";
      const open = Object.assign(document.createElement("button"), { type: "button", className: "beleg-read" });
      if (conversation.id === value.current) open.setAttribute("aria-current", "true");
      const day = new Date(conversation.time).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
      open.append(Object.assign(document.createElement("span"), { className: "beleg-title", textContent: title }),
        Object.assign(document.createElement("span"), { className: "beleg-source", textContent: day }));
      open.onclick = () => go(conversation.id);
      const drop = Object.assign(document.createElement("button"),
        { type: "button", className: "beleg-icon", textContent: "×", title: texts.history_delete });
      drop.setAttribute("aria-label", `${texts.history_delete}: ${title}`);
      drop.onclick = () => forget((other) => other.id === conversation.id);
      row.append(open, drop);
      return row;
    });
    one(".beleg-earlier").replaceChildren(...(rows.length ? rows : [emptyRow()]));
  }
  const emptyRow = () => Object.assign(document.createElement("li"), { className: "beleg-note", textContent: texts.history_none });

  function forget(which) {
    const value = kept();
    value.conversations = value.conversations.filter((conversation) => !which(conversation));
    if (!value.conversations.some((conversation) => conversation.id === value.current)) value.current = null;
    keep(value);
    earlier();
  }

  // The quote that a marker stands for, while it is pointed at

  const tip = Object.assign(document.createElement("div"), { id: "beleg-tip", hidden: true });
  tip.setAttribute("role", "tooltip");
  function hint(marker) {
    const card = cardOf(marker);
    if (!card) return;
    tip.replaceChildren(...["blockquote", ".beleg-gloss", ".beleg-title"].map((part) => one(part, card))
      .filter((part) => part?.textContent).map((part) => {
        const shown = document.createElement("p");
        shown.append(...(part.querySelector("button") ?? part).cloneNode(true).childNodes);
        return shown;
      }));
    one(".gradio-container").append(tip);
    tip.hidden = false;
    marker.setAttribute("aria-describedby", tip.id);
    const at = marker.getBoundingClientRect(), size = tip.getBoundingClientRect();
    tip.style.left = Math.max(8, Math.min(at.left, innerWidth - size.width - 8)) + "px";
    tip.style.top = (at.bottom + size.height + 8 < innerHeight ? at.bottom + 6 : Math.max(8, at.top - size.height - 6)) + "px";
  }
  const cardOf = (marker) => document.getElementById(marker.getAttribute("href").slice(1));

  // Events

  const DO = {
    edit: (button) => {
      const turn = button.closest(".beleg-turn");
      replaced = Number(turn.dataset.number);
      write(JSON.parse(turn.dataset.turn).question);
    },
    copy,
    good: (button) => judge(button, "good", ""),
    bad: (button) => { const form = one(".beleg-reasons", button.closest(".beleg-turn")); form.hidden = !form.hidden; },
    all: () => { scope.clear(); scoped(); },
    export: (button) => { if (finished().length) exported(button.dataset.form).catch((error) => alert(error.message)); },
    new: () => { replaced = null; go(null); one("#beleg-question textarea").focus(); },
    back: () => {
      const card = opened?.card;
      if (narrow()) (card?.closest(".beleg-turn") ?? one("#beleg-conversation")).scrollIntoView();
      (card && one(`[href="#${card.id}"]`) || one("#beleg-question textarea")).focus();
    },
    collect: () => {
      const input = one(".beleg-chosen input");
      changed(asked("collections", json({ ids: [...scope], name: input.value })));
      input.value = "";
    },
    remove: () => remove([...scope]),
    forget: () => { if (window.confirm(texts.history_delete_sure)) forget(() => true); },
  };

  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest(selector);
    let found;
    if ((found = at(".beleg-marker"))) { event.preventDefault(); const card = cardOf(found); if (card) openSource(card); }
    else if ((found = at("[data-do]"))) DO[found.dataset.do](found);
    else if ((found = at(".beleg-example"))) write(found.textContent, true);
    else if ((found = at("[data-more]"))) more(found);
    else if ((found = at("[data-remove]"))) remove([found.closest("[data-document]").dataset.document]);
    else if ((found = at(".beleg-list .beleg-read"))) openWhole(found.closest("[data-document]"));
    else if ((found = at("[role=tab]"))) show(found.id.replace("beleg-tab-", ""));
    else if ((found = at("#beleg-switch"))) document.cookie = `beleg_language=${found.hreflang};path=/;max-age=31536000;samesite=strict`;
    else if ((found = at(".beleg-quote")) && !String(getSelection())) openSource(found);
  });
  function openWhole(row) {
    const card = document.createElement("div");
    Object.assign(card.dataset, { document: row.dataset.document, start: 0, end: 1 });
    openSource(card, { before: 0, after: 6000 });
  }
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-choose], [data-collection]")) choose(event.target);
    if (event.target.matches(".beleg-drop input")) { upload([...event.target.files]); event.target.value = ""; }
    if (event.target.matches("#beleg-keep")) {
      keep(event.target.checked ? { ...kept(), keep: true } : { keep: false, current: null, conversations: [] });
      event.target.checked ? remember() : earlier();
    }
  });
  document.addEventListener("submit", (event) => {
    if (event.target.id === "beleg-logout") return localStorage.removeItem(HISTORY);
    const form = event.target.closest(".beleg-reasons");
    if (!form) return;
    event.preventDefault();
    judge(form, new FormData(form).get("reason"), new FormData(form).get("comment"));
    form.hidden = true;
  });
  let searching;
  document.addEventListener("input", (event) => {
    if (!event.target.matches(".beleg-find input")) return;
    clearTimeout(searching);
    searching = setTimeout(list, 200);
  });
  for (const name of ["mouseover", "focusin"])
    document.addEventListener(name, (event) => { const found = event.target.closest?.(".beleg-marker"); if (found) hint(found); });
  for (const name of ["mouseout", "focusout"])
    document.addEventListener(name, (event) => { if (event.target.closest?.(".beleg-marker")) tip.hidden = true; });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") tip.hidden = true;
    const tab = event.target.closest?.("#beleg-views [role=tab]"), step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!tab || !step) return;
    const tabs = all("#beleg-views [role=tab]");
    show(tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length].id.replace("beleg-tab-", ""), true);
  });
  for (const name of ["dragover", "drop"])
    document.addEventListener(name, (event) => {
      if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return;
      event.preventDefault();
      one(".beleg-drop")?.classList.toggle("beleg-over", name === "dragover");
      if (name === "drop") upload([...event.dataTransfer.files]);
    });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) one(".beleg-drop")?.classList.remove("beleg-over"); });

  // Keeps the last question at the top of its frame, so that its answer and not the end of its quotes is seen; while the
  // answer grows as near as the frame scrolls, until the reader scrolls elsewhere.
  let turnsSeen = 0, following = false;
  function watch() {
    new MutationObserver(() => {
      const turns = all(".beleg-turn");
      if (turns.length > turnsSeen) following = true;
      turnsSeen = turns.length;
      ended();
      if (following && turns.length) toTop(turns.at(-1));
      if (!one("#beleg-growing .beleg-turn")) remember();
    }).observe(one("#beleg-scroll"), { childList: true, subtree: true });
    const typing = (event) => !narrow() && event.type === "keydown" && event.target.matches?.("textarea");
    for (const name of ["wheel", "touchmove", "pointerdown", "keydown"])
      document.addEventListener(name, (event) => { if (!typing(event)) following = false; }, { passive: true, capture: true });
  }
  function toTop(turn) {
    const frame = one("#beleg-scroll");
    if (narrow()) turn.scrollIntoView();
    else frame.scrollTop += turn.getBoundingClientRect().top - frame.getBoundingClientRect().top;
  }

  let started = false;
  function begin() {
    if (!send || !started) return;
    const value = kept();
    const current = value.keep && value.conversations.find((conversation) => conversation.id === value.current);
    if (current) send({ turns: current.turns });
    watch();
    askAgain(current ? current.turns.length : 0);
  }
  return {
    context,
    connect(trigger) { send = trigger; begin(); },
    start(element) {
      const data = one(".beleg-tabs", element).dataset;
      texts = JSON.parse(data.texts);
      language = data.language;
      started = true;
      const wait = setInterval(() => {  // the bar below the question may come later
        if (!one(".beleg-scope")) return;
        clearInterval(wait);
        earlier();
        list();
      }, 20);
      begin();
    },
  };
})();
