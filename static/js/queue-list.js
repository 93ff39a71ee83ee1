// The board's queue: which service is shown, and how many rows fit. Both survive a push that replaces the rows.
//
// <queue-list data-more data-more-over data-limit data-show data-less data-none>: tabs (buttons with data-service), rows
// (li with data-service), one line for the rest. As many rows as the window has room for are shown, never fewer than six.

const FEWEST = 6;
const chosen = { service: "", all: false }; // for as long as the page stands

class QueueList extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", this);
    window.addEventListener("resize", this);
    this.show();
  }
  disconnectedCallback() {
    window.removeEventListener("resize", this);
  }
  handleEvent(event) {
    if (event.type === "click") {
      const tab = event.target.closest(".tab");
      if (tab) chosen.service = tab.dataset.service;
      else if (event.target.closest(".button-text")) chosen.all = !chosen.all;
      else return;
    }
    this.show();
  }
  show() {
    const tabs = [...this.querySelectorAll(".tab")];
    if (!tabs.some((tab) => tab.dataset.service === chosen.service)) chosen.service = "";
    for (const tab of tabs) tab.setAttribute("aria-pressed", String(tab.dataset.service === chosen.service));
    const rest = this.querySelector(".queue-rest");
    if (!rest) return;
    const rows = [...this.querySelectorAll("li.queue-row")];
    const mine = rows.filter((row) => !chosen.service || row.dataset.service === chosen.service);
    const fit = this.room(this.querySelector(".queue-rest").offsetHeight || this.querySelector(".is-head").offsetHeight);
    const cut = mine.length > fit + 1; // one line more costs what the line of the rest costs
    const shown = new Set(cut && !chosen.all ? mine.slice(0, fit) : mine);
    for (const row of rows) row.hidden = !shown.has(row);
    const hidden = mine.filter((row) => !shown.has(row));
    const over = hidden.filter((row) => row.classList.contains("is-over")).length;
    const text = hidden.length && over ? this.dataset.moreOver : hidden.length ? this.dataset.more : mine.length ? "" : this.dataset.none;
    rest.hidden = !cut && mine.length > 0;
    rest.firstElementChild.textContent = text.replace("{n}", hidden.length).replace("{over}", over).replace("{limit}", this.dataset.limit);
    const button = rest.querySelector("button");
    button.hidden = !cut;
    button.textContent = chosen.all ? this.dataset.less : this.dataset.show;
    button.setAttribute("aria-expanded", String(chosen.all));
  }
  room(height) {
    const row = height || 32; // px: of one line, in the type size of this window
    const top = this.querySelector("ol").getBoundingClientRect().top + window.scrollY;
    return Math.max(FEWEST, Math.floor((window.innerHeight - top - row - 16) / row));
  }
}

customElements.define("queue-list", QueueList);
