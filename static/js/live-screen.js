// <live-screen socket="/ws/…" poll="/h/…/state/…" zone="Asia/Shanghai">: keeps a page's fragments as the server has them,
// says how fresh they are, and keeps the server's time for every clock on the page.
//
// A message is a line of JSON, then fragments as htmx out-of-band swaps (hall/hub.py). No fragment is swapped under a finger,
// while something in it is typed, open or being sent; the newest waits and is swapped when that is over.
//
//   connecting     the page is as it was loaded
//   live           the socket brings every change
//   looking        the socket is there but the server gets no pushes, or there is no socket and we ask every 5 s
//   reconnecting   the socket is cut
//   frozen         nothing heard for 15 s: body.is-frozen
//
// window.hallClock.offset is the server's time minus this machine's, in ms; it glides, so that no clock jumps.
// document hears "hall:heartbeat" with {now, watch, pushes}. An own socket, not htmx's extension: that one's pauses grow to a minute.
"use strict";

(() => {
  const FROZEN = 15000;
  const POLL = 5000;
  const POLL_AFTER = 3000; // without a socket for so long
  const SHORTEST_PAUSE = 500;
  const LONGEST_PAUSE = 3000;
  const OPENING = 15000; // a socket that has not opened by then is given up
  const ANSWER_HOLD = 400; // ms after an own answer: a push rendered before the tap must not show the past again
  const REFUSAL_HOLD = 4000; // ms for which a refusal's words stay
  const GLIDE = 100; // ms per second
  const JUMP = 5000; // the machine's own clock was set: follow at once
  const NO_RIGHT = 4403;
  const OPEN = "dialog[open], details[data-keep][open], [popover]:popover-open";
  const TYPED = "input:not([type=hidden], [type=button], [type=submit], [type=checkbox], [type=radio]), textarea, select, [contenteditable]";

  window.hallClock ||= { offset: 0 };

  const between = (least, most) => least + Math.random() * (most - least);

  class LiveScreen extends HTMLElement {
    connectedCallback() {
      this.heardAt = performance.now();
      this.heardTime = Date.now();
      this.waiting = new Map(); // fragment id → its newest html, held back
      this.holds = new Map(); // fragment id → until when (performance.now)
      this.shown = new Map(); // fragment id → the html last swapped in
      this.ending = new AbortController();
      const on = (target, name, act, capture = false) => target.addEventListener(name, act, { signal: this.ending.signal, capture });
      for (const name of ["focusout", "pointerup", "pointercancel", "close", "toggle"]) on(document, name, () => setTimeout(() => this.swapWaiting(), 50), true);
      on(document, "htmx:beforeSwap", (event) => this.ownAnswer(event));
      on(document, "htmx:afterRequest", () => setTimeout(() => this.swapWaiting(), 0));
      for (const name of ["online", "pageshow"]) on(window, name, () => this.wakeUp());
      on(document, "visibilitychange", () => document.hidden || this.wakeUp());
      on(window, "pagehide", () => this.hangUp());
      this.timer = setInterval(() => this.tick(), 1000);
      this.connect();
    }

    disconnectedCallback() {
      this.ending.abort();
      clearInterval(this.timer);
      this.hangUp();
    }

    // The socket.

    connect() {
      clearTimeout(this.retry);
      this.hangUp();
      const address = new URL(this.getAttribute("socket"), location.href);
      address.protocol = address.protocol.replace("http", "ws");
      const socket = new WebSocket(address);
      this.socket = socket;
      this.openingSince = performance.now();
      socket.onmessage = (event) => this.socket === socket && this.hear(event.data, true);
      socket.onclose = (event) => this.socket === socket && this.cut(event.code);
    }

    hangUp() {
      const socket = this.socket;
      this.socket = null;
      this.brings = false;
      if (socket) {
        socket.onmessage = socket.onclose = null;
        socket.close();
      }
    }

    cut(code) {
      this.hangUp();
      this.cutSince ??= performance.now();
      this.failures = (this.failures || 0) + 1;
      if (code === NO_RIGHT) return location.reload(); // signed out: the page itself leads on
      this.retry = setTimeout(() => this.connect(), this.failures === 1 ? between(0, SHORTEST_PAUSE) : between(SHORTEST_PAUSE, LONGEST_PAUSE));
      this.show();
    }

    wakeUp() {
      // A tablet that slept: its socket may be dead without knowing it.
      if (!this.socket || performance.now() - this.heardAt > FROZEN - 3000 || this.asleep()) this.connect();
      this.tick();
    }

    asleep() {
      return Date.now() - (this.tickedAt || Date.now()) > FROZEN;
    }

    // What is heard.

    hear(text, pushed) {
      const end = text.indexOf("\n");
      const facts = JSON.parse(text.slice(0, end));
      this.heardAt = performance.now();
      this.heardTime = Date.now();
      if (pushed) {
        this.brings = true;
        this.cutSince = undefined;
        this.failures = 0;
      }
      if (facts.now) this.setClock(Date.parse(facts.now) - Date.now());
      if (facts.watch) this.standIn = facts.watch === "stand_in";
      if (pushed && "pushes" in facts) this.pushes = facts.pushes;
      const html = text.slice(end + 1);
      if (html) this.receive(html, facts.full);
      if (facts.now) document.dispatchEvent(new CustomEvent("hall:heartbeat", { detail: facts }));
      this.show();
    }

    receive(html, full) {
      const parsed = document.createElement("template");
      parsed.innerHTML = html;
      if (full) this.waiting.clear();
      for (const fragment of [...parsed.content.children]) this.waiting.set(fragment.id, fragment.outerHTML);
      this.swapWaiting();
    }

    async poll() {
      if (this.polling) return;
      this.polling = true;
      try {
        const answer = await fetch(this.getAttribute("poll"), { headers: { "HX-Request": "true" }, signal: AbortSignal.timeout(POLL), redirect: "manual" });
        if (answer.status === 401 || answer.status === 403 || answer.type === "opaqueredirect") return location.reload();
        if (answer.ok && !this.brings) this.hear(await answer.text(), false);
      } catch {
        // no line: the next tick asks again
      } finally {
        this.polling = false;
        this.polledAt = performance.now();
      }
    }

    // Swapping, never under a finger.

    swapWaiting() {
      for (const [id, html] of [...this.waiting]) {
        const target = document.getElementById(id);
        if (target && this.mustWait(target)) continue;
        this.waiting.delete(id);
        if (target && this.shown.get(id) !== html) this.swap(target, html);
      }
    }

    mustWait(target) {
      const until = this.holds.get(target.id);
      if (until !== undefined) {
        if (performance.now() < until) return true;
        this.holds.delete(target.id);
      }
      const active = document.activeElement;
      return (
        (active && target.contains(active) && active.matches(TYPED)) ||
        (document.body.classList.contains("is-touched") && target.matches(":hover, :has(:active), :active")) ||
        target.matches(".htmx-request, [aria-busy=true], :has(.htmx-request, [aria-busy=true])") ||
        target.querySelector(OPEN) !== null
      );
    }

    swap(target, html) {
      const active = document.activeElement;
      const focused = active && target.contains(active) ? focusKey(active) : null;
      const scrolled = [target, ...target.querySelectorAll("[id]")].filter((element) => element.scrollTop || element.scrollLeft);
      const places = scrolled.map((element) => [element.id, element.scrollTop, element.scrollLeft]);
      htmx.swap(document.body, html, { swapStyle: "none", settleDelay: 0, ignoreTitle: true });
      this.shown.set(target.id, html);
      for (const [id, top, left] of places) document.getElementById(id)?.scrollTo({ top, left, behavior: "instant" });
      if (focused && document.activeElement === document.body) findFocus(document.getElementById(target.id), focused)?.focus({ preventScroll: true });
    }

    ownAnswer(event) {
      // The answer to this person's own tap is newer than any push rendered before it.
      const answer = document.createElement("template");
      answer.innerHTML = event.detail.serverResponse || "";
      for (const fragment of answer.content.querySelectorAll("[id]")) {
        const place = document.getElementById(fragment.id);
        if (!place) continue;
        const refused = fragment.querySelector("[role=alert]")?.textContent.trim();
        this.holds.set(fragment.id, performance.now() + (refused ? REFUSAL_HOLD : ANSWER_HOLD));
        this.shown.delete(fragment.id);
      }
      setTimeout(() => this.swapWaiting(), ANSWER_HOLD + 20);
    }

    // The clock.

    setClock(offset) {
      // A message that was long on its way makes the server look late: of the last minute's, the quickest is right.
      if (Math.abs(offset - window.hallClock.offset) > JUMP) this.samples = [];
      this.samples = [...(this.samples ?? []), offset].slice(-6);
      this.target = Math.max(...this.samples);
      if (this.kept === undefined || Math.abs(offset - window.hallClock.offset) > JUMP) window.hallClock.offset = offset;
      this.kept = true;
    }

    glide() {
      if (this.target === undefined) return;
      const way = this.target - window.hallClock.offset;
      window.hallClock.offset += Math.sign(way) * Math.min(Math.abs(way), GLIDE);
    }

    // How fresh it is.

    tick() {
      const now = performance.now();
      const slept = this.asleep();
      this.tickedAt = Date.now();
      this.glide();
      const silent = now - this.heardAt > FROZEN;
      const notOpening = this.socket && this.socket.readyState === WebSocket.CONNECTING && now - this.openingSince > OPENING;
      const halfDead = this.socket && this.socket.readyState !== WebSocket.CONNECTING && silent && now - this.openingSince > FROZEN;
      if (slept || notOpening || halfDead) {
        this.cutSince ??= now;
        this.connect();
      }
      const without = !this.brings && now - (this.cutSince ?? this.openingSince) > POLL_AFTER;
      if ((without || silent) && now - (this.polledAt ?? -POLL) >= POLL) this.poll();
      this.swapWaiting();
      this.show();
    }

    state() {
      const silent = performance.now() - this.heardAt;
      if (silent > FROZEN) return "frozen";
      if (this.brings) return this.pushes === false ? "looking" : "live";
      if (this.cutSince === undefined) return "connecting";
      return this.polledAt > this.cutSince && silent < POLL + 2000 ? "looking" : "reconnecting";
    }

    show() {
      const state = this.state();
      if (this.dataset.state !== state) {
        this.dataset.state = state;
        document.body.classList.toggle("is-frozen", state === "frozen");
        for (const fact of this.querySelectorAll("[data-when]")) fact.hidden = fact.dataset.when !== state;
        if (state === "frozen") this.sayFrozenSince();
      }
      this.querySelector("[data-when=stand-in]").hidden = !this.standIn || state === "frozen";
      if (state === "reconnecting") this.querySelector("[data-since]").textContent = clockText((performance.now() - this.cutSince) / 1000);
    }

    sayFrozenSince() {
      const at = new Date(this.heardTime + window.hallClock.offset);
      const time = this.querySelector("[data-frozen-at]");
      time.dateTime = at.toISOString();
      time.textContent = new Intl.DateTimeFormat("en-GB", { timeZone: this.getAttribute("zone") || undefined, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(at);
    }
  }

  const clockText = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

  // A button that had the focus gets it back if it is still the same action on the same ticket.
  const focusKey = (element) => {
    const form = element.closest("form");
    const fields = form ? String(new URLSearchParams(new FormData(form))) : "";
    return { tag: element.tagName, key: [element.id, element.getAttribute("href"), form?.getAttribute("hx-post"), fields, element.name, element.value, element.textContent.trim()].join("|") };
  };

  const findFocus = (root, { tag, key }) => [...(root?.querySelectorAll(tag) ?? [])].find((element) => focusKey(element).key === key);

  customElements.define("live-screen", LiveScreen);
})();
