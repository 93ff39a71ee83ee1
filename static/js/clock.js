// Time that ticks in the browser, so that no push is needed for minutes.
//
// <time-since at="ISO" as="minutes|clock">            12 min, 4:10
// <wait-level since="ISO" before="s" warn="s" over="s" as="chip|word|number">
//     how long somebody has waited: `before` seconds already, and on since `since` (empty: he does not wait on);
//     the nearest [data-wait] becomes is-warn and is-over at the right second, its .bar (SVG) grows to data-scale seconds.
//     In a list warn, over and scale stand once, at the nearest [data-warn][data-over][data-scale].
// <wall-clock zone="Asia/Shanghai" seconds | date>    10:42:07, Tue 24 Nov
//
// Now is the server's: this machine's clock plus window.hallClock.offset (ms; live-screen.js keeps it). Under an element
// with data-now (a recorded day) everything stands at that instant. Minutes are rounded down: 15 shows when 15 are full.
// Words come from data attributes of <body>; they are in the person's language.

window.hallClock = window.hallClock || { offset: guessedOffset() };

const ticking = new Set();

function guessedOffset() {
  // Until the first heartbeat: what the server said when it made this page, against when its answer arrived.
  const servedAt = document.querySelector("[data-served-at]");
  const arrived = performance.timeOrigin + (performance.getEntriesByType("navigation")[0]?.responseStart || 0);
  return servedAt ? Date.parse(servedAt.dataset.servedAt) - arrived : 0;
}

function nowFor(element) {
  const played = element.closest("[data-now]");
  return played?.dataset.now ? Date.parse(played.dataset.now) : Date.now() + window.hallClock.offset;
}

function word(name) {
  return document.body.dataset[name] || "";
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function clockText(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const pad = (count) => String(count).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
}

function minutesOf(seconds) {
  return Math.max(0, Math.floor(seconds / 60));
}

function minutesText(seconds) {
  return word("wordMinutes").replace("{n}", minutesOf(seconds));
}

class Ticking extends HTMLElement {
  connectedCallback() {
    ticking.add(this);
    this.tick();
  }
  disconnectedCallback() {
    ticking.delete(this);
  }
  attributeChangedCallback() {
    if (this.isConnected) this.tick();
  }
}

class TimeSince extends Ticking {
  static observedAttributes = ["at", "as"];
  tick() {
    const at = Date.parse(this.getAttribute("at"));
    if (Number.isNaN(at)) return setText(this, "");
    const seconds = (nowFor(this) - at) / 1000;
    setText(this, this.getAttribute("as") === "clock" ? clockText(seconds) : minutesText(seconds));
  }
}

class WaitLevel extends Ticking {
  static observedAttributes = ["since", "before", "warn", "over"];
  connectedCallback() {
    this.row = this.closest("[data-wait]");
    this.list = this.closest("[data-over]");
    super.connectedCallback();
  }
  tick() {
    const number = (name) => Number(this.getAttribute(name) ?? this.list?.dataset[name] ?? 0);
    const since = Date.parse(this.getAttribute("since"));
    const running = Number.isNaN(since) ? 0 : Math.max(0, (nowFor(this) - since) / 1000);
    const waited = number("before") + running;
    // Over means waited > limit, a warning begins at its own: as the server's due times have it.
    const level = waited > number("over") ? "over" : waited >= number("warn") ? "warn" : "calm";
    const minutes = minutesOf(waited);
    if (this.row) this.dress(waited, level);
    if (this.level === level && this.minutes === minutes && this.firstChild) return;
    this.level = level;
    this.minutes = minutes;
    this.draw(level, minutes);
  }
  dress(waited, level) {
    this.row.classList.toggle("is-over", level === "over");
    this.row.classList.toggle("is-warn", level === "warn");
    const bar = this.row.querySelector(".bar");
    const width = bar && (Math.min(1, waited / Number(this.list.dataset.scale)) * 100).toFixed(1);
    if (bar && bar.getAttribute("width") !== width) bar.setAttribute("width", width);
  }
  draw(level, minutes) {
    const as = this.getAttribute("as") || "chip";
    if (as === "number") return setText(this, String(minutes));
    if (as === "word") {
      return this.replaceChildren(...(level === "calm" ? [] : [chip(level, document.createTextNode(word(level === "over" ? "wordOver" : "wordWarn")))]));
    }
    const text = document.createDocumentFragment();
    const [ahead, behind] = word("wordMinutes").split("{n}");
    const count = document.createElement("b");
    count.textContent = minutes;
    text.append(ahead || "", count, behind || "");
    if (level === "calm") {
      const plain = document.createElement("span");
      plain.className = "plain";
      plain.append(text);
      return this.replaceChildren(plain);
    }
    const said = document.createElement("span");
    said.className = "visually-hidden";
    said.textContent = word(level === "over" ? "wordOver" : "wordWarn") + " ";
    text.prepend(said);
    this.replaceChildren(chip(level, text));
  }
}

function chip(level, content) {
  const made = document.createElement("span");
  made.className = `level level-${level}`;
  const label = document.createElement("span");
  label.append(content);
  made.append(shape(level), label);
  return made;
}

function shape(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

class WallClock extends Ticking {
  static observedAttributes = ["zone"];
  tick() {
    this.say ||= this.hasAttribute("date") ? this.dateIn() : this.timeIn();
    setText(this, this.say(nowFor(this)));
  }
  timeIn() {
    const second = this.hasAttribute("seconds") ? "2-digit" : undefined;
    const format = new Intl.DateTimeFormat("en-GB", { timeZone: this.zone, hour: "2-digit", minute: "2-digit", second, hourCycle: "h23" });
    return (now) => format.format(now);
  }
  dateIn() {
    const chinese = document.documentElement.lang.startsWith("zh");
    const part = (options) => {
      const format = new Intl.DateTimeFormat(chinese ? "zh-CN" : "en-GB", { timeZone: this.zone, ...options });
      return (now) => format.format(now);
    };
    const weekday = part({ weekday: "short" });
    const day = part({ day: "numeric", month: chinese ? "long" : "short" });
    return chinese ? (now) => `${day(now)} ${weekday(now)}` : (now) => `${weekday(now)} ${day(now)}`;
  }
  get zone() {
    return this.getAttribute("zone") || undefined;
  }
}

class OpenWord extends Ticking {
  // <open-word intervals="ISO/ISO ISO/ISO" data-open="Open" data-shut="Closed">: which of the two holds now.
  tick() {
    const now = nowFor(this);
    const open = (this.getAttribute("intervals") || "").split(" ").some((part) => {
      const [from, to] = part.split("/").map(Date.parse);
      return from <= now && now < to;
    });
    setText(this, open ? this.dataset.open : this.dataset.shut);
  }
}

function beat() {
  // Stale numbers stand still: a frozen screen ages no waits that may have ended. The clock on the wall goes on.
  const frozen = document.body.classList.contains("is-frozen");
  for (const element of ticking) if (!frozen || element instanceof WallClock || element instanceof OpenWord) element.tick();
  setTimeout(beat, 1000 - ((Date.now() + window.hallClock.offset) % 1000) + 5);
}

customElements.define("time-since", TimeSince);
customElements.define("wait-level", WaitLevel);
customElements.define("wall-clock", WallClock);
customElements.define("open-word", OpenWord);
beat();
