// A table whose rows are fetched a page at a time. One stop for the Tab key; arrows move, Space chooses, Enter opens.

const ROWS_A_PAGE = 50;

class RowTable {
  // `before` is `held()` of the table that stood here, when the page was drawn anew around it.
  constructor(host, send, before) {
    this.host = host;
    this.send = send;
    this.first = before?.first ?? 0;
    this.active = before?.active ?? 0;
    this.keep = before?.keep ?? null;
    this.fetch();
  }

  // Where a person is in the table: the page, the row, and what the keyboard is on.
  held() {
    const keep = this.host.contains(document.activeElement) ? document.activeElement.dataset.keep : this.keep;
    return { first: this.first, active: this.active, keep };
  }

  fetch(first = this.first) {
    this.send({ t: "rows", first, number: ROWS_A_PAGE });
  }

  restart() {
    this.fetch(this.first);
  }

  take(page) {
    if (page.first >= page.total && page.first > 0) {
      this.active = 0;
      this.fetch(0);
      return;
    }
    // Until the rows come, the keyboard is nowhere; who went elsewhere meanwhile is not called back.
    const elsewhere = document.activeElement !== document.body && !this.host.contains(document.activeElement);
    const hadFocus = elsewhere ? null : this.held().keep;
    this.keep = null;
    const scrolled = this.host.querySelector(".grid-scroll")?.scrollTop ?? 0;
    const samePage = this.page && this.page.first === page.first;
    this.page = page;
    this.first = page.first;
    this.active = Math.min(this.active, Math.max(page.rows.length - 1, 0));
    this.host.replaceChildren(this.draw(page));
    if (samePage) this.host.querySelector(".grid-scroll").scrollTop = scrolled;
    if (hadFocus === "row") this.focusRow(this.active);
    else if (hadFocus) this.host.querySelector(`[data-keep="${hadFocus}"]`)?.focus();
  }

  draw(page) {
    const whole = document.createElement("div");
    const table = document.createElement("table");
    table.setAttribute("role", "grid");
    table.setAttribute("aria-multiselectable", "true");
    table.setAttribute("aria-rowcount", page.total + 1);
    table.setAttribute("aria-label", "Proposal");
    table.append(this.head(page), this.body(page));
    const scroll = document.createElement("div");
    scroll.className = "grid-scroll";
    scroll.append(table);
    whole.append(scroll, this.pager(page));
    return whole;
  }

  head(page) {
    const head = document.createElement("thead");
    const row = head.insertRow();
    // The roles are said, for on a narrow page the rows are cards and no longer drawn as a table.
    head.setAttribute("role", "rowgroup");
    row.setAttribute("role", "row");
    const all = document.createElement("th");
    all.setAttribute("role", "columnheader");
    all.scope = "col";
    const box = document.createElement("input");
    box.type = "checkbox";
    box.dataset.keep = "all";
    box.setAttribute("aria-label", `Choose all ${page.total} rows in view`);
    const decidable = page.rows.filter((one) => one.decidable);
    box.checked = decidable.length > 0 && decidable.every((one) => one.chosen);
    box.onchange = () => this.act("review/choose", { all: true, on: box.checked });
    all.append(box);
    row.append(all);
    for (const column of page.columns) {
      const cell = document.createElement("th");
      cell.scope = "col";
      cell.setAttribute("role", "columnheader");
      cell.className = column.id;
      const sorted = page.sorted === column.id;
      cell.setAttribute("aria-sort", sorted ? (page.descending ? "descending" : "ascending") : "none");
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.keep = `sort-${column.id}`;
      button.textContent = column.title;
      const sign = document.createElement("span");
      sign.setAttribute("aria-hidden", "true");
      sign.textContent = sorted ? (page.descending ? " ▼" : " ▲") : " ↕";
      button.append(sign);
      button.onclick = () => this.act("review/sort", { arg: column.id });
      cell.append(button);
      row.append(cell);
    }
    return head;
  }

  body(page) {
    const body = document.createElement("tbody");
    body.setAttribute("role", "rowgroup");
    page.rows.forEach((one, at) => body.append(this.row(one, at, page)));
    if (!page.rows.length) {
      const cell = body.insertRow().insertCell();
      cell.colSpan = page.columns.length + 1;
      cell.className = "empty";
      cell.textContent = "No row fits the filters. “Show all” brings them back.";
    }
    body.onkeydown = (event) => this.key(event);
    return body;
  }

  row(one, at, page) {
    const row = document.createElement("tr");
    row.id = `row-${one.place}`;
    row.className = `${one.action}${one.decided ? " decided" : ""}`;
    row.tabIndex = at === this.active ? 0 : -1;
    row.dataset.keep = "row";
    row.setAttribute("role", "row");
    row.setAttribute("aria-rowindex", page.first + at + 2);
    row.setAttribute("aria-selected", one.chosen ? "true" : "false");
    const first = row.insertCell();
    first.setAttribute("role", "gridcell");
    if (one.decidable) {
      const box = document.createElement("input");
      box.type = "checkbox";
      box.tabIndex = -1;
      box.checked = one.chosen;
      box.setAttribute("aria-label", `Choose: ${one.label}`);
      box.onclick = (event) => event.stopPropagation();
      box.onchange = () => this.choose(at, box.checked);
      first.append(box);
    }
    one.cells.forEach(([text, below], place) => {
      const cell = row.insertCell();
      cell.setAttribute("role", "gridcell");
      cell.className = page.columns[place].id;
      const main = document.createElement("span");
      main.textContent = text;
      cell.append(main);
      if (below) {
        const small = document.createElement("small");
        small.textContent = below;
        cell.append(small);
      }
    });
    row.onclick = (event) => {
      if (event.target.type === "checkbox") return;
      this.active = at;
      this.open(at);
    };
    row.onfocus = () => this.setActive(at);
    return row;
  }

  pager(page) {
    const pager = document.createElement("div");
    pager.className = "pager";
    const said = document.createElement("span");
    const last = page.first + page.rows.length;
    said.textContent = page.total ? `Rows ${(page.first + 1).toLocaleString()} to ${last.toLocaleString()} of ${page.total.toLocaleString()}` : "";
    pager.append(
      this.step("Previous", "previous", page.first > 0, page.first - ROWS_A_PAGE),
      said,
      this.step("Next", "following", last < page.total, page.first + ROWS_A_PAGE),
    );
    return pager;
  }

  step(text, keep, able, first) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.dataset.keep = keep;
    button.textContent = text;
    button.setAttribute("aria-disabled", able ? "false" : "true");
    button.onclick = () => {
      if (!able) return;
      this.active = 0;
      this.host.querySelector(".grid-scroll").scrollTop = 0;
      this.page = null;
      this.fetch(Math.max(first, 0));
    };
    return button;
  }

  key(event) {
    const last = this.page.rows.length - 1;
    const moves = { ArrowDown: this.active + 1, ArrowUp: this.active - 1, Home: 0, End: last, PageDown: this.active + 10, PageUp: this.active - 10 };
    if (event.key in moves) {
      event.preventDefault();
      this.focusRow(Math.max(0, Math.min(last, moves[event.key])));
    } else if (event.key === " ") {
      event.preventDefault();
      const one = this.page.rows[this.active];
      if (one.decidable) this.choose(this.active, !one.chosen);
    } else if (event.key === "Enter") {
      event.preventDefault();
      this.open(this.active);
    }
  }

  setActive(at) {
    this.active = at;
    this.host.querySelectorAll("tbody tr").forEach((row, place) => (row.tabIndex = place === at ? 0 : -1));
  }

  focusRow(at) {
    this.setActive(at);
    this.host.querySelectorAll("tbody tr")[at]?.focus();
  }

  choose(at, on) {
    this.act("review/choose", { places: [this.page.rows[at].place], on });
  }

  open(at) {
    this.act("review/open", { arg: this.page.rows[at].place });
  }

  act(what, values) {
    this.send({ t: "do", do: what, values });
  }
}
