// The frame of the page: what is shown where, what a person does, where the keyboard is, what is announced.

const FRAME = `
<div class="senr">
  <a class="skip" href="#main">Skip to the content</a>
  <div class="lost" role="alert" hidden><p><strong>The connection to senrkit is lost.</strong> Runs and decisions are kept. Where senrkit has ended, start it again with <code>senrkit dashboard</code>.</p><button type="button" class="primary">Open the page again</button></div>
  <header id="head"></header>
  <nav id="rail" aria-label="Steps"></nav>
  <main id="main" tabindex="-1"><p class="lead">Opening…</p></main>
  <div id="busy"></div>
  <div id="dialog"></div>
  <div id="said" class="unseen" role="status" aria-live="polite"></div>
</div>`;
const BEAT = 4000;
const PATIENCE = 12000;

function render({ model, el }) {
  el.innerHTML = FRAME;
  const root = el.querySelector(".senr");
  const at = (id) => root.querySelector(`#${CSS.escape(id)}`);
  // Whether the browser forgets the place that is left: a person only typed, or came to it by the browser itself.
  let stays = true;
  const send = (message, buffers) => {
    if (message.t === "do") stays = false;
    model.send(message, undefined, buffers);
  };
  const charts = new Charts(root, send);
  const uploads = new Uploads(send);
  const downloads = new Downloads(send);
  let rows = null;
  let heard = Date.now();
  let began = 0;
  let typing = 0;

  function act(what, values = {}) {
    send({ t: "do", do: what, values });
  }

  function say(text) {
    if (!text) return;
    // The same words twice would not be announced twice.
    at("said").textContent = at("said").textContent === text ? `${text}\u00a0` : text;
  }

  function put(id, html) {
    const region = at(id);
    if (!region) return;
    const active = region.contains(document.activeElement) ? document.activeElement : null;
    const caret = active && "selectionStart" in active ? active.selectionStart : null;
    const place = region.contains(rows?.host ?? null) ? rows.held() : null;
    const begun = [...region.querySelectorAll("[data-kept] input")].map((field) => [field, keptAs(field)]);
    region.innerHTML = html;
    // An answer that comes late, on a busy computer, does not take away what was typed meanwhile.
    for (const [{ id: field, value, checked }, kept] of begun)
      if (field && at(field) && keptAs(at(field)) === kept) Object.assign(at(field), { value, checked });
    if (active?.id && at(active.id)) {
      at(active.id).focus({ preventScroll: true });
      if (caret !== null && at(active.id).type !== "date") try { at(active.id).setSelectionRange(caret, caret); } catch { /* a field without a caret */ }
    }
    wake(region, id, place, active?.id);
  }

  // What was typed about one row is not taken over to another.
  function keptAs(field) {
    return field.closest("[data-kept]")?.dataset.kept;
  }

  // On a narrow page the cells of a row stand below one another: each then says what it is.
  function nameCells(table) {
    const titles = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
    for (const row of table.tBodies[0].rows)
      for (const cell of row.cells) if (titles[cell.cellIndex]) cell.dataset.is = titles[cell.cellIndex];
  }

  // A table can be copied, or taken away as a file; the proposal with all its pages, from the kernel.
  function takeButtons(what) {
    const group = document.createElement("div");
    group.className = "take";
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "Take the table away");
    for (const [kind, text] of [["copy", "Copy"], ["csv", "CSV"], ["xlsx", "Excel"]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "link";
      button.textContent = text;
      button.dataset.kind = kind;
      button.onclick = () => (what === "table" ? takeTable(group.parentElement, kind) : act("take/proposal", { kind }));
      group.append(button);
    }
    return group;
  }

  function takeTable(scroll, kind) {
    // A button that leads somewhere is a value; one that does something is none.
    const text = (cell) => [...cell.childNodes].filter((node) => !node.matches?.(".deed")).map((node) => node.textContent.trim()).filter(Boolean).join(" ");
    // Columns of buttons have a heading that is not seen.
    const table = scroll.querySelector("table");
    const kept = [...table.tHead.rows[0].cells].map((cell) => !cell.querySelector(".unseen"));
    const [columns, ...rows] = [...table.rows].map((row) =>
      [...row.cells].flatMap((cell) => [text(cell), ...Array(cell.colSpan - 1).fill("")]).filter((_, place) => kept[place]));
    if (kind === "copy") return copy([columns, ...rows].map((row) => row.join("\t")).join("\n"), rows.length);
    act("take/table", { kind, name: scroll.getAttribute("aria-label") ?? at(scroll.getAttribute("aria-labelledby"))?.textContent ?? "table", columns, rows });
  }

  async function copy(text, rows) {
    try {
      await navigator.clipboard.writeText(text);
      say(`${rows.toLocaleString()} ${rows === 1 ? "row is" : "rows are"} copied.`);
      if (document.activeElement.dataset.kind === "copy") document.activeElement.textContent = "Copied ✓";
    } catch {
      say("The browser does not let a page copy. Take the table as a file.");
    }
  }

  function wake(region, id, place, active) {
    const table = region.querySelector("[data-rows]");
    if (table) rows = new RowTable(table, send, place);
    else if (id === "main") rows = null;
    region.querySelector("[data-take]")?.replaceChildren(takeButtons("proposal"));
    for (const scroll of region.querySelectorAll(".table-scroll:not(#deletes)")) scroll.append(takeButtons("table"));
    for (const stacked of region.querySelectorAll("table.stacks")) nameCells(stacked);
    const upload = region.querySelector("[data-upload]");
    if (upload) uploads.attach(upload);
    if (id === "busy") began = region.querySelector("[data-elapsed]") ? began || Date.now() : 0;
    const dialog = region.querySelector("dialog");
    if (dialog) {
      dialog.showModal();
      dialog.addEventListener("cancel", (event) => {
        event.preventDefault();
        act(dialog.dataset.modal);
      });
      dialog.scrollTop = 0;
      // Drawn anew, the keyboard stays on the field that it was on.
      ((active && region.querySelector(`#${CSS.escape(active)}`)) || region.querySelector("h2"))?.focus();
    }
  }

  function show({ regions, say: words, focus, hash }) {
    const step = hash && placeIn(hash).get("step") !== placeIn(location.hash).get("step");
    for (const [id, html] of Object.entries(regions)) put(id, html);
    if (hash) mark(hash);
    if (regions.rail) document.title = `${root.querySelector("h1")?.textContent ?? "senrkit"} · senrkit`;
    if (step) window.scrollTo(0, 0);
    if (focus) at(focus)?.focus();
    say(words);
  }

  function placeIn(hash) {
    return new URLSearchParams(hash.slice(1));
  }

  // The address says where the page is. A run that is made on a step, the settings, or the extract are no other place.
  function mark(hash) {
    const address = `${location.origin}${location.pathname}${hash}`;
    if (location.href === address) return;
    const [before, now] = [placeIn(location.hash), placeIn(hash)];
    for (const place of [before, now]) ["run", "settings", "extract"].forEach((name) => place.delete(name));
    if (stays || `${before}` === `${now}`) history.replaceState(null, "", address);
    else history.pushState(null, "", address);
  }

  // Between press and release of a button the page stays as it is: drawn anew, the click would meet nothing.
  let pressed = false;
  let held = [];
  function hold(message) {
    if (!pressed) return show(message);
    held.push(message);
    root.dataset.held = held.length;
  }
  // The click comes right after the release.
  const release = () => setTimeout(() => {
    pressed = false;
    delete root.dataset.held;
    for (const message of held.splice(0)) show(message);
  });
  root.addEventListener("pointerdown", () => (pressed = true));
  window.addEventListener("pointerup", release);
  window.addEventListener("pointercancel", release);
  // A release outside of the window is not told.
  root.addEventListener("pointermove", (event) => pressed && !event.buttons && release());

  const handlers = {
    show: hold,
    pong: () => {},
    rows: (message) => rows?.take(message),
    "rows-changed": () => rows?.restart(),
    copy: ({ text, rows: number }) => copy(text, number),
    chart: (message) => charts.take(message),
    plotly: (message, buffers) => charts.load(buffers[0]),
    "next-slice": (message) => uploads.next(message.at),
    "upload-over": () => uploads.done(),
    download: (message) => downloads.begin(message),
    "download-slice": (message, buffers) => downloads.take(message, buffers[0]),
    "form-error": ({ text, form }) => {
      const scope = (form && at(form)) || (root.querySelector("dialog[open]") ?? root);
      const place = scope.querySelector("[data-form-error]");
      if (place) place.textContent = text;
    },
  };

  model.on("msg:custom", (message, views) => {
    heard = Date.now();
    root.querySelector(".lost").hidden = true;
    const buffers = (views || []).map((view) => view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
    handlers[message.t](message, buffers);
  });

  function valuesOf(form, button) {
    const values = {};
    for (const [name, value] of new FormData(form, button)) values[name] = name === "picked" ? [...(values[name] ?? []), value] : value;
    return values;
  }

  root.addEventListener("click", (event) => {
    const shown = event.target.closest("[data-show]");
    if (shown) return choose(shown);
    if (event.target.closest("[data-print]")) return window.print();
    const button = event.target.closest("[data-do]:not(form)");
    if (!button || button.disabled) return;
    if (button.getAttribute("aria-disabled") === "true") return say(button.dataset.why);
    act(button.dataset.do, button.dataset.arg === undefined ? {} : { arg: button.dataset.arg });
  });

  function choose(button) {
    const id = button.dataset.of;
    const asTable = button.dataset.show === "table";
    root.querySelector(`[data-figure="${id}"]`).hidden = asTable;
    root.querySelector(`[data-table-of="${id}"]`).hidden = !asTable;
    for (const one of button.parentElement.children) one.setAttribute("aria-pressed", one === button ? "true" : "false");
    if (!asTable) charts.wanted(id);
  }

  root.addEventListener("submit", (event) => {
    event.preventDefault();
    const form = event.target.closest("form[data-do]");
    if (form) act(form.dataset.do, valuesOf(form, event.submitter));
  });

  root.addEventListener("change", (event) => {
    const field = event.target.closest("[data-change]");
    if (!field) return;
    const values = "many" in field.dataset ? { [field.name]: new FormData(field.form).getAll(field.name) } : { [field.name]: field.value };
    const picked = field.closest(".picker")?.querySelector(".picked");
    if (picked) picked.textContent = pickedWords(field.closest(".picker"));
    act(field.dataset.change, values);
  });

  function pickedWords(picker) {
    const chosen = [...picker.querySelectorAll(":checked")];
    return chosen.length === 0 ? "All" : chosen.length === 1 ? chosen[0].dataset.text : `${chosen.length} chosen`;
  }

  // A filter closes like a list of the browser's own: by Escape, and by a click elsewhere.
  root.addEventListener("keydown", (event) => {
    const picker = event.key === "Escape" && event.target.closest(".picker[open]");
    if (!picker) return;
    picker.open = false;
    picker.querySelector("summary").focus();
  });
  root.addEventListener("click", (event) => {
    for (const picker of root.querySelectorAll(".picker[open]")) if (!picker.contains(event.target)) picker.open = false;
  });

  root.addEventListener("input", (event) => {
    const field = event.target.closest("[data-input]");
    if (!field) return;
    clearTimeout(typing);
    typing = setTimeout(() => {
      act(field.dataset.input, { [field.name]: field.value });
      stays = true;
    }, 150);
  });

  root.querySelector(".skip").onclick = (event) => {
    event.preventDefault();
    at("main").focus();
  };
  root.querySelector(".lost button").onclick = () => location.reload();

  const clock = setInterval(() => {
    const elapsed = root.querySelector("[data-elapsed]");
    if (elapsed && began) elapsed.textContent = `${Math.round((Date.now() - began) / 1000)} s`;
  }, 500);
  const pulse = setInterval(() => {
    root.querySelector(".lost").hidden = Date.now() - heard < PATIENCE;
    send({ t: "ping" });
  }, BEAT);

  const visit = () => {
    stays = true;
    send({ t: "visit", hash: location.hash });
  };
  window.addEventListener("popstate", visit);
  // A page that the browser had put aside: its kernel has gone meanwhile.
  const thaw = (event) => event.persisted && location.reload();
  window.addEventListener("pageshow", thaw);

  send({ t: "hello", hash: location.hash });
  return () => {
    window.removeEventListener("popstate", visit);
    window.removeEventListener("pageshow", thaw);
    clearInterval(clock);
    clearInterval(pulse);
  };
}

export default { render };
